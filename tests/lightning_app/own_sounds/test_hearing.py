"""Sounds of any length through models: what these hear, and joints that cannot be heard."""

from itertools import pairwise

import numpy as np
import pytest
import torch

from lightning_app.own_sounds.hearing import at_model, heard_as_one, made_audible
from lightning_app.own_sounds.windows import OverlapAdd, window_starts
from modules.audio import LogMagnitudePicture, LogMelSequence
from tests.lightning_app.sounds import Trained, tone

RATE, N_SAMPLES = 8_000, 8_000
SEQUENCE = LogMelSequence(RATE, n_fft=512, hop_length=64, n_mels=80)
PICTURE = LogMagnitudePicture(RATE, size=128, hop_length=64)


class Spoilt:
    """A model of clips of one length, like any with convolutions: it spoils what is near their edges.

    Each clip is also a little louder or softer than the one before it.
    """

    def __init__(self, shape, frames_axis):
        self.shape, self.axis = shape, frames_axis
        self.n_heard = 0

    def __call__(self, x):
        assert x.shape[1:] == self.shape
        n_frames = self.shape[self.axis - 1]
        edge = torch.minimum(torch.arange(n_frames), torch.arange(n_frames).flip(0)) < 0.06 * n_frames
        edge = edge.reshape([n_frames if axis == self.axis else 1 for axis in range(x.ndim)])
        sign = torch.tensor([(-1.0) ** (self.n_heard + number) for number in range(len(x))])
        sign = sign.reshape(-1, *[1] * (x.ndim - 1))
        self.n_heard += len(x)
        if self.axis == 1:  # logarithms
            return x + torch.where(edge, -4.0, 0.1 * sign)
        return x * torch.where(edge, 0.1, 1.0 + 0.05 * sign)


class AnyLength:
    any_length = True


def levels(audio, rate=RATE):
    """Decibels of every 16 ms, over 64 ms."""
    frames = np.lib.stride_tricks.sliding_window_view(audio, rate // 16)[:: rate // 64]
    return 10 * np.log10((frames**2).mean(axis=1))


def fluxes(audio, rate=RATE):
    """How much the spectrum changes, every 16 ms, as a share of it."""
    frames = np.lib.stride_tricks.sliding_window_view(audio, rate // 16)[:: rate // 64] * np.hanning(rate // 16)
    magnitudes = np.abs(np.fft.rfft(frames))
    return np.linalg.norm(np.diff(magnitudes, axis=0), axis=1) / np.linalg.norm(magnitudes[1:], axis=1)


@pytest.mark.parametrize(
    ("representation", "axis"), [(SEQUENCE, 1), (PICTURE, 2)], ids=["as frames", "as audio of pictures"]
)
def test_joints_of_windows_cannot_be_heard(representation, axis):
    """Put side by side, these windows would have dips of 19 dB where they meet."""
    model = Spoilt(representation.shape(N_SAMPLES), axis)
    trained = Trained(model, representation, N_SAMPLES)
    wave = torch.from_numpy(tone(9.3, RATE, 312.5))

    made = made_audible(trained, wave, model, seed=0)

    inside = made[N_SAMPLES // 2 : -N_SAMPLES // 2]
    level, flux = levels(inside), fluxes(inside)
    assert np.ptp(level) < 2.0
    # Windows begin every half second, and in the middle between those one is as loud as the next.
    joints = np.arange(32, len(flux) - 1, 32)
    at_joints = np.concatenate([flux[joint - 2 : joint + 3] for joint in joints])
    assert at_joints.mean() < 1.2 * np.median(flux) + 0.005
    jumps = np.abs(np.diff(level))
    assert np.concatenate([jumps[joint - 2 : joint + 3] for joint in joints]).max() < 0.7


def test_windows_of_pictures_that_nothing_is_done_to_are_the_sound():
    wave = torch.from_numpy(tone(3.33, RATE) * np.linspace(0.2, 1.0, round(3.33 * RATE), dtype=np.float32))

    made = made_audible(Trained(None, PICTURE, N_SAMPLES), wave, lambda x: x, seed=0)

    # But for the highest bin, which pictures leave out, and for what lies beyond the last whole hop.
    np.testing.assert_allclose(made[:-128], wave[:-128], atol=2e-3)


@pytest.mark.parametrize("seconds", [0.1, 0.6, 1.0, 1.0 + 1 / RATE, 2.31])
@pytest.mark.parametrize("kind", ["any length", "frames", "pictures"])
def test_length_is_that_of_the_sound(seconds, kind):
    representation = PICTURE if kind == "pictures" else SEQUENCE
    trained = Trained(AnyLength() if kind == "any length" else None, representation, N_SAMPLES)
    wave = torch.from_numpy(tone(seconds, RATE))

    made = made_audible(trained, wave, lambda x: x, seed=0)

    assert made.shape == (round(seconds * RATE),)
    assert made.dtype == np.float32
    level = np.sqrt((made**2).mean())
    assert level == pytest.approx(float(wave.square().mean().sqrt()), rel=0.2)


def test_model_of_any_length_hears_the_whole_sound_at_once(strongest_frequency):
    heard = []
    trained = Trained(AnyLength(), SEQUENCE, N_SAMPLES)

    def make(x):
        heard.append(tuple(x.shape))
        return x

    made = made_audible(trained, torch.from_numpy(tone(5.01, RATE)), make, seed=0)

    assert heard == [(1, 628, 80)]  # 40080 samples are 627 whole hops
    assert strongest_frequency(made, RATE) == pytest.approx(440, abs=2)


def test_sound_is_brought_to_the_rate_and_the_level_of_the_model(sound):
    wave = at_model(Trained(None, SEQUENCE, N_SAMPLES, usual_peak=0.7), sound(1.5, 44_100))

    assert len(wave) == 12_000
    assert float(wave.abs().max()) == pytest.approx(0.7)


def test_loudest_window_stands_for_a_long_sound():
    wave = tone(4.0, RATE)
    wave[: 2 * RATE] *= 0.1
    wave[3 * RATE :] *= 0.1

    x = heard_as_one(Trained(None, SEQUENCE, N_SAMPLES), torch.from_numpy(wave))

    torch.testing.assert_close(x, SEQUENCE(torch.from_numpy(wave[None, 2 * RATE : 3 * RATE])))


def test_phases_repeat_and_take_no_random_numbers_of_others():
    trained, wave = Trained(AnyLength(), SEQUENCE, N_SAMPLES), torch.from_numpy(tone(0.5, RATE))
    before = torch.get_rng_state()

    first, again = (made_audible(trained, wave, lambda x: x, seed=1) for _ in range(2))

    np.testing.assert_array_equal(first, again)
    assert torch.equal(torch.get_rng_state(), before)


# Windows


@pytest.mark.parametrize("n", [8, 9, 12, 13, 31])
@pytest.mark.parametrize("multiple_of", [1, 3])
def test_windows_cover_everything_and_overlap(n, multiple_of):
    n = 8 + (n - 8) // multiple_of * multiple_of
    starts = window_starts(n, 8, multiple_of=multiple_of)

    assert starts[0] == 0
    assert starts[-1] == n - 8
    assert all(0 < later - earlier <= 4 for earlier, later in pairwise(starts))
    assert all(start % multiple_of == 0 for start in starts)


def test_shares_of_windows_add_up_to_one():
    values = torch.randn(31, 2, generator=torch.Generator().manual_seed(0))
    whole = OverlapAdd(31)
    for start in window_starts(31, 8):
        whole.add(start, values[start : start + 8])

    torch.testing.assert_close(whole.result(), values)
