"""What an embedding of audio is."""

from typing import Protocol, runtime_checkable

from torch import Tensor


@runtime_checkable
class AudioEmbedding(Protocol):
    """Turns pieces of audio into vectors.

    Attributes:
        name: Part of a metric's key, such as ``vggish``; values of different embeddings must not be compared.
        n_features: Number of values of a vector.
        sample_rate: Sample rate that the audio must have, in Hz.
    """

    @property
    def name(self) -> str: ...

    @property
    def n_features(self) -> int: ...

    @property
    def sample_rate(self) -> int: ...

    def frames(self, n_samples: int) -> int:
        """Returns how many vectors a clip of that many samples gives."""
        ...

    def __call__(self, audio: Tensor) -> Tensor:
        """Embeds clips.

        Args:
            audio: Mono audio in [-1, 1], float of shape (n, n_samples).

        Returns:
            Vectors, float32 of shape (n, frames, n_features), where the audio is.

        Raises:
            ModelError: Audio of another shape, too short for a frame, NaN or infinity.
        """
        ...
