"""The family of information metrics from one estimate: keys, choice, cost, and a run of Lightning."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import torch
from torch import Tensor

from metrics import (
    KSG,
    Binned,
    DependencyAwareLatentInformationGap,
    DependencyAwareMutualInformationGap,
    DependencyBlindMutualInformationGap,
    LatentInformation,
    Modularity,
    MutualInformationGap,
)
from metrics.functional import spearman_correlation

NAMES = ["brightness", "depth", "level"]
SCRIPT = Path(__file__).with_name("two_lightning_processes.py")


@dataclass
class CountedKSG:
    """KSG that says for which samples it was asked."""

    shapes: list[tuple[torch.Size, torch.Size]] = field(default_factory=list)
    label: str = "counted"
    min_samples: int = 4

    def information(self, latents: Tensor, attributes: Tensor, discrete: Sequence[bool]) -> Tensor:
        self.shapes.append((latents.shape, attributes.shape))
        return KSG().information(latents, attributes, discrete)


def computed(metric, latents, attributes):
    """What it gives for samples in batches."""
    for batch in torch.arange(len(latents)).split(50):
        metric.update(latents[batch], attributes[batch], batch)
    return metric.compute()


def keys(*metrics: str, names: Sequence[str] = NAMES) -> list[str]:
    return [f"{metric}/{name}" for metric in metrics for name in names]


def test_rank_correlations_are_those_of_scipy(reference):
    latents, attributes = reference.samples()
    values = computed(LatentInformation(metrics=["scc"], attribute_names=NAMES), latents, attributes)

    expected = dict(zip(keys("scc"), reference.scc(latents, attributes), strict=True))
    assert reference.values_of(values) == pytest.approx(expected, abs=1e-9)
    assert values["scc/depth"].dtype == torch.float64


@pytest.mark.parametrize(
    "options",
    [{}, {"regularized_dims": [2, 0, 3]}, {"n_neighbors": 5}, {"estimator": "binned"}, {"estimator": Binned(8)}],
)
def test_values_are_those_of_each_metric_alone(options, reference):
    latents, attributes = reference.samples()
    of_estimate = {key: value for key, value in options.items() if key != "regularized_dims"}
    dims = options.get("regularized_dims", [0, 1, 2])

    values = computed(LatentInformation(**options), latents, attributes)

    alone = {
        "scc": spearman_correlation(latents, attributes, regularized_dims=dims),
        "mig": computed(MutualInformationGap(regularized_dims=dims, **of_estimate), latents, attributes),
        "dmig": computed(DependencyAwareMutualInformationGap(**options), latents, attributes),
        "xmig": computed(DependencyBlindMutualInformationGap(**options), latents, attributes),
        "dlig": computed(DependencyAwareLatentInformationGap(**options), latents, attributes),
    }
    expected = {f"{key}/{i}": value for key, vector in alone.items() for i, value in enumerate(vector.tolist())}
    expected["modularity"] = computed(Modularity(reduction="mean", **of_estimate), latents, attributes).item()
    assert reference.values_of(values) == expected


def test_attributes_may_be_classes(reference):
    latents, attributes = reference.discrete_samples()
    flags = [False, False, True]

    values = computed(LatentInformation(discrete=flags, attribute_names=NAMES), latents, attributes)

    tables = reference.tables(latents, attributes, flags)
    for metric in ("dmig", "xmig", "dlig"):
        expected = getattr(reference, metric)(tables)
        assert [values[key].item() for key in keys(metric)] == pytest.approx(expected, abs=1e-9)
    assert values["modularity"].item() == pytest.approx(sum(reference.modularity(tables)) / 4, abs=1e-9)


def test_keys_are_readable_and_end_with_the_count(reference):
    latents, attributes = reference.samples()
    metric = LatentInformation(attribute_names=NAMES)
    metric.update(latents, attributes, torch.arange(151))
    metric.update(latents[:20], attributes[:20], torch.arange(20))  # as a distributed sampler repeats samples

    values = metric.compute()

    assert list(values) == [*keys("scc", "mig", "dmig", "xmig", "dlig"), "modularity", "n_ksg-k3"]
    assert values["n_ksg-k3"].item() == 151.0
    assert all(type(value) is Tensor and value.shape == () for value in values.values())


def test_a_prefix_is_in_front_of_every_key(reference):
    plain = computed(LatentInformation(attribute_names=NAMES), *reference.samples())
    prefixed = computed(LatentInformation(attribute_names=NAMES, prefix="val/"), *reference.samples())

    assert prefixed == {f"val/{key}": value for key, value in plain.items()}


def test_without_names_values_go_by_numbers(reference):
    values = computed(LatentInformation(metrics=["dmig"]), *reference.samples())

    assert list(values) == ["dmig/0", "dmig/1", "dmig/2", "n_ksg-k3"]


@pytest.mark.parametrize(
    ("estimator", "key"),
    [("ksg", "n_ksg-k3"), (KSG(5), "n_ksg-k5"), ("binned", "n_binned-16"), (Binned(8), "n_binned-8")],
)
def test_the_key_of_the_count_names_the_estimator(estimator, key, reference):
    values = computed(LatentInformation(estimator=estimator, metrics=["mig"]), *reference.samples())

    assert list(values)[-1] == key
    assert values[key].item() == 151.0


@pytest.mark.parametrize("chosen", [["dmig"], ["modularity", "scc"], ["xmig", "mig", "dlig"]])
def test_only_the_chosen_metrics_are_given(chosen, reference):
    everything = computed(LatentInformation(attribute_names=NAMES), *reference.samples())
    values = computed(LatentInformation(attribute_names=NAMES, metrics=chosen), *reference.samples())

    expected = [key for name in chosen for key in (["modularity"] if name == "modularity" else keys(name))]
    assert list(values) == [*expected, "n_ksg-k3"]
    assert all(values[key] == everything[key] for key in values)


@pytest.mark.parametrize(
    ("n_dims", "n_attributes", "defined", "undefined"),
    [
        (4, 3, ["scc", "mig", "dmig", "xmig", "dlig", "modularity"], []),
        (3, 3, ["scc", "mig", "dmig", "dlig", "modularity"], ["xmig"]),
        (2, 1, ["scc", "mig", "dmig", "xmig"], ["dlig", "modularity"]),
        (1, 1, ["scc"], ["mig", "dmig", "xmig", "dlig", "modularity"]),
    ],
)
def test_what_is_not_defined_is_left_out_and_refused_where_it_is_asked_for(
    n_dims, n_attributes, defined, undefined, reference
):
    latents, attributes = (values[:, :n] for values, n in zip(reference.samples(), (n_dims, n_attributes), strict=True))
    values = computed(LatentInformation(), latents, attributes)

    assert list(dict.fromkeys(key.split("/")[0] for key in values)) == [*defined, "n_ksg-k3"]
    for name in undefined:
        with pytest.raises(ValueError, match=r"expected (two|one) "):
            computed(LatentInformation(metrics=[name]), latents, attributes)


def test_an_unknown_metric_is_refused():
    with pytest.raises(ValueError, match="metrics has 'sap'; expected some of scc, mig, dmig, xmig, dlig, modularity"):
        LatentInformation(metrics=["mig", "sap"])


def test_options_that_do_not_fit_the_samples_are_refused(reference):
    latents, attributes = reference.samples()
    with pytest.raises(ValueError, match=r"regularized_dims is \[0, 1\]; expected 3 dimensions"):
        computed(LatentInformation(regularized_dims=[0, 1]), latents, attributes)
    with pytest.raises(ValueError, match="discrete has 2 values for 3 attributes"):
        computed(LatentInformation(discrete=[True, False]), latents, attributes)
    with pytest.raises(ValueError, match="attributes has 3 columns and latents 2; expected a dimension for each"):
        computed(LatentInformation(), latents[:, :2], attributes)


def test_information_is_estimated_once_for_all_metrics(reference):
    latents, attributes = reference.samples()
    estimator = CountedKSG()
    metric = LatentInformation(estimator=estimator, **reference.NAMED)

    values = computed(metric, latents, attributes)
    metric.compute()

    assert estimator.shapes == [(latents.shape, attributes.shape), (attributes.shape, attributes.shape)]
    assert list(values)[-1] == "val/n_counted"
    plain = computed(LatentInformation(**reference.NAMED), latents, attributes)
    assert reference.values_of(values) == reference.values_of(plain)
    metric.update(latents[:1], attributes[:1], torch.zeros(1, dtype=torch.int64))
    metric.compute()
    assert len(estimator.shapes) == 4


# In a model.


@pytest.mark.filterwarnings("ignore::UserWarning")
def test_a_model_logs_the_values(tmp_path, reference):
    outcome = reference.loaded(SCRIPT).validated(1, tmp_path, *reference.samples())

    expected = reference.TESTERS["latent_information"].expected() | {"val/n_ksg-k3": 151.0}
    assert outcome["values"] == pytest.approx(expected, abs=1e-9)
    assert outcome["n_seen"] == 151


@pytest.mark.slow
def test_a_model_on_two_processes_logs_the_same_values(tmp_path, reference):
    """151 samples do not divide by two processes: the sampler repeats one, which must not count twice."""
    command = [sys.executable, str(SCRIPT), "2", str(tmp_path)]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True
    ) as run:
        try:
            output, _ = run.communicate(timeout=reference.TIMEOUT)
        except subprocess.TimeoutExpired:
            os.killpg(run.pid, signal.SIGKILL)
            pytest.fail(f"the processes hang\n{run.communicate()[0]}")
    assert run.returncode == 0, output

    first, second = (json.loads((tmp_path / f"rank{rank}.json").read_text()) for rank in range(2))
    expected = reference.TESTERS["latent_information"].expected() | {"val/n_ksg-k3": 151.0}
    assert first["values"] == pytest.approx(expected, abs=1e-9)
    assert second == first
    assert first["n_seen"] + second["n_seen"] == 152
