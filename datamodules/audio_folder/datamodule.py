"""A folder of recordings as a LightningDataModule."""

from pathlib import Path
from typing import Any

from datamodules.audio_folder.labels import Role
from datamodules.audio_folder.segments import Cut, Rest
from datamodules.audio_folder.source import Amplitude, AudioFolder, Unreadable
from datamodules.clips.datamodule import ClipDataModule
from datamodules.clips.overlap import warn_of_overlap
from datamodules.clips.sample_rate import sample_rate_of
from datamodules.storage.cache import DEFAULT_CACHE_DIR
from datamodules.storage.cores import usable_cores
from modules.audio.representation import Representation


class AudioFolderDataModule(ClipDataModule):
    """Segments of one's own recordings: a folder of WAV, FLAC, OGG, MP3, AIFF and what else libsndfile reads.

    Files may have any rate, length and number of channels; they are mixed to mono and brought to the sample rate of the
    representation. Folders make classes: ``folder`` by the first level at which files lie apart, ``folder_2`` by the
    next. A table beside the files makes more, and attributes. Folders called train, valid and test (or training,
    validation, val, dev, testing) are the split, at whatever depth; else files are drawn. ``segments.csv`` in the cache
    entry tells of each segment where it is from, and whether and why it was dropped.

    ``disentangle inspect FOLDER`` says what there is in a folder, and writes a configuration to start from.

    Args:
        root: The folder.
        seconds: Length of the segments.
        hop_seconds: Seconds from the start of a segment to the start of the next; None takes `seconds`, so that there
            is no gap and no overlap.
        rest: What becomes of the end of a file that fills no segment, or of a file that is shorter than one: ``drop``,
            or ``pad`` with silence.
        silence_db: Level in dB below which a segment's loudest 100 ms are silence, so that it is dropped; None drops
            none.
        amplitude: Scaling of the audio: ``as_it_is`` in the files, or divided by the peak of its ``file``, of all files
            of its ``class`` (the first way to class them), or of the whole ``set``.
        table: Path of a CSV, TSV or JSON Lines file, from `root` on: a column with the file, and others that are
            classes where they are texts and attributes where they are numbers.
        columns: Meaning of columns of the table that is not theirs by what they hold, like ``{take: class, bpm:
            attribute, session: group, note: ignore, clip: file}``. Files of a group stay on one side of the split.
        folder_classes: Whether folders make classes.
        unreadable: What is done with files that cannot be read, or hold samples that are no numbers: ``refuse`` the
            folder, or ``leave_out`` the files.
        split_by_file: Whether all segments of a file, or of a group of the table, are on one side of the split; else
            segments are drawn one by one.
        validation_fraction: Share of each class's segments for validation, where there is no folder of them.
        representation: What a model hears; None is `modules.audio.LogMelSequence` as it is published.
        prepare_workers: Processes that listen to files, measure and represent clips; None takes one for each CPU core.
        cache_dir: Folder of the cache, where what is computed once is kept.
        common: See `datamodules.ClipDataModule`.

    Raises:
        DataError: An option that names nothing, or nothing usable; no audio in the folder, or files that cannot be
            read; or a table that does not fit them.
    """

    def __init__(
        self,
        root: Path,
        seconds: float = 4.0,
        hop_seconds: float | None = None,
        rest: Rest = "drop",
        silence_db: float | None = -60.0,
        amplitude: Amplitude = "as_it_is",
        table: Path | None = None,
        columns: dict[str, Role] | None = None,
        folder_classes: bool = True,
        unreadable: Unreadable = "refuse",
        split_by_file: bool = True,
        validation_fraction: float = 0.2,
        representation: Representation | None = None,
        prepare_workers: int | None = None,
        cache_dir: Path = DEFAULT_CACHE_DIR,
        **common: Any,
    ) -> None:
        cut = Cut(seconds, seconds if hop_seconds is None else hop_seconds, rest, silence_db)
        source = AudioFolder(
            root=Path(root).expanduser(),
            sample_rate=sample_rate_of(representation),
            cut=cut,
            amplitude=amplitude,
            table=None if table is None else Path(table).expanduser(),
            columns=columns or {},
            folder_classes=folder_classes,
            unreadable=unreadable,
            split_by_file=split_by_file,
            cache_dir=Path(cache_dir).expanduser(),
            n_workers=prepare_workers or usable_cores(),
        )
        warn_of_overlap(cut.hop_seconds, cut.seconds, together=split_by_file, argument="split_by_file")
        super().__init__(
            source,
            representation=representation,
            validation_fraction=validation_fraction,
            prepare_workers=prepare_workers,
            cache_dir=cache_dir,
            **common,
        )
