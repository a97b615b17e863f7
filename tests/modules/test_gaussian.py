import math

import numpy as np
import pytest
import torch
from scipy import integrate, stats
from torch.distributions import Normal
from torch.distributions import kl_divergence as torch_kl

from modules.gaussian import Gaussian, GaussianHead, kl_divergence, standard_normal_like


def random_gaussian(*shape: int) -> Gaussian:
    return Gaussian(torch.randn(shape, dtype=torch.float64), torch.randn(shape, dtype=torch.float64))


def as_normal(gaussian: Gaussian) -> Normal:
    return Normal(gaussian.mean, torch.exp(gaussian.log_variance).sqrt())


@pytest.mark.parametrize("shape", [(1,), (7,), (3, 4), (2, 5, 3)])
def test_kl_agrees_with_torch_distributions(shape):
    q, p = random_gaussian(*shape), random_gaussian(*shape)

    kl = kl_divergence(q, p)

    assert kl.shape == shape
    torch.testing.assert_close(kl, torch_kl(as_normal(q), as_normal(p)), rtol=1e-12, atol=1e-12)


@pytest.mark.parametrize(
    ("mean_q", "variance_q", "mean_p", "variance_p"),
    [(0.0, 1.0, 0.0, 1.0), (1.5, 0.2, -0.5, 2.0), (-1.0, 3.0, 0.3, 0.5)],
)
def test_kl_is_the_integral_that_defines_it(mean_q, variance_q, mean_p, variance_p):
    q, p = stats.norm(mean_q, math.sqrt(variance_q)), stats.norm(mean_p, math.sqrt(variance_p))
    expected, _ = integrate.quad(
        lambda x: q.pdf(x) * (q.logpdf(x) - p.logpdf(x)), -30.0, 30.0, points=[mean_q, mean_p], epsabs=1e-11
    )

    means = torch.tensor([mean_q, mean_p], dtype=torch.float64)
    variances = torch.tensor([variance_q, variance_p], dtype=torch.float64)

    kl = kl_divergence(Gaussian(means[0], variances[0].log()), Gaussian(means[1], variances[1].log()))

    assert kl.item() == pytest.approx(expected, rel=1e-9, abs=1e-10)


def test_kl_is_exactly_zero_of_itself_and_positive_otherwise():
    q = random_gaussian(1000)

    assert (kl_divergence(q, q) == 0.0).all()
    assert (kl_divergence(q, random_gaussian(1000)) > 0.0).all()


def test_kl_broadcasts_over_leading_axes():
    q, p = random_gaussian(4, 1, 3), random_gaussian(5, 3)

    kl = kl_divergence(q, p)

    assert kl.shape == (4, 5, 3)
    torch.testing.assert_close(kl[2, 3], torch_kl(as_normal(q), as_normal(p))[2, 3], rtol=1e-12, atol=1e-12)


def test_gradient_of_kl_reaches_both_arguments():
    arguments = [torch.randn(3, dtype=torch.float64, requires_grad=True) for _ in range(4)]

    def kl(mean_q, log_variance_q, mean_p, log_variance_p):
        return kl_divergence(Gaussian(mean_q, log_variance_q), Gaussian(mean_p, log_variance_p))

    assert torch.autograd.gradcheck(kl, arguments)  # against finite differences
    for gradient in torch.autograd.grad(kl(*arguments).sum(), arguments):
        assert (gradient != 0.0).all()


def test_samples_follow_the_distribution():
    gaussian = Gaussian(torch.tensor([-1.0, 0.0, 4.0]), torch.tensor([0.25, 1.0, 9.0]).log())
    rows = torch.zeros(20_000, dtype=torch.long)

    samples = Gaussian(gaussian.mean[None], gaussian.log_variance[None])[rows].sample().double().numpy()

    for samples_of_dimension, mean, deviation in zip(samples.T, [-1.0, 0.0, 4.0], [0.5, 1.0, 3.0], strict=True):
        assert stats.kstest(samples_of_dimension, stats.norm(mean, deviation).cdf).pvalue > 1e-3
    # The dimensions are drawn on their own: correlations of independent draws stay within five standard errors.
    correlations = np.corrcoef(samples.T)[np.triu_indices(3, 1)]
    assert np.abs(correlations).max() < 5.0 / math.sqrt(20_000)


def test_samples_are_reparameterised():
    mean = torch.randn(6, dtype=torch.float64, requires_grad=True)
    log_variance = torch.randn(6, dtype=torch.float64, requires_grad=True)

    sample = Gaussian(mean, log_variance).sample()
    to_mean, to_log_variance = torch.autograd.grad(sample.sum(), [mean, log_variance])

    # sample = mean + exp(log_variance / 2) noise, so d sample / d log_variance = (sample - mean) / 2.
    torch.testing.assert_close(to_mean, torch.ones_like(mean), rtol=0, atol=0)
    torch.testing.assert_close(to_log_variance, 0.5 * (sample - mean).detach(), rtol=1e-12, atol=1e-15)


def test_samples_repeat_with_the_generator_and_only_then():
    gaussian = random_gaussian(2, 3)
    torch.manual_seed(5)
    first, second = gaussian.sample(), gaussian.sample()
    torch.manual_seed(5)

    assert torch.equal(gaussian.sample(), first)
    assert not torch.equal(first, second)


@pytest.mark.parametrize(
    ("rows", "positions"),
    [
        (torch.tensor([2, 0, 0]), [2, 0, 0]),
        (torch.tensor([], dtype=torch.long), []),
        (torch.tensor([False, True, True, False]), [1, 2]),
        (slice(3), [0, 1, 2]),
    ],
)
def test_indexing_takes_rows(rows, positions):
    gaussian = random_gaussian(4, 2, 3)

    taken = gaussian[rows]

    assert taken.mean.shape == taken.log_variance.shape == (len(positions), 2, 3)
    for row, position in enumerate(positions):
        assert torch.equal(taken.mean[row], gaussian.mean[position])
        assert torch.equal(taken.log_variance[row], gaussian.log_variance[position])


@pytest.mark.parametrize("dtype", [torch.float32, torch.float64])
def test_standard_normal_has_the_shape_and_type_of_its_model(dtype):
    like = Gaussian(torch.randn(2, 3, dtype=dtype), torch.randn(2, 3, dtype=dtype))

    standard = as_normal(standard_normal_like(like))

    assert standard.mean.dtype == standard.stddev.dtype == dtype
    assert torch.equal(standard.mean, torch.zeros(2, 3, dtype=dtype))
    assert torch.equal(standard.stddev, torch.ones(2, 3, dtype=dtype))


def test_head_is_two_separate_linear_maps():
    head = GaussianHead(in_features=3, dim=2).double()
    hidden = torch.randn(4, 5, 3, dtype=torch.float64)
    weights = {name: parameter.detach().numpy() for name, parameter in head.named_parameters()}

    gaussian = head(hidden)

    for name in ("mean", "log_variance"):
        expected = hidden.numpy() @ weights[f"{name}.weight"].T + weights[f"{name}.bias"]
        np.testing.assert_allclose(getattr(gaussian, name).detach().numpy(), expected, rtol=1e-12, atol=1e-14)
    assert not np.allclose(gaussian.mean.detach(), gaussian.log_variance.detach())
