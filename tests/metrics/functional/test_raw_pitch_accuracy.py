"""Raw pitch accuracy against ``mir_eval``, closed forms and wrong inputs."""

import mir_eval
import numpy as np
import pytest
import torch

from metrics.functional import raw_pitch_accuracy


def contours(seed=0, n=3, n_frames=60):
    """Estimates around a reference, some of either unvoiced, and a mask that leaves out more."""
    rng = np.random.default_rng(seed)
    reference = rng.uniform(80.0, 1000.0, (n, n_frames))
    estimated = reference * 2.0 ** (rng.normal(0.0, 60.0, (n, n_frames)) / 1200.0)
    estimated[rng.random((n, n_frames)) < 0.1] *= 2.0  # octave errors
    reference[rng.random((n, n_frames)) < 0.2] = 0.0
    estimated[rng.random((n, n_frames)) < 0.2] = 0.0
    return estimated, reference, (rng.random((n, n_frames)) < 0.8) & (reference > 0)


def of_mir_eval(estimated, reference, voiced, threshold_cents=50.0):
    cents = mir_eval.melody.hz2cents
    reference, estimated = reference.ravel(), estimated.ravel()
    return mir_eval.melody.raw_pitch_accuracy(
        voiced.ravel().astype(float), cents(reference), estimated > 0, cents(estimated), threshold_cents
    )


@pytest.mark.parametrize("threshold_cents", [10.0, 50.0, 120.0])
@pytest.mark.parametrize("seed", range(5))
def test_value_is_that_of_mir_eval(seed, threshold_cents):
    estimated, reference, voiced = contours(seed)

    value = raw_pitch_accuracy(estimated, reference, voiced, threshold_cents=threshold_cents)

    assert value.shape == ()
    assert value.dtype == torch.float64
    assert value.item() == pytest.approx(of_mir_eval(estimated, reference, voiced, threshold_cents), abs=1e-12)
    assert 0.05 < value < 0.95
    assert value.made_with == {"threshold_cents": threshold_cents, "n_voiced": voiced.sum()}


def test_without_a_mask_the_reference_is_voiced_above_0_hz():
    estimated, reference, voiced = contours()

    value = raw_pitch_accuracy(estimated, reference)

    assert value.item() == pytest.approx(of_mir_eval(estimated, reference, reference > 0), abs=1e-12)
    assert value != raw_pitch_accuracy(estimated, reference, voiced)


def test_a_frame_at_0_hz_is_unvoiced_whatever_the_mask_says():
    estimated, reference, _ = contours()

    everywhere = np.ones_like(reference, dtype=bool)

    assert raw_pitch_accuracy(estimated, reference, everywhere) == raw_pitch_accuracy(estimated, reference)


def test_tensors_arrays_and_lists_score_alike():
    arrays = contours()
    single = [torch.tensor(array) for array in arrays]
    single[0].requires_grad_()

    values = {raw_pitch_accuracy(*given).item() for given in (arrays, single, [array.tolist() for array in arrays])}

    assert len(values) == 1


@pytest.mark.parametrize("cents", [-49.9, 0.0, 49.9])
def test_pitches_within_the_threshold_are_right(cents):
    reference = torch.tensor([[55.0, 440.0, 1760.0]])

    assert raw_pitch_accuracy(reference * 2 ** (cents / 1200), reference) == 1.0


@pytest.mark.parametrize("cents", [-1200.0, -50.1, 50.1, 1200.0, 2400.0])
def test_pitches_beyond_it_are_wrong(cents):
    reference = torch.tensor([[55.0, 440.0, 1760.0]])

    assert raw_pitch_accuracy(reference * 2 ** (cents / 1200), reference) == 0.0


def test_a_pitch_at_exactly_the_threshold_is_wrong():
    given = np.array([[880.0]]), np.array([[440.0]])

    assert raw_pitch_accuracy(*given, threshold_cents=1200.0) == 0.0
    assert raw_pitch_accuracy(*given, threshold_cents=1200.1) == 1.0


def test_a_frame_without_an_estimate_is_wrong():
    assert raw_pitch_accuracy([[0.0, 440.0]], [[440.0, 440.0]]) == 0.5


def test_every_voiced_frame_weighs_the_same():
    estimated = [[440.0, 440.0, 440.0], [880.0, 440.0, 440.0]]
    reference = [[440.0, 440.0, 440.0], [440.0, 0.0, 0.0]]

    assert raw_pitch_accuracy(estimated, reference) == 0.75  # the mean over clips would be 0.5


HZ = np.full((2, 3), 440.0)


@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        ((HZ[0], HZ), {}, r"estimated_hz has shape \(3,\); expected \(n, T\)"),
        ((HZ, HZ[:, :0]), {}, r"reference_hz has shape \(2, 0\); expected \(n, T\), none of them 0"),
        ((HZ, HZ[:1]), {}, r"estimated_hz has shape \(2, 3\) and reference_hz \(1, 3\); expected the same"),
        ((HZ, HZ, HZ[:1] > 0), {}, r"voiced is torch.bool of shape \(1, 3\); expected bool of shape \(2, 3\)"),
        ((HZ, HZ, HZ), {}, r"voiced is torch.float64 of shape \(2, 3\); expected bool"),
        ((HZ * np.nan, HZ), {}, r"estimated_hz is nan at \[0, 0\]; expected finite values only"),
        ((HZ, -HZ), {}, r"reference_hz is -440 at \[0, 0\]; expected Hz, 0 where unvoiced"),
        ((HZ, HZ), {"threshold_cents": 0.0}, "threshold_cents is 0.0; expected more than 0"),
        ((HZ, HZ), {"threshold_cents": float("nan")}, "threshold_cents is nan; expected more than 0"),
        ((HZ, 0 * HZ), {}, "none of the 2 clips has a voiced frame"),
        ((HZ, HZ, HZ < 0), {}, "none of the 2 clips has a voiced frame"),
    ],
)
def test_unusable_inputs_are_named(given, options, message):
    with pytest.raises(ValueError, match=message):
        raw_pitch_accuracy(*given, **options)
