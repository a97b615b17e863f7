"""What a configuration can tell, checked before any work."""

from collections.abc import Mapping

from lightning import LightningDataModule, LightningModule, Trainer
from lightning.pytorch.callbacks import StochasticWeightAveraging, WeightAveraging
from torch.nn.modules.batchnorm import _BatchNorm

from lightning_app.callbacks.two_stage_training import TwoStageTraining
from lightning_app.errors import RunError, did_you_mean
from modules.protocols import Logging, lacking

_KNOWN_CALLBACKS = ("lightning", "lightning_app")


def check_callbacks(trainer: Trainer, model: LightningModule, data: LightningDataModule | None, stage: str) -> None:
    """Lets every callback that has a method ``check(model, data, stage)`` say what it cannot do with a model and data.

    This comes before data are prepared or set up, so a run that cannot start renders nothing.

    Args:
        trainer: The trainer, with its callbacks.
        model: The model.
        data: The data.
        stage: ``fit``, ``validate``, ``test`` or ``predict``.

    Raises:
        RunError: A callback cannot do its work; the message says why and what to do.
    """
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        check = getattr(callback, "check", None)
        if check is not None:
            check(model, data, stage)


def check_averages(trainer: Trainer, model: LightningModule) -> None:
    """Checks that averages of weights, which Lightning has callbacks for, are of one model and reach a checkpoint.

    Args:
        trainer: The trainer, with its callbacks.
        model: The model.

    Raises:
        RunError: They are not; names the callback and the remedy.
    """
    callbacks = trainer.callbacks  # type: ignore[attr-defined]
    averaging = next((one for one in callbacks if isinstance(one, StochasticWeightAveraging | WeightAveraging)), None)
    if averaging is None:
        return
    name = type(averaging).__name__
    if any(isinstance(callback, TwoStageTraining) for callback in callbacks):
        raise RunError(
            f"{name} averages the weights of both stages of training, and the average knows neither the stage nor its "
            "prior; train in one stage (--schedule null), or leave it out."
        )
    normalised = any(isinstance(layer, _BatchNorm) for layer in model.modules())
    if isinstance(averaging, StochasticWeightAveraging) and not normalised:
        raise RunError(
            f"{name} averages weights after the last checkpoint of a model without batch normalisation, so that no "
            "checkpoint would hold the average; take lightning.pytorch.callbacks.EMAWeightAveraging."
        )


def check_loggers(trainer: Trainer) -> None:
    """Lets every logger that has a method ``check()`` say what it lacks, such as a key, before any work.

    Args:
        trainer: The trainer, with its loggers.

    Raises:
        RunError: A logger cannot do its work; the message says why and what to do.
    """
    for logger in trainer.loggers:
        check = getattr(logger, "check", None)
        if check is not None:
            check()


def check_monitored(trainer: Trainer, model: LightningModule, monitored: Mapping[str, str]) -> None:
    """Checks that what is followed in training is logged, as far as model and callbacks tell what they log.

    A model tells it by ``term_names`` (`modules.protocols.Logging`), a callback by ``validation_scores(model)``. Where
    one may log more than is told, nothing is said: Lightning does so at the end of the first epoch.

    Args:
        trainer: The trainer, with its callbacks.
        model: The model.
        monitored: What is followed, by the option that names it, like ``checkpoint.monitor``.

    Raises:
        RunError: It is not logged; names the nearest that is.
    """
    if lacking(model, Logging):
        return
    logged = {f"{part}/{name}" for part in ("train", "val") for name in model.term_names}  # type: ignore[union-attr]
    for callback in trainer.callbacks:  # type: ignore[attr-defined]
        if hasattr(callback, "validation_scores"):
            logged |= {f"val/{name}" for name in callback.validation_scores(model)}
        elif type(callback).__module__.split(".")[0] not in _KNOWN_CALLBACKS:
            return
    for option, key in monitored.items():
        if key not in logged:
            raise RunError(
                f"--{option} {key}: the run logs no such thing.{did_you_mean(key, logged)} It logs "
                f"{', '.join(sorted(logged))}."
            )
