"""A map of what a model tells of clips as wholes."""

import numpy as np
import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_only, rank_zero_warn
from numpy.typing import NDArray

from datamodules.protocols import ClipData
from lightning_app.callbacks.epoch_media import EpochMedia
from lightning_app.errors import RunError, did_you_mean
from lightning_app.evaluation.projection import Method, project, require_projection
from lightning_app.evaluation.requirements import ClipLatent, clip_data, clip_latent, heard
from lightning_app.figures.saving import save_table
from lightning_app.media.latent_map import save_latent_map
from lightning_app.runs.run_folder import RunFolder
from lightning_app.tracking.media import Media, log_media


class LatentMap(EpochMedia):
    """Draws validation clips as points, where the global latent v has them, coloured by class.

    Of a model that has regularised dimensions instead of v, the posterior means are shown. ``latent_map.png``, and
    ``latent_map.csv`` with the number, the coordinates and the classes of each clip, lie under ``media/`` in the run's
    folder, by epoch, and under ``media/test`` after ``test``. Loggers that take pictures get the first.

    Args:
        every_n_epochs: Epochs from one map to the next; the last epoch always has one.
        projection: How the latents come into the plane: ``pca``, ``tsne`` or ``umap``
            (`lightning_app.evaluation.projection`).
        factor: Name of the class to colour by; None takes the first that the data have, or no colour.
        n_clips: Number of clips; of more, these are taken evenly.
        seed: Seed of ``tsne`` and ``umap``.
    """

    def __init__(
        self,
        every_n_epochs: int = 100,
        projection: Method = "pca",
        factor: str | None = None,
        n_clips: int = 1000,
        seed: int = 0,
    ) -> None:
        if every_n_epochs < 1 or n_clips < 1:
            raise RunError(
                "latent_map.every_n_epochs and latent_map.n_clips must be 1 or more; --latent_map null leaves the map "
                "out."
            )
        require_projection(projection)
        super().__init__(every_n_epochs)
        self.projection = projection
        self.factor = factor
        self.n_clips = n_clips
        self.seed = seed

    def check(self, model: LightningModule, data: object, stage: str) -> None:
        """Says what cannot be shown, before any work; see `lightning_app.callbacks.checks`."""
        if stage in ("fit", "test"):
            clip_latent(model)
            self._factor(clip_data(data))

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.check(pl_module, trainer.datamodule, "fit")  # type: ignore[attr-defined]

    @rank_zero_only
    @torch.inference_mode()
    def write(self, trainer: Trainer, module: LightningModule, name: str) -> None:
        data = clip_data(trainer.datamodule)  # type: ignore[attr-defined]
        dataset, factor, latent = data.validation_dataset, self._factor(data), clip_latent(module)
        n_clips = min(self.n_clips, len(dataset))
        clips = np.linspace(0, len(dataset) - 1, n_clips).astype(int)
        was_training = module.training
        module.eval()
        latents = _latents(module, latent, data, clips)
        module.train(was_training)
        if not np.isfinite(latents).all():
            rank_zero_warn("latents are not finite, so that there is no map of them.")
            return
        projection = project(latents, self.projection, self.seed)
        classes = {known: dataset.labels[known][clips] for known in data.class_names}
        folder = RunFolder.of(trainer).media(name)
        table = {"index": dataset.indices[clips], "x": projection.points[:, 0], "y": projection.points[:, 1]}
        named = {known: np.array(data.class_names[known])[labels] for known, labels in classes.items()}
        save_table(folder / "latent_map.csv", {**table, **named})
        picture = folder / "latent_map.png"
        title = f"{latent.name} of {n_clips} validation clips"
        coloured = {} if factor is None else {"labels": classes[factor], "names": data.class_names[factor]}
        save_latent_map(picture, *projection, title, **coloured, factor=factor or "")
        log_media(trainer, Media(name, {"latent_map": picture}))

    def _factor(self, data: ClipData) -> str | None:
        known = data.class_names
        if self.factor is None:
            return next(iter(known), None)
        if self.factor not in known:
            raise RunError(
                f"latent_map.factor is {self.factor!r}, and these data are classed by {', '.join(known) or 'nothing'}."
                f"{did_you_mean(self.factor, known)}"
            )
        return self.factor


def _latents(
    module: LightningModule, latent: ClipLatent, data: ClipData, clips: NDArray[np.integer]
) -> NDArray[np.float32]:
    """The latent of each of some validation clips, (n, D)."""
    batches = np.split(clips, range(data.batch_size, len(clips), data.batch_size))
    inputs = (heard(module, data, data.validation_dataset, batch) for batch in batches)
    return torch.cat([latent.of(x).cpu() for x in inputs]).float().numpy()
