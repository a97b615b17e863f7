"""What tells two runs apart on the clips that both were evaluated on."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_app.errors import RunError, did_you_mean
from lightning_app.evaluation.clip_statistics import clip_statistic
from lightning_app.evaluation.scores import order_of
from lightning_app.runs.clip_scores import ClipScore, ClipScores
from lightning_app.runs.evaluation_record import EvaluationRecord
from lightning_app.runs.run_folder import RunFolder
from lightning_app.runs.settings import differing, flattened, of_the_data
from metrics.functional import Interval, bootstrap_interval

# Settings of an evaluation that follow from the model, that no score of single clips depends on, or that are numbers of
# clips to listen to, of which those are compared that both have.
_NO_CHOICE = ("regularized_dims", "v_drawn_from", "estimator", "embedding_files", "n_audio_clips", "n_counterfactuals")
_KEY = "the key of the data"


@dataclass(frozen=True)
class Difference:
    """A score of two runs on the same clips.

    Attributes:
        score: Its key.
        a: Its value of the first run.
        b: Its value of the second.
        interval: The 95 % bootstrap interval of b - a, paired over clips; None of a single clip.
        n_clips: Number of the clips.
    """

    score: str
    a: float
    b: float
    interval: Interval | None
    n_clips: int

    @property
    def tells_apart(self) -> bool:
        """Whether the interval does not hold 0."""
        return self.interval is not None and not self.interval.low <= 0.0 <= self.interval.high


@dataclass(frozen=True)
class _Evaluated:
    """A run with its evaluation."""

    folder: RunFolder
    clip_scores: ClipScores
    record: EvaluationRecord
    data: dict[str, str]
    """What tells its data from others."""


def compare(a: RunFolder, b: RunFolder, keys: Sequence[str] | None = None) -> list[Difference]:
    """Compares those scores of two runs that are statistics over clips, with paired bootstrap intervals.

    Where a score is of some clips only, such as those that were listened to, it is compared on those of both runs.

    Args:
        a: The first run.
        b: The second.
        keys: The scores; by default all that both have.

    Raises:
        RunError: A run has not kept what its scores are made of, the runs were evaluated on other data or clips or in
            another way, or they have no such score in common.
    """
    runs = [_evaluated(a), _evaluated(b)]
    _refuse_incomparable(*runs)
    of_a, of_b = (run.clip_scores.scores for run in runs)
    shared = sorted((key for key in of_a if key in of_b), key=order_of)
    if not shared:
        raise RunError(
            f"{a.path} and {b.path} have no score of single clips in common: the first has "
            f"{', '.join(of_a) or 'none'}, the second {', '.join(of_b) or 'none'}. Test both with the same "
            "--evaluation options."
        )
    for key in keys or ():
        if key not in shared:
            raise RunError(
                f"{a.path} and {b.path} do not both have {key}, clip by clip.{did_you_mean(key, shared)} They have "
                f"{', '.join(shared)}."
            )
    seed = int(runs[0].record.settings.get("seed", 0))
    return [_difference(key, of_a[key], of_b[key], seed) for key in (shared if keys is None else keys)]


def _evaluated(folder: RunFolder) -> _Evaluated:
    config = flattened(folder.read_config())
    clip_scores, record = ClipScores.read(folder), EvaluationRecord.read(folder)
    remedy = f"`disentangle test --run {folder.path}` makes both."
    try:
        values = {key: _value(score) for key, score in clip_scores.scores.items()}
    except KeyError as error:
        raise RunError(f"{folder.clip_scores} has a statistic {error} that this version does not know.") from error
    if not all(np.isclose(value, record.scores.get(key, np.nan)) for key, value in values.items()):
        raise RunError(f"{folder.clip_scores} is not of the same test as {folder.evaluation.name}; {remedy}")
    try:
        key = json.loads(folder.machine_of("test").read_text())["data_key"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(f"cannot read {folder.machine_of('test')}, which has the key of the data; {remedy}") from error
    return _Evaluated(folder, clip_scores, record, {_KEY: str(key)} | of_the_data(config))


def _refuse_incomparable(a: _Evaluated, b: _Evaluated) -> None:
    pair = f"{a.folder.path} and {b.folder.path}"
    unlike = differing([a.data, b.data])
    # The key need not tell what a model hears. Data without one are told by all their settings.
    if _KEY in unlike or [name for name in unlike if a.data[_KEY] == "None" or name.startswith("data.representation")]:
        raise RunError(f"{pair} are of other data and cannot be compared: {_listed(unlike, a.data, b.data)}.")
    settings = [{"evaluation": run.record.kind, **run.record.settings} for run in (a, b)]
    # What is null, or not there, was not measured.
    chosen = [
        {name: str(value) for name, value in of_run.items() if value is not None and name not in _NO_CHOICE}
        for of_run in settings
    ]
    if unlike := [name for name in chosen[0] if name in chosen[1] and chosen[0][name] != chosen[1][name]]:
        raise RunError(
            f"{pair} were not evaluated in the same way and cannot be compared: {_listed(unlike, *chosen)}. Test one "
            f"again with the options of the other, like `disentangle test --run {b.folder.path} --evaluation...`."
        )
    clips_a, clips_b = a.clip_scores.clips, b.clip_scores.clips
    if not np.array_equal(clips_a, clips_b):
        raise RunError(
            f"{pair} were evaluated on other clips and cannot be compared: {len(clips_a)} and {len(clips_b)}, of "
            f"which {len(np.intersect1d(clips_a, clips_b))} are the same. Compare runs whose data are divided alike, "
            "by the same data.seed and fractions."
        )


def _listed(names: Sequence[str], a: dict[str, str], b: dict[str, str]) -> str:
    return ", ".join(f"{name} is {a.get(name, 'none')} and {b.get(name, 'none')}" for name in names)


def _difference(key: str, a: ClipScore, b: ClipScore, seed: int) -> Difference:
    shared = np.intersect1d(a.clips, b.clips)
    if not len(shared):
        raise RunError(f"{key} of the two runs has no clip in common; leave it out, by --scores.")
    rows_a, rows_b = (score.rows[:, np.searchsorted(score.clips, shared)] for score in (a, b))
    of_a, of_b = (clip_statistic(score.statistic, score.classes) for score in (a, b))

    def difference(*rows: NDArray[Any], axis: int = -1) -> NDArray[np.float64]:
        return of_b(*rows[len(rows_a) :], axis=axis) - of_a(*rows[: len(rows_a)], axis=axis)

    interval = bootstrap_interval(difference, *rows_a, *rows_b, seed=seed) if len(shared) > 1 else None
    return Difference(key, float(of_a(*rows_a, axis=-1)), float(of_b(*rows_b, axis=-1)), interval, len(shared))


def _value(score: ClipScore) -> float:
    return float(clip_statistic(score.statistic, score.classes)(*score.rows, axis=-1))
