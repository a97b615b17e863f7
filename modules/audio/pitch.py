"""Contours of fundamental frequency from audio, by CREPE."""

from dataclasses import dataclass

import torch
from torch import Tensor

from modules.audio.crepe import SAMPLE_RATE, Capacity, crepe, crepe_frames, normalised
from modules.audio.resample import resampled
from modules.errors import ModelError

N_BINS = 360
CENTS_PER_BIN = 20.0

_LOWEST_CENTS = 1997.3794084376191  # of the first bin, above 10 Hz: 31.7 Hz
_AROUND = 4  # bins on either side of the likeliest that the pitch is the mean of


@dataclass(frozen=True)
class PitchContours:
    """Pitches of n clips in T frames.

    Attributes:
        hz: An estimate for every frame, voiced or not, float32 of shape (n, T).
        confidence: The network's probability of the likeliest pitch, in [0, 1], of the same shape.
    """

    hz: Tensor
    confidence: Tensor

    def voiced(self, threshold: float = 0.5) -> Tensor:
        """Returns where the confidence is at least the threshold, bool of shape (n, T)."""
        return self.confidence >= threshold


@torch.no_grad()
def pitch_contours(
    audio: Tensor,
    sample_rate: int,
    *,
    model: Capacity = "full",
    hop_ms: float = 10.0,
    batch_size: int = 256,
    device: torch.device | str | None = None,
) -> PitchContours:
    r"""Extracts the pitch of one voice a clip (CREPE: Kim, Salamon, Li & Bello 2018).

    The network gives each frame probabilities p of 360 pitches c, 20 cents apart, from 31.7 to 2006 Hz. The pitch is
    their mean around the likeliest one, m, as its authors define it:

    .. math:: \hat c_t = \frac{\sum_{|i - m| \le 4} p_{t,i}\, c_i}{\sum_{|i - m| \le 4} p_{t,i}}, \quad
        m = \text{argmax}_i\, p_{t,i}

    Every frame stands for itself. torchcrepe's Viterbi decoder is not used: its path moves by less than 240 cents a
    frame and so slowly that it misses a note of a quarter of a second between two rests; and its decoders add random
    cents to the pitch, while this gives the same for the same audio.

    Args:
        audio: Mono audio, float of shape (n, n_samples), at any level.
        sample_rate: Sample rate of the audio, in Hz; it is brought to the network's 16 kHz.
        model: ``full``, or ``tiny``, which takes a twentieth of the time and is less exact.
        hop_ms: Step from frame to frame, in ms; frame t is centred at t times it.
        batch_size: Frames that the network takes at a time; the full model needs about 3 MB for each.
        device: Device on which the network runs; None takes that of the audio.

    Returns:
        The contours, with T = 1 + n_samples // hop frames, where the audio is.

    Raises:
        ModelError: Another shape of audio, NaN or infinity, another model, or a number out of range.

    Example:
        >>> time = torch.arange(4000) / 16_000
        >>> tone = torch.sin(2 * torch.pi * 440.0 * time) + 0.5 * torch.sin(2 * torch.pi * 880.0 * time)
        >>> contours = pitch_contours(tone[None], 16_000, model="tiny")
        >>> contours.hz.shape, round(contours.hz.median().item() / 10) * 10, contours.voiced()[0, 10].item()
        (torch.Size([1, 26]), 440, True)
    """
    for name, value in (("sample_rate", sample_rate), ("batch_size", batch_size)):
        if value < 1:
            raise ModelError(f"{name} is {value}; expected 1 or more.")
    frames = crepe_frames(_at_16_khz(audio, sample_rate), hop_ms)
    where = audio.device if device is None else torch.device(device)
    network = crepe(model, where)
    n, n_frames = frames.shape[:2]
    probabilities = torch.cat(
        [
            # Indexing copies the frames of one batch, and never all, which overlap in memory.
            network(normalised(frames[batch // n_frames, batch % n_frames].to(where)))
            for batch in torch.arange(n * n_frames, device=frames.device).split(batch_size)
        ]
    ).view(n, n_frames, N_BINS)
    hz, confidence = decoded(probabilities)
    return PitchContours(hz.to(audio.device), confidence.to(audio.device))


def decoded(probabilities: Tensor) -> tuple[Tensor, Tensor]:
    """Returns the pitch of each frame in Hz, and its confidence; see `pitch_contours`.

    Args:
        probabilities: Probability of each bin, of shape (..., 360).

    Returns:
        Two tensors of shape (...).
    """
    confidence, bins = probabilities.max(dim=-1, keepdim=True)
    around = bins + torch.arange(-_AROUND, _AROUND + 1, device=bins.device)
    weights = probabilities.gather(-1, around.clamp(0, N_BINS - 1)) * ((around >= 0) & (around < N_BINS))
    mean = (weights * around).sum(dim=-1) / weights.sum(dim=-1).clamp(min=1e-30)
    return 10.0 * 2.0 ** ((_LOWEST_CENTS + CENTS_PER_BIN * mean) / 1200.0), confidence[..., 0]


def _at_16_khz(audio: Tensor, sample_rate: int) -> Tensor:
    # Audio of a wrong shape is for crepe_frames to refuse.
    return resampled(audio, sample_rate, SAMPLE_RATE) if audio.ndim == 2 and audio.numel() else audio
