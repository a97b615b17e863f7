"""A folder of recordings as a numbered collection of clips."""

import csv
import functools
import hashlib
import io
from collections import Counter
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any, Literal, get_args

import numpy as np
import soundfile
from lightning.pytorch.utilities import rank_zero_info, rank_zero_warn
from numpy.typing import NDArray

from datamodules.audio_folder import measures
from datamodules.audio_folder.labels import Labels, Role, labels_of
from datamodules.audio_folder.measures import Measures, measured
from datamodules.audio_folder.recordings import Found, find_recordings
from datamodules.audio_folder.segments import Cut, Drop, Segment
from datamodules.clips.source import ClipSource, Part
from datamodules.clips.split import split_by_class, split_groups_by_class
from datamodules.errors import DataError, first_of
from datamodules.storage.recording import Recording
from modules.audio import resample

Amplitude = Literal["as_it_is", "file", "class", "set"]
Unreadable = Literal["refuse", "leave_out"]

TABLE = "segments.csv"
"""File in the cache entry: where each segment is from, whether it was kept, and why not."""


@dataclass(frozen=True)
class AudioFolder(ClipSource):
    """Segments of the recordings in a folder.

    Audio is mixed to mono and resampled. Files are listened to once, when their segments are first asked for.

    Args:
        root: The folder.
        sample_rate: Sample rate that clips are brought to, in Hz.
        cut: How recordings are cut into segments.
        amplitude: What audio is divided by the peak of, so that 1 is its largest sample: the ``file``, all files of its
            ``class`` (the first way to class them), the whole ``set``; or nothing, ``as_it_is``.
        table: Path of a table of the files, from the folder on; see `labels_of`.
        columns: What columns of the table are.
        folder_classes: Whether folders make classes.
        unreadable: What is done with files that cannot be read to their end or hold NaN or infinite samples: ``refuse``
            the folder, or ``leave_out`` the files.
        split_by_file: Whether all segments of a file, or of a group that the table names, are on one side of a split.
        cache_dir: Folder of the cache, where what is heard is kept.
        n_workers: Worker processes that listen.

    Raises:
        DataError: An option that names nothing; a folder that cannot be had; files that cannot be read; or a table that
            does not fit them.
    """

    root: Path
    sample_rate: int
    cut: Cut
    amplitude: Amplitude
    table: Path | None
    columns: Mapping[str, Role]
    folder_classes: bool
    unreadable: Unreadable
    split_by_file: bool
    cache_dir: Path
    n_workers: int
    name = "audio-folder"
    found: Found = field(init=False)
    """The files that there are, by their headers."""
    labels_of_files: Labels = field(init=False)
    """What is known of the files that can be read."""

    def __post_init__(self) -> None:
        for name, kind in (("amplitude", Amplitude), ("unreadable", Unreadable)):
            if getattr(self, name) not in get_args(kind):
                choices = ", ".join(get_args(kind))
                raise DataError(f"{name} is {getattr(self, name)!r}; choose from {choices}.", argument=name)
        found = find_recordings(self.root)
        self._refuse_or_pass(list(found.problems.values()))
        if not found.recordings:
            raise DataError(
                f"none of the {len(found.problems)} files of audio in {self.root} can be read: "
                f"{first_of(list(found.problems.values()), 5, '; ')}.",
                argument="root",
            )
        names = [one.name for one in found.recordings]
        known = labels_of(names, self.root, self.table, self.columns, self.folder_classes, found.problems)
        if self.amplitude == "class" and not known.classes:
            raise DataError(
                "amplitude is 'class', and these recordings have no classes; choose file or set.", argument="amplitude"
            )
        object.__setattr__(self, "found", found)
        object.__setattr__(self, "labels_of_files", known)

    @property
    def n_samples(self) -> int:  # type: ignore[override]
        return max(1, round(self.cut.seconds * self.sample_rate))

    def prepare(self) -> None:
        """Listens to the files, and says what is kept, what is left out, and what may be amiss."""
        rank_zero_info(f"{self.root}: kept {self.summary()}. Which and why is in {TABLE} in the cache entry.")
        if problems := self.problems:
            rank_zero_warn(f"{_n_files(len(problems))} left out: {first_of(list(problems.values()), 5, '; ')}.")
        low = Counter(one.rate for one in self.recordings if one.rate < self.sample_rate)
        if low:
            rates = ", ".join(f"{rate} Hz" for rate in sorted(low))
            rank_zero_warn(
                f"{low.total()} of {len(self.recordings)} recordings have a sample rate of {rates}, and clips have "
                f"{self.sample_rate} Hz: nothing is heard in these above {min(low) // 2} Hz."
            )
        self._warn_of_classes()

    def __len__(self) -> int:
        return len(self.kept)

    def key(self) -> dict[str, Any]:
        used = [i for i, heard in enumerate(self.heard) if not isinstance(heard, str)]
        files = [(self.recordings[i].name, *self.recordings[i].state) for i in used]
        by_class = [self._first_class[i] for i in used] if self.amplitude == "class" else []
        return {
            "files_sha256": hashlib.sha256(repr((files, by_class)).encode()).hexdigest(),
            "n_files": len(files),
            "libsndfile": soundfile.__libsndfile_version__,
            "resampling": resample.VERSION,
            "measures": measures.VERSION,
            "sample_rate": self.sample_rate,
            "seconds": self.cut.seconds,
            "hop_seconds": self.cut.hop_seconds,
            "rest": self.cut.rest,
            "silence_db": self.cut.silence_db,
            "amplitude": self.amplitude,
        }

    def audio(self, index: int) -> NDArray[np.float32]:
        return self.audio_maker(index)()

    def audio_maker(self, index: int) -> Callable[[], NDArray[np.float32]]:
        segment = self.kept[index]
        start = round(segment.start * self.sample_rate)
        heard = self.heard[segment.file]
        assert not isinstance(heard, str)
        # The header of an MP3 can be wrong about its length.
        recording = replace(self.recordings[segment.file], n_samples=heard.n_samples)
        return functools.partial(
            _audio, recording, self.sample_rate, start, start + self.n_samples, self.peaks[segment.file]
        )

    @property
    def class_names(self) -> dict[str, tuple[str, ...]]:
        return {name: tuple(sorted(set(values))) for name, values in self.labels_of_files.classes.items()}

    def labels(self) -> dict[str, NDArray[np.integer]]:
        labels = {}
        for name, values in self.labels_of_files.classes.items():
            _, numbers = np.unique(np.array(values, object), return_inverse=True)
            labels[name] = numbers[self._files]
        return labels

    @property
    def attribute_names(self) -> tuple[str, ...]:
        return tuple(self.labels_of_files.attributes)

    def attributes(self) -> dict[str, NDArray[np.floating]]:
        return {name: values[self._files] for name, values in self.labels_of_files.attributes.items()}

    def groups(self) -> NDArray[np.integer]:
        """The file or the group of files that each clip is of; each is its own where they are split one by one."""
        if not self.split_by_file:
            return super().groups()
        _, numbers = np.unique(np.array(self.labels_of_files.groups, object), return_inverse=True)
        return numbers[self._files]

    def parts(self, validation_fraction: float, seed: int) -> NDArray[np.integer]:
        """The folders' own division; where they name no validation clips, the wanted share of each class is drawn."""
        parts = self.labels_of_files.parts
        given = np.full(len(self), Part.TRAIN) if parts is None else np.array(parts)[self._files]
        if (given == Part.VALIDATION).any():
            return given
        open_ = np.flatnonzero(given == Part.TRAIN)
        classes = next(iter(self.labels().values()), np.zeros(len(self), int))[open_]
        if self.split_by_file:
            validation = split_groups_by_class(classes, self.groups()[open_], validation_fraction, seed)
        else:
            validation = split_by_class(classes, validation_fraction, seed)
        if not validation.any() and len(open_):
            n_groups = len(np.unique(self.groups()[open_]))
            raise DataError(
                f"the segments for training are of {_n_files(n_groups)}, or as many groups of files: too few to keep "
                "some of each class for validation. Add recordings, or set split_by_file to false, so that segments of "
                "a file are on both sides.",
                argument="split_by_file",
            )
        given[open_[validation]] = Part.VALIDATION
        return given

    def attribute_folders(self) -> dict[Path, NDArray[np.integer]]:
        """A table beside the recordings."""
        return {self.root: np.arange(len(self))}

    def clip_names(self, indices: NDArray[np.integer]) -> list[str]:
        segments = [self.kept[index] for index in indices.tolist()]
        return [f"{self.recordings[one.file].name} at {one.start:g} s" for one in segments]

    def clip_states(self, indices: NDArray[np.integer]) -> list[str]:
        """The file's size and time, and what else the audio depends on."""
        states = []
        for index in indices.tolist():
            file = self.kept[index].file
            size, modified = self.recordings[file].state
            form = f"{self.cut.seconds:g} s at {self.sample_rate} Hz over {self.peaks[file]:.6g}"
            states.append(f"{form}, {size} bytes of {modified}")
        return states

    def texts(self) -> dict[str, str]:
        return {TABLE: self.segments_csv()}

    @property
    def recordings(self) -> tuple[Recording, ...]:
        """The files whose headers can be read, sorted by name."""
        return self.found.recordings

    @functools.cached_property
    def heard(self) -> tuple[Measures | str, ...]:
        """What was heard of each recording, or why it cannot be used.

        Raises:
            DataError: Some cannot be used, and are not to be left out.
        """
        outcomes = measured(self.recordings, self.cache_dir, self.n_workers)
        heard = [_usable(one, outcomes[one.name]) for one in self.recordings]
        self._refuse_or_pass([one for one in heard if isinstance(one, str)])
        return tuple(heard)

    @property
    def problems(self) -> dict[str, str]:
        """Why files cannot be used, by their names."""
        heard = zip(self.recordings, self.heard, strict=True)
        return self.found.problems | {one.name: why for one, why in heard if isinstance(why, str)}

    @functools.cached_property
    def segments(self) -> tuple[Segment, ...]:
        """All segments, kept and dropped, in the order of the recordings."""
        heard = enumerate(zip(self.recordings, self.heard, strict=True))
        return tuple(segment for number, (one, own) in heard for segment in self.cut.segments(number, one, own))

    @functools.cached_property
    def kept(self) -> tuple[Segment, ...]:
        """The clips.

        Raises:
            DataError: Nothing is kept.
        """
        kept = tuple(segment for segment in self.segments if segment.drop is None)
        if not kept:
            remedies = {
                Drop.SHORT: f"set rest to pad, or seconds to less than {self.cut.seconds:g}",
                Drop.SILENCE: f"set silence_db to less than {self.cut.silence_db}",
                Drop.UNREADABLE: "replace the files that cannot be read",
            }
            drops = {segment.drop for segment in self.segments}
            advice = [text for drop, text in remedies.items() if drop in drops]
            raise DataError(
                f"nothing is left of the {len(self.recordings)} recordings in {self.root}: {self._dropped()}; "
                f"{', or '.join(advice)}.",
                argument="seconds" if Drop.SHORT in drops else "root",
            )
        return kept

    @functools.cached_property
    def peaks(self) -> tuple[float, ...]:
        """What the audio of each recording is divided by."""
        own = [0.0 if isinstance(heard, str) else heard.peak for heard in self.heard]
        if self.amplitude == "as_it_is":
            return (1.0,) * len(own)
        if self.amplitude == "file":
            return tuple(peak or 1.0 for peak in own)
        together = self._first_class if self.amplitude == "class" else [""] * len(own)
        largest = dict.fromkeys(together, 0.0)
        for name, peak in zip(together, own, strict=True):
            largest[name] = max(largest[name], peak)
        return tuple(largest[name] or 1.0 for name in together)

    def segments_csv(self) -> str:
        """Returns where each segment is from, whether it was kept and why not, as CSV with a row for each.

        The column ``clip`` is the number of the clip, as in the ``index`` of batches. Classes are not in it: they may
        change, and the audio does not need to be prepared again.
        """
        text = io.StringIO()
        writer = csv.writer(text, lineterminator="\n")
        writer.writerow(("clip", "file", "start_seconds", "seconds", "kept", "reason", "detail"))
        clips = iter(range(len(self.segments)))
        for segment in self.segments:
            kept = segment.drop is None
            place = (next(clips) if kept else "", self.recordings[segment.file].name, f"{segment.start:g}")
            reason = ("yes" if kept else "no", segment.drop or "", segment.detail)
            writer.writerow((*place, f"{self.cut.seconds:g}", *reason))
        return text.getvalue()

    def summary(self) -> str:
        """Returns how many segments were kept, in one line."""
        n_files = len({segment.file for segment in self.kept})
        dropped = self._dropped()
        return (
            f"{len(self.kept)} of {len(self.segments)} segments of {self.cut.seconds:g} s of {_n_files(n_files)}"
            f"{f' ({dropped})' if dropped else ''}"
        )

    @functools.cached_property
    def _files(self) -> NDArray[np.integer]:
        """The number of each clip's file."""
        return np.array([segment.file for segment in self.kept])

    @property
    def _first_class(self) -> list[str]:
        """The class of each file, in the first way to class them."""
        return list(next(iter(self.labels_of_files.classes.values())))

    def _dropped(self) -> str:
        counts = Counter(segment.drop for segment in self.segments if segment.drop is not None)
        return f"dropped: {', '.join(f'{drop} {n}' for drop, n in counts.items())}" if counts else ""

    def _refuse_or_pass(self, problems: list[str]) -> None:
        if problems and self.unreadable == "refuse":
            raise DataError(
                f"{first_of(problems, 5, '; ')}. Replace or remove {'it' if len(problems) == 1 else 'them'}, or set "
                "unreadable to leave_out.",
                argument="unreadable",
            )

    def _warn_of_classes(self) -> None:
        groups = self.groups()
        for name, labels in self.labels().items():
            names = self.class_names[name]
            n_groups = [len(np.unique(groups[labels == number])) for number in range(len(names))]
            if nothing := [one for one, n in zip(names, n_groups, strict=True) if n == 0]:
                rank_zero_warn(f"nothing is left of {name} {first_of(nothing)}.")
            single = [one for one, n in zip(names, n_groups, strict=True) if n == 1]
            if single and self.split_by_file and self.labels_of_files.parts is None:
                rank_zero_warn(
                    f"{name} {first_of(single)} {'has' if len(single) == 1 else 'have'} one file, which is on one side "
                    "of the split: it cannot be evaluated on what was not trained on. Add files, or set split_by_file "
                    "to false."
                )


def _audio(recording: Recording, rate: int, start: int, stop: int, peak: float) -> NDArray[np.float32]:
    return recording.audio(rate, start, stop) / np.float32(peak)


def _usable(recording: Recording, heard: Measures | str) -> Measures | str:
    if isinstance(heard, str):
        return heard.rstrip(".")
    if heard.n_not_finite:
        return f"{recording.path} holds NaN or infinite samples"
    return heard if heard.n_samples else f"{recording.path} holds no samples"


def _n_files(n: int) -> str:
    return "1 file" if n == 1 else f"{n} files"
