"""Whether the melody of a sound is that of another, on melodies that are known."""

import numpy as np
import pytest
import torch

from datamodules.synthesis import fluidsynth
from lightning_app.evaluation.kept_melody import listen
from modules.audio import LogMagnitudePicture, LogMelSequence

HEARD = LogMelSequence()
N = 64_000
MELODY = np.array([60, 64, 67, -1, 65, 69, 72, 72, 67, 71, 74, -1, 60, 64, 67, 67], np.int32)


@pytest.fixture(scope="module")
def log_mels():
    """A flute that plays the melody, the melody an octave above, and another; and silence."""
    soundfont = fluidsynth.find_soundfont(None)
    other = np.where(MELODY < 0, -1, MELODY[::-1] + 3)
    heard = [
        fluidsynth.render(pitches, 73, soundfont=soundfont, sample_rate=16_000, n_samples=64_000)
        for pitches in (MELODY, np.where(MELODY < 0, -1, MELODY + 12), other)
    ]
    return HEARD(torch.from_numpy(np.stack([*heard, np.zeros_like(heard[0])])))


def test_melody_is_kept_in_the_octave_that_is_expected(log_mels):
    heard = listen(log_mels[:3], HEARD, N, octaves=[0, 1, 0], seed=0)
    unmoved = listen(log_mels[:3], HEARD, N, octaves=[0, 0, 0], seed=0)

    assert heard.accuracy[0] == unmoved.accuracy[0] == 1.0
    assert heard.accuracy[1] > 0.85
    assert unmoved.accuracy[1] < 0.1
    assert heard.accuracy[2] < 0.3
    sounding = np.sort(MELODY[MELODY >= 0])
    for median, transposed in zip(heard.median_hz[:2], (0, 12), strict=True):
        assert sounding[5] - 0.5 < 69 + 12 * np.log2(median / 440) - transposed < sounding[-6] + 0.5


def test_audio_repeats_with_the_seed_and_takes_no_random_numbers_of_others():
    torch.manual_seed(5)
    square = torch.rand(1, 1, 512, 512)
    state = torch.get_rng_state()
    # Its phases start at random, unlike those of log-mels.
    first, again, other = (listen(square, LogMagnitudePicture(), N, [0], seed).audio for seed in (3, 3, 4))

    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)
    assert first.shape == (1, 64_000)
    assert torch.equal(torch.get_rng_state(), state)


def test_sound_without_a_pitch_has_no_number(log_mels):
    melody_first = listen(log_mels[[0, 3]], HEARD, N, [0, 0], seed=0)
    silence_first = listen(log_mels[[3, 0]], HEARD, N, [0, 0], seed=0)

    assert melody_first.median_hz[1] is None
    assert melody_first.accuracy[1] < 0.2
    assert silence_first.accuracy == [None, None]
    assert silence_first.median_hz[1] == pytest.approx(melody_first.median_hz[0], rel=0.02)
