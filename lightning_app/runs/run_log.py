"""What a run has logged, read from its CSV files."""

import csv
import math
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from lightning_app.errors import RunError
from lightning_app.runs.run_folder import RunFolder


def logged(run: RunFolder) -> dict[str, NDArray[np.float64]]:
    """Reads all that a training has logged, over all its parts where it was stopped and resumed.

    Args:
        run: The run's folder.

    Returns:
        The columns by their names, among them ``epoch`` and ``step``; a row for each step at which something was
        logged, NaN where a column was not.

    Raises:
        RunError: The folder has no log.
    """
    rows: dict[tuple[int, int], dict[str, float]] = {}
    for file in run.logs:
        with file.open(newline="") as lines:
            part = [row for row in csv.DictReader(lines) if row.get("epoch") and row.get("step")]
        if not any(row.get(key) for row in part for key in row if key.startswith("train/")):
            continue
        begins = min(int(row["epoch"]) for row in part)
        rows = {place: values for place, values in rows.items() if place[0] < begins}
        for row in part:
            values = {key: float(value) for key, value in row.items() if value}
            rows.setdefault((int(row["epoch"]), int(row["step"])), {}).update(values)
    if not rows:
        raise RunError(f"nothing is logged in {run.path}; name the folder of a run with the CSV logger.")
    names = dict.fromkeys(key for row in rows.values() for key in row)
    return {name: np.array([rows[place].get(name, math.nan) for place in sorted(rows)]) for name in names}


def validation_epochs(run: RunFolder, keys: Sequence[str]) -> dict[str, NDArray[np.float64]]:
    """Reads what a run has logged at each validation epoch, over all its parts where it was stopped and resumed.

    Args:
        run: The run's folder.
        keys: The columns of ``logs/version_N/metrics.csv`` to read.

    Returns:
        For each key, and for ``epoch``, its values by ascending epoch, shape (n_epochs,). Of an epoch that was logged
        twice the later part counts.

    Raises:
        RunError: The folder has no log, or the log has none of the keys, or no whole epoch.
    """
    if not run.logs:
        raise RunError(f"no log in {run.path}; name the folder of a run with the CSV logger, like runs/ar_vae.")
    rows: dict[int, list[float]] = {}
    columns: set[str] = set()
    for file in run.logs:
        with file.open(newline="") as lines:
            reader = csv.DictReader(lines)
            logged = set(reader.fieldnames or ())
            columns |= logged
            # What `validate` logs is of no epoch, and counts from 0 again.
            trained = any(column.startswith("train/") for column in logged)
            of_epochs = [row for row in reader if trained and row.get("epoch")]
            # A part that was resumed replaces what an earlier one had logged from there on.
            begins = min((int(row["epoch"]) for row in of_epochs), default=math.inf)
            rows = {epoch: values for epoch, values in rows.items() if epoch < begins}
            for row in of_epochs:
                if all(row.get(key) for key in keys):
                    rows[int(row["epoch"])] = [float(row[key]) for key in keys]
    missing = [key for key in keys if key not in columns]
    if missing or not rows:
        raise RunError(
            f"the log of {run.path} has no {', '.join(missing) or 'whole epoch yet'}; it has {_some(columns)}."
        )
    epochs = sorted(rows)
    values = np.array([rows[epoch] for epoch in epochs])
    return {"epoch": np.array(epochs, float), **{key: values[:, column] for column, key in enumerate(keys)}}


def _some(columns: set[str]) -> str:
    return ", ".join(sorted(column for column in columns if column.startswith("val/"))) or "no validation"
