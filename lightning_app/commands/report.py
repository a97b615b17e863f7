"""Writes a page of runs to read and to listen to: ``disentangle report runs/a runs/b``."""

from collections.abc import Sequence
from pathlib import Path

from jsonargparse.typing import NonNegativeInt, PositiveInt

from lightning_app.commands.function_command import call_function


def main(words: Sequence[str]) -> None:
    """Writes the report that the words ask for."""
    call_function(report, words, "disentangle report", positional=["runs"])


def report(
    runs: Sequence[Path],
    out: Path | None = None,
    factor: str | None = None,
    sources: PositiveInt = 6,
    examples: PositiveInt = 2,
    points: PositiveInt = 120,
    seed: NonNegativeInt = 0,
    trust: bool = False,
) -> None:
    """Writes one HTML page of runs, which needs no server and no network.

    Args:
        runs: Folders of runs.
        out: Path of the page; by default report.html in the folder of the run, or beside the folders of several.
        factor: Name of the class to swap by; by default the first that each run's data have.
        sources: Number of clips in the audio matrix.
        examples: Number of pairs of clips, and of clips whose regularised dimensions are moved.
        points: Number of clips on the map of the latent space.
        seed: Seed of the choice of clips, and of the phases of their audio.
        trust: Whether a run from another machine may name any class or function, which is then executed.

    Raises:
        RunError: A folder holds no run, or a run has no checkpoint.
        UsageError: The path is that of something else, or no run has such a class.
    """
    # Not above: mistyped options and --help do not wait for torch.
    from lightning_app.quiet import silence_libraries
    from lightning_app.report.page import Choices
    from lightning_app.report.writing import write_report

    silence_libraries()
    path = write_report(runs, out, Choices(factor, sources, examples, points, seed), trust=trust)
    print(f"Wrote {path} ({path.stat().st_size / 1e6:.1f} MB): open it in a browser.")
