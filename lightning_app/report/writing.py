"""Where a report is written, and what it may replace."""

from collections.abc import Sequence
from pathlib import Path

from rich.progress import Progress

from lightning_app.errors import UsageError, did_you_mean
from lightning_app.files import whole_file
from lightning_app.listening.opened_run import check_runs, open_runs
from lightning_app.report.page import GENERATOR, Choices, render
from lightning_app.runs.run_folder import RunFolder

_BEGINNING = 4096


def write_report(runs: Sequence[Path], out: Path | None, choices: Choices, *, trust: bool = False) -> Path:
    """Writes the page of some runs.

    Args:
        runs: The folders of the runs.
        out: Where it is written; None writes it to the run's folder, or beside the folders of several.
        choices: What to show.
        trust: See `lightning_app.runs.load_run`.

    Returns:
        The path of the page.

    Raises:
        RunError: A run cannot be reported.
        UsageError: There is a file or a folder at ``out`` that is no report, or no run has such a factor.
    """
    path = _path(runs, out)
    _refuse_other_files(path)
    check_runs(runs)
    opened = []
    with Progress(transient=True) as progress:
        for run in progress.track(open_runs(runs, trust=trust), total=len(runs), description="Opening runs"):
            opened.append(run)
        if choices.factor is not None and not any(run.factor(choices.factor) for run in opened):
            known = {name: None for run in opened if run.clips for name in run.clips.class_names}
            raise UsageError(
                f"no run has a class '{choices.factor}' of two or more values to swap by; there are "
                f"{', '.join(known) or 'none'} (--factor).{did_you_mean(choices.factor, known)}"
            )
        page = render(opened, choices, progress)
    with whole_file(path) as draft:
        draft.write_text(page, encoding="utf-8")
    return path


def _path(runs: Sequence[Path], out: Path | None) -> Path:
    if out is not None:
        return out
    return RunFolder(runs[0]).report if len(runs) == 1 else runs[0].parent / RunFolder(runs[0]).report.name


def _refuse_other_files(path: Path) -> None:
    if path.is_dir():
        raise UsageError(f"{path} is a folder; name a file in it, like --out {path / 'report.html'}.")
    if path.exists():
        with path.open("rb") as file:
            if GENERATOR.encode() not in file.read(_BEGINNING):
                raise UsageError(f"{path} is no report and is not replaced; name another file (--out).")
