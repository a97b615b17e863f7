import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint

from lightning_app.callbacks import FiniteLoss
from lightning_app.errors import RunError
from modules.dsae import DSAE


def test_stops_before_a_checkpoint_holds_the_weights(tmp_path, tiny_clips, quiet_trainer):
    clips = tiny_clips()
    # One clip among many has no finite log-mel: the second batch's loss is NaN.
    read = clips.train_dataset._read
    clips.train_dataset._read = lambda index: read(index) * (np.nan if index == 5 else 1.0)
    model = DSAE(x_shape=(9, 10), v_dim=2, z_dim=3)
    every_step = ModelCheckpoint(tmp_path / "c", every_n_train_steps=1, save_top_k=-1)
    trainer = quiet_trainer(FiniteLoss(), every_step, max_epochs=3)

    with pytest.raises(RunError, match=r"in epoch 0, batch 1: loss = nan.*reconstruction = nan") as caught:
        trainer.fit(model, clips)

    assert "learning_rate" in str(caught.value)
    (saved,) = (tmp_path / "c").iterdir()
    weights = torch.load(saved, weights_only=True)["state_dict"]
    assert all(torch.isfinite(tensor).all() for tensor in weights.values() if isinstance(tensor, torch.Tensor))
