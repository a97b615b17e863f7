"""The disentangled sequential autoencoder (DSAE) and its two-stage training objective, as a LightningModule."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import torch
from lightning import LightningModule
from torch import Tensor

from modules.dsae import networks
from modules.dsae.swap import neighbours
from modules.errors import ModelError
from modules.gaussian import Gaussian, kl_divergence, standard_normal_like
from modules.noise import Noise, batch_noise
from modules.processes import logged_size, weighted_by_share
from modules.protocols import Stage, Swap

LOCAL_ENCODERS = {"factorised": networks.FactorisedLocalEncoder, "full": networks.FullLocalEncoder}
DECODER_NETWORKS = {"frame": networks.fcn, "sequence": networks.BiRNN}

_CHOICES = {
    "posterior": tuple(LOCAL_ENCODERS),
    "decoder": tuple(DECODER_NETWORKS),
    "reduction": ("mean", "sum"),
    "kl_unit": ("term", "bound"),
}
# The settings that the shapes of the weights follow from.
_SHAPE = ("v_dim", "z_dim", "posterior", "decoder", "hidden_dim", "transition_dim")


class Encoding(NamedTuple):
    """The posteriors of B sequences and the latents taken from them (samples, or the means)."""

    q_v: Gaussian
    """Posterior of the global latent, (B, V)."""
    q_z: Gaussian
    """Posterior of the local latents, (B, T, Z)."""
    v: Tensor
    z: Tensor


class DSAE(LightningModule):
    """Disentangled sequential autoencoder: a global latent v, and a local latent z_t for each frame.

    The family of Luo et al. (2022) are settings of this one module and of the schedule that trains it. Its batches are
    mappings with a sequence of feature frames, (B, T, F), under ``x``. It is `modules.protocols.Swappable`, and more of
    these protocols.

    The swap terms are computed on pairs of a batch that swap with each other (see `modules.dsae.swap`), which are
    random where batches are shuffled. Over such pairs eqs. (4) and (6) are the same sum, and so are (5) and (7); with
    the paper's pairing they agree in expectation. So of the four weights only the sums of the two pairs matter. A batch
    of one sequence has no swap terms.

    Its steps draw the noise of each clip apart (see `modules.noise`), and its terms are means over clips. So several
    processes take the step that one would take, where their shares of a batch are equal.

    It logs each term as it is, ``loss``, in which they are weighted, ``unweighted_loss``, in which they are not, so
    that runs of different weights can be compared, and ``negative_elbo``, eq. (2) alone with its weights.

    Args:
        x_shape: Shape of a sequence, (T, F); T may be another one when the model is used.
        v_dim: V, dimensions of the global latent.
        z_dim: Z, dimensions of the local latent of a frame.
        posterior: ``factorised`` for q(z_t|x_t), ``full`` for q(z_t|x_1:T, v).
        decoder: ``frame`` for p(x_t|z_t, v), ``sequence`` for the richer p(x_t|z_1:T, v) of section 6.4.
        hidden_dim: Width of the encoders and the decoder.
        transition_dim: Width of the transition prior's LSTM.
        reduction: ``mean`` averages every term over its own features and over time and takes the squared error whole,
            as the published runs do; ``sum`` is eq. (2) to the letter: sums over features, averages over time, and half
            the squared error (the Gaussian log-likelihood without its constant).
        kl_unit: What a weight of a KL is measured in. ``term``: a weight of 1 takes the term as ``reduction`` makes it,
            as published. ``bound``: a weight of 1 is that of the evidence lower bound, in which all terms are sums over
            features and frames. The published weights are far more: `bound_weights` says by how much.
        kl_v_weight: Weight of the KL of v.
        kl_z_weight: Weight of the KL of z.
        global_swap_v_weight: Weight of eq. (4): v, of the swapped sequence, becomes the target's.
        global_swap_z_weight: Weight of eq. (5): z stays the source's when v is replaced.
        local_swap_v_weight: Weight of eq. (6): v stays the source's when z is replaced.
        local_swap_z_weight: Weight of eq. (7): z becomes the target's.
        learning_rate: Learning rate of Adam.

    Raises:
        ModelError: A size below 1, a choice that there is not, or weights of a model of another shape.

    Example:
        >>> model = DSAE(x_shape=(251, 80), z_dim=8)
        >>> model.encode(torch.zeros(2, 251, 80)).z.shape
        torch.Size([2, 251, 8])
    """

    any_length = True

    def __init__(
        self,
        x_shape: Sequence[int],
        v_dim: int = 16,
        z_dim: int = 16,
        posterior: Literal["factorised", "full"] = "factorised",
        decoder: Literal["frame", "sequence"] = "frame",
        hidden_dim: int = 64,
        transition_dim: int = 32,
        reduction: Literal["mean", "sum"] = "mean",
        kl_unit: Literal["term", "bound"] = "term",
        kl_v_weight: float = 1.0,
        kl_z_weight: float = 1.0,
        global_swap_v_weight: float = 1.0,
        global_swap_z_weight: float = 1.0,
        local_swap_v_weight: float = 1.0,
        local_swap_z_weight: float = 1.0,
        learning_rate: float = 1e-3,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        _check(self.hparams)
        self.n_features = n_features = _n_features(x_shape)
        self.global_encoder = networks.GlobalEncoder(n_features, hidden_dim, v_dim)
        self.local_encoder = LOCAL_ENCODERS[posterior](n_features, hidden_dim, v_dim, z_dim)
        self.transition = networks.Transition(z_dim, transition_dim)
        self.decoder = networks.Decoder(DECODER_NETWORKS[decoder](z_dim + v_dim, hidden_dim), hidden_dim, n_features)
        # Always there, so that a checkpoint has the same keys in every stage; read only with the informed prior.
        self.prior_encoder = networks.GlobalEncoder(n_features, hidden_dim, v_dim).requires_grad_(False)
        self.stage = Stage.JOINT
        unit = self.bound_weights if kl_unit == "bound" else {"kl_v": 1.0, "kl_z": 1.0}
        self._kl_weights = {"kl_v": kl_v_weight * unit["kl_v"], "kl_z": kl_z_weight * unit["kl_z"]}
        self._swap_weights = {
            "global_swap_v": global_swap_v_weight,
            "global_swap_z": global_swap_z_weight,
            "local_swap_v": local_swap_v_weight,
            "local_swap_z": local_swap_z_weight,
        }
        self._sums_features = reduction == "sum"

    @property
    def bound_weights(self) -> dict[str, float]:
        """The weights of both KLs in the evidence lower bound, where that of the reconstruction is 1.

        The bound is half the squared error and the KLs, all of them sums over frames and features. Multiplied by what
        makes its first term the ``reduction``'s reconstruction, it weighs the ``reduction``'s KLs with these.

        >>> weights = DSAE(x_shape=(251, 80), z_dim=16).bound_weights
        >>> {name: 1 / weight for name, weight in weights.items()}  # how much more the published weights are
        {'kl_v': 627.5, 'kl_z': 2.5}
        """
        n_frames, n_features = self.hparams["x_shape"]
        if self.hparams["reduction"] == "sum":
            return {"kl_v": 1 / n_frames, "kl_z": 1.0}
        return {
            "kl_v": 2 * self.hparams["v_dim"] / (n_frames * n_features),
            "kl_z": 2 * self.hparams["z_dim"] / n_features,
        }

    # The generative model and its inference networks

    def encode(self, x: Tensor, *, sample: bool = True, noise: Noise = torch.randn_like) -> Encoding:
        """Infers the posteriors of sequences, and latents from them.

        Args:
            x: Sequences, (B, T, F).
            sample: Whether the latents are samples; else they are the posterior means.
            noise: What samples are drawn with.
        """
        if x.ndim != 3 or x.shape[-1] != self.n_features or not x.shape[1]:
            raise ModelError(
                f"sequences have shape {tuple(x.shape)}; this model takes (batch, frames, {self.n_features})."
            )
        q_v, q_z, v = self._posteriors(x, noise if sample else None)
        return Encoding(q_v, q_z, v, q_z.sample(noise) if sample else q_z.mean)

    def _posteriors(self, x: Tensor, noise: Noise | None) -> tuple[Gaussian, Gaussian, Tensor]:
        """Both posteriors, and the v that the second one was given: a sample, or without noise the mean."""
        q_v = self.global_encoder(x)
        v = q_v.mean if noise is None else q_v.sample(noise)
        return q_v, self.local_encoder(x, v), v

    def decode(self, z: Tensor, v: Tensor) -> Tensor:
        """Returns the mean of p(x|z, v): (B, T, Z) and (B, V) to (B, T, F)."""
        return self.decoder(z, v)

    def global_latent(self, x: Tensor) -> Tensor:
        """Returns the posterior means of v, (B, V), of sequences (B, T, F)."""
        return self.global_encoder(x).mean

    def local_latent(self, x: Tensor) -> Tensor:
        """Returns the posterior means of z, (B, T, Z), of sequences (B, T, F)."""
        return self.encode(x, sample=False).z

    def draw_local(self, n_sequences: int) -> Tensor:
        """Draws z from p(z_1:T), of as many frames as ``x_shape`` has: (n_sequences, T, Z)."""
        return self.transition.sample(n_sequences, self.hparams["x_shape"][0])

    def divergences(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Returns the KL of each dimension, in nats: of v from N(0, 1), (B, V), and of z, over frames, (B, Z).

        The prior of z is that of the posterior means before each frame.
        """
        encoding = self.encode(x, sample=False)
        of_v = kl_divergence(encoding.q_v, standard_normal_like(encoding.q_v))
        return of_v, kl_divergence(encoding.q_z, self.transition(encoding.z)).mean(dim=1)

    def swap(self, source: Tensor, target: Tensor) -> Swap:
        """Replaces v, then z, of each source by its target's, on posterior means; both (B, T, F)."""
        i, j = self.encode(source, sample=False), self.encode(target, sample=False)
        return Swap(self.decode(i.z, i.v), self.decode(i.z, j.v), self.decode(j.z, i.v))

    def generate(self, n_sequences: int, *, n_frames: int | None = None, reference: Tensor | None = None) -> Tensor:
        """Draws sequences from the prior p(v) p(z_1:T), and returns the decoded means.

        Args:
            n_sequences: Number of sequences.
            n_frames: T of the result; None for that of ``x_shape``.
            reference: Sequences (n_sequences, T', F) whose priors of v to draw from. A model with an informed prior
                needs them, since there each sequence has its own p(v).

        Returns:
            Shape (n_sequences, n_frames, F).

        Raises:
            ModelError: The model has an informed prior and no reference was given, or no frame is asked for.
        """
        n_frames = self.hparams["x_shape"][0] if n_frames is None else n_frames
        if n_frames < 1:
            raise ModelError(f"n_frames is {n_frames}; it must be 1 or more.")
        if self.needs_reference:
            if reference is None or len(reference) != n_sequences:
                raise ModelError(
                    "this model has a prior of v for each sequence; generate() needs as many reference sequences as "
                    f"are asked for ({n_sequences})."
                )
            v = self.prior_encoder(reference).sample()
        else:
            v = torch.randn(n_sequences, self.hparams["v_dim"], device=self.device).to(next(self.parameters()))
        return self.decode(self.transition.sample(n_sequences, n_frames), v)

    @property
    def needs_reference(self) -> bool:
        """Whether each sequence has its own p(v); see `modules.protocols.PriorOfEach`."""
        return self.stage is Stage.INFORMED_PRIOR

    # The two stages

    def enter_stage(self, stage: Stage, *, freeze_global_encoder: bool = False) -> None:
        """Trains from here on as a stage does, with what it freezes frozen.

        Args:
            stage: The stage. Entering the informed prior from another stage takes the snapshot.
            freeze_global_encoder: Whether the global encoder is frozen after the constrained stage (DSAE-f).
        """
        if stage is Stage.INFORMED_PRIOR and self.stage is not Stage.INFORMED_PRIOR:
            self.take_snapshot()
        self.stage = stage
        constrained = stage is Stage.CONSTRAINED
        self.local_encoder.requires_grad_(not constrained)
        self.transition.requires_grad_(not constrained)
        self.global_encoder.requires_grad_(constrained or not freeze_global_encoder)

    def take_snapshot(self) -> None:
        """Makes the global encoder, as it is now, the prior of v (eq. (3))."""
        self.prior_encoder.load_state_dict(self.global_encoder.state_dict())

    def prior_of_v(self, x: Tensor, q_v: Gaussian) -> Gaussian:
        """Returns p(v) of each sequence: the snapshot's posterior with an informed prior, else N(0, 1)."""
        return self.prior_encoder(x) if self.stage is Stage.INFORMED_PRIOR else standard_normal_like(q_v)

    # The objective

    @property
    def term_names(self) -> tuple[str, ...]:
        """What is logged of each epoch; see `modules.protocols.Logging`."""
        swap_terms = (name for name, weight in self._swap_weights.items() if weight)
        return ("loss", "unweighted_loss", "negative_elbo", "reconstruction", "kl_v", "kl_z", *swap_terms)

    def loss_terms(self, x: Tensor, noise: Noise = torch.randn_like) -> dict[str, Tensor]:
        """Returns the terms of the objective, unweighted, each a scalar to minimise.

        ``reconstruction`` and ``kl_v`` always; ``kl_z`` unless the stage is constrained; and then those of the four
        swap terms that have a weight.

        Args:
            x: Sequences, (B, T, F).
            noise: What the latents are drawn with.
        """
        encoding = self.encode(x, noise=noise)
        terms = {
            "reconstruction": self._reconstruction(self.decode(encoding.z, encoding.v), x),
            "kl_v": self._kl(encoding.q_v, self.prior_of_v(x, encoding.q_v)),
        }
        if self.stage is Stage.CONSTRAINED:
            return terms
        terms["kl_z"] = self._kl(encoding.q_z, self.transition(encoding.z))
        return terms | self._swap_terms(encoding, noise)

    def _swap_terms(self, encoding: Encoding, noise: Noise) -> dict[str, Tensor]:
        """Eqs. (4) to (7), on one decoding of swapped pairs (see `neighbours`)."""
        wanted = [name for name, weight in self._swap_weights.items() if weight]
        if not wanted or len(encoding.v) < 2:
            return {}
        partner = neighbours(len(encoding.v), encoding.v.device)
        swapped = self.decode(encoding.z, encoding.v[partner])
        q_v, q_z, _ = self._posteriors(swapped, noise)
        # Row (z_i, v_j) is the global swap of i by j, and the local swap of j by i; over all rows, the terms coincide.
        v_follows_v = self._kl(q_v, encoding.q_v[partner])
        z_follows_z = self._kl(q_z, encoding.q_z)
        return {name: v_follows_v if name.endswith("_v") else z_follows_z for name in wanted}

    def _reconstruction(self, decoded: Tensor, x: Tensor) -> Tensor:
        squared_error = (decoded - x).square()
        return 0.5 * squared_error.sum(dim=-1).mean() if self._sums_features else squared_error.mean()

    def _kl(self, q: Gaussian, p: Gaussian) -> Tensor:
        kl = kl_divergence(q, p)
        return kl.sum(dim=-1).mean() if self._sums_features else kl.mean()

    def _step(self, batch: Mapping[str, Tensor], part: str) -> dict[str, Tensor]:
        terms = self.loss_terms(batch["x"], batch_noise(batch, training=part == "train"))
        weights = self._kl_weights | self._swap_weights
        weighted = {name: weights.get(name, 1.0) * term for name, term in terms.items()}
        loss = sum(weighted.values(), start=torch.tensor(0.0))
        # Eq. (2) alone: what early stopping and the choice of the best checkpoint go by.
        of_eq_2 = (term for name, term in weighted.items() if name not in self._swap_weights)
        bound = sum(of_eq_2, start=torch.tensor(0.0))
        scalars = {"unweighted_loss": sum(terms.values(), start=torch.tensor(0.0)), "negative_elbo": bound}
        scalars = {name: value.detach() for name, value in (scalars | terms).items()}
        self.log_dict(
            {f"{part}/{name}": value for name, value in ({"loss": loss.detach()} | scalars).items()},
            on_step=False,
            on_epoch=True,
            prog_bar=part == "train",
            sync_dist=True,
            batch_size=logged_size(len(batch["x"])),
        )
        return {"loss": loss} | scalars

    def training_step(self, batch: Mapping[str, Tensor], batch_idx: int) -> dict[str, Tensor]:
        terms = self._step(batch, "train")
        return terms | {"loss": weighted_by_share(terms["loss"], len(batch["x"]))}

    def validation_step(self, batch: Mapping[str, Tensor], batch_idx: int) -> dict[str, Tensor]:
        return self._step(batch, "val")

    def test_step(self, batch: Mapping[str, Tensor], batch_idx: int) -> dict[str, Tensor]:
        return self._step(batch, "test")

    def predict_step(self, batch: Mapping[str, Tensor], batch_idx: int, dataloader_idx: int = 0) -> dict[str, Tensor]:
        """Returns the posteriors of a batch: ``v_mean``, ``v_log_variance``, ``z_mean``, ``z_log_variance``."""
        encoding = self.encode(batch["x"], sample=False)
        return {
            "v_mean": encoding.q_v.mean,
            "v_log_variance": encoding.q_v.log_variance,
            "z_mean": encoding.q_z.mean,
            "z_log_variance": encoding.q_z.log_variance,
        }

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=self.hparams["learning_rate"])

    # What a checkpoint holds

    def get_extra_state(self) -> dict[str, Any]:
        """The stage is part of the weights: without it a checkpoint would not say which prior v has."""
        return {"stage": self.stage.value, "shape": self._shape}

    def set_extra_state(self, state: dict[str, Any]) -> None:
        """Takes the stage; refuses the weights of a model of another shape, naming the settings that differ."""
        here = self._shape
        if differing := {name: value for name, value in state["shape"].items() if value != here[name]}:
            pairs = ", ".join(f"{name} {value} (here {here[name]})" for name, value in differing.items())
            settings = [name for name in differing if name in _SHAPE]
            remedy = "Set the same, or take the configuration of its run." if settings else "Take the data of its run."
            raise ModelError(
                f"the checkpoint is of a model with {pairs}. {remedy}", argument=settings[0] if settings else None
            )
        self.stage = Stage(state["stage"])

    @property
    def _shape(self) -> dict[str, Any]:
        """What the shapes of the weights follow from."""
        return {"n_features": self.n_features} | {name: self.hparams[name] for name in _SHAPE}


def _n_features(x_shape: Sequence[int]) -> int:
    if len(x_shape) != 2 or min(x_shape) < 1:
        raise ModelError(
            f"this model hears sequences of frames, (frames, features), and x_shape is {tuple(x_shape)}; choose such a "
            "representation, like modules.audio.LogMelSequence.",
            argument="representation",
        )
    return x_shape[1]


def _check(settings: Mapping[str, Any]) -> None:
    for name in ("v_dim", "z_dim", "hidden_dim", "transition_dim"):
        if settings[name] < 1:
            raise ModelError(f"{name} is {settings[name]}; it must be 1 or more.", argument=name)
    for name, choices in _CHOICES.items():
        if settings[name] not in choices:
            raise ModelError(f"{name} is {settings[name]!r}; choose from {', '.join(choices)}.", argument=name)
    for name in (name for name in settings if name.endswith("_weight")):
        if settings[name] < 0:
            raise ModelError(f"{name} is {settings[name]}; it must be 0 or more.", argument=name)
