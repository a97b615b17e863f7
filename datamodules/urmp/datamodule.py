"""URMP as a LightningDataModule."""

from pathlib import Path
from typing import Any

from datamodules.clips.datamodule import ClipDataModule
from datamodules.clips.overlap import warn_of_overlap
from datamodules.clips.sample_rate import sample_rate_of
from datamodules.errors import DataError
from datamodules.storage.cache import DEFAULT_CACHE_DIR
from datamodules.storage.cores import usable_cores
from datamodules.urmp.prepared import PreparedSegments
from datamodules.urmp.segments import SEGMENT_SECONDS, UrmpSegments
from datamodules.urmp.stems import find_stems
from modules.audio.crepe import Capacity
from modules.audio.representation import Representation


class URMPDataModule(ClipDataModule):
    """Four-second segments of URMP's stems.

    The defaults are the audio set of Luo et al. (2022), section 5.1, as far as it is described. Its classes are the
    instrument and, for segments cut here, the piece. ``segments.csv`` in the cache entry tells of each segment where it
    is from and whether and why it was dropped.

    Hayes et al. (2021), whom they follow, start a segment each second; ``hop_seconds: 1`` does that. Segments then
    overlap, and those of a recording are on both sides unless ``split_by_piece`` is set.

    Args:
        root: The folder with URMP's pieces as it is distributed, such as ``01_Jupiter_vn_vc``.
        prepared_dir: Segments prepared in the layout of Hayes et al., ``<instrument>/<split>/audio/*.npy``, read
            instead of `root`. Their folders are the split, and the options from `min_confidence` to `split_by_piece` do
            not apply.
        instruments: Names (`datamodules.urmp.stems.INSTRUMENTS`), two or more for swaps by instrument.
        min_confidence: Mean CREPE confidence below which a segment is dropped.
        crepe_model: full, which takes hours on two CPU cores, or tiny, which is less sure of the same sound and asks
            for a lower `min_confidence`, such as 0.75.
        hop_seconds: Seconds from the start of a segment to the start of the next; 4 leaves no gap and no overlap.
        split_by_piece: Whether all segments of a piece are on one side, its arrangements counted as one piece; else
            segments are drawn one by one.
        validation_fraction: Share of each instrument's segments for validation.
        representation: What a model hears; None is `modules.audio.LogMelSequence` as it is published. Stems are brought
            to its sample rate.
        prepare_workers: Processes that run CREPE, measure and represent clips; None takes one for each CPU core.
        cache_dir: Folder of the cache, where what is computed once is kept.
        common: See `datamodules.ClipDataModule`.

    Raises:
        DataError: An option that names nothing, or nothing usable; stems that are missing or cannot be read.
    """

    def __init__(
        self,
        root: Path | None = None,
        prepared_dir: Path | None = None,
        instruments: tuple[str, ...] = ("violin", "trumpet"),
        min_confidence: float = 0.85,
        crepe_model: Capacity = "full",
        hop_seconds: float = SEGMENT_SECONDS,
        split_by_piece: bool = False,
        validation_fraction: float = 0.1,
        representation: Representation | None = None,
        prepare_workers: int | None = None,
        cache_dir: Path = DEFAULT_CACHE_DIR,
        **common: Any,
    ) -> None:
        rate = sample_rate_of(representation)
        source: UrmpSegments | PreparedSegments
        if prepared_dir is not None:
            source = PreparedSegments(Path(prepared_dir).expanduser(), tuple(instruments), rate)
        elif root is not None:
            source = UrmpSegments(
                find_stems(Path(root).expanduser(), instruments),
                tuple(instruments),
                rate,
                min_confidence,
                hop_seconds,
                crepe_model,
                Path(cache_dir).expanduser(),
                prepare_workers or usable_cores(),
                split_by_piece,
            )
            warn_of_overlap(hop_seconds, SEGMENT_SECONDS, together=split_by_piece, argument="split_by_piece")
        else:
            raise DataError(
                "no URMP is named; set root to the folder with its pieces, or prepared_dir to prepared segments.",
                argument="root",
            )
        super().__init__(
            source,
            representation=representation,
            validation_fraction=validation_fraction,
            prepare_workers=prepare_workers,
            cache_dir=cache_dir,
            **common,
        )
