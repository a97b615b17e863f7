"""What a run has logged, read from its CSV file."""

import csv
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from lightning_app.errors import RunError
from lightning_app.runs.run_folder import RunFolder


def read_rows(path: Path) -> list[dict[str, str]]:
    """Reads the rows of a log; one that is being written, or whose writing was broken off, is left out.

    Args:
        path: The CSV file.
    """
    lines = path.read_text().splitlines(keepends=True)
    return [row for row in csv.DictReader(line for line in lines if line.endswith("\n")) if row["step"]]


def logged(run: RunFolder, subcommand: str = "fit") -> dict[str, NDArray[np.float64]]:
    """Reads all that a call has logged.

    Args:
        run: The run's folder.
        subcommand: The call: ``fit``, ``validate``, ``test`` or ``predict``.

    Returns:
        The columns by their names, among them ``epoch`` and ``step``; a row for each step at which something was
        logged, NaN where a column was not.

    Raises:
        RunError: The folder has no such log, or nothing in it.
    """
    rows = _rows(run, subcommand)
    columns = {name: np.array([float(row[name] or "nan") for row in rows]) for name in rows[0]}
    # What is logged at the start of an epoch, such as a learning rate, does not say of which.
    for row in range(len(rows) - 2, -1, -1):
        if np.isnan(columns["epoch"][row]):
            columns["epoch"][row] = columns["epoch"][row + 1]
    return columns


def validation_epochs(run: RunFolder, keys: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """Reads what a training has logged at each validation epoch.

    Args:
        run: The run's folder.
        keys: The columns of ``metrics.csv`` to read.

    Returns:
        For each key, and for ``epoch``, its values by ascending epoch, shape (n_epochs,).

    Raises:
        RunError: The folder has no log, or the log has none of the keys, or no whole epoch.
    """
    rows = _rows(run, "fit")
    whole = {int(row["epoch"]): row for row in rows if row["epoch"] and all(row.get(key) for key in keys)}
    missing = [key for key in keys if key not in rows[0]]
    if missing or not whole:
        raise RunError(
            f"the log of {run.path} has no {', '.join(missing) or 'whole epoch yet'}; it has {_some(list(rows[0]))}."
        )
    epochs = sorted(whole)
    values = {key: np.array([float(whole[epoch][key]) for epoch in epochs]) for key in keys}
    return {"epoch": np.array(epochs, float), **values}


def stage_starts(log: Mapping[str, NDArray[np.float64]]) -> list[float]:
    """Returns the epochs at which later stages of a training begin; none where it has no stages.

    Args:
        log: What `logged` returns.
    """
    if "stage" not in log:
        return []
    there = np.isfinite(log["stage"])
    epochs, stages = log["epoch"][there], log["stage"][there]
    return [float(epochs[stages == stage].min()) for stage in np.unique(stages)[1:]]


class BestEpoch(NamedTuple):
    """The best epoch of a training by a score.

    Attributes:
        value: The score there.
        epoch: Number of the epoch, from 0.
    """

    value: float
    epoch: int


def best_epoch(run: RunFolder, key: str, mode: Literal["min", "max"]) -> BestEpoch:
    """Finds the epoch whose checkpoint is the best one, by a score that was logged at each.

    Where training has stages, each has an objective of its own, and the epochs of the last one count.

    Args:
        run: The run's folder.
        key: The score, like ``val/negative_elbo``.
        mode: Whether the least or the greatest value is the best.

    Raises:
        RunError: The run has not logged that, or it was never finite.
    """
    values = validation_epochs(run, [key])
    stages = _stages(run)
    last = max(stages.values(), default=0.0)
    of_last = [
        stages.get(int(epoch), last) == last and np.isfinite(value)
        for epoch, value in zip(*values.values(), strict=True)
    ]
    if not any(of_last):
        raise RunError(f"the log of {run.path} has no finite {key}.")
    scores = np.where(of_last, values[key], np.inf if mode == "min" else -np.inf)
    best = int(scores.argmin() if mode == "min" else scores.argmax())
    return BestEpoch(float(scores[best]), int(values["epoch"][best]))


def _stages(run: RunFolder) -> dict[int, float]:
    """The stage of each epoch, where training has stages."""
    return {int(row["epoch"]): float(row["stage"]) for row in _rows(run, "fit") if row.get("stage") and row["epoch"]}


def _rows(run: RunFolder, subcommand: str) -> list[dict[str, str]]:
    path = run.metrics_of(subcommand)
    rows = read_rows(path) if path.is_file() else []
    if not rows:
        raise RunError(
            f"nothing is logged in {path}; name the folder of a run with the logger lightning_app.tracking.CsvLog, "
            "which every configuration of this project has."
        )
    return rows


def _some(columns: list[str]) -> str:
    return ", ".join(sorted(column for column in columns if column.startswith("val/"))) or "no validation"
