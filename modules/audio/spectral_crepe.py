"""The network of CREPE with its convolutions done by FFT: the same outputs for a tenth of the arithmetic.

Its kernels are as long as half of what they run over: 512 samples of 1024, and 64 steps of 128, 64, 32 and so on. A
product of spectra costs much less than such a convolution: a CPU core needs a sixth of the time for the tiny model and
a tenth for the full one.
"""

from typing import Any

import torch
from scipy.fft import next_fast_len
from torch import Tensor, nn
from torch.nn.functional import conv1d, linear, pad

_PHASES = 4  # the first convolution steps by 4 samples: to each of its steps, 4 samples are channels
_N_LAYERS = 6
_FRAMES_AT_ONCE = 64  # which stay in a CPU's cache
_BEFORE = 31  # zeros before what each layer but the first runs over; there are 32 after it


class SpectralCrepe(nn.Module):
    """Computes what a network of torchcrepe computes, up to rounding.

    Args:
        network: A ``torchcrepe.Crepe`` in evaluation mode on the CPU, of which the weights are read.

    Shape:
        Normalised frames (n, 1024) to the probabilities of 360 pitches, (n, 360); with ``embed`` to the output of the
        fifth layer, (n, channels, 8).
    """

    scale: Tensor
    shift: Tensor
    weight: Tensor
    bias: Tensor

    def __init__(self, network: Any) -> None:
        super().__init__()
        layers, n_steps = [], 1024 // _PHASES
        scale, shift = torch.ones(_PHASES, dtype=torch.float64), torch.zeros(_PHASES, dtype=torch.float64)
        with torch.no_grad():
            for number in range(1, _N_LAYERS + 1):
                convolution, norm = getattr(network, f"conv{number}"), getattr(network, f"conv{number}_BN")
                kernel, before = convolution.weight[..., 0].double(), _BEFORE
                if number == 1:
                    # 254 zeros before the frame are no whole step; with two more, before the kernel, they are.
                    kernel = pad(kernel, (2, 2)).view(-1, kernel.shape[2] // _PHASES + 1, _PHASES).transpose(1, 2)
                    before = 256 // _PHASES
                # What the layer before adds after its pooling goes into this bias, which it reaches like a sound.
                added = pad(shift[:, None].expand(-1, n_steps), (before, kernel.shape[2] - 1 - before))
                bias = conv1d(added[None], kernel)[0] + convolution.bias.double()[:, None]
                kernel = kernel * scale[:, None]
                scale = norm.weight.double() / (norm.running_var.double() + norm.eps).sqrt()
                shift = norm.bias.double() - norm.running_mean.double() * scale
                layers.append(_Layer(kernel, bias, before, scale < 0))
                n_steps //= 2
                if number == _N_LAYERS - 1:
                    self.register_buffer("scale", scale.float()[:, None])
                    self.register_buffer("shift", shift.float()[:, None])
            # What is left of the last layer goes into the classifier, which takes one step after the other.
            classifier = network.classifier
            weight = classifier.weight.double().unflatten(1, (n_steps, -1))
            self.register_buffer("weight", (weight * scale).flatten(1).float())
            self.register_buffer("bias", (classifier.bias.double() + (weight * shift).sum(dim=(1, 2))).float())
        self.layers = nn.ModuleList(layers)

    def forward(self, frames: Tensor, embed: bool = False) -> Tensor:
        return torch.cat([self._at_once(some, embed) for some in frames.split(_FRAMES_AT_ONCE)])

    def _at_once(self, frames: Tensor, embed: bool) -> Tensor:
        x = frames.unflatten(1, (-1, _PHASES)).transpose(1, 2)
        for layer in self.layers[:-1]:
            x = layer(x)
        if embed:
            return x * self.scale + self.shift
        x = self.layers[-1](x)
        return torch.sigmoid(linear(x.transpose(1, 2).flatten(1), self.weight, self.bias))


class _Layer(nn.Module):
    """Convolution, rectification and pooling of pairs, (n, channels, n_steps) to (n, more channels, n_steps / 2).

    Args:
        kernel: Shape (channels out, channels in, taps), correlated with the input.
        bias: What is added to each channel and step, (channels out, n_steps).
        before: Zeros before the input; as many follow as make the output as long as the input.
        least: Which channels pool to the lesser of a pair, since a negative factor follows, (channels out,).
    """

    kernel_spectrum: Tensor
    bias_spectrum: Tensor
    least: Tensor

    def __init__(self, kernel: Tensor, bias: Tensor, before: int, least: Tensor) -> None:
        super().__init__()
        self._n_steps = n_steps = bias.shape[1]
        # Taps further from the middle than the input is long meet nothing but zeros.
        first, last = max(0, before - n_steps + 1), min(kernel.shape[2], before + n_steps)
        taps = torch.arange(first, last)
        # What wraps around must not reach the steps that are wanted.
        self._n_fft = n_fft = next_fast_len(n_steps + max(before - first, last - 1 - before), real=True)
        circular = kernel.new_zeros(*kernel.shape[:2], n_fft)
        circular[..., (before - taps) % n_fft] = kernel[..., taps]
        spectrum = torch.fft.rfft(circular).permute(2, 1, 0)
        self.register_buffer("kernel_spectrum", spectrum.to(torch.complex64).contiguous())
        self.register_buffer("bias_spectrum", torch.fft.rfft(bias, n=n_fft).T[:, None].to(torch.complex64).contiguous())
        self.register_buffer("least", least)
        self._any_least = bool(least.any())

    def forward(self, x: Tensor) -> Tensor:
        spectrum = torch.fft.rfft(x, n=self._n_fft).permute(2, 0, 1)
        made = torch.baddbmm(self.bias_spectrum, spectrum, self.kernel_spectrum)
        steps = torch.fft.irfft(made.permute(1, 2, 0), n=self._n_fft)[..., : self._n_steps]
        # The greater of a pair rectified is the greater of the rectified.
        even, odd = steps[..., 0::2], steps[..., 1::2]
        pooled = torch.maximum(even, odd)
        if self._any_least:
            pooled = torch.where(self.least[:, None], torch.minimum(even, odd), pooled)
        return pooled.relu_()
