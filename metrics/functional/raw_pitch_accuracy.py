"""The share of voiced frames whose pitch is right."""

import torch
from numpy.typing import ArrayLike
from torch import Tensor

from metrics.functional import inputs
from metrics.functional.estimate import Estimate


def raw_pitch_accuracy(
    estimated_hz: ArrayLike | Tensor,
    reference_hz: ArrayLike | Tensor,
    voiced: ArrayLike | Tensor | None = None,
    *,
    threshold_cents: float = 50.0,
) -> Estimate:
    r"""RPA: how often an estimated pitch is the pitch of the reference, where that has one (Salamon et al. 2014).

    .. math::
        \text{RPA} = \frac{\sum_t v_t\, [\,|1200 \log_2 (\hat f_t / f_t)| < c\,]}{\sum_t v_t}

    The sums run over the frames of all clips, so a clip counts by how long it is voiced. Whether the estimate calls a
    frame voiced does not matter, but a frame without an estimate, at 0 Hz, is wrong. As in ``mir_eval``, a distance of
    exactly the threshold is.

    Args:
        estimated_hz: Estimated pitches in Hz, of shape (n, T): n clips of T frames; 0 where there is none.
        reference_hz: True pitches in Hz, of the same shape; 0 where there is none.
        voiced: Whether the reference has a pitch in a frame, bool of the same shape; None takes the frames in which it
            is above 0 Hz, which it must be in any case.
        threshold_cents: c, in hundredths of a semitone.

    Returns:
        A scalar, a float64 in [0, 1], which shows the threshold and the number of voiced frames.

    Raises:
        ValueError: Shapes that do not match, NaN, infinity or negative pitches, a mask that is not bool, no voiced
            frame, or a threshold that is not positive.

    Example:
        >>> raw_pitch_accuracy([[445.0, 880.0, 0.0, 440.0]], [[440.0, 440.0, 440.0, 0.0]])
        tensor(0.3333, dtype=torch.float64, threshold_cents=50.0, n_voiced=3)
    """
    return accuracy_of(frame_counts(estimated_hz, reference_hz, voiced, threshold_cents), threshold_cents)


def frame_counts(
    estimated_hz: ArrayLike | Tensor,
    reference_hz: ArrayLike | Tensor,
    voiced: ArrayLike | Tensor | None,
    threshold_cents: float,
) -> Tensor:
    """Counts the right frames and the voiced frames of each clip, float64 of shape (n, 2).

    Raises:
        ValueError: See `raw_pitch_accuracy`; a clip may be unvoiced.
    """
    positive_threshold(threshold_cents)
    estimated = _pitches("estimated_hz", estimated_hz)
    reference = _pitches("reference_hz", reference_hz).to(estimated.device)
    if estimated.shape != reference.shape:
        raise ValueError(
            f"estimated_hz has shape {tuple(estimated.shape)} and reference_hz {tuple(reference.shape)}; expected the "
            "same, (n, T)."
        )
    has_pitch = reference > 0
    if voiced is not None:
        mask = torch.as_tensor(voiced, device=estimated.device)
        if mask.shape != reference.shape or mask.dtype != torch.bool:
            raise ValueError(
                f"voiced is {mask.dtype} of shape {tuple(mask.shape)}; expected bool of shape "
                f"{tuple(reference.shape)}, one for each frame of reference_hz."
            )
        has_pitch = has_pitch & mask
    # At 0 Hz, where a quotient has no logarithm, the distance is infinite or NaN, and so never below the threshold.
    right = (1200.0 * (estimated / reference).log2()).abs() < threshold_cents
    return torch.stack([(right & has_pitch).sum(dim=1), has_pitch.sum(dim=1)], dim=1).double()


def accuracy_of(counts: Tensor, threshold_cents: float) -> Estimate:
    """Returns the accuracy over all clips from their `frame_counts`.

    Raises:
        ValueError: No clip has a voiced frame.
    """
    right, voiced = counts.sum(dim=0)
    if not voiced:
        raise ValueError(
            f"none of the {len(counts)} clips has a voiced frame (reference_hz above 0, and voiced where it is given); "
            "raw pitch accuracy is a share of voiced frames."
        )
    return Estimate.of(right / voiced, threshold_cents=threshold_cents, n_voiced=int(voiced))


def positive_threshold(threshold_cents: float) -> None:
    """Checks the threshold.

    Raises:
        ValueError: It is not positive.
    """
    if not threshold_cents > 0:
        raise ValueError(f"threshold_cents is {threshold_cents}; expected more than 0.")


def _pitches(name: str, values: ArrayLike | Tensor) -> Tensor:
    pitches = inputs.finite(name, values, "(n, T)", n_axes=(2,))
    if (pitches < 0).any():
        place = (pitches < 0).nonzero()[0].tolist()
        raise ValueError(f"{name} is {pitches[tuple(place)].item():g} at {place}; expected Hz, 0 where unvoiced.")
    return pitches
