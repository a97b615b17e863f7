"""Which clips are kept for training and validation."""

import numpy as np
import pytest

from datamodules.clips.correlation import Correlation
from datamodules.clips.factor_choice import chosen_clips
from datamodules.errors import DataError

VALUES = {"instrument": ("violin", "trumpet"), "octave": ("4", "5")}
N_CLIPS = 4000
LABELS = {"instrument": np.arange(N_CLIPS) % 2, "octave": np.arange(N_CLIPS) // 2 % 2}
VALIDATION = np.arange(N_CLIPS) % 5 == 0


def chosen(correlation=None, held_out=(), seed=0, validation=VALIDATION):
    return chosen_clips(validation, VALUES, LABELS, correlation, held_out, seed)


def share_of_pairs(clips):
    """The share of violins in octave 4 and trumpets in octave 5."""
    return (LABELS["instrument"][clips] == LABELS["octave"][clips]).mean()


def test_nothing_wanted_keeps_everything():
    assert chosen().all()
    assert chosen(Correlation(("instrument", "octave"), 0.0)).all()


@pytest.mark.parametrize(("of", "in_validation"), [("all", 0.9), ("training", 0.5)])
def test_a_correlation_of_all_clips_or_of_those_for_training(of, in_validation):
    kept = chosen(Correlation(("instrument", "octave"), 0.8, of))

    assert share_of_pairs(kept & ~VALIDATION) == pytest.approx(0.9, abs=0.03)
    assert share_of_pairs(kept & VALIDATION) == pytest.approx(in_validation, abs=0.05)
    assert (kept[VALIDATION].all()) == (of == "training")


def test_what_is_held_out_is_for_validation_alone():
    kept = chosen(held_out=[{"instrument": "violin", "octave": 5}])

    combination = (LABELS["instrument"] == 0) & (LABELS["octave"] == 1)
    assert not (kept & ~VALIDATION & combination).any()
    assert (kept == (VALIDATION | ~combination)).all()


def test_both_together():
    kept = chosen(Correlation(("instrument", "octave"), 0.5), [{"instrument": "violin", "octave": 5}])

    combination = (LABELS["instrument"] == 0) & (LABELS["octave"] == 1)
    assert not (kept & ~VALIDATION & combination).any()
    assert 0 < (kept & VALIDATION & combination).sum() < (VALIDATION & combination).sum()


def test_the_seed_sets_the_draw():
    correlation = Correlation(("instrument", "octave"), 0.8)
    first, again, other = (chosen(correlation, seed=seed) for seed in (1, 1, 2))
    assert np.array_equal(first, again)
    assert not np.array_equal(first, other)


def test_a_value_without_training_clips_is_named():
    with pytest.raises(DataError, match=r"held_out leaves no training clip of instrument violin; hold fewer") as error:
        chosen(held_out=[{"instrument": "violin", "octave": octave} for octave in (4, 5)])
    assert error.value.argument == "held_out"

    # A violin in octave 5 and a trumpet in octave 4 are all that there is to train on, and neither suits.
    few = ~np.isin(np.arange(N_CLIPS), [1, 2])
    with pytest.raises(
        DataError, match=r"correlation\.strength leaves no training clip of instrument violin, trumpet;"
    ):
        chosen(Correlation(("instrument", "octave"), 1.0), validation=few)


def test_a_value_that_was_never_there_to_train_on_is_not_missed():
    """As the instruments that have only notes for validation."""
    trumpets = LABELS["instrument"] == 1
    kept = chosen(Correlation(("instrument", "octave"), 0.5), validation=trumpets)
    assert set(LABELS["octave"][kept & ~trumpets].tolist()) == {0, 1}


def test_a_combination_that_the_correlation_leaves_out_cannot_be_held_out():
    with pytest.raises(DataError, match="instrument violin and octave 5, and there is no validation clip of it"):
        chosen(Correlation(("instrument", "octave"), 1.0), [{"instrument": "violin", "octave": 5}])
