"""The one LightningDataModule for all data sets of clips."""

from collections.abc import Callable, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from lightning import LightningDataModule
from lightning.pytorch.utilities import rank_zero_warn
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import DataLoader, default_collate

from datamodules.clips.attributes import attribute_values, check_attributes
from datamodules.clips.batches import ClipLoader, SharedBatches, check_share, share_of, training_position
from datamodules.clips.dataset import RESERVED, ClipDataset
from datamodules.clips.level import usual_peak
from datamodules.clips.prepared import cache_key, cached_audio, cached_representations
from datamodules.clips.source import ClipSource, Part
from datamodules.clips.split import check_fraction
from datamodules.errors import DataError, first_of
from datamodules.storage.cache import DEFAULT_CACHE_DIR
from datamodules.storage.cores import usable_cores
from datamodules.storage.worker_pool import guard_worker
from modules.audio.representation import LogMelSequence, Representation


class ClipDataModule(LightningDataModule):
    """Batches of clips for any model: what it hears, classes and attributes.

    Batches have ``x`` (batch, *shape), what the model hears; ``index``, the numbers of the clips; ``group``; each class
    by its name, as positions in `class_names`; and ``attributes`` (batch, M), where some are asked for, in the order of
    `attributes`. Clips that have no value of an attribute, such as the brightness of silence, are left out, and named.

    Args:
        source: What there is, and what is known of it.
        representation: What a model hears; None is `modules.audio.LogMelSequence` as it is published.
        represent: When that is computed: ``ahead`` of training, into the cache, or ``on_device`` at each step, from
            audio, which takes less of the disk where the representation is the larger.
        attributes: Names of the continuous attributes to give: brightness and depth of any audio (AudioCommons timbral
            models), and those of the data set.
        validation_fraction: Share of the clips for validation; all clips of a group stay on one side. It does not apply
            where the data set has a split of its own.
        seed: Seed of the split and of the order of training clips.
        batch_size: Clips in a batch, over all devices together.
        num_workers: Processes that load batches; 0 suits what is read from a memory map.
        prepare_workers: Processes that make, measure and represent clips; None takes one for each CPU core.
        cache_dir: Folder of the cache, where what is computed once is kept.

    Attributes:
        shares_batches: Whether each process gets its share of a batch from the loaders themselves (it does), so that
            the Trainer is not to divide them again; see `datamodules.protocols.SharesBatches`.

    Raises:
        DataError: An option that names nothing, or nothing usable.
        ModelError: The representation cannot hold clips of this length.
    """

    shares_batches = True
    train_dataset: ClipDataset
    validation_dataset: ClipDataset
    test_dataset: ClipDataset

    def __init__(
        self,
        source: ClipSource,
        representation: Representation | None = None,
        represent: Literal["ahead", "on_device"] = "ahead",
        attributes: tuple[str, ...] = (),
        validation_fraction: float = 0.2,
        seed: int = 0,
        batch_size: int = 128,
        num_workers: int = 0,
        prepare_workers: int | None = None,
        cache_dir: Path = DEFAULT_CACHE_DIR,
    ) -> None:
        super().__init__()
        for name, value, least in (
            ("batch_size", batch_size, 1),
            ("num_workers", num_workers, 0),
            ("seed", seed, 0),
            ("prepare_workers", prepare_workers, 1),
        ):
            if value is not None and value < least:
                raise DataError(f"{name} is {value}; it must be {least} or more.", argument=name)
        check_fraction(validation_fraction)
        if represent not in ("ahead", "on_device"):
            raise DataError(f"represent is {represent!r}; choose from ahead, on_device.", argument="represent")
        check_attributes(attributes, source)
        self.source = source
        self.representation = LogMelSequence(source.sample_rate) if representation is None else representation
        if self.representation.sample_rate != source.sample_rate:
            raise DataError(
                f"the representation is of audio at {self.representation.sample_rate} Hz, and {source.name} has "
                f"{source.sample_rate} Hz; give it this sample_rate.",
                argument="sample_rate",
            )
        self.n_samples = source.n_samples
        self.x_shape = self.representation.shape(source.n_samples)
        self.attributes = tuple(attributes)
        self.batch_size = batch_size
        self.num_workers = num_workers
        self.seed = seed
        self._represent = represent
        self._validation_fraction = validation_fraction
        self._prepare_workers = prepare_workers or usable_cores()
        self.cache_dir = Path(cache_dir).expanduser()

    @property
    def class_names(self) -> dict[str, tuple[str, ...]]:
        """For each way to class the clips, the names of its classes."""
        return dict(self.source.class_names)

    @property
    def cache_key(self) -> str:
        """What these clips are, in a word: the same where they and their representation are the same."""
        return cache_key(self.source, self.representation if self._represent == "ahead" else None)

    def prepare_data(self) -> None:
        """Makes, measures and represents the clips, unless the cache has them."""
        check_share(self.batch_size, share_of(self.trainer).n_processes)
        if taken := [name for name in self.source.class_names if name in RESERVED]:
            raise DataError(f"{self.source.name} has a class '{taken[0]}'; a batch has something else of this name.")
        self.source.prepare()
        self._parts()  # a split that cannot be had is better known before the work
        self._entry()  # names clips that cannot be read, which have no attributes either
        self._attribute_values()

    def setup(self, stage: str) -> None:
        """Opens what was prepared, and divides it into parts."""
        parts, values, entry = self._parts(), self._attribute_values(), self._entry()
        known = np.isfinite(values).all(axis=1)
        self._warn_of_clips_without_attributes(np.flatnonzero(~known))
        labels, groups = self.source.labels(), self.source.groups()
        content = "x" if self._represent == "ahead" else "audio"
        read = self.source.audio if entry is None else np.load(entry / f"{content}.npy", mmap_mode="r").__getitem__

        def dataset(part: Part) -> ClipDataset:
            return ClipDataset(content, read, np.flatnonzero((parts == part) & known), labels, groups, values)

        self.train_dataset, self.validation_dataset = dataset(Part.TRAIN), dataset(Part.VALIDATION)
        self.test_dataset = dataset(Part.TEST) if (parts == Part.TEST).any() else self.validation_dataset
        for name, part, clips in (
            ("training", Part.TRAIN, self.train_dataset),
            ("validation", Part.VALIDATION, self.validation_dataset),
            ("test", Part.TEST, self.test_dataset),
        ):
            if not len(clips):
                if not (parts == part).any():
                    raise DataError(f"{self.source.name} has no {name} clips.")
                raise DataError(f"none of the {name} clips of {self.source.name} has {', '.join(self.attributes)}.")
        if stage == "fit":
            self._require_training_clips()
        for clips in (self.train_dataset, self.validation_dataset, self.test_dataset):
            self._batches(clips)  # says where there are too few for all processes

    def audio(self, index: int) -> NDArray[np.float32]:
        """Returns the audio, (n_samples,), of the clip that has this ``index`` in batches."""
        return self.source.audio(index)

    @property
    def makes_true_swaps(self) -> bool:
        """Whether `true_swap` makes clips anew; see `datamodules.protocols.TrueSwaps`."""
        return self.source.makes_true_swaps

    def true_swap(self, index: int, classes: Mapping[str, str]) -> NDArray[np.float32] | None:
        """Returns what a perfect swap of a clip sounds like; see `datamodules.protocols.TrueSwaps`."""
        return self.source.true_swap(index, classes)

    def melodies(self, indices: Sequence[int] | NDArray[np.integer]) -> NDArray[np.floating] | None:
        """Returns what is played in clips; see `datamodules.protocols.Melodic`."""
        return self.source.melodies(np.asarray(indices))

    def clip_names(self, indices: Sequence[int] | NDArray[np.integer]) -> list[str]:
        """Returns the names of clips by their ``index`` in batches."""
        return self.source.clip_names(np.asarray(indices))

    def batch(
        self, dataset: ClipDataset, positions: Sequence[int] | NDArray[np.integer], device: torch.device
    ) -> dict[str, Tensor]:
        """Returns some clips of a dataset as a batch on a device, as the loaders would give them to a model."""
        clips = default_collate([dataset[int(position)] for position in positions])
        return self.on_after_batch_transfer({name: value.to(device) for name, value in clips.items()}, 0)

    def state_dict(self) -> dict[str, Any]:
        """What a checkpoint needs for its model to be heard without these data.

        The representation, the length of clips in samples, the names of classes and attributes, and, once the data are
        set up, ``usual_peak``: the level that the model knows (`datamodules.clips.level.usual_peak`).
        """
        level = {"usual_peak": self._usual_peak} if hasattr(self, "train_dataset") else {}
        return {
            "representation": self.representation.settings,
            "n_samples": self.n_samples,
            "class_names": {name: list(names) for name, names in self.class_names.items()},
            "attributes": list(self.attributes),
            **level,
        }

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        """Refuses a checkpoint whose model heard something else.

        Raises:
            DataError: The representation or the attributes are others; the message names what differs.
        """
        for name, now in (("representation", self.representation.settings), ("attributes", list(self.attributes))):
            then = state_dict.get(name, now)
            if then and then != now:
                raise DataError(
                    f"the checkpoint's model was trained on {name} {_shown(then)}, and these data have {_shown(now)}."
                )

    def train_dataloader(self) -> DataLoader[dict[str, Tensor]]:
        """Returns the training clips, in an order set by the seed and the epoch alone: a resumed run repeats it."""
        batches = self._batches(self.train_dataset, lambda epoch: np.random.default_rng((self.seed, 0, epoch)))
        if (trainer := self.trainer) is not None:
            batches.position = lambda: training_position(trainer, len(batches))
        return self._loader(self.train_dataset, batches)

    def val_dataloader(self) -> DataLoader[dict[str, Tensor]]:
        """Returns the validation clips, in an order set by the seed: neighbours are a random pair for swaps."""
        return self._loader(self.validation_dataset, self._once_shuffled(self.validation_dataset))

    def test_dataloader(self) -> DataLoader[dict[str, Tensor]]:
        """Returns the test clips, or the validation clips where the data set has none, likewise."""
        return self._loader(self.test_dataset, self._once_shuffled(self.test_dataset))

    def predict_dataloader(self) -> list[DataLoader[dict[str, Tensor]]]:
        """Returns the training, the validation and, where there are some, the test clips, each in order."""
        datasets = [self.train_dataset, self.validation_dataset]
        if self.test_dataset is not self.validation_dataset:
            datasets.append(self.test_dataset)
        process, n_processes = share_of(self.trainer)
        return [
            # Lightning puts a batch sampler of its own into loaders of predictions, so these have none of ours.
            DataLoader(
                dataset,
                batch_size=max(1, self.batch_size // n_processes),
                sampler=np.array_split(np.arange(len(dataset)), n_processes)[process].tolist(),
                num_workers=self.num_workers,
                persistent_workers=self.num_workers > 0,
                worker_init_fn=guard_worker,
            )
            for dataset in datasets
        ]

    def on_after_batch_transfer(self, batch: dict[str, Tensor], dataloader_idx: int) -> dict[str, Tensor]:
        """Puts what the model hears in the place of the audio, computed where the batch now lies."""
        if "audio" not in batch:
            return batch
        audio = batch.pop("audio")
        # In float32, whatever a trainer trains in.
        return {"x": self.representation.to(audio.device)(audio.float()).to(audio.dtype)} | batch

    def _loader(self, dataset: ClipDataset, batches: SharedBatches) -> DataLoader[dict[str, Tensor]]:
        return ClipLoader(
            dataset,
            batches,
            num_workers=self.num_workers,
            persistent_workers=self.num_workers > 0,
            worker_init_fn=guard_worker,
        )

    def _once_shuffled(self, dataset: ClipDataset) -> SharedBatches:
        return self._batches(dataset, lambda epoch: np.random.default_rng((self.seed, 1)))

    def _batches(
        self, dataset: ClipDataset, generator: Callable[[int], np.random.Generator] | None = None
    ) -> SharedBatches:
        """The batches of a part, shuffled by the generator of each epoch, or in order."""
        clips = np.arange(len(dataset))

        def order(epoch: int) -> NDArray[np.integer]:
            return clips if generator is None else generator(epoch).permutation(clips)

        return SharedBatches(len(dataset), self.batch_size, order, share_of(self.trainer))

    def _require_training_clips(self) -> None:
        if len(self.train_dataset) < 2:
            raise DataError(
                f"{self.source.name} has one training clip, which cannot be paired or normalised with another; take "
                "more clips, or a smaller validation_fraction.",
                argument="validation_fraction",
            )
        values = self.train_dataset.attributes
        constant = [name for name, column in zip(self.attributes, values.T, strict=True) if np.ptp(column) == 0]
        if constant:
            raise DataError(
                f"{', '.join(constant)} is the same for all training clips of {self.source.name}, so that there is "
                "nothing to learn; leave it out of attributes, or take other clips.",
                argument="attributes",
            )

    def _parts(self) -> NDArray[np.integer]:
        return self.source.parts(self._validation_fraction, self.seed)

    def _attribute_values(self) -> NDArray[np.float32]:
        return attribute_values(self.source, self.attributes, self.cache_dir, self._prepare_workers)

    @cached_property
    def _usual_peak(self) -> float:
        return usual_peak(self.audio, self.train_dataset.indices)

    def _entry(self) -> Path | None:
        """The entry of the cache; None where each clip's audio is read when it is needed."""
        if self._represent == "ahead":
            return cached_representations(self.source, self.representation, self.cache_dir, self._prepare_workers)
        return None if self.source.reads_files else cached_audio(self.source, self.cache_dir, self._prepare_workers)

    def _warn_of_clips_without_attributes(self, clips: NDArray[np.integer]) -> None:
        if len(clips):
            rank_zero_warn(
                f"{len(clips)} clips of {self.source.name} are left out, since they have no "
                f"{' or '.join(self.attributes)} (the reasons are in its table): "
                f"{first_of(self.source.clip_names(clips))}."
            )


def _shown(value: Any) -> str:
    if not isinstance(value, dict):
        return ", ".join(value) or "none"
    return (
        f"{value.get('class')} ({', '.join(f'{name} {setting}' for name, setting in value.items() if name != 'class')})"
    )
