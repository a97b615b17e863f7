"""Pictures and sounds in loggers, as far as each takes them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import singledispatch
from pathlib import Path

import soundfile
from lightning import Trainer
from lightning.pytorch.loggers import Logger, MLFlowLogger, TensorBoardLogger, WandbLogger
from lightning.pytorch.trainer.states import TrainerFn
from lightning.pytorch.utilities import rank_zero_only
from matplotlib.image import imread


@dataclass(frozen=True)
class Media:
    """Files to look at and to listen to, of one moment of a run.

    Attributes:
        name: The moment: name of the folder under ``media/``, like ``epoch_0010`` or ``test``.
        pictures: PNG files by what they show.
        sounds: WAV files as a table: by row, and there by column.
        rows: What a row of that table is.
    """

    name: str
    pictures: Mapping[str, Path] = field(default_factory=dict)
    sounds: Mapping[str, Mapping[str, Path]] = field(default_factory=dict)
    rows: str = "clip"


@rank_zero_only
def log_media(trainer: Trainer, media: Media) -> None:
    """Gives media to every logger of a run, as ``test/...`` in ``test``, and else as ``val/...``."""
    part = "test" if trainer.state.fn == TrainerFn.TESTING else "val"
    for logger in trainer.loggers:
        log_to(logger, media, part, logged_step(trainer))


def logged_step(trainer: Trainer) -> int:
    """Returns the step at which Lightning logs what is of a whole epoch: its last, or that of the tested checkpoint."""
    stepped = trainer.fit_loop.epoch_loop._batches_that_stepped
    return max(0, stepped - 1) if trainer.state.fn == TrainerFn.FITTING else stepped


@singledispatch
def log_to(logger: Logger, media: Media, part: str, step: int) -> None:
    """Gives media to a logger; one of a kind that takes none gets none.

    A kind of your own is added with ``@log_to.register``.

    Args:
        logger: The logger.
        media: The files.
        part: ``val`` or ``test``, with which names begin.
        step: The step, as metrics have it.
    """


@log_to.register
def _(logger: WandbLogger, media: Media, part: str, step: int) -> None:
    import wandb

    values: dict[str, object] = {
        f"{part}/{title}": wandb.Image(str(picture), caption=media.name) for title, picture in media.pictures.items()
    }
    if media.sounds:
        columns = list(next(iter(media.sounds.values())))
        rows = [[row, *(wandb.Audio(str(files[name])) for name in columns)] for row, files in media.sounds.items()]
        values[f"{part}/audio"] = wandb.Table(columns=[media.rows, *columns], data=rows)
    logger.log_metrics(values, step)  # type: ignore[arg-type]


@log_to.register
def _(logger: TensorBoardLogger, media: Media, part: str, step: int) -> None:
    writer = logger.experiment
    for title, picture in media.pictures.items():
        writer.add_image(f"{part}/{title}", imread(picture)[..., :3], step, dataformats="HWC")
    for row, files in media.sounds.items():
        for column, file in files.items():
            wave, rate = soundfile.read(file, dtype="float32")
            writer.add_audio(f"{part}/audio/{row}/{column}", wave[None], step, sample_rate=rate)


@log_to.register
def _(logger: MLFlowLogger, media: Media, part: str, step: int) -> None:
    files = [*media.pictures.values(), *(file for row in media.sounds.values() for file in row.values())]
    for file in files:
        logger.experiment.log_artifact(logger.run_id, str(file), f"media/{media.name}")
