"""Finds out what there is in a folder of recordings, what would be left out, and what is suspicious."""

from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from datamodules.audio_folder import tables
from datamodules.audio_folder.labels import labels_of
from datamodules.audio_folder.measures import Measures
from datamodules.audio_folder.source import AudioFolder
from datamodules.clips.source import Part
from datamodules.errors import DataError, first_of
from datamodules.storage.audio_files import is_debris

# Below this share of the energy there is noise of 16 bits at most, or what a resampler has left.
_NOTHING = 1e-7
_OFFSET = 0.01
_SILENCE = -60.0


@dataclass(frozen=True)
class ClassCount:
    """How much there is of a class.

    Attributes:
        name: Name of the class.
        n_files: Number of its files.
        seconds: Length of these in all.
        n_segments: Number of segments that are kept.
    """

    name: str
    n_files: int
    seconds: float
    n_segments: int


@dataclass(frozen=True)
class Findings:
    """What there is in a folder.

    Attributes:
        root: The folder.
        n_files: Number of files of audio that can be read.
        seconds: Length of these in all.
        formats: Number of files by format.
        rates: Number of files by sample rate in Hz.
        channels: Number of files by their number of channels.
        peaks: Least, median and largest peak of the files, in dB.
        loudness: Least, median and largest level of the files, in dB: the root mean square of each.
        silence: Share of the time whose 100 ms are silence, in [0, 1].
        classes: How much there is of each class, for each way to class the files.
        attributes: Least and largest value, and number of files without one, by attribute of the table.
        n_segments: Number of segments that are kept.
        dropped: Number of segments that are not, by the reason.
        parts: Number of segments for training, validation and test; empty where no split can be had.
        left_out: Why files cannot be used, by their names.
        suspicions: What may be amiss, in sentences.
    """

    root: Path
    n_files: int
    seconds: float
    formats: Mapping[str, int]
    rates: Mapping[int, int]
    channels: Mapping[int, int]
    peaks: tuple[float, float, float]
    loudness: tuple[float, float, float]
    silence: float
    classes: Mapping[str, tuple[ClassCount, ...]]
    attributes: Mapping[str, tuple[float, float, int]]
    n_segments: int
    dropped: Mapping[str, int]
    parts: Mapping[str, int]
    left_out: Mapping[str, str]
    suspicions: tuple[str, ...]


def findings(folder: AudioFolder, validation_fraction: float, seed: int) -> Findings:
    """Finds out what there is in a folder, listening to files that have not been listened to yet.

    Args:
        folder: The folder; files that cannot be read are to be left out.
        validation_fraction: Wanted share of validation segments.
        seed: Seed of the split.

    Raises:
        DataError: The cache cannot be written, or a worker process ended abruptly.
    """
    heard = {one.name: own for one, own in zip(folder.recordings, folder.heard, strict=True)}
    usable = {name: own for name, own in heard.items() if isinstance(own, Measures)}
    levels = np.concatenate([np.empty(0, np.float32), *(own.levels for own in usable.values())])
    suspicions = list(_suspicions(folder, usable))
    kept = [segment.drop is None for segment in folder.segments]
    parts: dict[str, int] = {}
    try:
        counts = np.bincount(folder.parts(validation_fraction, seed), minlength=len(Part))
        parts = {name: int(n) for name, n in zip(("training", "validation", "test"), counts, strict=True) if n}
    except DataError as error:
        suspicions.insert(0, str(error))
    return Findings(
        folder.root,
        len(usable),
        sum(one.seconds for one in folder.recordings if one.name in usable),
        Counter(one.format for one in folder.recordings),
        Counter(one.rate for one in folder.recordings),
        Counter(one.n_channels for one in folder.recordings),
        _three([_db(own.peak) for own in usable.values()]),
        _three([_mean_level(own) for own in usable.values()]),
        float((levels < _silence(folder)).mean()) if len(levels) else 0.0,
        {name: tuple(_class_counts(folder, values)) for name, values in folder.labels_of_files.classes.items()},
        {
            name: (float(np.nanmin(values)), float(np.nanmax(values)), int(np.isnan(values).sum()))
            for name, values in folder.labels_of_files.attributes.items()
        },
        sum(kept),
        Counter(str(segment.drop) for segment in folder.segments if segment.drop is not None),
        parts,
        folder.problems,
        tuple(suspicions),
    )


def _silence(folder: AudioFolder) -> float:
    """The level in dB below which there is silence, whether it is dropped or not."""
    return _SILENCE if folder.cut.silence_db is None else folder.cut.silence_db


def _class_counts(folder: AudioFolder, values: tuple[str, ...]) -> Iterator[ClassCount]:
    n_kept = Counter(values[segment.file] for segment in folder.segments if segment.drop is None)
    seconds = dict.fromkeys(values, 0.0)
    for value, one in zip(values, folder.recordings, strict=True):
        seconds[value] += one.seconds
    for name, n_files in sorted(Counter(values).items()):
        yield ClassCount(name, n_files, seconds[name], n_kept[name])


def _suspicions(folder: AudioFolder, heard: Mapping[str, Measures]) -> Iterator[str]:
    if clipped := [f"{name} ({own.n_clipped} samples)" for name, own in heard.items() if own.n_clipped]:
        yield f"{_files(len(clipped), 'is', 'are')} clipped: {first_of(clipped)}."
    dull = [name for name, own in heard.items() if own.peak and own.share_high < _NOTHING]
    if dull:
        yield f"{_files(len(dull), 'has', 'have')} nothing above 4 kHz: {first_of(dull)}."
    if offset := [name for name, own in heard.items() if abs(own.mean) > _OFFSET]:
        yield f"{_files(len(offset), 'has', 'have')} a constant offset of more than 1 %: {first_of(offset)}."
    by_content: dict[str, list[str]] = {}
    for name, own in heard.items():
        by_content.setdefault(own.content, []).append(name)
    if same := [" = ".join(names) for names in by_content.values() if len(names) > 1]:
        yield f"the same sound is there more than once: {first_of(same, separator='; ')}."
    threshold = _silence(folder)
    if silent := [name for name, own in heard.items() if own.levels.max(initial=-np.inf) < threshold]:
        yield f"{_files(len(silent), 'is', 'are')} silent throughout: {first_of(silent)}."
    yield from _scarce(folder)
    yield from _unused_tables(folder)


def _scarce(folder: AudioFolder) -> Iterator[str]:
    for name, values in folder.labels_of_files.classes.items():
        if single := [value for value, n in sorted(Counter(values).items()) if n == 1]:
            why = (
                "which is on one side of the split: such a class cannot be evaluated on what was not trained on"
                if folder.split_by_file
                else "whose segments are on both sides of the split: what is learnt of it may be that one recording"
            )
            yield f"there is one file of {name} {first_of(single)}, {why}."


def _unused_tables(folder: AudioFolder) -> Iterator[str]:
    if folder.table is not None:
        return
    names = [one.name for one in folder.recordings]
    for path in sorted(folder.root.iterdir()):
        if path.suffix.lower() not in tables.ENDINGS or is_debris(path.name) or not path.is_file():
            continue
        try:
            known = labels_of(names, folder.root, Path(path.name), by_folder=False, left_out=folder.found.problems)
        except DataError as error:
            yield f"the table {path.name} is not used, and does not fit: {error}"
        else:
            columns = ", ".join([*known.classes, *known.attributes])
            yield f"the table {path.name} is not used; --table {path.name} takes {columns} from it."


def _files(n: int, one: str, several: str) -> str:
    return f"1 file {one}" if n == 1 else f"{n} files {several}"


def _db(amplitude: float) -> float:
    return float(20 * np.log10(amplitude)) if amplitude else -np.inf


def _mean_level(heard: Measures) -> float:
    power = float(np.mean(10 ** (heard.levels.astype(float) / 10)))
    return float(10 * np.log10(power)) if power else -np.inf


def _three(values: list[float]) -> tuple[float, float, float]:
    if not values:
        return (-np.inf,) * 3
    ordered = sorted(values)
    return ordered[0], ordered[len(ordered) // 2], ordered[-1]
