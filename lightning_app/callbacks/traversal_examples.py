"""Pictures and sounds of traversals of regularised dimensions, and how the attribute follows them."""

from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_only
from numpy.typing import NDArray
from rich.progress import track
from torch import Tensor
from torch.utils.data import DataLoader, Subset

from datamodules import DataError
from datamodules.nsynth.datamodule import TIMBRAL, NSynthDataModule
from lightning_app.callbacks.epoch_media import EpochMedia
from lightning_app.errors import RunError
from lightning_app.evaluation.parts import note_data, regularized
from lightning_app.files import whole_file
from lightning_app.media.examples import log_media, save_wav
from lightning_app.media.spectrogram_grid import save_spectrogram_grid
from lightning_app.runs.run_folder import RunFolder
from metrics.functional import monotonicity, smoothness
from modules.audio import InverseLogMagnitude, LogMagnitude
from modules.vae import BetaVAE

# The range of a dimension is read off this many validation notes.
_N_NOTES_OF_RANGE = 256
_LEAST_RANGE = 0.01


class Traversal(NamedTuple):
    """One attribute's dimension moved through its range, for n notes and P positions."""

    positions: Tensor
    """(P,), float64"""
    spectrograms: Tensor
    """(n, P, 1, size, size)"""
    audio: NDArray[np.float32]
    """(n, P, n_samples)"""
    measured: NDArray[np.float64]
    """The attribute of the audio, (n, P); NaN where it has none, such as silence."""


class TraversalExamples(EpochMedia):
    """Moves each regularised dimension through its range, for a few fixed validation notes.

    For each attribute a picture with a row for each note and a column for each position, titled with the attribute as
    measured on the decoded audio, and for each note a WAV of the positions one after another, made with the note's own
    phase. They lie under ``media/`` in the run's folder, by epoch, and under ``media/test`` after ``test``. Beside
    them, in ``traversals.csv``, and in the logs are smoothness and monotonicity of the measured attribute
    (`metrics.functional`), and its range: its highest value less its lowest, averaged over the notes. Where no note's
    range exceeds the attribute's resolution, both scores are ``nan``: the attribute stands still. Attributes that are
    not of the audio, such as pitch, have pictures and sounds alone.

    Args:
        every_n_epochs: How often during training; the last epoch is always shown.
        n_examples: Number of notes.
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

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        regularized(pl_module, note_data(trainer))

    @rank_zero_only
    @torch.inference_mode()
    def write(self, trainer: Trainer, module: LightningModule, name: str) -> None:
        data = note_data(trainer)
        model = regularized(module, data)
        was_training = model.training
        model.eval()
        folder = RunFolder.of(trainer).media(name)
        scores: dict[str, float] = {}
        pictures: dict[str, Path] = {}
        sounds: dict[str, Path] = {}
        means = _means(model, data)
        for dim, attribute in zip(model.regularized_dims, model.attribute_names, strict=False):
            traversal = self._traversal(model, data, means[:, dim], dim, attribute)
            pictures[attribute] = self._save_picture(folder / f"{attribute}.png", traversal, attribute, data)
            for number, waves in enumerate(traversal.audio, start=1):
                path = folder / f"{attribute}_{number}.wav"
                sounds[f"{attribute}, note {number}"] = save_wav(path, waves.ravel(), data.spectrogram.sample_rate)
            scores |= _scores(traversal, attribute)
        if scores:
            with whole_file(folder / "traversals.csv") as draft:
                lines = [f"{key},{value}" for key, value in scores.items()]
                draft.write_text("score,value\n" + "\n".join(lines) + "\n")
        log_media(trainer, name, pictures, sounds, data.spectrogram.sample_rate)
        for logger in trainer.loggers:
            logger.log_metrics({f"media/{key}": value for key, value in scores.items()}, trainer.global_step)
        model.train(was_training)

    def _traversal(self, model: BetaVAE, data: NSynthDataModule, means: Tensor, dim: int, attribute: str) -> Traversal:
        dataset = data.validation_dataset
        chosen = np.linspace(0, len(dataset) - 1, self.n_examples).astype(int)
        audio = torch.stack([dataset[int(note)]["audio"] for note in chosen]).to(model.device)
        log_magnitude = LogMagnitude(data.spectrogram).to(model.device)
        low, high = torch.quantile(means, torch.tensor([0.02, 0.98])).tolist()
        if high - low < _LEAST_RANGE:  # collapsed, or hardly trained
            low, high = (low + high - _LEAST_RANGE) / 2, (low + high + _LEAST_RANGE) / 2
        positions = torch.linspace(low, high, self.n_positions, dtype=torch.float64)
        decoded = model.traverse(log_magnitude(audio), dim, positions.to(model.device, torch.float32))
        inverse = InverseLogMagnitude(data.spectrogram).to(model.device)
        phase = log_magnitude.phase(audio).repeat_interleave(self.n_positions, dim=0)
        waves = inverse(decoded.flatten(0, 1), phase).unflatten(0, decoded.shape[:2]).cpu().numpy()
        return Traversal(positions, decoded.cpu(), waves, _measured(waves, attribute, data.spectrogram.sample_rate))

    def _save_picture(self, path: Path, traversal: Traversal, attribute: str, data: NSynthDataModule) -> Path:
        shown = traversal.spectrograms[:, :, 0, : data.spectrogram.n_frames].numpy()
        titles = [f"z = {position:.2f}" for position in traversal.positions.tolist()]
        columns = {title: shown[:, column] for column, title in enumerate(titles)}
        labels = {
            title: ["" if np.isnan(value) else f"{attribute} {value:.0f}" for value in traversal.measured[:, column]]
            for column, title in enumerate(titles)
        }
        rows = [f"note {number}" for number in range(1, len(shown) + 1)]
        seconds = data.spectrogram.n_samples / data.spectrogram.sample_rate
        save_spectrogram_grid(path, columns, rows, seconds, unit="bin", scale="log magnitude", labels=labels)
        return path


def _means(model: BetaVAE, data: NSynthDataModule) -> Tensor:
    """Posterior means of some validation notes, (n, D), on the CPU."""
    log_magnitude = LogMagnitude(data.spectrogram).to(model.device)
    notes = Subset(data.validation_dataset, range(min(_N_NOTES_OF_RANGE, len(data.validation_dataset))))
    loader = DataLoader(notes, batch_size=data.batch_size)
    return torch.cat([model.encode(log_magnitude(batch["audio"].to(model.device))).mean.cpu() for batch in loader])


def _measured(waves: NDArray[np.float32], attribute: str, sample_rate: int) -> NDArray[np.float64]:
    measured = np.full(waves.shape[:2], np.nan)
    if attribute in TIMBRAL.columns:
        for place in track(list(np.ndindex(*measured.shape)), f"Measuring {attribute} of traversals", transient=True):
            try:
                measured[place] = TIMBRAL.compute(waves[place], sample_rate)[attribute]
            except DataError:
                continue  # silence has no timbre; the picture shows it without a number
    return measured


def _scores(traversal: Traversal, attribute: str) -> dict[str, float]:
    """Smoothness and monotonicity over the notes whose attribute could be measured at every position."""
    whole = np.isfinite(traversal.measured).all(axis=1)
    if not whole.any():
        return {}
    values = traversal.measured[whole]
    positions = traversal.positions.repeat(len(values), 1)
    ranges, resolution = np.ptp(values, axis=1), TIMBRAL.resolution
    return {
        f"smoothness/{attribute}": smoothness(positions, values, resolution=resolution).item(),
        f"monotonicity/{attribute}": monotonicity(positions, values, resolution=resolution).item(),
        f"range/{attribute}": float(ranges.mean()),
        f"n_traversals/{attribute}": float(len(values)),
        f"n_moving_traversals/{attribute}": float((ranges > resolution).sum()),
    }
