import re

import numpy as np
import pytest
import torch
from lightning.pytorch.callbacks import ModelCheckpoint
from lightning.pytorch.demos.boring_classes import BoringModel
from lightning.pytorch.plugins import MixedPrecision

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

    with pytest.raises(
        RunError,
        match=r"in epoch 0, batch 1, step 2: loss = nan.*reconstruction = nan.*Not finite is the input of clip 5\.",
    ) as caught:
        trainer.fit(model, clips)

    assert "--model.learning_rate" in str(caught.value)
    (saved,) = (tmp_path / "c").iterdir()
    weights = torch.load(saved, weights_only=True)["state_dict"]
    assert all(torch.isfinite(tensor).all() for tensor in weights.values() if isinstance(tensor, torch.Tensor))


def test_a_model_that_returns_matrices_besides_its_loss(make_notes, quiet_trainer):
    model = BetaVAE((1, 128, 128), ["brightness", "depth"], latent_dim=8, width=0.0625, learning_rate=1e6)

    with pytest.raises(RunError, match=r"in epoch 0, (validation )?batch \d+, step \d: loss = (nan|inf)") as caught:
        quiet_trainer(FiniteLoss(), max_epochs=3, enable_checkpointing=False).fit(model, make_notes())

    message = str(caught.value)
    assert re.search(r"reconstruction = (nan|inf)", message)
    assert "tensor" not in message
    assert "--model.learning_rate" in message


class Spoilt(BoringModel):
    """Its loss stays finite while its gradients or weights do not, from the third batch on."""

    def __init__(self, gradient=1.0, weight=None):
        super().__init__()
        self.gradient, self.weight = gradient, weight
        self.unused = torch.nn.Parameter(torch.zeros(3))

    def training_step(self, batch, batch_idx):
        loss = self.layer(batch).square().mean()
        if batch_idx < 2:
            return loss
        if self.weight is not None:
            self.unused.data[1] = self.weight
        return loss + 0.0 * self.layer.bias.sum() + _WithGradient.apply(self.layer.bias, self.gradient)


class _WithGradient(torch.autograd.Function):
    """Is 0, whatever its gradient."""

    @staticmethod
    def forward(ctx, values, gradient):
        ctx.gradient = gradient
        return values.sum() * 0.0

    @staticmethod
    def backward(ctx, _):
        return torch.tensor([ctx.gradient, 0.0]), None


def _weights(path):
    state = torch.load(path, weights_only=True)["state_dict"].values()
    return torch.cat([value.flatten() for value in state if isinstance(value, torch.Tensor)])


@pytest.mark.parametrize("gradient", [np.nan, np.inf])
def test_gradient_is_noticed_before_the_loss_shows_it(tmp_path, quiet_trainer, gradient):
    every_step = ModelCheckpoint(tmp_path / "c", every_n_train_steps=1, save_top_k=-1)
    trainer = quiet_trainer(every_step, FiniteLoss(), max_epochs=1)

    with pytest.raises(RunError, match=r"batch 2, step 3: the gradient of layer\.bias \(1 of 2 values\)\. "):
        trainer.fit(Spoilt(gradient))

    saved = sorted((tmp_path / "c").iterdir())
    assert len(saved) == 2
    assert all(torch.isfinite(_weights(path)).all() for path in saved)


@pytest.mark.filterwarnings("ignore:.*does not have many workers")
def test_gradients_that_overflow_in_mixed_precision_are_skipped(quiet_trainer):
    """As a GPU does in float16: the scaler leaves the step out, and training goes on."""
    scaled = MixedPrecision("16-mixed", "cpu", scaler=torch.amp.GradScaler("cpu"))
    model = Spoilt(np.inf)

    quiet_trainer(FiniteLoss(), plugins=scaled, max_epochs=1, limit_train_batches=4).fit(model)

    assert all(torch.isfinite(weights).all() for weights in model.parameters())


def test_weights_that_are_not_finite_are_not_saved(tmp_path, quiet_trainer):
    """Such as those that the loss does not depend on yet; the last good checkpoint stays as it is."""
    checkpoint = ModelCheckpoint(
        tmp_path / "c", filename="last", save_on_train_epoch_end=True, enable_version_counter=False
    )
    quiet_trainer(checkpoint, FiniteLoss(), max_epochs=1, limit_train_batches=2).fit(Spoilt())
    path = tmp_path / "c" / "last.ckpt"
    before = path.read_bytes()
    trainer = quiet_trainer(checkpoint, FiniteLoss(), max_epochs=2, limit_train_batches=3, enable_checkpointing=True)

    with pytest.raises(RunError, match=r"in epoch 1, step \d: unused \(1 of 3 values\)\. Checkpoints of earlier"):
        trainer.fit(Spoilt(weight=np.inf), ckpt_path=path)

    assert path.read_bytes() == before


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
    with pytest.raises(
        RunError, match=rf"validation batch 0, step 0: {named}\. .*Lower the learning rate, clip gradients"
    ):
        quiet_trainer(FiniteLoss()).validate(Returns(returned), verbose=False)
