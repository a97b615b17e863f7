"""Some of the evaluated clips, for what is too slow to be measured on all."""

import numpy as np
from numpy.typing import NDArray

from lightning_app.evaluation.clip_count import ClipCount
from lightning_app.evaluation.measurement import Subject, SwappedClips


class ChosenClips:
    """Chooses clips at random, the same whatever the number of processes.

    Args:
        subject: What is evaluated.
        n_clips: How many to choose; None takes all.
        title: What the progress bar says of them.

    Attributes:
        indices: Their numbers, in the order in which they were drawn.
    """

    def __init__(self, subject: Subject, n_clips: int | None, title: str) -> None:
        indices = subject.dataset.indices
        drawn = np.random.default_rng(subject.seed).permutation(len(indices))[:n_clips]
        self.total = len(drawn)
        self._seen = ClipCount()
        self.indices = indices[drawn]
        self._subject, self._title = subject, title

    def of(self, clips: SwappedClips) -> SwappedClips:
        """Returns those of a batch that are chosen, and new."""
        chosen: NDArray[np.bool_] = np.isin(clips.index.cpu().numpy(), self.indices) & clips.new
        self._seen.add(clips.index.cpu()[chosen])
        return clips.rows(chosen)

    def n_seen(self) -> int:
        """Returns how many were seen; to be called on every process."""
        return self._seen.total()

    def advance(self) -> None:
        """Moves the progress bar on by a clip; it is not there before the first, when the run's own bar is."""
        if not hasattr(self, "_advance"):
            self._advance = self._subject.beside(self._title, self.total)
        self._advance()
