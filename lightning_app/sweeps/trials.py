"""A trial: its runs, one for each seed, their folders, commands and scores."""

import math
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from lightning_app.errors import RunError
from lightning_app.runs.evaluation_record import EvaluationRecord, is_finished
from lightning_app.runs.run_folder import RunFolder
from lightning_app.runs.run_log import best_epoch, validation_epochs
from lightning_app.runs.run_processes import commands_left, typed
from lightning_app.sweeps.sweep_file import Metric, Sweep, typed_value

_LONGEST_NAME = 60


@dataclass(frozen=True)
class TrialRun:
    """A training with a trial's values and one of the seeds.

    Attributes:
        sweep: The sweep.
        number: Number of the trial.
        values: The values of the options.
        seed: The seed; None where the sweep names none.
        runs: The sweep's folder, which holds the run's.
    """

    sweep: Sweep
    number: int
    values: Mapping[str, Any]
    seed: int | None
    runs: Path

    @property
    def name(self) -> str:
        """The name of the run and of its folder: the trial's number, and the values that trials differ in."""
        several = [name for name, one in self.sweep.parameters.items() if len(one.points() or (0, 1)) > 1]
        told = "-".join(_in_a_name(self.values[name]) for name in several)[:_LONGEST_NAME]
        return f"{self.number:04d}-{told}" + ("" if self.seed is None else f"-seed{self.seed}")

    @property
    def folder(self) -> RunFolder:
        """The run's folder."""
        return RunFolder(self.runs / self.name)

    @property
    def evaluates(self) -> bool:
        """Whether the run is to be evaluated after its training."""
        return self.sweep.metric.name.startswith("test/")

    @property
    def wandb_variables(self) -> dict[str, str]:
        """W&B's own variables that put the run into the group of its sweep, tagged with its trial and its seed."""
        tags = [f"trial {self.number}", *([] if self.seed is None else [f"seed {self.seed}"])]
        return {"WANDB_RUN_GROUP": self.sweep.name, "WANDB_TAGS": ",".join(tags)}

    def fit(self) -> list[str]:
        """The arguments of ``disentangle`` that train it from the start."""
        placed = ["--name", self.name, "--trainer.default_root_dir", str(self.folder.path)]
        return ["fit", *self.sweep.fit_arguments(self.values, self.seed), *placed]

    def commands(self) -> list[list[str]]:
        """What is left to do of it."""
        if is_finished(self.folder) if self.evaluates else self.folder.is_trained():
            return []
        test = ["test", "--run", str(self.folder.path)] if self.evaluates else []
        return commands_left(self.folder, self.fit(), test)

    @property
    def choices(self) -> str:
        """What is kept with the run, to tell it from one that was started otherwise; the folder may be moved."""
        return typed(["fit", *self.sweep.fit_arguments(self.values, self.seed)])

    def started_otherwise(self) -> bool:
        """Whether there is a run in its folder that another command has made."""
        record = self.folder.experiment
        return self.folder.holds_run() and not (record.is_file() and record.read_text() == self.choices)

    def score(self) -> float:
        """Reads the metric of the finished run.

        A score of ``test`` is that of its record. Of what is logged at each epoch it is the best; where training has
        stages, the best of the last one.

        Raises:
            RunError: There is none, or it is no number.
        """
        key = self.sweep.metric.name
        if self.evaluates:
            scores = EvaluationRecord.read(self.folder).scores
            name = key.removeprefix("test/")
            if name not in scores:
                raise RunError(f"{self.folder.evaluation} has no {name}; it has {', '.join(sorted(scores))}.")
            value = scores[name]
        else:
            value = best_epoch(self.folder, key, "min" if self.sweep.metric.goal == "minimize" else "max").value
        if math.isnan(value):
            raise RunError(f"{key} of {self.folder.path} is not a number.")
        return value


def logged_epochs(folder: RunFolder, metric: Metric) -> dict[int, float]:
    """Reads the metric of each epoch that is logged so far.

    Raises:
        RunError: There is no epoch, or none with this metric.
    """
    logged = validation_epochs(folder, [metric.name])
    return dict(zip(map(int, logged["epoch"]), map(float, logged[metric.name]), strict=True))


def _in_a_name(value: Any) -> str:
    text = f"{value:.3g}" if isinstance(value, float) else typed_value(value)
    return re.sub(r"[^\w.]+", "_", text).strip("_") or "_"
