import numpy as np
import pytest
import torch
from scipy.stats import entropy
from sklearn.ensemble import RandomForestClassifier, RandomForestRegressor

from metrics.functional import dci


def samples(n=240):
    rng = np.random.default_rng(0)
    z = rng.normal(size=(n, 4))
    a = np.stack([z[:, 2], z[:, 0] + 0.5 * z[:, 1], z[:, 0] * z[:, 3]], axis=1) + 0.1 * rng.normal(size=(n, 3))
    return z, a


def own_forests(z, a, discrete, n_trees, seed):
    """What forests score on the half that they have not learnt, and their importances (D, M)."""
    order = np.random.default_rng(seed).permutation(len(z))
    learnt, held_out = order[: len(z) // 2], order[len(z) // 2 :]
    scores, importances = [], []
    for column, is_discrete in zip(a.T, discrete, strict=True):
        forest = (RandomForestClassifier if is_discrete else RandomForestRegressor)(n_trees, random_state=seed)
        forest.fit(z[learnt], column[learnt])
        predicted = forest.predict(z[held_out])
        if is_discrete:
            scores.append(np.mean(predicted == column[held_out]))
        else:
            error = np.mean((predicted - column[held_out]) ** 2)
            scores.append(1 - error / np.var(column[held_out]))
        importances.append(forest.feature_importances_)
    return scores, np.stack(importances, axis=1)


@pytest.mark.parametrize("seed", [0, 3])
@pytest.mark.parametrize("discrete", [[False] * 3, [True] * 3, [False, True, False]])
def test_forests_and_entropies_of_their_importance(discrete, seed):
    z, a = samples()
    a = np.where(discrete, np.digitize(a, [-0.4, 0.7]), a)

    result = dci(z, a, discrete=discrete, n_trees=8, seed=seed)

    scores, importance = own_forests(z, a, discrete, n_trees=8, seed=seed)
    assert result.informativeness.numpy() == pytest.approx(scores, abs=1e-12)
    assert result.importance.numpy() == pytest.approx(importance, abs=1e-12)
    assert result.importance.sum(dim=0).numpy() == pytest.approx(np.ones(3), abs=1e-12)
    of_dims = 1 - entropy(importance, axis=1, base=3)
    weights = importance.sum(axis=1) / importance.sum()
    assert result.disentanglement.item() == pytest.approx(np.sum(weights * of_dims), abs=1e-12)
    assert result.completeness.numpy() == pytest.approx(1 - entropy(importance, axis=0, base=4), abs=1e-12)


def test_reordered_attributes_are_disentangled_complete_and_informative():
    z, _ = samples(600)

    result = dci(z, z[:, [2, 0, 3, 1]], n_trees=20)

    assert result.disentanglement > 0.95
    assert (result.completeness > 0.95).all()
    assert (result.informativeness > 0.95).all()
    assert result.importance.argmax(dim=0).tolist() == [2, 0, 3, 1]


def test_attributes_of_one_dimension_are_complete_but_not_disentangled():
    z, _ = samples(400)
    a = np.stack([z[:, 1], z[:, 1] ** 3, np.tanh(z[:, 1])], axis=1)

    result = dci(z, a, n_trees=20)

    assert result.disentanglement < 0.1
    assert (result.completeness > 0.9).all()
    assert (result.informativeness > 0.9).all()


def test_attributes_of_several_dimensions_are_disentangled_but_not_complete():
    z, _ = samples(600)
    a = np.stack([z[:, 0] + z[:, 1], z[:, 2] + z[:, 3]], axis=1)

    result = dci(z, a, n_trees=20)

    assert result.disentanglement > 0.6
    assert result.completeness.numpy() == pytest.approx([0.5, 0.5], abs=0.15)  # two of four dimensions: log 2 / log 4


def test_attributes_without_relation_are_not_informed_of():
    rng = np.random.default_rng(0)

    result = dci(rng.normal(size=(400, 3)), rng.normal(size=(400, 2)), n_trees=20)

    assert (result.informativeness < 0.1).all()
    assert (result.completeness < 0.1).all()
    assert result.disentanglement < 0.1


def test_a_constant_dimension_does_not_matter():
    z, a = samples()
    z[:, 3] = 0.1

    result = dci(z, a, n_trees=8)

    assert (result.importance[3] == 0).all()
    assert result.disentanglement.isfinite()
    assert result.completeness.isfinite().all()


def test_nothing_is_disentangled_where_all_dimensions_have_collapsed():
    _, a = samples()

    result = dci(np.zeros((240, 3)), a, n_trees=4)

    assert result.completeness.numpy() == pytest.approx(np.zeros(3), abs=1e-12)
    assert (result.informativeness <= 0).all()
    assert result.disentanglement.item() == pytest.approx(0.0, abs=1e-12)


def test_the_seed_decides():
    z, a = samples()

    first, again, other = (dci(z, a, n_trees=4, seed=seed) for seed in (0, 0, 1))

    for name in first._fields:
        assert torch.equal(getattr(first, name), getattr(again, name))
        assert not torch.equal(getattr(first, name), getattr(other, name))


def test_the_state_of_other_generators_does_not_matter():
    z, a = samples()
    first = dci(z, a, n_trees=4)

    np.random.seed(5)
    torch.manual_seed(5)

    assert torch.equal(dci(z, a, n_trees=4).importance, first.importance)


def test_results_show_what_they_were_made_with():
    z, a = samples()

    result = dci(z, a, n_trees=4, seed=2)

    shapes = {"disentanglement": (), "completeness": (3,), "informativeness": (3,), "importance": (4, 3)}
    for name, shape in shapes.items():
        value = getattr(result, name)
        assert value.shape == shape
        assert value.dtype == torch.float64
        assert value.made_with == {"n_trees": 4, "seed": 2, "n_samples": 240}


def test_more_attributes_than_dimensions_are_welcome():
    z, a = samples()

    assert dci(z[:, :2], a, n_trees=4).importance.shape == (2, 3)
