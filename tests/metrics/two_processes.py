"""Run by tests as one of two gloo processes: computes every metric in every scenario, and prints the values as JSON.

Usage: two_processes.py (scenarios | int32) RANK RENDEZVOUS
"""

import datetime
import importlib.util
import json
import sys
import warnings
from collections.abc import Callable
from pathlib import Path

import torch
from torch import Tensor, distributed
from torch.utils.data import DistributedSampler
from torchmetrics import Metric, MetricCollection


def shares(n: int) -> dict[str, tuple[list[Tensor], list[Tensor]]]:
    """For each scenario the batches of both ranks."""
    everything, third = torch.arange(n), n // 3
    padded = [
        torch.tensor(list(DistributedSampler(range(n), num_replicas=2, rank=rank, shuffle=True, seed=1)))
        for rank in range(2)
    ]
    return {
        "three batches and one": (list(everything[: 2 * third].split(third // 2 + 2)), [everything[2 * third :]]),
        "second idle": (list(everything.split(third)), []),
        "first idle": ([], list(everything.split(third))),
        "padded": (list(padded[0].split(16)), list(padded[1].split(16))),
        "all twice": ([everything], [everything.flip(0)]),
    }


def scenarios(testers, rank: int) -> dict[str, dict[str, object]]:
    return {name: {**of_shares(testers, name, rank), **others(testers, name, rank)} for name in testers.TESTERS}


def of_shares(testers, name: str, rank: int) -> dict[str, object]:
    tester = testers.TESTERS[name]
    return {scenario: told(testers, tester.updated(batches[rank])) for scenario, batches in shares(len(tester)).items()}


def others(testers, name: str, rank: int) -> dict[str, object]:
    tester = testers.TESTERS[name]
    n = len(tester)
    first, last = torch.arange(n - n // 5), torch.arange(n - n // 5, n)
    metric = tester.updated([first[rank::2]])
    again = [told(testers, metric), told(testers, tester.updated([last[rank::2]], metric))]
    metric.reset()
    again.append(told(testers, tester.updated([first[rank::2]], metric)))

    padded = shares(n)["padded"][rank]
    metric = tester.updated(padded, with_indices=False)
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        without = told(testers, metric)
    return {
        "again": again,
        "without indices": without,
        "warnings without indices": [str(warning.message) for warning in caught],
        "on the CPU": told(testers, tester.updated(padded, compute_on_cpu=True)),
        "nobody has samples": refusal(tester.make().compute),
        "one without indices": refusal(tester.updated([first[rank::2]], with_indices=rank == 0).compute),
    }


def told(testers, metric: Metric) -> dict[str, object]:
    computed = metric.compute()
    return {"values": testers.values_of(computed), "count": testers.count_of(computed)}


def refusal(compute: Callable[[], object]) -> str:
    try:
        return f"no error, but {compute()}"
    except ValueError as error:
        return str(error)


def collections(testers, rank: int) -> dict[str, dict[str, float]]:
    """A collection with shared states, which an idle rank never formed."""
    values = {}
    for scenario, batches in shares(len(testers.TESTERS["mig"])).items():
        members = {name: testers.TESTERS[name].make() for name in ("dmig", "mig", "sap", "modularity")}
        collection = MetricCollection(members, prefix="val/")
        testers.TESTERS["mig"].updated(batches[rank], collection)
        values[scenario] = {
            f"{key}/{number}": value
            for key, vector in collection.compute().items()
            for number, value in testers.values_of(vector).items()
        }
    return values


def int32(testers, rank: int) -> dict[str, object]:
    """Indices of 32 bits where one rank has samples."""
    tester = testers.TESTERS["mig"]
    metric = tester.make()
    if rank == 0:
        latents, attributes, indices = tester.rows(torch.arange(len(tester)))
        metric.update(latents, attributes, indices.int())
    return told(testers, metric)


def main() -> None:
    task, rank, rendezvous = sys.argv[1], int(sys.argv[2]), sys.argv[3]
    torch.set_num_threads(1)
    spec = importlib.util.spec_from_file_location("testers", Path(__file__).with_name("conftest.py"))
    testers = importlib.util.module_from_spec(spec)
    sys.modules["testers"] = testers
    spec.loader.exec_module(testers)
    patience = datetime.timedelta(seconds=60)
    distributed.init_process_group("gloo", init_method=rendezvous, rank=rank, world_size=2, timeout=patience)
    if task == "int32":
        outcome = int32(testers, rank)
    else:
        outcome = {**scenarios(testers, rank), "collection": collections(testers, rank)}
    distributed.destroy_process_group()
    print(json.dumps(outcome))


if __name__ == "__main__":
    main()
