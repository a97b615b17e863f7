import subprocess
import sys

import numpy as np
import pytest
import torch
from scipy.special import digamma
from scipy.stats import entropy as shannon_entropy
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression
from sklearn.metrics import mutual_info_score

from metrics.estimators import KSG, Binned
from metrics.functional import conditional_entropy, entropy, mutual_information


def gaussians(n, n_pairs, rho):
    """Pairs of standard normals with correlation rho; pair i in column i of both."""
    rng = np.random.default_rng(int(100 * rho))
    z, noise = rng.normal(size=(2, n, n_pairs))
    return z, rho * z + np.sqrt(1 - rho**2) * noise


def mixed(n=600):
    """Latents, and attributes of which the first and the last are classes."""
    rng = np.random.default_rng(0)
    z = rng.normal(size=(n, 3))
    a = z[:, [0, 1, 1]] + 0.5 * rng.normal(size=(n, 3))
    return z, np.stack([np.digitize(a[:, 0], [-0.5, 0.7]), a[:, 1], np.digitize(a[:, 2], [0.0]) * 4 - 1], axis=1)


@pytest.mark.parametrize("n_neighbors", [3, 10])
@pytest.mark.parametrize("rho", [0.0, 0.3, 0.6, 0.9])
def test_neighbours_find_the_information_of_gaussians(rho, n_neighbors):
    z, a = gaussians(5000, 12, rho)

    values = mutual_information(z, a, n_neighbors=n_neighbors).diagonal().numpy()

    error = values.std(ddof=1) / np.sqrt(12)
    assert error < 0.008
    bias = 0.006 if rho == 0.0 else 0.003  # negative estimates become 0, which lifts the mean where nothing is shared
    assert values.mean() == pytest.approx(-0.5 * np.log(1 - rho**2), abs=3 * error + bias)


@pytest.mark.parametrize("rho", [0.0, 0.3, 0.6])
def test_bins_find_the_information_of_gaussians_once_their_bias_is_taken_off(rho):
    z, a = gaussians(5000, 12, rho)

    values = mutual_information(z, a, estimator="binned").diagonal().numpy() - 15**2 / (2 * 5000)

    error = values.std(ddof=1) / np.sqrt(12)
    assert error < 0.005
    assert values.mean() == pytest.approx(-0.5 * np.log(1 - rho**2), abs=3 * error + 0.01)


@pytest.mark.parametrize("estimator", ["ksg", "binned"])
def test_what_a_continuous_latent_tells_of_classes_that_it_determines_is_their_entropy(estimator):
    z = np.random.default_rng(0).permutation(np.arange(0.5, 4000) / 4000)[:, None]
    a = np.floor(4 * z)

    values = mutual_information(z, a, discrete=True, estimator=estimator)

    assert values.item() == pytest.approx(np.log(4), abs=0.01)


def test_estimates_by_scikit_learn_of_attributes_of_both_kinds():
    z, a = mixed()
    flags = [True, False, True]

    values = mutual_information(z, a, discrete=flags, n_neighbors=4)

    expected = [
        [
            (mutual_info_classif if flag else mutual_info_regression)(
                latent[:, None], attribute, n_neighbors=4, random_state=42
            )[0]
            for attribute, flag in zip(a.T, flags, strict=True)
        ]
        for latent in z.T
    ]
    assert values.numpy() == pytest.approx(np.array(expected), abs=1e-9)
    assert values.made_with == {"estimator": KSG(4), "n_samples": 600}


def test_one_flag_is_for_all_attributes():
    z, a = mixed()

    one, each = (mutual_information(z, a[:, [0, 2]], discrete=discrete) for discrete in (True, [True, True]))
    neither = mutual_information(z, a[:, [0, 2]])

    assert torch.equal(one, each)
    assert not torch.equal(one, neither)
    assert torch.equal(one[:, :1], mutual_information(z, a[:, :2], discrete=[True, False])[:, :1])


@pytest.mark.parametrize("k", [1, 3, 10])
@pytest.mark.parametrize("n", [50, 1000])
def test_neighbours_give_continuous_attributes_the_entropy_of_their_number_of_samples(n, k):
    a = np.random.default_rng(0).normal(size=(n, 2)) * [1.0, 1e-3] + [0.0, 5.0]

    values = entropy(a, n_neighbors=k)

    assert values.numpy() == pytest.approx([digamma(n) - digamma(k + 1)] * 2, abs=1e-9)


@pytest.mark.parametrize("sizes", [[500, 500], [10, 90, 300, 600], [1, 2, 3, 4, 90], [1, 1, 98]])
@pytest.mark.parametrize("k", [1, 3])
def test_neighbours_give_classes_the_entropy_of_their_sizes(sizes, k):
    a = np.random.default_rng(0).permutation(np.repeat(np.arange(len(sizes)), sizes))
    kept = np.array([size for size in sizes if size > 1])  # samples alone in their class are left out

    values = entropy(a[:, None], discrete=True, n_neighbors=k)

    expected = digamma(kept.sum()) - np.sum(kept * digamma(kept)) / kept.sum()
    assert values.numpy() == pytest.approx([expected], abs=1e-9)
    if sizes == [10, 90, 300, 600]:
        assert values.item() == pytest.approx(shannon_entropy(sizes), abs=0.01)


def test_neighbours_give_classes_that_are_too_many_for_few_values_the_entropy_of_their_sizes():
    a = np.random.default_rng(0).permutation(np.repeat(np.arange(100), 2))  # more than N / (k + 1)

    values = entropy(a[:, None], discrete=True)

    assert values.item() == pytest.approx(digamma(200) - digamma(2), abs=1e-9)


@pytest.mark.parametrize("n_bins", [2, 16])
def test_bins_give_the_entropy_of_shares(n_bins):
    a = np.random.default_rng(0).normal(size=(320, 2))
    a[:, 1] = np.digitize(a[:, 1], [-1.0, 0.2])

    values = entropy(a, discrete=[False, True], estimator=Binned(n_bins))

    counts = np.unique(a[:, 1], return_counts=True)[1]
    assert values.numpy() == pytest.approx([np.log(n_bins), shannon_entropy(counts)], abs=1e-12)


@pytest.mark.parametrize("estimator", ["ksg", "binned"])
def test_entropy_is_what_an_attribute_tells_of_itself(estimator):
    _, a = mixed()

    for flags in ([True, False, True], False):
        itself = mutual_information(a, a, discrete=flags, estimator=estimator).diagonal()
        assert torch.equal(entropy(a, discrete=flags, estimator=estimator), itself)


@pytest.mark.parametrize("estimator", ["ksg", "binned"])
@pytest.mark.parametrize("flags", [False, [True, False, True]])
def test_conditional_entropy_is_what_the_other_attribute_does_not_tell(flags, estimator):
    _, a = mixed()
    own = entropy(a, discrete=flags, estimator=estimator).tolist()
    shared = mutual_information(a, a, discrete=flags, estimator=estimator).tolist()

    values = conditional_entropy(a, discrete=flags, estimator=estimator)

    expected = [[max(0.0, own[i] - shared[j][i]) for j in range(3)] for i in range(3)]
    assert values.numpy() == pytest.approx(np.array(expected), abs=1e-12)
    assert values.diagonal().tolist() == [0.0, 0.0, 0.0]


def test_conditional_entropy_of_counted_classes_is_that_of_the_table():
    rng = np.random.default_rng(0)
    a = rng.integers(0, 4, (300, 2))
    a[:, 1] = (a[:, 0] + a[:, 1] // 3) % 4

    values = conditional_entropy(a, discrete=True, estimator="binned").numpy()

    own = [shannon_entropy(np.unique(column, return_counts=True)[1]) for column in a.T]
    shared = mutual_info_score(*a.T)
    assert values == pytest.approx(np.array([[0.0, own[0] - shared], [own[1] - shared, 0.0]]), abs=1e-12)


@pytest.mark.parametrize("estimator", ["ksg", "binned"])
@pytest.mark.parametrize("relabelled", [[0, 1, 2, 3], [3, 2, 1, 0], [2, 0, 3, 1]])
def test_nothing_is_left_of_classes_that_another_attribute_names_otherwise(relabelled, estimator):
    classes = np.random.default_rng(0).integers(0, 4, 997)
    a = np.stack([classes, np.array(relabelled)[classes]], axis=1)

    left = conditional_entropy(a, discrete=True, estimator=estimator).numpy()

    assert left == pytest.approx(np.zeros((2, 2)), abs=1e-12)


def test_estimates_grow_with_the_samples_and_are_marked_with_them():
    a = np.random.default_rng(0).normal(size=(400, 1))

    few, many = entropy(a[:100]), entropy(a)

    assert many - few == pytest.approx(digamma(400) - digamma(100), abs=1e-9)
    assert few.made_with["n_samples"] == 100
    assert many.made_with["n_samples"] == 400


@pytest.mark.parametrize("n_values", [2, 5, 30])
@pytest.mark.parametrize("estimator", ["ksg", "binned"])
def test_nothing_tells_more_of_few_values_taken_as_continuous_than_they_do_of_themselves(n_values, estimator):
    exceeded = []
    for seed in range(12):
        rng = np.random.default_rng(seed)
        a = rng.integers(0, n_values, (200, 1)).astype(float)
        z = np.hstack([a, -3 * a, a + 1e-3 * rng.normal(size=(200, 2)), rng.normal(size=(200, 1))])

        values, bound = mutual_information(z, a, estimator=estimator), entropy(a, estimator=estimator)

        assert (values <= bound).all()
        assert values[0] == bound  # the attribute itself
        estimates = mutual_info_regression(z[:, 2:3], a[:, 0], random_state=42)
        exceeded.append(estimates[0] > mutual_info_regression(a, a[:, 0], random_state=42)[0])
    assert any(exceeded)  # the plain estimates do not keep to the bound


SCALED = """
import numpy
from metrics.functional import mutual_information
z = numpy.random.default_rng(0).normal(size=(300, 1))
a = z + numpy.random.default_rng(1).normal(size=(300, 1))
for of_z, of_a in ((1.0, 1.0), (1e-170, 1.0), (1e160, 1.0), (1.0, 1e-170), (1.0, 1e160)):
    try:
        print(mutual_information(of_z * z, of_a * a).item(), flush=True)
    except ValueError:
        print("refused", flush=True)
"""


def test_values_whose_squares_are_no_floats_are_estimated_as_others_or_refused():
    # In a process of its own, which a search among values that are not finite can end.
    done = subprocess.run([sys.executable, "-c", SCALED], capture_output=True, text=True)

    assert done.returncode == 0, done.stdout + done.stderr
    expected, *scaled = done.stdout.split()
    estimated = [float(value) for value in scaled if value != "refused"]
    assert len(scaled) == 4
    assert estimated == pytest.approx([float(expected)] * len(estimated), abs=0.001)
