"""Recordings cut into segments of equal length, and which of these are dropped."""

import math
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import Literal, NamedTuple, get_args

from datamodules.audio_folder.measures import LEVELS_PER_SECOND, Measures
from datamodules.errors import DataError
from datamodules.storage.recording import Recording

Rest = Literal["drop", "pad"]

_TOLERANCE = 1e-6  # seconds, for what is a whole number of hops but for rounding


class Drop(StrEnum):
    """Why a segment is dropped."""

    SILENCE = "silence"
    REST = "rest"
    SHORT = "too short"
    UNREADABLE = "unreadable"


class Segment(NamedTuple):
    """A stretch of a recording."""

    file: int
    """Number of the recording."""
    start: float
    """Start in seconds."""
    drop: Drop | None
    """Why it was dropped; None where it was kept."""
    detail: str = ""
    """What there is to say about that."""


@dataclass(frozen=True)
class Cut:
    """How recordings are cut.

    Attributes:
        seconds: Length of a segment.
        hop_seconds: Seconds from the start of a segment to the start of the next.
        rest: What becomes of the end of a recording that fills no segment: ``drop``, or ``pad`` it with silence.
        silence_db: A segment whose loudest 100 ms lie below this level, in dB, is dropped; None drops none.

    Raises:
        DataError: A number out of range.
    """

    seconds: float
    hop_seconds: float
    rest: Rest
    silence_db: float | None

    def __post_init__(self) -> None:
        for name, value in (("seconds", self.seconds), ("hop_seconds", self.hop_seconds)):
            if not 0 < value < math.inf:
                raise DataError(f"{name} is {value}; it must be more than 0.", argument=name)
        if self.rest not in get_args(Rest):
            raise DataError(f"rest is {self.rest!r}; choose from {', '.join(get_args(Rest))}.", argument="rest")
        if self.silence_db is not None and not -math.inf < self.silence_db <= 0:
            raise DataError(
                f"silence_db is {self.silence_db}; it must be a level in dB below 0, like -60, or null for none.",
                argument="silence_db",
            )

    def segments(self, number: int, recording: Recording, heard: Measures | str) -> Iterator[Segment]:
        """Cuts a recording.

        Args:
            number: Number of the recording.
            recording: The recording.
            heard: What was heard of it, or why it cannot be used.

        Yields:
            Its segments, in order, kept and dropped.
        """
        if isinstance(heard, str):
            yield Segment(number, 0.0, Drop.UNREADABLE, heard)
            return
        length = heard.n_samples / recording.rate
        n_whole = max(0, math.floor((length - self.seconds) / self.hop_seconds + _TOLERANCE) + 1)
        for start in (index * self.hop_seconds for index in range(n_whole)):
            yield self._heard(number, start, start + self.seconds, heard)
        start = n_whole * self.hop_seconds
        covered = start - self.hop_seconds + self.seconds if n_whole else 0.0
        if length - max(start, covered) <= _TOLERANCE:
            return
        if self.rest == "pad":
            yield self._heard(number, start, length, heard)
        else:
            yield Segment(number, start, Drop.REST if n_whole else Drop.SHORT, f"{length - start:.3f} s")

    def _heard(self, number: int, start: float, stop: float, heard: Measures) -> Segment:
        # Levels whose middle lies inside; where there is none, the one that it starts in.
        first, end = (math.ceil(second * LEVELS_PER_SECOND - 0.5 - _TOLERANCE) for second in (start, stop))
        if end <= first:
            first = math.floor(start * LEVELS_PER_SECOND + _TOLERANCE)
        first = min(first, len(heard.levels) - 1)
        loudest = float(heard.levels[first : max(end, first + 1)].max())
        silent = self.silence_db is not None and loudest < self.silence_db
        return (
            Segment(number, start, Drop.SILENCE, f"loudest {loudest:.1f} dB")
            if silent
            else Segment(number, start, None)
        )
