"""What keeps track of a run while it goes on: loggers, chosen by ``trainer.logger``."""

from lightning_app.tracking.csv_log import CsvLog

__all__ = ["CsvLog"]
