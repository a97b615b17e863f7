import pytest

from datamodules.clips import Part
from datamodules.clips.folder_parts import part_of


@pytest.mark.parametrize(
    ("folders", "part"),
    [
        (["Train"], Part.TRAIN),
        (["violin", "training"], Part.TRAIN),
        (["VALID", "violin"], Part.VALIDATION),
        (["val"], Part.VALIDATION),
        (["dev"], Part.VALIDATION),
        (["validation"], Part.VALIDATION),
        (["testing"], Part.TEST),
        (["train", "test"], Part.TEST),
        (["test", "train"], Part.TEST),
        (["valid", "training"], Part.VALIDATION),
        (["tests", "trained", "valley"], None),
        ([], None),
    ],
)
def test_what_folders_say(folders, part):
    assert part_of(folders) is part
