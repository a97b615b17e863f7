from pathlib import Path

import numpy as np
import pytest

from metrics.functional import (
    dependency_aware_latent_information_gap,
    dependency_aware_mutual_information_gap,
    dependency_blind_mutual_information_gap,
    modularity,
    monotonicity,
    mutual_information,
    mutual_information_gap,
    separated_attribute_predictability,
    smoothness,
)

# Inputs and outputs of latte-metrics 0.0.1a6; see README.md.
REFERENCE = Path(__file__).with_name("latte_golden.npz")

INPUTS = ["z", "a", "discrete", "reg_dim"]
OF_DIMENSIONS = {
    "mig": mutual_information_gap,
    "dmig": dependency_aware_mutual_information_gap,
    "xmig": dependency_blind_mutual_information_gap,
    "dlig": dependency_aware_latent_information_gap,
}
OF_ALL = {
    "mi": mutual_information,
    "mig_unsupervised": mutual_information_gap,
    "sap": separated_attribute_predictability,
    "modularity": modularity,
}
OF_TRAVERSALS = {"smoothness": smoothness, "monotonicity": monotonicity}

# The reference has no XMIG where the regularised dimensions do not come first, since it indexes wrongly there.
KEYS = [
    *(f"{case}.{name}" for case in ("continuous", "continuous_large", "discrete") for name in OF_DIMENSIONS | OF_ALL),
    *(f"permuted.{name}" for name in OF_DIMENSIONS | OF_ALL if name != "xmig"),
    *(f"interpolation.{name}" for name in OF_TRAVERSALS),
]


@pytest.fixture(scope="module")
def reference():
    with np.load(REFERENCE) as file:
        return dict(file)


@pytest.mark.parametrize("key", KEYS)
def test_values_are_those_of_latte_metrics(reference, key):
    case, name = key.split(".")
    z, a = reference[f"{case}.z"], reference[f"{case}.a"]

    if name in OF_TRAVERSALS:
        values = OF_TRAVERSALS[name](z, a)
    else:
        discrete = bool(reference.get(f"{case}.discrete", False))
        dims = {"regularized_dims": reference[f"{case}.reg_dim"].tolist()} if name in OF_DIMENSIONS else {}
        values = (OF_DIMENSIONS | OF_ALL)[name](z, a, discrete=discrete, **dims)

    assert values.shape == reference[key].shape
    # In double precision other kernels move these values by 2e-15, and the reference adds up in another order.
    assert values.numpy() == pytest.approx(reference[key], abs=1e-6)


def test_every_output_of_the_reference_is_compared(reference):
    assert sorted(KEYS) == sorted(key for key in reference if key.split(".")[1] not in INPUTS)
    assert len(KEYS) == 33
    assert reference["permuted.reg_dim"].tolist() == [2, 0, 1]
    assert [key for key in reference if key.endswith(".discrete") and reference[key]] == ["discrete.discrete"]


def test_the_dimensions_named_matter_to_the_permuted_case(reference):
    z, a = reference["permuted.z"], reference["permuted.a"]

    values = mutual_information_gap(z, a, regularized_dims=[0, 1, 2])

    assert values.numpy() != pytest.approx(reference["permuted.mig"], abs=1e-2)
