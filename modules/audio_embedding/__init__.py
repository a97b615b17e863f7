"""Embeddings of audio that `metrics.FrechetAudioDistance` can compare."""

from modules.audio_embedding.crepe import CrepeEmbedding
from modules.audio_embedding.embedding import AudioEmbedding
from modules.audio_embedding.named import EmbeddingName, audio_embedding
from modules.audio_embedding.vggish import VGGish

__all__ = ["AudioEmbedding", "CrepeEmbedding", "EmbeddingName", "VGGish", "audio_embedding"]
