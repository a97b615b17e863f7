import numpy as np
import pytest
import torch

from modules.audio.resample import resampled

PAIRS = [(44_100, 16_000), (48_000, 16_000), (8_000, 16_000), (22_050, 16_000), (16_000, 44_100), (44_101, 16_000)]


def sine(rate, frequency, seconds=0.5):
    return torch.sin(2 * torch.pi * frequency * torch.arange(round(seconds * rate), dtype=torch.float64) / rate)[None]


def inner(audio):
    """What is heard where the filter does not meet the ends."""
    quarter = audio.shape[1] // 4
    return audio[0, quarter:-quarter].double().numpy()


def level(audio):
    """In dB beside a sine of full scale."""
    return 20 * np.log10(np.sqrt(2 * np.mean(audio**2)) + 1e-12)


@pytest.mark.parametrize(("rate", "wanted"), PAIRS)
def test_up_to_nine_tenths_of_the_band_a_sine_is_the_sine(rate, wanted):
    for share in (0.02, 0.3, 0.6, 0.8, 0.9):
        frequency = share * min(rate, wanted) / 2
        made, expected = (
            inner(one) for one in (resampled(sine(rate, frequency), rate, wanted), sine(wanted, frequency))
        )
        n = min(len(made), len(expected))

        assert level(made[:n] - expected[:n]) < -80  # phase, level (0.1 dB would be -39) and what is added


@pytest.mark.parametrize(("rate", "wanted"), [pair for pair in PAIRS if pair[0] > pair[1]])
def test_what_the_new_rate_cannot_hold_is_gone(rate, wanted):
    for share in (1.005, 1.1, 1.3):  # of a Nyquist frequency
        assert level(inner(resampled(sine(rate, share * wanted / 2), rate, wanted))) < -80


@pytest.mark.parametrize(("rate", "wanted"), PAIRS)
def test_time_stays_where_it_is(rate, wanted):
    audio = torch.zeros(1, 2 * rate // 10)
    audio[0, rate // 10] = 1.0

    made = resampled(audio, rate, wanted)

    assert made.shape == (1, -(-audio.shape[1] * wanted // rate))
    assert made.dtype == torch.float32
    assert made[0].abs().argmax() == pytest.approx(rate // 10 * wanted / rate, abs=0.5)


def test_rows_are_resampled_on_their_own():
    audio = torch.randn(3, 4410, generator=torch.Generator().manual_seed(0))

    together = resampled(audio, 44_100, 16_000)

    for row, alone in zip(together, audio, strict=True):
        torch.testing.assert_close(row, resampled(alone[None], 44_100, 16_000)[0], rtol=0, atol=1e-7)


def test_equal_rate_leaves_audio_alone():
    audio = sine(16_000, 440)

    assert resampled(audio, 16_000, 16_000) is audio
