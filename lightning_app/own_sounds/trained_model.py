"""A trained model with what it takes to play it a sound, and what may be asked of it."""

from typing import Any, Protocol, cast

from lightning.pytorch.utilities.model_helpers import is_overridden

from lightning_app.errors import RunError
from modules.audio.representation import Representation
from modules.protocols import (
    AnyLength,
    Generative,
    GlobalLatent,
    LocalLatents,
    PriorOfEach,
    Regularised,
    Swappable,
    lacking,
)


class TrainedModel(Protocol):
    """A trained model; `lightning_app.runs.loaded_run.LoadedRun` is one.

    Attributes:
        model: The model, in evaluation mode.
        representation: What the model hears, and the way back to audio.
        n_samples: Length of the clips that it was trained on, in samples.
        usual_peak: Level of these clips.
    """

    @property
    def model(self) -> Any: ...

    @property
    def representation(self) -> Representation: ...

    @property
    def n_samples(self) -> int: ...

    @property
    def usual_peak(self) -> float: ...


def hears_any_length(trained: TrainedModel) -> bool:
    """Whether a sound of any length can be played to the model at once."""
    return (
        trained.representation.frames is not None
        and not lacking(trained.model, AnyLength)
        and bool(cast(AnyLength, trained.model).any_length)
    )


def needs_reference(model: Any) -> bool:
    """Whether the model draws from the priors of given clips."""
    return not lacking(model, PriorOfEach) and cast(PriorOfEach, model).needs_reference


def swappable(model: Any) -> Swappable:
    """Returns a model whose latents can be swapped.

    Raises:
        RunError: They cannot be.
    """
    _require(Swappable, model, "a swap is between a global and local latents", "with both, like that of ts_dsae")
    return cast(Swappable, model)


def generative(model: Any) -> Generative:
    """Returns a model that can draw from its prior.

    Raises:
        RunError: It cannot.
    """
    _require(Generative, model, "samples are drawn from a model's prior", "that can do so, like that of ts_dsae")
    return cast(Generative, model)


def decodes_latents(model: Any) -> None:
    """Checks that v of clips can be read, and any v decoded with a z that is drawn.

    Raises:
        RunError: They cannot be.
    """
    for protocol in (GlobalLatent, LocalLatents):
        if missing := lacking(model, protocol):
            raise RunError(
                f"{type(model).__name__} has a prior for each clip, and without a clip draws only with "
                f"{', '.join(missing)} (see modules.protocols.{protocol.__name__}); give sounds whose priors are drawn "
                "from, with --reference."
            )


def regularised(model: Any) -> Regularised:
    """Returns a model with regularised dimensions.

    Raises:
        RunError: It has none.
    """
    what, like = "a traversal is of a latent dimension that follows an attribute", "with some, like that of ar_vae"
    _require(Regularised, model, what, like)
    if not model.regularized_dims:
        raise RunError(f"{what}, and {type(model).__name__} was trained without any; name the run of a model {like}.")
    return cast(Regularised, model)


def predicting(model: Any) -> None:
    """Checks that a model can encode.

    Raises:
        RunError: It cannot.
    """
    if not is_overridden("predict_step", model):
        raise RunError(
            f"{type(model).__name__} has no predict_step, which returns what is to be kept of each sound, like a "
            "dictionary with z_mean."
        )


def _require(protocol: type, model: Any, what: str, like: str) -> None:
    if missing := lacking(model, protocol):
        raise RunError(
            f"{what}, and {type(model).__name__} has no {', '.join(missing)} (see "
            f"modules.protocols.{protocol.__name__}); name the run of a model {like}."
        )
