"""What evaluations and media need of a run's model and data, checked by what these can do."""

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, cast

import numpy as np
from lightning.pytorch.utilities import rank_zero_warn
from numpy.typing import NDArray
from torch import Tensor

from datamodules.protocols import OF_SETUP, ClipData, Clips
from lightning_app.errors import RunError
from modules.protocols import GlobalLatent, LocalLatents, Regularised, Swappable, lacking

_LEAVE_OUT = "leave it out with --evaluation null --media null"


def clip_data(data: object) -> ClipData:
    """Returns the data of a run.

    Raises:
        RunError: They are no clips that can be evaluated or shown; the message says what is missing.
    """
    if missing := [name for name in lacking(data, ClipData) if name not in OF_SETUP]:
        raise RunError(
            f"{type(data).__name__} has no {', '.join(missing)}, which evaluations and media need of data (see "
            f"datamodules.protocols.ClipData); base it on datamodules.ClipDataModule, or {_LEAVE_OUT}."
        )
    return cast(ClipData, data)


def swappable(model: Any) -> Swappable:
    """Returns the model of a run.

    Raises:
        RunError: Its latents cannot be swapped; the message says what is missing.
    """
    if missing := lacking(model, Swappable):
        raise RunError(
            f"swaps are between the global and the local latents of a model, and {type(model).__name__} has no "
            f"{', '.join(missing)} (see modules.protocols.Swappable); {_LEAVE_OUT}."
        )
    return cast(Swappable, model)


def regularised(model: Any, data: ClipData) -> Regularised:
    """Returns the model of a run, whose attributes are those of the data.

    Raises:
        RunError: It has no regularised dimensions, or other attributes.
    """
    if missing := lacking(model, Regularised):
        raise RunError(
            f"this is of regularised dimensions, and {type(model).__name__} has no {', '.join(missing)} (see "
            f"modules.protocols.Regularised); {_LEAVE_OUT}."
        )
    if not model.regularized_dims:
        raise RunError(
            f"this is of regularised dimensions, and {type(model).__name__} has none here: name attributes with "
            f"--data.attributes, or {_LEAVE_OUT}."
        )
    if model.attribute_names != data.attributes:
        raise RunError(
            f"the model's attributes are {', '.join(model.attribute_names)}, the data's {', '.join(data.attributes)}; "
            "they must be the same, in the same order."
        )
    return cast(Regularised, model)


def require_members(model: object, protocol: type, option: str, leave_out: str) -> None:
    """Checks that a model has what a score asks of it.

    Args:
        model: The model.
        protocol: One of `modules.protocols`.
        option: The option that asks for the score.
        leave_out: How to leave it out.

    Raises:
        RunError: It has not; the message says what is missing.
    """
    if missing := lacking(model, protocol):
        raise RunError(
            f"{option} needs a model with {', '.join(missing)}, which {type(model).__name__} has not (see "
            f"modules.protocols.{protocol.__name__}); {leave_out}"
        )


def require_local_latents(model: object, option: str, leave_out: str) -> None:
    """Checks that the local latents of a model can be read; see `require_members`."""
    require_members(model, LocalLatents, option, leave_out)


def heard(model: Any, data: ClipData, dataset: Clips, positions: Sequence[int] | NDArray[np.integer]) -> Tensor:
    """Returns what a model hears of some clips of a part, on its device and as precise as its weights.

    Args:
        model: The model.
        data: Its data.
        dataset: The part.
        positions: Positions of the clips in it.
    """
    return data.batch(dataset, positions, model.device)["x"].to(model.dtype)


class ClipLatent(NamedTuple):
    """One latent vector for each clip."""

    name: str
    """What it is called: ``v`` or ``z``."""
    of: Callable[[Tensor], Tensor]
    """Takes inputs (B, ...) to their vectors (B, D)."""


def clip_latent(model: Any) -> ClipLatent:
    """Returns what a model tells of whole clips: its global latent or, where it has none, its posterior means.

    Raises:
        RunError: It tells neither; the message says what is missing.
    """
    if not lacking(model, GlobalLatent):
        return ClipLatent("v", model.global_latent)
    if not lacking(model, Regularised):
        return ClipLatent("z", model.latent)
    raise RunError(
        f"a map of clips shows one latent vector of each, and {type(model).__name__} has no global_latent (see "
        "modules.protocols.GlobalLatent); leave the map out with --latent_map null."
    )


def swap_factor(data: ClipData, factor: str | None) -> str:
    """Returns the class that clips are swapped by.

    Args:
        data: The data.
        factor: Name of the factor; None takes the first that the data has.

    Raises:
        RunError: There is no such class, or it has one value alone.
    """
    known = data.class_names
    if not known:
        raise RunError(f"these data have no classes, and a swap is between clips of two; {_LEAVE_OUT}.")
    name = next(iter(known)) if factor is None else factor
    if name not in known:
        raise RunError(f"this data has no class '{name}' to swap by; it has {', '.join(known)}.")
    if len(known[name]) < 2:
        raise RunError(
            f"a swap is between clips of two classes, and this data has one {name}, {', '.join(known[name])}; choose "
            f"two or more, or {_LEAVE_OUT}."
        )
    return name


def require_classes_on_both_sides(data: ClipData, factor: str) -> None:
    """Checks that what reads a class from training clips can be tried on the clips that are evaluated.

    Raises:
        RunError: A class is there for evaluation alone, or there are too few training clips.
    """
    names = data.class_names[factor]
    train = set(np.unique(data.train_dataset.labels[factor]).tolist())
    evaluated = set(np.unique(data.test_dataset.labels[factor]).tolist())
    if unseen := sorted(evaluated - train):
        raise RunError(
            f"there are clips of {factor} {', '.join(names[label] for label in unseen)} to evaluate and none to train "
            "on; choose other classes, a larger set, or another split (--data.seed, --data.validation_fraction)."
        )
    if unheard := sorted(train - evaluated):
        rank_zero_warn(f"no clip of {factor} {', '.join(names[label] for label in unheard)} is evaluated.")
    if len(data.train_dataset) <= len(train):
        raise RunError(
            f"the {factor} is read from v by a classifier of {len(train)} classes, which needs more than the "
            f"{len(data.train_dataset)} training clips that there are; take a larger set, or --evaluation null."
        )
