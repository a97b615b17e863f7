"""How far a sweep is, in one line."""

import time
from types import TracebackType
from typing import Self

from optuna.trial import TrialState
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from lightning_app.sweeps.study import SweepStudy, TrialRecord

_SHOWN = (TrialState.COMPLETE, TrialState.RUNNING, TrialState.FAIL, TrialState.PRUNED)
_NAMES = {
    TrialState.COMPLETE: "done",
    TrialState.RUNNING: "running",
    TrialState.FAIL: "failed",
    TrialState.PRUNED: "pruned",
}


class SweepProgress:
    """A line with the trials of all workers: done, running, failed, pruned, the best so far, and the time left.

    Where the output is no terminal, each trial that ends prints such a line, and so does one that fails with its error.

    Args:
        study: The study.
    """

    def __init__(self, study: SweepStudy) -> None:
        self._study = study
        self._console = Console()
        self._bar = Progress(
            BarColumn(20), TextColumn("{task.description}"), TimeElapsedColumn(), console=self._console
        )
        self._began = time.monotonic()
        self._ended_before = 0

    def __enter__(self) -> Self:
        records = self._study.records()
        self._ended_before = sum(record.state.is_finished() for record in records)
        self._task = self._bar.add_task("", total=self._study.sweep.n_trials)
        if self._console.is_terminal:
            self._bar.start()
        self.show()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        if self._console.is_terminal:
            self._bar.stop()

    def show(self, ended: int | None = None) -> None:
        """Shows the state of the sweep.

        Args:
            ended: Number of the trial that has just ended, if one has.
        """
        records = self._study.records()
        line = self._line(records)
        n_ended = sum(record.state.is_finished() for record in records)
        self._bar.update(self._task, completed=n_ended, description=line)
        for record in records:
            if record.number == ended and record.error is not None:
                said = f"Trial {ended} failed: {record.error}"
                self._console.print(said, markup=False, highlight=False, soft_wrap=True)
        if ended is not None and not self._console.is_terminal:
            self._console.print(line, markup=False, highlight=False, soft_wrap=True)

    def _line(self, records: list[TrialRecord]) -> str:
        counts = {state: sum(record.state == state for record in records) for state in _SHOWN}
        shown = [f"{count} {_NAMES[state]}" for state, count in counts.items() if count or state in _SHOWN[:2]]
        parts = [f"{', '.join(shown)} of {self._study.sweep.n_trials}"]
        if (best := self._study.best(records)) is not None:
            parts.append(f"best {best.value:.4g} (trial {best.number})")
        if (left := self._seconds_left(records)) is not None:
            parts.append(f"{_duration(left)} left")
        return " · ".join(parts)

    def _seconds_left(self, records: list[TrialRecord]) -> float | None:
        """By how fast all workers were since this one has begun; unknown before a trial has ended."""
        n_ended = sum(record.state.is_finished() for record in records)
        since = n_ended - self._ended_before
        if not since or n_ended == self._study.sweep.n_trials:
            return None
        return (self._study.sweep.n_trials - n_ended) * (time.monotonic() - self._began) / since


def _duration(seconds: float) -> str:
    """How long it takes, as one would say it.

    >>> _duration(42), _duration(600), _duration(9000)
    ('42 s', '10 min', '2 h 30 min')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
