"""The beta-VAE with attribute regularisation (AR-VAE), as a LightningModule."""

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

import torch
from lightning import LightningModule
from torch import Tensor, nn

from modules.errors import ModelError
from modules.gaussian import Gaussian, kl_divergence, standard_normal_like
from modules.noise import Noise, batch_noise
from modules.processes import gathered, logged_size, weighted_by_share
from modules.vae.attribute_regularization import attribute_regularization
from modules.vae.networks import ConvDecoder, ConvEncoder


class Reconstruction(NamedTuple):
    """What the model makes of a batch."""

    q_z: Gaussian
    """The posterior, (B, D)."""
    z: Tensor
    """The latents that were decoded, (B, D)."""
    decoded: Tensor
    """(B, 1, T, F)."""


class BetaVAE(LightningModule):
    r"""Beta-VAE of log-magnitude spectrograms whose first latent dimensions can be tied to attributes.

    .. math:: \mathcal{L} = \text{MSE}(\hat{x}, x) + \beta\, \text{KL}(q(z|x)\,\|\,N(0, 1)) + \gamma \sum_i
        \mathcal{A}(z_{r_i}; a_i)

    (Watcharasupat & Lerch 2021, eq. 7; \mathcal{A} is `modules.vae.attribute_regularization`.) Its batches are mappings
    with square spectrograms (B, 1, T, F) under ``x``, and with attributes (B, M) under ``attributes`` where dimensions
    are regularised. Without attributes it is a plain beta-VAE. It is `modules.protocols.Regularised` and
    `modules.protocols.Generative`.

    Args:
        x_shape: Shape of a spectrogram, (1, size, size), its size a power of two.
        attribute_names: Names of the M attributes, in the order of the data.
        regularized_dims: The latent dimension of each attribute that is regularised; None gives attribute i dimension
            i. Fewer than M leave the last attributes unregularised; an empty list is the plain beta-VAE.
        latent_dim: D, dimensions of z.
        width: Scales all channels of the published encoder and decoder; 1 is published.
        beta: Weight of the KL term.
        gamma: Weight of the attribute regularisation.
        delta: Steepness of the attribute regularisation.
        reduction: ``mean`` averages the squared error over bins and the KL over dimensions; ``sum`` sums both, and
            halves the squared error: the evidence lower bound of a unit-variance Gaussian to the letter. The paper does
            not say which.
        global_pairs: Whether, on several devices, the pairs of the regularisation are those of all devices' batches
            together, so that the loss is that of one device with the whole batch.
        encoder: A module from (B, 1, T, F) to a `modules.gaussian.Gaussian` of (B, D); None takes the published.
        decoder: A module from (B, D) to (B, 1, T, F); None takes the published.
        learning_rate: Learning rate of Adam, where the configuration names no other optimiser.

    Raises:
        ModelError: A dimension that is out of range or named twice, more of them than attributes, or a negative weight.

    Example:
        >>> model = BetaVAE((1, 32, 32), attribute_names=["brightness"], latent_dim=8, width=0.25)
        >>> model.reconstruct(torch.zeros(2, 1, 32, 32)).decoded.shape
        torch.Size([2, 1, 32, 32])
    """

    def __init__(
        self,
        x_shape: Sequence[int],
        attribute_names: Sequence[str] = (),
        regularized_dims: Sequence[int] | None = None,
        latent_dim: int = 512,
        width: float = 1.0,
        beta: float = 1.0,
        gamma: float = 10.0,
        delta: float = 1.0,
        reduction: Literal["mean", "sum"] = "mean",
        global_pairs: bool = True,
        encoder: nn.Module | None = None,
        decoder: nn.Module | None = None,
        learning_rate: float = 1e-4,
    ) -> None:
        super().__init__()
        self.save_hyperparameters(ignore=["encoder", "decoder"])
        _check(self.hparams)
        self.attribute_names = tuple(attribute_names)
        dims = range(len(self.attribute_names)) if regularized_dims is None else regularized_dims
        self.regularized_dims = _checked_dims(dims, self.attribute_names, latent_dim)
        self.x_shape = tuple(x_shape)
        size = _size(self.x_shape)
        self.encoder = ConvEncoder(size, latent_dim, width) if encoder is None else encoder
        self.decoder = ConvDecoder(size, latent_dim, width) if decoder is None else decoder

    def encode(self, x: Tensor) -> Gaussian:
        """Infers q(z|x) of spectrograms (B, 1, T, F).

        Raises:
            ModelError: Spectrograms of another shape.
        """
        if x.shape[1:] != self.x_shape:
            shape = ", ".join(map(str, self.x_shape))
            raise ModelError(f"spectrograms have shape {tuple(x.shape)}; this model takes (batch, {shape}).")
        return self.encoder(x)

    def latent(self, x: Tensor) -> Tensor:
        """Returns the posterior means, (B, D), of spectrograms (B, 1, T, F)."""
        return self.encode(x).mean

    def decode(self, z: Tensor) -> Tensor:
        """Returns the mean of p(x|z): (B, D) to (B, 1, T, F)."""
        return self.decoder(z)

    def reconstruct(self, x: Tensor, *, sample: bool = True, noise: Noise = torch.randn_like) -> Reconstruction:
        """Encodes and decodes spectrograms; from a sample of the posterior, drawn with the noise, or from its mean."""
        q_z = self.encode(x)
        z = q_z.sample(noise) if sample else q_z.mean
        return Reconstruction(q_z, z, self.decode(z))

    def traverse(self, x: Tensor, dim: int, positions: Tensor) -> Tensor:
        """Decodes spectrograms with one latent dimension moved through given values, the others at their means.

        Args:
            x: Spectrograms, (B, 1, T, F).
            dim: The latent dimension.
            positions: Values of that dimension, (P,).

        Returns:
            Shape (B, P, 1, T, F).
        """
        z = self.encode(x).mean[:, None].repeat(1, len(positions), 1)
        z[:, :, dim] = positions
        return self.decode(z.flatten(0, 1)).unflatten(0, (len(x), len(positions)))

    def generate(self, n_sequences: int, *, reference: Tensor | None = None) -> Tensor:
        """Draws spectrograms from the prior N(0, 1), and returns the decoded means.

        Args:
            n_sequences: Number of spectrograms.
            reference: Has no effect: the prior is one for all spectrograms.

        Returns:
            Shape (n_sequences, 1, T, F).
        """
        z = torch.randn(n_sequences, self.hparams["latent_dim"], device=self.device).to(next(self.parameters()))
        return self.decode(z)

    @property
    def term_names(self) -> tuple[str, ...]:
        """What is logged of each epoch; see `modules.protocols.Logging`."""
        return ("loss", "reconstruction", "kl", *(f"regularization/{name}" for name in self._regularized_names))

    @property
    def _regularized_names(self) -> tuple[str, ...]:
        return self.attribute_names[: len(self.regularized_dims)]

    def loss_terms(self, x: Tensor, attributes: Tensor | None, noise: Noise = torch.randn_like) -> dict[str, Tensor]:
        """Returns the terms of eq. (7), unweighted scalars: ``reconstruction``, ``kl`` and one for each attribute."""
        result = self.reconstruct(x, noise=noise)
        squared_error = (result.decoded - x).square()
        kl = kl_divergence(result.q_z, standard_normal_like(result.q_z))
        summed = self.hparams["reduction"] == "sum"
        terms = {
            "reconstruction": 0.5 * squared_error.sum(dim=(1, 2, 3)).mean() if summed else squared_error.mean(),
            "kl": kl.sum(dim=1).mean() if summed else kl.mean(),
        }
        return terms | self._regularization(result.z, attributes)

    def _regularization(self, z: Tensor, attributes: Tensor | None) -> dict[str, Tensor]:
        if not self.regularized_dims:
            return {}
        if attributes is None or attributes.shape != (len(z), len(self.attribute_names)):
            shape = None if attributes is None else tuple(attributes.shape)
            raise ModelError(
                f"attributes have shape {shape}; this model takes (batch, {len(self.attribute_names)}): "
                f"{', '.join(self.attribute_names)}. They must be the data's attributes."
            )
        regularized = z[:, list(self.regularized_dims)]
        if self.hparams["global_pairs"]:
            # Gradients come back summed over devices, and DDP averages them: that is the gradient of one device.
            regularized, attributes = gathered(regularized), gathered(attributes)
        return {
            f"regularization/{name}": attribute_regularization(
                regularized[:, i], attributes[:, i], self.hparams["delta"]
            )
            for i, name in enumerate(self._regularized_names)
        }

    def _step(self, batch: Mapping[str, Tensor], part: str) -> dict[str, Any]:
        terms = self.loss_terms(batch["x"], batch.get("attributes"), batch_noise(batch, training=part == "train"))
        weights = {"reconstruction": 1.0, "kl": self.hparams["beta"]}
        loss = sum((weights.get(name, self.hparams["gamma"]) * term for name, term in terms.items()), torch.tensor(0.0))
        scalars = {"loss": loss.detach()} | {name: term.detach() for name, term in terms.items()}
        self.log_dict(
            {f"{part}/{name}": value for name, value in scalars.items()},
            on_step=False,
            on_epoch=True,
            prog_bar=part == "train",
            sync_dist=True,
            batch_size=logged_size(len(batch["x"])),
        )
        return scalars | {"loss": loss}

    def training_step(self, batch: Mapping[str, Tensor], batch_idx: int) -> dict[str, Any]:
        if len(batch["x"]) < 2:
            raise ModelError("a training batch has one note, which batch normalisation cannot do with; take 2 or more.")
        terms = self._step(batch, "train")
        return terms | {"loss": weighted_by_share(terms["loss"], len(batch["x"]))}

    def validation_step(self, batch: Mapping[str, Tensor], batch_idx: int) -> dict[str, Any]:
        return self._step(batch, "val")

    def test_step(self, batch: Mapping[str, Tensor], batch_idx: int) -> dict[str, Any]:
        return self._step(batch, "test")

    def predict_step(self, batch: Mapping[str, Tensor], batch_idx: int, dataloader_idx: int = 0) -> dict[str, Tensor]:
        """Returns the posteriors of a batch: ``z_mean`` and ``z_log_variance``."""
        q_z = self.encode(batch["x"])
        return {"z_mean": q_z.mean, "z_log_variance": q_z.log_variance}

    def configure_optimizers(self) -> torch.optim.Optimizer:
        return torch.optim.Adam(self.parameters(), lr=self.hparams["learning_rate"])


def _size(x_shape: Sequence[int]) -> int:
    if len(x_shape) != 3 or x_shape[0] != 1 or x_shape[1] != x_shape[2]:
        raise ModelError(
            f"this model hears square pictures, (1, size, size), and x_shape is {tuple(x_shape)}; choose such a "
            "representation, like modules.audio.LogMagnitudePicture.",
            argument="representation",
        )
    return x_shape[1]


def _check(settings: Mapping[str, Any]) -> None:
    if settings["latent_dim"] < 1:
        raise ModelError(f"latent_dim is {settings['latent_dim']}; it must be 1 or more.", argument="latent_dim")
    for name in ("beta", "gamma", "delta"):
        if settings[name] < 0:
            raise ModelError(f"{name} is {settings[name]}; it must be 0 or more.", argument=name)
    if settings["reduction"] not in ("mean", "sum"):
        raise ModelError(f"reduction is {settings['reduction']!r}; choose from mean, sum.", argument="reduction")
    names = list(settings["attribute_names"])
    if len(set(names)) < len(names):
        raise ModelError(f"attribute_names is {names}; expected each name once.", argument="attribute_names")


def _checked_dims(dims: Sequence[int], names: Sequence[str], latent_dim: int) -> tuple[int, ...]:
    dims = tuple(dims)
    if len(dims) > len(names):
        raise ModelError(
            f"regularized_dims is {list(dims)}, {len(dims)} dimensions for {len(names)} attributes "
            f"({', '.join(names) or 'none'}); name no more dimensions than attributes.",
            argument="regularized_dims",
        )
    if len(set(dims)) < len(dims):
        raise ModelError(
            f"regularized_dims is {list(dims)}; expected each dimension once.", argument="regularized_dims"
        )
    if any(not 0 <= dim < latent_dim for dim in dims):
        raise ModelError(
            f"regularized_dims is {list(dims)}; expected dimensions from 0 to {latent_dim - 1}.",
            argument="regularized_dims",
        )
    return dims
