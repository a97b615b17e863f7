"""Embeddings by the names that metrics call them, or by the path of a file."""

from pathlib import Path
from typing import Literal, get_args

import torch

from modules.audio.crepe import crepe
from modules.audio_embedding.cdpam import CDPAM
from modules.audio_embedding.crepe import CrepeEmbedding
from modules.audio_embedding.embedding import AudioEmbedding
from modules.audio_embedding.file import SUFFIXES, FileEmbedding
from modules.audio_embedding.vggish import VGGish
from modules.errors import ModelError

EmbeddingName = Literal["crepe-full", "crepe-tiny", "vggish", "cdpam"]


def embedding_file(embedding: str) -> Path | None:
    """Returns the path of an embedding that is given by its file; None for one that is given by its name.

    Raises:
        ModelError: It is neither.

    >>> embedding_file("mine.onnx"), embedding_file("vggish")
    (PosixPath('mine.onnx'), None)
    """
    if embedding in get_args(EmbeddingName):
        return None
    path = Path(embedding).expanduser()
    if path.suffix.lower() not in SUFFIXES:
        raise ModelError(
            f"{embedding} is no embedding; the names are {', '.join(get_args(EmbeddingName))}, and a file of your own "
            f"ends with {', '.join(SUFFIXES)}."
        )
    return path


def audio_embedding(
    embedding: str,
    device: torch.device | str = "cpu",
    vggish_weights: Path | None = None,
    n_samples: int | None = None,
) -> AudioEmbedding:
    """Makes the embedding of a name or a file, its weights loaded.

    A file is code: load none that you do not trust.

    Args:
        embedding: ``crepe-full``, ``crepe-tiny``, ``vggish`` or ``cdpam``, or the path of a `FileEmbedding`.
        device: Device of the audio that it will be given.
        vggish_weights: A file with the weights of VGGish; with None they are downloaded once.
        n_samples: Length of that audio, which a network from a file is tried on.

    Raises:
        ModelError: There is no such embedding, or its weights cannot be had, or are of another model.

    >>> audio_embedding("crepe-tiny").n_features
    256
    """
    path = embedding_file(embedding)
    if path is not None:
        return FileEmbedding(path, n_samples, device)
    if embedding == "vggish":
        return VGGish(vggish_weights and vggish_weights.expanduser()).to(device)
    if embedding == "cdpam":
        return CDPAM().to(device)
    of_crepe = CrepeEmbedding("full" if embedding == "crepe-full" else "tiny")
    crepe(of_crepe.model, torch.device(device))
    return of_crepe
