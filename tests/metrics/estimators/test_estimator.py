import pytest
import torch

from metrics.estimators import KSG, Binned, estimator_named


def test_names():
    assert estimator_named("ksg") == KSG(3)
    assert estimator_named("ksg", n_neighbors=7) == KSG(7)
    assert estimator_named("binned", n_neighbors=7) == Binned(16)


@pytest.mark.parametrize("estimator", [KSG(5, seed=1), Binned(32)])
def test_an_estimator_stays_what_it_is(estimator):
    assert estimator_named(estimator, n_neighbors=7) is estimator


@pytest.mark.parametrize("name", ["KSG", "histogram", ""])
def test_an_unknown_name_lists_the_known(name):
    with pytest.raises(ValueError, match=rf"estimator is '{name}'; expected 'ksg', 'binned', or an object like Binned"):
        estimator_named(name)


def test_a_name_with_no_neighbours():
    with pytest.raises(ValueError, match="n_neighbors is 0; expected a whole number of 1 or more"):
        estimator_named("ksg", n_neighbors=0)


@pytest.mark.parametrize("estimator", [KSG(), KSG(1), Binned(), Binned(4)])
def test_each_estimator_gives_all_pairs_from_its_fewest_samples(estimator):
    z = torch.randn(estimator.min_samples, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))

    values = estimator.information(z, z[:, :2], [False, False])

    assert values.shape == (3, 2)
    assert values.dtype == torch.float64
    assert (values >= 0).all()
    assert values.isfinite().all()


@pytest.mark.parametrize("estimator", [KSG(), Binned()])
def test_estimating_twice_gives_the_same_and_leaves_the_samples(estimator):
    z = torch.randn(100, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))
    copy = z.clone()

    values = [estimator.information(z, z[:, :2], [False, False]) for _ in range(2)]

    assert torch.equal(values[0], values[1])
    assert torch.equal(z, copy)
