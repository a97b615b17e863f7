"""The weights of the KLs in the evidence lower bound, against that bound written down by torch's distributions."""

import math

import pytest
import torch
from lightning import Callback
from torch.distributions import Independent, Normal, kl_divergence
from torch.utils.data import DataLoader

from modules.dsae import DSAE, Stage
from modules.errors import ModelError
from modules.gaussian import Gaussian


def independent(gaussian: Gaussian) -> Independent:
    """A distribution of whole latents, whose KL is a sum over all that is not the batch."""
    return Independent(Normal(gaussian.mean, torch.exp(0.5 * gaussian.log_variance)), gaussian.mean.ndim - 1)


@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize("stage", [Stage.JOINT, Stage.INFORMED_PRIOR])
def test_with_the_bounds_weights_the_loss_is_the_bound_in_another_unit(make_dsae, stage, reduction):
    model = make_dsae(stage, reduction=reduction)
    n_frames, n_features = model.hparams["x_shape"]
    x = torch.randn(4, n_frames, n_features, dtype=torch.float64)
    torch.manual_seed(1)
    encoding = model.encode(x)
    decoded = Independent(Normal(model.decode(encoding.z, encoding.v), 1.0), 2)
    log_likelihood = decoded.log_prob(x) + 0.5 * n_frames * n_features * math.log(2.0 * math.pi)
    kl_v = kl_divergence(independent(encoding.q_v), independent(model.prior_of_v(x, encoding.q_v)))
    kl_z = kl_divergence(independent(encoding.q_z), independent(model.transition(encoding.z)))
    bound = (log_likelihood - kl_v - kl_z).mean()

    torch.manual_seed(1)
    terms, weights = model.loss_terms(x), model.bound_weights
    loss = terms["reconstruction"] + sum(weight * terms[name] for name, weight in weights.items())

    # As the reconstruction is measured: halves of sums over all, or the mean.
    unit = n_frames if reduction == "sum" else n_frames * n_features / 2
    torch.testing.assert_close(loss * unit, -bound, rtol=1e-10, atol=0.0)


class Seeded(Callback):
    """Draws the same noise for every model."""

    def on_validation_batch_start(self, trainer, pl_module, batch, batch_idx, dataloader_idx=0):
        torch.manual_seed(2)


@pytest.fixture
def scores(make_trainer):
    """Returns what a model logs of a batch."""
    batch = {"x": torch.randn(4, 5, 3, dtype=torch.float64)}

    def logged(model: DSAE) -> dict[str, float]:
        trainer = make_trainer(callbacks=[Seeded()])
        (measured,) = trainer.validate(model, DataLoader([batch], batch_size=None), verbose=False)
        return {name.removeprefix("val/"): value for name, value in measured.items()}

    return logged


@pytest.mark.parametrize("reduction", ["mean", "sum"])
def test_weights_in_either_unit_say_the_same(make_dsae, scores, reduction):
    bound = make_dsae(reduction=reduction).bound_weights
    one = make_dsae(reduction=reduction, kl_unit="bound", kl_v_weight=3.0, kl_z_weight=0.5)
    weights = {"kl_v_weight": 3.0 * bound["kl_v"], "kl_z_weight": 0.5 * bound["kl_z"]}
    other = make_dsae(reduction=reduction, **weights)
    other.load_state_dict(one.state_dict())

    assert scores(one) == pytest.approx(scores(other), rel=1e-6)


def test_bound_and_loss_weigh_the_terms(make_dsae, scores):
    logged = scores(make_dsae(kl_v_weight=3.0, kl_z_weight=0.25))

    bound = logged["reconstruction"] + 3.0 * logged["kl_v"] + 0.25 * logged["kl_z"]
    swaps = sum(logged[name] for name in ("global_swap_v", "global_swap_z", "local_swap_v", "local_swap_z"))
    assert logged["negative_elbo"] == pytest.approx(bound, rel=1e-6)
    assert logged["loss"] == pytest.approx(bound + swaps, rel=1e-6)
    unweighted = logged["reconstruction"] + logged["kl_v"] + logged["kl_z"] + swaps
    assert logged["unweighted_loss"] == pytest.approx(unweighted, rel=1e-6)


@pytest.mark.parametrize("name", ["kl_v_weight", "kl_z_weight", "local_swap_z_weight"])
def test_negative_weights_are_refused(make_dsae, name):
    with pytest.raises(ModelError, match=rf"{name} is -0.5; it must be 0 or more") as error:
        make_dsae(**{name: -0.5})
    assert error.value.argument == name
