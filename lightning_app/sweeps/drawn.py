"""What the figures of a sweep are drawn from."""

from dataclasses import dataclass

from optuna.trial import TrialState

from lightning_app.sweeps.option_axis import OptionAxis
from lightning_app.sweeps.study import SweepStudy, TrialRecord

Table = dict[str, list[object]]
"""The numbers of a figure, a column for each name."""


@dataclass(frozen=True)
class Drawn:
    """What is drawn: the trials, the options that they differ in, and the metric.

    Attributes:
        study: The study.
        records: The trials that have a value, by their numbers.
        axes: The options by their names, as axes.
        names: What the options are called.
        seed: Seed of the forest that importances are computed by.
    """

    study: SweepStudy
    records: list[TrialRecord]
    axes: dict[str, OptionAxis]
    names: dict[str, str]
    seed: int

    @property
    def metric(self) -> str:
        """Name of the metric."""
        return self.study.sweep.metric.name

    @property
    def complete(self) -> list[TrialRecord]:
        """Those of the trials that have come to their end."""
        return [record for record in self.records if record.state == TrialState.COMPLETE]

    @property
    def pruned(self) -> list[TrialRecord]:
        """Those of the trials that were given up."""
        return [record for record in self.records if record.state == TrialState.PRUNED]
