"""A classifier of all factors of a clip at once, to judge what models make."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor, nn

from modules.errors import ModelError

_WIDTHS = (64, 96, 128)
_STEPS = 16  # in time, of what the classes are read from: melodies of dMelodies have 16 ticks
_DROPOUT = 0.3


class Judge(nn.Module):
    """Tells the class of a clip by each of its factors from what a model hears, by convolutions over time.

    Args:
        x_shape: Shape of a clip: a sequence (T, F), or a picture (C, T, F).
        n_classes: Number of classes of each factor.

    Shape:
        Clips (B, *x_shape) to the logits of each factor, (B, number of its classes).

    Raises:
        ModelError: Clips of another number of axes.

    Example:
        >>> judge = Judge((251, 80), {"instrument": 4, "octave": 2})
        >>> {factor: tuple(logits.shape) for factor, logits in judge(torch.zeros(3, 251, 80)).items()}
        {'instrument': (3, 4), 'octave': (3, 2)}
    """

    mean: Tensor
    scale: Tensor

    def __init__(self, x_shape: Sequence[int], n_classes: Mapping[str, int]) -> None:
        super().__init__()
        if len(x_shape) not in (2, 3):
            raise ModelError(
                f"a judge hears sequences (frames, features) or pictures (1, frames, features), and x_shape is "
                f"{tuple(x_shape)}.",
                argument="representation",
            )
        self._is_picture = len(x_shape) == 3
        n_features = x_shape[0] * x_shape[2] if self._is_picture else x_shape[1]
        self.register_buffer("mean", torch.zeros(n_features))
        self.register_buffer("scale", torch.ones(()))
        layers: list[nn.Module] = []
        for before, after in zip((n_features, *_WIDTHS), _WIDTHS, strict=False):
            layers += [nn.Conv1d(before, after, 5, stride=2, padding=2), nn.BatchNorm1d(after), nn.ReLU()]
        self.body = nn.Sequential(*layers, nn.AdaptiveAvgPool1d(_STEPS), nn.Flatten(), nn.Dropout(_DROPOUT))
        self.heads = nn.ModuleDict({factor: nn.Linear(_WIDTHS[-1] * _STEPS, n) for factor, n in n_classes.items()})

    def standardise_by(self, x: Tensor) -> None:
        """Takes the mean of each feature of clips (n, *x_shape), and one deviation, to standardise inputs by."""
        features = self._features(x)
        self.mean.copy_(features.mean(dim=(0, 2)))
        self.scale.copy_((features - self.mean[:, None]).square().mean().sqrt().clamp(min=1e-6))

    def forward(self, x: Tensor) -> dict[str, Tensor]:
        body = self.body((self._features(x) - self.mean[:, None]) / self.scale)
        return {factor: head(body) for factor, head in self.heads.items()}

    def _features(self, x: Tensor) -> Tensor:
        """Clips as channels over time, (B, features, T)."""
        by_feature = x.transpose(-2, -1)
        return by_feature.flatten(1, 2) if self._is_picture else by_feature
