"""The information metrics of regularised dimensions, over the whole validation set."""

import math
from collections.abc import Callable, Mapping
from typing import Any, Literal, cast

import torch
from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_only
from rich.table import Table
from torch import Tensor

from lightning_app.callbacks.progress import bar_beside
from lightning_app.errors import RunError
from lightning_app.evaluation.attribute_control import LABELS, AttributeControl, check_control
from lightning_app.evaluation.clip_count import ClipCount
from lightning_app.evaluation.measurement import Measured
from lightning_app.evaluation.reporting import clip_scores_of, record_of_test, report
from lightning_app.evaluation.requirements import clip_data, regularised
from lightning_app.evaluation.scores import LATENT_LABELS
from lightning_app.evaluation.training_clips import training_clips
from metrics import LatentInformation
from metrics.latent_information import METRICS
from modules.protocols import Regularised


class LatentEvaluation(Callback):
    """Scores how regularised dimensions tell of their attributes, once at the end of each validation epoch.

    SCC, MIG, DMIG, XMIG, DLIG and modularity of the posterior means (`metrics.LatentInformation`) are logged like
    ``val/dmig/brightness``, with the number of clips. ``test`` prints them as a table, too, and writes them with the
    terms of the loss to ``evaluation.json`` in the run's folder.

    With ``control_clips``, ``test`` also sets attributes and measures them on what is decoded (`AttributeControl`).

    Args:
        estimator: Estimator of mutual information.
        n_neighbors: k of ``ksg``.
        control_clips: Number of clips to set the attributes of, which takes some seconds each; None sets none.
        seed: Seed of the draw of these clips, and of what is set.
    """

    def __init__(
        self,
        estimator: Literal["ksg", "binned"] = "ksg",
        n_neighbors: int = 3,
        control_clips: int | None = None,
        seed: int = 0,
    ) -> None:
        try:
            LatentInformation(estimator=estimator, n_neighbors=n_neighbors)
        except ValueError as error:
            raise RunError(f"evaluation: {error}") from error
        self.estimator = estimator
        self.n_neighbors = n_neighbors
        self.control_clips = control_clips
        self.seed = seed
        self._control: AttributeControl | None = None

    def check(self, model: LightningModule, data: object, stage: str) -> None:
        """Says what cannot be evaluated, before any work; see `lightning_app.callbacks.checks`."""
        if stage in ("fit", "validate", "test"):
            regularised(model, clip_data(data))
            if self.control_clips is not None and stage != "validate":
                check_control(model, clip_data(data), self.control_clips)

    def validation_scores(self, model: LightningModule) -> list[str]:
        """What is logged after ``val/``; see `lightning_app.callbacks.checks`."""
        known = cast(Regularised, model)  # see check
        names = known.attribute_names[: len(known.regularized_dims)]
        return [*(f"{score}/{name}" for score in METRICS for name in names), "modularity"]

    def test_scores(self, model: LightningModule) -> list[str]:
        """What is measured in a ``test``, which is the same; see `lightning_app.sweeps.check`."""
        return self.validation_scores(model)

    def setup(self, trainer: Trainer, pl_module: LightningModule, stage: str) -> None:
        # What cannot be evaluated is better known before the first epoch than after it.
        if stage not in ("fit", "validate", "test"):
            return
        self._data = data = clip_data(trainer.datamodule)  # type: ignore[attr-defined]
        self.check(pl_module, data, stage)
        n_clips = len(data.test_dataset if stage == "test" else data.validation_dataset)
        needed = LatentInformation(estimator=self.estimator, n_neighbors=self.n_neighbors).estimator.min_samples
        if n_clips < needed:
            raise RunError(
                f"there are {n_clips} clips to evaluate and {self.estimator} needs {needed}; take more clips, or "
                "--evaluation null."
            )

    def on_validation_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._start(trainer, pl_module, "val/")

    def on_test_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._start(trainer, pl_module, "test/")
        if self.control_clips is not None:
            self._control = self._learnt_control(trainer, pl_module, self.control_clips)

    def _start(self, trainer: Trainer, module: LightningModule, prefix: str) -> None:
        model = regularised(module, self._data)
        self._n_regularized = len(model.regularized_dims)
        self._scored = ClipCount()
        self._metric = LatentInformation(
            regularized_dims=model.regularized_dims,
            estimator=self.estimator,
            n_neighbors=self.n_neighbors,
            attribute_names=model.attribute_names[: self._n_regularized],
            prefix=prefix,
        ).to(module.device)

    def on_validation_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Mapping[str, Tensor],
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        self._scored.add(batch["index"])
        z = regularised(pl_module, self._data).latent(batch["x"])
        self._metric.update(z, batch["attributes"][:, : self._n_regularized], batch["index"])

    def on_test_batch_end(
        self,
        trainer: Trainer,
        pl_module: LightningModule,
        outputs: Any,
        batch: Mapping[str, Tensor],
        batch_idx: int,
        dataloader_idx: int = 0,
    ) -> None:
        self.on_validation_batch_end(trainer, pl_module, outputs, batch, batch_idx)
        if self._control is not None:
            self._control.update(batch)

    def on_validation_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if not trainer.sanity_checking:
            self._log(pl_module)

    def on_test_epoch_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self._log(pl_module)
        if self._control is not None:
            scores = self._control.compute()
            self._scores |= scores
            logged = {f"test/{key}": torch.tensor(score.value) for key, score in scores.items()}
            pl_module.log_dict(logged, rank_zero_only=True)

    def _learnt_control(self, trainer: Trainer, module: LightningModule, n_clips: int) -> AttributeControl:
        bar: list[Callable[[], None]] = []

        def advance() -> None:
            # Not there before the first clip, when the run's own bar is.
            if not bar:
                bar.append(bar_beside(trainer, "Setting attributes", math.ceil(control.total / trainer.world_size)))
            bar[0]()

        model = regularised(module, self._data)
        control = AttributeControl(self._data, model, n_clips, self.seed, module.device, advance)
        ranks = {"process": trainer.global_rank, "n_processes": trainer.world_size}
        for batch in training_clips(self._data, module, **ranks):
            control.learn(batch)
        control.learnt()
        return control

    def _log(self, module: LightningModule) -> None:
        try:
            values = self._metric.compute()
        except ValueError as error:
            raise RunError(f"the latents cannot be evaluated: {error} Use --evaluation null to do without.") from error
        self._scores = {key.split("/", 1)[1]: Measured(float(value)) for key, value in values.items()}
        self._n_scored = self._scored.total()
        module.log_dict({key: value.float() for key, value in values.items()}, rank_zero_only=True)

    @rank_zero_only
    def on_test_end(self, trainer: Trainer, pl_module: LightningModule) -> None:
        model = regularised(pl_module, self._data)
        settings: dict[str, Any] = {
            "estimator": repr(self._metric.estimator),
            "regularized_dims": dict(zip(model.attribute_names, model.regularized_dims, strict=False)),
        }
        if self._control is not None:
            settings |= {"control_clips": self.control_clips, "seed": self.seed}
        record = record_of_test(trainer, self, settings, self._n_scored, self._scores)
        table = _table(record.scores, model.attribute_names[: self._n_regularized])
        report(trainer, record, table, clip_scores=clip_scores_of(self._data, self._scores))


def _table(scores: Mapping[str, float], attributes: tuple[str, ...]) -> Table:
    table = Table(title="Latent evaluation")
    table.add_column("score")
    for attribute in attributes:
        table.add_column(attribute, justify="right")
    for name in dict.fromkeys(key.rsplit("/", 1)[0] for key in scores if "/" in key):
        row = [scores.get(f"{name}/{attribute}") for attribute in attributes]
        if any(value is not None for value in row):
            shown = ("" if value is None else f"{value:.3f}" for value in row)
            table.add_row({**LATENT_LABELS, **LABELS}.get(name, name), *shown)
    return table
