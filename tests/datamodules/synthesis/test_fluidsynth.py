import hashlib
import json
import os

import numpy as np
import pytest

from datamodules.errors import DataError
from datamodules.synthesis import general_midi
from datamodules.synthesis.fluidsynth import SOUNDFONT_VARIABLE, find_soundfont, render, synthesis_key
from tests.kernels import OTHER_KERNELS

RATE = 16_000
MELODY = (60, -1, 64, 67, 64, -1, 72, 60)

RENDER_ELSEWHERE = """
import hashlib, sys  # and nothing else that could load a library before FluidSynth does
import numpy as np
from datamodules.synthesis import general_midi
from datamodules.synthesis.fluidsynth import find_soundfont, render
for name in sys.argv[1:]:
    audio = render(np.array([60, -1, 64, 67, 64, -1, 72, 60]), general_midi.program(name), soundfont=find_soundfont(),
                   sample_rate=16_000, n_samples=32_000)
    print(name, hashlib.sha256(audio.tobytes()).hexdigest())
"""

WITHOUT_LIBRARY = """
import ctypes.util, sys
ctypes.util.find_library = lambda name: None  # as on a system that does not have it
from datamodules import DataError, DMelodiesDataModule
try:
    DMelodiesDataModule(size=10, prepare_workers=1, cache_dir=sys.argv[1]).prepare_data()
except DataError as error:
    print(error)
# Recordings need no synthesizer.
options = {"instruments": ["violin"], "prepare_workers": 1, "cache_dir": sys.argv[1]}
DMelodiesDataModule(wav_dir=sys.argv[2], **options).prepare_data()
"""


def play(pitches, instrument: str, *, rate: int = RATE, n_samples: int = 2 * RATE) -> np.ndarray:
    return render(
        np.array(pitches),
        general_midi.program(instrument),
        soundfont=find_soundfont(),
        sample_rate=rate,
        n_samples=n_samples,
    )


def test_renders_do_not_depend_on_what_was_played_before():
    instruments = ["violin", "trumpet", "acoustic_grand_piano"]
    first = {name: play(MELODY, name) for name in instruments}
    again = {name: play(MELODY, name) for name in reversed(instruments)}
    for name in instruments:
        assert np.array_equal(first[name], again[name])
    assert not np.array_equal(first["violin"], first["trumpet"])


@pytest.mark.parametrize("environment", [{}, OTHER_KERNELS], ids=["same kernels", "other kernels"])
def test_renders_are_the_same_in_another_process(run_python, monkeypatch, environment):
    for variable, value in environment.items():
        monkeypatch.setenv(variable, value)
    here = {f"{name} {hashlib.sha256(play(MELODY, name).tobytes()).hexdigest()}" for name in ("violin", "trumpet")}
    assert set(run_python(RENDER_ELSEWHERE, "trumpet", "violin").splitlines()) == here


@pytest.mark.parametrize("instrument", ["violin", "music_box", "timpani"])
def test_audio_is_divided_by_its_peak(instrument):
    audio = play(MELODY, instrument, n_samples=20_001)
    assert audio.shape == (20_001,)
    assert audio.dtype == np.float32
    assert np.abs(audio).max() == 1


@pytest.mark.parametrize("pitch", [48, 60, 69, 84])
def test_pitch(pitch, strongest_frequency):
    heard = strongest_frequency(play([pitch], "square_lead")[RATE // 2 :], RATE)
    assert abs(12 * np.log2(heard / 440) + 69 - pitch) < 0.02  # two cents


@pytest.mark.parametrize("rate", [8_000, 22_050, 32_000, 44_100, 48_000])
def test_pitch_at_other_sample_rates(rate, strongest_frequency):
    audio = play([69], "square_lead", rate=rate, n_samples=2 * rate)
    assert len(audio) == 2 * rate
    assert abs(1200 * np.log2(strongest_frequency(audio[rate // 2 :], rate) / 440)) < 2


@pytest.mark.parametrize("rate", [1000, 100_000])
def test_sample_rates_that_fluidsynth_does_not_have_are_refused(rate):
    with pytest.raises(DataError, match=f"{rate}"):
        play([69], "square_lead", rate=rate, n_samples=rate)


@pytest.mark.parametrize("pitch", [84, 96])
def test_nothing_is_aliased(pitch):
    audio = play([pitch], "sawtooth_lead")[RATE // 4 :]
    power = np.abs(np.fft.rfft(audio * np.blackman(len(audio)))) ** 2
    frequencies = np.fft.rfftfreq(len(audio), 1 / RATE)
    fundamental = 440 * 2 ** ((pitch - 69) / 12)
    off_the_harmonics = np.abs(frequencies - fundamental * np.round(frequencies / fundamental)) > 60
    # A synthesizer run at the final rate leaves a hundredth and more.
    assert power[off_the_harmonics].sum() < 5e-4 * power.sum()


@pytest.mark.parametrize("instrument", ["square_lead", "marimba", "trumpet"])
def test_notes_and_rests_fall_on_their_ticks(instrument):
    pitches = [60, -1, -1, 64, 64, -1, 72, -1]
    halves = np.sqrt((play(pitches, instrument).astype(float).reshape(2 * len(pitches), -1) ** 2).mean(axis=1))
    sounding = halves[np.repeat(pitches, 2) >= 0]
    assert sounding.min() > 0.3 * sounding.max()
    for tick in (1, 2, 5, 7):
        # A release and the room's echo, fading.
        first, second = halves[2 * tick : 2 * tick + 2]
        assert second < first < halves[2 * tick - 1]
        assert second < 0.1 * sounding.max()


@pytest.mark.parametrize("n_samples", [2 * RATE, 2 * RATE + 3])
def test_onsets_are_in_time(n_samples):
    audio = np.abs(play([60, -1] * 4, "square_lead", n_samples=n_samples))
    for tick in (0, 2, 4, 6):
        start = round(tick * n_samples / 8)
        early = max(0, start - 500)
        onset = early + int(np.argmax(audio[early:] > 0.1))
        # The synthesizer computes blocks of 64 samples at three times the rate, and this attack takes a millisecond.
        assert -2 <= onset - start <= 64 / 3 + RATE / 1000


def test_a_melody_of_rests_gives_only_silence():
    with pytest.raises(DataError, match=r"program 40 of .* gave only silence"):
        play([-1, -1], "violin")


def test_note_out_of_the_instruments_range_is_named():
    with pytest.raises(DataError, match=r"no sound for MIDI note 109.*choose another octave or instrument"):
        play([60, 109], "violin")


def test_soundfont_of_ones_own_goes_before_the_environments(tmp_path, monkeypatch):
    own, other = tmp_path / "own.sf3", tmp_path / "other.sf3"
    own.touch()
    other.touch()
    system = find_soundfont()
    monkeypatch.setenv(SOUNDFONT_VARIABLE, str(other))
    assert (find_soundfont(own), find_soundfont()) == (own, other)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv(SOUNDFONT_VARIABLE, "~/own.sf3")
    assert find_soundfont() == own
    monkeypatch.delenv(SOUNDFONT_VARIABLE)
    assert system.is_file()


def test_missing_soundfont_is_named_with_the_remedy(tmp_path, monkeypatch):
    with pytest.raises(
        DataError, match=r"no soundfont at .*absent\.sf3\. Correct the path \(soundfont or the variable DIS"
    ):
        find_soundfont(tmp_path / "absent.sf3")
    monkeypatch.setenv(SOUNDFONT_VARIABLE, str(tmp_path / "unset.sf3"))
    with pytest.raises(DataError, match=r"no soundfont at .*unset\.sf3.*DISENTANGLE_SOUNDFONT"):
        find_soundfont()


def test_no_soundfont_on_the_system_says_what_to_install(tmp_path, monkeypatch):
    monkeypatch.delenv(SOUNDFONT_VARIABLE, raising=False)
    monkeypatch.setattr("datamodules.synthesis.fluidsynth._SOUNDFONT_FOLDERS", (str(tmp_path),))
    with pytest.raises(DataError, match="apt-get install musescore-general-soundfont"):
        find_soundfont()


@pytest.mark.parametrize("content", [b"", b"RIFF but no soundfont", bytes(range(256)) * 40])
def test_garbage_soundfont_is_named(tmp_path, content):
    font = tmp_path / "garbage.sf2"
    font.write_bytes(content)
    with pytest.raises(DataError, match=r"cannot read the soundfont .*garbage\.sf2; name another"):
        render(np.array([60]), 40, soundfont=font, sample_rate=RATE, n_samples=RATE)


def test_soundfont_without_the_program_is_named():
    with pytest.raises(DataError, match=r"soundfont .* has no General MIDI program 200"):
        render(np.array([60]), 200, soundfont=find_soundfont(), sample_rate=RATE, n_samples=RATE)


def test_missing_library_says_what_to_install(run_python, write_wav, tmp_path):
    for melody in range(4):
        write_wav(tmp_path / "wavs" / f"{melody}_c-Violin.wav", seconds=0.1)
    printed = run_python(WITHOUT_LIBRARY, tmp_path / "cache", tmp_path / "wavs")
    assert "libfluidsynth" in printed
    assert "apt-get install fluidsynth" in printed


def test_key_follows_the_soundfonts_content(tmp_path):
    font = tmp_path / "font.sf2"
    keys = []
    for second, content in enumerate((b"one", b"two", b"one")):
        font.write_bytes(content)
        os.utime(font, (second, second))  # writes in quick succession can bear the same time
        keys.append(synthesis_key(font))
    assert keys[0] == keys[2] != keys[1]
    assert keys[0]["soundfont_sha256"] == hashlib.sha256(b"one").hexdigest()
    assert json.loads(json.dumps(keys[0])) == keys[0]
