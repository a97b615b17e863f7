"""dMelodies as a LightningDataModule."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from datamodules.clips.correlation import Correlation
from datamodules.clips.datamodule import ClipDataModule
from datamodules.clips.held_out import Combination
from datamodules.clips.sample_rate import sample_rate_of
from datamodules.dmelodies.released import ReleasedWavs
from datamodules.dmelodies.rendered import RenderedMelodies
from datamodules.errors import DataError
from modules.audio.representation import Representation


class DMelodiesDataModule(ClipDataModule):
    """Clips of dMelodies, rendered by FluidSynth or read from the released WAV folders.

    The defaults are the audio set of Luo et al. (2022), section 5.1. Its classes are the instrument, and for rendered
    clips the octave and each factor of `datamodules.dmelodies.factors.FACTORS` that has two or more values in the set.
    The group is the melody: clips with the same local factors.

    Args:
        tonic: Tonic of all melodies: C, C#, D, Eb, E, F, F#, G, G#, A, Bb or B; or several, like ``[C, E, G#]``, which
            is then one more factor.
        octaves: Octaves of the melodies, different ones of 4, 5 and 6; (4, 5) is the set with two global factors
            (section 6.5).
        scale: Scale of all melodies: major, minor or blues.
        instruments: General MIDI names, two or more for swaps by instrument.
        size: Number of clips in all.
        wav_dir: A folder of the authors' release, read instead of rendering; its own train and val folders are the
            split where it has them, and tonic, octaves, scale and size do not apply.
        soundfont: A soundfont of one's own; else the variable DISENTANGLE_SOUNDFONT, else the system's
            MuseScore_General.sf3.
        correlation: Two factors of rendered clips that go together, like ``{factors: [instrument, octave], strength:
            0.8}``: any of the classes. None draws all factors independently, as a strength of 0 does.
        held_out: Combinations of factors that no training clip is to have, like ``[{instrument: violin, octave: 5}]``;
            the validation clips have them.
        representation: What a model hears; None is `modules.audio.LogMelSequence` as it is published.
        validation_fraction: Share of the clips for validation; all clips of a melody stay on one side.
        seed: Seed of the draw of melodies, the split and the order of training clips.
        common: See `datamodules.ClipDataModule`.

    Raises:
        DataError: An option that names nothing, or nothing usable.
    """

    def __init__(
        self,
        tonic: str | tuple[str, ...] = "C",
        octaves: tuple[int, ...] = (4,),
        scale: str = "major",
        instruments: tuple[str, ...] = ("violin", "trumpet"),
        size: int = 3000,
        wav_dir: Path | None = None,
        soundfont: Path | None = None,
        correlation: Correlation | None = None,
        held_out: tuple[dict[str, str | int], ...] = (),
        representation: Representation | None = None,
        validation_fraction: float = 0.2,
        seed: int = 0,
        **common: Any,
    ) -> None:
        rate = sample_rate_of(representation)
        source = (
            RenderedMelodies(
                tonic=tonic if isinstance(tonic, str) else tuple(tonic),
                octaves=tuple(octaves),
                scale=scale,
                instruments=tuple(instruments),
                size=size,
                seed=seed,
                sample_rate=rate,
                soundfont=soundfont,
                correlation=correlation,
                held_out=tuple(held_out),
                validation_fraction=validation_fraction,
            )
            if wav_dir is None
            else _released(wav_dir, tuple(instruments), rate, correlation, held_out)
        )
        super().__init__(
            source, representation=representation, validation_fraction=validation_fraction, seed=seed, **common
        )


def _released(
    wav_dir: Path,
    instruments: tuple[str, ...],
    rate: int,
    correlation: Correlation | None,
    held_out: Sequence[Combination],
) -> ReleasedWavs:
    for name, given in (("correlation", correlation), ("held_out", held_out)):
        if given:
            raise DataError(
                f"{name} is of rendered melodies, and those of wav_dir are as they are; leave one of the two out.",
                argument=name,
            )
    return ReleasedWavs(Path(wav_dir).expanduser(), instruments, rate)
