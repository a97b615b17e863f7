"""Runs in MLflow, in a store beside them unless a server is named."""

import os
from pathlib import Path
from typing import Any

from lightning.pytorch.loggers import MLFlowLogger


class MlflowRun(MLFlowLogger):
    """Lightning's `MLFlowLogger`, whose store lies beside the run's folder, for all runs there.

    Each call, such as ``fit`` or ``test``, is an MLflow run of its own, since MLflow takes no other values of options
    that a run has. They are called alike.

    Args:
        folder: The run's folder.
        run_name: Name of the run.
        experiment_name: MLflow experiment.
        tracking_uri: Address of the store; None takes ``MLFLOW_TRACKING_URI``, or else ``mlflow.db`` beside the folder.
        kwargs: Other arguments of `lightning.pytorch.loggers.MLFlowLogger`.
    """

    def __init__(
        self,
        folder: str | Path,
        run_name: str | None = None,
        experiment_name: str = "disentangle",
        tracking_uri: str | None = None,
        **kwargs: Any,
    ) -> None:
        beside = Path(folder).absolute().parent
        uri = tracking_uri or os.environ.get("MLFLOW_TRACKING_URI")
        if uri is None:
            beside.mkdir(parents=True, exist_ok=True)  # SQLite makes no folders
            uri = f"sqlite:///{beside / 'mlflow.db'}"
            kwargs["artifact_location"] = kwargs.get("artifact_location") or (beside / "mlruns").as_uri()
        super().__init__(experiment_name=experiment_name, run_name=run_name, tracking_uri=uri, **kwargs)
