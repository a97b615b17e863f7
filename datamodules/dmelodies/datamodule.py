"""dMelodies as a LightningDataModule."""

import os
from pathlib import Path

import numpy as np
from lightning import LightningDataModule
from torch import Tensor
from torch.utils.data import DataLoader, DistributedSampler

from datamodules.cache import DEFAULT_CACHE_DIR
from datamodules.clips import ClipDataset, cached_log_mels
from datamodules.dmelodies.released import ReleasedWavs
from datamodules.dmelodies.rendered import RenderedMelodies
from datamodules.errors import DataError
from datamodules.log_mel import LogMelSpec


class DMelodiesDataModule(LightningDataModule):
    """Log-mels of dMelodies clips, rendered by FluidSynth or read from the released WAV folders.

    The defaults are the audio set of Luo et al. (2022), section 5.1. Batches have ``log_mel`` (batch, n_frames,
    n_mels), ``index``, ``instrument`` (position in `instruments`), ``melody`` and, for rendered clips, ``factors``
    (batch, 9), positions among the values of each of `datamodules.dmelodies.factors.FACTORS`.

    Args:
        tonic: Of all melodies: C, C#, D, Eb, E, F, F#, G, G#, A, Bb or B.
        octaves: Of the melodies, some of 4, 5 and 6; (4, 5) is the set with two global factors (section 6.5).
        scale: major, minor or blues.
        instruments: General MIDI names, two or more for the swap evaluation.
        size: Number of clips in all.
        validation_fraction: Share of them for validation; all clips of a melody stay on one side.
        seed: Of the draw of melodies, the split and the order of training clips.
        wav_dir: A folder of the authors' release, read instead of rendering; its own train and val folders are the
            split where it has them, and tonic, octaves, scale and size do not apply.
        soundfont: A soundfont of one's own; else the variable DISENTANGLE_SOUNDFONT, else the system's
            MuseScore_General.sf3.
        log_mel: The spectrogram's settings.
        batch_size: Clips a batch (on each device).
        num_workers: Processes that load batches; 0 suits this data, which is read from a memory map.
        render_workers: Processes that render; None takes one for each CPU core.
        cache_dir: Where the log-mels are kept.

    Raises:
        DataError: An option that names nothing, or nothing usable.
    """

    def __init__(
        self,
        tonic: str = "C",
        octaves: tuple[int, ...] = (4,),
        scale: str = "major",
        instruments: tuple[str, ...] = ("violin", "trumpet"),
        size: int = 3000,
        validation_fraction: float = 0.2,
        seed: int = 0,
        wav_dir: Path | None = None,
        soundfont: Path | None = None,
        log_mel: LogMelSpec = LogMelSpec(),  # noqa: B008 (frozen)
        batch_size: int = 128,
        num_workers: int = 0,
        render_workers: int | None = None,
        cache_dir: Path = DEFAULT_CACHE_DIR,
    ) -> None:
        super().__init__()
        for name, value, least in (("batch_size", batch_size, 1), ("num_workers", num_workers, 0), ("seed", seed, 0)):
            if value < least:
                raise DataError(f"data.{name} is {value}; it must be {least} or more.")
        self.log_mel = log_mel
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.seed = seed
        self.class_names = {"instrument": tuple(instruments)}
        self._validation_fraction = validation_fraction
        self._render_workers = render_workers or _usable_cores()
        self._cache_dir = Path(cache_dir).expanduser()
        self._source: RenderedMelodies | ReleasedWavs
        if wav_dir is not None:
            self._source = ReleasedWavs(Path(wav_dir).expanduser(), tuple(instruments), log_mel.sample_rate, seed)
        else:
            self._source = RenderedMelodies(
                tonic, tuple(octaves), scale, tuple(instruments), size, seed, log_mel.sample_rate, soundfont
            )

    def prepare_data(self) -> None:
        """Renders the clips, or reads the WAV folder, unless the cache has them."""
        self._source.split(self._validation_fraction)  # a share that cannot be had is better known before the work
        self._entry()

    def setup(self, stage: str) -> None:
        """Opens the cached clips and splits them."""
        entry = self._entry()
        validation = self._source.split(self._validation_fraction)
        self.train_dataset = ClipDataset(entry, np.flatnonzero(~validation))
        self.validation_dataset = ClipDataset(entry, np.flatnonzero(validation))

    def train_dataloader(self) -> DataLoader[dict[str, Tensor]]:
        """Returns the training clips, in an order set by the seed and the epoch alone: a resumed run repeats it."""
        sampler: DistributedSampler[dict[str, Tensor]] = DistributedSampler(
            self.train_dataset,
            num_replicas=self.trainer.world_size if self.trainer else 1,
            rank=self.trainer.global_rank if self.trainer else 0,
            shuffle=True,
            seed=self.seed,
        )
        return self._loader(self.train_dataset, sampler)

    def val_dataloader(self) -> DataLoader[dict[str, Tensor]]:
        """Returns the validation clips in order."""
        return self._loader(self.validation_dataset)

    def test_dataloader(self) -> DataLoader[dict[str, Tensor]]:
        """Returns the validation clips: the paper has no third part and evaluates on these."""
        return self.val_dataloader()

    def predict_dataloader(self) -> list[DataLoader[dict[str, Tensor]]]:
        """Returns the training clips and the validation clips, each in order."""
        return [self._loader(self.train_dataset), self._loader(self.validation_dataset)]

    def _loader(
        self, dataset: ClipDataset, sampler: DistributedSampler[dict[str, Tensor]] | None = None
    ) -> DataLoader[dict[str, Tensor]]:
        return DataLoader(
            dataset,
            batch_size=self.batch_size,
            sampler=sampler,
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
        )

    def _entry(self) -> Path:
        return cached_log_mels(self._source, self.log_mel, self._cache_dir, self._render_workers)


def _usable_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
