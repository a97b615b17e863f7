"""What `predict` writes, for data of any names."""

import numpy as np
import pytest
import torch
from lightning import LightningDataModule, LightningModule
from torch.utils.data import DataLoader, Dataset

from lightning_app.callbacks import EncodingWriter


class Encodes(LightningModule):
    """A model that encodes a clip as twice its input."""

    def predict_step(self, batch, batch_idx, dataloader_idx=0):
        return {"z_mean": 2 * batch["x"]}


class Clips(Dataset):
    """Clips whose attributes have the given names, all of them 10 times their number."""

    def __init__(self, n_clips, *attributes):
        self.n_clips, self.attributes = n_clips, attributes

    def __len__(self):
        return self.n_clips

    def __getitem__(self, index):
        known = dict.fromkeys(self.attributes, torch.tensor(10 * index))
        return {"x": torch.tensor([float(index)]), "index": torch.tensor(index), **known}


class Data(LightningDataModule):
    def __init__(self, *datasets, class_names=None):
        super().__init__()
        self.datasets = datasets
        if class_names is not None:
            self.class_names = class_names

    def predict_dataloader(self):
        return [DataLoader(dataset, batch_size=2) for dataset in self.datasets]


class NamedData(Data):
    def clip_names(self, indices):
        return [f"{index}.wav" for index in indices.tolist()]


@pytest.fixture
def encodings(tmp_path, quiet_trainer):
    """Encodes data sets, and returns the arrays that were written."""

    def predict(*datasets, data=Data, **options):
        quiet_trainer(EncodingWriter()).predict(Encodes(), data(*datasets, **options))
        with np.load(tmp_path / "encodings.npz") as archive:
            return dict(archive)

    return predict


def test_a_row_for_each_clip_by_part(encodings):
    arrays = encodings(Clips(3), Clips(2))

    assert arrays.keys() == {"index", "z_mean", "part"}
    assert arrays["part"].tolist() == [0, 0, 0, 1, 1]
    assert arrays["index"].tolist() == [0, 1, 2, 0, 1]
    assert arrays["z_mean"].tolist() == [[0.0], [2.0], [4.0], [0.0], [2.0]]


@pytest.mark.parametrize("name", ["file", "allow_pickle", "self", "args"])
def test_attribute_of_any_name(encodings, name):
    assert encodings(Clips(3, name))[name].tolist() == [0, 10, 20]


@pytest.mark.parametrize("name", ["part", "clip", "z_mean"])
def test_attribute_that_is_called_like_what_is_written(encodings, name):
    arrays = encodings(Clips(3, name), data=NamedData)

    assert arrays[f"data_{name}"].tolist() == [0, 10, 20]
    assert arrays["z_mean"].tolist() == [[0.0], [2.0], [4.0]]
    assert arrays["part"].tolist() == [0, 0, 0]


def test_names_of_clips_and_classes(encodings):
    names = {"instrument": ("violin", "trumpet"), "octave": ("4", "5")}
    arrays = encodings(Clips(3, "instrument"), data=NamedData, class_names=names)

    assert arrays["clip"].tolist() == ["0.wav", "1.wav", "2.wav"]
    assert arrays["instrument_names"].tolist() == ["violin", "trumpet"]
    assert "octave_names" not in arrays


def test_data_without_names_of_clips(encodings):
    assert "clip" not in encodings(Clips(1), Clips(2))
