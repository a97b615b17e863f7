"""MIG, DMIG, XMIG and DLIG over batches: their options, names and refusals."""

import pytest
import torch

from metrics import (
    KSG,
    Binned,
    DependencyAwareLatentInformationGap,
    DependencyAwareMutualInformationGap,
    DependencyBlindMutualInformationGap,
    MutualInformationGap,
)

GAPS = {
    "mig": MutualInformationGap,
    "dmig": DependencyAwareMutualInformationGap,
    "xmig": DependencyBlindMutualInformationGap,
    "dlig": DependencyAwareLatentInformationGap,
}
every_gap = pytest.mark.parametrize("gap", GAPS)


def computed(metric, latents, attributes):
    """What it gives for samples in two batches."""
    half = len(latents) // 2
    for rows in (slice(half), slice(half, None)):
        metric.update(latents[rows], attributes[rows], torch.arange(len(latents))[rows])
    return metric.compute()


@every_gap
@pytest.mark.parametrize("dims", [[0, 1, 2], [2, 0, 3], [3, 2, 1]])
def test_regularized_dims_may_be_any(gap, dims, reference):
    values = computed(GAPS[gap](regularized_dims=dims), *reference.samples())

    expected = getattr(reference, gap)(reference.tables(*reference.samples()), dims)
    assert values.tolist() == pytest.approx(expected, abs=1e-9)
    assert dims == [0, 1, 2] or min(expected) < -0.05  # where another dimension tells more


@every_gap
@pytest.mark.parametrize("k", [1, 5])
def test_the_number_of_neighbours_may_be_any(gap, k, reference):
    def pair(*columns):
        return reference.ksg(*columns, k=k)

    latents, attributes = reference.samples()
    expected = getattr(reference, gap)(reference.tables(latents, attributes, pair=pair))
    for metric in (GAPS[gap](n_neighbors=k), GAPS[gap](estimator=KSG(k))):
        values = computed(metric, latents, attributes)
        assert values.tolist() == pytest.approx(expected, abs=1e-9)
        assert f"estimator=KSG(n_neighbors={k}, seed=42), n_samples=151)" in repr(values)


@every_gap
@pytest.mark.parametrize(("estimator", "n_bins"), [("binned", 16), (Binned(n_bins=8), 8)])
def test_estimates_may_be_made_from_bins(gap, estimator, n_bins, reference):
    def pair(*columns):
        return reference.binned(*columns, n_bins=n_bins)

    latents, attributes = reference.samples(160)
    expected = getattr(reference, gap)(reference.tables(latents, attributes, pair=pair))
    names = ["brightness", "depth", "level"]

    vector = computed(GAPS[gap](estimator=estimator), latents, attributes)
    named = computed(GAPS[gap](estimator=estimator, attribute_names=names), latents, attributes)

    assert vector.tolist() == pytest.approx(expected, abs=1e-9)
    assert f"estimator=Binned(n_bins={n_bins}), n_samples=160)" in repr(vector)
    assert list(named) == [*(f"{gap}/{name}" for name in names), f"{gap}/n_binned-{n_bins}"]


@every_gap
@pytest.mark.parametrize("discrete", [[False, False, True], True])
def test_attributes_may_be_classes(gap, discrete, reference):
    latents, attributes = reference.discrete_samples()
    attributes = attributes.round().clamp(-1, 1) if discrete is True else attributes
    flags = [True] * 3 if discrete is True else discrete

    values = computed(GAPS[gap](discrete=discrete), latents, attributes)

    expected = getattr(reference, gap)(reference.tables(latents, attributes, flags))
    assert values.tolist() == pytest.approx(expected, abs=1e-9)
    continuous = computed(GAPS[gap](), latents, attributes)
    assert values[2].item() != pytest.approx(continuous[2].item(), abs=1e-3)


@every_gap
def test_values_go_by_the_names_of_attributes(gap, reference):
    latents, attributes = reference.samples()
    metric = GAPS[gap](attribute_names=("brightness", "depth", "level"), prefix="val/")
    metric.update(latents, attributes, torch.arange(151))
    metric.update(latents[:20], attributes[:20], torch.arange(20))  # as a distributed sampler repeats samples

    values = metric.compute()

    assert list(values) == [f"val/{gap}/{name}" for name in ("brightness", "depth", "level")] + [f"val/{gap}/n_ksg-k3"]
    expected = reference.TESTERS[gap].expected().values()
    assert [value.item() for value in values.values()] == pytest.approx([*expected, 151.0], abs=1e-9)
    assert all(type(value) is torch.Tensor and value.shape == () for value in values.values())


@every_gap
def test_the_values_show_what_they_were_estimated_with(gap, reference):
    values = computed(GAPS[gap](), *reference.samples())

    assert values.shape == (3,)
    assert values.dtype == torch.float64
    for shown in (values, values[1], values.mean(), values.clone(), next(iter(values))):
        assert repr(shown).endswith("dtype=torch.float64, estimator=KSG(n_neighbors=3, seed=42), n_samples=151)")


@every_gap
def test_a_single_attribute_gives_a_scalar(gap, reference):
    latents, attributes = reference.samples()
    if gap == "dlig":
        with pytest.raises(ValueError, match="attributes has 1 column; expected two or more"):
            computed(GAPS[gap](), latents, attributes[:, :1])
        return
    value = computed(GAPS[gap](), latents, attributes[:, :1])
    named = computed(GAPS[gap](attribute_names=["brightness"]), latents, attributes[:, :1])

    (expected,) = getattr(reference, gap)(reference.tables(latents, attributes[:, :1]))
    assert value.shape == ()
    assert value.item() == named[f"{gap}/brightness"].item() == pytest.approx(expected, abs=1e-9)


def test_perfect_latents_of_related_attributes_score_one_where_dependency_counts(reference):
    """Where z_i = 2 a_i the gap is all that the relation leaves, so that DMIG and DLIG are 1 and MIG is below."""
    _, attributes = reference.samples()
    values = {gap: computed(GAPS[gap](), 2 * attributes, attributes) for gap in ("mig", "dmig", "dlig")}

    assert values["dmig"].tolist() == pytest.approx([1.0] * 3, abs=1e-12)
    assert values["dlig"].tolist() == pytest.approx([1.0] * 3, abs=1e-12)
    assert values["mig"].min().item() < 0.9


@pytest.mark.parametrize("gap", ["dmig", "dlig"])
def test_where_another_attribute_determines_one_there_is_no_gap(gap, reference):
    _, attributes = reference.samples()
    copies = torch.stack([attributes[:, 0], attributes[:, 0], attributes[:, 2]], dim=1)

    values = computed(GAPS[gap](), copies, copies)

    assert values.isnan().tolist() == [True, True, False]


def test_a_dimension_is_needed_that_is_not_the_attributes_own(reference):
    latents, attributes = reference.samples()
    for gap in ("mig", "dmig"):
        with pytest.raises(ValueError, match=r"latents has shape \(151, 1\); expected two dimensions or more"):
            computed(GAPS[gap](), latents[:, :1], attributes[:, :1])
    with pytest.raises(ValueError, match="latents has 3 dimensions, all of them regularised"):
        computed(GAPS["xmig"](), latents[:, :3], attributes)


@every_gap
@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"regularized_dims": [0, 1]}, r"regularized_dims is \[0, 1\]; expected 3 dimensions"),
        ({"regularized_dims": [0, 1, 1]}, r"regularized_dims is \[0, 1, 1\]; expected each dimension once"),
        ({"regularized_dims": [0, 1, 4]}, r"regularized_dims is \[0, 1, 4\]; expected dimensions of latents, from 0"),
        ({"regularized_dims": [0, 1, -1]}, r"regularized_dims is \[0, 1, -1\]; expected dimensions of latents"),
        ({"discrete": [True]}, "discrete has 1 values for 3 attributes"),
        ({"discrete": [False, True, False]}, r"attributes\[:, 1\] has the value .* but is declared discrete"),
    ],
)
def test_options_that_do_not_fit_the_samples_are_refused(gap, options, words, reference):
    with pytest.raises(ValueError, match=words):
        computed(GAPS[gap](**options), *reference.samples())


@every_gap
def test_samples_that_cannot_be_measured_are_refused(gap, reference):
    latents, attributes = reference.samples()
    with pytest.raises(ValueError, match="attributes has 3 columns and latents 2; expected a dimension for each"):
        computed(GAPS[gap](), latents[:, :2], attributes)
    constant = torch.stack([attributes[:, 0], torch.full((151,), 0.5), attributes[:, 2]], dim=1)
    with pytest.raises(ValueError, match=r"attributes\[:, 1\] is 0.5 for every sample; expected an attribute that"):
        computed(GAPS[gap](), latents, constant)
