import numpy as np
import pytest
import torch
from scipy.special import digamma
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression

from metrics.estimators import KSG

KINDS = [
    "independent",
    "correlated",
    "heavy-tailed",
    "integers",
    "duplicates",
    "spike",
    "float32",
    "offset",
    "tiny",
    "huge",
]


def samples(kind, n):
    """Two latents, the first of them related to the attribute."""
    rng = np.random.default_rng(n)
    z, a = rng.normal(size=(n, 2)), rng.normal(size=n)
    if kind == "heavy-tailed":
        z, a = rng.standard_cauchy((n, 2)), rng.standard_cauchy(n)
    if kind != "independent":
        a = a + z[:, 0]
    if kind == "integers":
        z, a = np.round(3 * z), np.round(3 * a)
    elif kind == "duplicates":  # half of the points are pairs
        z[: n // 4], a[: n // 4] = z[-(n // 4) :], a[-(n // 4) :]
    elif kind == "spike":
        z[rng.random(n) < 0.7] = 0.5
    elif kind == "float32":
        z, a = z.astype(np.float32), a.astype(np.float32)
    elif kind == "offset":
        z, a = z + 1e3, a + 1e3
    elif kind == "tiny":
        z, a = 1e-6 * z, 1e-6 * a
    elif kind == "huge":
        z, a = 1e9 * z, 1e9 * a
    return z.astype(np.float64), a.astype(np.float64)


def classes_of(a, n_classes):
    """The attribute in classes of equal size."""
    return np.argsort(np.argsort(a, kind="stable"), kind="stable") * n_classes // len(a)


def information(z, a, k=3, discrete=False, seed=42):
    """Of all latents and one attribute."""
    latents, attributes = torch.as_tensor(np.asarray(z, float)), torch.as_tensor(np.asarray(a, float))
    return KSG(k, seed).information(latents, attributes[:, None], [discrete])[:, 0].numpy()


def by_scikit_learn(estimate, z, a, k, seed=42):
    """One latent at a time, since the noise differs from column to column of a matrix."""
    return [estimate(column[:, None], a, n_neighbors=k, random_state=seed)[0] for column in z.T]


def untied(column, row, seed=42):
    noise = np.random.RandomState(seed).standard_normal((2, len(column)))[row]
    scaled = column / np.std(column)
    return scaled + 1e-10 * max(1.0, np.mean(np.abs(scaled))) * noise


def plain_kraskov(z, a, k):
    """Eq. 8 of Kraskov et al., with n counting what is strictly nearer, from all N² distances."""
    n = len(z)
    dz, da = (np.abs(values[:, None] - values) for values in (untied(z, 0), untied(a, 1)))
    plane = np.maximum(dz, da)
    np.fill_diagonal(plane, np.inf)
    kth = np.sort(plane, axis=1)[:, k - 1 : k]
    n_z, n_a = ((distances < kth).sum(axis=1) - 1 for distances in (dz, da))
    return max(0.0, digamma(n) + digamma(k) - np.mean(digamma(n_z + 1) + digamma(n_a + 1)))


def plain_ross(values, labels, k):
    """Eq. 2 of Ross from all N² distances; samples alone in their class are left out."""
    sizes = {label: np.sum(labels == label) for label in np.unique(labels)}
    kept = np.array([sizes[label] > 1 for label in labels])
    values, labels = values[kept], labels[kept]
    n, terms = len(values), []
    for value, label in zip(values, labels, strict=True):
        distances = np.abs(values - value)
        of_class = np.sort(distances[labels == label])[1:]
        k_of_class = min(k, len(of_class))
        m = np.sum(distances < of_class[k_of_class - 1])
        terms.append(digamma(k_of_class) - digamma(sizes[label]) - digamma(m))
    return max(0.0, digamma(n) + np.mean(terms))


@pytest.mark.parametrize("k", [1, 3, 10])
@pytest.mark.parametrize("n", [50, 200, 1000, 5000])
@pytest.mark.parametrize("kind", KINDS)
def test_continuous_attributes_as_scikit_learn_estimates_them(kind, n, k):
    z, a = samples(kind, n)

    expected = by_scikit_learn(mutual_info_regression, z, a, k)

    assert information(z, a, k) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("k", [1, 3, 10])
@pytest.mark.parametrize("n", [50, 200, 1000, 5000])
@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind not in ("integers", "spike")])
def test_discrete_attributes_as_scikit_learn_estimates_them(kind, n, k):
    z, a = samples(kind, n)
    labels = classes_of(a, 2 if n == 50 else 5)

    expected = by_scikit_learn(mutual_info_classif, z, labels, k)

    assert information(z, labels, k, discrete=True) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("k", [3, 10])
@pytest.mark.parametrize("n", [200, 1000, 5000])
def test_latents_with_a_spike_and_discrete_attributes_as_scikit_learn_estimates_them(n, k):
    z, a = samples("spike", n)
    assert all(len(np.unique(column)) > n / (k + 1) for column in z.T)
    labels = classes_of(a, 3)

    expected = by_scikit_learn(mutual_info_classif, z, labels, k)

    assert information(z, labels, k, discrete=True) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("k", [1, 3, 10])
@pytest.mark.parametrize("n", [50, 200])
@pytest.mark.parametrize("kind", KINDS)
def test_continuous_attributes_as_in_the_article_of_kraskov_et_al(kind, n, k):
    z, a = samples(kind, n)

    expected = [plain_kraskov(column, a, k) for column in z.T]

    assert information(z, a, k) == pytest.approx(expected, abs=1e-11)


@pytest.mark.parametrize("k", [1, 3, 10])
@pytest.mark.parametrize("sizes", [[1, 2, 3, 4, 20], [1, 1, 1, 47], [2, 21, 22], [25, 25], [1, 4, 11, 10, 9, 8, 7]])
@pytest.mark.parametrize("kind", ["independent", "correlated", "heavy-tailed", "offset", "tiny"])
def test_small_classes_and_single_samples_as_in_the_article_of_ross(kind, sizes, k):
    # scikit-learn finds the neighbours in classes of at most 2k + 1 by distances that lose half of the digits.
    z, a = samples(kind, sum(sizes))
    labels = np.repeat(np.arange(len(sizes)), sizes)[np.argsort(np.argsort(a))]

    expected = [plain_ross(untied(column, 0), labels, k) for column in z.T]

    assert information(z, labels, k, discrete=True) == pytest.approx(expected, abs=1e-11)


def test_the_number_of_a_class_does_not_matter_for_a_latent_of_many_values():
    z, a = samples("correlated", 500)
    labels = classes_of(a, 4)

    expected = information(z, labels, discrete=True)

    for numbers in ([3, 0, 2, 1], [-7, 40, 0, 10_000]):
        assert information(z, np.array(numbers)[labels], discrete=True) == pytest.approx(expected, abs=1e-12)


@pytest.mark.parametrize("value", [0.0, 0.1, -1e6])
@pytest.mark.parametrize("discrete", [False, True])
def test_a_constant_latent_has_exactly_no_information(discrete, value):
    z, a = samples("correlated", 300)
    z[:, 1] = value
    a = classes_of(a, 3) if discrete else a

    values = information(z, a, discrete=discrete)

    assert values[1] == 0.0
    assert values[0] > 0.1


@pytest.mark.parametrize("k", [1, 3, 10])
@pytest.mark.parametrize("n", [400, 2000])
def test_a_latent_of_few_values_is_a_class_where_the_attribute_is_discrete(n, k):
    rng = np.random.default_rng(k)
    labels = rng.permutation(np.arange(n) % 5)
    z = np.stack([0.7 * (labels % 3), 1.3 * rng.permutation(labels), -0.3 * labels], axis=1)
    codes = [np.unique(column, return_inverse=True)[1] for column in z.T]

    # The attribute is searched, and the latent gives the classes.
    expected = [
        mutual_info_classif(labels[:, None].astype(float), code, n_neighbors=k, random_state=42)[0] for code in codes
    ]

    assert information(z, labels, k, discrete=True) == pytest.approx(expected, abs=1e-9)
    shares = np.array([2, 2, 1]) / 5
    assert expected[0] == pytest.approx(-np.sum(shares * np.log(shares)), abs=0.02)  # the entropy of labels % 3
    assert expected[1] == pytest.approx(0.0, abs=0.05)


@pytest.mark.parametrize("k", [1, 3])
def test_a_latent_is_a_class_up_to_one_value_for_each_neighbourhood(k):
    n, few = 240, 240 // (k + 1)
    rng = np.random.default_rng(0)
    labels = rng.integers(0, 3, n)
    z = rng.permutation(np.arange(n) % few)[:, None] / 7.0
    as_classes = plain_ross(untied(labels, 0), z[:, 0], k)
    z_of_one_more = z.copy()
    z_of_one_more[0] = 0.01

    assert information(z, labels, k, discrete=True) == pytest.approx([as_classes], abs=1e-11)
    assert information(z_of_one_more, labels, k, discrete=True) == pytest.approx(
        [plain_ross(untied(z_of_one_more[:, 0], 0), labels, k)], abs=1e-11
    )


def test_a_latent_of_few_values_is_searched_where_the_attribute_is_continuous():
    z, a = samples("integers", 1000)
    assert len(np.unique(z[:, 0])) < 30

    expected = by_scikit_learn(mutual_info_regression, z, a, 3)

    assert information(z, a) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize("zeros", [0.5, 0.8, 0.95])
def test_a_latent_that_is_mostly_zero_keeps_what_its_other_values_tell(zeros):
    # The latent determines the attribute, so that their information is the attribute's entropy.
    rng = np.random.default_rng(0)
    z = np.where(rng.random(2000) < zeros, 0.0, rng.random(2000))
    labels = (z > 0.5).astype(int)
    share = labels.mean()

    truth = -share * np.log(share) - (1 - share) * np.log(1 - share)

    assert mutual_info_classif(z[:, None], labels, random_state=42)[0] == pytest.approx(truth, abs=0.01)
    assert information(z[:, None], labels, discrete=True)[0] == pytest.approx(truth, abs=0.01)


def test_attributes_of_both_kinds_beside_each_other():
    z, a = samples("correlated", 300)
    labels = classes_of(a, 4)
    attributes = torch.tensor(np.stack([labels, a, -labels], axis=1), dtype=torch.float64)

    values = KSG().information(torch.tensor(z), attributes, [True, False, False]).numpy()

    assert values.shape == (2, 3)
    assert np.array_equal(values[:, 0], information(z, labels, discrete=True))
    assert np.array_equal(values[:, 1], information(z, a))
    assert np.array_equal(values[:, 2], information(z, -labels))


def test_what_one_latent_tells_does_not_depend_on_the_others():
    z, a = samples("correlated", 300)

    values = information(z[:, [1, 0, 1]], a)

    assert np.array_equal(values, information(z, a)[[1, 0, 1]])
    assert values[1:2] == information(z[:, :1], a)


@pytest.mark.parametrize("seed", [0, 7])
def test_the_seed_is_that_of_scikit_learn(seed):
    z, a = samples("integers", 300)
    expected = by_scikit_learn(mutual_info_regression, z, a, 3, seed)
    assert expected != pytest.approx(by_scikit_learn(mutual_info_regression, z, a, 3), abs=1e-6)

    assert information(z, a, seed=seed) == pytest.approx(expected, abs=1e-9)


def test_threads_change_nothing():
    z, a = samples("heavy-tailed", 300)
    one = information(z, a)

    torch.set_num_threads(2)

    assert np.array_equal(information(z, a), one)


def test_negative_estimates_become_zero():
    rng = np.random.default_rng(0)
    z, a = rng.normal(size=(100, 40)), rng.normal(size=100)

    values = information(z, a)

    assert (values >= 0).all()
    assert 5 < (values == 0).sum() < 35  # about half of the estimates of no information are negative


def test_the_result_has_the_type_that_the_protocol_says():
    z, a = samples("correlated", 30)

    values = KSG().information(torch.tensor(z), torch.tensor(a)[:, None], [False])

    assert type(values) is torch.Tensor
    assert values.dtype == torch.float64
    assert values.shape == (2, 1)


@pytest.mark.parametrize(("discrete", "k"), [(False, 1), (False, 3), (False, 10), (True, 2), (True, 3), (True, 10)])
def test_the_fewest_samples(discrete, k):
    rng = np.random.default_rng(k)
    n = KSG(k).min_samples
    z, a = rng.normal(size=(n, 2)), rng.normal(size=n)
    a = np.arange(n) // 2 if discrete else a

    values = information(z, a, k, discrete)

    assert n == k + 1
    plain = [plain_ross(untied(x, 0), a, k) if discrete else plain_kraskov(x, a, k) for x in z.T]
    assert values == pytest.approx(plain, abs=1e-12)


def test_settings_show():
    assert repr(KSG()) == "KSG(n_neighbors=3, seed=42)"
    assert KSG(5).label == "ksg-k5"
    assert KSG(5, seed=1) == KSG(5, seed=1) != KSG(5)


@pytest.mark.parametrize("k", [0, -3])
def test_no_neighbours(k):
    with pytest.raises(ValueError, match=f"n_neighbors is {k}; expected a whole number of 1 or more"):
        KSG(k)
