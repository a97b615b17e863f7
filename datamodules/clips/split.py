"""Which clips are for training and which for validation."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from datamodules.errors import DataError


def check_fraction(validation_fraction: float, argument: str = "validation_fraction") -> None:
    """Raises DataError, which names the argument, where a share of validation clips is no share."""
    if not 0 < validation_fraction < 1:
        raise DataError(
            f"validation_fraction is {validation_fraction}; it must lie between 0 and 1.", argument=argument
        )


def split_by_group(groups: NDArray[np.integer], validation_fraction: float) -> NDArray[np.bool_]:
    """Splits clips in their order, keeping all clips of a group on one side.

    Args:
        groups: The group of each clip, shape (n,).
        validation_fraction: Wanted share of validation clips, in (0, 1).

    Returns:
        True for validation clips, shape (n,). Groups go to the training side in order of appearance until it has its
        share, so where every clip is a group of its own the shares are exact.

    Raises:
        DataError: One of the sides would be empty.

    >>> split_by_group(np.array([7, 8, 7, 9]), 0.5).tolist()
    [False, True, False, True]
    """
    check_fraction(validation_fraction)
    _, first, inverse, counts = np.unique(groups, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(first)
    clips_before = np.concatenate([[0], np.cumsum(counts[order])[:-1]])
    n_train = round(len(groups) * (1 - validation_fraction))
    in_validation = np.empty(len(order), bool)
    in_validation[order] = clips_before >= n_train
    validation = in_validation[inverse]
    if validation.all() or not validation.any():
        raise DataError(
            f"{len(groups)} clips of {len(order)} groups cannot be split with validation_fraction "
            f"{validation_fraction}: one side would be empty. Ask for a larger set.",
            argument="validation_fraction",
        )
    return validation


def split_by_class(classes: NDArray[np.integer], validation_fraction: float, seed: int) -> NDArray[np.bool_]:
    """Draws the wanted share of each class's clips, one by one.

    Args:
        classes: Class of each clip, shape (n,).
        validation_fraction: Wanted share of validation clips, in (0, 1).
        seed: Seed of the draw.

    Returns:
        True for validation clips, shape (n,).

    >>> split_by_class(np.array([0, 0, 0, 0, 1, 1]), 0.5, seed=0).sum()
    np.int64(3)
    """
    check_fraction(validation_fraction)
    generator = np.random.default_rng(seed)
    validation = np.zeros(len(classes), bool)
    for value in np.unique(classes):
        own = generator.permutation(np.flatnonzero(classes == value))
        validation[own[: round(validation_fraction * len(own))]] = True
    return validation


def split_groups_by_class(
    classes: NDArray[np.integer], groups: NDArray[np.integer], validation_fraction: float, seed: int
) -> NDArray[np.bool_]:
    """Draws groups, so that about the wanted share of each class's clips is in them.

    Groups come in an order drawn by the seed, and are for validation if that brings the shares closer to the wanted.
    Then a class that is on one side alone, and has groups enough for both, gets the one that suits best. Of ten orders,
    that counts after which the fewest classes are on one side, and of these that whose shares come closest: with few
    groups, some orders come nowhere near.

    Args:
        classes: Class of each clip, shape (n,).
        groups: Group of each clip, shape (n,).
        validation_fraction: Wanted share of validation clips, in (0, 1).
        seed: Seed of the order.

    Returns:
        True for validation clips, shape (n,); all clips of a group are on one side, and a class with one group is on
        the training side wherever that group has no other class.

    >>> validation = split_groups_by_class(np.array([0, 1, 0, 1]), np.array([7, 7, 8, 8]), 0.5, seed=0)
    >>> validation.sum(), validation[0] == validation[1]
    (np.int64(2), np.True_)
    """
    check_fraction(validation_fraction)
    _, group_of = np.unique(groups, return_inverse=True)
    contents = _contents(classes, group_of)
    generator = np.random.default_rng(seed)
    best, least = np.zeros(len(contents), bool), (np.inf, np.inf)
    for _ in range(_N_ORDERS):
        drawn = _Drawn(contents, validation_fraction)
        for group in generator.permutation(len(contents)).tolist():
            if drawn.gain(group) < 0:
                drawn.move(group)
        drawn.repair()
        if (found := drawn.distance()) < least:
            best, least = drawn.validation.copy(), found
    return best[group_of]


_N_ORDERS = 10


class _Content(NamedTuple):
    """The classes that a group has clips of, and the share of each class's clips that it has."""

    classes: NDArray[np.integer]
    shares: NDArray[np.float64]


def _contents(classes: NDArray[np.integer], group_of: NDArray[np.integer]) -> list[_Content]:
    """What each group holds, in the order of their numbers."""
    _, class_of, sizes = np.unique(classes, return_inverse=True, return_counts=True)
    pairs, counts = np.unique(np.stack([group_of, class_of], axis=1), axis=0, return_counts=True)
    starts = np.flatnonzero(np.diff(pairs[:, 0], prepend=-1))
    shares = counts / sizes[pairs[:, 1]]
    return [
        _Content(own, part)
        for own, part in zip(np.split(pairs[:, 1], starts[1:]), np.split(shares, starts[1:]), strict=True)
    ]


class _Drawn:
    """Which groups are for validation, and what share of each class these have."""

    def __init__(self, contents: list[_Content], wanted: float) -> None:
        self.validation = np.zeros(len(contents), bool)
        self._contents, self._wanted = contents, wanted
        members = np.concatenate([content.classes for content in contents])
        self._n_groups = np.bincount(members)
        self._n_drawn = np.zeros(len(self._n_groups), int)
        self._shares = np.zeros(len(self._n_groups))

    def gain(self, group: int) -> float:
        """How much farther from the wanted the shares are with the group on the other side."""
        classes, shares = self._contents[group]
        now = self._shares[classes]
        then = now + (-shares if self.validation[group] else shares)
        return float((np.abs(then - self._wanted) - np.abs(now - self._wanted)).sum())

    def move(self, group: int) -> None:
        """Puts a group on the other side."""
        classes, shares = self._contents[group]
        step = -1 if self.validation[group] else 1
        self._shares[classes] += step * shares
        self._n_drawn[classes] += step
        self.validation[group] = step == 1

    def repair(self) -> None:
        """Brings classes to the side where they are missing, as long as no other class then misses one."""
        for value in np.flatnonzero(self._missing()).tolist():
            if not self._missing()[value]:
                continue
            own = [group for group, content in enumerate(self._contents) if value in content.classes]
            for group in sorted(own, key=self.gain):
                before = self._missing().sum()
                self.move(group)
                if self._missing().sum() < before:
                    break
                self.move(group)

    def distance(self) -> tuple[float, float]:
        """How many classes are on one side alone, and how far the shares are from the wanted."""
        return float(self._missing().sum()), float(np.abs(self._shares - self._wanted).sum())

    def _missing(self) -> NDArray[np.bool_]:
        """Which classes are only for validation, or could be on both sides and are not."""
        return (self._n_drawn == self._n_groups) | ((self._n_drawn == 0) & (self._n_groups > 1))


def check_sides(
    validation: NDArray[np.bool_], classes: NDArray[np.integer], names: tuple[str, ...], remedy: str
) -> None:
    """Raises DataError where one side has nothing of a class, with what to do about it."""
    for value, name in enumerate(names):
        own = validation[classes == value]
        for side, is_there in (("training", not own.all()), ("validation", own.any())):
            if not is_there:
                raise DataError(
                    f"none of the {len(own)} segments of {name} is left for {side}; {remedy}.",
                    argument="validation_fraction",
                )
