"""Embeddings of audio that `metrics.FrechetAudioDistance` can compare."""

from modules.audio_embedding.crepe import CrepeEmbedding
from modules.audio_embedding.embedding import AudioEmbedding
from modules.audio_embedding.vggish import VGGish

__all__ = ["AudioEmbedding", "CrepeEmbedding", "VGGish"]
