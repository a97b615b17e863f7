import itertools

import numpy as np
import pytest

from datamodules.analysis.timbral.peaks import refined, standing_out


def test_a_hill_with_two_tops_has_one_peak_on_the_higher():
    assert standing_out(np.array([0, 0.5, 0.45, 0.46, 0.6, 0.2, 0]), 0.1).tolist() == [4]
    assert standing_out(np.array([0, 0.6, 0.55, 0.54, 0.58, 0.2, 0]), 0.1).tolist() == [1]


def test_what_is_low_is_no_peak():
    assert standing_out(np.array([0, 0.05, 0, 0, 1, 0, 0]), 0.1).tolist() == [4]


def test_the_first_and_the_last_value_can_be_peaks():
    assert standing_out(np.array([1, 0, 0, 0, 0.0, 1]), 0.1).tolist() == [0, 5]
    assert standing_out(np.array([1.0]), 0.1).tolist() == [0]


def test_a_plateau_has_its_peak_at_its_start():
    assert standing_out(np.array([0, 1, 1, 1, 0.0]), 0.1).tolist() == [1]


def test_without_noise_all_maxima_of_a_cosine_are_found():
    values = 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(1000) / 50)
    assert standing_out(values, 0.01).tolist() == list(range(25, 1000, 50))


@pytest.mark.parametrize("seed", range(5))
def test_peaks_are_local_maxima_parted_by_deep_valleys(seed):
    values = np.random.default_rng(seed).random(300)
    peaks = standing_out(values, 0.3)
    assert len(peaks) > 10
    padded = np.pad(values, 1, constant_values=-1)
    for peak in peaks:
        assert padded[peak] < padded[peak + 1] >= padded[peak + 2]
    for left, right in itertools.pairwise(peaks):
        assert min(values[left], values[right]) - values[left:right].min() >= 0.3


@pytest.mark.parametrize("top", [1.6, 2.0, 2.3])
def test_a_parabolas_top_is_found_between_the_samples(top):
    values = 3 - 0.5 * (np.arange(5) - top) ** 2
    assert refined(values, int(values.argmax())) == pytest.approx(top)


def test_a_peak_at_the_border_stays():
    assert refined(np.array([3.0, 2, 1]), 0) == 0
    assert refined(np.array([1.0, 2, 3]), 2) == 2
