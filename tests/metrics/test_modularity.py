"""Modularity over batches: its options and refusals."""

import pytest
import torch

from metrics import Binned, Modularity


def computed(metric, latents, attributes):
    """What it gives for samples in batches."""
    for batch in torch.arange(len(latents)).split(50):
        metric.update(latents[batch], attributes[batch], batch)
    return metric.compute()


def test_the_mean_over_dimensions_may_be_asked_for(reference):
    vector = computed(Modularity(reduction="none"), *reference.samples())
    mean = computed(Modularity(reduction="mean"), *reference.samples())

    expected = reference.modularity(reference.tables(*reference.samples()))
    assert vector.tolist() == pytest.approx(expected, abs=1e-9)
    assert vector.shape == (4,)  # of dimensions, not of attributes
    assert mean.shape == ()
    assert mean.item() == pytest.approx(sum(expected) / 4, abs=1e-9)


def test_the_values_show_what_they_were_estimated_with(reference):
    for reduction in ("none", "mean"):
        value = computed(Modularity(reduction=reduction, n_neighbors=5), *reference.samples())
        assert repr(value).endswith("dtype=torch.float64, estimator=KSG(n_neighbors=5, seed=42), n_samples=151)")
    value = computed(Modularity(estimator=Binned(n_bins=8)), *reference.samples())
    assert repr(value).endswith("estimator=Binned(n_bins=8), n_samples=151)")


@pytest.mark.parametrize("k", [1, 5])
def test_the_number_of_neighbours_may_be_any(k, reference):
    values = computed(Modularity(n_neighbors=k), *reference.samples())

    tables = reference.tables(*reference.samples(), pair=lambda *columns: reference.ksg(*columns, k=k))
    assert values.tolist() == pytest.approx(reference.modularity(tables), abs=1e-9)


@pytest.mark.parametrize(("estimator", "n_bins"), [("binned", 16), (Binned(n_bins=8), 8)])
def test_estimates_may_be_made_from_bins(estimator, n_bins, reference):
    values = computed(Modularity(estimator=estimator), *reference.samples(160))

    tables = reference.tables(*reference.samples(160), pair=lambda *columns: reference.binned(*columns, n_bins=n_bins))
    assert values.tolist() == pytest.approx(reference.modularity(tables), abs=1e-9)


def test_attributes_may_be_classes(reference):
    flags = [False, False, True]
    values = computed(Modularity(discrete=flags), *reference.discrete_samples())

    expected = reference.modularity(reference.tables(*reference.discrete_samples(), flags))
    assert values.tolist() == pytest.approx(expected, abs=1e-9)
    assert values.tolist() != pytest.approx(computed(Modularity(), *reference.discrete_samples()).tolist(), abs=1e-6)


def test_a_constant_dimension_is_not_modular(reference):
    latents, attributes = reference.samples()
    values = computed(Modularity(), torch.cat([latents, torch.ones(151, 1)], dim=1), attributes)

    expected = reference.modularity(reference.tables(latents, attributes))
    assert values.tolist() == pytest.approx([*expected, 0.0], abs=1e-9)


def test_more_attributes_than_dimensions_may_be_compared(reference):
    latents, attributes = reference.samples()
    values = computed(Modularity(), latents[:, :2], attributes)

    assert values.tolist() == pytest.approx(
        reference.modularity(reference.tables(latents[:, :2], attributes)), abs=1e-9
    )


def test_what_cannot_be_compared_is_refused(reference):
    latents, attributes = reference.samples()
    with pytest.raises(ValueError, match="attributes has 1 column; expected two or more, since modularity compares"):
        computed(Modularity(), latents, attributes[:, :1])
    with pytest.raises(ValueError, match="discrete has 2 values for 3 attributes"):
        computed(Modularity(discrete=[True, False]), latents, attributes)
    with pytest.raises(ValueError, match="reduction is 'sum'; expected 'none' or 'mean'"):
        Modularity(reduction="sum")
