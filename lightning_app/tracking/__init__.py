"""What keeps track of a run while it goes on: loggers, chosen by ``trainer.logger``."""

from lightning_app.tracking.csv_log import CsvLog
from lightning_app.tracking.media import Media, log_media
from lightning_app.tracking.mlflow_run import MlflowRun
from lightning_app.tracking.wandb_run import WandbRun

__all__ = ["CsvLog", "Media", "MlflowRun", "WandbRun", "log_media"]
