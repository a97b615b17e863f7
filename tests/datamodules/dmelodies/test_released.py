import json
import os
import pickle

import numpy as np
import pytest
import soundfile

from datamodules.clips import Part
from datamodules.clips.prepared import cached_representations
from datamodules.dmelodies.released import ReleasedWavs
from datamodules.errors import DataError
from modules.audio.representation import LogMelSequence

RATE = 16_000
PAIR = ("violin", "trumpet")


@pytest.fixture
def release(tmp_path, write_wav):
    """Six melodies in the release's layout, two of them held out, on the violin and, an octave up, on the trumpet."""
    for melody in range(6):
        part = "val" if melody > 3 else "train"
        for number, instrument in enumerate(("Violin", "Trumpet")):
            write_wav(
                tmp_path / "set" / part / f"{10 * melody}_c-major-{instrument}.wav", 300.0 * 2**number, seconds=0.5
            )
    return tmp_path / "set"


def one(folder, sample_rate: int = RATE) -> np.ndarray:
    (path,) = folder.glob("*.wav")
    assert path.name == "12_x-Violin.wav"
    return ReleasedWavs(folder, ("violin",), sample_rate).audio(0)


def test_own_division_is_the_split(release):
    source = ReleasedWavs(release, PAIR, RATE)
    assert len(source) == 12
    assert source.class_names == {"instrument": PAIR}
    assert set(source.labels()) == {"instrument"}
    for path, melody, instrument in zip(source.files, source.groups(), source.labels()["instrument"], strict=True):
        assert path.name.startswith(f"{melody}_")
        assert path.stem.endswith(PAIR[instrument].title())
    for fraction, seed in ((0.2, 0), (0.9, 1)):
        assert source.parts(fraction, seed).tolist() == [int(path.parent.name == "val") for path in source.files]


def test_instruments_are_numbered_in_the_order_asked_for(release):
    source = ReleasedWavs(release, ("trumpet", "violin"), RATE)
    first = source.files[0].stem.endswith("Violin")
    assert source.labels()["instrument"][0] == int(first)


def test_other_instruments_are_left_out(release, strongest_frequency):
    source = ReleasedWavs(release, ("trumpet",), RATE)
    assert len(source) == 6
    assert set(source.labels()["instrument"].tolist()) == {0}
    assert abs(strongest_frequency(source.audio(0)[: RATE // 2], RATE) - 600) < 0.1


def test_a_flat_folder_keeps_a_melodys_clips_on_one_side(tmp_path, write_wav):
    for melody in range(20):
        for instrument in ("Violin", "Trumpet"):
            write_wav(tmp_path / f"{melody}_x-{instrument}.wav", seconds=0.01)
    splits = []
    source = ReleasedWavs(tmp_path, PAIR, RATE)
    for seed in (0, 0, 1):
        validation, melody = source.parts(0.25, seed) == Part.VALIDATION, source.groups()
        # Ten clips are a fourth, and whole melodies make ten.
        assert validation.sum() == 10
        assert not set(melody[validation].tolist()) & set(melody[~validation].tolist())
        splits.append(set(melody[validation].tolist()))
    assert splits[0] == splits[1] != splits[2]


def test_audio_at_its_own_rate_is_the_files_divided_by_its_peak(tmp_path, write_wav):
    written, _ = soundfile.read(write_wav(tmp_path / "12_x-Violin.wav", 437.0), dtype="float32")
    audio = one(tmp_path)
    assert audio.dtype == np.float32
    np.testing.assert_allclose(audio, written / np.abs(written).max(), rtol=0, atol=1e-6)
    assert np.abs(audio).max() == 1


@pytest.mark.parametrize("rate", [8_000, 22_050, 44_100, 48_000])
def test_audio_at_another_rate_is_the_same_sound(tmp_path, write_wav, rate):
    write_wav(tmp_path / "12_x-Violin.wav", 437.0, rate=rate)
    audio = one(tmp_path)
    assert audio.shape == (4 * RATE,)
    expected = np.sin(2 * np.pi * 437.0 * np.arange(4 * RATE) / RATE)
    inner = slice(200, -200)  # at the ends the resampler sees the cut; it may set the peak
    scale = np.abs(audio[inner]).max()
    assert 0.9 < scale <= 1
    np.testing.assert_allclose(audio[inner] / scale, expected[inner], rtol=0, atol=5e-3)


def test_nothing_above_half_the_rate_is_folded_back(tmp_path, write_wav):
    path = write_wav(tmp_path / "12_x-Violin.wav", 1000.0, rate=48_000)
    low, _ = soundfile.read(path)
    high = 0.5 * np.sin(2 * np.pi * 11_000 * np.arange(len(low)) / 48_000)
    soundfile.write(path, low + high, 48_000, subtype="FLOAT")
    spectrum = np.abs(np.fft.rfft(one(tmp_path) * np.blackman(4 * RATE)))
    assert np.delete(spectrum, slice(3990, 4011)).max() < 0.01 * spectrum[4000]


def test_stereo_is_mixed(tmp_path):
    rng = np.random.default_rng(0)
    channels = rng.uniform(-0.5, 0.5, (4 * RATE, 2)).astype(np.float32)
    soundfile.write(tmp_path / "12_x-Violin.wav", channels, RATE, subtype="FLOAT")
    mixed = channels.sum(axis=1)
    np.testing.assert_allclose(one(tmp_path), mixed / np.abs(mixed).max(), rtol=0, atol=1e-6)


def test_short_files_end_in_silence_and_long_ones_are_cut(tmp_path, write_wav):
    short = one(write_wav(tmp_path / "short" / "12_x-Violin.wav", seconds=1.5).parent)
    long = one(write_wav(tmp_path / "long" / "12_x-Violin.wav", seconds=5).parent)
    whole = one(write_wav(tmp_path / "whole" / "12_x-Violin.wav", seconds=4).parent)
    assert short.shape == long.shape == whole.shape == (4 * RATE,)
    np.testing.assert_allclose(short[: 3 * RATE // 2], whole[: 3 * RATE // 2], rtol=0, atol=1e-6)
    assert not short[3 * RATE // 2 :].any()
    assert np.array_equal(long, whole)


@pytest.mark.parametrize("rate", [RATE, 44_100])
@pytest.mark.parametrize("samples", [np.zeros(RATE), np.zeros(0)], ids=["zeros", "empty"])
def test_a_file_without_sound_is_named(tmp_path, samples, rate):
    soundfile.write(tmp_path / "12_x-Violin.wav", samples, rate, subtype="FLOAT")
    with pytest.raises(DataError, match=r"12_x-Violin\.wav holds no sound. Replace or remove it"):
        one(tmp_path)


@pytest.mark.parametrize("rate", [RATE, 44_100])
@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("place", [0, 777, -1])
def test_a_file_with_a_sample_that_is_not_finite_is_named(tmp_path, value, place, rate):
    samples = np.full(5 * rate, 0.5)
    samples[place] = value
    soundfile.write(tmp_path / "12_x-Violin.wav", samples, rate, subtype="FLOAT")
    with pytest.raises(DataError, match=r"12_x-Violin\.wav holds NaN or infinite samples\. Replace or remove it"):
        one(tmp_path)


def test_a_file_that_sounds_only_after_four_seconds_is_named(tmp_path):
    soundfile.write(tmp_path / "12_x-Violin.wav", np.repeat([0.0, 0.5], 4 * RATE), RATE)
    with pytest.raises(DataError, match=r"12_x-Violin\.wav holds no sound"):
        one(tmp_path)


@pytest.mark.parametrize("content", [b"", b"RIFF", b"not audio at all" * 100])
def test_one_unreadable_file_among_many_is_named(release, tmp_path, content):
    path = release / "train" / "20_c-major-Trumpet.wav"
    path.write_bytes(content)
    source = ReleasedWavs(release, PAIR, RATE)
    with pytest.raises(DataError) as error:
        cached_representations(source, LogMelSequence(), tmp_path / "cache", 1)
    assert str(error.value).count("cannot read") == 1
    assert f"cannot read {path}: " in str(error.value)
    assert "Replace or remove it" in str(error.value)


def test_missing_folder(tmp_path):
    with pytest.raises(DataError, match=r"no folder .*absent; correct wav_dir, or leave it out"):
        ReleasedWavs(tmp_path / "absent", PAIR, RATE)


def test_folder_without_wavs(tmp_path):
    (tmp_path / "readme.txt").touch()
    with pytest.raises(DataError, match=r"no WAV file in .*; wav_dir should name a folder of the release"):
        ReleasedWavs(tmp_path, PAIR, RATE)


def test_absent_instrument_lists_those_there(release):
    with pytest.raises(DataError, match=r"no WAV of flute in .*; it has trumpet, violin"):
        ReleasedWavs(release, ("violin", "flute"), RATE)


def test_endings_of_any_letter_case_and_debris_beside_them(release):
    names = [path.name for path in ReleasedWavs(release, PAIR, RATE).files]
    for path in sorted(release.rglob("*.wav"))[::2]:
        path.rename(path.with_suffix(".WAV"))
    for debris in ("train/._0_c-major-Violin.wav", ".hidden/9_c-major-Violin.wav", "__MACOSX/train/8_x-Violin.wav"):
        (release / debris).parent.mkdir(exist_ok=True, parents=True)
        (release / debris).write_bytes(b"no sound")

    source = ReleasedWavs(release, PAIR, RATE)

    assert [path.with_suffix(".wav").name for path in source.files] == names
    assert (source.parts(0.2, 0) == Part.VALIDATION).sum() == 4
    assert all(np.abs(source.audio(index)).max() == 1 for index in range(len(source)))


@pytest.mark.parametrize("name", ["violin.wav", "x_12-Violin.wav", "12-Violin.wav", "12_x.wav", "12_x-Violin2.wav"])
def test_file_with_another_kind_of_name(release, write_wav, name):
    write_wav(release / "train" / name, seconds=0.01)
    with pytest.raises(DataError, match=rf"train/{name} is not named like the release's files"):
        ReleasedWavs(release, PAIR, RATE)


def test_names_of_two_words_and_more_dashes(tmp_path, write_wav):
    write_wav(tmp_path / "7_C-4-major_a-b-French Horn.wav", seconds=0.01)
    source = ReleasedWavs(tmp_path, ("french_horn",), RATE)
    assert source.groups().tolist() == [7]


def test_clips_of_one_name_in_two_folders_are_told_apart(tmp_path, write_wav):
    for part in ("train", "val"):
        write_wav(tmp_path / part / "7_x-Violin.wav", seconds=0.01)
    names = ReleasedWavs(tmp_path, ("violin",), RATE).clip_names(np.array([1, 0]))
    assert names == ["val/7_x-Violin.wav", "train/7_x-Violin.wav"]


def test_it_can_be_sent_to_another_process(release):
    source = ReleasedWavs(release, PAIR, RATE)
    maker = pickle.loads(pickle.dumps(source.audio_maker(5)))
    assert np.array_equal(maker(), source.audio(5))


def test_key_follows_the_files(release, write_wav):
    def key() -> str:
        return json.dumps(ReleasedWavs(release, PAIR, RATE).key())

    first = key()
    assert key() == first
    path = write_wav(release / "train" / "0_c-major-Violin.wav", 350.0, seconds=0.5)
    os.utime(path, ns=(1, 1))
    changed = key()
    path.unlink()
    removed = key()
    others = [ReleasedWavs(release, ("violin",), RATE).key(), ReleasedWavs(release, PAIR, 8000).key()]
    assert len({first, changed, removed, *map(json.dumps, others)}) == 5


@pytest.mark.parametrize(
    "names", [("train", "val", "test"), ("Train", "VALID", "Test"), ("train", "validation", "test")]
)
def test_what_a_folder_says_about_the_split_holds(tmp_path, write_wav, names):
    for number, name in enumerate(names):
        for instrument in ("Violin", "Trumpet"):
            write_wav(tmp_path / name / f"{number}_melody-{instrument}.wav", 440.0, seconds=0.1)

    source = ReleasedWavs(tmp_path, ("violin", "trumpet"), 16_000)

    parts = dict(zip([path.parent.name for path in source.files], source.parts(0.5, 0).tolist(), strict=True))
    assert parts == dict(zip(names, (Part.TRAIN, Part.VALIDATION, Part.TEST), strict=True))


def test_nothing_of_a_test_folder_is_drawn_where_there_is_no_validation_folder(tmp_path, write_wav):
    for number in range(12):
        folder = tmp_path / ("test" if number < 4 else "train")
        write_wav(folder / f"{number}_melody-Violin.wav", 440.0, seconds=0.1)

    source = ReleasedWavs(tmp_path, ("violin",), 16_000)

    parts = source.parts(0.25, 3)
    assert [path.parent.name == "test" for path in source.files] == (parts == Part.TEST).tolist()
    assert {Part.TRAIN, Part.VALIDATION} < set(parts.tolist())
