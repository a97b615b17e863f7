"""What schedules, evaluations and media may ask of a model, whatever its class."""

from collections.abc import Sequence
from enum import StrEnum
from typing import NamedTuple, Protocol

from torch import Tensor


class Swap(NamedTuple):
    """What a model makes of pairs of a source and a target, each of the shape of its input."""

    reconstruction: Tensor
    """The source with nothing replaced."""
    global_swap: Tensor
    """The source's local latents with the target's global latent."""
    local_swap: Tensor
    """The target's local latents with the source's global latent."""


class Swappable(Protocol):
    """A model with a global and local latents, which can be exchanged between clips and drawn."""

    def global_latent(self, x: Tensor) -> Tensor:
        """Returns the global latent of each clip, (B, V), of inputs (B, ...)."""
        ...

    def swap(self, source: Tensor, target: Tensor) -> Swap:
        """Exchanges the latents of sources and targets, both (B, ...), without sampling."""
        ...

    def generate(self, n_sequences: int, *, reference: Tensor | None = None) -> Tensor:
        """Draws inputs from the prior, (n_sequences, ...).

        Args:
            n_sequences: Number of clips.
            reference: Inputs (n_sequences, ...) whose priors to draw from, for a model whose clips have one each.
        """
        ...


class GlobalLatent(Protocol):
    """A model that tells what is true of a whole clip by one vector."""

    def global_latent(self, x: Tensor) -> Tensor:
        """Returns the global latent of each clip, (B, V), of inputs (B, ...)."""
        ...


class LocalLatents(Protocol):
    """A model with a local latent for each frame, which can be read, drawn, and decoded with any global latent."""

    def local_latent(self, x: Tensor) -> Tensor:
        """Returns the posterior means of the local latents, (B, T, Z), of inputs (B, ...)."""
        ...

    def draw_local(self, n_sequences: int) -> Tensor:
        """Draws local latents from their prior, (n_sequences, T, Z)."""
        ...

    def decode(self, z: Tensor, v: Tensor) -> Tensor:
        """Decodes local latents (B, T, Z) and global ones (B, V) to inputs (B, ...)."""
        ...


class Divergent(Protocol):
    """A model that tells how much of a clip each latent dimension holds."""

    def divergences(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Returns how far the posteriors of inputs (B, ...) are from what is known without them, in nats.

        That of v is from N(0, 1), in whatever stage, (B, V); that of z is from its prior, in the mean over frames,
        (B, Z).
        """
        ...


class Generative(Protocol):
    """A model that draws what it has never heard."""

    def generate(self, n_sequences: int, *, reference: Tensor | None = None) -> Tensor:
        """Draws inputs from the prior, (n_sequences, ...).

        Args:
            n_sequences: Number of clips.
            reference: Inputs (n_sequences, ...) whose priors to draw from, for a model whose clips have one each
                (`PriorOfEach`).
        """
        ...


class PriorOfEach(Protocol):
    """A model that may have a prior for each clip in the place of one for all.

    Attributes:
        needs_reference: Whether it has, so that clips to draw from have to be given to ``generate``.
    """

    @property
    def needs_reference(self) -> bool: ...


class AnyLength(Protocol):
    """A model that hears sequences of frames (B, T, ...) of any number T, not of that of its training clips alone.

    Where it is `Swappable`, source and target may differ in T.

    Attributes:
        any_length: Whether it does.
    """

    any_length: bool


class Regularised(Protocol):
    """A model of which some latent dimensions follow attributes.

    Attributes:
        attribute_names: Names of the attributes, in the order of the data.
        regularized_dims: The latent dimension of each of the first of them; empty where none is regularised.
    """

    attribute_names: tuple[str, ...]
    regularized_dims: tuple[int, ...]

    def latent(self, x: Tensor) -> Tensor:
        """Returns the posterior means, (B, D), of inputs (B, ...)."""
        ...

    def traverse(self, x: Tensor, dim: int, positions: Tensor) -> Tensor:
        """Decodes inputs (B, ...) with one latent dimension moved through positions (P,): (B, P, ...)."""
        ...


class SettableLatents(Protocol):
    """A model whose latent vector can be set and decoded."""

    def decode(self, z: Tensor) -> Tensor:
        """Decodes latents (B, D) to inputs (B, ...)."""
        ...


class Logging(Protocol):
    """A model that tells beforehand what it logs, so that a wrong name is known before any work.

    Attributes:
        term_names: What it logs in any epoch, without the ``train/``, ``val/`` or ``test/`` that comes before.
    """

    @property
    def term_names(self) -> tuple[str, ...]: ...


class Stage(StrEnum):
    """What the objective is made of; a training schedule moves the model from one to the next."""

    JOINT = "joint"
    """Eq. (2) with the prior N(0, 1) of v, and the swap terms."""
    CONSTRAINED = "constrained"
    """Section 3.1, first stage: eq. (2) without the KL of z, and no swap terms."""
    INFORMED_PRIOR = "informed prior"
    """Section 3.1, second stage: eq. (2) with the snapshot's posterior as prior of v (eq. (3)), and the swap terms."""


class TwoStage(Protocol):
    """A model that trains in two stages (Luo et al. 2022, section 3.1).

    Attributes:
        stage: The stage it is in, which its checkpoints keep.
    """

    stage: Stage

    def enter_stage(self, stage: Stage, *, freeze_global_encoder: bool = False) -> None:
        """Trains from here on as a stage does, with what it freezes frozen."""
        ...


def lacking(model: object, protocol: type) -> list[str]:
    """Returns the members of a protocol that a model does not have.

    >>> lacking(object(), Regularised)
    ['attribute_names', 'latent', 'regularized_dims', 'traverse']
    """
    members = {name for name in (*vars(protocol), *protocol.__annotations__) if not name.startswith("_")}
    return sorted(name for name in members if not hasattr(model, name))


__all__: Sequence[str] = (
    "AnyLength",
    "Divergent",
    "Generative",
    "GlobalLatent",
    "LocalLatents",
    "Logging",
    "PriorOfEach",
    "Regularised",
    "SettableLatents",
    "Stage",
    "Swap",
    "Swappable",
    "TwoStage",
    "lacking",
)
