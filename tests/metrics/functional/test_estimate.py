import copy
import pickle

import numpy as np
import pytest
import torch

from metrics.estimators import KSG, Binned
from metrics.functional import Estimate, entropy, monotonicity, mutual_information, spearman_correlation

MADE_WITH = {"estimator": "ksg-k3", "n_samples": 500}
SHOWN = "estimator=ksg-k3, n_samples=500)"


def estimate():
    return Estimate.of(torch.tensor([[0.25, 0.5, 0.75], [1.0, 2.0, 0.125]]), **MADE_WITH)


def test_an_estimate_is_a_tensor():
    values = estimate()

    assert isinstance(values, torch.Tensor)
    assert isinstance(values, Estimate)
    assert values.made_with == MADE_WITH
    assert values.tolist() == [[0.25, 0.5, 0.75], [1.0, 2.0, 0.125]]
    assert np.array_equal(values.numpy(), [[0.25, 0.5, 0.75], [1.0, 2.0, 0.125]])


def test_repr_is_that_of_a_tensor_with_what_it_was_made_with():
    assert repr(estimate()[0]) == "tensor([0.2500, 0.5000, 0.7500], estimator=ksg-k3, n_samples=500)"
    assert repr(estimate()[0, 1]) == "tensor(0.5000, estimator=ksg-k3, n_samples=500)"
    assert repr(estimate().double()[1, 2]) == "tensor(0.1250, dtype=torch.float64, estimator=ksg-k3, n_samples=500)"
    assert str(estimate()[0, 1]) == repr(estimate()[0, 1])


def test_repr_of_metrics_shows_estimator_settings_and_samples():
    z = np.random.default_rng(0).normal(size=(40, 2))

    assert repr(mutual_information(z, z)).endswith(
        "dtype=torch.float64, estimator=KSG(n_neighbors=3, seed=42), n_samples=40)"
    )
    assert repr(entropy(z, n_neighbors=5)).endswith("estimator=KSG(n_neighbors=5, seed=42), n_samples=40)")
    assert repr(entropy(z, estimator=KSG(2, seed=7))).endswith("estimator=KSG(n_neighbors=2, seed=7), n_samples=40)")
    assert repr(entropy(z[:30], estimator="binned")).endswith("estimator=Binned(n_bins=16), n_samples=30)")
    assert repr(entropy(z, estimator=Binned(8))).endswith("estimator=Binned(n_bins=8), n_samples=40)")
    assert repr(spearman_correlation(z, z)).endswith(", n_samples=40)")
    assert repr(monotonicity([[0.0, 1.0, 2.0]], [[0.0, 1.0, 2.0]])).endswith(
        ", threshold=0.001, resolution=0.0, n_samples=1)"
    )


OPERATIONS = {
    "row": (lambda x: x[1], [1.0, 2.0, 0.125]),
    "element": (lambda x: x[1, 0], 1.0),
    "slice": (lambda x: x[:, 1:2], [[0.5], [2.0]]),
    "mask": (lambda x: x[x > 0.8], [1.0, 2.0]),
    "squeeze": (lambda x: x[:, :1].squeeze(1), [0.25, 1.0]),
    "transpose": (lambda x: x.T[0], [0.25, 1.0]),
    "sum of two": (lambda x: x + x, [[0.5, 1.0, 1.5], [2.0, 4.0, 0.25]]),
    "number first": (lambda x: 1 - x, [[0.75, 0.5, 0.25], [0.0, -1.0, 0.875]]),
    "tensor first": (lambda x: torch.ones(3) * x, [[0.25, 0.5, 0.75], [1.0, 2.0, 0.125]]),
    "division": (lambda x: x / 2, [[0.125, 0.25, 0.375], [0.5, 1.0, 0.0625]]),
    "mean": (lambda x: x.mean(dim=1), [0.5, 3.125 / 3]),
    "clone": (lambda x: x.clone(), [[0.25, 0.5, 0.75], [1.0, 2.0, 0.125]]),
    "detach": (lambda x: x.detach(), [[0.25, 0.5, 0.75], [1.0, 2.0, 0.125]]),
    "float": (lambda x: x.double().float(), [[0.25, 0.5, 0.75], [1.0, 2.0, 0.125]]),
    "to": (lambda x: x.to("cpu", torch.float64), [[0.25, 0.5, 0.75], [1.0, 2.0, 0.125]]),
    "where": (lambda x: torch.where(x > 0.3, x, 0.0), [[0.0, 0.5, 0.75], [1.0, 2.0, 0.0]]),
    "function of torch": (lambda x: torch.log2(x), [[-2.0, -1.0, np.log2(0.75)], [0.0, 1.0, -3.0]]),
    "copy": (copy.copy, [[0.25, 0.5, 0.75], [1.0, 2.0, 0.125]]),
    "deepcopy": (copy.deepcopy, [[0.25, 0.5, 0.75], [1.0, 2.0, 0.125]]),
    "pickle": (lambda x: pickle.loads(pickle.dumps(x)), [[0.25, 0.5, 0.75], [1.0, 2.0, 0.125]]),
    "iteration": (lambda x: next(iter(x)), [0.25, 0.5, 0.75]),
    "unbind": (lambda x: x.unbind(1)[0], [0.25, 1.0]),
    "split": (lambda x: x.split(2, dim=1)[0], [[0.25, 0.5], [1.0, 2.0]]),
    "max along an axis": (lambda x: x.max(dim=1).values, [0.75, 2.0]),
    "sort": (lambda x: x.sort(dim=1).values[1], [0.125, 1.0, 2.0]),
    "topk": (lambda x: x.topk(1, dim=1).values, [[0.75], [2.0]]),
    "stack": (lambda x: torch.stack([x[0], x[1]]), [[0.25, 0.5, 0.75], [1.0, 2.0, 0.125]]),
    "cat": (lambda x: torch.cat([x[0], x[1]]), [0.25, 0.5, 0.75, 1.0, 2.0, 0.125]),
    "keyword": (lambda x: torch.sum(input=x), 4.625),
}


@pytest.mark.parametrize("name", OPERATIONS)
def test_what_is_computed_from_an_estimate_shows_what_it_was_made_with(name):
    operation, expected = OPERATIONS[name]

    result = operation(estimate())

    assert isinstance(result, Estimate)
    assert result.as_subclass(torch.Tensor).numpy() == pytest.approx(np.array(expected), rel=1e-6)
    assert repr(result).endswith(SHOWN)
    assert result.made_with == MADE_WITH


def test_numbers_are_plain():
    value = estimate()[0, 1]

    assert type(float(value)) is float
    assert float(value) == 0.5
    assert type(value.item()) is float
    assert value == 0.5
    assert bool(value > 0.4)
    assert sum(estimate()[0].tolist()) == 1.5


def test_an_estimate_of_real_metrics_survives_a_file(tmp_path):
    z = np.random.default_rng(0).normal(size=(40, 2))
    values = mutual_information(z, z, n_neighbors=4)
    (tmp_path / "estimate").write_bytes(pickle.dumps(values))

    loaded = pickle.loads((tmp_path / "estimate").read_bytes())

    assert torch.equal(loaded, values)
    assert loaded.made_with == {"estimator": KSG(4), "n_samples": 40}
    assert repr(loaded) == repr(values)


def test_copies_do_not_share_values():
    values = estimate()
    others = [values.clone(), pickle.loads(pickle.dumps(values))]

    values.zero_()

    assert all(other[1, 1] == 2.0 for other in others)


def test_results_need_no_gradient():
    values = torch.ones(3, requires_grad=True) * 2

    assert not Estimate.of(values, n_samples=3).requires_grad
