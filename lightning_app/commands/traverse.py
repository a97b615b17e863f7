"""Moves an attribute of a sound: ``disentangle traverse --run runs/ar_vae --source a.wav --out moved``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from jsonargparse.typing import NonNegativeInt, PositiveInt

from lightning_app.commands.function_command import call_function


def main(words: Sequence[str]) -> None:
    """Moves the attribute that the words name."""
    call_function(traverse, words, "disentangle traverse")


def traverse(
    run: Path,
    source: Path,
    out: Path,
    attribute: str | None = None,
    positions: PositiveInt = 7,
    low: float | None = None,
    high: float | None = None,
    format: Literal["wav", "flac"] = "wav",
    rate: int | None = None,
    seed: NonNegativeInt = 0,
    overwrite: bool = False,
    trust: bool = False,
) -> None:
    """Plays a sound to a model, moves the dimension that follows an attribute, and writes what comes out at each place.

    Results have one channel, and the length, the level and the sample rate of the source. Brightness and depth are
    measured on each of them.

    Args:
        run: Folder of the run of a model with regularised dimensions, like that of ar_vae.
        source: File of the sound, of any format, length and sample rate.
        out: Folder of the results.
        attribute: Name of the attribute, like brightness; by default the first that the model has.
        positions: Number of positions.
        low: The first value of the dimension; by default, with --high, that of low values among validation clips,
            which needs the run's data.
        high: The last value of the dimension.
        format: Format of the results.
        rate: Sample rate of the results, in Hz; by default that of the source.
        seed: Seed of phases that have to be guessed.
        overwrite: Whether files of earlier results are replaced.
        trust: Whether a run from another machine may name any class or function, which is then executed.

    Raises:
        RunError: The run cannot be used, its model has no such dimension, the sound cannot be heard, or a result is
            there already.
        UsageError: One end of the range is given without the other.
    """
    # Not above: mistyped options and --help do not wait for torch.
    from lightning_app.own_sounds.files import short_names
    from lightning_app.own_sounds.output import check_place, check_rate, write_sound
    from lightning_app.own_sounds.picture import save_stack, spectrogram
    from lightning_app.own_sounds.sound import read_sound
    from lightning_app.own_sounds.traversing import dimension_of
    from lightning_app.own_sounds.traversing import traverse as traversed
    from lightning_app.quiet import silence_libraries
    from lightning_app.runs.load_run import load_run

    silence_libraries()
    check_rate(rate)
    sound = read_sound(source)
    loaded = load_run(run, trust=trust)
    attribute, _ = dimension_of(loaded, attribute)
    (name,) = short_names([source])
    files = [out / f"{name}_{attribute}_{n}.{format}" for n in range(1, positions + 1)]
    picture = out / f"{name}_{attribute}.png"
    check_place(out, [*files, picture], [source], overwrite=overwrite)
    traversal = traversed(
        loaded, sound, attribute, loaded.positions(attribute, positions, low, high), rate=rate, seed=seed
    )
    model_rate = loaded.representation.sample_rate
    shown = {f"source: {sound}": spectrogram(sound, model_rate)}
    for file, place, made, measured in zip(
        files, traversal.positions, traversal.sounds, traversal.measured, strict=True
    ):
        write_sound(file, made)
        heard = "" if measured != measured else f", measured {measured:.1f}"
        shown[f"dimension at {place:.2f}{heard}"] = spectrogram(made, model_rate)
        print(f"{file}: {attribute}'s dimension at {place:.2f}{heard}. {made.note}".rstrip())
    save_stack(picture, shown, f"{sound.name}, {attribute} moved")
    print(f"Picture: {picture}")
