import math
from collections import Counter

import pytest
import torch
from torch import Tensor
from torch.distributions import Normal, kl_divergence

from modules.dsae import DSAE, Stage
from modules.dsae.swap import neighbours
from modules.gaussian import Gaussian

SWAP_TERMS = ["global_swap_v", "global_swap_z", "local_swap_v", "local_swap_z"]


def randn(*shape: int) -> Tensor:
    return torch.randn(shape, dtype=torch.float64)


# The paper's equations, one sequence and one frame at a time


def as_normal(gaussian: Gaussian) -> Normal:
    return Normal(gaussian.mean[0], torch.exp(0.5 * gaussian.log_variance[0]))


def infer(model: DSAE, x: Tensor, noise_v: Tensor) -> tuple[Normal, list[Normal], Tensor]:
    """q(v|x_1:T), the q(z_t) of each frame, and a sample of v; x is one sequence, (T, F)."""
    q_v = as_normal(model.global_encoder(x[None]))
    v = q_v.mean + q_v.stddev * noise_v
    if model.hparams["posterior"] == "factorised":  # q(z_t|x_t): nothing but the frame is given
        return q_v, [as_normal(model.local_encoder(frame[None], v[None])) for frame in x], v
    q_z = as_normal(model.local_encoder(x[None], v[None]))
    return q_v, [Normal(mean, deviation) for mean, deviation in zip(q_z.mean, q_z.stddev, strict=True)], v


def transition_prior(model: DSAE, z: Tensor, t: int) -> Normal:
    """p(z_t|z_<t), from the earlier frames alone."""
    if t == 0:
        return Normal(torch.zeros_like(z[0]), torch.ones_like(z[0]))
    output, _ = model.transition.lstm(z[None, :t])
    return as_normal(model.transition.head(output[:, -1]))


def plain_terms(model: DSAE, x: Tensor, seed: int) -> dict[str, Tensor]:
    """Eq. (2), and eqs. (4) to (7) with a global and a local swap of every paired sequence, as the paper has them."""
    (n, n_frames, n_features), features = x.shape, torch.sum if model.hparams["reduction"] == "sum" else torch.mean
    torch.manual_seed(seed)  # the noise of the posteriors, then that of the swapped posteriors
    noise_v, noise_z = randn(n, model.hparams["v_dim"]), randn(n, n_frames, model.hparams["z_dim"])
    partner = neighbours(n).tolist()
    noise_of_swapped = randn(len(partner), model.hparams["v_dim"])

    q_v, q_z, v = zip(*(infer(model, x[i], noise_v[i]) for i in range(n)), strict=True)
    z = [torch.stack([q_z[i][t].mean + q_z[i][t].stddev * noise_z[i, t] for t in range(n_frames)]) for i in range(n)]

    def decode(i: int, j: int) -> Tensor:
        return model.decoder(z[i][None], v[j][None])[0]

    def kl(q: Normal, p: Normal) -> Tensor:
        return features(kl_divergence(q, p))

    def kl_of_frames(q: list[Normal], p: list[Normal]) -> Tensor:
        return sum(kl(q[t], p[t]) for t in range(n_frames)) / n_frames

    standard = Normal(torch.zeros_like(v[0]), torch.ones_like(v[0]))
    informed = model.stage is Stage.INFORMED_PRIOR
    totals = Counter()
    for i in range(n):
        for t in range(n_frames):
            decoded = decode(i, i)[t]
            if model.hparams["reduction"] == "sum":  # the log-likelihood under N(decoded, 1), without its constant
                constant = 0.5 * n_features * math.log(2.0 * math.pi)
                error = -Normal(decoded, 1.0).log_prob(x[i, t]).sum() - constant
            else:
                error = (decoded - x[i, t]).square().mean()
            totals["reconstruction"] += error / (n * n_frames)
        prior = as_normal(model.prior_encoder(x[i][None])) if informed else standard
        totals["kl_v"] += kl(q_v[i], prior) / n
        if model.stage is not Stage.CONSTRAINED:
            priors = [transition_prior(model, z[i], t) for t in range(n_frames)]
            totals["kl_z"] += kl_of_frames(q_z[i], priors) / n
    if model.stage is Stage.CONSTRAINED:
        return dict(totals)
    for i, j in enumerate(partner):
        global_swap_v, global_swap_z, _ = infer(model, decode(i, j), noise_of_swapped[i])  # z of i with v of j
        totals["global_swap_v"] += kl(global_swap_v, q_v[j]) / len(partner)
        totals["global_swap_z"] += kl_of_frames(global_swap_z, q_z[i]) / len(partner)
        local_swap_v, local_swap_z, _ = infer(model, decode(i, j), noise_of_swapped[i])  # v of j with z of i
        totals["local_swap_v"] += kl(local_swap_v, q_v[j]) / len(partner)
        totals["local_swap_z"] += kl_of_frames(local_swap_z, q_z[i]) / len(partner)
    return dict(totals)


@pytest.mark.parametrize("stage", Stage)
@pytest.mark.parametrize("reduction", ["mean", "sum"])
@pytest.mark.parametrize(("posterior", "decoder", "n"), [("factorised", "frame", 5), ("full", "sequence", 4)])
def test_terms_and_their_gradients_are_the_papers(make_dsae, stage, reduction, posterior, decoder, n):
    model = make_dsae(stage, posterior=posterior, decoder=decoder, reduction=reduction)
    x = 2.0 * randn(n, 3, 3)
    expected = plain_terms(model, x, seed=3)
    torch.manual_seed(3)

    terms = model.loss_terms(x)

    assert set(terms) == set(expected)
    trained = [parameter for parameter in model.parameters() if parameter.requires_grad]
    for name, term in terms.items():
        assert term.shape == ()
        torch.testing.assert_close(term, expected[name], rtol=1e-10, atol=1e-13)
        # That nothing is detached: each term moves each parameter as the paper's does.
        gradients = torch.autograd.grad(term, trained, retain_graph=True, materialize_grads=True)
        of_expected = torch.autograd.grad(expected[name], trained, retain_graph=True, materialize_grads=True)
        torch.testing.assert_close(gradients, of_expected, rtol=1e-8, atol=1e-13)


@pytest.mark.parametrize("name", SWAP_TERMS)
def test_gradient_flows_through_target_posteriors(make_dsae, name):
    model, x = make_dsae(), randn(4, 3, 3).requires_grad_()
    with torch.no_grad():
        model.decoder.mean.weight.zero_()  # what is decoded no longer depends on x: only the targets do

    (gradient,) = torch.autograd.grad(model.loss_terms(x)[name], x)

    assert (gradient.abs().sum(dim=2) > 0.0).all()


@pytest.mark.parametrize("stage", [Stage.JOINT, Stage.INFORMED_PRIOR])
def test_a_batch_of_one_has_no_swap_terms(make_dsae, stage):
    terms = make_dsae(stage).loss_terms(randn(1, 3, 3))

    assert set(terms) == {"reconstruction", "kl_v", "kl_z"}


def test_kl_of_v_grows_from_zero_as_the_encoder_leaves_its_snapshot(make_dsae):
    model, x = make_dsae(Stage.INFORMED_PRIOR), randn(4, 3, 3)
    assert model.loss_terms(x)["kl_v"] > 1e-3

    model.take_snapshot()

    assert model.loss_terms(x)["kl_v"] == 0.0
