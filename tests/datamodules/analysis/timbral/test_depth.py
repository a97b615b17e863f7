import numpy as np
import pytest
from scipy import signal

from datamodules.analysis.timbral import depth
from datamodules.analysis.timbral.depth import _log_pitch, _mean_duration
from datamodules.analysis.timbral.preparation import PreparedAudio, prepare
from datamodules.errors import DataError

RATE = 44_100


def tone(frequency: float, seconds: float = 2.0, decay: float = 0.0) -> np.ndarray:
    """Four partials that start after 0.5 s of near-silence."""
    time = np.arange(round(seconds * RATE)) / RATE
    partials = sum(np.sin(2 * np.pi * k * frequency * time) / k for k in range(1, 5)) * np.exp(-decay * time)
    audio = np.pad(partials, (RATE // 2, 0))
    return audio + 1e-6 * np.random.default_rng(0).normal(size=len(audio))


def test_depth_falls_with_pitch():
    values = [depth(tone(frequency), RATE) for frequency in (60, 120, 240, 480, 960, 1920)]
    assert (np.diff(values) < -2).all()


def test_a_longer_sound_is_deeper():
    values = [depth(tone(100, 4.0, decay), RATE) for decay in (20.0, 5.0, 1.5)]
    assert (np.diff(values) > 1).all()


@pytest.mark.parametrize("decay", [5.0, 10.0, 20.0])
def test_the_duration_is_the_decay_by_40_db(decay):
    audio = prepare(tone(440, 2.0, decay), RATE)
    assert _mean_duration(audio) == pytest.approx(np.log(100) / decay, rel=0.06, abs=0.02)


def test_the_duration_of_several_notes_is_their_mean():
    notes = np.concatenate([tone(440, 1.0, 10.0), tone(440, 1.0, 10.0), tone(440, 1.0, 10.0)])
    assert _mean_duration(prepare(notes, RATE)) == pytest.approx(np.log(100) / 10, rel=0.06)


@pytest.mark.parametrize("frequency", [55.0, 100.0, 441.3, 2000.0])
def test_the_pitch_is_that_of_the_lowest_partial(frequency):
    sines = tone(frequency)[RATE // 2 :]
    spectrum = signal.welch(sines, RATE, "hamming", 4096)[1]
    assert 10 ** _log_pitch(spectrum, RATE) == pytest.approx(frequency, abs=2)


def test_mere_rumble_has_the_pitch_zero_and_a_partial_at_0_hz_none():
    spectrum = np.zeros(2049)
    spectrum[0] = 1.0
    assert _log_pitch(spectrum, RATE) == 0
    spectrum[100] = 2.0
    with pytest.raises(DataError, match="lowest partial is at 0 Hz"):
        _log_pitch(spectrum, RATE)


def test_a_sound_over_before_its_only_onset_has_no_duration():
    # A tone that fades out, whose start in the first frame is no onset, and a burst of noise 46 dB under it.
    fading = np.linspace(1, 0, RATE) ** 2 * np.cos(2 * np.pi * 50 * np.arange(RATE) / RATE)
    burst = 0.005 * np.random.default_rng(0).uniform(-1, 1, size=4096)
    audio = PreparedAudio(np.concatenate([fading, np.zeros(RATE), burst, np.zeros(RATE)]), RATE)
    with pytest.raises(DataError, match="ended before its only onset"):
        _mean_duration(audio)
