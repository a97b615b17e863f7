import pickle
from collections import Counter

import numpy as np
import pytest

from datamodules.clips import ClipSource, Part
from datamodules.errors import DataError
from tests.datamodules.clips.tones import Plain, Tones


@pytest.mark.parametrize("left_out", ["__len__", "key", "audio"])
def test_what_a_data_set_has_to_say(left_out):
    said = {name: getattr(Plain, name) for name in ("__len__", "key", "audio") if name != left_out}
    with pytest.raises(TypeError, match=left_out):
        type("Silent", (ClipSource,), said)()


def test_a_source_that_says_no_more_has_no_classes_and_no_attributes():
    source = Plain()
    source.prepare()
    assert source.class_names == source.labels() == source.attributes() == source.texts() == {}
    assert source.attribute_names == ()
    assert source.attribute_folders() == {}
    assert source.groups().tolist() == list(range(10))
    assert source.clip_names(np.array([3, 0])) == ["plain 3", "plain 0"]
    assert source.clip_states(np.array([3, 0])) == ["", ""]
    assert not source.reads_files


@pytest.mark.parametrize("fraction", [0.2, 0.5])
def test_clips_are_drawn_by_the_seed(fraction):
    draws = [Plain().parts(fraction, seed) for seed in (0, 0, *range(1, 6))]
    for parts in draws:
        assert Counter(parts.tolist()) == {Part.TRAIN: 10 * (1 - fraction), Part.VALIDATION: 10 * fraction}
    assert np.array_equal(draws[0], draws[1])
    assert len({parts.tobytes() for parts in draws}) > 2


def test_all_clips_of_a_group_are_for_the_same(tmp_path):
    source = Tones(tmp_path / "log", size=40)
    for seed in range(20):
        parts = source.parts(0.3, seed)
        sides = [set(source.groups()[parts == part].tolist()) for part in (Part.TRAIN, Part.VALIDATION)]
        assert not sides[0] & sides[1]
        assert (parts == Part.VALIDATION).sum() == 12


def test_a_split_that_cannot_be_had_is_refused():
    with pytest.raises(DataError, match=r"10 clips of 10 groups cannot be split with validation_fraction 0\.01"):
        Plain().parts(0.01, 0)
    with pytest.raises(DataError, match=r"validation_fraction is 1\.5"):
        Plain().parts(1.5, 0)


def test_what_makes_the_audio_can_be_sent_to_another_process(tmp_path):
    for source in (Plain(), Tones(tmp_path / "log")):
        maker = pickle.loads(pickle.dumps(source.audio_maker(3)))
        assert np.array_equal(maker(), source.audio(3))
