"""dMelodies as a LightningDataModule."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from datamodules.clip_loaders import ClipLoaders
from datamodules.clips import ClipDataset, cached_log_mels
from datamodules.dmelodies.released import ReleasedWavs
from datamodules.dmelodies.rendered import RenderedMelodies
from datamodules.storage.cache import DEFAULT_CACHE_DIR
from datamodules.storage.worker_pool import usable_cores
from modules.audio.log_mel import LogMelSpec


class DMelodiesDataModule(ClipLoaders):
    """Log-mels of dMelodies clips, rendered by FluidSynth or read from the released WAV folders.

    The defaults are the audio set of Luo et al. (2022), section 5.1. Batches have ``log_mel`` (batch, n_frames,
    n_mels), ``index``, ``instrument`` (position in `instruments`), ``melody`` and, for rendered clips, ``octave``
    (position in `octaves`) and ``factors`` (batch, 9), positions among the values of each of
    `datamodules.dmelodies.factors.FACTORS`. The release does not say a clip's octave.

    Args:
        tonic: Of all melodies: C, C#, D, Eb, E, F, F#, G, G#, A, Bb or B.
        octaves: Of the melodies, different ones of 4, 5 and 6; (4, 5) is the set with two global factors (section 6.5).
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
        super().__init__(batch_size, num_workers, seed)
        self.log_mel = log_mel
        self.class_names = {"instrument": tuple(instruments)}
        self._validation_fraction = validation_fraction
        self._render_workers = render_workers or usable_cores()
        self._cache_dir = Path(cache_dir).expanduser()
        self._source: RenderedMelodies | ReleasedWavs
        if wav_dir is not None:
            self._source = ReleasedWavs(Path(wav_dir).expanduser(), tuple(instruments), log_mel.sample_rate, seed)
        else:
            self._source = RenderedMelodies(
                tonic, tuple(octaves), scale, tuple(instruments), size, seed, log_mel.sample_rate, soundfont
            )
            self.class_names["octave"] = tuple(map(str, octaves))

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

    def audio(self, index: int) -> NDArray[np.float32]:
        """Returns the audio, (n_samples,), of the clip that has this ``index`` in batches; it is not in the cache."""
        return self._source.audio(index)

    def _entry(self) -> Path:
        return cached_log_mels(self._source, self.log_mel, self._cache_dir, self._render_workers)
