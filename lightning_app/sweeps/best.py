"""The best trials of a sweep: a table, and a configuration."""

import math
import statistics
from pathlib import Path

import yaml
from rich.console import Console
from rich.table import Table

from lightning_app.errors import RunError, UsageError
from lightning_app.files import whole_file
from lightning_app.runs.run_processes import typed
from lightning_app.sweeps.labels import short_names, shown, varied
from lightning_app.sweeps.opening import look_up
from lightning_app.sweeps.study import SweepStudy, TrialRecord
from lightning_app.sweeps.trials import TrialRun


def show_best(file: str, top: int, runs: Path, storage: str | None, output: Path | None) -> None:
    """Prints the best trials and writes the best; see `lightning_app.commands.sweep.best`.

    Raises:
        RunError: There are no trials, none is complete, or the best one's run is not there.
    """
    if top < 1:
        raise UsageError(f"top is {top}; it must be 1 or more.")
    study = look_up(file, runs, storage)
    records = study.records()
    ranked = study.ranked(records)
    if not ranked:
        raise RunError(f"no trial of {study.sweep.name} is complete yet.")
    console = Console()
    console.print(_table(study, ranked[:top], len(ranked)))
    failed = [record for record in records if record.error is not None]
    for record in failed:
        console.print(f"Trial {record.number} failed: {record.error}", markup=False, highlight=False, soft_wrap=True)
    path = study.folder / "best.yaml" if output is None else output
    _write(study, ranked[0], path)
    console.print(f"Wrote the best, trial {ranked[0].number}, to {path}. To train with it:", soft_wrap=True)
    print(f"  {typed(['fit', '-c', str(path)])}")


def spread(record: TrialRecord) -> float | None:
    """Returns the standard deviation of a trial's metric over its seeds; None where there is one alone."""
    scores = list(record.scores.values())
    return statistics.stdev(scores) if len(scores) > 1 else None


def _table(study: SweepStudy, records: list[TrialRecord], n_complete: int) -> Table:
    metric = study.sweep.metric
    best = "most" if metric.goal == "maximize" else "least"
    table = Table(title=f"{study.sweep.name}: {metric.name}, {best} first; {len(records)} of {n_complete} trials")
    names = short_names(varied(study.sweep))
    table.add_column("trial", justify="right")
    for name in names.values():
        table.add_column(name)
    table.add_column("mean", justify="right")
    table.add_column("spread", justify="right")
    table.add_column("runs", justify="right")
    decimals = _decimals([record.value or 0.0 for record in records])
    for record in records:
        deviation = spread(record)
        table.add_row(
            str(record.number),
            *(shown(record.values[option]) for option in names),
            f"{record.value:.{decimals}f}",
            "" if deviation is None else f"± {deviation:.{decimals}f}",
            str(len(record.scores)),
        )
    return table


def _decimals(values: list[float]) -> int:
    """How many decimals show four digits of the largest."""
    largest = max(map(abs, values)) or 1.0
    return max(0, 3 - math.floor(math.log10(largest)))


def _write(study: SweepStudy, record: TrialRecord, path: Path) -> None:
    """Writes the configuration of a trial's first run, to be trained in a folder of its own."""
    sweep = study.sweep
    seed = (sweep.seeds or (None,))[0]
    run = TrialRun(sweep, record.number, record.values, seed, study.folder)
    config = yaml.safe_load(run.folder.config.read_text()) if run.folder.config.is_file() else None
    if config is None:
        raise RunError(f"no {run.folder.config}; the best trial's run is not in this folder.")
    config["name"] = f"{sweep.name}-best"
    config["trainer"]["default_root_dir"] = "runs/${..name}"
    n_runs = len(record.scores)
    score = f"{sweep.metric.name} {record.value:.4g}" + (f" over {n_runs} seeds" if n_runs > 1 else "")
    with whole_file(path) as draft:
        draft.write_text(
            f"# The best trial of the sweep {sweep.name}, number {record.number}: {score}. All options are here; in "
            f"short:\n# {typed(['fit', *sweep.fit_arguments(record.values, seed)])}\n"
            f"{yaml.safe_dump(config, sort_keys=False)}"
        )
