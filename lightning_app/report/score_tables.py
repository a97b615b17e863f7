"""Tables of scores: runs of the same data side by side, those that differ in their seed alone as one."""

import statistics
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from lightning_app.evaluation.scores import (
    higher_is_better,
    is_count,
    is_of_another_factor,
    order_of,
    score_label,
)
from lightning_app.figures.over_seeds import margin
from lightning_app.listening.opened_run import OpenedRun
from lightning_app.runs.evaluation_record import EvaluationRecord
from lightning_app.runs.settings import flattened, of_the_data, without_seeds

# Settings of an evaluation that follow from the data or name what is scored, and do not make scores differ.
_NO_CHOICE = ("n_train_clips", "regularized_dims")


@dataclass(frozen=True)
class Value:
    """A score of some runs.

    Attributes:
        mean: Their mean.
        margin: Half of the 95 % interval of the mean over seeds, by Student's t; None for one run.
        best: Whether no other column is better.
    """

    mean: float
    margin: float | None
    best: bool = False


@dataclass(frozen=True)
class Row:
    """A score.

    Attributes:
        label: What it is.
        higher_is_better: Whether the higher of two is the better; None where neither is.
        values: One for each column; None where it was not measured.
    """

    label: str
    higher_is_better: bool | None
    values: list[Value | None]


@dataclass(frozen=True)
class Column:
    """Runs that differ in their seed alone.

    Attributes:
        runs: Their names.
        n_clips: Number of clips that were scored, where that is the same for all.
    """

    runs: list[str]
    n_clips: int | None


@dataclass(frozen=True)
class ScoreTable:
    """The scores of runs that have the same data.

    Attributes:
        columns: The runs.
        rows: The scores.
        more: Scores of other factors than the one that was swapped, and the like.
        differing: Settings of their evaluations that are not the same, so that no score is marked as the best.
    """

    columns: list[Column]
    rows: list[Row]
    more: list[Row]
    differing: list[str]


def score_tables(runs: Sequence[OpenedRun]) -> tuple[list[ScoreTable], list[OpenedRun]]:
    """Puts the scores of runs side by side.

    Returns:
        A table for each set of data, and the runs that were not evaluated.
    """
    records = {run.name: run.record() for run in runs}
    by_data: dict[object, list[OpenedRun]] = {}
    for run in runs:
        if (record := records[run.name]) is not None:
            by_data.setdefault((record.kind, *of_the_data(flattened(run.config)).items()), []).append(run)
    tables = [_table([(run, record) for run in part if (record := records[run.name])]) for part in by_data.values()]
    return tables, [run for run in runs if records[run.name] is None]


def _table(scored: Sequence[tuple[OpenedRun, EvaluationRecord]]) -> ScoreTable:
    replicates: dict[object, list[tuple[OpenedRun, EvaluationRecord]]] = {}
    for run, record in scored:
        replicates.setdefault(tuple(without_seeds(flattened(run.config)).items()), []).append((run, record))
    columns = [
        Column([run.name for run, _ in part], _only({record.n_clips for _, record in part}))
        for part in replicates.values()
    ]
    differing = _differing([record for _, record in scored])
    keys = dict.fromkeys(key for _, record in scored for key in record.scores if not is_count(key))
    factor = str(scored[0][1].settings.get("factor", "class"))
    rows: dict[bool, list[Row]] = {False: [], True: []}
    for key in sorted(keys, key=order_of):
        of_runs = [[record.scores.get(key) for _, record in part] for part in replicates.values()]
        rows[is_of_another_factor(key, factor)].append(_row(key, factor, of_runs, differing))
    return ScoreTable(columns, rows[False], rows[True], differing)


def _row(key: str, factor: str, columns: Sequence[Sequence[float | None]], differing: Sequence[str]) -> Row:
    higher = higher_is_better(key)
    measured = [[value for value in column if value is not None and value == value] for column in columns]
    means = [statistics.fmean(values) if values else None for values in measured]
    there = [mean for mean in means if mean is not None]
    best = None if higher is None or len(there) < 2 or differing else (max if higher else min)(there)
    values = [
        None if mean is None else Value(mean, margin(np.array(one)) if len(one) > 1 else None, mean == best)
        for mean, one in zip(means, measured, strict=True)
    ]
    return Row(score_label(key, factor), higher, values)


def _differing(records: Sequence[EvaluationRecord]) -> list[str]:
    settings: list[Mapping[str, object]] = [record.settings for record in records]
    names = dict.fromkeys(name for one in settings for name in one if name not in _NO_CHOICE)
    return [name for name in names if len({str(one.get(name)) for one in settings}) > 1]


def _only(values: set[int]) -> int | None:
    return next(iter(values)) if len(values) == 1 else None
