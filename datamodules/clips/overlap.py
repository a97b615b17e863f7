"""A warning of validation clips that training clips share sound with."""

from lightning.pytorch.utilities import rank_zero_warn


def warn_of_overlap(hop_seconds: float, seconds: float, *, together: bool, argument: str) -> None:
    """Warns where segments overlap and are split one by one.

    Args:
        hop_seconds: Seconds from the start of a segment to the start of the next.
        seconds: Length of the segments.
        together: Whether all segments of a recording are on one side of the split.
        argument: The argument that keeps them together.
    """
    if hop_seconds < seconds and not together:
        rank_zero_warn(
            f"segments start each {hop_seconds:g} s, so that those for validation overlap those for training; "
            f"{argument}=True keeps them apart."
        )
