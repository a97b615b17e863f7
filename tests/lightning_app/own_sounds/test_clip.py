"""Sounds of one's own as clips, held against tones whose samples are known."""

import numpy as np
import pytest

from lightning_app.errors import RunError
from lightning_app.own_sounds.clip import as_clip
from lightning_app.own_sounds.sound import Sound

CLIP = {"sample_rate": 16_000, "n_samples": 16_000, "peak": 0.5}


def tone(seconds, rate, frequency=440.0):
    return 0.2 * np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate)


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_clip_is_the_same_at_any_rate(rate):
    clip = as_clip(Sound(tone(1.5, rate).astype(np.float32), rate, "a"), **CLIP)

    assert clip.shape == (16_000,)
    assert np.abs(clip).max() == pytest.approx(0.5)
    # From the first sample of a hundredth of the peak on, which is less than one of 8 kHz after the zero.
    spectrum = np.abs(np.fft.rfft(clip))
    assert spectrum.argmax() == 440
    assert (spectrum[430:450] ** 2).sum() > 0.98 * (spectrum**2).sum()


def test_clip_begins_with_the_sound():
    late = np.concatenate([np.full(5_000, 1e-4), tone(0.5, 16_000)]).astype(np.float32)

    clip = as_clip(Sound(late, 16_000, "a"), **CLIP)

    np.testing.assert_allclose(clip[: 8_000 - 1], 2.5 * tone(0.5, 16_000)[1:], atol=1e-6)
    assert not clip[8_000:].any()


def test_sound_that_ends_as_it_begins_is_too_short_for_a_clip():
    click = np.zeros(16_000, np.float32)
    click[-100:] = 1.0
    with pytest.raises(RunError, match=r"a lasts 0\.01 s; give a sound of 0\.1 s or more"):
        as_clip(Sound(click, 16_000, "a"), **CLIP)
