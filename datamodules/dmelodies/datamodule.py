"""dMelodies as a LightningDataModule."""

from pathlib import Path
from typing import Any

from datamodules.clips.datamodule import ClipDataModule
from datamodules.clips.sample_rate import sample_rate_of
from datamodules.dmelodies.released import ReleasedWavs
from datamodules.dmelodies.rendered import RenderedMelodies
from modules.audio.representation import Representation


class DMelodiesDataModule(ClipDataModule):
    """Clips of dMelodies, rendered by FluidSynth or read from the released WAV folders.

    The defaults are the audio set of Luo et al. (2022), section 5.1. Its classes are the instrument, and for rendered
    clips the octave and each factor of `datamodules.dmelodies.factors.FACTORS` that has two or more values in the set.
    The group is the melody: clips with the same local factors.

    Args:
        tonic: Tonic of all melodies: C, C#, D, Eb, E, F, F#, G, G#, A, Bb or B.
        octaves: Octaves of the melodies, different ones of 4, 5 and 6; (4, 5) is the set with two global factors
            (section 6.5).
        scale: Scale of all melodies: major, minor or blues.
        instruments: General MIDI names, two or more for swaps by instrument.
        size: Number of clips in all.
        wav_dir: A folder of the authors' release, read instead of rendering; its own train and val folders are the
            split where it has them, and tonic, octaves, scale and size do not apply.
        soundfont: A soundfont of one's own; else the variable DISENTANGLE_SOUNDFONT, else the system's
            MuseScore_General.sf3.
        representation: What a model hears; None is `modules.audio.LogMelSequence` as it is published.
        seed: Seed of the draw of melodies, the split and the order of training clips.
        common: See `datamodules.ClipDataModule`.

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
        wav_dir: Path | None = None,
        soundfont: Path | None = None,
        representation: Representation | None = None,
        seed: int = 0,
        **common: Any,
    ) -> None:
        rate = sample_rate_of(representation)
        source = (
            RenderedMelodies(tonic, tuple(octaves), scale, tuple(instruments), size, seed, rate, soundfont)
            if wav_dir is None
            else ReleasedWavs(Path(wav_dir).expanduser(), tuple(instruments), rate)
        )
        super().__init__(source, representation=representation, seed=seed, **common)
