"""Swaps of sounds, held against the model's own."""

import numpy as np
import pytest
import torch

from lightning_app.errors import RunError
from lightning_app.own_sounds.hearing import at_model, made_audible, whole
from lightning_app.own_sounds.level import like_source
from lightning_app.own_sounds.sound import Sound
from lightning_app.own_sounds.swapping import description, reconstruction, swap
from modules.audio import LogMelSequence
from modules.protocols import Swap
from tests.lightning_app.sounds import Trained, tone


@pytest.fixture
def source(sound):
    return sound(1.3, 44_100, 440.0, "source.wav")


@pytest.fixture
def target(sound):
    return sound(0.7, 22_050, 300.0, "target.flac")


@pytest.mark.parametrize("kind", ["reconstruction", "global", "local"])
def test_swap_is_the_models(swap_run, source, target, kind):
    """As one would write it by hand, with the model's own names for the three."""
    waves = [at_model(swap_run, one) for one in (source, target)]
    with torch.inference_mode():
        swaps = swap_run.model.swap(*(whole(swap_run.representation, wave) for wave in waves))
    decoded = getattr(swaps, kind if kind == "reconstruction" else f"{kind}_swap")
    length = target if kind == "local" else source
    wave = waves[1 if kind == "local" else 0]
    by_hand = made_audible(swap_run, wave, lambda x: decoded, seed=3)

    made = (
        reconstruction(swap_run, source, seed=3)
        if kind == "reconstruction"
        else swap(swap_run, source, target, kind, seed=3)
    )

    expected = like_source(by_hand, 16_000, "", source, length=length)
    assert made.rate == 44_100
    assert len(made.wave) == round(length.seconds * 44_100)
    np.testing.assert_allclose(made.wave, expected.wave, atol=1e-5)


def test_rate_may_be_another(swap_run, source, target):
    made = swap(swap_run, source, target, rate=8_000)

    assert (made.rate, len(made.wave)) == (8_000, 10_400)


class FixedLength:
    """A foreign model of clips of one second alone: its global latent is the mean frame, its local one the rest."""

    def __init__(self):
        self.targets = []

    def global_latent(self, x):
        return x.mean(dim=1)

    def swap(self, source, target):
        assert source.shape == target.shape
        assert source.shape[1] == 126
        self.targets.append(target)
        means = source.mean(dim=1, keepdim=True), target.mean(dim=1, keepdim=True)
        return Swap(source, source - means[0] + means[1], target - means[1] + means[0])

    def generate(self, n_sequences, *, reference=None):
        return reference


def test_model_of_one_length_takes_the_global_latent_of_the_loudest_window_all_through():
    representation = LogMelSequence(8_000, n_fft=512, hop_length=64, n_mels=40)
    model = FixedLength()
    trained = Trained(model, representation, 8_000)
    loud = tone(3.0, 8_000, 300.0)
    loud[:8_000] *= 0.01
    loud[16_000:] *= 0.01
    source, target = Sound(tone(2.6, 8_000), 8_000), Sound(loud, 8_000)

    made = swap(trained, source, target)

    expected = representation(at_model(trained, target)[None, 8_000:16_000])
    assert len(made.wave) == len(source.wave)
    for heard in torch.cat(model.targets):
        torch.testing.assert_close(heard[None], expected)


def test_what_was_done_is_said(swap_run, source, target, sound):
    assert description(swap_run, source, target, "global") == (
        "source.wav (1.3 s, 44,100 Hz) with the global latent of target.flac (0.7 s, 22,050 Hz): what changes with "
        "time (of music, the melody) is from source.wav, what stays the same (the instrument) from target.flac."
    )
    said = description(swap_run, source, sound(1.0, 8_000, name="old.wav"), "local")
    assert "with the local latents of old.wav" in said
    assert "(of music, the melody) is from old.wav" in said
    assert said.endswith("old.wav has nothing above 4,000 Hz, and the model knows sounds up to 8,000 Hz.")


def test_model_without_such_latents(vae_run, source, target):
    with pytest.raises(
        RunError, match=r"a swap is between .*, and BetaVAE has no .*global_latent, swap .*like that of ts_dsae\.$"
    ):
        swap(vae_run, source, target)
