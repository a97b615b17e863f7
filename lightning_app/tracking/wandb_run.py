"""One W&B run for all that is done with a run: its training, in however many parts, and what evaluates it."""

import json
import os
import secrets
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, Literal

import wandb
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.loggers import WandbLogger
from lightning.pytorch.loggers.logger import rank_zero_experiment
from lightning.pytorch.utilities import rank_zero_only

from lightning_app.errors import RunError, did_you_mean
from lightning_app.files import whole_file
from lightning_app.runs.checkpoint import evaluated_state
from lightning_app.runs.run_folder import RunFolder

_PROJECT = "disentangle"
_DATA_DIR = "WANDB_DATA_DIR"
_ROWS = 1_000_000  # more than any segment has
_MODES = ("online", "offline", "disabled", "shared", "dryrun", "run")


class WandbRun(WandbLogger):
    """Lightning's `WandbLogger`, for which ``fit``, a resumed ``fit``, ``test`` and ``predict`` are one W&B run.

    The run's folder keeps the id of its W&B run. Offline, each call writes a segment of that run, and ``wandb sync``
    puts the segments together. What is not given here is taken from W&B's own variables, such as ``WANDB_MODE``,
    ``WANDB_PROJECT``, ``WANDB_ENTITY``, ``WANDB_RUN_GROUP`` and ``WANDB_TAGS``; where these are not set either, a run
    is offline, in the project ``disentangle``, and called like the run. The summary of the W&B run has the best value
    of what the checkpoints follow, and its epoch and step.

    Args:
        folder: The run's folder.
        run_name: Name of the run.
        offline: Whether nothing is sent, and all stays in the run's folder; None takes ``WANDB_MODE``, or else true,
            unless an agent of a W&B sweep has started the run.
        project: W&B project; None takes ``WANDB_PROJECT``, or else ``disentangle``.
        entity: W&B user or team; None takes ``WANDB_ENTITY``, or else W&B's default.
        name: Name of the W&B run; None takes ``WANDB_NAME``, or else the name of the run.
        group: Group of W&B runs, such as the seeds of one setting; None takes ``WANDB_RUN_GROUP``.
        tags: Tags of the W&B run; None takes ``WANDB_TAGS``.
        id: Id of the W&B run; None takes ``WANDB_RUN_ID``, or else that which the run's folder keeps.
        save_dir: Folder of the W&B files; None takes ``WANDB_DIR``, or else the run's folder.
        log_model: Whether to log the best checkpoint as an artifact: at the end of training, or, by ``all``, whenever
            there is a better one.
        kwargs: Other arguments of `lightning.pytorch.loggers.WandbLogger` and of ``wandb.init``.
    """

    def __init__(
        self,
        folder: str | Path,
        run_name: str | None = None,
        offline: bool | None = None,
        project: str | None = None,
        entity: str | None = None,
        name: str | None = None,
        group: str | None = None,
        tags: list[str] | None = None,
        id: str | None = None,
        save_dir: str | Path | None = None,
        log_model: Literal["all"] | bool = False,
        **kwargs: Any,
    ) -> None:
        self.folder = RunFolder(Path(folder))
        # W&B's own `mode`: Lightning's `offline` sets a variable for all runs of this process, and allows no model.
        mode = _mode() if offline is None else "offline" if offline else "online"
        self._is_online = mode in ("online", "run", "shared")
        # The command line gives all arguments that `wandb.init` has, and None for `resume` would be its own word.
        given = {"resume": "allow", **{option: value for option, value in kwargs.items() if value is not None}}
        super().__init__(
            name=name or os.environ.get("WANDB_NAME") or run_name,
            project=project or os.environ.get("WANDB_PROJECT") or _PROJECT,
            save_dir=save_dir or os.environ.get("WANDB_DIR") or self.folder.path,
            id=id,
            log_model=log_model,
            mode=mode,
            entity=entity,
            group=group,
            tags=tags,
            **given,
        )

    @rank_zero_only
    def check(self) -> None:
        """Asks for the key, or says that there is none, before any work; see `lightning_app.callbacks.checks`."""
        if self._is_online and wandb.run is None:
            wandb.login(verify=False)

    @property
    @rank_zero_experiment
    def experiment(self) -> Any:
        """The W&B run, of the first process; made when it is asked for first."""
        if self._experiment is not None or hasattr(self, "_attach_id"):
            return super().experiment
        kept = self._kept()
        self._id = self._wandb_init["id"] = self._wandb_init["id"] or os.environ.get("WANDB_RUN_ID") or kept["id"]
        Path(self._wandb_init["dir"]).mkdir(parents=True, exist_ok=True)  # W&B would take a temporary one
        if wandb.run is not None and wandb.run.id != self._id:
            wandb.finish()  # of another run in this process, which Lightning would go on with
        run = super().experiment
        if not self._is_online and kept["segments"]:
            # Offline, W&B counts the rows of each segment from 0, and `wandb sync` keeps these numbers.
            run.log({}, step=kept["segments"] * _ROWS, commit=False)
        with whole_file(self.folder.wandb) as draft:
            draft.write_text(json.dumps({"id": self._id, "segments": kept["segments"] + 1}) + "\n")
        return run

    def log_metrics(self, metrics: Mapping[str, Any], step: int | None = None) -> None:
        """Logs numbers, and what else W&B takes, at a step."""
        with self._artifacts_here():
            super().log_metrics(metrics, step)

    def finalize(self, status: str) -> None:
        """Logs the checkpoints that are to be artifacts, after a work that has not failed."""
        with self._artifacts_here():
            super().finalize(status)

    def after_save_checkpoint(self, checkpoint_callback: ModelCheckpoint) -> None:
        """Puts the best value into the summary, and its checkpoint among what is logged at the end of training."""
        if checkpoint_callback.monitor is None or checkpoint_callback.best_model_score is None:
            return
        with self._artifacts_here():
            super().after_save_checkpoint(checkpoint_callback)
        best = evaluated_state(checkpoint_callback.best_model_path)
        self.experiment.summary.update(
            {
                f"best/{checkpoint_callback.monitor}": checkpoint_callback.best_model_score.item(),
                "best/epoch": best["epoch"],
                "best/step": best["step"],
            }
        )

    @contextmanager
    def _artifacts_here(self) -> Iterator[None]:
        """Lets artifacts, such as tables with sounds, wait beside the run for ``wandb sync``, not at home."""
        if _DATA_DIR in os.environ:
            yield
            return
        os.environ[_DATA_DIR] = str(Path(self._wandb_init["dir"], "wandb").absolute())
        try:
            yield
        finally:
            del os.environ[_DATA_DIR]

    def _kept(self) -> dict[str, Any]:
        """What the run's folder keeps of its W&B run, or the beginning of another."""
        try:
            kept = json.loads(self.folder.wandb.read_text())
            return {"id": str(kept["id"]), "segments": int(kept["segments"])}
        except FileNotFoundError:
            return {"id": secrets.token_hex(4), "segments": 0}
        except (OSError, ValueError, TypeError, KeyError) as error:
            raise RunError(
                f"cannot read {self.folder.wandb}, which has the id of the run in W&B; remove it, and the run goes on "
                "as another one there."
            ) from error


def _mode() -> str:
    """W&B's mode by its variables: offline, but for the runs of a W&B sweep, of which its server has to hear."""
    mode = os.environ.get("WANDB_MODE")
    if mode and mode not in _MODES:
        raise RunError(f"WANDB_MODE is {mode!r}; it is one of {', '.join(_MODES)}.{did_you_mean(mode, _MODES)}")
    return mode or ("online" if os.environ.get("WANDB_SWEEP_ID") else "offline")
