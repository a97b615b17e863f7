"""Checks of what the metrics are given, each with a message that says what was expected."""

from collections.abc import Sequence

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor

from metrics.estimators import Estimator


def matrix(name: str, values: ArrayLike | Tensor) -> Tensor:
    """Returns samples as a float64 tensor of shape (N, columns).

    Raises:
        ValueError: Another shape, no numbers, NaN or infinity.
    """
    return finite(name, values, "(N, columns)", n_axes=(2,))


def finite(name: str, values: ArrayLike | Tensor, shape: str, n_axes: tuple[int, ...]) -> Tensor:
    """Returns values as a float64 tensor whose number of axes is one of ``n_axes``.

    Raises:
        ValueError: Another number of axes, an empty one, no numbers, NaN or infinity.
    """
    tensor = values.detach() if isinstance(values, Tensor) else torch.from_numpy(_numbers(name, values))
    if tensor.ndim not in n_axes or not tensor.numel():
        raise ValueError(f"{name} has shape {tuple(tensor.shape)}; expected {shape}, none of them 0.")
    tensor = tensor.double()
    if not tensor.isfinite().all():
        place = tuple((~tensor.isfinite()).nonzero()[0].tolist())
        raise ValueError(f"{name} is {tensor[place].item()} at {list(place)}; expected finite values only.")
    return tensor


def classes(name: str, values: ArrayLike | Tensor, n: int | None = None) -> Tensor:
    """Returns the class of each sample as an int64 tensor of shape (n,).

    Raises:
        ValueError: Another shape, or values that are not whole.
    """
    expected = "(n,)" if n is None else f"({n},)"
    tensor = finite(name, values, expected, n_axes=(1,))
    if n is not None and len(tensor) != n:
        raise ValueError(f"{name} has shape {tuple(tensor.shape)}; expected {expected}, one class for each sample.")
    if (tensor != tensor.round()).any():
        broken = tensor[tensor != tensor.round()][0].item()
        raise ValueError(f"{name} has the value {broken:g}; expected whole numbers, the class of each sample.")
    return tensor.long()


def _numbers(name: str, values: ArrayLike) -> np.ndarray:
    try:
        return np.array(values, dtype=np.float64, order="C")
    except (TypeError, ValueError) as error:
        raise ValueError(f"{name} cannot be read as an array of numbers ({error}).") from error


def samples(latents: ArrayLike | Tensor, attributes: ArrayLike | Tensor) -> tuple[Tensor, Tensor]:
    """Returns latents (N, D) and attributes (N, M) as float64 on one device.

    Raises:
        ValueError: See `matrix`, different numbers of samples, or a constant attribute.
    """
    z = matrix("latents", latents)
    a = varying(attributes).to(z.device)
    if len(z) != len(a):
        raise ValueError(
            f"latents has shape {tuple(z.shape)} and attributes {tuple(a.shape)}; expected as many rows in both, one a "
            "sample."
        )
    return z, a


def varying(attributes: ArrayLike | Tensor) -> Tensor:
    """Returns attributes (N, M) as float64.

    Raises:
        ValueError: See `matrix`; or a constant attribute.
    """
    a = matrix("attributes", attributes)
    for column in (a == a[0]).all(dim=0).nonzero()[:, 0].tolist():
        raise ValueError(
            f"attributes[:, {column}] is {a[0, column].item():g} for every sample; expected an attribute that varies, "
            "since a constant one carries no information."
        )
    return a


def discreteness(discrete: bool | Sequence[bool], attributes: Tensor) -> tuple[bool, ...]:
    """Returns one bool for each attribute.

    Raises:
        ValueError: Another number of them, or an attribute declared discrete whose values are not whole, or all differ.
    """
    n_attributes = attributes.shape[1]
    flags = (bool(discrete),) * n_attributes if isinstance(discrete, bool | np.bool_) else tuple(map(bool, discrete))
    if len(flags) != n_attributes:
        raise ValueError(
            f"discrete has {len(flags)} values for {n_attributes} attributes; expected one bool, or one for each."
        )
    for column in (column for column, flag in enumerate(flags) if flag):
        values = attributes[:, column]
        if (values != values.round()).any():
            broken = values[values != values.round()][0].item()
            raise ValueError(
                f"attributes[:, {column}] has the value {broken:g} but is declared discrete; expected whole numbers, "
                "or discrete=False."
            )
        if len(values.unique()) == len(values):
            raise ValueError(
                f"attributes[:, {column}] is declared discrete and has another class for each of its {len(values)} "
                "samples; expected classes with more than one sample, or discrete=False."
            )
    return flags


def two_dimensions(latents: Tensor) -> None:
    """Checks that there is another dimension to compare one with.

    Raises:
        ValueError: There is not.
    """
    if latents.shape[1] < 2:
        raise ValueError(
            f"latents has shape {tuple(latents.shape)}; expected two dimensions or more, since one is compared with "
            "the others."
        )


def enough_samples(name: str, values: Tensor, estimator: Estimator) -> None:
    """Checks that values are samples enough for an estimator.

    Raises:
        ValueError: It has not.
    """
    if len(values) < estimator.min_samples:
        raise ValueError(
            f"{name} has {len(values)} samples; expected {estimator.min_samples} or more, which {estimator!r} needs."
        )


def dimensions(regularized_dims: Sequence[int] | None, latents: Tensor, attributes: Tensor) -> list[int]:
    """Returns the latent dimension that each attribute regularises; dimension i for attribute i, if none are named.

    Raises:
        ValueError: More attributes than dimensions, or dimensions that are too many or few, out of range, or twice.
    """
    n_dims, n_attributes = latents.shape[1], attributes.shape[1]
    if n_attributes > n_dims:
        raise ValueError(
            f"attributes has {n_attributes} columns and latents {n_dims}; expected a dimension for each attribute."
        )
    if regularized_dims is None:
        return list(range(n_attributes))
    dims = [int(dim) for dim in regularized_dims]
    if len(dims) != n_attributes:
        raise ValueError(
            f"regularized_dims is {dims}; expected {n_attributes} dimensions, one for each column of attributes."
        )
    if len(set(dims)) < len(dims):
        raise ValueError(f"regularized_dims is {dims}; expected each dimension once.")
    if any(not 0 <= dim < n_dims for dim in dims):
        raise ValueError(f"regularized_dims is {dims}; expected dimensions of latents, from 0 to {n_dims - 1}.")
    return dims
