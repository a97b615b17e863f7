"""CREPE's features as an embedding."""

from dataclasses import dataclass
from typing import cast

import torch
from torch import Tensor

from modules.audio.crepe import SAMPLE_RATE, Capacity, crepe, crepe_frames, normalised


@dataclass(frozen=True)
class CrepeEmbedding:
    """What the network of CREPE (Kim et al. 2018) makes of audio before it decides on a pitch.

    An `AudioEmbedding`: the output of the fifth of six convolutions after its pooling, which ``torchcrepe.embed``
    returns too, one vector a frame of 64 ms. Frames are normalised, so it hears pitch and timbre but not level. It runs
    where the audio is.

    Args:
        model: ``full`` (2048 features) or ``tiny`` (256).
        hop_ms: Step from frame to frame, in ms; frame t is centred at t times it.
        batch_size: Frames that the network takes at a time; the full model needs about 3 MB for each.

    Example:
        >>> embedding = CrepeEmbedding("tiny")
        >>> embedding.name, embedding(torch.zeros(2, 1600)).shape
        ('crepe-tiny', torch.Size([2, 11, 256]))
    """

    model: Capacity = "full"
    hop_ms: float = 10.0
    batch_size: int = 256

    @property
    def name(self) -> str:
        return f"crepe-{self.model}"

    @property
    def n_features(self) -> int:
        return {"full": 2048, "tiny": 256}[self.model]

    @property
    def sample_rate(self) -> int:
        return SAMPLE_RATE

    def frames(self, n_samples: int) -> int:
        return 1 + n_samples // round(self.hop_ms * SAMPLE_RATE / 1000)

    @torch.no_grad()
    def __call__(self, audio: Tensor) -> Tensor:
        """Embeds clips; see `AudioEmbedding`."""
        network = crepe(self.model, audio.device)
        frames = crepe_frames(audio, self.hop_ms)
        n, n_frames = frames.shape[:2]
        vectors = [
            cast(Tensor, network(normalised(frames[batch // n_frames, batch % n_frames]), embed=True)).flatten(1)
            for batch in torch.arange(n * n_frames, device=audio.device).split(self.batch_size)
        ]
        return torch.cat(vectors).view(n, n_frames, self.n_features)
