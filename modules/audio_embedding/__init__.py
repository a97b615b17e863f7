"""Embeddings of audio that Fréchet and kernel audio distances can compare."""

from modules.audio_embedding.cdpam import CDPAM
from modules.audio_embedding.crepe import CrepeEmbedding
from modules.audio_embedding.embedding import AudioEmbedding
from modules.audio_embedding.file import FileEmbedding
from modules.audio_embedding.named import EmbeddingName, audio_embedding, embedding_file
from modules.audio_embedding.vggish import VGGish

__all__ = [
    "CDPAM",
    "AudioEmbedding",
    "CrepeEmbedding",
    "EmbeddingName",
    "FileEmbedding",
    "VGGish",
    "audio_embedding",
    "embedding_file",
]
