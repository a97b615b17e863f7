"""What a sweep's runs would say of their options, before the first one starts."""

import logging
import os
from collections.abc import Iterator, Sequence

from lightning_app.callbacks.checks import check_monitored
from lightning_app.cli import DisentangleCLI
from lightning_app.commands.config_files import with_paths
from lightning_app.errors import RunError, did_you_mean
from lightning_app.quiet import silence_libraries
from lightning_app.run_options import explained
from lightning_app.runs.run_processes import SLURM_JOB
from lightning_app.sweeps.sweep_file import Metric, Sweep


class _Checked(DisentangleCLI):
    """The command line up to where a run would begin: all is made and checked, and no file is written or read."""

    def __init__(self, words: Sequence[str], metric: Metric) -> None:
        self._metric = metric
        super().__init__(["fit", *words])

    def _parse_ckpt_path(self) -> None: ...

    def _set_seed(self) -> None: ...

    def after_instantiate_classes(self) -> None: ...

    def _run_subcommand(self, subcommand: str) -> None:
        self.before_fit()
        key = self._metric.name
        if key.startswith("val/"):
            check_monitored(self.trainer, self.model, {"metric.name": key})
        else:
            self._check_score(key.removeprefix("test/"))

    def _check_score(self, score: str) -> None:
        """Checks that an evaluation measures a score, as far as it tells what it measures."""
        evaluation = self._get(self.config_init, "evaluation")
        if evaluation is None:
            raise RunError(f"the metric test/{score} is a score of an evaluation, and `evaluation` is null.")
        if not hasattr(evaluation, "test_scores"):
            return
        known = [*getattr(self.model, "term_names", ()), *evaluation.test_scores(self.model)]
        if score not in known:
            raise RunError(
                f"the metric test/{score} is no score that is measured.{did_you_mean(score, known)} Measured are "
                f"{', '.join(known)}; options of the evaluation may add to them."
            )


def check_sweep(sweep: Sweep) -> None:
    """Makes what a run is made of, for each value of an option that has several, and checks what can be told from it.

    Raises:
        RunError: A run could not start, or does not measure the metric.
        SystemExit: An option is wrong; the parser has said so.
    """
    silence_libraries()
    logging.getLogger("lightning.pytorch").setLevel(logging.ERROR)  # the runs themselves say what they run on
    os.environ.pop(SLURM_JOB, None)  # nor do they know of it
    for values in example_values(sweep):
        words = sweep.fit_arguments(values, sweep.seeds[0] if sweep.seeds else None)
        with explained():
            _Checked(with_paths(words), sweep.metric)


def example_values(sweep: Sweep) -> Iterator[dict[str, object]]:
    """Returns combinations in which each value of a choice is there once, and of the others some value."""
    points = {name: list(one.points() or [_some(one)]) for name, one in sweep.parameters.items()}
    for number in range(min(max(map(len, points.values())), sweep.n_trials)):
        yield {name: values[number % len(values)] for name, values in points.items()}


def _some(distribution: object) -> object:
    values = getattr(distribution, "values", None)
    if values is not None:
        return values[0]
    low = getattr(distribution, "low", 0.5)
    return distribution.value(low)  # type: ignore[attr-defined]
