"""What a run keeps of its data, so that its model can be used without them."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from modules.audio.representation import Representation


@dataclass(frozen=True)
class DataRecord:
    """What a model has to know of the data that it was trained on.

    Attributes:
        representation: What the model hears, and the way back to audio.
        n_samples: Length of the clips, in samples.
        class_names: For each way to class the clips, the names of its classes.
        attributes: Names of the attributes.
        usual_peak: Level of the clips (`datamodules.clips.level.usual_peak`); None where the run does not tell.
    """

    representation: Representation
    n_samples: int
    class_names: dict[str, tuple[str, ...]]
    attributes: tuple[str, ...]
    usual_peak: float | None = None

    @property
    def x_shape(self) -> tuple[int, ...]:
        """Shape of a clip as the model hears it."""
        return self.representation.shape(self.n_samples)

    @classmethod
    def of_checkpoint(cls, checkpoint: Mapping[str, Any], data_class: str) -> "DataRecord | None":
        """Reads the record that a checkpoint has of its data, which `datamodules.ClipDataModule` writes.

        Args:
            checkpoint: The checkpoint.
            data_class: Import path of the class of the data, which is imported, as that of the representation is.

        Returns:
            The record; None where there is none, as of data that are no `datamodules.ClipDataModule`.
        """
        state = checkpoint.get(data_class.rpartition(".")[2])
        if not isinstance(state, Mapping) or not {"representation", "n_samples"} <= state.keys():
            return None
        settings = dict(state["representation"])
        name = settings.pop("class", None)
        found = [one for one in _subclasses(Representation) if one.__qualname__ == name]
        if not found:
            return None
        return cls(
            found[-1](**settings),
            int(state["n_samples"]),
            {factor: tuple(names) for factor, names in state.get("class_names", {}).items()},
            tuple(state.get("attributes", ())),
            state.get("usual_peak"),
        )


def _subclasses(of: Any) -> list[Any]:
    return [one for direct in of.__subclasses__() for one in (direct, *_subclasses(direct))]
