"""Pictures and sounds are what they were before they were encoded."""

import base64
import io

import numpy as np
import pytest
import soundfile
from PIL import Image

from lightning_app.listening.tiles import Sounds, spectrogram_uri


def _decoded(uri):
    return io.BytesIO(base64.b64decode(uri.partition(",")[2]))


@pytest.mark.parametrize(("rate", "played"), [(16_000, 16_000), (10_000, 11_025), (96_000, 48_000)])
def test_sound_keeps_its_pitch_and_its_length_at_a_rate_that_browsers_play(rate, played, strongest_frequency):
    wave = 0.5 * np.sin(2 * np.pi * 440 * np.arange(rate) / rate)
    sounds = Sounds()

    key = sounds.add(wave, rate)

    audio, found = soundfile.read(_decoded(sounds.encoded[key]))
    assert found == played
    assert abs(len(audio) / found - 1.0) < 0.1
    middle = audio[found // 4 : found // 2]
    assert strongest_frequency(middle, found) == pytest.approx(440, abs=0.5)
    assert np.abs(middle).max() == pytest.approx(0.5, abs=0.05)


def test_sound_that_is_there_is_kept_once_and_another_has_another_key():
    sounds = Sounds()
    noise = np.random.default_rng(0).uniform(-0.5, 0.5, (2, 4000))

    keys = [sounds.add(wave, 8000) for wave in (noise[0], noise[1], noise[0])]

    assert keys[0] == keys[2] != keys[1]
    assert set(sounds.encoded) == set(keys)


def test_too_loud_a_sound_is_brought_to_full_scale():
    sounds = Sounds()
    wave = np.sin(2 * np.pi * 440 * np.arange(8000) / 8000)

    audio, _ = soundfile.read(_decoded(sounds.encoded[sounds.add(5 * wave, 8000)]))

    assert np.abs(audio[2000:6000]).max() == pytest.approx(1.0, abs=0.05)


def test_picture_has_time_across_and_low_bins_below():
    spectrogram = np.zeros((40, 20))
    spectrogram[:10, :5] = 1.0  # at the beginning, low

    image = np.asarray(Image.open(_decoded(spectrogram_uri(spectrogram, (0.0, 1.0)))).convert("L")).astype(int)

    assert image.shape == (20, 40)
    assert image[15:, :10].mean() > 200
    assert image[:12].mean() < 30
    assert image[15:, 14:].mean() < 30


def test_large_picture_is_made_smaller():
    assert Image.open(_decoded(spectrogram_uri(np.zeros((500, 512)), (0.0, 1.0)))).size == (256, 128)
