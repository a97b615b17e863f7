"""What a run has trained, as Python sees it."""

from collections.abc import Callable
from functools import cached_property
from typing import Any

from lightning import LightningDataModule, LightningModule
from lightning.pytorch.utilities import rank_zero_warn

from datamodules import DataError
from datamodules.clips.level import usual_peak
from lightning_app.errors import RunError
from lightning_app.evaluation.requirements import clip_data
from lightning_app.runs.data_record import DataRecord
from lightning_app.runs.run_folder import RunFolder
from modules.audio.representation import Representation


class LoadedRun:
    """What a run has trained, and on what.

    The model and what it hears follow from the run's folder alone, so that a run can be used on a machine that does not
    have its data.

    Args:
        folder: Folder of the run.
        model: The model with the weights of the best checkpoint, on the CPU, in evaluation mode.
        record: What the run tells of its data; None where the data themselves have to be asked.
        make_data: Makes the data module.

    Attributes:
        folder: Folder of the run.
        model: The model.
    """

    def __init__(
        self,
        folder: RunFolder,
        model: LightningModule,
        record: DataRecord | None,
        make_data: Callable[[], LightningDataModule],
    ) -> None:
        self.folder = folder
        self.model = model
        self._record = record
        self._make_data = make_data

    @cached_property
    def data(self) -> LightningDataModule:
        """The data module as it is made: neither prepared nor set up.

        Raises:
            DataError: The data cannot be had with these options.
        """
        return self._make_data()

    @property
    def representation(self) -> Representation:
        """What the model hears of a clip's audio, and how to get back from it."""
        return self._known.representation

    @property
    def n_samples(self) -> int:
        """Length of the clips that the model was trained on, in samples."""
        return self._known.n_samples

    @property
    def class_names(self) -> dict[str, tuple[str, ...]]:
        """For each way to class the clips, the names of its classes."""
        return self._known.class_names

    @cached_property
    def usual_peak(self) -> float:
        """The level of the clips that the model was trained on, to which a sound is brought before the model hears it.

        Checkpoints of version 0.1 do not tell it: then the data are asked, and where they are not here either, it is
        full scale, with a warning.
        """
        if self._known.usual_peak is not None:
            return self._known.usual_peak or 1.0
        try:
            data = clip_data(self._data_set_up)
            return usual_peak(data.audio, data.train_dataset.indices) or 1.0
        except (DataError, RunError, OSError) as error:
            rank_zero_warn(
                f"{self.folder.best_checkpoint} does not tell how loud its clips were, and the data are not here "
                f"({error}). Sounds are brought to a peak of 1; another level can change what the model makes of them."
            )
            return 1.0

    @cached_property
    def _known(self) -> DataRecord:
        if self._record is not None:
            return self._record
        data: Any = self.data
        if missing := [name for name in ("representation", "n_samples") if not hasattr(data, name)]:
            raise RunError(
                f"{type(data).__name__}, the data of {self.folder.path}, has no {', '.join(missing)}, so that nothing "
                "tells what its model hears of a sound; base it on datamodules.ClipDataModule."
            )
        names = {factor: tuple(names) for factor, names in getattr(data, "class_names", {}).items()}
        return DataRecord(data.representation, data.n_samples, names, tuple(getattr(data, "attributes", ())))

    @cached_property
    def _data_set_up(self) -> LightningDataModule:
        self.data.prepare_data()
        self.data.setup("test")
        return self.data
