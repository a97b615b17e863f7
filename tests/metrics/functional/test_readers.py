"""Readers on classes and values that are laid out by directions, otherwise, or not at all."""

import warnings

import numpy as np
import pytest
import torch
from sklearn.dummy import DummyClassifier
from sklearn.linear_model import LinearRegression, LogisticRegression
from sklearn.metrics import accuracy_score, f1_score, r2_score

from metrics.functional import chance_level, read_classes, read_values

READERS = ["linear", "nonlinear"]
N = 800


def vectors(n=1200, dim=8, seed=0):
    return np.random.default_rng(seed).normal(size=(n, dim))


def score(x, y, **options):
    return np.mean(read_classes(x[:N], y[:N], x[N:], **options).numpy() == y[N:])


@pytest.mark.parametrize("reader", READERS)
def test_classes_by_direction_are_read_by_both(reader):
    x = vectors()
    y = 10 * (x[:, :3].argmax(axis=1) + 1)

    assert score(100.0 + 1e-3 * x, y, reader=reader) > 0.9


def test_classes_by_distance_are_read_by_the_nonlinear_one_only():
    x = vectors()
    y = (np.sum(x[:, :2] ** 2, axis=1) > 1.4).astype(int)

    assert score(x, y, reader="linear") < 0.6
    assert score(x, y, reader="nonlinear") > 0.85


@pytest.mark.parametrize("reader", READERS)
def test_classes_without_relation_are_at_chance(reader):
    x, y = vectors(), np.random.default_rng(1).choice(4, 1200, p=[0.4, 0.3, 0.2, 0.1])

    assert score(x, y, reader=reader) == pytest.approx(0.35, abs=0.1)
    assert score(x, y, reader=reader) < chance_level(y[:N], y[N:]).accuracy + 0.05


def test_the_linear_reader_is_a_logistic_regression_of_standardised_vectors():
    x = vectors() @ np.diag(np.logspace(-3, 3, 8))
    y = np.random.default_rng(0).integers(3, size=1200) + (x[:, 0] > 0)
    mean, deviation = x[:N].mean(axis=0), x[:N].std(axis=0)

    expected = (
        LogisticRegression(max_iter=1000).fit((x[:N] - mean) / deviation, y[:N]).predict((x[N:] - mean) / deviation)
    )

    assert read_classes(x[:N], y[:N], x[N:]).tolist() == expected.tolist()


@pytest.mark.parametrize("shape", [(), (1,), (5,)])
@pytest.mark.parametrize("reader", READERS)
def test_linear_values_are_read_by_both(reader, shape):
    x = vectors()
    y = 440.0 + np.tensordot(x, np.random.default_rng(1).normal(size=(8, *shape)), axes=1)

    predicted = read_values(x[:N], y[:N], x[N:], reader=reader)

    assert predicted.dtype == torch.float64
    assert predicted.shape == y[N:].shape
    expected = LinearRegression().fit(x[:N], y[:N]).predict(x[N:])
    assert r2_score(y[N:], predicted.numpy()) > 0.95
    assert r2_score(y[N:], expected) > 0.999


def test_contours_by_magnitude_are_read_by_the_nonlinear_one_only():
    x = vectors()
    y = np.abs(x[:, :1]) * np.linspace(1.0, 3.0, 20) + 0.1 * vectors(dim=20, seed=2)

    scores = [r2_score(y[N:], read_values(x[:N], y[:N], x[N:], reader=reader).numpy()) for reader in READERS]

    assert scores[0] < 0.1
    assert scores[1] > 0.8


@pytest.mark.parametrize("reader", READERS)
def test_values_without_relation_are_at_chance(reader):
    x, y = vectors(), vectors(dim=10, seed=1)

    assert r2_score(y[N:], read_values(x[:N], y[:N], x[N:], reader=reader).numpy()) == pytest.approx(0.0, abs=0.1)


@pytest.mark.parametrize("reader", READERS)
@pytest.mark.parametrize("value", [0.0, 0.1, 1e9])
def test_collapsed_vectors_are_at_chance(reader, value):
    x, y = np.full((60, 4), value), np.arange(60) % 3 + (np.arange(60) > 50)
    y[:40] = np.where(np.arange(40) < 25, 7, y[:40])
    values = vectors(60, 5)

    assert read_classes(x[:40], y[:40], x[40:], reader=reader).tolist() == [7] * 20
    predicted = read_values(x[:40], values[:40], x[40:], reader=reader)
    assert predicted.numpy() == pytest.approx(np.tile(values[:40].mean(axis=0), (20, 1)))


@pytest.mark.parametrize("reader", READERS)
def test_a_dimension_that_only_the_read_vectors_use_does_not_disturb(reader):
    x = vectors()
    y = (x[:, 0] > 0).astype(int)
    x[:, 5] = 0.1
    x[N:, 5] = 1e6 * np.random.default_rng(0).normal(size=400)

    assert score(x, y, reader=reader) > 0.9


@pytest.mark.parametrize("reader", READERS)
def test_one_class_constant_values_and_single_clips_are_read_as_they_are(reader):
    x = vectors(30)

    assert read_classes(x, np.full(30, 5), x[:2], reader=reader).tolist() == [5, 5]
    assert read_values(x, np.full((30, 2), 0.1), x[:2], reader=reader).numpy() == pytest.approx(np.full((2, 2), 0.1))
    assert read_classes(x[:1], [4], x[:2], reader=reader).tolist() == [4, 4]
    assert read_values(x[:1], [4.0], x[:2], reader=reader).tolist() == [4.0, 4.0]
    assert read_classes(x[:2], [4, 9], x[:2], reader=reader).shape == (2,)
    assert read_values(x[:2], [4.0, 9.0], x[:2], reader=reader).isfinite().all()


@pytest.mark.parametrize("reader", READERS)
def test_classes_of_single_clips_do_not_fail(reader):
    """With a held-out part that has fewer clips than there are classes."""
    x = vectors(60)

    predicted = read_classes(x, np.arange(60) // 2 + (np.arange(60) == 59), x, reader=reader)

    assert set(predicted.tolist()) <= set(range(31))


def test_convergence_warnings_are_not_shown():
    x, y = vectors(200), np.random.default_rng(0).integers(5, size=200)

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        for reader in READERS:
            read_classes(1e3 * x, y, x, reader=reader)
            read_values(1e3 * x, y, x, reader=reader)


def test_the_seed_decides_and_nothing_else():
    x = vectors(300)
    y, values = np.random.default_rng(0).integers(5, size=300), vectors(300, 2, seed=1)

    def read(seed):
        options = {"reader": "nonlinear", "seed": seed}
        return read_classes(x[:200], y[:200], x, **options), read_values(x[:200], values[:200], x, **options)

    first = read(1)
    np.random.seed(5)
    torch.manual_seed(5)
    again, other = read(1), read(2)

    assert all(map(torch.equal, first, again))
    assert not any(map(torch.equal, first, other))


def test_tensors_arrays_and_lists_read_alike():
    x, y = vectors(200), np.random.default_rng(0).integers(5, size=200)

    for given in ((torch.tensor(x).requires_grad_(), torch.tensor(y)), (x.tolist(), y.tolist())):
        assert torch.equal(read_classes(*given, x), read_classes(x, y, x))
        assert torch.equal(read_values(*given, x), read_values(x, y, x))


def test_chance_is_the_better_of_two_guesses():
    rng = np.random.default_rng(0)
    train_y, y = (rng.choice([2, 3, 8, 9], 20_000, p=p) for p in ([0.4, 0.3, 0.2, 0.1], [0.3, 0.3, 0.2, 0.2]))
    guesses = [
        DummyClassifier(strategy=strategy, random_state=0).fit(train_y, train_y).predict(y)
        for strategy in ("most_frequent", "stratified")
    ]

    level = chance_level(train_y, y)

    assert level.accuracy == pytest.approx(max(accuracy_score(y, guess) for guess in guesses), abs=1e-12)
    macro = [f1_score(y, guess, average="macro", zero_division=0) for guess in guesses]
    assert level.macro_f1 == pytest.approx(max(macro), abs=0.01)


def test_chance_of_balanced_and_of_single_classes():
    assert chance_level(np.arange(120) % 12, np.arange(60) % 12) == pytest.approx((1 / 12, 1 / 12))
    assert chance_level([3, 3, 3], [3, 3]) == (1.0, 1.0)
    assert chance_level([3, 3, 3], [4, 4]) == (0.0, 0.0)


X = np.zeros((4, 2))


@pytest.mark.parametrize("read", [read_classes, read_values])
@pytest.mark.parametrize(
    ("given", "options", "message"),
    [
        (
            (X, np.zeros(4), np.zeros((4, 3))),
            {},
            "train_embeddings has 2 dimensions and embeddings 3; expected the same",
        ),
        ((X[0], np.zeros(4), X), {}, r"train_embeddings has shape \(2,\)"),
        ((X, np.zeros(4), X * np.nan), {}, r"embeddings is nan at \[0, 0\]"),
        (
            (X, np.zeros(3), X),
            {},
            "train_(labels has shape .3,.; expected .4,|embeddings has 4 rows and train_values 3)",
        ),
        ((X, np.zeros(4), X), {"reader": "tree"}, "reader is 'tree'; expected linear or nonlinear"),
    ],
)
def test_unusable_inputs_are_named(read, given, options, message):
    with pytest.raises(ValueError, match=message):
        read(*given, **options)


def test_labels_that_are_not_whole_are_named():
    with pytest.raises(ValueError, match=r"train_labels has the value 0.5; expected whole numbers"):
        read_classes(X, [0, 1, 0.5, 1], X)
