"""Pictures and sounds of fixed examples: reconstructions, swaps and samples from the prior."""

from pathlib import Path

import numpy as np
import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_only
from torch import Tensor

from lightning_app.callbacks.epoch_media import EpochMedia
from lightning_app.errors import RunError
from lightning_app.evaluation.parts import clip_data, swappable
from lightning_app.evaluation.swap_pairs import partners_of_other_class
from lightning_app.media.class_titles import class_title
from lightning_app.media.examples import log_media, save_wav
from lightning_app.media.spectrogram_grid import save_spectrogram_grid
from lightning_app.runs.run_folder import RunFolder
from modules.audio import InverseLogMel
from modules.dsae import DSAE


class SwapExamples(EpochMedia):
    """Writes what the model makes of a few fixed validation pairs, as one picture and as audio.

    For each pair: source, target, reconstruction, both swaps, and a sample from the prior. The files lie under
    ``media/`` in the run's folder, by epoch, and under ``media/test`` after ``test``; a W&B logger gets them too. The
    pairs and the samples are the same each time, so that epochs and runs can be compared.

    Args:
        every_n_epochs: How often during training; the last epoch is always shown.
        n_examples: Number of pairs.
        factor: The attribute that the two of a pair differ in.
        seed: Of the pairs, the samples and the phases of the audio.
    """

    def __init__(
        self, every_n_epochs: int = 50, n_examples: int = 3, factor: str = "instrument", seed: int = 0
    ) -> None:
        if every_n_epochs < 1 or n_examples < 1:
            raise RunError(
                "media.every_n_epochs and media.n_examples must be 1 or more; --media null leaves media out."
            )
        super().__init__(every_n_epochs)
        self.n_examples = n_examples
        self.factor = factor
        self.seed = seed

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        # What cannot be shown is better known before the first epoch than after the hundredth.
        swappable(pl_module)
        partners_of_other_class(clip_data(trainer, self.factor).validation_dataset.attributes[self.factor], self.seed)

    @rank_zero_only
    @torch.inference_mode()
    def write(self, trainer: Trainer, module: LightningModule, name: str) -> None:
        model, data = swappable(module), clip_data(trainer, self.factor)
        dataset = data.validation_dataset
        labels = dataset.attributes[self.factor]
        sources = _alternating(labels, self.n_examples)
        targets = partners_of_other_class(labels, self.seed)[sources]
        source = torch.stack([dataset[i]["log_mel"] for i in sources]).to(model.device)
        target = torch.stack([dataset[i]["log_mel"] for i in targets]).to(model.device)
        names = [class_title(self.factor, name) for name in data.class_names[self.factor]]
        rows = [f"{names[labels[i]]} to {names[labels[j]]}" for i, j in zip(sources, targets, strict=True)]

        devices = [model.device] if model.device.type == "cuda" else []
        with torch.random.fork_rng(devices=devices):
            torch.manual_seed(self.seed)
            shown = _versions(model, source, target)
            inverse = InverseLogMel(data.log_mel)  # its least squares is for the CPU alone
            audio = {version: inverse(log_mel.cpu()).numpy() for version, log_mel in shown.items()}

        folder = RunFolder.of(trainer).media(name)
        rate = data.log_mel.sample_rate
        picture = folder / "spectrograms.png"
        seconds = next(iter(audio.values())).shape[-1] / rate
        save_spectrogram_grid(picture, {v: x.cpu().numpy() for v, x in shown.items()}, rows, seconds)
        sounds: dict[str, Path] = {}
        for version, waves in audio.items():
            for number, (wave, row) in enumerate(zip(waves, rows, strict=True), start=1):
                file = f"{number}_{row} {version}".replace(" ", "_") + ".wav"
                sounds[f"{number}: {row}, {version}"] = save_wav(folder / file, wave, rate)
        log_media(trainer, name, {"spectrograms": picture}, sounds, rate)


def _alternating(labels: np.ndarray, n: int) -> list[int]:
    """The first clips of the data set, one class after the other in turn."""
    by_class = [np.flatnonzero(labels == label) for label in np.unique(labels)]
    turns = [clips[turn] for turn in range(max(map(len, by_class))) for clips in by_class if turn < len(clips)]
    return [int(clip) for clip in turns[:n]]


def _versions(model: DSAE, source: Tensor, target: Tensor) -> dict[str, Tensor]:
    swap = model.swap(source, target)
    sample = model.generate(len(source), source.shape[1], reference=source)
    return {
        "source": source,
        "target": target,
        "reconstruction": swap.reconstruction,
        "global swap": swap.global_swap,
        "local swap": swap.local_swap,
        "prior sample": sample,
    }
