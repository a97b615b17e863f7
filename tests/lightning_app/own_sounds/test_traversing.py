"""Attributes that are moved, held against the model's own traversal."""

import numpy as np
import pytest
import torch

from datamodules.analysis.timbral import brightness
from lightning_app.errors import RunError
from lightning_app.own_sounds.hearing import at_model
from lightning_app.own_sounds.sound import Sound
from lightning_app.own_sounds.traversing import dimension_of, traverse
from modules import BetaVAE
from tests.lightning_app.sounds import Trained, tone


def test_a_clip_is_decoded_at_each_position_with_its_own_phase(vae_run):
    source = Sound(tone(0.5, 16_000), 16_000, "a.wav")
    positions = torch.linspace(-2, 2, 3, dtype=torch.float64)
    wave = at_model(vae_run, source)[None]
    with torch.inference_mode():
        decoded = vae_run.model.traverse(vae_run.representation(wave), 1, positions.float())[0]
        expected = vae_run.representation.inverse(decoded, 8_000, like=wave.expand(3, -1)).numpy()

    found = traverse(vae_run, source, "depth", positions)

    assert (found.attribute, found.positions.tolist()) == ("depth", [-2.0, 0.0, 2.0])
    for sound, audio in zip(found.sounds, expected, strict=True):
        np.testing.assert_allclose(sound.wave / np.linalg.norm(sound.wave), audio / np.linalg.norm(audio), atol=1e-5)


def test_attribute_is_measured_on_what_is_heard(vae_run, sound):
    found = traverse(vae_run, sound(0.9, 44_100), "brightness", torch.tensor([-1.0, 1.0], dtype=torch.float64))

    for one, measured in zip(found.sounds, found.measured, strict=True):
        assert (one.rate, len(one.wave)) == (44_100, 39_690)
        assert measured == pytest.approx(brightness(one.wave, 44_100), abs=2.0)


def test_attribute_that_none_follows(vae_run):
    assert dimension_of(vae_run, None) == ("brightness", 0)
    assert dimension_of(vae_run, "depth") == ("depth", 1)
    with pytest.raises(RunError, match=r"no dimension of this model follows 'bright'\. Did you mean brightness"):
        dimension_of(vae_run, "bright")


def test_model_without_such_dimensions(swap_run, vae_run):
    with pytest.raises(RunError, match=r"a traversal is of .*, and DSAE has no .*traverse .*like that of ar_vae\.$"):
        dimension_of(swap_run, None)
    plain = BetaVAE((1, 128, 128), latent_dim=4, width=0.0625)
    with pytest.raises(RunError, match="BetaVAE was trained without any; name the run of a model with some"):
        dimension_of(Trained(plain, vae_run.representation, 8_000), None)
