"""Embeddings by the names that metrics call them."""

from pathlib import Path
from typing import Literal

import torch

from modules.audio.crepe import crepe
from modules.audio_embedding.crepe import CrepeEmbedding
from modules.audio_embedding.embedding import AudioEmbedding
from modules.audio_embedding.vggish import VGGish

EmbeddingName = Literal["crepe-full", "crepe-tiny", "vggish"]


def audio_embedding(
    name: EmbeddingName, device: torch.device | str = "cpu", vggish_weights: Path | None = None
) -> AudioEmbedding:
    """Makes the embedding of a name, its weights loaded.

    Args:
        name: ``crepe-full``, ``crepe-tiny`` or ``vggish``.
        device: Device of the audio that it will be given.
        vggish_weights: A file with the weights of VGGish; with None they are downloaded once.

    Raises:
        ModelError: VGGish's weights cannot be had, or are of another model.

    >>> audio_embedding("crepe-tiny").n_features
    256
    """
    if name == "vggish":
        return VGGish(vggish_weights and vggish_weights.expanduser()).to(device)
    embedding = CrepeEmbedding("full" if name == "crepe-full" else "tiny")
    crepe(embedding.model, torch.device(device))
    return embedding
