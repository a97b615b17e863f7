"""Pictures and sounds of fixed examples: reconstructions, swaps and samples from the prior."""

from pathlib import Path

import torch
from lightning import LightningModule, Trainer
from lightning.pytorch.utilities import rank_zero_only

from lightning_app.callbacks.epoch_media import EpochMedia
from lightning_app.errors import RunError
from lightning_app.evaluation.requirements import clip_data, heard, swap_factor, swappable
from lightning_app.evaluation.swap_pairs import classes_in_turn, partners_of_other_class
from lightning_app.media.class_titles import class_title
from lightning_app.media.examples import save_wav
from lightning_app.media.spectrogram_grid import save_spectrogram_grid
from lightning_app.media.swap_versions import swap_versions
from lightning_app.runs.run_folder import RunFolder
from lightning_app.tracking.media import Media, log_media
from modules.seeding import seeded


class SwapExamples(EpochMedia):
    """Writes what the model makes of a few fixed validation pairs, as one picture and as audio.

    For each pair: source, target, reconstruction, both swaps, and a sample from the prior. The files lie under
    ``media/`` in the run's folder, by epoch, and under ``media/test`` after ``test``; loggers that take media get them
    too. The pairs and the samples are the same each time, so that epochs and runs can be compared.

    Args:
        every_n_epochs: How often during training; the last epoch is always shown.
        n_examples: Number of pairs.
        factor: Name of the class that the two of a pair differ in; None takes the first that the data has.
        seed: Seed of the pairs, the samples and the phases of the audio.
    """

    def __init__(self, every_n_epochs: int = 50, n_examples: int = 3, factor: str | None = None, seed: int = 0) -> None:
        if every_n_epochs < 1 or n_examples < 1:
            raise RunError(
                "media.every_n_epochs and media.n_examples must be 1 or more; --media null leaves media out."
            )
        super().__init__(every_n_epochs)
        self.n_examples = n_examples
        self.factor = factor
        self.seed = seed

    def check(self, model: LightningModule, data: object, stage: str) -> None:
        """Says what cannot be shown, before any work; see `lightning_app.callbacks.checks`."""
        if stage in ("fit", "test"):
            swappable(model)
            swap_factor(clip_data(data), self.factor)

    def on_fit_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        # What cannot be shown is better known before the first epoch than after the hundredth.
        data = clip_data(trainer.datamodule)  # type: ignore[attr-defined]
        self.check(pl_module, data, "fit")
        partners_of_other_class(data.validation_dataset.labels[swap_factor(data, self.factor)], self.seed)

    @rank_zero_only
    @torch.inference_mode()
    def write(self, trainer: Trainer, module: LightningModule, name: str) -> None:
        model, data = swappable(module), clip_data(trainer.datamodule)  # type: ignore[attr-defined]
        factor, dataset = swap_factor(data, self.factor), data.validation_dataset
        labels = dataset.labels[factor]
        sources = classes_in_turn(labels, self.n_examples)
        targets = partners_of_other_class(labels, self.seed)[sources]
        source, target = (heard(module, data, dataset, clips) for clips in (sources, targets))
        names = [class_title(factor, name) for name in data.class_names[factor]]
        rows = [f"{names[labels[i]]} to {names[labels[j]]}" for i, j in zip(sources, targets, strict=True)]

        representation, n_samples = data.representation, data.n_samples
        with seeded(self.seed, module.device):
            shown = {version: x.float() for version, x in swap_versions(model, source, target).items()}
            audio = {version: representation.inverse(x.cpu(), n_samples).numpy() for version, x in shown.items()}

        folder = RunFolder.of(trainer).media(name)
        rate = representation.sample_rate
        picture = folder / "spectrograms.png"
        columns = {version: representation.picture(x, n_samples).cpu().numpy() for version, x in shown.items()}
        seconds = n_samples / rate
        save_spectrogram_grid(picture, columns, rows, seconds, unit=representation.UNIT, scale=representation.SCALE)
        titles = [f"{number}: {row}" for number, row in enumerate(rows, start=1)]
        sounds: dict[str, dict[str, Path]] = {title: {} for title in titles}
        for version, waves in audio.items():
            for number, (wave, row) in enumerate(zip(waves, rows, strict=True), start=1):
                file = f"{number}_{row} {version}".replace(" ", "_") + ".wav"
                sounds[titles[number - 1]][version] = save_wav(folder / file, wave, rate)
        log_media(trainer, Media(name, {"spectrograms": picture}, sounds))
