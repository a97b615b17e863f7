import json

import pytest
from lightning import Callback
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.utilities.exceptions import SIGTERMException

from lightning_app.callbacks import TrainingEnd
from lightning_app.runs.run_folder import RunFolder, Training
from modules.dsae import DSAE


class Fails(Callback):
    def on_train_epoch_end(self, trainer, pl_module):
        if trainer.current_epoch == 1:
            raise RuntimeError("in the second epoch")


def test_mark_is_there_after_the_end_and_not_while_training_goes_on(tmp_path, tiny_clips, quiet_trainer):
    mark = tmp_path / "training.json"
    quiet_trainer(TrainingEnd(), max_epochs=3, enable_checkpointing=False).fit(
        DSAE((9, 10), v_dim=2, z_dim=3), tiny_clips()
    )

    assert RunFolder(tmp_path).training() == Training(epochs=3, steps=6, ended_by="max_epochs")
    with pytest.raises(RuntimeError, match="in the second epoch"):
        quiet_trainer(TrainingEnd(), Fails(), max_epochs=3, enable_checkpointing=False).fit(
            DSAE((9, 10), v_dim=2, z_dim=3), tiny_clips()
        )
    assert not mark.exists()


@pytest.mark.parametrize(
    ("raised", "ended_by"),
    [
        (RuntimeError("out of memory"), "error"),
        (SIGTERMException(), "interrupted"),
        (KeyboardInterrupt(), "interrupted"),
    ],
)
def test_mark_of_a_training_that_was_broken_off(tmp_path, tiny_clips, quiet_trainer, raised, ended_by):
    class Breaks(Callback):
        def on_train_epoch_start(self, trainer, pl_module):
            if trainer.current_epoch == 2:
                raise raised

    (tmp_path / "config.yaml").write_text("")
    trainer = quiet_trainer(TrainingEnd(), Breaks(), max_epochs=3, enable_checkpointing=False)
    with pytest.raises((RuntimeError, SIGTERMException, SystemExit)):
        trainer.fit(DSAE((9, 10), v_dim=2, z_dim=3), tiny_clips())

    mark = RunFolder(tmp_path).training()
    assert mark == Training(epochs=2, steps=4, ended_by=ended_by, finished=False)
    assert not RunFolder(tmp_path).is_trained()


class Stops(Callback):
    """Asks the trainer to stop, in the second epoch or another."""

    def __init__(self, epoch: int = 1) -> None:
        self.epoch = epoch

    def on_train_batch_end(self, trainer, pl_module, outputs, batch, batch_idx):
        trainer.should_stop = trainer.current_epoch == self.epoch


class Unimprovable(DSAE):
    """Its monitored loss grows from epoch to epoch."""

    start = 0.0

    def validation_step(self, batch, batch_idx):
        self.log("val/negative_elbo", self.start + self.current_epoch)


def stopped_early():
    return EarlyStopping("val/negative_elbo", patience=1)


@pytest.mark.parametrize(
    ("callbacks", "options", "epochs", "ended_by", "finished"),
    [
        ([], {"max_epochs": 2}, 2, "max_epochs", True),
        ([], {"max_steps": 3, "max_epochs": 9}, 2, "max_steps", True),
        ([], {"max_steps": 4, "max_epochs": -1}, 2, "max_steps", True),
        ([stopped_early], {"max_epochs": 9}, 2, "early_stopping", True),
        ([stopped_early], {"max_epochs": 9, "max_time": {"days": 9}}, 2, "early_stopping", True),
        ([stopped_early], {"max_epochs": 1}, 1, "max_epochs", True),
        ([], {"max_epochs": 9, "max_time": {"microseconds": 1}}, 1, "max_time", False),
        ([stopped_early], {"max_epochs": 9, "max_time": {"microseconds": 1}}, 1, "max_time", False),
        ([Stops], {"max_epochs": 9, "max_time": {"days": 9}}, 2, "stopped", False),
        ([], {"max_epochs": 9, "limit_train_batches": 0}, 0, "stopped", False),
    ],
)
def test_the_mark_tells_what_ended_training(
    tmp_path, tiny_clips, quiet_trainer, callbacks, options, epochs, ended_by, finished
):
    made = [callback() for callback in callbacks]
    trainer = quiet_trainer(TrainingEnd(), *made, enable_checkpointing=False, **options)
    trainer.fit(Unimprovable((9, 10), v_dim=2, z_dim=3), tiny_clips())

    mark = json.loads((tmp_path / "training.json").read_text())
    assert mark["epochs"] == epochs
    assert (mark["ended_by"], mark["finished"]) == (ended_by, finished)


@pytest.mark.filterwarnings("ignore:The dirpath has changed")  # the second trainer keeps no checkpoints
def test_early_stopping_of_the_run_that_is_resumed_is_not_its_own(tmp_path, tiny_clips, quiet_trainer):
    model = Unimprovable((9, 10), v_dim=2, z_dim=3)
    last = ModelCheckpoint(tmp_path / "c", save_last=True)
    quiet_trainer(stopped_early(), last, max_epochs=9).fit(model, tiny_clips())

    model.start = -9.0  # better than all before
    trainer = quiet_trainer(TrainingEnd(), stopped_early(), Stops(epoch=2), max_epochs=9)
    trainer.fit(model, tiny_clips(), ckpt_path=tmp_path / "c" / "last.ckpt", weights_only=False)

    assert json.loads((tmp_path / "training.json").read_text())["ended_by"] == "stopped"
