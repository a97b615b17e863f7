"""The learning rate in the logs."""

from lightning import Callback, LightningModule, Trainer


class LearningRate(Callback):
    """Logs ``learning_rate``, which each epoch begins with, beside what else is logged of the epoch.

    Further optimisers and groups of parameters have theirs as ``learning_rate_2`` and so on.
    """

    def on_train_epoch_start(self, trainer: Trainer, pl_module: LightningModule) -> None:
        rates = [group["lr"] for optimizer in trainer.optimizers for group in optimizer.param_groups]
        for number, rate in enumerate(rates, start=1):
            name = "learning_rate" if number == 1 else f"learning_rate_{number}"
            pl_module.log(name, float(rate), on_step=False, on_epoch=True, rank_zero_only=True)
