"""SAP over batches: its options, names and refusals."""

import pytest
import torch
from sklearn.svm import LinearSVC

from metrics import SeparatedAttributePredictability

NAMES = ["brightness", "depth", "level"]


def computed(metric, latents, attributes):
    """What it gives for samples in batches."""
    for batch in torch.arange(len(latents)).split(50):
        metric.update(latents[batch], attributes[batch], batch)
    return metric.compute()


@pytest.mark.parametrize("dims", [[0, 1, 2], [2, 0, 3]])
def test_regularized_dims_may_be_any(dims, reference):
    values = computed(SeparatedAttributePredictability(regularized_dims=dims), *reference.samples())

    expected = reference.sap(*reference.samples(), dims)
    assert values.tolist() == pytest.approx(expected, abs=1e-9)
    assert dims == [0, 1, 2] or min(expected) < -0.1  # where another dimension predicts better


@pytest.mark.parametrize("dims", [None, [3, 1, 0]])
def test_attributes_may_be_classes(dims, reference):
    latents, attributes = reference.discrete_samples()
    metric = SeparatedAttributePredictability(discrete=[False, False, True], regularized_dims=dims)

    values = computed(metric, latents, attributes)

    classes = attributes[:, 2].long().numpy()
    columns = [column[:, None] for column in latents.double().numpy().T]
    accuracies = [LinearSVC(random_state=0).fit(column, classes).score(column, classes) for column in columns]
    own = accuracies.index(max(accuracies)) if dims is None else dims[2]
    gap = accuracies[own] - max(accuracy for d, accuracy in enumerate(accuracies) if d != own)
    assert values.tolist() == pytest.approx([*reference.sap(latents, attributes, dims)[:2], gap], abs=1e-9)


def test_values_go_by_the_names_of_attributes(reference):
    latents, attributes = reference.samples()
    metric = SeparatedAttributePredictability(attribute_names=NAMES, prefix="val/")
    metric.update(latents, attributes, torch.arange(151))
    metric.update(latents[:20], attributes[:20], torch.arange(20))  # as a distributed sampler repeats samples

    values = metric.compute()

    assert list(values) == [*(f"val/sap/{name}" for name in NAMES), "val/sap/n_samples"]
    assert [value.item() for value in values.values()] == pytest.approx(
        [*reference.sap(latents, attributes), 151.0], abs=1e-9
    )
    assert all(type(value) is torch.Tensor and value.shape == () for value in values.values())


def test_the_values_show_the_number_of_samples(reference):
    values = computed(SeparatedAttributePredictability(), *reference.samples())

    assert values.shape == (3,)
    assert repr(values).endswith("dtype=torch.float64, n_samples=151)")


def test_one_attribute_of_a_line_scores_the_part_that_the_next_dimension_does_not_predict(reference):
    # In float64: a line of float32 is one up to rounding, which is other noise on each processor.
    latents = reference.samples()[0].double()
    value = computed(SeparatedAttributePredictability(), latents[:, :2], 3.0 - 2.0 * latents[:, :1])

    correlation = torch.corrcoef(latents[:, :2].T)[0, 1].item()
    assert value.shape == ()
    assert value.item() == pytest.approx(1.0 - correlation**2, abs=1e-9)


def test_a_constant_dimension_predicts_nothing(reference):
    latents, attributes = reference.samples()
    beside_constant = torch.stack([latents[:, 0], torch.ones(151)], dim=1)
    value = computed(SeparatedAttributePredictability(), beside_constant, attributes[:, :1])

    correlation = torch.corrcoef(torch.stack([latents[:, 0], attributes[:, 0]]).double())[0, 1].item()
    assert value.item() == pytest.approx(correlation**2, abs=1e-9)


def test_what_cannot_be_compared_is_refused(reference):
    latents, attributes = reference.samples()
    make = SeparatedAttributePredictability
    with pytest.raises(ValueError, match=r"latents has shape \(151, 1\); expected two dimensions or more"):
        computed(make(), latents[:, :1], attributes[:, :1])
    with pytest.raises(ValueError, match="attributes has 3 columns and latents 2; expected a dimension for each"):
        computed(make(), latents[:, :2], attributes)
    with pytest.raises(ValueError, match=r"regularized_dims is \[0, 0, 1\]; expected each dimension once"):
        computed(make(regularized_dims=[0, 0, 1]), latents, attributes)
    with pytest.raises(ValueError, match=r"attributes\[:, 0\] has the value .* but is declared discrete"):
        computed(make(discrete=True), latents, attributes)
