"""Log-magnitude spectrograms of equal size, and the way back to audio."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn.functional import pad

from modules.audio._torchaudio import transforms
from modules.errors import ModelError


@dataclass(frozen=True)
class LogMagnitudeSpec:
    """What determines a log-magnitude spectrogram (Watcharasupat & Lerch 2021, supplement).

    Attributes:
        sample_rate: Sample rate of the audio, in Hz.
        n_samples: Length of a clip; longer audio is cut, shorter is filled with silence.
        size: Side of the square: its bins, and its frames after padding. A power of two.
        hop_length: Step from frame to frame, in samples (128 is 8 ms).

    Raises:
        ModelError: A value below 1, a size that is no power of two, a hop longer than half of the window, or a clip
            that is too short for a window or has more frames than the square has room for.
    """

    sample_rate: int = 16_000
    n_samples: int = 64_000
    size: int = 512
    hop_length: int = 128

    def __post_init__(self) -> None:
        for name in ("sample_rate", "n_samples", "size", "hop_length"):
            if getattr(self, name) < 1:
                raise ModelError(
                    f"{name} is {getattr(self, name)}; it must be 1 or more.", argument=f"representation.{name}"
                )
        if self.size < 4 or self.size & (self.size - 1):
            raise ModelError(
                f"size is {self.size}; it must be a power of two, 4 or more.", argument="representation.size"
            )
        if self.hop_length > self.n_fft // 2:
            raise ModelError(
                f"hop_length is {self.hop_length}, more than half of the window of {self.n_fft}; windows "
                "would not overlap enough for audio to be made from the spectrogram. Shorten the hop.",
                argument="representation.hop_length",
            )
        if (self.n_frames - 1) * self.hop_length <= self.size:
            raise ModelError(
                f"n_samples is {self.n_samples}, whose whole hops are no longer than half of the window, "
                f"{self.size}; take longer clips or a smaller size.",
                argument="representation.size",
            )
        if self.n_frames > self.size:
            raise ModelError(
                f"{self.n_samples} samples give {self.n_frames} frames, more than size {self.size} holds; "
                "lengthen hop_length, or choose a larger size.",
                argument="representation.size",
            )

    @property
    def n_frames(self) -> int:
        """Frames before padding.

        >>> LogMagnitudeSpec().n_frames
        501
        """
        return self.n_samples // self.hop_length + 1

    @property
    def n_fft(self) -> int:
        """Length of the Hann window and of the FFT, in samples (1024 is 64 ms); the highest of its bins is left out.

        >>> LogMagnitudeSpec().n_fft
        1024
        """
        return 2 * self.size


class LogMagnitude(nn.Module):
    """Log-magnitude spectrogram in a square, ``log(1 + |STFT|)``, with zero frames after the clip's end.

    The STFT is centred, padded with silence and scaled by 1/√n_fft.

    Args:
        spec: The settings.

    Shape:
        Audio ``(batch, n)`` in [-1, 1] to ``(batch, 1, size, size)``, frames before bins, 0 or more.

    Example:
        >>> LogMagnitude(LogMagnitudeSpec())(torch.zeros(2, 64_000)).shape
        torch.Size([2, 1, 512, 512])
    """

    window: Tensor

    def __init__(self, spec: LogMagnitudeSpec) -> None:
        super().__init__()
        self.spec = spec
        self.register_buffer("window", torch.hann_window(spec.n_fft), persistent=False)

    def forward(self, audio: Tensor) -> Tensor:
        magnitude = torch.log1p(self.stft(audio).abs())
        return pad(magnitude, (0, 0, 0, self.spec.size - self.spec.n_frames))[:, None]

    def phase(self, audio: Tensor) -> Tensor:
        """Returns the phase of each frame and bin in radians, (batch, n_frames, size)."""
        return self.stft(audio).angle()

    def stft(self, audio: Tensor) -> Tensor:
        """Returns the complex STFT of a clip, (batch, n_frames, size)."""
        n = self.spec.n_samples
        audio = pad(audio[:, :n], (0, max(0, n - audio.shape[1])))
        spectrum = torch.stft(
            audio,
            self.spec.n_fft,
            self.spec.hop_length,
            window=self.window,
            center=True,
            pad_mode="constant",
            normalized=True,
            return_complex=True,
        )
        return spectrum[:, :-1].transpose(1, 2)


class InverseLogMagnitude(nn.Module):
    """Audio from a log-magnitude spectrogram, with a given phase or by Griffin-Lim.

    With the phase of the input that was encoded ("phase-bypass", Watcharasupat & Lerch 2021) what is heard differs from
    the input by the magnitudes alone. Griffin-Lim's phase starts at random, so seed torch's generator where the result
    must repeat.

    Args:
        spec: The settings of the `LogMagnitude` that made the spectrogram.
        n_iterations: Griffin-Lim iterations.

    Shape:
        ``(batch, 1, size, size)``, and a phase ``(batch, n_frames, size)`` or None, to ``(batch, n_samples)``.
    """

    window: Tensor

    def __init__(self, spec: LogMagnitudeSpec, n_iterations: int = 32) -> None:
        super().__init__()
        self.spec = spec
        self.register_buffer("window", torch.hann_window(spec.n_fft), persistent=False)
        self.griffin_lim = transforms.GriffinLim(
            n_fft=spec.n_fft, hop_length=spec.hop_length, power=1.0, n_iter=n_iterations
        )

    def forward(self, log_magnitude: Tensor, phase: Tensor | None = None) -> Tensor:
        trimmed = log_magnitude[:, 0, : self.spec.n_frames].transpose(1, 2)
        # A decoder can go below 0, which no magnitude does.
        magnitude = torch.expm1(pad(trimmed, (0, 0, 0, 1)).clamp(min=0.0))
        if phase is None:
            # The STFT here is scaled by 1/√n_fft, Griffin-Lim's is not.
            return self._whole(self.griffin_lim(magnitude * self.spec.n_fft**0.5))
        audio = torch.istft(
            torch.polar(magnitude, pad(phase.transpose(1, 2), (0, 0, 0, 1))),
            self.spec.n_fft,
            self.spec.hop_length,
            window=self.window,
            center=True,
            normalized=True,
        )
        return self._whole(audio)

    def _whole(self, audio: Tensor) -> Tensor:
        """Ends in silence after the last frame's centre: what windows hold beyond it is too little to divide by."""
        return pad(audio, (0, self.spec.n_samples - audio.shape[-1]))
