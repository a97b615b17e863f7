import torch

from modules.audio.resample import resampled


def tone(sample_rate, seconds=0.5):
    time = torch.arange(round(seconds * sample_rate)) / sample_rate
    return torch.stack([torch.sin(2 * torch.pi * 440 * time), torch.sin(2 * torch.pi * 1000 * time)])


def test_tones_are_the_same_at_another_rate():
    for rate, wanted in ((44_100, 16_000), (8_000, 16_000)):
        inside = slice(wanted // 20, -wanted // 20)  # the filter has no audio beyond the ends
        torch.testing.assert_close(
            resampled(tone(rate), rate, wanted)[:, inside], tone(wanted)[:, inside], atol=5e-3, rtol=0
        )


def test_what_the_new_rate_cannot_hold_is_gone():
    time = torch.arange(44_100) / 44_100
    high = torch.sin(2 * torch.pi * 12_000 * time)[None]

    assert resampled(high, 44_100, 16_000)[:, 800:-800].abs().max() < 0.01


def test_equal_rate_leaves_audio_alone():
    audio = tone(16_000)

    assert resampled(audio, 16_000, 16_000) is audio
