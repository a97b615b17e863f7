"""Which clips have a combination of factors."""

import numpy as np
import pytest

from datamodules.clips.held_out import held_out_clips
from datamodules.errors import DataError

VALUES = {"instrument": ("violin", "trumpet"), "octave": ("4", "5"), "scale": ("major", "minor")}
LABELS = {
    "instrument": np.array([0, 0, 1, 1, 0, 0]),
    "octave": np.array([0, 1, 0, 1, 0, 1]),
    "scale": np.array([0, 0, 0, 0, 1, 1]),
}
ALL = np.ones(6, bool)


@pytest.mark.parametrize(
    ("held_out", "clips"),
    [
        ([], []),
        ([{"instrument": "violin", "octave": 5}], [1, 5]),
        ([{"instrument": "violin", "octave": "5"}], [1, 5]),
        ([{"instrument": "violin", "octave": 5, "scale": "minor"}], [5]),
        ([{"instrument": "trumpet", "octave": 4}, {"octave": 4, "scale": "minor"}], [2, 4]),
        ([{"scale": "minor"}], [4, 5]),
    ],
)
def test_clips_of_a_combination(held_out, clips):
    assert np.flatnonzero(held_out_clips(held_out, VALUES, LABELS, ALL)).tolist() == clips


@pytest.mark.parametrize(
    ("held_out", "message"),
    [
        ([{"instrument": "violin", "key": "C"}], "held_out has 'key'; the factors are instrument, octave, scale"),
        ([{"instrument": "viola"}], "held_out has instrument viola, which is not in this set; choose from violin, "),
        ([{"octave": 6}], "held_out has octave 6, which is not in this set; choose from 4, 5"),
        ([{"scale": "minor", "instrument": "trumpet"}], "has scale minor and instrument trumpet, and there is no val"),
        ([{}], "held_out has an empty combination; name factors with their values"),
    ],
)
def test_combinations_that_there_are_not(held_out, message):
    with pytest.raises(DataError, match=message) as refused:
        held_out_clips(held_out, VALUES, LABELS, ALL)
    assert refused.value.argument == "held_out"


def test_a_combination_that_only_training_clips_have_is_refused():
    with pytest.raises(DataError, match="there is no validation clip of it"):
        held_out_clips([{"instrument": "violin", "octave": 5}], VALUES, LABELS, ~np.isin(np.arange(6), [1, 5]))
