"""Log-mel spectrograms and the way back to audio, both described by one `LogMelSpec`."""

import math
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from modules.audio._torchaudio import transforms
from modules.audio.griffin_lim import N_ITERATIONS, griffin_lim
from modules.audio.mel_inversion import MelInversion
from modules.errors import ModelError

# The smallest float64 step keeps log finite on digital silence: log(2.2e-16) = -36.
LOG_OFFSET = torch.finfo(torch.float64).eps


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

    It runs on the CPU. The same log-mels give the same audio, whatever they are in a batch with.

    Args:
        spec: The settings of the `LogMel` that made the spectrogram.
        n_iterations: Griffin-Lim iterations.

    Shape:
        ``(..., n_frames, n_mels)`` to ``(..., (n_frames - 1) * hop_length)``.
    """

    def __init__(self, spec: LogMelSpec, n_iterations: int = N_ITERATIONS) -> None:
        super().__init__()
        self.spec = spec
        self.n_iterations = n_iterations
        scale = transforms.MelScale(spec.n_mels, spec.sample_rate, n_stft=spec.n_fft // 2 + 1, mel_scale="htk")
        self._inversion = MelInversion(scale.fb)

    def forward(self, log_mel: Tensor) -> Tensor:
        # A decoder can overshoot; a power above the loudest that full-scale audio can have is noise, not signal.
        loudest = 2.0 * math.log(self.spec.n_fft)
        mel_power = torch.exp(log_mel.clamp(max=loudest))
        mel_power, batch = mel_power.reshape(-1, *mel_power.shape[-2:]), mel_power.shape[:-2]
        magnitude = self._inversion(mel_power).sqrt_().transpose(1, 2)
        audio = griffin_lim(magnitude, self.spec.n_fft, self.spec.hop_length, n_iterations=self.n_iterations)
        return audio.unflatten(0, batch) if batch else audio[0]
