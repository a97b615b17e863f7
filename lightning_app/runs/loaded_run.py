"""What a run has trained, as Python sees it."""

from collections.abc import Callable, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal, cast

import numpy as np
import torch
from lightning import LightningDataModule, LightningModule
from lightning.pytorch.utilities import rank_zero_warn
from numpy.typing import NDArray
from torch import Tensor

from datamodules import DataError
from datamodules.clips.level import usual_peak
from datamodules.protocols import ClipData
from lightning_app.errors import RunError, UsageError
from lightning_app.evaluation.posterior_mixture import N_COMPONENTS, check_components, draw_from_posteriors
from lightning_app.evaluation.requirements import clip_data
from lightning_app.evaluation.training_clips import training_clips
from lightning_app.evaluation.traversal import posterior_means, range_of
from lightning_app.own_sounds.encoding import Encodings, encoded
from lightning_app.own_sounds.files import sound_files
from lightning_app.own_sounds.generating import generate, references
from lightning_app.own_sounds.sound import Sound, SoundLike, as_sound, read_sound
from lightning_app.own_sounds.swapping import reconstruction, swap
from lightning_app.own_sounds.trained_model import decodes_latents, needs_reference, regularised
from lightning_app.own_sounds.traversing import Traversal, dimension_of, traverse
from lightning_app.runs.data_record import DataRecord
from lightning_app.runs.run_folder import RunFolder
from modules.audio.representation import Representation
from modules.protocols import GlobalLatent


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

    @cached_property
    def ready_data(self) -> LightningDataModule:
        """The data module, prepared and set up, so that its training and validation clips can be had.

        Raises:
            DataError: The data cannot be had.
        """
        self.data.prepare_data()
        self.data.setup("test")
        return self.data

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
            data = clip_data(self.ready_data)
            return usual_peak(data.audio, data.train_dataset.indices) or 1.0
        except (DataError, RunError, OSError) as error:
            rank_zero_warn(
                f"{self.folder.best_checkpoint} does not tell how loud its clips were, and the data are not here "
                f"({error}). Sounds are brought to a peak of 1; another level can change what the model makes of them."
            )
            return 1.0

    # What the model makes of sounds

    def swap(
        self, source: SoundLike, target: SoundLike, which: Literal["global", "local"] = "global", *, seed: int = 0
    ) -> Sound:
        """Replaces one of the latents of a sound by that of another.

        Args:
            source: The source: the path of a file, a `Sound`, or samples, (n,), at the model's sample rate. It gives
                its level and its sample rate to the result.
            target: The target.
            which: What is replaced: ``global``, which gives the source's melody on the target's instrument, or
                ``local``, which gives the target's melody on the source's instrument.
            seed: Seed of phases that have to be guessed.

        Returns:
            A sound, whose ``wave`` and ``rate`` are samples and their rate, and which ``write`` writes to a file.

        Raises:
            RunError: The model has no such latents, or a sound cannot be heard.
        """
        return swap(self, self._sound(source), self._sound(target), which, seed=seed)

    def reconstruct(self, sound: SoundLike, *, seed: int = 0) -> Sound:
        """Returns what the model makes of a sound with nothing replaced.

        Args:
            sound: The sound, as in `swap`.
            seed: Seed of phases that have to be guessed.

        Raises:
            RunError: The model has no latents to swap, or the sound cannot be heard.
        """
        return reconstruction(self, self._sound(sound), seed=seed)

    def encode(
        self,
        sounds: SoundLike | Sequence[SoundLike],
        *,
        seconds: float | None = None,
        whole_files: bool = False,
    ) -> Encodings:
        """Encodes sounds, segment by segment.

        Args:
            sounds: Sounds as in `swap`, or one of them, or a folder of files.
            seconds: Length of the segments; None takes that of the clips that the model was trained on.
            whole_files: Whether each sound is encoded as one.

        Raises:
            RunError: A sound cannot be heard, or the model does not encode sounds of such lengths.
        """
        several = sounds if isinstance(sounds, Sequence) and not isinstance(sounds, str) else [sounds]
        found: list[SoundLike] = []
        for one in several:
            found += sound_files([Path(one).expanduser()]) if isinstance(one, str | Path) else [one]
        heard = (read_sound(one, str(one)) if isinstance(one, Path) else self._sound(one) for one in found)
        return Encodings.of(encoded(self, heard, seconds=seconds, whole_files=whole_files))

    def generate(
        self,
        number: int = 8,
        *,
        reference: Sequence[SoundLike] | None = None,
        mixture_components: int = N_COMPONENTS,
        seed: int = 0,
    ) -> list[Sound]:
        """Draws sounds from the prior.

        A model whose clips have a prior each, like a TS-DSAE, has no v for all of them: v is drawn from a Gaussian
        mixture that is fitted to the posterior means of its training clips, which are prepared for it. That takes
        seconds, once for a run that is loaded. Or it is drawn from the priors of other sounds.

        Args:
            number: Number of sounds.
            reference: Sounds to draw from the priors of, in turn.
            mixture_components: Components of the mixture.
            seed: Seed of the draw.

        Raises:
            RunError: The model has no prior that can be drawn from, a sound cannot be heard, or the training clips are
                needed and cannot be had, or are too few.
        """
        heard: list[Tensor] | None = None
        v: NDArray[np.float64] | None = None
        if reference is not None:
            heard = references(self, [self._sound(sound) for sound in reference])
        elif needs_reference(self.model):
            decodes_latents(self.model)
            check_components(
                mixture_components,
                len(self._training_data.train_dataset),
                "mixture_components",
                "Or give sounds whose priors are drawn from, with --reference.",
            )
            v = draw_from_posteriors(self._training_v, number, mixture_components, seed)
        return generate(self, number, reference=heard, v=v, seed=seed)

    def traverse(
        self,
        sound: SoundLike,
        attribute: str | None = None,
        *,
        positions: int = 7,
        low: float | None = None,
        high: float | None = None,
        seed: int = 0,
    ) -> Traversal:
        """Moves an attribute of a sound through its range.

        Args:
            sound: The sound, as in `swap`.
            attribute: Name of an attribute that a dimension follows; None takes the first.
            positions: Number of positions.
            low: The first value of the dimension. Without it and ``high``, the range is that of the validation clips,
                which are prepared for it.
            high: The last value.
            seed: Seed of phases that have to be guessed.

        Raises:
            RunError: The model has no such dimension, or the sound cannot be heard.
            DataError: The data are needed, and cannot be had.
        """
        name, _ = dimension_of(self, attribute)
        places = self.positions(name, positions, low, high)
        return traverse(self, self._sound(sound), name, places, seed=seed)

    def positions(self, attribute: str, number: int, low: float | None = None, high: float | None = None) -> Tensor:
        """Returns the positions of a traversal, (number,), float64.

        Args:
            attribute: Name of the attribute.
            number: Number of positions.
            low: The first of them; see `traverse`.
            high: The last of them.

        Raises:
            UsageError: One end is given without the other.
            DataError: The data are needed, and cannot be had.
        """
        if low is not None and high is not None:
            return torch.linspace(low, high, number, dtype=torch.float64)
        if low is not None or high is not None:
            raise UsageError("a range has two ends: give both --low and --high, or neither.")
        _, dim = dimension_of(self, attribute)
        with torch.inference_mode():
            means = posterior_means(regularised(self.model), clip_data(self.ready_data))
        return range_of(means[:, dim], number)

    def _sound(self, given: SoundLike) -> Sound:
        return as_sound(given, self.representation.sample_rate)

    @property
    def _training_data(self) -> ClipData:
        """The data, for what cannot be drawn without them.

        Raises:
            RunError: They cannot be had.
        """
        try:
            return clip_data(self.ready_data)
        except (DataError, RunError, OSError) as error:
            reason = str(error).removesuffix(".")
            raise RunError(
                f"{type(self.model).__name__} has a prior for each clip, so v is drawn from a mixture that is fitted "
                f"to its training clips, and they cannot be had: {reason}. Or give sounds whose priors are drawn "
                "from, with --reference."
            ) from error

    @cached_property
    def _training_v(self) -> NDArray[np.float64]:
        """The posterior means of v of the training clips, (n, V)."""
        with torch.inference_mode():
            batches = training_clips(self._training_data, self.model)
            means = [cast(GlobalLatent, self.model).global_latent(batch["x"]) for batch in batches]
        return torch.cat(means).double().numpy()

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
