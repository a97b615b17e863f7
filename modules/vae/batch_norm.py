"""Batch normalisation over the batches of all processes together."""

import torch
from torch import Tensor, nn

from modules.processes import n_processes, summed


class GlobalBatchNorm2d(nn.BatchNorm2d):
    """`torch.nn.BatchNorm2d`, whose mean and variance in training are those of all processes' batches together.

    A step of several processes is then the step that one would make with the whole batch. torch's own
    ``SyncBatchNorm`` does the same on CUDA alone.

    Shape:
        (B, C, H, W) to the same.
    """

    def forward(self, input: Tensor) -> Tensor:
        if not self.training or n_processes() == 1:
            return super().forward(input)
        self._check_input_dim(input)
        axes = (0, 2, 3)
        count = summed(torch.tensor(float(input.numel() // input.shape[1]), device=input.device))
        # In float32 at least: half precision has too few digits for sums.
        values = input.to(torch.promote_types(input.dtype, torch.float32))
        mean = summed(values.sum(axes)) / count
        centred = values - mean[:, None, None]
        variance = summed(centred.square().sum(axes)) / count
        self._remember(mean.detach(), (variance * count / (count - 1)).detach())
        normalised = centred * torch.rsqrt(variance + self.eps)[:, None, None]
        return (normalised * self.weight[:, None, None] + self.bias[:, None, None]).to(input.dtype)

    def _remember(self, mean: Tensor, variance: Tensor) -> None:
        """Moves the running statistics, which evaluations go by, towards those of a batch."""
        assert self.running_mean is not None and self.running_var is not None and self.num_batches_tracked is not None
        self.num_batches_tracked += 1
        for running, now in ((self.running_mean, mean), (self.running_var, variance)):
            running.lerp_(now.to(running.dtype), self.momentum)
