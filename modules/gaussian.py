"""Diagonal Gaussians: the form of every posterior and prior here."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from modules.noise import Noise


@dataclass(frozen=True)
class Gaussian:
    """A diagonal Gaussian over the last axis.

    Attributes:
        mean: Shape (..., dim).
        log_variance: Natural log of the variances, the same shape.
    """

    mean: Tensor
    log_variance: Tensor

    def sample(self, noise: Noise = torch.randn_like) -> Tensor:
        """Draws by reparameterisation (Kingma & Welling 2014); shape (..., dim).

        Args:
            noise: What draws from N(0, 1); by default torch's global generator.
        """
        return self.mean + torch.exp(0.5 * self.log_variance) * noise(self.mean)

    def __getitem__(self, rows: Tensor | slice) -> "Gaussian":
        """Returns the Gaussians of some rows of the first axis."""
        return Gaussian(self.mean[rows], self.log_variance[rows])


def standard_normal_like(gaussian: Gaussian) -> Gaussian:
    """Returns N(0, 1) in the shape of another Gaussian."""
    return Gaussian(torch.zeros_like(gaussian.mean), torch.zeros_like(gaussian.mean))


def kl_divergence(q: Gaussian, p: Gaussian) -> Tensor:
    """Returns KL(q || p) of each dimension, in nats; the shape of the arguments, and float32 at least.

    In half precision, small divergences would be lost in the difference of larger terms.

    >>> q = Gaussian(torch.ones(1), torch.zeros(1))
    >>> kl_divergence(q, standard_normal_like(q))
    tensor([0.5000])
    """
    least = torch.promote_types(q.mean.dtype, torch.float32)
    log_ratio = q.log_variance.to(least) - p.log_variance.to(least)
    distance = (q.mean.to(least) - p.mean.to(least)).square() * torch.exp(-p.log_variance.to(least))
    return 0.5 * (torch.exp(log_ratio) + distance - 1.0 - log_ratio)


class GaussianHead(nn.Module):
    """Two linear layers from hidden states to a Gaussian's mean and log-variance (the paper's "Gau").

    Args:
        in_features: Width of the hidden states.
        dim: Dimensions of the Gaussian.
    """

    def __init__(self, in_features: int, dim: int) -> None:
        super().__init__()
        self.mean = nn.Linear(in_features, dim)
        self.log_variance = nn.Linear(in_features, dim)

    def forward(self, hidden: Tensor) -> Gaussian:
        return Gaussian(self.mean(hidden), self.log_variance(hidden))
