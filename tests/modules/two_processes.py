"""Run by tests as one of two gloo processes, of which the first has 4 clips and the second has 6, or 0 rows to gather.

Usage: two_processes.py RANK RENDEZVOUS FILE
"""

import datetime
import sys

import torch
from torch import distributed

from modules.processes import gathered, summed, weighted_by_share
from modules.vae.batch_norm import GlobalBatchNorm2d

N_FIRST, N_CLIPS, N_CHANNELS = 4, 10, 3


def inputs() -> tuple[torch.Tensor, torch.Tensor]:
    """Pictures of all clips, far from zero, and how a loss weighs what comes out of the layer."""
    generator = torch.Generator().manual_seed(5)
    x = 3.0 + 2.0 * torch.randn(N_CLIPS, N_CHANNELS, 4, 4, dtype=torch.float64, generator=generator)
    return x, torch.randn(x.shape, dtype=torch.float64, generator=generator)


def own(rank: int) -> slice:
    return slice(0, N_FIRST) if rank == 0 else slice(N_FIRST, N_CLIPS)


def normalised(rank: int) -> dict[str, torch.Tensor]:
    x, loss_weights = (values[own(rank)] for values in inputs())
    x = x.clone().requires_grad_()
    layer = GlobalBatchNorm2d(N_CHANNELS).double()
    output = layer(x)
    # A mean over clips, as losses are; DDP averages over processes.
    loss = (output * loss_weights).sum(dim=(1, 2, 3)).mean()
    weighted_by_share(loss, len(x)).backward()
    result = {"output": output, "x_gradient": x.grad, "running_mean": layer.running_mean}
    result |= {"running_var": layer.running_var, "tracked": layer.num_batches_tracked}
    for name, parameter in layer.named_parameters():
        gradient = parameter.grad.clone()
        distributed.all_reduce(gradient)
        result[f"{name}_gradient"] = gradient / distributed.get_world_size()
    return {name: value.detach() for name, value in result.items()}


def gathering(rank: int) -> dict[str, torch.Tensor]:
    rows = torch.arange(20.0).reshape(10, 2)[own(rank)].requires_grad_()
    everything = gathered(rows)
    (everything * torch.arange(20.0).reshape(10, 2)).sum().backward()
    only_first = gathered(torch.arange(3.0) if rank == 0 else torch.empty(0))
    total = summed(torch.tensor([1.0, 10.0]) * (rank + 1))
    weighted = weighted_by_share(torch.tensor(3.0 if rank == 0 else 8.0), len(rows))
    return {
        **{"gathered": everything.detach(), "gradient": rows.grad, "only_first": only_first},
        **{"summed": total, "weighted": weighted},
    }


def main() -> None:
    rank, rendezvous, file = int(sys.argv[1]), sys.argv[2], sys.argv[3]
    torch.set_num_threads(1)
    distributed.init_process_group(
        "gloo", init_method=rendezvous, rank=rank, world_size=2, timeout=datetime.timedelta(seconds=120)
    )
    torch.save(gathering(rank) | normalised(rank), file)
    distributed.destroy_process_group()


if __name__ == "__main__":
    main()
