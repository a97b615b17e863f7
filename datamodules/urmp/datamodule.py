"""URMP as a LightningDataModule."""

from pathlib import Path

import numpy as np
from lightning.pytorch.utilities import rank_zero_info, rank_zero_warn
from numpy.typing import NDArray

from datamodules.clip_loaders import ClipLoaders
from datamodules.clips import ClipDataset, cached_log_mels
from datamodules.errors import DataError
from datamodules.storage.cache import DEFAULT_CACHE_DIR
from datamodules.storage.worker_pool import usable_cores
from datamodules.urmp.prepared import PreparedSegments
from datamodules.urmp.segments import SEGMENT_SECONDS, UrmpSegments
from datamodules.urmp.split import check_fraction, check_sides, split_by_piece, split_by_segment
from datamodules.urmp.stems import find_stems
from modules.audio.crepe import Capacity
from modules.audio.log_mel import LogMelSpec

TABLE = "segments.csv"
"""File in the cache entry: which segments were kept, which were dropped, and why."""


class URMPDataModule(ClipLoaders):
    """Log-mels of four-second segments of URMP's stems.

    The defaults are the audio set of Luo et al. (2022), section 5.1, as far as it is described. Batches have
    ``log_mel`` (batch, n_frames, n_mels), ``index``, ``instrument`` (position in `instruments`) and, for segments cut
    here, ``piece``, the position among the titles in order. ``segments.csv`` in the cache entry, whose path is logged,
    tells of each segment where it is from and whether and why it was dropped.

    Hayes et al. (2021), whom they follow, start a segment each second; ``hop_seconds: 1`` does that. Segments then
    overlap, and those of a recording are on both sides unless ``split_by_piece`` is set.

    Args:
        root: The folder with URMP's pieces as it is distributed, such as ``01_Jupiter_vn_vc``.
        prepared_dir: Segments prepared in the layout of Hayes et al., ``<instrument>/<split>/audio/*.npy``, read
            instead of `root`. Their folders are the split, and the options from `min_confidence` to
            `validation_fraction` do not apply.
        instruments: Names (`datamodules.urmp.stems.INSTRUMENTS`), two or more for the swap evaluation.
        min_confidence: Segments whose mean CREPE confidence is below are dropped.
        crepe_model: full, which takes hours on two CPU cores, or tiny, which is less sure of the same sound and asks
            for a lower `min_confidence`, such as 0.75.
        hop_seconds: From the start of a segment to the start of the next; 4 leaves no gap and no overlap.
        split_by_piece: Whether all segments of a piece are on one side, its arrangements counted as one piece; else
            segments are drawn one by one.
        validation_fraction: Share of each instrument's segments for validation.
        seed: Of the split and the order of training clips.
        log_mel: The spectrogram's settings, with the sample rate that stems are brought to.
        batch_size: Segments a batch (on each device).
        num_workers: Processes that load batches; 0 suits this data, which is read from a memory map.
        prepare_workers: Processes that run CREPE and compute log-mels; None takes one for each CPU core.
        cache_dir: Where CREPE's confidences and the log-mels are kept.

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
        seed: int = 0,
        log_mel: LogMelSpec = LogMelSpec(),  # noqa: B008 (frozen)
        batch_size: int = 128,
        num_workers: int = 0,
        prepare_workers: int | None = None,
        cache_dir: Path = DEFAULT_CACHE_DIR,
    ) -> None:
        super().__init__(batch_size, num_workers, seed)
        check_fraction(validation_fraction)
        self.log_mel = log_mel
        self.class_names = {"instrument": tuple(instruments)}
        self._split_by_piece = split_by_piece
        self._validation_fraction = validation_fraction
        self._prepare_workers = prepare_workers or usable_cores()
        self._cache_dir = Path(cache_dir).expanduser()
        self._source: UrmpSegments | PreparedSegments
        if prepared_dir is not None:
            folder = Path(prepared_dir).expanduser()
            self._source = PreparedSegments(folder, tuple(instruments), log_mel.sample_rate)
        elif root is not None:
            self._source = UrmpSegments(
                find_stems(Path(root).expanduser(), instruments),
                tuple(instruments),
                log_mel.sample_rate,
                min_confidence,
                hop_seconds,
                crepe_model,
                self._cache_dir,
                self._prepare_workers,
            )
            if hop_seconds < SEGMENT_SECONDS and not split_by_piece:
                rank_zero_warn(
                    f"segments start each {hop_seconds} s, so that those for validation overlap those for training; "
                    "--data.split_by_piece true keeps them apart."
                )
        else:
            raise DataError(
                "no URMP is named; give the folder with its pieces with --data.root, or prepared segments with "
                "--data.prepared_dir."
            )

    def prepare_data(self) -> None:
        """Measures, cuts and chooses, and computes the log-mels, unless the cache has them."""
        self._validation()  # a split that cannot be had is better known before the log-mels
        entry = self._entry()
        if isinstance(self._source, UrmpSegments):
            rank_zero_info(f"URMP: kept {self._source.summary()}. Each segment, with the reason: {entry / TABLE}")

    def setup(self, stage: str) -> None:
        """Opens the cached segments and splits them."""
        entry, validation = self._entry(), self._validation()
        self.train_dataset = ClipDataset(entry, np.flatnonzero(~validation))
        self.validation_dataset = ClipDataset(entry, np.flatnonzero(validation))

    def _validation(self) -> NDArray[np.bool_]:
        if isinstance(self._source, PreparedSegments):
            return self._source.validation()
        attributes, fraction = self._source.attributes(), self._validation_fraction
        instrument = attributes["instrument"]
        if self._split_by_piece:
            validation = split_by_piece(instrument, attributes["piece"], fraction, self.seed)
            remedy = "try another --data.seed or --data.validation_fraction, or --data.split_by_piece false"
        else:
            validation = split_by_segment(instrument, fraction, self.seed)
            remedy = "change --data.validation_fraction, or lower --data.min_confidence for more segments"
        check_sides(validation, instrument, self.class_names["instrument"], remedy)
        return validation

    def audio(self, index: int) -> NDArray[np.float32]:
        """Returns the audio, (n_samples,), of the clip that has this ``index`` in batches; it is not in the cache."""
        return self._source.audio(index)

    def _entry(self) -> Path:
        texts = {TABLE: self._source.table()} if isinstance(self._source, UrmpSegments) else {}
        return cached_log_mels(self._source, self.log_mel, self._cache_dir, self._prepare_workers, texts)
