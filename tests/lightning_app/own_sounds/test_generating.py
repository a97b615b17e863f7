"""Samples of the prior."""

import numpy as np
import pytest
import torch

from lightning_app.errors import RunError
from lightning_app.own_sounds.generating import generate, references
from modules import DSAE
from modules.audio import LogMelSequence
from modules.errors import ModelError
from modules.protocols import Stage
from tests.lightning_app.sounds import Trained

REPRESENTATION = LogMelSequence(8_000, n_fft=512, hop_length=128, n_mels=20)


@pytest.fixture
def trained():
    torch.manual_seed(0)
    return Trained(DSAE(REPRESENTATION.shape(4_000), v_dim=2, z_dim=2).eval(), REPRESENTATION, 4_000)


def test_samples_are_clips_that_repeat_with_the_seed(vae_run):
    sounds, again, others = (generate(vae_run, 2, seed=seed) for seed in (1, 1, 2))

    assert [(len(sound.wave), sound.rate) for sound in sounds] == [(8_000, 16_000)] * 2
    for sound, same, other in zip(sounds, again, others, strict=True):
        np.testing.assert_array_equal(sound.wave, same.wave)
        assert not np.array_equal(sound.wave, other.wave)
        assert np.abs(sound.wave).max() <= 1.0
    assert not np.array_equal(sounds[0].wave, sounds[1].wave)


def test_sample_is_a_draw_of_the_model(trained):
    torch.manual_seed(5)
    with torch.inference_mode():
        expected = trained.representation.inverse(trained.model.generate(1), 4_000)[0]

    (sound,) = generate(trained, 1, seed=5)

    np.testing.assert_allclose(sound.wave, expected / max(1.0, expected.abs().max()), atol=1e-6)


def test_model_with_a_prior_of_each_draws_from_the_given_sounds_in_turn(trained, sound):
    trained.model.enter_stage(Stage.INFORMED_PRIOR)
    # What is drawn from the prior is its mean, so that it tells the sounds apart.
    with torch.no_grad():
        trained.model.prior_encoder.head.log_variance.weight.zero_()
        trained.model.prior_encoder.head.log_variance.bias.fill_(-80.0)
    given = references(trained, [sound(0.5, 8_000, 220.0), sound(2.0, 8_000, 880.0)])
    taken = []
    draw = trained.model.generate
    trained.model.generate = lambda n, reference: taken.append(reference) or draw(n, reference=reference)

    sounds = generate(trained, 3, reference=given)

    assert len(sounds) == 3
    assert [one is given[0] for one in taken] == [True, False, True]
    assert taken[1] is given[1]


def test_given_v_is_decoded_with_a_z_of_the_prior(trained):
    v = np.array([[0.5, -1.0], [2.0, 0.0]])
    torch.manual_seed(3)
    with torch.inference_mode():
        decoded = trained.model.decode(trained.model.draw_local(1), torch.tensor([[0.5, -1.0]]))
        expected = trained.representation.inverse(decoded, 4_000)[0]

    first, second = generate(trained, 2, v=v, seed=3)

    np.testing.assert_allclose(first.wave, expected / max(1.0, expected.abs().max()), atol=1e-6)
    assert not np.array_equal(first.wave, second.wave)


def test_model_with_a_prior_of_each_needs_sounds(trained):
    trained.model.enter_stage(Stage.INFORMED_PRIOR)
    with pytest.raises(ModelError, match="this model has a prior of v for each sequence"):
        generate(trained, 1)


def test_model_without_a_prior():
    with pytest.raises(RunError, match=r"samples are drawn from a model's prior, and Identity has no generate"):
        generate(Trained(torch.nn.Identity(), REPRESENTATION, 4_000), 1)
