import time

import numpy as np
import pytest

from datamodules.clips.split import check_sides, split_by_class, split_by_group, split_groups_by_class
from datamodules.errors import DataError


@pytest.mark.parametrize("n_clips", [2, 5, 37, 3000])
@pytest.mark.parametrize("fraction", [0.2, 0.25, 0.5])
def test_clips_that_are_each_a_group_are_shared_exactly(n_clips, fraction):
    groups = np.random.default_rng(n_clips).permutation(n_clips)
    n_train = round(n_clips * (1 - fraction))
    if n_train == n_clips:
        with pytest.raises(DataError):
            split_by_group(groups, fraction)
    else:
        assert split_by_group(groups, fraction).tolist() == [False] * n_train + [True] * (n_clips - n_train)


def test_a_group_is_on_one_side():
    rng = np.random.default_rng(0)
    for _ in range(300):
        groups = rng.integers(-5, rng.integers(2, 40), rng.integers(30, 60))
        fraction = rng.uniform(0.2, 0.6)
        largest = max(np.count_nonzero(groups == group) for group in groups)
        try:
            validation = split_by_group(groups, fraction)
        except DataError:
            assert largest >= fraction * len(groups) - 1  # only where one group takes all that was to be left
            continue
        assert not set(groups[validation]) & set(groups[~validation])
        assert -1 < (~validation).sum() - len(groups) * (1 - fraction) < largest
        # Training takes the groups that appear first.
        first = [int(np.argmax(groups == group)) for group in groups]
        assert max(np.array(first)[~validation]) < min(np.array(first)[validation])


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 1.5, float("nan")])
def test_a_fraction_that_is_none(fraction):
    with pytest.raises(DataError, match=rf"validation_fraction is {fraction}; it must lie between 0 and 1"):
        split_by_group(np.arange(10), fraction)


@pytest.mark.parametrize(("groups", "n_groups"), [([1, 1, 1, 1], 1), ([], 0), ([4], 1)])
def test_a_side_without_clips(groups, n_groups):
    with pytest.raises(DataError, match=rf"^{len(groups)} clips of {n_groups} groups cannot be split"):
        split_by_group(np.array(groups, int), 0.5)


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.5])
def test_one_by_one_each_class_gives_its_share(fraction):
    classes = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [200, 60, 20]))
    validation = split_by_class(classes, fraction, 0)
    assert [validation[classes == i].sum() for i in range(3)] == [200 * fraction, 60 * fraction, 20 * fraction]


def test_the_seed_alone_draws():
    classes, groups = np.arange(100) % 2, np.arange(100) // 5
    for split in (
        lambda seed: split_by_class(classes, 0.2, seed),
        lambda seed: split_groups_by_class(classes, groups, 0.2, seed),
    ):
        assert np.array_equal(split(0), split(0))
        assert len({split(seed).tobytes() for seed in range(10)}) > 5


@pytest.mark.parametrize("seed", range(20))
def test_groups_are_whole_and_shares_about_those_wanted(seed):
    generator = np.random.default_rng(seed)
    groups = generator.integers(0, 44, 2000)
    classes = np.where(generator.uniform(size=44) < 0.7, 0, 1)[groups] ^ (generator.uniform(size=2000) < 0.2)
    validation = split_groups_by_class(classes, groups, 0.1, seed)
    for value in range(44):
        assert len(set(validation[groups == value].tolist())) == 1
    for value in (0, 1):
        assert 0.04 < validation[classes == value].mean() < 0.16


@pytest.mark.parametrize("seed", range(5))
def test_few_groups_of_unlike_size(seed):
    # Groups 1 and 3 make 7 of 39 and 2 of 10; others are far from a fifth.
    classes = np.repeat([0, 0, 0, 0, 1, 1], [15, 3, 17, 4, 2, 8])
    groups = np.repeat([0, 1, 2, 3, 3, 0], [15, 3, 17, 4, 2, 8])
    validation = split_groups_by_class(classes, groups, 0.2, seed)
    assert set(groups[validation].tolist()) == {1, 3}


@pytest.mark.parametrize("seed", range(10))
def test_a_class_with_two_groups_is_on_both_sides_and_one_with_one_is_trained_on(seed):
    # Half of a class is farther from a tenth than nothing of it, and yet both sides have something.
    classes = np.repeat([0, 0, 1, 1, 2], [5, 5, 4, 6, 3])
    groups = np.repeat([9, 8, 7, 6, 5], [5, 5, 4, 6, 3])
    validation = split_groups_by_class(classes, groups, 0.1, seed)
    assert [set(validation[classes == i].tolist()) for i in range(3)] == [{False, True}, {False, True}, {False}]


def test_a_class_whose_groups_are_also_anothers():
    classes = np.array([0, 1, 0, 1, 0, 2])
    groups = np.array([0, 0, 1, 1, 2, 2])  # class 2 has one group, which class 0 shares
    for seed in range(10):
        validation = split_groups_by_class(classes, groups, 0.3, seed)
        assert not validation[classes == 2].any()
        assert {validation[groups == 0].all(), validation[groups == 1].all()} == {False, True}


def test_ten_thousand_groups_take_seconds():
    generator = np.random.default_rng(0)
    groups = generator.integers(0, 10_000, 100_000)
    classes = groups * 7 % 13
    start = time.process_time()
    validation = split_groups_by_class(classes, groups, 0.1, 0)
    assert time.process_time() - start < 20
    for value in range(13):
        assert validation[classes == value].mean() == pytest.approx(0.1, abs=0.002)


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 1.5])
def test_a_share_that_is_none(fraction):
    with pytest.raises(DataError, match=rf"validation_fraction is {fraction}; it must lie between 0 and 1"):
        split_by_class(np.zeros(3, int), fraction, 0)


def test_a_class_on_one_side_alone_is_named():
    classes = np.array([0, 0, 1, 1])
    check_sides(np.array([True, False, True, False]), classes, ("violin", "trumpet"), "do so")
    with pytest.raises(DataError, match="none of the 2 segments of trumpet is left for validation; do so"):
        check_sides(np.array([True, False, False, False]), classes, ("violin", "trumpet"), "do so")
    with pytest.raises(DataError, match="none of the 2 segments of violin is left for training; do so"):
        check_sides(np.array([True, True, True, False]), classes, ("violin", "trumpet"), "do so")
