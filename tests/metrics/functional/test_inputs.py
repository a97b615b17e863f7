from functools import partial

import numpy as np
import pytest
import torch

from metrics import functional
from metrics.functional import (
    conditional_entropy,
    dci,
    dependency_aware_latent_information_gap,
    dependency_aware_mutual_information_gap,
    dependency_blind_mutual_information_gap,
    entropy,
    modularity,
    monotonicity,
    mutual_information,
    mutual_information_gap,
    separated_attribute_predictability,
    smoothness,
    spearman_correlation,
)

MIG, DMIG = mutual_information_gap, dependency_aware_mutual_information_gap
XMIG, DLIG = dependency_blind_mutual_information_gap, dependency_aware_latent_information_gap
SAP, SCC, FEW_TREES = separated_attribute_predictability, spearman_correlation, partial(dci, n_trees=2)

OF_BOTH = {
    "mutual_information": mutual_information,
    "mig": MIG,
    "dmig": DMIG,
    "xmig": XMIG,
    "dlig": DLIG,
    "modularity": modularity,
    "sap": SAP,
    "scc": SCC,
    "dci": FEW_TREES,
}
OF_ATTRIBUTES = {"entropy": entropy, "conditional_entropy": conditional_entropy}
OF_TRAVERSALS = {"smoothness": smoothness, "monotonicity": monotonicity}
WITH_ESTIMATOR = [MIG, DMIG, XMIG, DLIG, modularity, mutual_information]
WITH_DIMENSIONS = [MIG, DMIG, XMIG, DLIG, SAP, SCC]
WITH_FLAGS = [*WITH_ESTIMATOR, SAP, FEW_TREES]


def name_of(function):
    return getattr(function, "__name__", "dci")


def whole_numbers(n=60):
    """Samples that every type of number can hold."""
    rng = np.random.default_rng(0)
    z = rng.integers(-4, 5, (n, 4))
    return z, np.clip(z[:, :2] + rng.integers(-1, 2, (n, 2)), -4, 4)


Z, A = whole_numbers(20)


def changed(array, place, value):
    array = array.astype(float)
    array[place] = value
    return array


def fields(result):
    return [field.as_subclass(torch.Tensor) for field in (result if isinstance(result, tuple) else (result,))]


def test_every_function_is_tested_here():
    tested = {function for table in (OF_BOTH, OF_ATTRIBUTES, OF_TRAVERSALS) for function in table.values()}

    names = {name_of(function) for function in tested}

    of_other_arguments = {"frechet_distance", "raw_pitch_accuracy"}
    of_embeddings = {"clip_frechet_distances", "extrapolated_frechet_distance", "kernel_distance"}
    of_embeddings |= {"linearised_frechet_distance"}
    pairs = {"equal_error_rate", "error_rate_of_draws"}
    readers = {"chance_level", "discriminate", "read_classes", "read_values", "swap_classification"}
    of_clips = {"bootstrap_interval", "macro_f1", "mean", "ratio_of_sums"}
    types = {"DCIScores", "Estimate", "Interval"}
    assert names | of_other_arguments | of_embeddings | pairs | readers | of_clips | types == set(functional.__all__)


SPREAD = {
    "array": lambda x: x.astype(np.float64),
    "list": lambda x: x.tolist(),
    "tuple": lambda x: tuple(map(tuple, x.tolist())),
    "array of integers": lambda x: x,
    "array of small integers": lambda x: x.astype(np.int8),
    "array of float32": lambda x: x.astype(np.float32),
    "array by columns": lambda x: np.asfortranarray(x.astype(np.float64)),
    "array read backwards": lambda x: x[::-1].copy()[::-1],
    "every other row": lambda x: np.repeat(x, 2, axis=0)[::2],
    "read-only array": lambda x: np.frombuffer(x.tobytes(), x.dtype).reshape(x.shape),
    "float64": lambda x: torch.tensor(x, dtype=torch.float64),
    "float32": lambda x: torch.tensor(x, dtype=torch.float32),
    "float16": lambda x: torch.tensor(x, dtype=torch.float16),
    "int64": lambda x: torch.tensor(x),
    "int32": lambda x: torch.tensor(x, dtype=torch.int32),
    "with gradient": lambda x: torch.tensor(x, dtype=torch.float64, requires_grad=True),
    "not contiguous": lambda x: torch.tensor(np.ascontiguousarray(x.T), dtype=torch.float64).T,
    "strided": lambda x: torch.tensor(x, dtype=torch.float64).repeat_interleave(3, dim=0)[::3],
    "expanded": lambda x: torch.tensor(x, dtype=torch.float64)[None].expand(2, *x.shape)[1],
}


@pytest.mark.parametrize("form", SPREAD)
@pytest.mark.parametrize("name", OF_BOTH)
def test_the_form_of_the_samples_does_not_matter(name, form):
    z, a = whole_numbers()
    expected = fields(OF_BOTH[name](torch.tensor(z).double(), torch.tensor(a).double()))

    values = fields(OF_BOTH[name](SPREAD[form](z), SPREAD[form](a)))

    for value, other in zip(values, expected, strict=True):
        assert value.numpy() == pytest.approx(other.numpy(), abs=1e-12)
        assert not value.requires_grad


@pytest.mark.parametrize("form", ["float32", "float64", "int64", "list"])
@pytest.mark.parametrize("name", OF_BOTH)
def test_results_are_of_double_precision(name, form):
    z, a = whole_numbers()

    values = fields(OF_BOTH[name](SPREAD[form](z), SPREAD[form](a)))

    assert [value.dtype for value in values] == [torch.float64] * len(values)


@pytest.mark.parametrize("form", SPREAD)
@pytest.mark.parametrize("name", OF_ATTRIBUTES)
def test_the_form_of_attributes_does_not_matter(name, form):
    _, a = whole_numbers()

    values = OF_ATTRIBUTES[name](SPREAD[form](a), discrete=[True, False])

    assert torch.equal(values, OF_ATTRIBUTES[name](torch.tensor(a).double(), discrete=[True, False]))
    assert not values.requires_grad


@pytest.mark.parametrize("form", SPREAD)
@pytest.mark.parametrize("name", OF_TRAVERSALS)
def test_the_form_of_traversals_does_not_matter(name, form):
    z = np.arange(7)[None].repeat(5, axis=0)
    a = np.random.default_rng(0).integers(0, 20, (5, 7))

    values = OF_TRAVERSALS[name](SPREAD[form](z), SPREAD[form](a))

    assert torch.equal(values, OF_TRAVERSALS[name](torch.tensor(z).double(), torch.tensor(a).double()))
    assert values.dtype == torch.float64
    assert not values.requires_grad


@pytest.mark.parametrize("of_latents", ["array", "list", "float32", "with gradient"])
def test_latents_and_attributes_may_have_different_forms(of_latents):
    z, a = whole_numbers()

    values = mutual_information(SPREAD[of_latents](z), SPREAD["array of integers"](a))

    assert torch.equal(values, mutual_information(z, a))


@pytest.mark.parametrize("form", ["array", "float64", "float32", "with gradient", "list"])
@pytest.mark.parametrize("name", OF_BOTH)
def test_samples_are_not_changed(name, form):
    z, a = whole_numbers()
    given = SPREAD[form](z), SPREAD[form](a)

    for discrete in (False, True):
        options = {} if name == "scc" else {"discrete": discrete}
        OF_BOTH[name](*given, **options)

    assert np.array_equal(torch.as_tensor(given[0]).detach().numpy(), z)
    assert np.array_equal(torch.as_tensor(given[1]).detach().numpy(), a)


@pytest.mark.parametrize("name", OF_TRAVERSALS)
def test_traversals_are_not_changed(name):
    z, a = torch.arange(7.0).double()[None], torch.arange(7.0).double()[None] ** 2

    OF_TRAVERSALS[name](z, a)

    assert torch.equal(z, torch.arange(7.0).double()[None])
    assert torch.equal(a, z**2)


@pytest.mark.parametrize("flags", [[True, False], (True, False), np.array([True, False]), torch.tensor([True, False])])
def test_the_form_of_flags_does_not_matter(flags):
    z, a = whole_numbers()

    assert torch.equal(
        mutual_information(z, a, discrete=flags), mutual_information(z, a, discrete=[np.True_, np.False_])
    )
    assert not torch.equal(mutual_information(z, a, discrete=flags), mutual_information(z, a))


@pytest.mark.parametrize("dims", [(3, 1), np.array([3, 1]), torch.tensor([3, 1])])
def test_the_form_of_dimensions_does_not_matter(dims):
    z, a = whole_numbers()

    for function in WITH_DIMENSIONS:
        assert torch.equal(function(z, a, regularized_dims=dims), function(z, a, regularized_dims=[3, 1]))


@pytest.mark.parametrize("name", OF_BOTH)
@pytest.mark.parametrize(
    ("z", "a", "message"),
    [
        (Z[:, 0], A, r"latents has shape \(20,\); expected \(N, columns\)"),
        (Z, A[:, 0], r"attributes has shape \(20,\); expected \(N, columns\)"),
        (Z[None], A, r"latents has shape \(1, 20, 4\); expected \(N, columns\)"),
        (Z[:0], A[:0], r"latents has shape \(0, 4\); expected \(N, columns\), none of them 0"),
        (Z, A[:, :0], r"attributes has shape \(20, 0\); expected \(N, columns\), none of them 0"),
        (3.0, A, r"latents has shape \(\); expected \(N, columns\)"),
        (None, A, r"latents.*expected \(N, columns\)"),
        (Z[:19], A, r"latents has shape \(19, 4\) and attributes \(20, 2\); expected as many rows in both"),
        (Z, A[1:], r"latents has shape \(20, 4\) and attributes \(19, 2\); expected as many rows in both"),
        (changed(Z, (3, 1), np.nan), A, r"latents is nan at \[3, 1\]; expected finite values"),
        (changed(Z, (19, 3), np.inf), A, r"latents is inf at \[19, 3\]; expected finite values"),
        (torch.tensor(changed(Z, (0, 0), -np.inf)), A, r"latents is -inf at \[0, 0\]; expected finite values"),
        (Z, changed(A, (7, 0), np.nan), r"attributes is nan at \[7, 0\]; expected finite values"),
        (Z, torch.tensor(changed(A, (0, 1), np.inf)), r"attributes is inf at \[0, 1\]; expected finite values"),
        (Z, changed(A, np.s_[:, 1], 0.5), r"attributes\[:, 1\] is 0.5 for every sample; expected .* that varies"),
        ([["low", "high"]] * 20, A, "latents cannot be read as an array of numbers .*'low'"),
        (Z, [["low", "high"]] * 20, "attributes cannot be read as an array of numbers .*'low'"),
        ([[0.0, 1.0], [2.0]], A, "latents cannot be read as an array of numbers"),
    ],
)
def test_unusable_samples_are_named(name, z, a, message):
    with pytest.raises(ValueError, match=message):
        OF_BOTH[name](z, a)


@pytest.mark.parametrize("name", OF_ATTRIBUTES)
@pytest.mark.parametrize(
    ("a", "message"),
    [
        (A[:, 0], r"^attributes has shape \(20,\); expected \(N, columns\)"),
        (changed(A, (3, 1), np.nan), r"^attributes is nan at \[3, 1\]; expected finite values"),
        ([["low", "high"]] * 20, "^attributes cannot be read as an array of numbers"),
        (changed(A, np.s_[:, 1], 0.5), r"^attributes\[:, 1\] is 0.5 for every sample; expected .* that varies"),
        (np.arange(6).reshape(3, 2), r"^attributes has 3 samples; expected 4 or more, which KSG\(n_neighbors=3"),
    ],
)
def test_unusable_attributes_are_named(name, a, message):
    with pytest.raises(ValueError, match=message):
        OF_ATTRIBUTES[name](a)


@pytest.mark.parametrize("function", [*WITH_FLAGS, entropy, conditional_entropy], ids=name_of)
@pytest.mark.parametrize(
    ("a", "discrete", "message"),
    [
        (A + 0.5, True, r"attributes\[:, 0\] has the value -?\d+\.5 but is declared discrete; expected whole numbers"),
        (changed(A, (4, 1), 2.25), [False, True], r"attributes\[:, 1\] has the value 2.25 but is declared discrete"),
        (
            changed(A, np.s_[:, 1], np.arange(20)),
            True,
            r"attributes\[:, 1\] .* another class for each of its 20 samples",
        ),
        (A, [True], "discrete has 1 values for 2 attributes; expected one bool, or one for each"),
        (A, [False] * 3, "discrete has 3 values for 2 attributes; expected one bool, or one for each"),
        (A, [], "discrete has 0 values for 2 attributes"),
    ],
)
def test_unusable_flags_are_named(function, a, discrete, message):
    arguments = (a,) if function in OF_ATTRIBUTES.values() else (Z, a)

    with pytest.raises(ValueError, match=message):
        function(*arguments, discrete=discrete)


@pytest.mark.parametrize("function", WITH_DIMENSIONS, ids=name_of)
@pytest.mark.parametrize(
    ("dims", "message"),
    [
        ([0], r"regularized_dims is \[0\]; expected 2 dimensions, one for each column of attributes"),
        ([0, 1, 2], r"regularized_dims is \[0, 1, 2\]; expected 2 dimensions"),
        ([], r"regularized_dims is \[\]; expected 2 dimensions"),
        ([1, 1], r"regularized_dims is \[1, 1\]; expected each dimension once"),
        ([0, 4], r"regularized_dims is \[0, 4\]; expected dimensions of latents, from 0 to 3"),
        ([-1, 0], r"regularized_dims is \[-1, 0\]; expected dimensions of latents, from 0 to 3"),
    ],
)
def test_unusable_dimensions_are_named(function, dims, message):
    with pytest.raises(ValueError, match=message):
        function(Z, A, regularized_dims=dims)


@pytest.mark.parametrize("function", WITH_DIMENSIONS, ids=name_of)
def test_more_attributes_than_dimensions(function):
    with pytest.raises(ValueError, match="attributes has 4 columns and latents 2; expected a dimension for each"):
        function(A, Z)


@pytest.mark.parametrize("function", [mutual_information, modularity, FEW_TREES], ids=name_of)
def test_more_attributes_than_dimensions_where_none_is_regularised(function):
    assert all(field.isfinite().all() for field in fields(function(A, Z)))


@pytest.mark.parametrize("function", [MIG, DMIG, SAP, FEW_TREES], ids=name_of)
def test_one_dimension_has_no_next(function):
    with pytest.raises(ValueError, match=r"latents has shape \(20, 1\); expected two dimensions or more"):
        function(Z[:, :1], A[:, :1])


@pytest.mark.parametrize("function", [DLIG, modularity, FEW_TREES], ids=name_of)
def test_one_attribute_has_no_next(function):
    with pytest.raises(ValueError, match="attributes has 1 column; expected two or more"):
        function(Z, A[:, :1])


@pytest.mark.parametrize("dims", [None, [1, 0]])
def test_xmig_without_a_free_dimension(dims):
    with pytest.raises(ValueError, match="latents has 2 dimensions, all of them regularised; expected one or more"):
        XMIG(Z[:, :2], A, regularized_dims=dims)


@pytest.mark.parametrize("function", WITH_ESTIMATOR, ids=name_of)
@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"estimator": "kraskov"}, "estimator is 'kraskov'; expected 'ksg', 'binned', or an object"),
        ({"n_neighbors": 0}, "n_neighbors is 0; expected a whole number of 1 or more"),
        ({"n_neighbors": -1}, "n_neighbors is -1; expected a whole number of 1 or more"),
        ({"n_neighbors": 20}, r"latents has 20 samples; expected 21 or more, which KSG\(n_neighbors=20"),
    ],
)
def test_unusable_estimators_are_named(function, options, message):
    with pytest.raises(ValueError, match=message):
        function(Z, A, **options)


@pytest.mark.parametrize("function", WITH_ESTIMATOR, ids=name_of)
def test_two_samples_more_than_neighbours(function):
    rng = np.random.default_rng(0)
    z = rng.normal(size=(20, 4))

    assert function(z, z[:, :2] + 0.1 * rng.normal(size=(20, 2)), n_neighbors=18).isfinite().all()


@pytest.mark.parametrize("function", WITH_ESTIMATOR, ids=name_of)
def test_fewer_samples_than_bins(function):
    with pytest.raises(ValueError, match=r"latents has 15 samples; expected 16 or more, which Binned\(n_bins=16\)"):
        function(Z[:15], A[:15], estimator="binned")
    assert function(Z[:16], A[:16], estimator="binned").isfinite().any()


@pytest.mark.parametrize(
    ("z", "a", "options", "message"),
    [
        (Z[:3], A[:3], {}, "latents has 3 samples; expected 4 or more, half of them to learn from"),
        (Z, A, {"n_trees": 0}, "n_trees is 0; expected 1 or more"),
        (Z, changed(A, np.s_[:, 1], np.eye(20)[0]), {}, r"attributes\[:, 1\] is constant in one half of the 20"),
    ],
)
def test_what_dci_cannot_learn_from_is_named(z, a, options, message):
    with pytest.raises(ValueError, match=message):
        dci(z, a, **options)
