"""What models hear: shapes, values and the way back, against the transforms they are made of."""

import pytest
import torch

from modules import ModelError
from modules.audio import (
    InverseLogMel,
    LogMagnitude,
    LogMagnitudePicture,
    LogMagnitudeSpec,
    LogMel,
    LogMelSequence,
    LogMelSpec,
)

RATE, N = 16_000, 16_000


def tones(n_samples: int = N) -> torch.Tensor:
    time = torch.arange(n_samples) / RATE
    return 0.4 * torch.stack([torch.sin(2 * torch.pi * f * time) * torch.exp(-2 * time) for f in (220.0, 523.0)])


def test_a_log_mel_sequence_is_the_log_mel():
    x = LogMelSequence(n_mels=40)(tones())

    assert x.shape[1:] == LogMelSequence(n_mels=40).shape(N)
    assert torch.equal(x, LogMel(LogMelSpec(n_mels=40))(tones()))


def test_a_log_magnitude_picture_is_the_log_magnitude_of_clips_of_any_length():
    representation = LogMagnitudePicture(size=128, hop_length=128)

    for n_samples in (N, 8000):
        x = representation(tones(n_samples))
        assert x.shape[1:] == representation.shape(n_samples)
        assert torch.equal(x, LogMagnitude(LogMagnitudeSpec(RATE, n_samples, 128, 128))(tones(n_samples)))


@pytest.mark.parametrize("n_samples", [N, N - 100])
@pytest.mark.parametrize("representation", [LogMelSequence(), LogMagnitudePicture(size=256)], ids=["mel", "magnitude"])
def test_audio_comes_back_at_its_length_and_pitch(representation, n_samples, strongest_frequency):
    audio = tones(n_samples)
    torch.manual_seed(0)
    back = representation.inverse(representation(audio), n_samples)

    assert back.shape == audio.shape
    for wave, frequency in zip(back.numpy(), (220.0, 523.0), strict=True):
        assert strongest_frequency(wave, RATE) == pytest.approx(frequency, rel=0.03)


def test_the_inverse_log_mel_is_griffin_lims():
    representation, x = LogMelSequence(), LogMelSequence()(tones())
    torch.manual_seed(0)
    back = representation.inverse(x, N)
    torch.manual_seed(0)
    expected = InverseLogMel(LogMelSpec())(x)

    assert torch.equal(back[:, : expected.shape[1]], expected)


def test_with_the_phase_of_a_sound_a_picture_gives_that_sound():
    representation, audio = LogMagnitudePicture(size=256), tones()

    back = representation.inverse(representation(audio), N, like=audio)

    torch.testing.assert_close(back[:, 512:-512], audio[:, 512:-512], rtol=0, atol=1e-3)


def test_pictures_are_frames_by_bins_without_what_was_padded():
    mel, magnitude = LogMelSequence(n_mels=40), LogMagnitudePicture(size=256)

    assert mel.picture(mel(tones()), N).shape == (2, 63, 40)
    assert magnitude.picture(magnitude(tones()), N).shape == (2, 126, 256)


def test_settings_tell_representations_apart():
    one = LogMelSequence().settings
    assert one == LogMelSequence().settings == {
        "class": "LogMelSequence", "sample_rate": 16_000, "n_fft": 2048, "hop_length": 256, "n_mels": 80
    }  # fmt: skip
    assert LogMelSequence(n_mels=40).settings != one != LogMagnitudePicture().settings


def test_clips_that_cannot_be_represented_are_refused():
    with pytest.raises(ModelError, match="more than"):
        LogMagnitudePicture(size=128, hop_length=32).shape(N)
    with pytest.raises(ModelError, match="power of two"):
        LogMagnitudePicture(size=100).shape(N)
    with pytest.raises(ModelError, match="n_mels"):
        LogMelSequence(n_mels=0)
