import numpy as np
import pytest
import torch
from sklearn.linear_model import LinearRegression
from sklearn.svm import LinearSVC

from metrics.functional import separated_attribute_predictability


def samples(n=150):
    rng = np.random.default_rng(0)
    z = rng.normal(size=(n, 4)) * [1.0, 2.0, 0.5, 1.0] + [0.0, 3.0, 0.0, -1.0]
    a = z[:, [0, 2, 1]] + z[:, [1, 3, 0]] * [0.3, 0.2, -0.5] + 0.3 * rng.normal(size=(n, 3))
    return z, a


def scores(z, a, discrete):
    """By scikit-learn, one dimension and one attribute at a time, of shape (D, M)."""
    table = np.zeros((z.shape[1], a.shape[1]))
    for m, is_discrete in enumerate(discrete):
        for d in range(z.shape[1]):
            model = LinearSVC(C=1.0, random_state=0) if is_discrete else LinearRegression()
            table[d, m] = model.fit(z[:, [d]], a[:, m]).score(z[:, [d]], a[:, m])
    return table


def plain_gaps(table, dims):
    gaps = []
    for m in range(table.shape[1]):
        own = table[:, m].argmax() if dims is None else dims[m]
        gaps.append(table[own, m] - max(score for d, score in enumerate(table[:, m]) if d != own))
    return gaps


@pytest.mark.parametrize("dims", [None, [0, 1, 2], [3, 0, 1]])
@pytest.mark.parametrize("discrete", [[False] * 3, [True] * 3, [True, False, True]])
def test_gaps_between_the_scores_of_scikit_learn(discrete, dims):
    z, a = samples()
    a = np.where(discrete, np.digitize(a, [-0.5, 0.8, 3.0]), a)

    values = separated_attribute_predictability(z, a, regularized_dims=dims, discrete=discrete)

    assert values.numpy() == pytest.approx(plain_gaps(scores(z, a, discrete), dims), abs=1e-9)
    assert values.dtype == torch.float64
    assert values.made_with == {"n_samples": 150}
    if dims is None:
        assert (values >= 0).all()
    elif dims == [3, 0, 1]:
        assert (values < 0).any()


@pytest.mark.parametrize("of", ["latents", "attributes"])
@pytest.mark.parametrize(("factor", "offset"), [(1e-6, 0.0), (1e6, 0.0), (-3.0, 1e3), (1.0, 1e6), (1e-14, 0.0)])
def test_scale_and_offset_do_not_matter(factor, offset, of):
    z, a = samples()
    expected = plain_gaps(scores(z, a, [False] * 3), None)

    moved = (factor * z + offset, a) if of == "latents" else (z, factor * a + offset)

    assert separated_attribute_predictability(*moved).numpy() == pytest.approx(expected, abs=1e-8)


@pytest.mark.parametrize("value", [0.0, 0.1, 1e6])
def test_a_constant_dimension_predicts_nothing(value):
    z, a = samples()
    z[:, 1:] = value

    values = separated_attribute_predictability(z, a, regularized_dims=[0, 1, 2])

    expected = scores(z, a, [False] * 3)[0] * [1, -1, -1]
    assert values.numpy() == pytest.approx(expected, abs=1e-12)


def test_a_constant_dimension_predicts_the_most_frequent_class():
    z = np.array([[-1.0, 0.0], [-1.1, 0.0], [1.0, 0.0], [1.1, 0.0], [1.2, 0.0], [0.9, 0.0]])
    a = (z[:, :1] > 0).astype(int)

    values = separated_attribute_predictability(z, a, discrete=True)

    assert values.item() == pytest.approx(1 - 4 / 6, abs=1e-12)


def test_known_gaps():
    rng = np.random.default_rng(0)
    z = np.linalg.qr(np.concatenate([np.ones((100, 1)), rng.normal(size=(100, 3))], axis=1))[0][:, 1:]

    # Columns that are not correlated at all, so that R² is each one's share of the variance.
    values = separated_attribute_predictability(z, z @ [[1.0, 3.0], [0.0, 4.0], [0.0, 0.0]])

    assert values.numpy() == pytest.approx([1.0, (16 - 9) / 25], abs=1e-12)
