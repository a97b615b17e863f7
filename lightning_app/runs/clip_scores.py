"""What the scores of an evaluation were made of, clip by clip, so that two runs can be compared in pairs."""

import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from lightning_app.errors import RunError
from lightning_app.files import whole_file
from lightning_app.runs.run_folder import RunFolder

_PARTS = ("statistic", "clips", "rows", "classes")


@dataclass(frozen=True)
class ClipScore:
    """A score, as a statistic of what is known of each clip.

    Attributes:
        statistic: Name of the statistic; see `lightning_app.evaluation.clip_statistics`.
        clips: Numbers of the clips, in rising order, (n,).
        rows: What is known of them, (k, n), float64.
        classes: The classes that macro F1 is averaged over; none for other statistics.
    """

    statistic: str
    clips: NDArray[np.int64]
    rows: NDArray[np.float64]
    classes: tuple[int, ...] = ()


@dataclass(frozen=True)
class ClipScores:
    """The scores of a run that are statistics over clips.

    Attributes:
        clips: Numbers of all clips that were to be evaluated, in rising order, (N,).
        scores: The scores by their keys. Some are of fewer clips, such as those that were listened to.
    """

    clips: NDArray[np.int64]
    scores: Mapping[str, ClipScore]

    def write(self, folder: RunFolder) -> None:
        """Writes the file ``clip_scores.npz`` to a run's folder, in the place of the one before.

        It has all numbers as ``clips``, and for each score ``<key>/statistic``, ``<key>/clips``, ``<key>/rows`` and
        ``<key>/classes``.
        """
        arrays: dict[str, Any] = {"clips": self.clips}
        for key, score in self.scores.items():
            arrays |= {f"{key}/{part}": np.asarray(getattr(score, part)) for part in _PARTS[:-1]}
            arrays[f"{key}/classes"] = np.array(score.classes, np.int64)
        with whole_file(folder.clip_scores) as draft:
            np.savez_compressed(draft, allow_pickle=False, **arrays)

    @classmethod
    def read(cls, folder: RunFolder) -> "ClipScores":
        """Reads the file of a run.

        Raises:
            RunError: There is none, or it is not of this layout.
        """
        remedy = f"`disentangle test --run {folder.path}` makes one."
        try:
            with folder.clip_scores.open("rb") as file, np.load(file, allow_pickle=False) as arrays:
                keys = [name.removesuffix("/statistic") for name in arrays.files if name.endswith("/statistic")]
                scores = {key: _score({part: arrays[f"{key}/{part}"] for part in _PARTS}) for key in keys}
                return cls(arrays["clips"], scores)
        except FileNotFoundError:
            raise RunError(
                f"{folder.path} has no {folder.clip_scores.name}, the scores of single clips; {remedy}"
            ) from None
        except (OSError, ValueError, TypeError, KeyError, EOFError, zipfile.BadZipFile, zlib.error) as error:
            raise RunError(f"{folder.clip_scores} is not a file of this version of the project; {remedy}") from error


def _score(parts: Mapping[str, NDArray[Any]]) -> ClipScore:
    clips, rows = parts["clips"], parts["rows"]
    if rows.ndim != 2 or clips.shape != rows.shape[1:] or (np.diff(clips) <= 0).any():
        raise ValueError(f"rows of shape {rows.shape} are not of {clips.shape} clips in rising order.")
    return ClipScore(str(parts["statistic"]), clips, rows, tuple(parts["classes"].tolist()))
