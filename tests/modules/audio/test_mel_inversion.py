"""Powers from mel bands, against the updates as matrix products."""

import pytest
import torch

from modules.audio._torchaudio import transforms
from modules.audio.mel_inversion import MelInversion


@pytest.mark.filterwarnings("ignore:At least one mel filterbank")
@pytest.mark.parametrize(("n_mels", "n_freq"), [(80, 1025), (20, 129), (40, 65)], ids=["default", "few", "narrow"])
def test_it_is_lee_and_seungs_with_dense_products(n_mels, n_freq):
    bands = transforms.MelScale(n_mels, 16_000, n_stft=n_freq, mel_scale="htk").fb
    true = torch.rand(2, 5, n_freq, generator=torch.Generator().manual_seed(0)) ** 4
    mel_power = true @ bands

    found = MelInversion(bands)(mel_power)

    weights, wanted = bands.double(), mel_power.double()
    power = torch.linalg.lstsq(weights.T, wanted.flatten(0, 1).T, driver="gelsd").solution.T.view_as(true)
    power = torch.maximum(power, 0.01 * wanted @ weights.T)
    for _ in range(50):
        power = power * (wanted / (power @ weights + 1e-16) @ weights.T) / weights.sum(dim=1).clamp(min=1e-16)
    assert found.shape == true.shape
    assert (found >= 0).all()
    reached = weights.sum(dim=1) > 0
    torch.testing.assert_close(found.double()[..., reached], power[..., reached], rtol=1e-2, atol=1e-4)
    held = bands.sum(dim=0) > 0
    ratio = (found @ bands)[..., held] / mel_power[..., held]
    assert (ratio.log().abs().mean()) < 0.05


def test_silence_stays_silent():
    bands = transforms.MelScale(20, 16_000, n_stft=129, mel_scale="htk").fb

    assert not MelInversion(bands)(torch.zeros(3, 20)).any()
