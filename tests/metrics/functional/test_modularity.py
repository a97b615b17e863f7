import numpy as np
import pytest
import torch

from metrics.estimators import KSG, Binned
from metrics.functional import modularity, mutual_information
from metrics.functional.modularity import modularity_of


def plain_modularity(information):
    """Of Ridgeway & Mozer: the squared distance from a row that has its largest value only."""
    scores = []
    for row in information:
        best = max(range(len(row)), key=lambda m: row[m])
        if row[best] == 0.0:
            scores.append(0.0)
            continue
        template = [row[best] if m == best else 0.0 for m in range(len(row))]
        distance = sum((value - ideal) ** 2 for value, ideal in zip(row, template, strict=True))
        scores.append(1.0 - distance / (row[best] ** 2 * (len(row) - 1)))
    return scores


def related(n=400):
    rng = np.random.default_rng(0)
    a = rng.normal(size=(n, 3))
    return a @ rng.normal(size=(3, 6)) + 0.3 * rng.normal(size=(n, 6)), a


@pytest.mark.parametrize("discrete", [False, True, [True, False, True]])
@pytest.mark.parametrize("estimator", [KSG(), KSG(7), Binned(), Binned(4)])
def test_modularity_is_that_of_plain_loops(estimator, discrete):
    z, a = related()
    a = np.where(np.broadcast_to(discrete, 3), np.digitize(a, [-0.6, 0.6]), a)
    information = mutual_information(z, a, discrete=discrete, estimator=estimator).tolist()

    scores = modularity(z, a, discrete=discrete, estimator=estimator)

    assert scores.numpy() == pytest.approx(plain_modularity(information), abs=1e-12)
    assert scores.dtype == torch.float64
    assert scores.made_with == {"estimator": estimator, "n_samples": 400}
    assert ((scores > 0) & (scores < 1)).all()


def test_n_neighbors_is_that_of_the_named_estimator():
    z, a = related()

    assert torch.equal(modularity(z, a, n_neighbors=7), modularity(z, a, estimator=KSG(7)))


@pytest.mark.parametrize(
    ("row", "score"),
    [
        ([0.7, 0.0, 0.0], 1.0),
        ([0.7, 0.7, 0.7], 0.0),
        ([0.5, 0.5, 0.0], 0.5),
        ([0.1, 0.2, 0.0], 1 - 0.25 / 2),
        ([0.0, 0.0, 0.0], 0.0),
        ([1e-9, 0.0, 0.0], 1.0),
    ],
)
def test_known_rows(row, score):
    assert modularity_of(torch.tensor([row], dtype=torch.float64)).item() == pytest.approx(score, abs=1e-12)


def test_a_dimension_of_one_attribute_is_modular_and_one_of_all_is_not():
    a = np.random.default_rng(0).normal(size=(2000, 2))
    z = np.concatenate([a, a.sum(axis=1, keepdims=True), np.zeros((2000, 1))], axis=1)

    scores = modularity(z, a)

    assert scores[:2].numpy() == pytest.approx([1.0, 1.0], abs=0.01)
    assert scores[2] < 0.3
    assert scores[3] == 0.0


def test_more_attributes_than_dimensions_are_welcome():
    _, a = related()

    assert modularity(a[:, :1], a).numpy() == pytest.approx([1.0], abs=0.01)
