import pytest
from lightning import Callback

from lightning_app.callbacks import TrainingEnd
from lightning_app.runs.run_folder import RunFolder, Training
from modules.dsae import DSAE


class Fails(Callback):
    def on_train_epoch_end(self, trainer, pl_module):
        if trainer.current_epoch == 1:
            raise RuntimeError("in the second epoch")


def test_mark_is_there_after_the_end_and_not_while_training_goes_on(tmp_path, tiny_clips, quiet_trainer):
    mark = tmp_path / "training.json"
    quiet_trainer(TrainingEnd(), max_epochs=3, enable_checkpointing=False).fit(DSAE(10, v_dim=2, z_dim=3), tiny_clips())

    assert RunFolder(tmp_path).training() == Training(epochs=3, steps=6)
    with pytest.raises(RuntimeError, match="in the second epoch"):
        quiet_trainer(TrainingEnd(), Fails(), max_epochs=3, enable_checkpointing=False).fit(
            DSAE(10, v_dim=2, z_dim=3), tiny_clips()
        )
    assert not mark.exists()
