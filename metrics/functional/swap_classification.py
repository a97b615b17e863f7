"""Classification of the global latent before and after swaps (Luo et al. 2022, section 6.1)."""

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import f1_score
from torch import Tensor


def swap_classification(
    train_latents: ArrayLike | Tensor,
    train_labels: ArrayLike | Tensor,
    latents: ArrayLike | Tensor,
    labels: ArrayLike | Tensor,
) -> Tensor:
    r"""Macro F1 of a linear discriminant analysis fitted on one set of global latents and applied to another.

    .. math:: F_1 = \frac{1}{K} \sum_{k=1}^{K} \frac{2\,TP_k}{2\,TP_k + FP_k + FN_k}

    Args:
        train_latents: Posterior means of v that the classifier is fitted on, float of shape (n, D).
        train_labels: Class of each, integer of shape (n,).
        latents: Posterior means of v to classify, float of shape (m, D): of reconstructions, or of swapped decodings.
        labels: The classes that they should show, integer of shape (m,): after the global swap the target's, otherwise
            the source's.

    Returns:
        A float64 scalar in [0, 1], the mean over the K classes of the training set.

    Raises:
        ValueError: Shapes that do not match, latents that are not finite, labels that are not whole, fewer than two
            classes to tell apart, no more training samples than classes, or none that differ within a class.

    Example:
        >>> swap_classification([[0.0], [0.1], [1.0], [1.1]], [0, 0, 1, 1], [[0.2], [0.9]], [0, 1])
        tensor(1., dtype=torch.float64)
    """
    predicted = discriminate(train_latents, train_labels, latents)
    _, y = _checked("latents", latents, "labels", labels)
    classes = np.unique(np.asarray(_on_cpu(train_labels)))
    return torch.tensor(f1_score(y, predicted, labels=classes, average="macro", zero_division=0.0), dtype=torch.float64)


def discriminate(
    train_latents: ArrayLike | Tensor, train_labels: ArrayLike | Tensor, latents: ArrayLike | Tensor
) -> NDArray[np.int64]:
    """Reads the class of latents by a linear discriminant analysis that is fitted on others.

    Args:
        train_latents: What the classifier is fitted on, float of shape (n, D).
        train_labels: Class of each, integer of shape (n,).
        latents: What it classifies, float of shape (m, D).

    Returns:
        The class of each, (m,).

    Raises:
        ValueError: See `swap_classification`.

    >>> discriminate([[0.0], [0.1], [1.0], [1.1]], [4, 4, 7, 7], [[0.2], [0.9]]).tolist()
    [4, 7]
    """
    train_v, train_y = _checked("train_latents", train_latents, "train_labels", train_labels)
    v = _checked_latents("latents", latents)
    if train_v.shape[1] != v.shape[1]:
        raise ValueError(f"train_latents has {train_v.shape[1]} dimensions and latents {v.shape[1]}; they must agree.")
    classes = np.unique(train_y)
    if len(classes) < 2:
        raise ValueError(
            f"train_labels has one class only ({classes.tolist()}); a swap is between two, so take clips "
            "of two or more."
        )
    if len(train_y) <= len(classes):
        raise ValueError(
            f"train_latents has {len(train_y)} samples of {len(classes)} classes; a linear discriminant analysis needs "
            "more samples than classes, so train on more clips."
        )
    if all((train_v[train_y == label] == train_v[train_y == label][0]).all() for label in classes):
        raise ValueError(
            "train_latents is the same for all samples of a class; a linear discriminant analysis needs some that "
            "differ, so either the latent has collapsed or the clips are too few."
        )
    return np.asarray(LinearDiscriminantAnalysis().fit(train_v, train_y).predict(v), np.int64)


def _checked(
    latents_name: str, latents: ArrayLike | Tensor, labels_name: str, labels: ArrayLike | Tensor
) -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    v, y = _checked_latents(latents_name, latents), np.asarray(_on_cpu(labels))
    if y.shape != v.shape[:1]:
        raise ValueError(
            f"{labels_name} has shape {y.shape}; expected {v.shape[:1]}, one for each row of {latents_name}."
        )
    if y.dtype.kind not in "biuf" or (y != np.floor(y)).any():
        raise ValueError(f"{labels_name} has values that are no whole numbers; expected the number of each class.")
    return v, y.astype(np.int64)


def _checked_latents(name: str, latents: ArrayLike | Tensor) -> NDArray[np.float64]:
    v = np.asarray(_on_cpu(latents), dtype=np.float64)
    if v.ndim != 2 or not v.size:
        raise ValueError(f"{name} has shape {v.shape}; expected (n, D) with n and D of 1 or more.")
    if not np.isfinite(v).all():
        raise ValueError(f"{name} has NaN or infinite values; the model that made them has diverged.")
    return v


def _on_cpu(values: ArrayLike | Tensor) -> ArrayLike:
    return values.detach().cpu() if isinstance(values, Tensor) else values
