from inspect import get_annotations, isfunction

import torch

from datamodules import ClipDataModule
from datamodules.protocols import OF_SETUP, ClipData, Clips, TrueSwaps
from tests.datamodules.clips.tones import Plain


def asked_for(protocol: type) -> set[str]:
    methods = {name for name, value in vars(protocol).items() if isfunction(value) and not name.startswith("_")}
    return methods | set(get_annotations(protocol))


def test_the_data_module_has_all_that_is_asked_for_and_what_setup_brings_only_then(tmp_path):
    data = ClipDataModule(Plain(), cache_dir=tmp_path, prepare_workers=1)
    assert {name for name in asked_for(ClipData) if not hasattr(data, name)} == set(OF_SETUP)
    data.prepare_data()
    data.setup("fit")
    assert {name for name in asked_for(ClipData) if not hasattr(data, name)} == set()
    for name in OF_SETUP:
        part = getattr(data, name)
        assert {name for name in asked_for(Clips) if not hasattr(part, name)} == set()
        assert len(part) == len(part.indices) == len(part.groups)
        assert torch.equal(part[1]["index"], torch.tensor(part.indices[1]))


def test_data_whose_clips_cannot_be_made_anew_know_no_true_swap(tmp_path):
    data = ClipDataModule(Plain(), cache_dir=tmp_path, prepare_workers=1)

    assert {name for name in asked_for(TrueSwaps) if not hasattr(data, name)} == set()
    assert data.true_swap(0, {"timbre": "dull"}) is None
