"""The record of an evaluation, as ``test`` writes it and figures read it."""

import json
from dataclasses import asdict, dataclass, field
from typing import Any

from lightning_app.errors import RunError
from lightning_app.files import whole_file
from lightning_app.runs.run_folder import RunFolder


@dataclass(frozen=True)
class EvaluationRecord:
    """What was measured of a run, and of which state of it.

    Attributes:
        kind: Name of the evaluation, like ``SwapEvaluation``.
        scores: The scores by their keys, and the terms of the loss.
        settings: What the scores depend on besides the model, like a seed.
        n_clips: Number of clips that were scored.
        checkpoint: File name of the checkpoint; None for a model that was not loaded from one.
        epoch: The epoch that the checkpoint was trained to, from 0; None without one.
        step: The optimiser step that it was trained to; None without one.
        intervals: Both ends of the 95 % bootstrap interval over clips of those scores that have one.
        outliers: The clips that are farthest from the data, the farthest first, by the embedding that tells so.
    """

    kind: str
    scores: dict[str, float]
    settings: dict[str, Any]
    n_clips: int
    checkpoint: str | None = None
    epoch: int | None = None
    step: int | None = None
    intervals: dict[str, list[float]] = field(default_factory=dict)
    outliers: dict[str, list[dict[str, Any]]] = field(default_factory=dict)

    def write(self, folder: RunFolder) -> None:
        """Writes the record to a run's folder, in the place of the one before."""
        with whole_file(folder.evaluation) as draft:
            draft.write_text(json.dumps(asdict(self), indent=2) + "\n")

    @classmethod
    def read(cls, folder: RunFolder) -> "EvaluationRecord":
        """Reads the record of a run.

        Raises:
            RunError: There is none, or it is not of this layout.
        """
        remedy = f"`disentangle test --run {folder.path}` makes one."
        try:
            record = cls(**json.loads(folder.evaluation.read_text()))
            scores = {key: float(value) for key, value in record.scores.items()}
            return cls(**{**vars(record), "scores": scores, "settings": dict(record.settings)})
        except FileNotFoundError:
            raise RunError(f"{folder.path} has no record of an evaluation; {remedy}") from None
        except (OSError, ValueError, TypeError, AttributeError) as error:
            raise RunError(f"{folder.evaluation} is not a record of this version of the project; {remedy}") from error


def is_finished(folder: RunFolder) -> bool:
    """Whether a run's training has come to its end, and that training has been evaluated.

    An evaluation from before the training went on is told by its step.
    """
    training = folder.training()
    if training is None or not training.finished:
        return False
    try:
        step = EvaluationRecord.read(folder).step
    except RunError:
        return False
    if training.best_step is None:
        return step is not None and step <= training.steps
    return step in (training.best_step, training.steps)
