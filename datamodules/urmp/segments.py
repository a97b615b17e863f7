"""URMP's stems cut into segments, of which those without a clear pitch are dropped (Luo et al. 2022, section 5.1)."""

import csv
import functools
import io
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from lightning.pytorch.utilities import rank_zero_info
from numpy.typing import NDArray

from datamodules.clips.source import ClipSource
from datamodules.clips.split import check_sides, split_by_class, split_groups_by_class
from datamodules.errors import DataError
from datamodules.urmp.measures import Measures, measured
from datamodules.urmp.stems import Stem
from modules.audio import crepe_confidence, resample
from modules.audio.crepe import SAMPLE_RATE, Capacity

SEGMENT_SECONDS = 4
TABLE = "segments.csv"
"""File in the cache entry: which segments were kept, which were dropped, and why."""

_FRAMES_PER_SECOND = SAMPLE_RATE // crepe_confidence.HOP_LENGTH
_COLUMNS = ("clip", "instrument", "piece", "stem", "start_seconds", "mean_confidence", "kept", "reason")


@dataclass(frozen=True)
class Segment:
    """A stretch of a stem.

    Attributes:
        stem: The stem.
        start: Start in seconds.
        confidence: Mean of CREPE's confidence over its frames; None where it is the short rest of a stem.
        reason: Reason why it was dropped; empty where it was kept.
    """

    stem: Stem
    start: float
    confidence: float | None
    reason: str


def segment_starts(stem: Stem, sample_rate: int, hop_seconds: float) -> list[float]:
    """Returns where the whole segments of a stem start, in seconds."""
    seconds = stem.recording.length(sample_rate) / sample_rate
    n_segments = max(0, int((seconds - SEGMENT_SECONDS) // hop_seconds) + 1)
    return [number * hop_seconds for number in range(n_segments)]


@dataclass(frozen=True)
class UrmpSegments(ClipSource):
    """The segments of stems that have a clear pitch.

    Audio is mixed to mono, resampled, and divided by the peak of all stems of its instrument. Stems are
    measured, which takes hours with the full model, when the segments are first asked for.

    Args:
        stems: Stems to cut.
        instruments: Instruments of the stems, in the order of their numbers.
        sample_rate: Sample rate that clips are brought to, in Hz.
        min_confidence: Mean confidence, in [0, 1], that a segment must have to be kept.
        hop_seconds: Seconds from the start of a segment to the start of the next.
        crepe_model: One of `crepe_confidence.MODELS`.
        cache_dir: Folder of the cache, where the measures are kept.
        n_workers: Worker processes that measure.
        split_by_piece: Whether all segments of a piece are on one side of a split.

    Raises:
        DataError: A number out of range, or no such CREPE model.
    """

    stems: tuple[Stem, ...]
    instruments: tuple[str, ...]
    sample_rate: int
    min_confidence: float
    hop_seconds: float
    crepe_model: Capacity
    cache_dir: Path
    n_workers: int
    split_by_piece: bool = False
    name = "urmp"

    def __post_init__(self) -> None:
        if self.crepe_model not in crepe_confidence.MODELS:
            raise DataError(
                f"crepe_model is '{self.crepe_model}'; choose from {', '.join(crepe_confidence.MODELS)}.",
                argument="crepe_model",
            )
        if not 0 <= self.min_confidence <= 1:
            raise DataError(
                f"min_confidence is {self.min_confidence}; it must lie between 0 and 1.", argument="min_confidence"
            )
        if not self.hop_seconds > 0:
            raise DataError(f"hop_seconds is {self.hop_seconds}; it must be more than 0.", argument="hop_seconds")

    @property
    def n_samples(self) -> int:  # type: ignore[override]
        return SEGMENT_SECONDS * self.sample_rate

    def __len__(self) -> int:
        return len(self.kept)

    def key(self) -> dict[str, Any]:
        return {
            "stems": [[stem.name, *stem.recording.state] for stem in self.stems],
            "libsndfile": soundfile.__libsndfile_version__,
            "resampling": resample.VERSION,
            "instruments": list(self.instruments),
            "sample_rate": self.sample_rate,
            "seconds": SEGMENT_SECONDS,
            "hop_seconds": self.hop_seconds,
            "min_confidence": self.min_confidence,
            "crepe": [crepe_confidence.VERSION, self.crepe_model, crepe_confidence.HOP_LENGTH],
        }

    def audio(self, index: int) -> NDArray[np.float32]:
        segment = self.kept[index]
        start = round(segment.start * self.sample_rate)
        audio = segment.stem.recording.audio(self.sample_rate, start, start + self.n_samples)
        return audio / np.float32(self.peaks[segment.stem.instrument])

    def prepare(self) -> None:
        """Measures the stems, and says how many segments are kept."""
        rank_zero_info(f"URMP: kept {self.summary()}. Which and why is in {TABLE} in the cache entry.")

    @property
    def class_names(self) -> dict[str, tuple[str, ...]]:
        """The instrument and the piece; arrangements of a piece count as one."""
        return {"instrument": self.instruments, "piece": tuple(sorted({stem.title for stem in self.stems}))}

    def labels(self) -> dict[str, NDArray[np.integer]]:
        pieces = self.class_names["piece"]
        return {
            "instrument": np.array([self.instruments.index(segment.stem.instrument) for segment in self.kept]),
            "piece": np.array([pieces.index(segment.stem.title) for segment in self.kept]),
        }

    def groups(self) -> NDArray[np.integer]:
        return self.labels()["piece"] if self.split_by_piece else super().groups()

    def parts(self, validation_fraction: float, seed: int) -> NDArray[np.integer]:
        """The wanted share of each instrument, segment by segment or piece by piece."""
        instrument = self.labels()["instrument"]
        if self.split_by_piece:
            validation = split_groups_by_class(instrument, self.groups(), validation_fraction, seed)
            remedy = "try another seed or validation_fraction, or set split_by_piece=False"
        else:
            validation = split_by_class(instrument, validation_fraction, seed)
            remedy = "change validation_fraction, or lower min_confidence for more segments"
        check_sides(validation, instrument, self.instruments, remedy)
        return validation.astype(int)

    def clip_names(self, indices: NDArray[np.integer]) -> list[str]:
        segments = [self.kept[index] for index in indices.tolist()]
        return [f"{segment.stem.name} at {segment.start:g} s" for segment in segments]

    def texts(self) -> dict[str, str]:
        return {TABLE: self.table()}

    @functools.cached_property
    def peaks(self) -> dict[str, float]:
        """The largest absolute sample of each instrument's stems."""
        peaks = {
            instrument: max(self._measures[stem.name].peak for stem in self.stems if stem.instrument == instrument)
            for instrument in self.instruments
        }
        for instrument, peak in peaks.items():
            if not peak:
                raise DataError(f"the stems of {instrument} are silent. Unpack URMP again, or leave {instrument} out.")
        return peaks

    @functools.cached_property
    def segments(self) -> tuple[Segment, ...]:
        """All segments, kept and dropped, in the order of the stems."""
        return tuple(segment for stem in self.stems for segment in self._cut(stem))

    @functools.cached_property
    def kept(self) -> tuple[Segment, ...]:
        """The clips.

        Raises:
            DataError: Nothing of an instrument is kept.
        """
        for instrument in self.instruments:
            own = [segment for segment in self.segments if segment.stem.instrument == instrument]
            confidences = [segment.confidence for segment in own if segment.confidence is not None]
            if not confidences:
                raise DataError(f"the stems of {instrument} are all shorter than {SEGMENT_SECONDS} s; leave it out.")
            if all(segment.reason for segment in own):
                raise DataError(
                    f"none of the {len(confidences)} segments of {instrument} has a mean CREPE confidence of "
                    f"{self.min_confidence} or more; the highest is {max(confidences):.3f}. Lower min_confidence, or "
                    f"leave {instrument} out of instruments.",
                    argument="min_confidence",
                )
        return tuple(segment for segment in self.segments if not segment.reason)

    def table(self) -> str:
        """Returns what was kept, what was dropped and why, as CSV with one row for each segment.

        The column ``clip`` is the number of the clip, as in the ``index`` of batches.
        """
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(_COLUMNS)
        n_kept = 0
        for segment in self.segments:
            stem, kept = segment.stem, not segment.reason
            confidence = "" if segment.confidence is None else f"{segment.confidence:.4f}"
            start = f"{segment.start:g}"
            place = (n_kept if kept else "", stem.instrument, stem.title, stem.name)
            writer.writerow((*place, start, confidence, "yes" if kept else "no", segment.reason))
            n_kept += kept
        return text.getvalue()

    def summary(self) -> str:
        """Returns how many segments of each instrument were kept, in one line."""
        parts = []
        for instrument in self.instruments:
            stems = {stem.name for stem in self.stems if stem.instrument == instrument}
            whole = [s for s in self.segments if s.stem.name in stems and s.confidence is not None]
            n_kept = sum(not segment.reason for segment in whole)
            parts.append(f"{n_kept} of {len(whole)} segments of {len(stems)} stems of {instrument}")
        return ", ".join(parts)

    @functools.cached_property
    def _measures(self) -> dict[str, Measures]:
        return measured(self.stems, self.crepe_model, self.cache_dir, self.n_workers)

    def _cut(self, stem: Stem) -> list[Segment]:
        starts = segment_starts(stem, self.sample_rate, self.hop_seconds)
        confidence = self._measures[stem.name].confidence
        segments = []
        for start in starts:
            first = round(start * _FRAMES_PER_SECOND)
            mean = float(confidence[first : first + SEGMENT_SECONDS * _FRAMES_PER_SECOND].mean(dtype=np.float64))
            reason = "" if mean >= self.min_confidence else f"mean confidence below {self.min_confidence}"
            segments.append(Segment(stem, start, mean, reason))
        rest = starts[-1] + SEGMENT_SECONDS if starts else 0.0
        left = stem.recording.length(self.sample_rate) / self.sample_rate - rest
        if left > 0:
            segments.append(Segment(stem, rest, None, f"rest of {left:.3f} s, shorter than a segment"))
        return segments
