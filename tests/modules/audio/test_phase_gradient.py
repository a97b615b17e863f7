"""Integrated phases, against true ones, and against the algorithm written out with a heap."""

import heapq
import math

import numpy as np
import pytest
import torch

from modules.audio.phase_gradient import integrated_phase

N_FFT, HOP = 256, 32


def stft(audio):
    return torch.stft(audio, N_FFT, HOP, window=torch.hann_window(N_FFT), return_complex=True)


def glide(n_frames=60):
    """Two partials that rise, and one that begins in the middle, (1, n_samples)."""
    time = torch.arange((n_frames - 1) * HOP)
    rising = 0.3 * time + 5e-5 * time**2
    return (torch.sin(rising) + 0.5 * torch.sin(3 * rising) + 0.3 * torch.sin(2.6 * time) * (time > 900))[None]


def by_heap(magnitude, floor):
    """Průša et al. (2017) for one clip (n_bins, n_frames), phases counted from the middles of the frames."""
    log = np.log(np.maximum(magnitude, floor))
    over_bins, over_frames = np.gradient(log, axis=0), np.gradient(log, axis=1)
    gamma = 0.25645 * N_FFT**2
    frequency = HOP * N_FFT / gamma * over_bins + 2 * np.pi * HOP / N_FFT * np.arange(len(log))[:, None]
    delay = -gamma / (HOP * N_FFT) * over_frames
    phase, todo = np.zeros_like(log), log > math.log(floor)
    first = np.unravel_index(magnitude.argmax(), log.shape)
    heap, todo[first] = [(-magnitude[first], *first)], False
    while heap:
        _, m, n = heapq.heappop(heap)
        for slopes, to in ((frequency, (m, n + 1)), (frequency, (m, n - 1)), (delay, (m + 1, n)), (delay, (m - 1, n))):
            if 0 <= to[0] < len(log) and 0 <= to[1] < log.shape[1] and todo[to]:
                way = to[0] - m + to[1] - n
                phase[to], todo[to] = phase[m, n] + way * (slopes[m, n] + slopes[to]) / 2, False
                heapq.heappush(heap, (-magnitude[to], *to))
    return phase


def test_it_is_the_algorithm_written_out():
    magnitude = stft(glide()).abs()
    found = integrated_phase(magnitude, N_FFT, HOP)[0].double().numpy()

    expected = by_heap(magnitude[0].double().numpy(), magnitude.max().item() * math.exp(-16))

    difference = np.exp(1j * (found - expected)) * (-1.0) ** np.arange(N_FFT // 2 + 1)[:, None]
    loud = (magnitude[0] > 0.01 * magnitude.max()).numpy()
    common = difference[loud].mean()  # the phase of the loudest bin is free
    assert np.abs(common) > 0.95


def test_a_glide_comes_back_up_to_its_phase():
    spectrum = stft(glide())

    phase = integrated_phase(spectrum.abs(), N_FFT, HOP)

    audio = torch.istft(torch.polar(spectrum.abs(), phase), N_FFT, HOP, window=torch.hann_window(N_FFT))
    error = (stft(audio).abs() - spectrum.abs()).norm() / spectrum.abs().norm()
    at_random = torch.polar(spectrum.abs(), torch.rand_like(phase) * 2 * math.pi)
    chance = stft(torch.istft(at_random, N_FFT, HOP, window=torch.hann_window(N_FFT))).abs() - spectrum.abs()
    assert error < 0.2 < 0.5 < chance.norm() / spectrum.abs().norm()


def test_known_frames_are_kept_and_gone_on_from():
    spectrum = stft(glide())

    phase = integrated_phase(spectrum.abs(), N_FFT, HOP, spectrum[..., :20])

    off = torch.exp(1j * (phase - spectrum.angle()))
    torch.testing.assert_close(off[..., :20], torch.ones_like(off[..., :20]), rtol=0, atol=1e-4)
    weight = spectrum.abs()[..., 20:26] ** 2
    assert (off[..., 20:26].real * weight).sum() / weight.sum() > 0.9


@pytest.mark.parametrize("shape", [(1, 5, 1), (1, 2, 3), (2, 129, 4)])
def test_small_and_silent_spectrograms(shape):
    n_fft = 2 * (shape[1] - 1)
    for magnitude in (torch.zeros(shape), torch.rand(shape)):
        phase = integrated_phase(magnitude, n_fft, max(n_fft // 4, 1))
        assert phase.shape == shape
        assert phase.isfinite().all()


def test_neither_neighbours_nor_level_nor_the_generator_matter():
    magnitude = stft(glide()).abs()

    alone = integrated_phase(magnitude, N_FFT, HOP)
    torch.manual_seed(5)
    together = integrated_phase(torch.cat([0.0 * magnitude, 4.0 * magnitude]), N_FFT, HOP)

    audio = [
        torch.istft(torch.polar(magnitude, p), N_FFT, HOP, window=torch.hann_window(N_FFT))
        for p in (alone, together[1:])
    ]
    torch.testing.assert_close(*audio, rtol=0, atol=1e-3)
