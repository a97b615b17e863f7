"""The scores of the finished runs behind a figure."""

import math
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from lightning_app.errors import RunError
from lightning_app.evaluation.scores import measuring_options
from lightning_app.runs.evaluation_record import EvaluationRecord, is_finished
from lightning_app.runs.experiments import EXPERIMENTS, Model, Run, read_experiments
from lightning_app.runs.run_folder import RunFolder


@dataclass(frozen=True)
class ScoredRun:
    """A run with its scores.

    Attributes:
        run: The run.
        settings: What must be the same for runs to be compared, like the number of epochs and of clips.
        scores: The scores by their keys.
    """

    run: Run
    settings: dict[str, Any]
    scores: dict[str, float]


@dataclass(frozen=True)
class ScoredRuns:
    """The runs of a figure.

    Attributes:
        runs: The runs, ordered by z_dim, posterior, model and seed.
        models: How each model is drawn, by its name, in the order of the legend.
        data: The data set.
        data_label: What it is called in figures.
        folder: Folder of the runs.
    """

    runs: list[ScoredRun]
    models: dict[str, Model]
    data: str
    data_label: str
    folder: Path

    def values(self, score: str, **which: str | int) -> list[float]:
        """Returns a score of those runs that have the given model, posterior and so on."""
        chosen = which.items()
        return [one.scores[score] for one in self.runs if all(getattr(one.run, key) == value for key, value in chosen)]

    def distinct(self, setting: str) -> list[Any]:
        """Returns the values that a setting like z_dim has among the runs."""
        return list(dict.fromkeys(getattr(one.run, setting) for one in self.runs))

    def path(self, figure: str, output: Path | None) -> Path:
        """Returns the path of a figure of these runs, without an ending."""
        return (self.folder / "figures" if output is None else output) / f"{figure}_{self.data}"

    def table(self) -> dict[str, list[object]]:
        """Returns all of it as columns, a row for each run."""
        rows = [vars(one.run) | one.settings | one.scores for one in self.runs]
        return {name: [row[name] for row in rows] for name in rows[0]}


def scored_runs(
    figure: str,
    scores: Sequence[str],
    settings: Sequence[str],
    *,
    data: str = "dmelodies",
    z_dims: list[int] | None = None,
    posteriors: list[str] | None = None,
    seeds: list[int] | None = None,
    runs: Path = Path("runs"),
    experiments: Path = EXPERIMENTS,
) -> ScoredRuns:
    """Reads the runs that a figure shows.

    Args:
        figure: Name of the figure in ``experiments``.
        scores: Keys of the scores to read of each run.
        settings: Settings of the evaluation on which these scores depend.
        data: The data set, like dmelodies or urmp.
        z_dims: Only runs with one of these; all of the figure's if not given.
        posteriors: Only runs with one of these.
        seeds: Only runs with one of these.
        runs: The folder of the runs.
        experiments: The file that lists the runs of each figure.

    Raises:
        RunError: Runs are missing, lack a score, cannot be compared, or are not what their names say.
    """
    described = read_experiments(experiments)
    wanted = described.runs_of(figure, data, z_dims, posteriors, seeds)
    selection: dict[str, Any] = {"figure": figure, "data": data, "z_dims": z_dims, "posteriors": posteriors}
    selection |= {"seeds": seeds, "experiments": experiments if experiments != EXPERIMENTS else None}
    _refuse_missing(wanted, runs, selection)
    read = [_scored_run(run.folder(runs), run, settings) for run in wanted]
    _refuse_without(scores, read, runs)
    _refuse_incomparable(read)
    kept = [replace(one, scores={score: one.scores[score] for score in scores}) for one in read]
    models = {name: model for name, model in described.models.items() if name in described.figures[figure].models}
    return ScoredRuns(kept, models, data, described.data[data], runs)


def _refuse_missing(wanted: Sequence[Run], runs: Path, selection: Mapping[str, Any]) -> None:
    missing = [run for run in wanted if not is_finished(run.folder(runs))]
    for folder in (run.folder(runs) for run in missing):
        if folder.config.is_file():
            folder.read_config()  # a run of an earlier version is not to be finished
    if missing:
        words = [f"--{key}={_typed(value)}" for key, value in selection.items() if value is not None]
        command = shlex.join(["disentangle", "experiment", *words, f"--runs={runs}"])
        raise RunError(
            f"{len(missing)} of {len(wanted)} runs are not in {runs}, or are not finished:{_listed(missing)}\n"
            f"Make them with `{command}`, with the --length and --options of the others, or leave them out with "
            "--z_dims, --posteriors and --seeds."
        )


def _refuse_without(scores: Sequence[str], read: Sequence[ScoredRun], runs: Path) -> None:
    lacking = [one.run for one in read if not all(math.isfinite(one.scores.get(score, math.nan)) for score in scores)]
    if lacking:
        command = shlex.join(["disentangle", *lacking[0].test_arguments(runs), *measuring_options(scores)])
        raise RunError(
            f"{len(lacking)} of {len(read)} runs lack scores, of {', '.join(scores)}:{_listed(lacking)}\n"
            f"Measure them, the first by `{command}`, with all else that other figures need, since each test replaces "
            "the scores of the one before. CREPE's full model is for a GPU; tiny is another measure, and "
            "--evaluation.audio_clips takes some of the clips."
        )


def _refuse_incomparable(read: Sequence[ScoredRun]) -> None:
    for setting in read[0].settings:
        of_value: dict[Any, list[Run]] = {}
        for one in read:
            of_value.setdefault(one.settings[setting], []).append(one.run)
        if len(of_value) > 1:
            parts = (f"\n{setting} {value}:{_listed(runs)}" for value, runs in of_value.items())
            raise RunError(f"these runs cannot be compared, since their {setting} differs:{''.join(parts)}")


def _typed(value: object) -> str:
    return f"[{', '.join(map(str, value))}]" if isinstance(value, list) else str(value)


def _listed(runs: Sequence[Run]) -> str:
    """The names, with the seeds of a group in one line, like ``dsae-urmp-z8-full-seed0, 1, 2``."""
    seeds: dict[str, list[str]] = {}
    for run in runs:
        seeds.setdefault(run.group, []).append(str(run.seed))
    return "".join(f"\n  {group}-seed{', '.join(numbers)}" for group, numbers in seeds.items())


def _scored_run(folder: RunFolder, run: Run, settings: Sequence[str]) -> ScoredRun:
    """Reads the folder of a run.

    Raises:
        RunError: It is of another run than its name says, or was not evaluated by its swaps.
    """
    config, record = folder.read_config(), EvaluationRecord.read(folder)
    try:
        model = config["model"]["init_args"]
        found = {"name": config["name"], "z_dim": model["z_dim"], "posterior": model["posterior"]}
        found["seed"] = config["seed_everything"]
        alike = {"max_epochs": config["trainer"]["max_epochs"], "factor": record.settings["factor"]}
        alike |= {"checkpoint": record.checkpoint, "evaluation_seed": record.settings["seed"]}
        alike |= {"n_train_clips": record.settings["n_train_clips"], "n_validation_clips": record.n_clips}
    except (KeyError, TypeError) as error:
        raise RunError(f"{folder.path} is not a run that was evaluated by its swaps: it has no {error}.") from error
    if differing := [f"{key} {value}" for key, value in found.items() if value != getattr(run, key)]:
        raise RunError(
            f"{folder.path} has a run of {', '.join(differing)}, which is not what its name says; rename it or make "
            "it again."
        )
    # An evaluation that did not measure these scores has no such settings.
    alike |= {key: record.settings.get(key) for key in settings}
    return ScoredRun(run, alike, record.scores)
