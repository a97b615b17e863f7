"""DCI over batches: its options, names and refusals."""

import pytest
import torch

from metrics import DCI
from metrics.functional import dci


def computed(metric, latents, attributes):
    """What it gives for samples in batches."""
    for batch in torch.arange(len(latents)).split(50):
        metric.update(latents[batch], attributes[batch], batch)
    return metric.compute()


def test_values_go_by_the_names_of_attributes(reference):
    latents, attributes = reference.samples()
    names = ["brightness", "depth", "level"]
    metric = DCI(n_trees=5, attribute_names=names, prefix="val/")
    metric.update(latents, attributes, torch.arange(151))
    metric.update(latents[:20], attributes[:20], torch.arange(20))  # as a distributed sampler repeats samples

    values = metric.compute()

    scores = dci(latents, attributes, n_trees=5)
    assert list(values) == [
        "val/dci/disentanglement",
        *(f"val/dci/completeness/{name}" for name in names),
        *(f"val/dci/informativeness/{name}" for name in names),
        "val/dci/n_samples",
    ]
    expected = [scores.disentanglement.item(), *scores.completeness.tolist(), *scores.informativeness.tolist(), 151.0]
    assert [value.item() for value in values.values()] == expected
    assert all(type(value) is torch.Tensor and value.shape == () for value in values.values())


def test_without_names_values_go_by_numbers(reference):
    values = computed(DCI(n_trees=5), *reference.samples())

    assert set(values) == {
        "dci/disentanglement",
        *(f"dci/{kind}/{m}" for kind in ("completeness", "informativeness") for m in range(3)),
        "dci/n_samples",
    }


@pytest.mark.parametrize("options", [{"n_trees": 3}, {"seed": 7}, {"discrete": [False, False, True]}])
def test_options_reach_the_forests(options, reference):
    latents, attributes = reference.discrete_samples()
    options = {"n_trees": 5} | options

    values = reference.values_of(computed(DCI(**options), latents, attributes))

    scores = dci(latents, attributes, **options)
    assert [values[f"dci/informativeness/{m}"] for m in range(3)] == scores.informativeness.tolist()
    assert values["dci/disentanglement"] == scores.disentanglement.item()
    assert values != reference.values_of(computed(DCI(n_trees=5), latents, attributes))


def test_latents_that_are_the_attributes_score_high_and_their_mixture_low(reference):
    generator = torch.Generator().manual_seed(0)
    attributes = torch.randn(400, 3, generator=generator)
    own = reference.values_of(computed(DCI(n_trees=10), 2 * attributes.flip(1), attributes))
    rotation = torch.linalg.qr(torch.randn(3, 3, generator=generator)).Q
    mixed = reference.values_of(computed(DCI(n_trees=10), attributes @ rotation, attributes))

    assert min(own.values()) > 0.9
    assert mixed["dci/disentanglement"] < own["dci/disentanglement"] - 0.3
    assert max(mixed[f"dci/completeness/{m}"] for m in range(3)) < 0.8


def test_what_cannot_be_learnt_is_refused(reference):
    latents, attributes = reference.samples()
    with pytest.raises(ValueError, match=r"latents has shape \(151, 1\); expected two dimensions or more"):
        computed(DCI(), latents[:, :1], attributes[:, :1])
    with pytest.raises(ValueError, match="attributes has 1 column; expected two or more, since disentanglement"):
        computed(DCI(), latents, attributes[:, :1])
    with pytest.raises(ValueError, match="n_trees is 0; expected 1 or more"):
        computed(DCI(n_trees=0), latents, attributes)
    with pytest.raises(ValueError, match=r"attributes\[:, 0\] has the value .* but is declared discrete"):
        computed(DCI(discrete=True), latents, attributes)
    with pytest.raises(ValueError, match=r"attributes\[:, 2\] is constant in one half of the 151 samples"):
        computed(DCI(), latents, torch.cat([attributes[:, :2], (torch.arange(151) == 0).float()[:, None]], dim=1))
