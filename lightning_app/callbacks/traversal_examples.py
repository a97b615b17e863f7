"""Pictures and sounds of traversals of regularised dimensions, and how the attribute follows them."""

from pathlib import Path

import numpy as np
import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_only

from datamodules.protocols import ClipData
from lightning_app.callbacks.epoch_media import EpochMedia
from lightning_app.errors import RunError
from lightning_app.evaluation.requirements import clip_data, regularised
from lightning_app.evaluation.traversal import Traversal, posterior_means, range_of, traversal_scores, traverse
from lightning_app.files import whole_file
from lightning_app.media.examples import save_wav
from lightning_app.media.spectrogram_grid import save_spectrogram_grid
from lightning_app.runs.run_folder import RunFolder
from lightning_app.tracking.media import Media, log_media, logged_step


class TraversalExamples(EpochMedia):
    """Moves each regularised dimension through its range, for a few fixed validation clips.

    For each attribute a picture with a row for each clip and a column for each position, titled with the attribute as
    measured on the decoded audio, and for each clip a WAV of the positions one after another, made with the clip's own
    phase where the representation has a use for it. They lie under ``media/`` in the run's folder, by epoch, and under
    ``media/test`` after ``test``. Beside them, in ``traversals.csv``, and in the logs are smoothness and monotonicity
    of the measured attribute (`metrics.functional`), and its range: its highest value less its lowest, averaged over
    the clips. Where no clip's range exceeds the attribute's resolution, both scores are ``nan``: the attribute stands
    still. Attributes that are not of the audio, such as pitch, have pictures and sounds alone.

    Args:
        every_n_epochs: Epochs from one set of media to the next; the last epoch is always shown.
        n_examples: Number of clips.
        n_positions: Steps of a traversal, 3 or more, from the 2nd to the 98th percentile of the posterior means.
    """

    def __init__(self, every_n_epochs: int = 10, n_examples: int = 3, n_positions: int = 7) -> None:
        if every_n_epochs < 1 or n_examples < 1 or n_positions < 3:
            raise RunError(
                "media.every_n_epochs and media.n_examples must be 1 or more and media.n_positions 3 or more; --media "
                "null leaves media out."
            )
        super().__init__(every_n_epochs)
        self.n_examples = n_examples
        self.n_positions = n_positions

    def check(self, model: LightningModule, data: object, stage: str) -> None:
        """Says what cannot be shown, before any work; see `lightning_app.callbacks.checks`."""
        if stage in ("fit", "test"):
            regularised(model, clip_data(data))

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        self.check(pl_module, trainer.datamodule, "fit")  # type: ignore[attr-defined]

    @rank_zero_only
    @torch.inference_mode()
    def write(self, trainer: Trainer, module: LightningModule, name: str) -> None:
        data = clip_data(trainer.datamodule)  # type: ignore[attr-defined]
        model = regularised(module, data)
        was_training = module.training
        module.eval()
        folder = RunFolder.of(trainer).media(name)
        clips = np.linspace(0, len(data.validation_dataset) - 1, self.n_examples).astype(int)
        means = posterior_means(model, data)
        rate = data.representation.sample_rate
        scores: dict[str, float] = {}
        pictures: dict[str, Path] = {}
        sounds: dict[str, dict[str, Path]] = {}
        for dim, attribute in zip(model.regularized_dims, model.attribute_names, strict=False):
            positions = range_of(means[:, dim], self.n_positions)
            traversal = traverse(model, data, clips, dim, positions, attribute)
            pictures[attribute] = _save_picture(folder / f"{attribute}.png", traversal, attribute, data)
            sounds[attribute] = {
                f"clip {number}": save_wav(folder / f"{attribute}_{number}.wav", waves.ravel(), rate)
                for number, waves in enumerate(traversal.audio, start=1)
            }
            scores |= traversal_scores(traversal, attribute)
        if scores:
            with whole_file(folder / "traversals.csv") as draft:
                lines = [f"{key},{value}" for key, value in scores.items()]
                draft.write_text("score,value\n" + "\n".join(lines) + "\n")
        shown = {f"traversal/{attribute}": picture for attribute, picture in pictures.items()}
        log_media(trainer, Media(name, shown, sounds, rows="attribute"))
        for logger in trainer.loggers:
            logger.log_metrics({f"media/{key}": value for key, value in scores.items()}, logged_step(trainer))
        module.train(was_training)


def _save_picture(path: Path, traversal: Traversal, attribute: str, data: ClipData) -> Path:
    titles = [f"z = {position:.2f}" for position in traversal.positions.tolist()]
    columns = {title: traversal.pictures[:, column] for column, title in enumerate(titles)}
    labels = {
        title: ["" if np.isnan(value) else f"{attribute} {value:.0f}" for value in traversal.measured[:, column]]
        for column, title in enumerate(titles)
    }
    rows = [f"clip {number}" for number in range(1, len(traversal.pictures) + 1)]
    seen = data.representation
    seconds = data.n_samples / seen.sample_rate
    save_spectrogram_grid(path, columns, rows, seconds, unit=seen.UNIT, scale=seen.SCALE, labels=labels)
    return path
