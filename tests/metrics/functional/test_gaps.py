import numpy as np
import pytest
import torch
from scipy.stats import differential_entropy

from metrics.estimators import KSG, Binned
from metrics.functional import (
    conditional_entropy,
    dependency_aware_latent_information_gap,
    dependency_aware_mutual_information_gap,
    dependency_blind_mutual_information_gap,
    entropy,
    mutual_information,
    mutual_information_gap,
)

MIG, DMIG = mutual_information_gap, dependency_aware_mutual_information_gap
XMIG, DLIG = dependency_blind_mutual_information_gap, dependency_aware_latent_information_gap
GAPS = [MIG, DMIG, XMIG, DLIG]


def correlated(n, n_attributes=2, seed=0):
    """Attributes that share a part."""
    rng = np.random.default_rng(seed)
    return rng.normal(size=(n, n_attributes)) + 1.5 * rng.normal(size=(n, 1))


def classes(n, seed=0):
    """Correlated attributes of six and of four classes."""
    a = correlated(n, seed=seed)
    return np.stack([np.digitize(a[:, 0], [-2, -1, 0, 1, 2]), np.digitize(a[:, 1], [-1.2, 0.1, 1.3])], axis=1)


def case(name, n=400):
    """Five latents, three attributes, and which of these are classes."""
    rng = np.random.default_rng(len(name))
    a = correlated(n, 3)
    z = np.concatenate([a, a[:, :2]], axis=1) @ rng.normal(size=(5, 5)) + rng.normal(size=(n, 5))
    if name == "continuous":
        return z, a, [False] * 3
    labels = np.stack([np.digitize(column, [-1.0, 0.5]) for column in a.T], axis=1)
    if name == "discrete":
        return z, labels, [True] * 3
    return z, np.stack([a[:, 0], labels[:, 1], a[:, 2]], axis=1), [False, True, False]


# The gaps in plain loops over matrices I[d][m] and, of attributes, H[i] and H_given[i][j].


def plain_mig(i_za, h, dims):
    values = []
    for m, own in enumerate(dims):
        rivals = [i_za[d][m] for d in range(len(i_za)) if d != own]
        values.append((i_za[own][m] - max(rivals)) / h[m])
    return values


def plain_unsupervised_mig(i_za, h):
    values = []
    for m in range(len(h)):
        ordered = sorted(row[m] for row in i_za)
        values.append((ordered[-1] - ordered[-2]) / h[m])
    return values


def plain_dmig(i_za, h, h_given, dims):
    values = []
    for m, own in enumerate(dims):
        best = None
        for d in range(len(i_za)):
            if d != own and (best is None or i_za[d][m] > i_za[best][m]):
                best = d
        bound = h_given[m][dims.index(best)] if best in dims else h[m]
        values.append((i_za[own][m] - i_za[best][m]) / bound)
    return values


def plain_xmig(i_za, h, dims):
    values = []
    for m, own in enumerate(dims):
        free = [i_za[d][m] for d in range(len(i_za)) if d not in dims]
        values.append((i_za[own][m] - max(free)) / h[m])
    return values


def plain_dlig(i_za, h_given, dims):
    values = []
    for m, own in enumerate(dims):
        others = [j for j in range(len(dims)) if j != m]
        best = max(others, key=lambda j: i_za[own][j])
        values.append((i_za[own][m] - i_za[own][best]) / h_given[m][best])
    return values


@pytest.mark.parametrize("dims", [None, [0, 1, 2], [2, 0, 1], [4, 1, 3], [1, 4, 0]])
@pytest.mark.parametrize("estimator", [KSG(), KSG(5), Binned(), Binned(5)])
@pytest.mark.parametrize("name", ["continuous", "discrete", "mixed"])
def test_gaps_are_those_of_plain_loops(name, estimator, dims):
    z, a, discrete = case(name)
    options = {"discrete": discrete, "estimator": estimator}
    i_za, h, h_given = (
        values.tolist()
        for values in (mutual_information(z, a, **options), entropy(a, **options), conditional_entropy(a, **options))
    )
    own = dims or [0, 1, 2]

    expected = {
        MIG: plain_mig(i_za, h, dims) if dims else plain_unsupervised_mig(i_za, h),
        DMIG: plain_dmig(i_za, h, h_given, own),
        XMIG: plain_xmig(i_za, h, own),
        DLIG: plain_dlig(i_za, h_given, own),
    }

    for gap, values in expected.items():
        estimate = gap(z, a, regularized_dims=dims, **options)
        assert estimate.numpy() == pytest.approx(values, abs=1e-12)
        assert estimate.dtype == torch.float64
        assert estimate.made_with == {"estimator": estimator, "n_samples": 400}


def test_n_neighbors_is_that_of_the_named_estimator():
    z, a, _ = case("continuous")

    for gap in GAPS:
        assert torch.equal(gap(z, a, n_neighbors=7), gap(z, a, estimator=KSG(7)))
        assert not torch.equal(gap(z, a, n_neighbors=7), gap(z, a))


@pytest.mark.parametrize("estimator", ["ksg", "binned"])
@pytest.mark.parametrize("factor", [1.0, -1.0, 2.0, 3.0, -1.7, 0.1, 1e-4, -12345.6])
@pytest.mark.parametrize("n", [500, 501])
def test_multiples_of_correlated_attributes_reach_one(n, factor, estimator):
    a = correlated(n)

    for gap in (DMIG, DLIG):
        assert gap(factor * a, a, estimator=estimator).numpy() == pytest.approx([1.0, 1.0], abs=1e-9)
    assert (MIG(factor * a, a, regularized_dims=[0, 1], estimator=estimator) < 0.95).all()


@pytest.mark.parametrize("estimator", ["ksg", "binned"])
@pytest.mark.parametrize("factor", [1.0, -1.0, 2.0, 3.0, -1.7, 0.1])
@pytest.mark.parametrize("n", [500, 501])
def test_dmig_of_multiples_of_correlated_classes_reaches_one(n, factor, estimator):
    a = classes(n)

    values = DMIG(factor * a, a, discrete=True, estimator=estimator)

    assert values.numpy() == pytest.approx([1.0, 1.0], abs=1e-9)
    assert (MIG(factor * a, a, regularized_dims=[0, 1], discrete=True, estimator=estimator) < 0.95).all()


@pytest.mark.parametrize("factor", [1.0, -1.7])
def test_dlig_of_multiples_of_correlated_classes_reaches_one(factor):
    a = classes(500)

    # Not with ksg, whose estimate for two sets of classes depends on which of them its noise spreads.
    values = DLIG(factor * a, a, discrete=True, estimator="binned")

    assert values.numpy() == pytest.approx([1.0, 1.0], abs=1e-9)


def test_multiples_of_attributes_of_both_kinds_reach_one():
    a = np.concatenate([correlated(500)[:, :1], classes(500)[:, 1:]], axis=1)

    for gap in (DMIG, DLIG):
        assert gap(3 * a, a, discrete=[False, True]).numpy() == pytest.approx([1.0, 1.0], abs=1e-9)


# Of an attribute at unit standard deviation; where they bend more, neighbours lose sight of it (0.94 for exp(x / 2)).
FUNCTIONS = {"tanh": lambda x: np.tanh(x / 2), "cubic": lambda x: x**3 / 10 + x, "exp": lambda x: np.exp(x / 4)}


@pytest.mark.parametrize("name", FUNCTIONS)
def test_smooth_functions_of_correlated_attributes_reach_about_one_by_neighbours(name):
    a = correlated(2000)
    a /= a.std(axis=0)

    assert DMIG(FUNCTIONS[name](a), a).numpy() == pytest.approx([1.0, 1.0], abs=0.05)


@pytest.mark.parametrize("name", FUNCTIONS)
def test_rising_functions_of_correlated_attributes_reach_exactly_one_by_bins(name):
    a = correlated(2000)

    assert DMIG(FUNCTIONS[name](a), a, estimator="binned").tolist() == [1.0, 1.0]


@pytest.mark.parametrize("estimator", ["ksg", "binned"])
def test_awareness_of_dependence_changes_little_for_independent_attributes(estimator):
    a = np.random.default_rng(0).normal(size=(2000, 3))
    z = a + 0.5 * np.random.default_rng(1).normal(size=(2000, 3))
    own, shared = entropy(a, estimator=estimator), mutual_information(a, a, estimator=estimator)
    most = (shared - shared.diagonal().diag()).amax(dim=0)

    aware, blind = DMIG(z, a, estimator=estimator), MIG(z, a, regularized_dims=[0, 1, 2], estimator=estimator)

    # gap / (H - I) - gap / H = DMIG · I / H, and DMIG is at most 1 here.
    assert ((aware - blind).abs() <= most / own + 1e-12).all()
    assert (aware < 1.0).all()
    assert (most / own < 0.06).all()


def test_the_gap_of_dependent_attributes_is_bounded_by_what_they_do_not_share():
    a = correlated(1000)
    bound = conditional_entropy(a)[[0, 1], [1, 0]] / entropy(a)

    assert MIG(2 * a, a, regularized_dims=[0, 1]).numpy() == pytest.approx(bound.numpy(), abs=1e-9)


@pytest.mark.parametrize("estimator", ["ksg", "binned"])
@pytest.mark.parametrize("name", ["continuous", "discrete", "mixed"])
def test_reordered_latents_give_the_same(name, estimator):
    z, a, discrete = case(name)
    order = [3, 0, 4, 2, 1]  # the new column of each latent is its place in here
    options = {"discrete": discrete, "estimator": estimator}

    for dims in ([0, 1, 2], [4, 2, 0]):
        moved = [order.index(dim) for dim in dims]
        for gap in GAPS:
            expected = gap(z, a, regularized_dims=dims, **options)
            assert torch.equal(gap(z[:, order], a, regularized_dims=moved, **options), expected)
    assert torch.equal(MIG(z[:, order], a, **options), MIG(z, a, **options))


def test_reordered_latents_give_the_same_where_collapsed_dimensions_tie():
    a = correlated(500)
    z = np.stack([a[:, 0], np.zeros(500), np.zeros(500)], axis=1)

    expected = DMIG(z, a, regularized_dims=[0, 1])

    assert DMIG(z[:, [0, 2, 1]], a, regularized_dims=[0, 2]).tolist() == expected.tolist()


@pytest.mark.parametrize("estimator", ["ksg", "binned"])
@pytest.mark.parametrize("name", ["continuous", "discrete", "mixed"])
def test_reordered_attributes_give_reordered_gaps(name, estimator):
    z, a, discrete = case(name)
    order = [2, 0, 1]

    for gap in GAPS:
        expected = gap(z, a, regularized_dims=[0, 3, 1], discrete=discrete, estimator=estimator)
        values = gap(
            z,
            a[:, order],
            regularized_dims=[1, 0, 3],
            discrete=[discrete[column] for column in order],
            estimator=estimator,
        )
        assert torch.equal(values, expected[order])


@pytest.mark.parametrize("dims", [[3, 1], [4, 2], [1, 0], [2, 4]])
def test_xmig_where_regularised_dimensions_do_not_come_first(dims):
    rng = np.random.default_rng(0)
    a = correlated(400)
    z = rng.normal(size=(400, 5)) + a[:, rng.integers(0, 2, 5)] * rng.uniform(0, 2, 5)
    i_za, h = mutual_information(z, a).numpy(), entropy(a).numpy()

    values = XMIG(z, a, regularized_dims=dims).numpy()

    free = np.delete(i_za, dims, axis=0).max(axis=0)
    assert values == pytest.approx((i_za[dims, [0, 1]] - free) / h, abs=1e-12)


def test_xmig_sees_what_leaks_and_not_what_regularised_dimensions_share():
    a = correlated(600)
    noise = np.random.default_rng(1).normal(size=(600, 1))

    clean = XMIG(np.concatenate([noise, a], axis=1), a, regularized_dims=[1, 2])
    leaking = XMIG(np.concatenate([a[:, :1], a], axis=1), a, regularized_dims=[1, 2])

    assert clean.numpy() == pytest.approx([1.0, 1.0], abs=0.03)
    assert leaking[0] == pytest.approx(0.0, abs=1e-9)
    assert leaking[1] < 0.95


@pytest.mark.parametrize("gap", [MIG, DMIG])
def test_gaps_are_negative_where_another_dimension_tells_more(gap):
    a = correlated(300)

    assert (gap(a[:, ::-1].copy(), a, regularized_dims=[0, 1]) < 0).all()
    assert (gap(a, a, regularized_dims=[0, 1]) > 0).all()


@pytest.mark.parametrize("gap", [MIG, DMIG, XMIG])
def test_no_rival_tells_more_than_the_attribute_itself_where_its_values_are_few(gap):
    for seed in range(12):
        rng = np.random.default_rng(seed)
        velocity = rng.integers(0, 5, 300).astype(float)
        z = np.stack([velocity, velocity + 1e-3 * rng.normal(size=300), rng.normal(size=300)], axis=1)

        assert gap(z, velocity[:, None], regularized_dims=[0]) >= 0.0
        assert gap(z, velocity[:, None], regularized_dims=[1]) <= 0.0
        assert 0.9 < gap(z[:, [0, 2]], velocity[:, None], regularized_dims=[0]) <= 1.0


def test_mig_without_dimensions_finds_them():
    a = correlated(300)

    assert torch.equal(MIG(a[:, ::-1].copy(), a), MIG(a, a, regularized_dims=[0, 1]))


@pytest.mark.parametrize("estimator", ["ksg", "binned"])
@pytest.mark.parametrize("factor", [1, 3])
def test_nothing_can_be_told_apart_of_an_attribute_that_another_determines(factor, estimator):
    rng = np.random.default_rng(0)
    for a, discrete in ((correlated(400, 1), False), (classes(400)[:, :1], True)):
        twice = np.concatenate([a, factor * a], axis=1)
        z = np.concatenate([twice + 0.3 * rng.normal(size=(400, 2)), rng.normal(size=(400, 1))], axis=1)

        # The rival is the dimension of the same attribute, and H(a_i | a_j) is 0.
        assert DMIG(z, twice, discrete=discrete, estimator=estimator).isnan().all()
        assert DLIG(z, twice, discrete=discrete, estimator=estimator).isnan().all()
        assert MIG(z, twice, discrete=discrete, estimator=estimator).isfinite().all()


@pytest.mark.parametrize("gap", [DMIG, DLIG])
@pytest.mark.parametrize("estimator", ["ksg", "binned"])
def test_nothing_can_be_told_apart_of_classes_that_another_attribute_names_otherwise(estimator, gap):
    labels = classes(997)[:, 0]
    for names in ([5, 4, 3, 2, 1, 0], [3, 0, 4, 1, 5, 2], [1, 0, 2, 3, 5, 4]):
        a = np.stack([labels, np.array(names)[labels]], axis=1)
        z = a + 0.3 * np.random.default_rng(0).normal(size=(997, 2))
        assert gap(z, a, discrete=True, estimator=estimator).isnan().tolist() == [True, True]


def test_a_rival_that_regularises_nothing_leaves_a_duplicated_attribute_its_own_entropy():
    a = correlated(400, 1)
    z = np.concatenate([a, np.random.default_rng(0).normal(size=(400, 1)), a + 0.1], axis=1)

    # The third dimension tells as much as the first, and no attribute is its own.
    values = DMIG(z, np.concatenate([a, a], axis=1))

    assert values[0] == pytest.approx(0.0, abs=1e-9)
    assert values[0].isfinite()


def test_the_rival_decides_what_dmig_divides_by():
    a = correlated(800)
    noise = np.random.default_rng(2).normal(size=(800, 2))
    # The free dimension tells more of the first attribute than that of the second does; of the second it tells less.
    z = np.stack([a[:, 0], a[:, 1], a[:, 0] + 0.2 * noise[:, 0]], axis=1)
    i_za, h, h_given = mutual_information(z, a), entropy(a), conditional_entropy(a)
    assert i_za[2, 0] > i_za[1, 0]
    assert i_za[2, 1] < i_za[0, 1]

    values = DMIG(z, a)

    assert values[0] == pytest.approx(((i_za[0, 0] - i_za[2, 0]) / h[0]).item(), abs=1e-12)
    assert values[1] == pytest.approx(((i_za[1, 1] - i_za[0, 1]) / h_given[1, 0]).item(), abs=1e-12)


def test_differential_entropy_in_the_place_of_the_bound_exceeds_one():
    rng = np.random.default_rng(0)
    shared = rng.normal(size=2000)
    a = np.stack([shared, 0.98 * shared + np.sqrt(1 - 0.98**2) * rng.normal(size=2000)], axis=1)
    # The unit in which the differential H(a_0 | a_1) is 0.1 nat.
    a *= np.exp(0.1 - (differential_entropy(a[:, 0]) - mutual_information(a[:, :1], a[:, 1:]).item()))
    z = a + 0.02 * a.std(axis=0) * rng.normal(size=(2000, 2))
    i_za, shared_information = mutual_information(z, a).numpy(), mutual_information(a[:, :1], a[:, 1:]).item()
    gap = i_za[0, 0] - i_za[1, 0]

    values = DMIG(z, a)

    assert gap / (differential_entropy(a[:, 0]) - shared_information) > 5
    assert gap / (differential_entropy(a[:, 0] / 2) - shared_information) < 0  # in a unit of twice the size
    assert (values > 0).all()
    assert (values <= 1.0 + 1e-9).all()
    assert DMIG(z / 2, a / 2).numpy() == pytest.approx(values.numpy(), abs=1e-9)
    assert DMIG(a, a).numpy() == pytest.approx([1.0, 1.0], abs=1e-9)
