"""Audio at another sample rate."""

from math import gcd

import torch
from scipy.signal import resample_poly
from torch import Tensor


def resampled(audio: Tensor, sample_rate: int, wanted: int) -> Tensor:
    """Brings audio to another sample rate, by a polyphase filter on the CPU.

    Args:
        audio: Float, of shape (n, n_samples).
        sample_rate: Sample rate of the audio, in Hz.
        wanted: Sample rate of the result, in Hz.

    Returns:
        Float32 of shape (n, n_samples * wanted / sample_rate, rounded up), where the audio is; at an equal rate the
        audio itself.

    >>> resampled(torch.zeros(1, 441), 44_100, 16_000).shape
    torch.Size([1, 160])
    """
    if sample_rate == wanted:
        return audio
    common = gcd(sample_rate, wanted)
    samples = resample_poly(audio.detach().float().cpu().numpy(), wanted // common, sample_rate // common, axis=1)
    return torch.from_numpy(samples).to(audio.device)
