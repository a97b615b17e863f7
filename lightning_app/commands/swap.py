"""Swaps the latents of sounds: ``disentangle swap --run runs/mine --source a.wav --target b.flac --out swaps``."""

from collections.abc import Sequence
from pathlib import Path
from typing import Literal

from jsonargparse.typing import NonNegativeInt

from lightning_app.commands.function_command import call_function


def main(words: Sequence[str]) -> None:
    """Swaps the sounds that the words name."""
    call_function(swap, words, "disentangle swap")


def swap(
    run: Path,
    source: Sequence[Path],
    target: Sequence[Path],
    out: Path,
    swap: Literal["global", "local", "both"] = "global",
    format: Literal["wav", "flac"] | None = None,
    rate: int | None = None,
    seed: NonNegativeInt = 0,
    overwrite: bool = False,
    trust: bool = False,
) -> None:
    """Plays sounds to a trained model with one of the latents of other sounds, and writes what comes out.

    The global swap takes the global latent of the target, so that the source's melody should be heard on the target's
    instrument. The local swap takes the target's local latents, so that the target's melody should be heard on the
    source's instrument. Results have one channel, and the level and the sample rate of the source.

    Args:
        run: Folder of the run.
        source: Files of sounds, or folders of them, of any format, length and sample rate.
        target: The same; each source is swapped with each target.
        out: Folder of the results; or the path of the result, a .wav or .flac, where it is one.
        swap: What is replaced by the target's: global, local, or both, one after the other.
        format: Format of the results; by default that of --out, or else wav.
        rate: Sample rate of the results, in Hz; by default that of the source.
        seed: Seed of phases that have to be guessed.
        overwrite: Whether files of earlier results are replaced.
        trust: Whether a run from another machine may name any class or function, which is then executed.

    Raises:
        RunError: The run cannot be used, its model cannot swap, a sound cannot be heard, or a result is there already.
        UsageError: The options contradict each other.
    """
    # Not above: mistyped options and --help do not wait for torch.
    from lightning_app.own_sounds.files import check_sounds, sound_files
    from lightning_app.own_sounds.output import check_place, check_rate
    from lightning_app.own_sounds.swap_files import SwapFiles, write_swaps
    from lightning_app.own_sounds.trained_model import swappable
    from lightning_app.quiet import silence_libraries
    from lightning_app.runs.load_run import load_run

    silence_libraries()
    check_rate(rate)
    sources, targets = sound_files(source), sound_files(target)
    files = SwapFiles.of(out, sources, targets, swap, format)
    check_place(files.folder, files.all, [*sources, *targets], overwrite=overwrite)
    loaded = load_run(run, trust=trust)
    swappable(loaded.model)
    check_sounds(list(dict.fromkeys([*sources, *targets])))
    for said in write_swaps(loaded, sources, targets, files, rate, seed):
        print(said, flush=True)
    pictures = [*files.pictures.values(), *files.matrices.values()]
    print(f"Pictures: {', '.join(map(str, pictures))}")
