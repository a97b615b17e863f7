import numpy as np
import pytest
import torch

from datamodules.clips import ClipDataset

CONTENT = np.random.default_rng(0).normal(size=(6, 5, 3)).astype(np.float32)
LABELS = {"instrument": np.array([0, 1, 0, 1, 0, 1], np.int8), "octave": np.array([2, 2, 1, 1, 0, 0])}
GROUPS = np.array([7, 7, 8, 8, 9, 9])
ATTRIBUTES = np.arange(12, dtype=np.float32).reshape(6, 2) / 8


def dataset(indices=(5, 0, 3), *, content="x", attributes=ATTRIBUTES) -> ClipDataset:
    return ClipDataset(content, CONTENT.__getitem__, np.array(indices), LABELS, GROUPS, attributes)


@pytest.mark.parametrize("content", ["x", "audio"])
def test_items_are_the_clips_of_the_indices(content):
    clips = dataset(content=content)
    assert len(clips) == 3
    for item, index in enumerate([5, 0, 3]):
        clip = clips[item]
        assert set(clip) == {content, "index", "group", "attributes", "instrument", "octave"}
        assert clip[content].dtype == clip["attributes"].dtype == torch.float32
        assert np.array_equal(clip[content], CONTENT[index])
        assert np.array_equal(clip["attributes"], ATTRIBUTES[index])
        numbers = {name: clip[name] for name in ("index", "group", "instrument", "octave")}
        assert {value.dtype for value in numbers.values()} == {torch.int64}
        assert {name: value.item() for name, value in numbers.items()} == {
            **{"index": index, "group": GROUPS[index]},
            **{name: values[index] for name, values in LABELS.items()},
        }


def test_what_is_known_of_the_clips_is_there_without_reading_them():
    def read(index: int) -> np.ndarray:
        raise AssertionError(f"clip {index} was read")

    clips = ClipDataset("x", read, np.array([5, 0, 3]), LABELS, GROUPS, ATTRIBUTES)
    assert clips.indices.tolist() == [5, 0, 3]
    assert clips.groups.tolist() == [9, 7, 8]
    assert {name: values.tolist() for name, values in clips.labels.items()} == {
        **{"instrument": [1, 0, 1], "octave": [0, 2, 1]}
    }
    assert np.array_equal(clips.attributes, ATTRIBUTES[[5, 0, 3]])


def test_clips_without_attributes_have_none():
    clips = dataset(attributes=np.empty((6, 0), np.float32))
    assert set(clips[0]) == {"x", "index", "group", "instrument", "octave"}
    assert clips.attributes.shape == (3, 0)


def test_changing_an_item_changes_nothing_else():
    clips, before = dataset(), CONTENT.copy()
    for values in clips[1].values():
        values.zero_()
    assert np.array_equal(CONTENT, before)
    for name, values in dataset()[1].items():
        assert torch.equal(clips[1][name], values)
