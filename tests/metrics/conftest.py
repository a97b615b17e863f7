"""A tester for each metric over all samples: the metric, data, and a slow reference that shares no code with it."""

import importlib.util
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pytest
import torch
from filelock import FileLock
from scipy.stats import spearmanr
from sklearn.feature_selection import mutual_info_classif, mutual_info_regression
from sklearn.linear_model import LinearRegression
from sklearn.metrics import mutual_info_score
from torch import Tensor
from torchmetrics import Metric

from metrics import (
    DCI,
    DependencyAwareLatentInformationGap,
    DependencyAwareMutualInformationGap,
    DependencyBlindMutualInformationGap,
    LatentInformation,
    Modularity,
    Monotonicity,
    MutualInformationGap,
    SeparatedAttributePredictability,
    Smoothness,
)
from metrics.functional import dci

TIMEOUT = 120  # seconds, after which processes count as waiting for each other

# Data.


@cache
def samples(n: int = 151) -> tuple[Tensor, Tensor]:
    """Latents (n, 4) and related attributes (n, 3), in an order and with leaks that tell the metrics apart."""
    generator = torch.Generator().manual_seed(0)
    mixing = torch.tensor([[1.0, 0.8, 0.0], [0.0, 0.6, 0.3], [0.0, 0.0, 1.0]])
    attributes = torch.randn(n, 3, generator=generator) @ mixing
    of_attributes = torch.tensor([[1.0, 0.0, 0.0, 0.0], [0.0, -0.7, 0.0, 0.0], [0.0, 0.3, 2.0, 0.9]])
    latents = attributes @ of_attributes + 0.3 * torch.randn(n, 4, generator=generator)
    return latents, attributes


@cache
def discrete_samples(n: int = 151) -> tuple[Tensor, Tensor]:
    """The same with classes as the last attribute, each so large that scikit-learn searches it with a tree.

    The distances that it finds in a class of up to 2k samples, without one, are off by more than its noise.
    """
    latents, attributes = samples(n)
    return latents, torch.cat([attributes[:, :2], attributes[:, 2:].round().clamp(-1, 1)], dim=1)


@cache
def traversals(n: int = 31) -> tuple[Tensor, Tensor]:
    """Positions and attributes (n, 2, 7): the first rises unevenly, the second wanders and rests."""
    generator = torch.Generator().manual_seed(0)
    start, step = torch.randn(n, 2, 1, generator=generator), 0.1 + torch.rand(n, 2, 1, generator=generator)
    changes = torch.randn(n, 2, 7, generator=generator)
    changes[:, 0] = changes[:, 0].abs() + 0.2
    changes[:, 1, ::3] = 0.0
    return start + step * torch.arange(7), changes.cumsum(dim=-1)


# References: plain loops over scikit-learn and SciPy.


def ksg(x: np.ndarray, y: np.ndarray, is_discrete: bool, k: int = 3) -> float:
    """I(x; y) of one column each; an x of few values takes the place of a discrete target."""
    if not is_discrete:
        return mutual_info_regression(x[:, None], y, n_neighbors=k, random_state=42)[0]
    if len(np.unique(x)) <= len(x) // (k + 1):
        x, y = y, np.unique(x, return_inverse=True)[1]
    return mutual_info_classif(x[:, None], y, n_neighbors=k, random_state=42)[0]


def binned(x: np.ndarray, y: np.ndarray, is_discrete: bool, n_bins: int = 16) -> float:
    """I(x; y) from bins of equally many samples, for columns without ties whose length ``n_bins`` divides."""
    x_bins, y_bins = (n_bins * column.argsort().argsort() // len(column) for column in (x, y))
    return mutual_info_score(x_bins, y if is_discrete else y_bins)


class Tables(NamedTuple):
    """I(z_d; a_m) and I(a_j; a_i)."""

    of_latents: np.ndarray
    of_attributes: np.ndarray


def tables(
    latents: Tensor, attributes: Tensor, discrete: Sequence[bool] | None = None, pair: Callable[..., float] = ksg
) -> Tables:
    z, a = latents.double().numpy(), attributes.double().numpy()
    flags = discrete or (False,) * a.shape[1]
    targets = list(zip(a.T, flags, strict=True))
    return Tables(*(np.array([[pair(x, y, flag) for y, flag in targets] for x in xs.T]) for xs in (z, a)))


def mig(information: Tables, dims: Sequence[int] | None = None) -> list[float]:
    gaps = []
    for i, of_dims in enumerate(information.of_latents.T):
        own = int(of_dims.argmax()) if dims is None else dims[i]
        rival = max(of_dims[k] for k in range(len(of_dims)) if k != own)
        gaps.append((of_dims[own] - rival) / information.of_attributes[i, i])
    return gaps


def dmig(information: Tables, dims: Sequence[int] | None = None) -> list[float]:
    gaps = []
    dims = list(dims or range(information.of_latents.shape[1]))
    for i, of_dims in enumerate(information.of_latents.T):
        rival = max((k for k in range(len(of_dims)) if k != dims[i]), key=lambda k: of_dims[k])
        bound = information.of_attributes[i, i]
        if rival in dims:
            bound = bound - information.of_attributes[dims.index(rival), i]
        gaps.append((of_dims[dims[i]] - of_dims[rival]) / bound)
    return gaps


def xmig(information: Tables, dims: Sequence[int] | None = None) -> list[float]:
    gaps = []
    dims = list(dims or range(information.of_latents.shape[1]))
    for i, of_dims in enumerate(information.of_latents.T):
        leak = max(of_dims[k] for k in range(len(of_dims)) if k not in dims)
        gaps.append((of_dims[dims[i]] - leak) / information.of_attributes[i, i])
    return gaps


def dlig(information: Tables, dims: Sequence[int] | None = None) -> list[float]:
    gaps = []
    n_attributes = information.of_latents.shape[1]
    for i, dim in enumerate(dims or range(n_attributes)):
        of_dim = information.of_latents[dim]
        rival = max((k for k in range(n_attributes) if k != i), key=lambda k: of_dim[k])
        bound = information.of_attributes[i, i] - information.of_attributes[rival, i]
        gaps.append((of_dim[i] - of_dim[rival]) / bound)
    return gaps


def modularity(information: Tables) -> list[float]:
    scores = []
    for of_dim in information.of_latents:
        squares = sorted(of_dim**2)
        scores.append(1.0 - sum(squares[:-1]) / (squares[-1] * (len(squares) - 1)))
    return scores


def sap(latents: Tensor, attributes: Tensor, dims: Sequence[int] | None = None) -> list[float]:
    gaps = []
    for i, a in enumerate(attributes.double().numpy().T):
        columns = [z[:, None] for z in latents.double().numpy().T]
        scores = [LinearRegression().fit(z, a).score(z, a) for z in columns]
        own = int(np.argmax(scores)) if dims is None else dims[i]
        gaps.append(scores[own] - max(score for k, score in enumerate(scores) if k != own))
    return gaps


def scc(latents: Tensor, attributes: Tensor) -> list[float]:
    return [spearmanr(latents[:, i], attributes[:, i]).statistic for i in range(attributes.shape[1])]


def smoothness(latents: Tensor, attributes: Tensor) -> list[float]:
    def score(z: list[float], a: list[float]) -> float:
        step = z[1] - z[0]
        first = [(after - before) / step for before, after in pairwise(a)]
        second = [abs(after - before) / step for before, after in pairwise(first)]
        return 1.0 - (sum(x * x for x in second) / sum(second)) / ((max(first) - min(first)) / step)

    return mean_score(score, latents, attributes)


def monotonicity(latents: Tensor, attributes: Tensor, threshold: float = 1e-3) -> list[float]:
    def score(z: list[float], a: list[float]) -> float:
        rates = [(a[k + 1] - a[k]) / (z[k + 1] - z[k]) for k in range(len(z) - 1)]
        signs = [1 if rate > 0 else -1 for rate in rates if abs(rate) > threshold]
        return sum(signs) / len(signs)

    return mean_score(score, latents, attributes)


def mean_score(score: Callable[..., float], latents: Tensor, attributes: Tensor) -> list[float]:
    z, a = latents.double().tolist(), attributes.double().tolist()
    return [sum(score(z[i][m], a[i][m]) for i in range(len(z))) / len(z) for m in range(len(z[0]))]


def dci_by_key(latents: Tensor, attributes: Tensor) -> dict[str, float]:
    scores = dci(latents, attributes, n_trees=5)
    return {
        "dci/disentanglement": scores.disentanglement.item(),
        **{f"dci/completeness/{m}": value.item() for m, value in enumerate(scores.completeness)},
        **{f"dci/informativeness/{m}": value.item() for m, value in enumerate(scores.informativeness)},
    }


def latent_information(
    latents: Tensor, attributes: Tensor, names: Sequence[str] = ("brightness", "depth", "level"), prefix: str = "val/"
) -> dict[str, float]:
    information = tables(latents, attributes)
    dims = range(len(names))
    gaps = {"mig": mig(information, dims), "dmig": dmig(information), "xmig": xmig(information)}
    by_metric = {"scc": scc(latents, attributes), **gaps, "dlig": dlig(information)}
    values = {f"{prefix}{key}/{name}": x for key, xs in by_metric.items() for name, x in zip(names, xs, strict=True)}
    return values | {f"{prefix}modularity": np.mean(modularity(information)).item()}


# The tester.


def values_of(computed: Tensor | Mapping[str, Tensor]) -> dict[str, float]:
    """All values by key, those of a vector by their numbers, without N."""
    if isinstance(computed, Tensor):
        return {str(i): value for i, value in enumerate(computed.flatten().tolist())}
    return {key: value.item() for key, value in computed.items() if not key.rpartition("/")[2].startswith("n_")}


def by_key(expected: Sequence[float] | Mapping[str, float]) -> dict[str, float]:
    """What a reference gives, with the same keys."""
    return dict(expected) if isinstance(expected, Mapping) else {str(i): value for i, value in enumerate(expected)}


def count_of(computed: Tensor | Mapping[str, Tensor]) -> float:
    """N, as the result tells it."""
    if isinstance(computed, Tensor):
        return computed.made_with["n_samples"]
    (count,) = (value for key, value in computed.items() if key.rpartition("/")[2].startswith("n_"))
    return count.item()


@dataclass(frozen=True, eq=False)
class Tester:
    """What a test of any of the metrics needs.

    Attributes:
        make: Makes the metric, with further options.
        all_rows: Latents and attributes, one row a sample.
        reference: Their values.
    """

    make: Callable[..., Metric]
    all_rows: Callable[[], tuple[Tensor, Tensor]]
    reference: Callable[[Tensor, Tensor], Sequence[float] | Mapping[str, float]]

    def __len__(self) -> int:
        return len(self.all_rows()[0])

    def rows(self, positions: Tensor | Sequence[int]) -> tuple[Tensor, Tensor, Tensor]:
        """The samples at these positions, with indices that are not their positions, but ascend as they do."""
        positions = torch.as_tensor(positions)
        return *(values[positions] for values in self.all_rows()), 7 + 3 * positions

    def updated(
        self,
        batches: Iterable[Tensor | Sequence[int]],
        metric: Metric | None = None,
        with_indices: bool = True,
        **options,
    ) -> Metric:
        """Gives a metric, by default a new one, to which the samples at these positions were added batch by batch."""
        metric = self.make(**options) if metric is None else metric
        for batch in batches:
            metric.update(*self.rows(batch)[: 3 if with_indices else 2])
        return metric

    def values(self, batches: Iterable[Tensor | Sequence[int]], **options) -> dict[str, float]:
        return values_of(self.updated(batches, **options).compute())

    def expected(self, positions: Tensor | Sequence[int] | None = None) -> dict[str, float]:
        """What the reference gives for these samples, by default all."""
        chosen = range(len(self)) if positions is None else torch.as_tensor(positions).sort().values.tolist()
        return dict(_expected(self, tuple(chosen)))

    def approximately(self, positions: Tensor | Sequence[int] | None = None) -> object:
        """The same, to compare with; the KSG estimates of scikit-learn hold to 1e-9."""
        return pytest.approx(self.expected(positions), abs=1e-9, rel=0.0)


@cache
def _expected(tester: Tester, positions: tuple[int, ...]) -> dict[str, float]:
    return by_key(tester.reference(*tester.rows(list(positions))[:2]))


def _of_tables(reference: Callable[[Tables], list[float]]) -> Callable[[Tensor, Tensor], list[float]]:
    return lambda latents, attributes: reference(tables(latents, attributes))


NAMED = {"attribute_names": ["brightness", "depth", "level"], "prefix": "val/"}
TESTERS = {
    "mig": Tester(MutualInformationGap, samples, _of_tables(mig)),
    "dmig": Tester(DependencyAwareMutualInformationGap, samples, _of_tables(dmig)),
    "xmig": Tester(DependencyBlindMutualInformationGap, samples, _of_tables(xmig)),
    "dlig": Tester(DependencyAwareLatentInformationGap, samples, _of_tables(dlig)),
    "sap": Tester(SeparatedAttributePredictability, samples, sap),
    "modularity": Tester(Modularity, samples, _of_tables(modularity)),
    "dci": Tester(partial(DCI, n_trees=5), samples, dci_by_key),
    "smoothness": Tester(Smoothness, traversals, smoothness),
    "monotonicity": Tester(Monotonicity, traversals, monotonicity),
    "latent_information": Tester(partial(LatentInformation, **NAMED), samples, latent_information),
}


@pytest.fixture(params=TESTERS)
def tester(request):
    """The tester of each metric in turn, or of those named by ``parametrize("tester", [...], indirect=True)``."""
    return TESTERS[request.param]


@pytest.fixture
def reference():
    """This module, for its data and functions."""
    return sys.modules[__name__]


# Processes.


def loaded(script: Path):
    """Loads a script that lies beside the tests as a module."""
    spec = importlib.util.spec_from_file_location(script.stem, script)
    module = importlib.util.module_from_spec(spec)
    sys.modules[script.stem] = module
    spec.loader.exec_module(module)
    return module


def outcomes_of_pair(task: str, folder: Path) -> list[dict]:
    """Runs ``two_processes.py`` as two gloo processes; gives what each printed, or fails with all that they printed."""
    script = Path(__file__).with_name("two_processes.py")
    jobs, logs = [], [folder / f"{task}{rank}.log" for rank in range(2)]
    try:
        for rank, log in enumerate(logs):
            command = [sys.executable, str(script), task, str(rank), f"file://{folder}/{task}.rendezvous"]
            with log.open("w") as errors:
                jobs.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True))
        lines = [job.communicate(timeout=TIMEOUT)[0].splitlines() for job in jobs]
        failed = [rank for rank, job in enumerate(jobs) if job.returncode]
    except subprocess.TimeoutExpired:
        failed = [rank for rank, job in enumerate(jobs) if job.poll() != 0]
    finally:
        for job in jobs:
            job.kill()
            job.communicate()
    if failed:
        pytest.fail(f"{task}: rank {failed} failed or hung.\n" + "\n".join(log.read_text() for log in logs))
    return [json.loads(of_rank[-1]) for of_rank in lines]


@pytest.fixture
def printed_by_pair(tmp_path):
    """Runs a script as two gloo processes, with rank, rendezvous and share; gives what each printed, read as JSON."""

    def run(script: str, shares: Sequence[object]) -> list[object]:
        jobs = []
        try:
            for rank, share in enumerate(shares):
                command = [sys.executable, script, str(rank), f"file://{tmp_path}/rendezvous", json.dumps(share)]
                jobs.append(subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
            printed = []
            for job in jobs:
                output, errors = job.communicate(timeout=120)
                assert job.returncode == 0, errors
                printed.append(json.loads(output.splitlines()[-1]))
            return printed
        finally:  # where one has failed the other waits for it
            for job in jobs:
                job.kill()
                job.communicate()

    return run


@pytest.fixture(scope="session")
def two_processes(tmp_path_factory):
    """What one pair of gloo processes made of every scenario, for each rank by the names of tester and scenario."""
    base = tmp_path_factory.getbasetemp()
    shared = base.parent if "PYTEST_XDIST_WORKER" in os.environ else base
    record = shared / "two_processes.json"
    with FileLock(f"{record}.lock"):
        if not record.exists():
            record.write_text(json.dumps(outcomes_of_pair("scenarios", tmp_path_factory.mktemp("pair"))))
    return json.loads(record.read_text())
