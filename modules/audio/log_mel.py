"""Log-mel spectrograms and the way back to audio, both described by one `LogMelSpec`."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from modules.audio._torchaudio import transforms
from modules.audio.griffin_lim import PIECE_FRAMES, griffin_lim
from modules.errors import ModelError

# The smallest float64 step keeps log finite on digital silence: log(2.2e-16) = -36.
LOG_OFFSET = torch.finfo(torch.float64).eps

_N_UPDATES = 50


@dataclass(frozen=True)
class LogMelSpec:
    """What determines a log-mel spectrogram (Luo et al. 2022, section 5.1, and their published settings).

    Attributes:
        sample_rate: Sample rate of the audio, in Hz.
        n_fft: Length of the Hann window and of the FFT, in samples (2048 is 128 ms).
        hop_length: Step from frame to frame, in samples (256 is 16 ms).
        n_mels: Number of mel bands (HTK scale).

    Raises:
        ModelError: A value below 1, an odd window, a hop longer than half of it, or more bands than frequencies.
    """

    sample_rate: int = 16_000
    n_fft: int = 2048
    hop_length: int = 256
    n_mels: int = 80

    def __post_init__(self) -> None:
        for name in ("sample_rate", "n_fft", "hop_length", "n_mels"):
            if getattr(self, name) < 1:
                raise ModelError(
                    f"{name} is {getattr(self, name)}; it must be 1 or more.", argument=f"representation.{name}"
                )
        if self.n_fft % 2:
            raise ModelError(f"n_fft is {self.n_fft}; it must be even.", argument="representation.n_fft")
        if self.hop_length > self.n_fft // 2:
            raise ModelError(
                f"hop_length is {self.hop_length}, more than half of n_fft {self.n_fft}; the windows would not "
                "overlap enough for audio to be made from the spectrogram. Shorten the hop.",
                argument="representation.hop_length",
            )
        if self.n_mels > self.n_fft // 2 + 1:
            raise ModelError(
                f"n_mels is {self.n_mels}, more than the {self.n_fft // 2 + 1} frequencies that "
                f"n_fft {self.n_fft} gives; ask for fewer bands or a longer window.",
                argument="representation.n_mels",
            )

    def n_frames(self, n_samples: int) -> int:
        """Returns the number of frames of ``n_samples`` samples of audio.

        >>> LogMelSpec().n_frames(64_000)
        251
        """
        return n_samples // self.hop_length + 1


class LogMel(nn.Module):
    """Log-amplitude mel spectrogram, ``log(mel power + eps)``.

    Args:
        spec: The settings, shared with the inverse.

    Shape:
        Audio ``(..., n_samples)`` in [-1, 1] to natural-log power ``(..., n_frames, n_mels)``.

    Example:
        >>> LogMel(LogMelSpec())(torch.zeros(2, 64_000)).shape
        torch.Size([2, 251, 80])
    """

    def __init__(self, spec: LogMelSpec) -> None:
        super().__init__()
        self.spec = spec
        self.mel_spectrogram = transforms.MelSpectrogram(
            sample_rate=spec.sample_rate,
            n_fft=spec.n_fft,
            hop_length=spec.hop_length,
            n_mels=spec.n_mels,
            power=2.0,
            mel_scale="htk",
            center=True,
        )

    def forward(self, audio: Tensor) -> Tensor:
        power = self.mel_spectrogram(audio)
        return torch.log(power + LOG_OFFSET).transpose(-1, -2)


class InverseLogMel(nn.Module):
    """Audio from a log-mel spectrogram: exp, the inverse of the mel bands, Griffin-Lim.

    The inverse of the bands starts from torchaudio's least squares, whose negative powers are cut off, and which alone
    is far from true to the bands (a correlation of 0.8 between the log-mels of a melody before and after), and refines
    it with powers kept positive. It runs on the CPU. The phase starts at random, so seed torch's generator where the
    result must repeat.

    Args:
        spec: The settings of the `LogMel` that made the spectrogram.
        n_iterations: Griffin-Lim iterations.

    Shape:
        ``(..., n_frames, n_mels)`` to ``(..., (n_frames - 1) * hop_length)``.
    """

    def __init__(self, spec: LogMelSpec, n_iterations: int = 32) -> None:
        super().__init__()
        self.spec = spec
        # gelsd copes with bands narrower than the step of the frequencies, which leave the system without full rank.
        self.inverse_mel = transforms.InverseMelScale(
            n_stft=spec.n_fft // 2 + 1,
            n_mels=spec.n_mels,
            sample_rate=spec.sample_rate,
            mel_scale="htk",
            driver="gelsd",
        )
        self.n_iterations = n_iterations

    def forward(self, log_mel: Tensor) -> Tensor:
        # A decoder can overshoot; a power above the loudest that full-scale audio can have is noise, not signal.
        loudest = 2.0 * math.log(self.spec.n_fft)
        mel_power = torch.exp(log_mel.clamp(max=loudest)).transpose(-1, -2)
        mel_power, batch = mel_power.reshape(-1, *mel_power.shape[-2:]), mel_power.shape[:-2]
        magnitude = torch.cat([self._magnitude(piece) for piece in mel_power.split(PIECE_FRAMES, dim=-1)], dim=-1)
        audio = griffin_lim(magnitude, self.spec.n_fft, self.spec.hop_length, n_iterations=self.n_iterations)
        return audio.unflatten(0, batch) if batch else audio[0]

    def _magnitude(self, mel_power: Tensor) -> Tensor:
        """Undoes the mel bands of a piece, each frame for itself."""
        return _refined(self.inverse_mel(mel_power), mel_power, self.inverse_mel.fb).sqrt()


def _refined(power: Tensor, mel_power: Tensor, bands: Tensor) -> Tensor:
    """Brings non-negative powers (..., n_freq, n_frames) closer to the bands' by Lee & Seung's (2001) updates.

    They minimise the divergence between the bands of ``power`` and ``mel_power`` (..., n_mels, n_frames).
    """
    weight = bands.sum(dim=1, keepdim=True).clamp(min=LOG_OFFSET)
    # A power of zero would stay zero: what the least squares cut off starts from what its bands hold.
    power = torch.maximum(power, 0.01 * bands @ mel_power)
    for _ in range(_N_UPDATES):
        power = power * (bands @ (mel_power / (bands.T @ power + LOG_OFFSET))) / weight
    return power
