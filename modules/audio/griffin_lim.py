"""Griffin-Lim: audio from the magnitudes of its spectrogram alone, of any length."""

import math

import torch
from torch import Tensor

from modules.audio.phase_gradient import integrated_phase

N_ITERATIONS = 8
"""As good as 32 from phases at random, by which it was done before (docs/performance.md)."""

PIECE_FRAMES = 1024
"""How many frames are done at a time: what is computed on the way takes many times the memory of the result."""

_MOMENTUM = 0.99


def griffin_lim(
    magnitude: Tensor,
    n_fft: int,
    hop_length: int,
    *,
    n_iterations: int = N_ITERATIONS,
    piece_frames: int = PIECE_FRAMES,
) -> Tensor:
    """Finds audio whose spectrogram has given magnitudes, by the fast algorithm (Perraudin et al. 2013).

    What is longer than a piece is done piece by piece, which bounds the memory. Each piece begins within the one before
    and keeps the phase that was found there, so that both agree where one fades into the other.

    The phase starts from `integrated_phase`, which makes a quarter of the iterations do. Nothing is left to chance.

    Args:
        magnitude: Magnitudes of a centred STFT with a Hann window, (batch, n_fft // 2 + 1, n_frames).
        n_fft: Length of the window and of the FFT, in samples.
        hop_length: Step from frame to frame, in samples.
        n_iterations: Number of iterations.
        piece_frames: Length of a piece, in frames.

    Returns:
        Audio, (batch, (n_frames - 1) * hop_length).

    >>> griffin_lim(torch.ones(1, 33, 100), 64, 16).shape
    torch.Size([1, 1584])
    """
    window_frames = math.ceil(n_fft / hop_length)
    shared = 8 * window_frames
    piece_frames = max(piece_frames, 2 * shared)
    n_frames = magnitude.shape[-1]
    done = min(piece_frames, n_frames)
    audio = _piece(magnitude[..., :done], None, n_fft, hop_length, n_iterations)
    while done < n_frames:
        start, end = done - shared, min(done - shared + piece_frames, n_frames)
        # A window earlier, so that all of the sound in its frames is there; the last of them lack what follows.
        heard = _stft(audio[:, (start - window_frames) * hop_length :], n_fft, hop_length)
        known = heard[..., window_frames : -2 * window_frames]
        following = _piece(magnitude[..., start:end], known, n_fft, hop_length, n_iterations)
        fade = slice(2 * window_frames * hop_length, 4 * window_frames * hop_length)
        audio = _joined(audio, following, start * hop_length, fade)
        done = end
    return audio


def _piece(magnitude: Tensor, known: Tensor | None, n_fft: int, hop_length: int, n_iterations: int) -> Tensor:
    """Does all frames at once; the first ones keep the phases of ``known``."""
    start = integrated_phase(magnitude, n_fft, hop_length, known)
    # Frame by frame in memory, as the FFT needs and gives them.
    magnitude = magnitude.transpose(1, 2).contiguous().transpose(1, 2)
    phases = torch.polar(torch.ones_like(start), start)
    kept = None if known is None else known / (known.abs() + 1e-16)
    # Clip by clip, which stays in a CPU's cache.
    clips = [
        _iterated(
            magnitude[i : i + 1],
            phases[i : i + 1],
            None if kept is None else kept[i : i + 1],
            n_fft,
            hop_length,
            n_iterations,
        )
        for i in range(len(magnitude))
    ]
    return torch.cat(clips)


def _iterated(
    magnitude: Tensor, phases: Tensor, kept: Tensor | None, n_fft: int, hop_length: int, n_iterations: int
) -> Tensor:
    """Iterates from complex phases, of which those of the first frames are kept."""
    before: Tensor | float = 0.0
    for _ in range(n_iterations):
        rebuilt = _stft(_istft(magnitude * phases, n_fft, hop_length), n_fft, hop_length)
        phases = rebuilt - before * (_MOMENTUM / (1 + _MOMENTUM))
        phases /= phases.abs() + 1e-16
        if kept is not None:
            phases[..., : kept.shape[-1]] = kept
        before = rebuilt
    return _istft(magnitude * phases, n_fft, hop_length)


def _joined(first: Tensor, second: Tensor, at: int, fade: slice) -> Tensor:
    """Puts a sound, which begins at a sample of another, in the place of its end, and fades between samples of it."""
    share = torch.linspace(0.0, 1.0, fade.stop - fade.start, device=first.device)
    faded = torch.lerp(first[:, at + fade.start : at + fade.stop], second[:, fade], share)
    return torch.cat([first[:, : at + fade.start], faded, second[:, fade.stop :]], dim=1)


def _stft(audio: Tensor, n_fft: int, hop_length: int) -> Tensor:
    window = torch.hann_window(n_fft, device=audio.device)
    return torch.stft(audio, n_fft, hop_length, window=window, center=True, return_complex=True)


def _istft(spectrum: Tensor, n_fft: int, hop_length: int) -> Tensor:
    return torch.istft(spectrum, n_fft, hop_length, window=torch.hann_window(n_fft, device=spectrum.device))
