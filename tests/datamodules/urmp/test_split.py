import numpy as np
import pytest

from datamodules.errors import DataError
from datamodules.urmp.split import check_sides, split_by_piece, split_by_segment


@pytest.mark.parametrize("fraction", [0.1, 0.25, 0.5])
def test_each_instrument_gives_its_share(fraction):
    instrument = np.random.default_rng(0).permutation(np.repeat([0, 1, 2], [200, 60, 20]))
    validation = split_by_segment(instrument, fraction, 0)
    assert [validation[instrument == i].sum() for i in range(3)] == [200 * fraction, 60 * fraction, 20 * fraction]


def test_the_seed_alone_draws():
    instrument, piece = np.arange(100) % 2, np.arange(100) // 5
    for split in (
        lambda seed: split_by_segment(instrument, 0.2, seed),
        lambda seed: split_by_piece(instrument, piece, 0.2, seed),
    ):
        assert np.array_equal(split(0), split(0))
        assert len({split(seed).tobytes() for seed in range(10)}) > 5


@pytest.mark.parametrize("seed", range(20))
def test_pieces_are_whole_and_shares_about_those_wanted(seed):
    generator = np.random.default_rng(seed)
    piece = generator.integers(0, 44, 2000)
    instrument = np.where(generator.uniform(size=44) < 0.7, 0, 1)[piece] ^ (generator.uniform(size=2000) < 0.2)
    validation = split_by_piece(instrument, piece, 0.1, seed)
    for value in range(44):
        assert len(set(validation[piece == value].tolist())) == 1
    for value in (0, 1):
        assert 0.04 < validation[instrument == value].mean() < 0.16


@pytest.mark.parametrize("seed", range(5))
def test_few_pieces_of_unlike_size(seed):
    # Pieces 1 and 3 make 7 of 39 and 2 of 10; others are far from a fifth.
    instrument = np.repeat([0, 0, 0, 0, 1, 1], [15, 3, 17, 4, 2, 8])
    piece = np.repeat([0, 1, 2, 3, 3, 0], [15, 3, 17, 4, 2, 8])
    validation = split_by_piece(instrument, piece, 0.2, seed)
    assert set(piece[validation].tolist()) == {1, 3}


@pytest.mark.parametrize("fraction", [0.0, 1.0, -0.1, 1.5])
def test_a_share_that_is_none(fraction):
    with pytest.raises(DataError, match=rf"validation_fraction is {fraction}; it must lie between 0 and 1"):
        split_by_segment(np.zeros(3, int), fraction, 0)


def test_an_instrument_on_one_side_alone_is_named():
    instrument = np.array([0, 0, 1, 1])
    check_sides(np.array([True, False, True, False]), instrument, ("violin", "trumpet"), "do so")
    with pytest.raises(DataError, match="none of the 2 segments of trumpet is left for validation; do so"):
        check_sides(np.array([True, False, False, False]), instrument, ("violin", "trumpet"), "do so")
    with pytest.raises(DataError, match="none of the 2 segments of violin is left for training; do so"):
        check_sides(np.array([True, True, True, False]), instrument, ("violin", "trumpet"), "do so")
