"""Sounds of one's own as clips, held against tones whose samples are known."""

import io

import numpy as np
import pytest
import soundfile

from lightning_app.app.own_sound import as_clip, read_sound
from lightning_app.errors import RunError

CLIP = {"sample_rate": 16_000, "n_samples": 16_000, "peak": 0.5}


def tone(seconds, rate, frequency=440.0, channels=1):
    wave = 0.2 * np.sin(2 * np.pi * frequency * np.arange(int(seconds * rate)) / rate)
    return np.repeat(wave[:, None], channels, axis=1)


@pytest.mark.parametrize("form", ["WAV", "FLAC", "OGG", "MP3", "AIFF"])
def test_formats(form):
    file = io.BytesIO()
    soundfile.write(file, tone(0.5, 44_100, channels=2), 44_100, format=form)

    audio, rate = read_sound(file.getvalue(), "a")

    assert rate == 44_100
    assert len(audio) == pytest.approx(22_050, abs=2_500)  # coders pad
    spectrum = np.abs(np.fft.rfft(audio[:22_050]))
    assert np.fft.rfftfreq(22_050, 1 / 44_100)[spectrum.argmax()] == pytest.approx(440, abs=2)


def test_channels_are_mixed():
    file = io.BytesIO()
    soundfile.write(file, np.array([[0.5, -0.25], [0.25, 0.25]]), 8_000, format="WAV", subtype="FLOAT")

    audio, _ = read_sound(file.getvalue(), "a")

    np.testing.assert_array_equal(audio, [0.125, 0.25])


@pytest.mark.parametrize("rate", [8_000, 16_000, 44_100, 48_000])
def test_clip_is_the_same_at_any_rate(rate):
    clip = as_clip(tone(1.5, rate)[:, 0].astype(np.float32), rate, "a", **CLIP)

    assert clip.shape == (16_000,)
    assert np.abs(clip).max() == pytest.approx(0.5)
    # From the first sample of a hundredth of the peak on, which is less than one of 8 kHz after the zero.
    spectrum = np.abs(np.fft.rfft(clip))
    assert spectrum.argmax() == 440
    assert (spectrum[430:450] ** 2).sum() > 0.98 * (spectrum**2).sum()


def test_clip_begins_with_the_sound():
    late = np.concatenate([np.full(5_000, 1e-4), tone(0.5, 16_000)[:, 0]]).astype(np.float32)

    clip = as_clip(late, 16_000, "a", **CLIP)

    np.testing.assert_allclose(clip[: 8_000 - 1], 2.5 * tone(0.5, 16_000)[1:, 0], atol=1e-6)
    assert not clip[8_000:].any()


@pytest.mark.parametrize(
    ("audio", "message"),
    [
        (np.zeros(16_000), "a is silent"),
        (np.zeros(0), "a is silent"),
        (np.full(16_000, np.nan), "a has values that are no numbers"),
        (np.ones(100), r"a lasts 0\.01 s; give a sound of 0\.1 s or more"),
    ],
)
def test_what_is_no_sound(audio, message):
    with pytest.raises(RunError, match=message):
        as_clip(audio.astype(np.float32), 16_000, "a", **CLIP)


def test_what_is_no_audio():
    with pytest.raises(RunError, match=r"a\.wav is no audio that can be read; give WAV, FLAC, OGG, MP3 or AIFF"):
        read_sound(b"only words", "a.wav")
