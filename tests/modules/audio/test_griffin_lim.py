"""Griffin-Lim, held against torchaudio's, and across the joints of its pieces."""

import numpy as np
import pytest
import torch

from modules.audio._torchaudio import transforms
from modules.audio.griffin_lim import _iterated, griffin_lim

N_FFT, HOP = 256, 64
PIECE = 96
SHARED = 32  # eight windows


def magnitude_of(audio):
    return torch.stft(audio, N_FFT, HOP, window=torch.hann_window(N_FFT), return_complex=True).abs()


def within(magnitude):
    return griffin_lim(magnitude, N_FFT, HOP, piece_frames=PIECE)


def steady(n_frames):
    """Two tones of which neither falls on a bin, and a little noise, (1, n_samples)."""
    time = torch.arange((n_frames - 1) * HOP)
    noise = torch.randn(time.shape, generator=torch.Generator().manual_seed(0))
    return (0.4 * torch.sin(0.31 * time) + 0.2 * torch.sin(1.07 * time) + 0.003 * noise)[None]


def test_iterations_are_torchaudios():
    magnitude = magnitude_of(steady(90))
    reference = transforms.GriffinLim(n_fft=N_FFT, hop_length=HOP, power=1.0, n_iter=32, rand_init=False)

    found = _iterated(magnitude, torch.ones_like(magnitude, dtype=torch.complex64), None, N_FFT, HOP, 32)

    torch.testing.assert_close(found, reference(magnitude))


def test_it_comes_as_near_as_many_iterations_from_chance():
    magnitude = magnitude_of(steady(90))
    reference = transforms.GriffinLim(n_fft=N_FFT, hop_length=HOP, power=1.0, n_iter=32)
    torch.manual_seed(0)

    errors = [(magnitude_of(made(magnitude)) - magnitude).norm() for made in (within, reference)]

    assert errors[0] <= errors[1]


@pytest.mark.parametrize("n_frames", [PIECE + 1, PIECE + 40, 5 * PIECE])
def test_length_is_that_of_the_frames(n_frames):
    magnitude = magnitude_of(steady(n_frames))

    assert griffin_lim(magnitude, N_FFT, HOP, piece_frames=PIECE).shape == (1, (n_frames - 1) * HOP)


def test_joints_of_pieces_are_like_all_else():
    """Without the phase of the piece before, the tones cancel where the pieces meet by chance."""
    n_frames = 12 * (PIECE - SHARED) + SHARED
    audio = steady(n_frames)
    magnitude = magnitude_of(audio)
    torch.manual_seed(0)

    found = griffin_lim(magnitude, N_FFT, HOP, piece_frames=PIECE)

    error = ((magnitude_of(found) - magnitude).norm(dim=1) / magnitude.norm(dim=1))[0].numpy()
    joints = np.arange(1, 12) * (PIECE - SHARED) + SHARED // 4 + SHARED // 8  # middles of the fades
    at_joints = np.concatenate([error[joint - 4 : joint + 5] for joint in joints])
    assert at_joints.mean() < 1.2 * error[8:-8].mean()
    assert at_joints.max() < 0.3
    level = found[0].unfold(0, 4 * HOP, HOP).square().mean(dim=1).log10().mul(10).numpy()
    at_joints = np.concatenate([level[joint - 4 : joint + 5] for joint in joints])
    assert np.abs(at_joints - np.median(level)).max() < 0.5


def test_clips_of_a_batch_are_kept_apart():
    loud = magnitude_of(steady(200))

    found = griffin_lim(torch.cat([loud, 0.0 * loud]), N_FFT, HOP, piece_frames=PIECE)

    assert found[0].std() > 0.2
    assert not found[1].any()
