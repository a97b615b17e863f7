"""Stretches of files: the same samples whichever is asked for, in every format, and what cannot be read."""

import math
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from datamodules.errors import DataError
from datamodules.storage.recording import Recording
from modules.audio.resample import resampled

FORMATS = {
    "wav": ("WAV", "PCM_16"),
    "flac": ("FLAC", "PCM_24"),
    "ogg": ("OGG", "VORBIS"),
    "opus": ("OGG", "OPUS"),
    "mp3": ("MP3", "MPEG_LAYER_III"),
    "aiff": ("AIFF", "PCM_16"),
    "caf": ("CAF", "PCM_16"),
    "w64": ("W64", "PCM_16"),
    "au": ("AU", "PCM_16"),
}


def noise(n_samples, n_channels=1, seed=0):
    return np.random.default_rng(seed).uniform(-0.5, 0.5, (n_samples, n_channels))


@pytest.fixture
def write(tmp_path):
    def write(audio, rate=48_000, name="a.wav", **options):
        soundfile.write(tmp_path / name, audio, rate, **{"subtype": "FLOAT", **options})
        return Recording.at(tmp_path / name, name)

    return write


def test_the_header_tells_what_there_is(write):
    recording = write(noise(1234, 2), 22_050, subtype="PCM_16")

    assert (recording.rate, recording.n_channels, recording.n_samples) == (22_050, 2, 1234)
    assert recording.format == "WAV"
    assert recording.seconds == pytest.approx(1234 / 22_050)


@pytest.mark.parametrize("rate", [16_000, 22_050, 8_000, 48_000, 96_000, 15_999])
def test_a_stretch_is_the_wholes(write, rate):
    recording = write(noise(48_000 + 7))
    n = recording.length(rate)
    assert n == math.ceil((48_000 + 7) * rate / 48_000)
    whole = recording.audio(rate, 0, n)
    assert whole.shape == (n,)
    assert whole.dtype == np.float32
    for start, stop in ((0, 1000), (rate // 2 + 1, rate // 2 + 3013), (n - 777, n), (n // 2, n)):
        np.testing.assert_allclose(recording.audio(rate, start, stop), whole[start:stop], rtol=0, atol=1e-6)
    around = recording.audio(rate, -5, n + 9)
    np.testing.assert_allclose(around, np.pad(whole, (5, 9)), rtol=0, atol=1e-6)
    assert not recording.audio(rate, n + 2, n + 10).any()


@pytest.mark.parametrize("ending", FORMATS)
def test_every_format_is_cut_at_the_sample(write, ending):
    form, subtype = FORMATS[ending]
    recording = write(noise(3 * 48_000), name=f"a.{ending}", format=form, subtype=subtype)
    whole, _ = soundfile.read(recording.path, dtype="float32")
    starts = np.random.default_rng(1).integers(0, 2 * 48_000, 12)

    for start in starts.tolist():  # back and forth
        np.testing.assert_allclose(
            recording.audio(48_000, start, start + 4000), whole[start : start + 4000], rtol=0, atol=1e-6
        )
    np.testing.assert_allclose(np.concatenate(list(recording.blocks(5000)))[:, 0], whole, rtol=0, atol=1e-6)


def test_it_is_resampled_by_the_projects_resampler(write):
    audio = noise(9600)
    expected = resampled(torch.from_numpy(audio[:, 0].astype(np.float32))[None], 48_000, 16_000)[0]

    np.testing.assert_allclose(write(audio).audio(16_000, 0, 3200), expected, rtol=0, atol=1e-6)


def test_channels_are_mixed(write):
    channels = noise(1000, 3)

    np.testing.assert_allclose(write(channels).audio(48_000, 0, 1000), channels.mean(axis=1), rtol=0, atol=1e-6)


@pytest.mark.parametrize("n_samples", [1, 2, 47])
def test_the_shortest_files(write, n_samples):
    assert write(np.full(n_samples, 0.5)).audio(16_000, 0, 100).shape == (100,)


@pytest.mark.parametrize("name", ["a b.wav", "чайка.wav", "笛.wav", "ناي.wav", "é.wav"])
def test_names_in_any_script(write, name):
    assert write(noise(100), name=name).audio(48_000, 0, 100).any()


def test_a_name_that_is_no_text(tmp_path, write):
    recording = write(noise(100))
    path = os.fsdecode(os.fsencode(tmp_path) + b"/\xff\xfe.wav")
    os.rename(recording.path, path)  # noqa: PTH104
    assert Recording.at(Path(path), "odd").audio(48_000, 0, 100).any()


def test_files_that_are_none(tmp_path, write):
    (tmp_path / "a.wav").write_bytes(b"no audio at all, only text")
    with pytest.raises(DataError, match=r"^cannot read \S+/a\.wav: (?!.*a\.wav)\w"):
        Recording.at(tmp_path / "a.wav", "a")
    with pytest.raises(DataError, match=r"absent\.wav: No such file or directory$"):
        Recording.at(tmp_path / "absent.wav", "absent")
    with pytest.raises(DataError, match=r"b\.wav holds no samples$"):
        write(noise(0), name="b.wav")


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_samples_that_are_no_numbers(write, value):
    recording = write(np.array([0.0, value, 0.0]))

    with pytest.raises(DataError, match=r"a\.wav holds NaN or infinite samples\. Replace it, or take it out"):
        recording.audio(48_000, 0, 1 + 2)


@pytest.mark.parametrize("read", [lambda one: one.audio(48_000, 0, 48_000), lambda one: list(one.blocks(4800))])
def test_a_file_that_is_damaged_further_on(write, read):
    recording = write(noise(48_000), name="a.flac", subtype="PCM_16")
    content = recording.path.read_bytes()
    recording.path.write_bytes(content[: len(content) // 2].ljust(len(content), b"?"))
    os.utime(recording.path, ns=(recording.state[1], recording.state[1]))

    with pytest.raises(DataError, match=r"(cannot read .*|a\.flac is cut short)\. Replace it, or take it out"):
        read(recording)


@pytest.mark.parametrize("read", [lambda one: one.audio(48_000, 0, 48_000), lambda one: list(one.blocks(4800))])
def test_a_file_that_changes_while_it_is_read(write, read):
    recording = write(noise(48_000))
    write(noise(48_000, seed=1))
    os.utime(recording.path, ns=(recording.state[1] + 1, recording.state[1] + 1))

    with pytest.raises(DataError, match=r"a\.wav changed while it was read; run again when nothing writes to it"):
        read(recording)
