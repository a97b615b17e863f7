"""Smoothness and monotonicity over batches: shapes, options and refusals."""

import pytest
import torch

from metrics import Monotonicity, Smoothness

both = pytest.mark.parametrize("make", [Smoothness, Monotonicity])


def computed(metric, latents, attributes):
    """What it gives for traversals in batches."""
    for batch in torch.arange(len(latents)).split(12):
        metric.update(latents[batch], attributes[batch], batch)
    return metric.compute()


@both
def test_one_attribute_needs_no_axis_of_its_own(make, reference):
    latents, attributes = reference.traversals()
    with_axis = computed(make(), latents[:, :1], attributes[:, :1])
    without = computed(make(), latents[:, 0], attributes[:, 0])

    (expected,) = getattr(reference, make.__name__.lower())(latents[:, :1], attributes[:, :1])
    assert with_axis.shape == without.shape == ()
    assert with_axis.item() == without.item() == pytest.approx(expected, abs=1e-9)


@both
def test_every_attribute_has_its_own_value(make, reference):
    latents, attributes = reference.traversals()
    values = computed(make(), latents, attributes)

    assert values.shape == (2,)
    assert computed(make(), latents.flip(1), attributes.flip(1)).tolist() == values.flip(0).tolist()


@both
def test_a_traversal_may_be_walked_from_either_end(make, reference):
    latents, attributes = reference.traversals()
    forwards = computed(make(), latents, attributes)
    backwards = computed(make(), latents.flip(-1), attributes.flip(-1))

    assert backwards.tolist() == pytest.approx(forwards.tolist(), abs=1e-9)


def test_the_units_of_an_attribute_do_not_matter_to_smoothness(reference):
    latents, attributes = reference.traversals()
    values = computed(Smoothness(), latents, attributes)

    assert computed(Smoothness(), 4 * latents, 8 - 2 * attributes).tolist() == pytest.approx(values.tolist(), abs=1e-6)


@pytest.mark.parametrize(
    ("attribute", "smoothness", "monotonicity"),
    [
        ([0.0, 1.0, 2.0, 3.0, 4.0], 1.0, 1.0),
        ([4.0, 3.0, 2.0, 1.0, 0.0], 1.0, -1.0),
        ([5.0, 5.0, 5.0, 5.0, 5.0], torch.nan, torch.nan),
        ([0.0, 1.0, 4.0, 9.0, 16.0], 1.0 - 2.0 / 6.0, 1.0),
        ([0.0, 0.0, 1.0, 1.0, 1.0], 0.0, 1.0),
        ([0.0, 1.0, 0.0, 1.0, 1.0], 1.0 - (4 + 4 + 1) / 5 / 2, 1.0 / 3.0),
    ],
)
def test_traversals_whose_scores_are_known(attribute, smoothness, monotonicity):
    positions, attribute = torch.arange(5.0)[None], torch.tensor([attribute])

    assert computed(Smoothness(), positions, attribute).item() == pytest.approx(smoothness, abs=1e-12, nan_ok=True)
    value = computed(Monotonicity(), positions, attribute).item()
    assert value == pytest.approx(monotonicity, abs=1e-12, nan_ok=True)


@both
def test_traversals_that_stand_still_are_left_out_of_the_mean(make, reference):
    """Also where all of a batch do."""
    latents, attributes = reference.traversals()
    attributes = torch.cat([attributes[:12], 1e-4 * attributes[12:24], attributes[24:]])
    values = computed(make(resolution=0.01), latents, attributes)

    moving = torch.cat([torch.arange(12), torch.arange(24, len(latents))])
    expected = computed(make(), latents[moving], attributes[moving])
    assert values.tolist() == pytest.approx(expected.tolist(), abs=1e-12)


@pytest.mark.parametrize("threshold", [0.0, 0.5, 2.0])
def test_the_threshold_says_what_counts_as_a_change(threshold):
    """Steps of 0.5 are no change at a threshold of 0.5, nor at one of 2; those of 1 and -4 are at 0.5."""
    positions, attribute = torch.arange(5.0)[None], torch.tensor([[0.0, 0.5, 1.0, 2.0, -2.0]])
    value = computed(Monotonicity(threshold=threshold), positions, attribute)

    assert value.item() == {0.0: 0.5, 0.5: 0.0, 2.0: -1.0}[threshold]


@pytest.mark.parametrize("threshold", [0.3, 1.0])
def test_the_threshold_is_a_rate(threshold, reference):
    value = computed(Monotonicity(threshold=threshold), *reference.traversals())
    first, _ = reference.traversals()

    rates = reference.traversals()[1].double().diff(dim=-1) / first.double().diff(dim=-1)
    ups, downs = ((sign * rates > threshold).sum(dim=-1) for sign in (1, -1))
    expected = ((ups - downs) / (ups + downs).clamp(min=1).double()).mean(dim=0)
    assert value.tolist() == pytest.approx(expected.tolist(), abs=1e-9)
    assert value.tolist() != pytest.approx(computed(Monotonicity(), *reference.traversals()).tolist(), abs=1e-3)


def test_the_values_show_what_they_were_made_with(reference):
    shown = repr(computed(Smoothness(), *reference.traversals()))
    assert shown.endswith("dtype=torch.float64, resolution=0.0, n_samples=31)")
    shown = repr(computed(Monotonicity(threshold=0.01), *reference.traversals()))
    assert shown.endswith("dtype=torch.float64, threshold=0.01, resolution=0.0, n_samples=31)")


@both
def test_traversals_that_cannot_be_scored_are_refused(make):
    positions = torch.arange(5.0).expand(2, 5)
    with pytest.raises(ValueError, match=r"latents has shape \(2, 5\) and attributes \(2, 4\); expected the same"):
        make().update(positions, positions[:, :4])
    with pytest.raises(ValueError, match=r"latents has shape \(2, 5\) and attributes \(1, 5\); expected the same"):
        make().update(positions, positions[:1])
    with pytest.raises(ValueError, match="expected the same shape, with three positions or more"):
        make().update(positions[:, :2], positions[:, :2])
    with pytest.raises(ValueError, match="latents is not evenly spaced"):
        make().update(positions**2, positions)
    with pytest.raises(ValueError, match="latents is not evenly spaced"):
        make().update(torch.zeros(2, 5), positions)
    with pytest.raises(ValueError, match=r"latents has shape \(5,\); expected"):
        make().update(positions[0], positions[0])


def test_a_negative_threshold_is_refused():
    with pytest.raises(ValueError, match=r"threshold is -0.1; expected 0 or more"):
        Monotonicity(threshold=-0.1)


@both
def test_a_negative_resolution_is_refused(make):
    with pytest.raises(ValueError, match=r"resolution is -0.1; expected 0 or more"):
        make(resolution=-0.1)
