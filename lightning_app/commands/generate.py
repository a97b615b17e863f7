"""Draws sounds from the prior of a model: ``disentangle generate --run runs/mine --out samples``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from jsonargparse.typing import NonNegativeInt, PositiveInt

from lightning_app.commands.function_command import call_function
from lightning_app.evaluation.posterior_mixture import N_COMPONENTS


def main(words: Sequence[str]) -> None:
    """Draws the sounds that the words ask for."""
    call_function(generate, words, "disentangle generate")


def generate(
    run: Path,
    out: Path,
    number: PositiveInt = 8,
    reference: Sequence[Path] | None = None,
    mixture_components: PositiveInt = N_COMPONENTS,
    format: Literal["wav", "flac"] = "wav",
    seed: NonNegativeInt = 0,
    overwrite: bool = False,
    trust: bool = False,
) -> None:
    """Draws sounds that no one has played from the prior of a trained model.

    They are as long as the clips that it was trained on. A TS-DSAE has no prior of v for all clips but one for each: it
    draws v from a Gaussian mixture that is fitted to its training clips, which have to be there, or from the priors of
    other sounds (--reference).

    Args:
        run: Folder of the run.
        out: Folder of the sounds and their picture.
        number: Number of sounds.
        reference: Files of sounds, or folders of them, whose priors are drawn from in turn, where the model has one
            for each.
        mixture_components: Components of the mixture that v is drawn from, where the model has a prior for each clip
            and no sounds are given.
        format: Format of the sounds.
        seed: Seed of the draw, and of phases that have to be guessed.
        overwrite: Whether files of earlier sounds are replaced.
        trust: Whether a run from another machine may name any class or function, which is then executed.

    Raises:
        RunError: The run cannot be used, its model cannot draw, a sound cannot be heard, or a result is there already.
    """
    # Not above: mistyped options and --help do not wait for torch.
    from lightning_app.own_sounds.files import check_sounds, sound_files
    from lightning_app.own_sounds.output import check_place, write_sound
    from lightning_app.own_sounds.picture import save_stack, spectrogram
    from lightning_app.own_sounds.trained_model import generative
    from lightning_app.quiet import silence_libraries
    from lightning_app.runs.load_run import load_run

    silence_libraries()
    given = None if reference is None else sound_files(reference)
    files = [out / f"sample_{n}.{format}" for n in range(1, number + 1)]
    picture = out / "samples.png"
    check_place(out, [*files, picture], given or [], overwrite=overwrite)
    loaded = load_run(run, trust=trust)
    generative(loaded.model)
    check_sounds(given or [])
    sounds = loaded.generate(number, reference=given, mixture_components=mixture_components, seed=seed)
    for file, sound in zip(files, sounds, strict=True):
        write_sound(file, sound)
    save_stack(picture, {sound.name: spectrogram(sound, sound.rate) for sound in sounds}, f"Samples of {run}")
    print(f"Wrote {number} sounds to {out}, and their picture {picture}.")
