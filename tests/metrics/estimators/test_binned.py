import numpy as np
import pytest
import torch
from scipy.stats import entropy
from sklearn.metrics import mutual_info_score

from metrics.estimators import Binned


def information(z, a, n_bins=16, discrete=False):
    """Of all latents and one attribute."""
    latents, attributes = torch.as_tensor(np.asarray(z, float)), torch.as_tensor(np.asarray(a, float))
    return Binned(n_bins).information(latents, attributes[:, None], [discrete])[:, 0].numpy()


def of_pair(z, a, n_bins=16, discrete=False):
    return information(np.asarray(z)[:, None], a, n_bins, discrete)[0]


def quantile_labels(x, n_bins):
    """Which of the equal parts of the sorted values each one is in; for values that all differ."""
    assert len(np.unique(x)) == len(x)
    return np.argsort(np.argsort(x)) // (len(x) // n_bins)


def pair(n, seed=0):
    rng = np.random.default_rng(seed)
    z = rng.normal(size=n)
    return z, z + rng.normal(size=n)


@pytest.mark.parametrize("n_bins", [2, 3, 10, 16, 25])
@pytest.mark.parametrize("repeat", [2, 7, 40])
def test_untied_values_against_counts_by_scikit_learn(n_bins, repeat):
    z, a = pair(n_bins * repeat)

    expected = mutual_info_score(quantile_labels(z, n_bins), quantile_labels(a, n_bins))

    assert of_pair(z, a, n_bins) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("n", [100, 101, 997, 1000])
@pytest.mark.parametrize("n_bins", [2, 7, 16])
def test_bins_hold_equally_many_up_to_one(n, n_bins):
    z, _ = pair(n)

    # What a value and its bin share is the bins' entropy.
    of_bins = of_pair(z, z, n_bins)

    few, more = n // n_bins, n % n_bins
    assert of_bins == pytest.approx(entropy([few + 1] * more + [few] * (n_bins - more)), abs=1e-12)


@pytest.mark.parametrize("n_bins", [2, 5, 16])
def test_the_entropy_of_a_continuous_variable_is_the_logarithm_of_the_bins(n_bins):
    z, _ = pair(20 * n_bins)

    assert of_pair(z, z, n_bins) == pytest.approx(np.log(n_bins), abs=1e-12)


@pytest.mark.parametrize(
    "function", [np.exp, np.tanh, lambda x: x**3, lambda x: 5 * x - 2, lambda x: np.argsort(np.argsort(x))]
)
@pytest.mark.parametrize("n", [500, 501])
def test_rising_functions_change_nothing(n, function):
    z, a = pair(n)

    assert of_pair(function(z), a) == of_pair(z, a)
    assert of_pair(z, function(a)) == of_pair(z, a)


@pytest.mark.parametrize(("n", "n_bins"), [(500, 16), (334, 16), (500, 15), (333, 15), (60, 3), (501, 16), (333, 2)])
def test_a_mirrored_column_has_mirrored_bins(n, n_bins):
    z, a = pair(n)

    assert of_pair(-z, a, n_bins) == pytest.approx(of_pair(z, a, n_bins), abs=1e-12)
    assert of_pair(-z, -a, n_bins) == pytest.approx(of_pair(z, a, n_bins), abs=1e-12)
    assert of_pair(-z, z, n_bins) == pytest.approx(of_pair(z, z, n_bins), abs=1e-12)


@pytest.mark.parametrize("seed", range(5))
def test_a_mirrored_column_of_ties_has_mirrored_bins(seed):
    rng = np.random.default_rng(seed)
    z = np.round(10 * rng.exponential(size=400))
    a = z + rng.normal(size=400)
    assert len(np.unique(z)) > 16

    assert of_pair(-z, a) == pytest.approx(of_pair(z, a), abs=1e-12)
    assert of_pair(-z, z) == pytest.approx(of_pair(z, z), abs=1e-12)


def test_a_latent_of_no_more_values_than_the_attribute_has_classes_keeps_them():
    rng = np.random.default_rng(0)
    a = rng.integers(0, 40, 800)

    assert of_pair(3 * a, a, discrete=True) == pytest.approx(mutual_info_score(a, a), abs=1e-12)
    assert of_pair(3 * a, a % 39, discrete=True) < mutual_info_score(a, a % 39) - 0.5  # one class less: 16 bins
    assert of_pair(3 * a, a) <= np.log(16)


@pytest.mark.parametrize("seed", range(5))
def test_tied_values_are_binned_by_their_mean_rank(seed):
    rng = np.random.default_rng(seed)
    z = np.round(10 * rng.exponential(size=599))
    a = rng.permutation(np.arange(599)) % 5
    mean_rank = [np.mean(np.flatnonzero(np.sort(z) == value)) + 0.5 for value in z]

    expected = mutual_info_score(np.floor(np.array(mean_rank) * 16 / 599), a)

    assert of_pair(z, a) == pytest.approx(expected, abs=1e-12)


def test_a_column_of_no_more_values_than_bins_keeps_them():
    rng = np.random.default_rng(0)
    z, noise = rng.integers(0, 16, 300), rng.integers(0, 3, 300)
    rare = np.where(np.arange(300) == 5, 1, 0)

    assert of_pair(z / 3, z + noise, 18) == pytest.approx(mutual_info_score(z, z + noise), abs=1e-12)
    assert of_pair(rare, rare, 2) == pytest.approx(entropy([1, 299]), abs=1e-12)


def test_classes_are_kept_however_many():
    z, a = pair(800)
    labels = np.round(10 * a)
    assert len(np.unique(labels)) > 40

    assert of_pair(z, labels, discrete=True) == pytest.approx(
        mutual_info_score(quantile_labels(z, 16), labels), abs=1e-12
    )


def test_the_numbers_of_classes_do_not_matter():
    z, a = pair(320)
    labels = (quantile_labels(a, 4) * 3 + 1) % 8 - 2

    assert of_pair(z, labels, discrete=True) == pytest.approx(
        mutual_info_score(quantile_labels(z, 16), quantile_labels(a, 4)), abs=1e-12
    )


def test_a_constant_latent_has_exactly_no_information():
    _, a = pair(320)

    assert of_pair(np.full(320, 0.1), a) == 0.0
    assert of_pair(np.full(320, 0.1), quantile_labels(a, 4), discrete=True) == 0.0


def test_all_pairs_of_columns_of_both_kinds():
    rng = np.random.default_rng(0)
    z = rng.normal(size=(160, 3))
    a = z[:, :2] + rng.normal(size=(160, 2))
    labels = quantile_labels(a[:, 1], 5)
    attributes = torch.tensor(np.stack([a[:, 0], labels], axis=1))

    values = Binned().information(torch.tensor(z), attributes, [False, True])

    assert values.dtype == torch.float64
    assert values.shape == (3, 2)
    assert np.array_equal(values[:, 0].numpy(), information(z, a[:, 0]))
    assert np.array_equal(values[:, 1].numpy(), information(z, labels, discrete=True))


@pytest.mark.parametrize(("n", "n_bins"), [(1000, 16), (1000, 8), (4000, 16)])
def test_the_bias_of_independent_variables_is_that_of_miller(n, n_bins):
    rng = np.random.default_rng(0)

    values = information(rng.normal(size=(n, 200)), rng.normal(size=n), n_bins)

    # Miller's is the first term of a series in 1/N; the next is small where cells hold some samples.
    error = values.std() / np.sqrt(200)
    assert values.mean() == pytest.approx((n_bins - 1) ** 2 / (2 * n), rel=0.1)
    assert error < 0.02 * values.mean()


@pytest.mark.parametrize("n_values", [2000, 1000, 450, 40])
def test_the_bias_beside_classes_is_that_of_miller_also_for_latents_whose_values_come_again(n_values):
    rng = np.random.default_rng(0)
    z = np.stack([rng.permutation(np.arange(2000) % n_values) / 7 for _ in range(50)], axis=1)

    values = information(z, rng.integers(0, 3, 2000), discrete=True)

    most = n_values if n_values == 40 else 16  # so few may be kept as they are
    assert 0 < values.mean() < 1.2 * (most - 1) * 2 / (2 * 2000)


def test_no_estimate_exceeds_the_logarithm_of_the_bins():
    z, _ = pair(512)

    for n_bins in (2, 3, 16):
        assert of_pair(z, np.round(100 * z), n_bins, discrete=True) <= np.log(n_bins) + 1e-12


def test_settings_show():
    assert repr(Binned()) == "Binned(n_bins=16)"
    assert Binned(8).label == "binned-8"
    assert Binned(8).min_samples == 8
    assert Binned(8) == Binned(8) != Binned()


@pytest.mark.parametrize("n_bins", [1, 0, -4])
def test_fewer_than_two_bins(n_bins):
    with pytest.raises(ValueError, match=f"n_bins is {n_bins}; expected a whole number of 2 or more"):
        Binned(n_bins)
