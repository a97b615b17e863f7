"""Noise that belongs to clips: the same whatever batch or process a clip is in."""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

Noise = Callable[[Tensor], Tensor]
"""Draws from N(0, 1) in the shape, type and device of a tensor, like `torch.randn_like`."""

_BETWEEN_CLIPS = 0x9E3779B1  # odd and far from small numbers, so that no two clips or near keys share a seed
_OF_EVALUATION = 0


class ClipNoise:
    """Draws the noise of a batch's clips, each from a generator of its own.

    What a clip gets is set by the key, its number, and what was drawn before. So the clips of a batch may be divided
    among processes in any way, or come in another order, and each still gets the same noise. On a GPU the noise is
    another than on the CPU.

    Args:
        key: Tells draws for the same clips apart, such as those of two steps.
        clips: Numbers of the clips in their data set, integers of shape (B,).

    Example:
        >>> noise = ClipNoise(key=3, clips=torch.tensor([7, 8]))(torch.empty(2, 5))
        >>> torch.equal(noise[1:], ClipNoise(key=3, clips=torch.tensor([8]))(torch.empty(1, 5)))
        True
    """

    def __init__(self, key: int, clips: Tensor) -> None:
        self._seeds = [(key + clip * _BETWEEN_CLIPS) % (1 << 32) for clip in clips.tolist()]
        self._generators: list[torch.Generator] = []

    def __call__(self, like: Tensor) -> Tensor:
        """Draws anew from N(0, 1), in the shape (B, ...), type and device of a tensor."""
        if not self._generators:
            self._generators = [torch.Generator(like.device).manual_seed(seed) for seed in self._seeds]
        noise = torch.empty_like(like, requires_grad=False)
        for clip, generator in zip(noise, self._generators, strict=True):
            clip.normal_(generator=generator)
        return noise


def batch_noise(batch: Mapping[str, Tensor], *, training: bool) -> Noise:
    """Returns the noise of a batch's clips.

    In training it is another one at each step, by a key from torch's global generator; all processes must have seeded
    that alike (`lightning_app.callbacks.StepSeed` does). Else it depends on the clip alone, so that a clip's score is
    the same whenever it is scored.

    Args:
        batch: A batch, with the clips' numbers under ``index``; without them the noise is `torch.randn_like`.
        training: Whether it is a step of training.
    """
    if "index" not in batch:
        return torch.randn_like
    key = int(torch.randint(1 << 32, ()).item()) if training else _OF_EVALUATION
    return ClipNoise(key, batch["index"])
