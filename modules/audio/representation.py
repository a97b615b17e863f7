"""What a model hears of audio: the one place that knows how a clip becomes the model's input and how it comes back."""

from abc import ABC, abstractmethod
from typing import Any, ClassVar, NamedTuple

from torch import Tensor, nn

from modules.audio.log_magnitude import InverseLogMagnitude, LogMagnitude, LogMagnitudeSpec
from modules.audio.log_mel import InverseLogMel, LogMel, LogMelSpec


class Frames(NamedTuple):
    """The frames of a representation that is a sequence of them."""

    length: int
    """Length of the window of a frame, in samples."""
    hop_length: int
    """Step from frame to frame, in samples."""


class Representation(nn.Module, ABC):
    """A representation of clips of audio, and the way back.

    A subclass keeps its settings as attributes of the names of its arguments, and lists them in `SETTINGS`.

    Attributes:
        sample_rate: Sample rate of the audio, in Hz.
        UNIT: What a bin of a picture is.
        SCALE: What the values of a picture are.
    """

    SETTINGS: ClassVar[tuple[str, ...]]
    UNIT: ClassVar[str] = "bin"
    SCALE: ClassVar[str] = "value"
    sample_rate: int

    @property
    def settings(self) -> dict[str, Any]:
        """All that determines the representation, as JSON values: part of the key of what is cached."""
        return {"class": type(self).__qualname__} | {name: getattr(self, name) for name in self.SETTINGS}

    @property
    def frames(self) -> Frames | None:
        """The frames that audio of any length becomes a sequence of; None for pictures, whose size is one.

        Frame i is centred at sample ``i * hop_length``, and ``n_samples`` have ``n_samples // hop_length + 1`` of them.
        """
        return None

    @abstractmethod
    def shape(self, n_samples: int) -> tuple[int, ...]:
        """Returns the shape of a clip of ``n_samples`` samples, without the batch.

        Raises:
            ModelError: Clips of this length cannot be represented.
        """

    @abstractmethod
    def forward(self, audio: Tensor) -> Tensor:
        """Represents audio (batch, n_samples) in [-1, 1]; returns (batch, *shape), where the audio is."""

    @abstractmethod
    def inverse(self, x: Tensor, n_samples: int, *, like: Tensor | None = None) -> Tensor:
        """Makes audio (batch, n_samples) of what a model decoded, where ``x`` is.

        A phase that has to be guessed starts at random: seed torch's generator where the result must repeat.

        Args:
            x: (batch, *shape).
            n_samples: Length of the audio; the representation's last frame may end a little before.
            like: Audio (batch, n_samples) that sounds alike, whose phase is taken if the representation has a use for
                it.
        """

    @abstractmethod
    def picture(self, x: Tensor, n_samples: int) -> Tensor:
        """Returns what there is to see of clips (batch, *shape): (batch, n_frames, n_bins)."""


class LogMelSequence(Representation):
    """Log-mel spectrogram as a sequence of frames (Luo et al. 2022, section 5.1, and their published settings).

    Args:
        sample_rate: Sample rate of the audio, in Hz.
        n_fft: Length of the Hann window and of the FFT, in samples (2048 is 128 ms).
        hop_length: Step from frame to frame, in samples (256 is 16 ms).
        n_mels: Number of mel bands (HTK scale).

    Raises:
        ModelError: See `modules.audio.LogMelSpec`.

    Example:
        >>> LogMelSequence(n_mels=40).shape(64_000)
        (251, 40)
    """

    SETTINGS = ("sample_rate", "n_fft", "hop_length", "n_mels")
    UNIT = "mel band"
    SCALE = "log power"

    def __init__(self, sample_rate: int = 16_000, n_fft: int = 2048, hop_length: int = 256, n_mels: int = 80) -> None:
        super().__init__()
        self.sample_rate, self.n_fft, self.hop_length, self.n_mels = sample_rate, n_fft, hop_length, n_mels
        self._spec = LogMelSpec(sample_rate, n_fft, hop_length, n_mels)
        self._log_mel = LogMel(self._spec)

    @property
    def frames(self) -> Frames:
        return Frames(self.n_fft, self.hop_length)

    def shape(self, n_samples: int) -> tuple[int, int]:
        return self._spec.n_frames(n_samples), self.n_mels

    def forward(self, audio: Tensor) -> Tensor:
        return self._log_mel(audio)

    def inverse(self, x: Tensor, n_samples: int, *, like: Tensor | None = None) -> Tensor:
        audio = InverseLogMel(self._spec)(x.cpu())  # it is for the CPU alone
        return nn.functional.pad(audio, (0, n_samples - audio.shape[-1])).to(x.device)

    def picture(self, x: Tensor, n_samples: int) -> Tensor:
        return x


class LogMagnitudePicture(Representation):
    """Log-magnitude spectrogram in a square with zero frames after the clip's end (Watcharasupat & Lerch 2021).

    Args:
        sample_rate: Sample rate of the audio, in Hz.
        size: Side of the square: its bins, and its frames after padding. A power of two.
        hop_length: Step from frame to frame, in samples (128 is 8 ms).

    Example:
        >>> LogMagnitudePicture().shape(64_000)
        (1, 512, 512)
    """

    SETTINGS = ("sample_rate", "size", "hop_length")
    SCALE = "log magnitude"

    def __init__(self, sample_rate: int = 16_000, size: int = 512, hop_length: int = 128) -> None:
        super().__init__()
        self.sample_rate, self.size, self.hop_length = sample_rate, size, hop_length
        self._transforms = nn.ModuleDict()  # by the length of the clips

    def shape(self, n_samples: int) -> tuple[int, int, int]:
        self._spec(n_samples)
        return 1, self.size, self.size

    def forward(self, audio: Tensor) -> Tensor:
        return self._log_magnitude(audio)(audio)

    def inverse(self, x: Tensor, n_samples: int, *, like: Tensor | None = None) -> Tensor:
        phase = None if like is None else self._log_magnitude(like).phase(like)
        return InverseLogMagnitude(self._spec(n_samples)).to(x.device)(x, phase)

    def picture(self, x: Tensor, n_samples: int) -> Tensor:
        return x[:, 0, : self._spec(n_samples).n_frames]

    def _spec(self, n_samples: int) -> LogMagnitudeSpec:
        return LogMagnitudeSpec(self.sample_rate, n_samples, self.size, self.hop_length)

    def _log_magnitude(self, audio: Tensor) -> LogMagnitude:
        length = str(audio.shape[-1])
        if length not in self._transforms:
            self._transforms[length] = LogMagnitude(self._spec(audio.shape[-1]))
        transform = self._transforms[length].to(audio.device)
        assert isinstance(transform, LogMagnitude)
        return transform
