"""Where segments lie, and why some are dropped."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from datamodules.audio_folder.measures import Measures
from datamodules.audio_folder.segments import Cut, Drop
from datamodules.errors import DataError
from datamodules.storage.recording import Recording

RECORDING = Recording(Path("a.wav"), "a.wav", "WAV", 1000, 1, 10_000, (1, 1))
HEARD = Measures(10_000, 0.5, 0.0, np.full(100, -20.0, np.float32), 0.1, 0, 0, "")


def cut(n_samples=10_000, levels=None, **options):
    heard = replace(HEARD, n_samples=n_samples)
    if levels is not None:
        heard = replace(heard, levels=np.asarray(levels, np.float32))
    settings = {"seconds": 4.0, "hop_seconds": 4.0, "rest": "drop", "silence_db": -60.0} | options
    return list(Cut(**settings).segments(3, RECORDING, heard))


def kept(*arguments, **options):
    return [segment.start for segment in cut(*arguments, **options) if segment.drop is None]


@pytest.mark.parametrize(
    ("n_samples", "hop", "whole", "rest"),
    [
        (10_000, 4.0, [0, 4], 8),
        (12_000, 4.0, [0, 4, 8], None),
        (11_999, 4.0, [0, 4], 8),
        (4_000, 4.0, [0], None),
        (3_999, 4.0, [], 0),
        (10_000, 1.0, [0, 1, 2, 3, 4, 5, 6], None),
        (10_500, 1.0, [0, 1, 2, 3, 4, 5, 6], 7),
        (10_000, 5.0, [0, 5], None),  # the rest lies in the gap
        (9_500, 5.0, [0, 5], None),
        (9_400, 4.2, [0, 4.2], 8.4),
    ],
)
def test_segments_and_the_rest(n_samples, hop, whole, rest):
    assert kept(n_samples, hop_seconds=hop) == pytest.approx(whole)
    padded = kept(n_samples, hop_seconds=hop, rest="pad")
    assert padded == pytest.approx(whole + ([] if rest is None else [rest]))
    dropped = [segment for segment in cut(n_samples, hop_seconds=hop) if segment.drop is not None]
    assert [segment.start for segment in dropped] == pytest.approx([] if rest is None else [rest])
    if rest is not None:
        assert dropped[0].drop is (Drop.REST if whole else Drop.SHORT)
        assert dropped[0].detail == f"{n_samples / 1000 - rest:.3f} s"


def test_tenths_of_a_second_add_up():
    # 3 * 0.1 is more than 0.3 in binary.
    assert kept(300, seconds=0.1, hop_seconds=0.1, levels=[-20] * 3) == pytest.approx([0, 0.1, 0.2])


def test_a_segment_is_as_loud_as_its_loudest_tenth():
    levels = np.full(100, -70.0)
    levels[39] = -50  # of the first
    levels[80] = -59.9  # of the third
    segments = cut(12_000, levels=np.append(levels, [-np.inf] * 20))

    assert [segment.drop for segment in segments] == [None, Drop.SILENCE, None]
    assert segments[1].detail == "loudest -70.0 dB"
    assert kept(12_000, levels=np.append(levels, [-np.inf] * 20), silence_db=None) == [0, 4, 8]
    assert kept(12_000, levels=np.append(levels, [-np.inf] * 20), silence_db=-55) == [0]


def test_a_segment_of_less_than_a_tenth_has_the_level_of_the_tenth_that_it_lies_in():
    levels = [-20, -80, -20]
    assert kept(300, levels=levels, seconds=0.05, hop_seconds=0.05) == pytest.approx([0, 0.05, 0.2, 0.25])
    assert kept(300, levels=levels, seconds=0.02, hop_seconds=0.09) == pytest.approx([0, 0.09, 0.27])


def test_what_cannot_be_used_is_one_segment():
    (segment,) = Cut(4.0, 4.0, "drop", -60.0).segments(3, RECORDING, "a.wav is cut short")

    assert segment == (3, 0.0, Drop.UNREADABLE, "a.wav is cut short")


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"seconds": 0.0}, r"seconds is 0\.0; it must be more than 0"),
        ({"seconds": float("nan")}, r"seconds is nan; it must be more than 0"),
        ({"hop_seconds": -1.0}, r"hop_seconds is -1\.0; it must be more than 0"),
        ({"rest": "keep"}, r"rest is 'keep'; choose from drop, pad"),
        ({"silence_db": 60.0}, r"silence_db is 60\.0; it must be a level in dB below 0, like -60, or null"),
        ({"silence_db": float("nan")}, r"silence_db is nan"),
    ],
)
def test_numbers_out_of_range(option, message):
    with pytest.raises(DataError, match=message):
        cut(**option)
