"""How well a class, or values such as a contour, can be read from vectors: fitted on one set, tried on another."""

import warnings
from collections.abc import Callable
from copy import deepcopy
from typing import Any, Literal, NamedTuple, get_args

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from sklearn.exceptions import ConvergenceWarning
from sklearn.linear_model import LogisticRegression, RidgeCV
from sklearn.metrics import log_loss, mean_squared_error
from sklearn.neural_network import MLPClassifier, MLPRegressor
from sklearn.preprocessing import StandardScaler
from torch import Tensor

from metrics.functional import inputs
from metrics.functional.bootstrap import macro_f1

Reader = Literal["linear", "nonlinear"]

_HIDDEN = (128,)
_LEARNING_RATE = 0.01
_MAX_EPOCHS, _PATIENCE, _HELD_OUT = 200, 25, 0.15
_PENALTIES = np.logspace(-2, 4, 13)


class ChanceLevel(NamedTuple):
    """What `chance_level` returns.

    Attributes:
        accuracy: Accuracy, in [0, 1].
        macro_f1: Macro F1, in [0, 1].
    """

    accuracy: float
    macro_f1: float


def read_classes(
    train_embeddings: ArrayLike | Tensor,
    train_labels: ArrayLike | Tensor,
    embeddings: ArrayLike | Tensor,
    *,
    reader: Reader = "linear",
    seed: int = 0,
) -> Tensor:
    """Predicts the class of each vector, by a reader fitted on other vectors of known classes.

    ``linear`` is a logistic regression (C = 1), ``nonlinear`` a network of one hidden layer of 128 units, which stops
    where it predicts a held-out 15 % of its training set best. Both take standardised vectors. What the second reads
    and the first does not is there, but not laid out by directions.

    Score the predictions by `macro_f1`, beside `chance_level`. A reader at chance is
    no proof that the class is not in the vectors: another reader, or more training clips, may find it.

    Args:
        train_embeddings: Vectors to fit the reader on, of shape (n, D).
        train_labels: The class of each, whole numbers of shape (n,).
        embeddings: Vectors to read, of shape (m, D); of clips that the reader was not fitted on.
        reader: The kind of reader, ``linear`` or ``nonlinear``.
        seed: Seed of the nonlinear reader's first weights, batches and held-out part.

    Returns:
        The predicted class of each, int64 of shape (m,). Vectors that are all alike are given the most frequent class.

    Raises:
        ValueError: Shapes that do not match, NaN or infinity, labels that are not whole, or another reader.

    Example:
        >>> read_classes([[0.0], [0.1], [1.0], [1.1]], [3, 3, 7, 7], [[0.2], [0.9]])
        tensor([3, 7])
    """
    train_x, x = _standardised(train_embeddings, embeddings)
    train_y = inputs.classes("train_labels", train_labels, len(train_x)).cpu().numpy()
    _known(reader)
    classes, numbers, counts = np.unique(train_y, return_inverse=True, return_counts=True)
    if len(classes) == 1 or not train_x.any():  # nothing to tell apart, or nothing to tell it by
        return torch.full((len(x),), int(classes[counts.argmax()]))
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        if reader == "linear":
            predicted = LogisticRegression(max_iter=1000).fit(train_x, numbers).predict(x)
        else:
            predicted = _network_of_classes(train_x, numbers, seed).predict(x)
    return torch.from_numpy(classes[predicted])


def read_values(
    train_embeddings: ArrayLike | Tensor,
    train_values: ArrayLike | Tensor,
    embeddings: ArrayLike | Tensor,
    *,
    reader: Reader = "linear",
    seed: int = 0,
) -> Tensor:
    """Predicts values, such as the pitch contour of each clip, by a reader fitted on other vectors of known values.

    ``linear`` is a ridge regression, whose penalty leaves single clips out (:class:`sklearn.linear_model.RidgeCV`);
    ``nonlinear`` the network of `read_classes` with squared error. Score the predictions by R², which is
    0 at chance, and less for a reader that has learnt its training set by heart.

    Args:
        train_embeddings: Vectors to fit the reader on, of shape (n, D).
        train_values: The values of each, of shape (n,) or (n, T).
        embeddings: Vectors to read, of shape (m, D); of clips that the reader was not fitted on.
        reader: The kind of reader, ``linear`` or ``nonlinear``.
        seed: Seed of the nonlinear reader's first weights, batches and held-out part.

    Returns:
        The predicted values, float64 of shape (m,) or (m, T). Vectors that are all alike are given the mean.

    Raises:
        ValueError: Shapes that do not match, NaN or infinity, or another reader.

    Example:
        >>> read_values([[0.0], [1.0], [2.0], [3.0]], [1.0, 3.0, 5.0, 7.0], [[1.5]]).round(decimals=2)
        tensor([4.], dtype=torch.float64)
    """
    train_x, x = _standardised(train_embeddings, embeddings)
    given = inputs.finite("train_values", train_values, "(n,) or (n, T)", n_axes=(1, 2)).cpu()
    if len(given) != len(train_x):
        raise ValueError(
            f"train_embeddings has {len(train_x)} rows and train_values {len(given)}; expected as many, one a clip."
        )
    _known(reader)
    train_y = given.reshape(len(given), -1).numpy()
    mean, scale = train_y.mean(axis=0), train_y.std(axis=0).max()
    predicted = np.zeros((len(x), train_y.shape[1]))
    if scale > 0 and train_x.any() and len(train_x) > 1:
        targets = (train_y - mean) / scale  # by one scale, since columns of more variance weigh more in R²
        if reader == "linear":
            predicted = RidgeCV(_PENALTIES).fit(train_x, targets).predict(x)
        else:
            predicted = _network_of_values(train_x, targets, seed).predict(x)
    return torch.from_numpy(predicted.reshape(len(x), -1) * scale + mean).view(-1, *given.shape[1:])


def chance_level(train_labels: ArrayLike | Tensor, labels: ArrayLike | Tensor) -> ChanceLevel:
    r"""The scores of the better of two guesses that look at no vector.

    One always guesses the most frequent class of the training set, which is best for accuracy; the other guesses by
    the shares of its classes, which is best for macro F1: with shares :math:`p_k` in the training set and :math:`q_k`
    in the other, its accuracy is :math:`\sum_k p_k q_k`, and its F1 of a class, of expected counts,
    :math:`2 p_k q_k / (p_k + q_k)`.

    Args:
        train_labels: Classes of the training set, whole numbers of shape (n,).
        labels: Classes to guess, whole numbers of shape (m,).

    Returns:
        Each score of the guess that is better by it.

    Raises:
        ValueError: Other shapes, or labels that are not whole.

    Example:
        >>> chance_level([0, 0, 1, 1], [0, 1])
        ChanceLevel(accuracy=0.5, macro_f1=0.5)
    """
    train_y = inputs.classes("train_labels", train_labels).cpu()
    y = inputs.classes("labels", labels).cpu()
    classes = torch.cat([train_y, y]).unique()
    p, q = ((of_set[:, None] == classes).double().mean(dim=0) for of_set in (train_y, y))
    always = classes[p.argmax()].expand(len(y))
    f1_of_always = float(macro_f1(classes.tolist())(y.numpy(), always.numpy()))
    return ChanceLevel(
        accuracy=max((y == always).double().mean().item(), (p @ q).item()),
        macro_f1=max(f1_of_always, (2.0 * p * q / (p + q)).mean().item()),
    )


def _network_of_classes(x: NDArray[np.float64], y: NDArray[np.int64], seed: int) -> MLPClassifier:
    classes = np.arange(y.max() + 1)
    network = MLPClassifier(hidden_layer_sizes=_HIDDEN, learning_rate_init=_LEARNING_RATE, random_state=seed)
    return _stopped_early(
        network, x, y, seed, lambda fitted, x, y: log_loss(y, fitted.predict_proba(x), labels=classes), classes=classes
    )


def _network_of_values(x: NDArray[np.float64], y: NDArray[np.float64], seed: int) -> MLPRegressor:
    network = MLPRegressor(hidden_layer_sizes=_HIDDEN, learning_rate_init=_LEARNING_RATE, random_state=seed)
    targets = y[:, 0] if y.shape[1] == 1 else y
    return _stopped_early(network, x, targets, seed, lambda fitted, x, y: mean_squared_error(y, fitted.predict(x)))


def _stopped_early(network: Any, x: NDArray, y: NDArray, seed: int, loss: Callable[..., float], **options: Any) -> Any:
    """The network of the epoch that predicts a held-out part best.

    That of scikit-learn (``early_stopping=True``) refuses classes of one clip and held-out parts of fewer clips than
    there are classes, and goes by accuracy, which is coarse.
    """
    n_held_out = max(1, round(_HELD_OUT * len(x)))
    order = np.random.default_rng(seed).permutation(len(x))
    learnt, held_out = order[n_held_out:], order[:n_held_out]
    best, lowest, since = network, np.inf, 0
    for _ in range(_MAX_EPOCHS):
        network.partial_fit(x[learnt], y[learnt], **options)
        reached = loss(network, x[held_out], y[held_out])
        if reached < lowest:
            best, lowest, since = deepcopy(network), reached, 0
        else:
            since += 1
        if since == _PATIENCE:
            break
    return best


def _standardised(
    train_embeddings: ArrayLike | Tensor, embeddings: ArrayLike | Tensor
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Both sets by the mean and the deviation of the first; zeros in dimensions that are constant there."""
    train_x = inputs.matrix("train_embeddings", train_embeddings).cpu().numpy()
    x = inputs.matrix("embeddings", embeddings).cpu().numpy()
    if train_x.shape[1] != x.shape[1]:
        raise ValueError(
            f"train_embeddings has {train_x.shape[1]} dimensions and embeddings {x.shape[1]}; expected the same."
        )
    varies = (train_x != train_x[0]).any(axis=0)
    scaler = StandardScaler().fit(train_x)
    return scaler.transform(train_x) * varies, scaler.transform(x) * varies


def _known(reader: str) -> None:
    if reader not in get_args(Reader):
        raise ValueError(f"reader is {reader!r}; expected linear or nonlinear.")
