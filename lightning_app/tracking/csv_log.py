"""The log of a run as one CSV file, whatever was stopped and resumed."""

import csv
import io
import os
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import Logger
from lightning.pytorch.utilities import rank_zero_only

from lightning_app.files import cannot_write, whole_file
from lightning_app.runs.run_folder import RunFolder
from lightning_app.runs.run_log import read_rows


class CsvLog(Logger):
    """Writes ``metrics.csv`` to a run's folder, a row for each step at which something is logged.

    A training that goes on from a checkpoint goes on with the file: what had been logged after the checkpoint is
    dropped. ``validate``, ``test`` and ``predict`` have files of their own, like ``metrics.test.csv``, which the next
    call replaces. Each row is on disk as soon as it is logged, so that a run can be watched, and none is lost if it is
    killed.

    Args:
        folder: The run's folder.
    """

    def __init__(self, folder: str | Path) -> None:
        super().__init__()
        self.folder = RunFolder(Path(folder))
        self._path: Path | None = None
        self._columns: list[str] = []
        self._row: dict[str, Any] = {}
        self._row_begins = 0

    @property
    def name(self) -> str:
        """Name of the run's folder."""
        return self.folder.path.name

    @property
    def version(self) -> str:
        """Nothing: a run has one log."""
        return ""

    @rank_zero_only
    def begin(self, subcommand: str, step: int) -> None:
        """Opens the log of a call; what comes after is of this call.

        Args:
            subcommand: ``fit``, ``validate``, ``test`` or ``predict``.
            step: The step that a ``fit`` goes on from, 0 for a new one.
        """
        self._path = self.folder.metrics_of(subcommand)
        rows = read_rows(self._path) if subcommand == "fit" and self._path.is_file() else []
        kept = [row for row in rows if int(row["step"]) < step]
        self._path.unlink(missing_ok=True)
        self._columns, self._row = [], {}
        if kept:
            self._columns = list(kept[0])
            self._write_all(kept)

    @rank_zero_only
    def log_metrics(self, metrics: Mapping[str, float], step: int | None = None) -> None:
        """Adds to the row of a step, or begins the row.

        Args:
            metrics: Values by their keys.
            step: The step; None for the one that was logged last.
        """
        if self._path is None:
            self.begin("fit", 0)
        step = int(self._row.get("step", 0)) if step is None else step
        is_same = bool(self._row) and int(self._row["step"]) == step
        row = {"epoch": metrics.get("epoch", ""), "step": step}
        self._row = (self._row if is_same else row) | {key: _plain(value) for key, value in metrics.items()}
        new = [key for key in self._row if key not in self._columns]
        if new:
            rows = read_rows(self._file) if self._file.is_file() else []
            self._columns += new
            self._write_all([*(rows[:-1] if is_same else rows), self._row])
            return
        try:
            with self._file.open("r+b") as file:
                file.seek(self._row_begins if is_same else 0, io.SEEK_SET if is_same else io.SEEK_END)
                self._row_begins = file.tell()
                file.truncate()
                file.write(self._text([self._row]))
        except OSError as error:
            with suppress(OSError):
                os.truncate(self._file, self._row_begins)  # half a row might be read as another step's
            raise cannot_write(self._file, error) from error

    @rank_zero_only
    def log_hyperparams(self, params: Any, *args: Any, **kwargs: Any) -> None:
        """Writes nothing: the run's folder has the configuration."""

    @property
    def _file(self) -> Path:
        assert self._path is not None
        return self._path

    def _write_all(self, rows: list[dict[str, Any]]) -> None:
        before, last = self._text(rows[:-1], header=True), self._text(rows[-1:])
        with whole_file(self._file) as draft:
            draft.write_bytes(before + last)
        self._row, self._row_begins = dict(rows[-1]), len(before)

    def _text(self, rows: list[dict[str, Any]], header: bool = False) -> bytes:
        text = io.StringIO()
        writer = csv.DictWriter(text, self._columns, restval="", lineterminator="\n")
        if header:
            writer.writeheader()
        writer.writerows(rows)
        return text.getvalue().encode()


def _plain(value: Any) -> Any:
    return value.item() if hasattr(value, "item") else value
