"""Sounds from files and arrays."""

import io
import os

import numpy as np
import pytest
import soundfile

from lightning_app.errors import RunError
from lightning_app.own_sounds.sound import Sound, as_sound, read_sound


def content_of(wave, rate, form="WAV", **options):
    file = io.BytesIO()
    soundfile.write(file, wave, rate, format=form, **options)
    return file.getvalue()


@pytest.mark.parametrize("form", ["WAV", "FLAC", "OGG", "MP3", "AIFF"])
def test_formats(form):
    tone = 0.2 * np.sin(2 * np.pi * 440 * np.arange(22_050) / 44_100)

    sound = read_sound(content_of(np.stack([tone, tone], axis=1), 44_100, form), "a")

    assert (sound.rate, sound.name) == (44_100, "a")
    assert len(sound.wave) == pytest.approx(22_050, abs=2_500)  # coders pad
    spectrum = np.abs(np.fft.rfft(sound.wave[:22_050]))
    assert np.fft.rfftfreq(22_050, 1 / 44_100)[spectrum.argmax()] == pytest.approx(440, abs=2)


def test_channels_are_mixed():
    wave = np.array([[0.5, -0.25], [0.25, 0.25]] * 500)

    np.testing.assert_array_equal(read_sound(content_of(wave, 8_000, subtype="FLOAT")).wave, [0.125, 0.25] * 500)


def test_samples_are_at_the_rate_of_the_model():
    sound = as_sound(np.ones(1600), 16_000)

    assert (sound.seconds, sound.wave.dtype) == (0.1, np.float32)
    assert str(sound) == "the sound (0.1 s, 16,000 Hz)"


@pytest.mark.parametrize("ending", ["wav", "flac", "FLAC"])
def test_what_is_written_is_read_again(tmp_path, ending):
    wave = np.random.default_rng(0).uniform(-1, 1, 2000).astype(np.float32)

    path = Sound(wave, 11_025).write(tmp_path / "new" / f"a b.{ending}")

    np.testing.assert_allclose(read_sound(path).wave, wave, atol=2**-23)
    assert soundfile.info(path).format == ending.upper()
    assert [one.name for one in path.parent.iterdir()] == [path.name]


def test_nothing_is_written_over_unless_that_is_asked_for(tmp_path, sound):
    path = sound().write(tmp_path / "a.wav")
    before = path.read_bytes()

    with pytest.raises(RunError, match=r"there is .*a\.wav already; name another place"):
        sound(frequency=300).write(path)
    assert path.read_bytes() == before
    sound(frequency=300).write(path, overwrite=True)
    assert path.read_bytes() != before


def test_other_endings_are_not_written(tmp_path, sound):
    with pytest.raises(RunError, match=r"a\.mp3: sounds are written as \.wav or \.flac"):
        sound().write(tmp_path / "a.mp3")


@pytest.mark.parametrize(
    ("wave", "message"),
    [
        (np.zeros(16_000), "a is silent"),
        (np.zeros(0), "a is empty"),
        (np.full(16_000, np.nan), "a has values that are no numbers"),
        (np.ones(100), r"a lasts 0\.01 s; give a sound of 0\.1 s or more"),
    ],
)
def test_what_is_no_sound(wave, message):
    with pytest.raises(RunError, match=message):
        read_sound(content_of(wave, 16_000, subtype="FLOAT"), "a")
    with pytest.raises(RunError, match=message):
        as_sound(Sound(wave.astype(np.float32), 16_000, "a"), 16_000)


def test_what_is_no_audio(tmp_path):
    words = tmp_path / "words.wav"
    words.write_text("only words")
    for given in (words, str(words)):
        with pytest.raises(
            RunError, match=r"words\.wav is no audio that can be read; give WAV, FLAC, OGG, MP3 or AIFF"
        ):
            as_sound(given, 16_000)
    with pytest.raises(RunError, match=r"a\.wav is no audio"):
        read_sound(b"only words", "a.wav")
    with pytest.raises(RunError, match="is a folder; name a file"):
        read_sound(tmp_path)
    with pytest.raises(RunError, match=r"there is no file .*absent\.wav"):
        read_sound(tmp_path / "absent.wav")
    with pytest.raises(RunError, match=r"the samples have the shape \(2, 9\); give one channel"):
        as_sound(np.zeros((2, 9)), 16_000)


@pytest.mark.skipif(os.geteuid() == 0, reason="the superuser may read everything")
def test_file_that_may_not_be_read(tmp_path, sound):
    path = sound().write(tmp_path / "a.wav")
    path.chmod(0)

    with pytest.raises(RunError, match=r"a\.wav may not be read"):
        read_sound(path)
