import numpy as np
import pytest

from datamodules.clips.split import split_by_group
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
