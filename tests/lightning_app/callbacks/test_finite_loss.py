import re

import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.demos.boring_classes import BoringModel

from lightning_app.callbacks import FiniteLoss
from lightning_app.errors import RunError
from modules.dsae import DSAE
from modules.vae import BetaVAE


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

    assert "--model.learning_rate" in str(caught.value)
    (saved,) = (tmp_path / "c").iterdir()
    weights = torch.load(saved, weights_only=True)["state_dict"]
    assert all(torch.isfinite(tensor).all() for tensor in weights.values() if isinstance(tensor, torch.Tensor))


def test_a_model_that_returns_matrices_besides_its_loss(make_notes, quiet_trainer):
    model = BetaVAE((1, 128, 128), ["brightness", "depth"], latent_dim=8, width=0.0625, learning_rate=1e6)

    with pytest.raises(RunError, match=r"in epoch 0, (validation )?batch \d+: loss = (nan|inf)") as caught:
        quiet_trainer(FiniteLoss(), max_epochs=3, enable_checkpointing=False).fit(model, make_notes())

    message = str(caught.value)
    assert re.search(r"reconstruction = (nan|inf)", message)
    assert "tensor" not in message
    assert "--model.learning_rate" in message


def test_the_optimizer_of_the_configuration_is_the_one_to_change(ar_vae, capsys):
    with pytest.raises(SystemExit):
        ar_vae("fit", "--optimizer.lr", "1e6")

    message = capsys.readouterr().err
    assert message.startswith("error: the model diverged in epoch 0, ")
    assert "Lower the learning rate (--optimizer.lr)" in message
    assert "--model.learning_rate" not in message


class Returns(BoringModel):
    """Its validation step returns what it is told to."""

    def __init__(self, returned):
        super().__init__()
        self.returned = returned

    def validation_step(self, batch, batch_idx):
        return self.returned


@pytest.mark.parametrize(
    "returned", [None, {}, {"loss": None}, {"y": torch.tensor([torch.nan])}, {"loss": 1.0, "name": "a", "rows": [1]}]
)
def test_what_has_no_loss_that_diverged_is_let_pass(quiet_trainer, returned):
    quiet_trainer(FiniteLoss()).validate(Returns(returned), verbose=False)


@pytest.mark.parametrize(
    ("returned", "named"),
    [
        (torch.tensor(torch.inf), "loss = inf"),
        (float("nan"), "loss = nan"),
        (
            {"loss": torch.tensor(torch.nan), "kl": 2.0, "z": torch.tensor([[0.0, torch.nan, -torch.inf]]), "of": "z"},
            r"loss = nan, z \(2 of 3 values\)",
        ),
    ],
)
def test_what_is_not_finite_is_named(quiet_trainer, returned, named):
    with pytest.raises(RunError, match=rf"validation batch 0: {named}\. .*Lower the learning rate, clip gradients"):
        quiet_trainer(FiniteLoss()).validate(Returns(returned), verbose=False)
