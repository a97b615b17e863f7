import warnings

import pytest

from datamodules.clips.overlap import warn_of_overlap


def test_segments_that_overlap_and_are_drawn_one_by_one_are_warned_of():
    with pytest.warns(UserWarning, match=r"each 0\.5 s, .* overlap those for training; split_by_file=True keeps"):
        warn_of_overlap(0.5, 1.0, together=False, argument="split_by_file")


@pytest.mark.parametrize(("hop_seconds", "together"), [(1.0, False), (2.0, False), (0.5, True)])
def test_segments_apart_are_not(hop_seconds, together):
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        warn_of_overlap(hop_seconds, 1.0, together=together, argument="split_by_file")
