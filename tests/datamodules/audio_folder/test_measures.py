"""What is heard of files, against signals whose measures are known."""

import os
import shutil

import numpy as np
import pytest
import soundfile
from scipy.signal import resample

from datamodules.audio_folder.measures import measure, measured
from datamodules.errors import DataError
from datamodules.storage.recording import Recording


@pytest.fixture
def of(tmp_path, write):
    """Measures audio that is written to a file."""

    def of(audio, rate=16_000, name="a.wav", **options):
        return measure(Recording.at(write(tmp_path / name, np.asarray(audio), rate, **options), name))

    return of


def test_levels_are_the_root_mean_squares_of_tenths_of_a_second(of):
    t = np.arange(16_000) / 16_000
    wave = np.sin(2 * np.pi * 400 * t) * np.where(t < 0.5, 0.5, 0.05)
    wave[14_400:] = 0

    levels = of(wave).levels

    assert levels[:5] == pytest.approx(20 * np.log10(0.5) - 3.01, abs=0.01)
    assert levels[5:9] == pytest.approx(20 * np.log10(0.05) - 3.01, abs=0.01)
    assert levels[9] == -np.inf


@pytest.mark.parametrize("rate", [8_000, 11_025, 44_101])
def test_there_are_ten_levels_a_second_at_any_rate(of, rate):
    # More than a block, and a last level of 30 ms.
    audio = np.random.default_rng(0).uniform(-0.5, 0.5, round(10.43 * rate))
    starts = np.round(np.arange(105) * rate / 10).astype(int)
    expected = [10 * np.log10(np.mean(part**2)) for part in np.split(audio, starts[1:])]

    heard = of(audio, rate)

    assert heard.levels.tolist() == pytest.approx(expected, abs=1e-3)
    assert heard.n_samples == len(audio)
    assert heard.peak == pytest.approx(np.abs(audio).max(), abs=1e-6)


def test_peak_and_mean_are_of_the_mix(of):
    left, right = np.full(1000, 0.3), np.full(1000, -0.1)
    left[10] = 0.9

    heard = of(np.stack([left, right], axis=1))

    assert heard.peak == pytest.approx(0.4)
    assert heard.mean == pytest.approx(0.1 + 0.6 / 2 / 1000)


@pytest.mark.parametrize("high", [0.0, 0.01, 0.25])
def test_the_share_of_energy_above_4_khz(of, high):
    t = np.arange(44_100) / 44_100
    wave = np.sqrt(1 - high) * np.sin(2 * np.pi * 500 * t) + np.sqrt(high) * np.sin(2 * np.pi * 6_000 * t)

    assert of(0.5 * wave, 44_100).share_high == pytest.approx(high, abs=1e-8 if high == 0 else 1e-3)


def test_what_was_8_khz_has_nothing_above_4_khz(of):
    low = np.random.default_rng(0).uniform(-0.3, 0.3, 8_000)
    assert of(resample(low, 44_100), 44_100, name="a.flac", subtype="PCM_16").share_high < 1e-7
    assert of(low, 8_000).share_high == 0


def test_clipping_is_three_samples_at_full_scale_in_a_row(of):
    t = np.arange(16_000) / 16_000
    assert of(np.sin(2 * np.pi * 100 * t) * 0.999).n_clipped == 0
    wave = np.clip(1.2 * np.sin(2 * np.pi * 100 * t), -1, 1)
    at_limit = int((np.abs(wave) == 1).sum())
    assert of(wave).n_clipped == pytest.approx(at_limit, rel=0.02)
    assert of(wave, name="a.flac", subtype="PCM_16").n_clipped == pytest.approx(at_limit, rel=0.02)
    single = np.zeros(100)
    single[[3, 4, 50]] = 1.0
    assert of(single).n_clipped == 0


def test_samples_that_are_no_numbers_are_counted(of):
    wave = np.full(100, 0.25)
    wave[[3, 50, 51]] = np.nan, np.inf, -np.inf

    heard = of(wave)

    assert heard.n_not_finite == 3
    assert heard.peak == 0.25
    assert np.isfinite(heard.mean)


def test_the_content_is_that_of_the_samples(of, note):
    wave = np.round(note(0.3) * 32767).astype(np.int16)
    one = of(wave / 32768, name="a.wav").content

    assert of(wave, name="b.flac", subtype="PCM_16").content == one
    assert of(wave, name="c.aiff", subtype="PCM_16").content == one
    assert of(wave / 32768, 8_000, name="d.wav").content != one
    assert of(wave[:-1] / 32768, name="e.wav").content != one


def recordings_in(root):
    return [Recording.at(path, path.name) for path in sorted(root.glob("*.*"))]


def test_measures_are_kept_and_made_anew_for_what_changed(tmp_path, write, note):
    root, cache = tmp_path / "root", tmp_path / "cache"
    for number in range(3):
        write(root / f"{number}.wav", note(0.2, level=0.1 * (number + 1)))
    first = measured(recordings_in(root), cache, 1)
    (table,) = cache.glob("*.parquet")
    assert [first[f"{n}.wav"].peak for n in range(3)] == pytest.approx([0.1, 0.2, 0.3])
    before = table.stat().st_mtime_ns
    shutil.move(root, tmp_path / "moved")
    again = measured(recordings_in(tmp_path / "moved"), cache, 2)
    assert table.stat().st_mtime_ns == before
    assert {name: one.content for name, one in again.items()} == {name: one.content for name, one in first.items()}
    np.testing.assert_array_equal(again["1.wav"].levels, first["1.wav"].levels)

    write(tmp_path / "moved" / "1.wav", note(0.2, level=0.7))
    os.utime(tmp_path / "moved" / "1.wav", ns=(1, 1))
    third = measured(recordings_in(tmp_path / "moved"), cache, 1)
    assert [third[f"{n}.wav"].peak for n in range(3)] == pytest.approx([0.1, 0.7, 0.3])


def test_a_file_that_cannot_be_read_to_its_end_does_not_keep_the_others(tmp_path, write, note):
    write(tmp_path / "a.wav", note(0.2))
    path = write(tmp_path / "b.flac", np.random.default_rng(0).uniform(-0.5, 0.5, 32_000))
    content = path.read_bytes()
    path.write_bytes(content[: len(content) // 2])

    heard = measured(recordings_in(tmp_path), tmp_path / "cache", 1)

    assert heard["a.wav"].n_samples == 3200
    assert "b.flac" in heard["b.flac"]
    path.write_bytes(content)
    assert measured(recordings_in(tmp_path), tmp_path / "cache", 1)["b.flac"].n_samples == 32_000


def test_an_mp3_whose_header_tells_another_length_is_heard_to_its_end(tmp_path, write):
    audio = np.random.default_rng(0).uniform(-0.3, 0.3, 5 * 44_100)
    path = write(tmp_path / "a.mp3", audio, 44_100, bitrate_mode="CONSTANT", compression_level=0.5)
    content = path.read_bytes()
    kbits = (0, 32, 40, 48, 56, 64, 80, 96, 112, 128, 160, 192, 224, 256, 320)[content[2] >> 4]
    path.write_bytes(content[144_000 * kbits // 44_100 + (content[2] >> 1 & 1) :])  # without the frame that tells it
    n_decoded = len(soundfile.read(path)[0])
    recording = Recording.at(path, "a.mp3")
    assert recording.n_samples != n_decoded

    assert measure(recording).n_samples == n_decoded


def test_a_cache_that_cannot_be_written_is_named(tmp_path, write, note):
    write(tmp_path / "a.wav", note(0.2))
    (tmp_path / "file").touch()
    with pytest.raises(DataError, match=r"audio-folder-measures-.* cannot be completed: .*cache_dir"):
        measured([Recording.at(tmp_path / "a.wav", "a.wav")], tmp_path / "file" / "below", 1)
