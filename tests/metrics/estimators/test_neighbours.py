import numpy as np
import pytest
from scipy.special import digamma

from metrics.estimators.neighbours import axis, count_within, digamma_of_classes, digamma_of_counts


def columns(n):
    """Values that are hard to search: by name, n of each."""
    rng = np.random.default_rng(n)
    clusters = np.where(np.arange(n) % 2, 1e9, -1e9) + rng.normal(size=n)
    return {
        "normal": rng.normal(size=n),
        "all equal": np.full(n, 0.1),
        "all but one equal": np.where(np.arange(n) == n // 2, 5.0, 0.1),
        "two far clusters": clusters,
        "two clusters of ties": np.where(np.arange(n) % 2, 1e9, -1e9),
        "one far outlier": np.where(np.arange(n) == 0, 1e15, rng.normal(size=n)),
        "exponentially spaced": 2.0 ** np.linspace(-500, 500, n),
        "exponentially spaced to zero": np.sign(rng.normal(size=n)) * 10.0 ** -np.linspace(0, 30, n),
        "equally spaced": 0.1 * np.arange(n),
        "ties": rng.integers(0, 4, n) / 3.0,
        "heavy-tailed": rng.standard_cauchy(n),
        "one step of rounding apart": 1.0 + np.finfo(float).eps * rng.permutation(n),
    }


NAMES = list(columns(3))


def psi_table(n):
    return np.concatenate([[0.0], digamma(np.arange(1, n + 1))])


def plain_digamma_of_counts(x, y, k):
    """All distances; the radius is the last number below that of the k-th neighbour."""
    dx, dy = (np.abs(values[:, None] - values) for values in (x, y))
    plane = np.maximum(dx, dy)
    np.fill_diagonal(plane, np.inf)
    radius = np.nextafter(np.sort(plane, axis=1)[:, k - 1 : k], 0.0)
    return (digamma((dx <= radius).sum(axis=1)) + digamma((dy <= radius).sum(axis=1))).mean()


def plain_digamma_of_classes(x, labels, n_neighbors):
    total = 0.0
    for place, label in enumerate(labels):
        distances = np.abs(x - x[place])
        mates = labels == label
        k = min(n_neighbors, mates.sum() - 1)
        radius = np.nextafter(np.sort(distances[mates])[k], 0.0)  # the first of the sorted is the value itself
        total += digamma((distances <= radius).sum()) + digamma(mates.sum()) - digamma(k)
    return total / len(x)


@pytest.mark.parametrize("name", NAMES)
def test_an_axis_has_the_values_in_order_and_knows_the_place_of_each_row(name):
    column = columns(37)[name]

    prepared = axis(column)

    assert np.array_equal(prepared.values, np.sort(column))
    assert np.array_equal(column[prepared.order], prepared.values)
    assert np.array_equal(prepared.values[prepared.rank], column)
    assert prepared.cell_start[0] == 0
    assert prepared.cell_start[-1] == 37
    assert (np.diff(prepared.cell_start) >= 0).all()


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("n", [1, 2, 41])
def test_count_within_radii_at_between_and_next_to_the_distances(name, n):
    column = columns(n)[name]
    prepared = axis(column)
    for value in column:
        distances = np.abs(column - value)
        radii = [*distances, *np.nextafter(distances, 0.0), *np.nextafter(distances, np.inf), *(distances / 2), 1.0]
        counts = [count_within(prepared, value, radius) for radius in radii]
        assert counts == [(distances <= radius).sum() for radius in radii]


def test_count_within_of_values_that_are_not_on_the_axis():
    column = np.random.default_rng(0).normal(size=50)
    prepared = axis(column)
    for value in (-100.0, -1.0, 0.123, 2.0, 100.0):
        for radius in (0.0, 0.5, 99.0, 1000.0):
            assert count_within(prepared, value, radius) == (np.abs(column - value) <= radius).sum()


def test_a_neighbour_at_the_radius_is_counted_and_one_a_step_of_rounding_outside_is_not():
    prepared = axis(np.array([0.0, 0.3, 1.0]))

    assert count_within(prepared, 0.0, 0.3) == 2
    assert count_within(prepared, 0.0, np.nextafter(0.3, 0.0)) == 1
    assert count_within(prepared, 0.3, 1.0 - 0.3) == 3
    assert count_within(prepared, 0.3, np.nextafter(1.0 - 0.3, 0.0)) == 2


def test_a_sum_that_rounds_onto_a_neighbour_does_not_count_it():
    # 1 + r rounds to the neighbour's value for each r within half a step of rounding, also where r is too short.
    value, neighbour = 1.0, 1.0 + 2.0**-30
    radius = np.nextafter(neighbour - value, 0.0)
    assert value + radius == neighbour

    assert count_within(axis(np.array([value, neighbour])), value, radius) == 1


@pytest.mark.parametrize("k", [1, 3, 10])
@pytest.mark.parametrize("y_name", NAMES)
@pytest.mark.parametrize("x_name", NAMES)
def test_digamma_of_counts_is_that_of_all_distances(x_name, y_name, k):
    n = 120
    x, y = columns(n)[x_name], columns(n)[y_name]
    y = y if x_name == y_name else np.random.default_rng(1).permutation(y)

    mean = digamma_of_counts(axis(x), axis(y), k, psi_table(n))

    assert mean == pytest.approx(plain_digamma_of_counts(x, y, k), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("k", [1, 2, 3, 10])
@pytest.mark.parametrize("more", [1, 2, 3])
def test_digamma_of_counts_of_hardly_more_points_than_neighbours(k, more):
    rng = np.random.default_rng(k)
    x, y = rng.normal(size=(2, k + more))

    mean = digamma_of_counts(axis(x), axis(y), k, psi_table(k + more))

    assert mean == pytest.approx(plain_digamma_of_counts(x, y, k), rel=1e-12)


@pytest.mark.parametrize("shape", [np.array, np.exp, np.negative, lambda x: x**3])
@pytest.mark.parametrize("n", [5, 400])
def test_digamma_of_counts_where_one_column_is_a_function_of_the_other(shape, n):
    x = np.random.default_rng(n).normal(size=n)

    mean = digamma_of_counts(axis(x), axis(shape(x)), 3, psi_table(n))

    assert mean == pytest.approx(plain_digamma_of_counts(x, shape(x), 3), rel=1e-12)


def test_digamma_of_counts_of_points_that_are_all_the_same():
    # The radius is 0, and all n points lie within it on either axis.
    x = np.full(20, 0.3)

    assert digamma_of_counts(axis(x), axis(x), 3, psi_table(20)) == pytest.approx(2 * digamma(20), rel=1e-12)


def test_digamma_of_counts_does_not_depend_on_the_order_of_points_or_of_axes():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 300))
    order = rng.permutation(300)
    psi = psi_table(300)

    mean = digamma_of_counts(axis(x), axis(y), 3, psi)

    assert digamma_of_counts(axis(y), axis(x), 3, psi) == pytest.approx(mean, rel=1e-13)
    assert digamma_of_counts(axis(x[order]), axis(y[order]), 3, psi) == pytest.approx(mean, rel=1e-13)


@pytest.mark.parametrize("n", [300, 1500])
def test_digamma_of_counts_of_more_points(n):
    rng = np.random.default_rng(n)
    x = rng.normal(size=n)
    for y in (rng.normal(size=n), x + 0.1 * rng.normal(size=n), x + 1e-6 * rng.standard_cauchy(n)):
        mean = digamma_of_counts(axis(x), axis(y), 3, psi_table(n))
        assert mean == pytest.approx(plain_digamma_of_counts(x, y, 3), rel=1e-12)


LABELS = {
    "two alike": lambda n: np.arange(n) % 2,
    "one": lambda n: np.zeros(n, np.int64),
    "pairs": lambda n: np.arange(n) // 2,
    "rare": lambda n: np.where(np.arange(n) < 2, 0, 1),
    "of many sizes": lambda n: np.repeat(np.arange(5), [2, 3, 4, 11, n - 20]),
}


@pytest.mark.parametrize("k", [1, 3, 10])
@pytest.mark.parametrize("classes", LABELS)
@pytest.mark.parametrize("name", NAMES)
def test_digamma_of_classes_is_that_of_all_distances(name, classes, k):
    n = 60
    x, labels = columns(n)[name], np.random.default_rng(2).permutation(LABELS[classes](n))

    mean = digamma_of_classes(axis(x), labels, labels.max() + 1, k, psi_table(n))

    assert mean == pytest.approx(plain_digamma_of_classes(x, labels, k), rel=1e-12, abs=1e-12)


@pytest.mark.parametrize("k", [1, 3, 5, 50])
def test_digamma_of_classes_of_two_points(k):
    x = np.array([0.1, 0.7])

    # The only neighbour sets the radius, and nothing but the value itself is nearer.
    assert digamma_of_classes(axis(x), np.array([0, 0]), 1, k, psi_table(2)) == pytest.approx(digamma(2), rel=1e-12)
