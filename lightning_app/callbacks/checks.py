"""What a configuration can tell, checked before any work."""

from lightning import LightningDataModule, LightningModule, Trainer


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
