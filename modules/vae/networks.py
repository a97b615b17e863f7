"""The convolutional encoder and decoder of Watcharasupat & Lerch (2021, supplement)."""

from itertools import pairwise

import torch
from torch import Tensor, nn

from modules.errors import ModelError
from modules.gaussian import Gaussian, GaussianHead
from modules.vae.batch_norm import GlobalBatchNorm2d

CHANNELS = (32, 64, 64, 128, 128, 256, 256, 512, 512, 512)
"""Channels of the spectrogram at full size, and after each halving of it: 512, 256, ... 2, 1."""


def _channels(size: int, width: float) -> list[int]:
    """The channels at sizes ``size``, ``size / 2``, ... 1.

    >>> _channels(512, 0.25)
    [8, 16, 16, 32, 32, 64, 64, 128, 128, 128]
    """
    n_halvings = size.bit_length() - 1
    if size < 4 or size != 1 << n_halvings or n_halvings >= len(CHANNELS):
        raise ModelError(
            f"the spectrogram has the size {size}; it must be a power of two from 4 to {1 << (len(CHANNELS) - 1)}."
        )
    if width <= 0:
        raise ModelError(f"width is {width}; it must be greater than 0.", argument="width")
    return [max(1, round(width * channels)) for channels in (*CHANNELS[:n_halvings], CHANNELS[-1])]


class ConvEncoder(nn.Module):
    """Ten blocks of convolution, batch normalisation and Mish, each but the first halving the size; then q(z|x).

    Args:
        size: Size of the square spectrogram, a power of two; 512 has the published ten blocks.
        latent_dim: D, dimensions of z.
        width: Scales all channels; 1 is published.

    Shape:
        ``(batch, 1, size, size)`` to a `modules.gaussian.Gaussian` of shape ``(batch, latent_dim)``.

    Raises:
        ModelError: A size that is no power of two, or a width of 0 or less.

    Example:
        >>> ConvEncoder(size=32, latent_dim=8, width=0.25)(torch.zeros(2, 1, 32, 32)).mean.shape
        torch.Size([2, 8])
    """

    def __init__(self, size: int = 512, latent_dim: int = 512, width: float = 1.0) -> None:
        super().__init__()
        channels = _channels(size, width)
        blocks = [_block(nn.Conv2d(1, channels[0], 3, padding=1), channels[0])]
        for fine, coarse in pairwise(channels[:-1]):
            blocks.append(_block(nn.Conv2d(fine, coarse, 4, stride=2, padding=1), coarse))
        blocks.append(_block(nn.Conv2d(channels[-2], channels[-1], 2), channels[-1]))
        self.blocks = nn.Sequential(*blocks, nn.Flatten())
        self.hidden = nn.Sequential(nn.Linear(channels[-1], channels[-1]), nn.Mish())
        self.head = GaussianHead(channels[-1], latent_dim)
        _channels_last(self)

    def forward(self, x: Tensor) -> Gaussian:
        return self.head(self.hidden(self.blocks(x)))


class ConvDecoder(nn.Module):
    """Five linear layers, then the encoder mirrored with transposed convolutions: the mean of p(x|z).

    Args:
        size: Size of the square spectrogram, a power of two.
        latent_dim: D, dimensions of z.
        width: Scales all channels; 1 is published.

    Shape:
        ``(batch, latent_dim)`` to ``(batch, 1, size, size)``.

    Raises:
        ModelError: A size that is no power of two, or a width of 0 or less.

    Example:
        >>> ConvDecoder(size=32, latent_dim=8, width=0.25)(torch.zeros(2, 8)).shape
        torch.Size([2, 1, 32, 32])
    """

    def __init__(self, size: int = 512, latent_dim: int = 512, width: float = 1.0) -> None:
        super().__init__()
        channels = _channels(size, width)[::-1]
        hidden = channels[0]
        self.latent_layers = nn.Sequential(
            nn.Linear(latent_dim, latent_dim),
            nn.Mish(),
            nn.Linear(latent_dim, latent_dim),
            nn.Mish(),
            nn.Linear(latent_dim, latent_dim),
        )
        self.hidden_layers = nn.Sequential(
            nn.Linear(latent_dim, hidden),
            nn.Mish(),
            nn.Linear(hidden, hidden),
            nn.Mish(),
            nn.Unflatten(1, (hidden, 1, 1)),
        )
        blocks = [_block(nn.ConvTranspose2d(channels[0], channels[1], 2), channels[1])]
        for coarse, fine in pairwise(channels[1:]):
            blocks.append(_block(nn.ConvTranspose2d(coarse, fine, 4, stride=2, padding=1), fine))
        self.blocks = nn.Sequential(*blocks, nn.ConvTranspose2d(channels[-1], 1, 3, padding=1))
        _channels_last(self)

    def forward(self, z: Tensor) -> Tensor:
        return self.blocks(self.hidden_layers(self.latent_layers(z)))


def _block(convolution: nn.Module, channels: int) -> nn.Sequential:
    return nn.Sequential(convolution, GlobalBatchNorm2d(channels), nn.Mish())


def _channels_last(network: nn.Module) -> None:
    """Lays the weights of convolutions out so that they take a quarter less time on the CPU."""
    network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
