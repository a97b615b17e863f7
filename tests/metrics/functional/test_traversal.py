import numpy as np
import pytest
import torch

from metrics.functional import monotonicity, smoothness


def plain_smoothness(z, a):
    """Of one traversal, from its differences one by one."""
    step = z[1] - z[0]
    first = [(a[k + 1] - a[k]) / step for k in range(len(a) - 1)]
    second = [abs((first[k + 1] - first[k]) / step) for k in range(len(first) - 1)]
    contraharmonic_mean = sum(value**2 for value in second) / sum(second)
    return 1 - contraharmonic_mean / ((max(first) - min(first)) / abs(step))


def plain_monotonicity(z, a, threshold=1e-3):
    signs = []
    for k in range(len(a) - 1):
        rate = (a[k + 1] - a[k]) / (z[k + 1] - z[k])
        if abs(rate) > threshold:
            signs.append(1 if rate > 0 else -1)
    return sum(signs) / len(signs) if signs else 0.0


def curves(n=6, n_attributes=3, t=11, step=0.37):
    rng = np.random.default_rng(0)
    z = rng.normal(size=(n, n_attributes, 1)) + step * np.arange(t)
    return z, np.sin(2 * z) + 0.2 * rng.normal(size=z.shape)


@pytest.mark.parametrize("step", [0.37, 1.0, 1e-3, -0.37, -2.0, 50.0])
def test_scores_are_the_means_of_plain_loops(step):
    z, a = curves(step=step)
    a[2, 1, 4:8] = a[2, 1, 4]

    smooth, monotone = smoothness(z, a), monotonicity(z, a)

    for score, plain in ((smooth, plain_smoothness), (monotone, plain_monotonicity)):
        expected = [np.mean([plain(z[i, m], a[i, m]) for i in range(6)]) for m in range(3)]
        assert score.numpy() == pytest.approx(expected, abs=1e-9)
        assert score.dtype == torch.float64
        assert score.made_with["n_samples"] == 6


def test_traversals_of_one_attribute_need_no_axis_for_it():
    z, a = curves()

    for score in (smoothness, monotonicity):
        alone = score(z[:, 1], a[:, 1])
        assert alone.shape == (1,)
        assert torch.equal(alone, score(z, a)[1:2])


def test_attributes_do_not_matter_to_each_other():
    z, a = curves()

    for score in (smoothness, monotonicity):
        assert torch.equal(score(z[:, [2, 0]], a[:, [2, 0]]), score(z, a)[[2, 0]])


@pytest.mark.parametrize(("slope", "offset"), [(2.0, 1.0), (-0.7, 0.1), (1e3, 0.0), (1e-5, 0.0)])
@pytest.mark.parametrize("t", [3, 101])
def test_a_line_is_smooth(t, slope, offset):
    z = np.linspace(-1.0, 1.0, t)[None]

    assert smoothness(z, slope * z + offset).numpy() == pytest.approx([1.0], abs=1e-6)


def test_a_line_of_whole_numbers_is_smooth():
    z = np.arange(8.0)[None]

    assert smoothness(z, 3 * z - 4).item() == 1.0


@pytest.mark.parametrize(("slope", "score"), [(2.0, 1.0), (-0.7, -1.0), (1e-2, 1.0), (1e-4, 0.0)])
def test_a_line_is_monotone_where_it_is_steep_enough(slope, score):
    z = np.linspace(-1.0, 1.0, 11)[None]

    assert monotonicity(z, slope * z + 1).item() == score


@pytest.mark.parametrize("value", [0.0, 0.1, -3e5])
@pytest.mark.parametrize("score", [smoothness, monotonicity])
def test_an_attribute_that_never_changes_has_no_score(score, value):
    z = np.linspace(-1.0, 1.0, 11)[None]

    assert score(z, np.full_like(z, value)).isnan().tolist() == [True]


@pytest.mark.parametrize("score", [smoothness, monotonicity])
def test_an_attribute_that_moves_by_no_more_than_its_resolution_stands_still(score):
    z, a = np.arange(5.0)[None], np.array([[50.0, 50.25, 50.125, 50.0, 50.25]])

    assert score(z, a, resolution=0.25).isnan().all()
    assert torch.equal(score(z, a, resolution=0.24).as_subclass(torch.Tensor), score(z, a).as_subclass(torch.Tensor))
    assert score(z, a, resolution=0.25).made_with["resolution"] == 0.25


@pytest.mark.parametrize("score", [smoothness, monotonicity])
def test_traversals_that_stand_still_are_left_out_of_the_mean(score):
    """For each attribute its own: traversal 1 of attribute 0 and traversal 4 of attribute 2 stand still."""
    z, a = curves()
    a[1, 0], a[4, 2] = 1e-3 * a[1, 0], 1e-3 * a[4, 2]

    values = score(z, a, resolution=0.05)

    assert values[0].item() == pytest.approx(score(np.delete(z, 1, 0), np.delete(a, 1, 0))[0].item(), abs=1e-12)
    assert values[1].item() == score(z, a)[1].item()
    assert values[2].item() == pytest.approx(score(np.delete(z, 4, 0), np.delete(a, 4, 0))[2].item(), abs=1e-12)


@pytest.mark.parametrize("height", [4.0, -0.3])
def test_a_jump_is_not_smooth_but_monotone(height):
    z = np.linspace(-1.0, 1.0, 11)[None]

    a = np.where(z > 0.1, height, 0.0)

    # The two bends are each as large as the range of the rate.
    assert smoothness(z, a).item() == pytest.approx(0.0, abs=1e-9)
    assert monotonicity(z, a).item() == np.sign(height)


@pytest.mark.parametrize("t", [4, 11, 51])
@pytest.mark.parametrize("step", [0.1, -0.25])
def test_a_parabola_bends_by_one_share_of_the_range_at_each_position(step, t):
    z = step * np.arange(t)[None]

    assert smoothness(z, z**2).item() == pytest.approx(1 - 1 / (t - 2), abs=1e-9)


def test_directions_average_over_steps_and_traversals():
    z = np.arange(5.0)[None].repeat(3, axis=0)
    a = np.array(
        [[0.0, 1.0, 2.0, 3.0, 2.0], [0.0, -1.0, -1.0, -1.0, -1.0], [1.0, 1.0, 1.0, 1.0, 1.0]]
    )  # the last stands still

    assert monotonicity(z, a).item() == pytest.approx((0.5 - 1.0) / 2, abs=1e-12)


def test_walking_back_gives_the_same():
    z, a = curves()

    for score in (smoothness, monotonicity):
        back = score(z[..., ::-1].copy(), a[..., ::-1].copy())
        assert back.numpy() == pytest.approx(score(z, a).numpy(), abs=1e-9)
    assert (monotonicity(-z, a) == -monotonicity(z, a)).all()
    assert smoothness(-z, a).numpy() == pytest.approx(smoothness(z, a).numpy(), abs=1e-9)


@pytest.mark.parametrize("threshold", [0.0, 0.3, 1.0, 100.0])
def test_the_threshold_is_a_rate(threshold):
    z, a = curves()

    values = monotonicity(z, a, threshold=threshold)

    expected = [np.mean([plain_monotonicity(z[i, m], a[i, m], threshold) for i in range(6)]) for m in range(3)]
    assert values.numpy() == pytest.approx(expected, abs=1e-12)
    assert values.made_with == {"threshold": threshold, "resolution": 0.0, "n_samples": 6}


def test_a_rate_at_the_threshold_counts_as_none():
    z = np.arange(4.0)[None]
    a = np.array([[0.0, 0.5, 0.0, 1.0]])

    assert monotonicity(z, a, threshold=0.5).item() == 1.0
    assert monotonicity(z, a, threshold=0.49).item() == pytest.approx(1 / 3, abs=1e-12)


def test_unit_and_offset_do_not_matter_to_smoothness():
    z, a = curves()

    assert smoothness(z, 1e-4 * a + 3).numpy() == pytest.approx(smoothness(z, a).numpy(), abs=1e-8)
    assert smoothness(100 * z + 7, a).numpy() == pytest.approx(smoothness(z, a).numpy(), abs=1e-8)


def test_single_precision_steps_are_even_enough():
    z, a = curves()
    narrow = (torch.tensor(z, dtype=torch.float32), torch.tensor(a, dtype=torch.float32))

    assert smoothness(*narrow).numpy() == pytest.approx(smoothness(z, a).numpy(), abs=1e-4)
    assert monotonicity(*narrow).numpy() == pytest.approx(monotonicity(z, a).numpy(), abs=1e-9)


@pytest.mark.parametrize("score", [smoothness, monotonicity])
@pytest.mark.parametrize(
    ("z", "a", "message"),
    [
        (np.arange(5.0), np.arange(5.0), r"latents has shape \(5,\); expected \(N, T\) or \(N, M, T\)"),
        (np.zeros((2, 2, 2, 5)), np.zeros((2, 2, 2, 5)), r"latents has shape \(2, 2, 2, 5\); expected \(N, T\) or"),
        (np.zeros((0, 5)), np.zeros((0, 5)), r"latents has shape \(0, 5\)"),
        (np.arange(5.0)[None], np.arange(5.0), r"attributes has shape \(5,\); expected that of latents, \(1, 5\)"),
        (np.arange(5.0)[None], np.arange(6.0)[None], r"\(1, 5\) and attributes \(1, 6\); expected the same shape"),
        (np.arange(5.0)[None, None], np.zeros((1, 2, 5)), r"\(1, 1, 5\) and attributes \(1, 2, 5\); expected the same"),
        (np.arange(2.0)[None], np.arange(2.0)[None], r"latents has shape \(1, 2\).*three positions or more"),
        ([[0.0, 1.0, 2.1]], [[0.0, 1.0, 2.0]], "latents is not evenly spaced.*expected steps of one size, not 0"),
        ([[0.0, 1.0, 0.0]], [[0.0, 1.0, 2.0]], "latents is not evenly spaced"),
        ([[0.0, 1.0, 2.0], [3.0, 3.0, 3.0]], np.eye(3)[:2], "latents is not evenly spaced"),
        ([[0.0, np.nan, 2.0]], [[0.0, 1.0, 2.0]], r"latents is nan at \[0, 1\]; expected finite values"),
        (np.arange(6.0).reshape(2, 3), [[0.0, 1, 2], [0, 1, -np.inf]], r"attributes is -inf at \[1, 2\]; expected fin"),
        ([[0.0, 1.0, 2.0]], [["low", "mid", "high"]], "attributes cannot be read as an array of numbers"),
        ([["low", "mid", "high"]], [[0.0, 1.0, 2.0]], "latents cannot be read as an array of numbers"),
        ([[0.0, 1.0, 2.0], [0.0, 1.0]], [[0.0, 1.0, 2.0]], "latents cannot be read as an array of numbers"),
        (None, [[0.0, 1.0, 2.0]], r"latents.*expected \(N, T\) or \(N, M, T\)"),
    ],
)
def test_unusable_traversals_are_named(score, z, a, message):
    with pytest.raises(ValueError, match=message):
        score(z, a)


def test_a_negative_threshold():
    with pytest.raises(ValueError, match=r"threshold is -0.1; expected 0 or more"):
        monotonicity(*curves(), threshold=-0.1)


@pytest.mark.parametrize("score", [smoothness, monotonicity])
@pytest.mark.parametrize("resolution", [-0.1, float("nan")])
def test_a_resolution_that_is_none(score, resolution):
    with pytest.raises(ValueError, match=rf"resolution is {resolution}; expected 0 or more"):
        score(*curves(), resolution=resolution)
