"""What follows scores of the validation clips, and when there is a validation."""

import math

from lightning import Callback, LightningModule, Trainer
from lightning.pytorch.callbacks import ModelCheckpoint

from lightning_app.errors import RunError


class ValidationSchedule(Callback):
    """Fits what follows scores of the validation clips to the epochs that are validated.

    A scheduler of the learning rate that follows such a score steps after the epochs that have one: with
    ``check_val_every_n_epoch`` 2, its patience counts every other epoch.

    Raises:
        RunError: Training would end before the first validation, so that there would be no best checkpoint; or a
            scheduler follows a score that some epochs do not have.
    """

    def on_train_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        if trainer.fast_dev_run or not trainer.enable_validation:  # type: ignore[attr-defined]
            return
        if trainer.global_step == 0:
            _require_validation(trainer)
        _fit_schedulers(trainer)


def _require_validation(trainer: Trainer) -> None:
    followed = [one.monitor for one in trainer.checkpoint_callbacks if isinstance(one, ModelCheckpoint) and one.monitor]
    score = next((monitor for monitor in followed if monitor.startswith("val/")), None)
    due, total = _first_validation(trainer), _n_batches(trainer)
    if score is not None and due is not None and due > total:
        raise RunError(
            f"training ends after batch {total:.0f}, before the first validation, which is after batch {due:.0f}; the "
            f"best checkpoint follows {score}, and there would be none. Train for longer, validate more often "
            "(--trainer.val_check_interval, --trainer.check_val_every_n_epoch), or follow a score of training "
            "(--checkpoint.monitor train/loss)."
        )


def _fit_schedulers(trainer: Trainer) -> None:
    following = [one for one in trainer.lr_scheduler_configs if (one.monitor or "").startswith("val/")]
    every, batches = trainer.check_val_every_n_epoch, trainer.val_check_batch
    for scheduler in following:
        if scheduler.interval != "epoch":
            continue
        if every is not None:
            scheduler.frequency = math.lcm(scheduler.frequency, every)
        elif batches is not None and batches > trainer.num_training_batches:
            raise RunError(
                f"a scheduler of the learning rate follows {scheduler.monitor} of each epoch, and validation is "
                f"every {batches:.0f} batches, of which an epoch has {trainer.num_training_batches:.0f}; validate in "
                "each epoch, or every few epochs by --trainer.check_val_every_n_epoch."
            )


def _first_validation(trainer: Trainer) -> float | None:
    """After how many batches it is; None where that depends on the time."""
    per_epoch, batches, every = trainer.num_training_batches, trainer.val_check_batch, trainer.check_val_every_n_epoch
    if batches is None:
        return None
    return batches if every is None else (every - 1) * per_epoch + min(batches, per_epoch)


def _n_batches(trainer: Trainer) -> float:
    """How many batches there are to train on."""
    per_epoch, max_epochs = trainer.num_training_batches, trainer.max_epochs
    total = math.inf if max_epochs is None or max_epochs < 0 else max_epochs * per_epoch
    if trainer.max_steps < 0 or math.isinf(per_epoch):
        return total
    accumulated = trainer.accumulate_grad_batches
    epochs, steps = divmod(trainer.max_steps, math.ceil(per_epoch / accumulated))
    return min(total, epochs * per_epoch + steps * accumulated)
