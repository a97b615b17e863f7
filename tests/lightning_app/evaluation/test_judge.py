"""The judge of a data set: what it learns, and when it is trained anew."""

from pathlib import Path

import numpy as np
import pytest
import torch

from lightning_app.evaluation import judge as judging
from lightning_app.evaluation.judge import judge_of
from tests.lightning_app.conftest import TinyClips

CPU = torch.device("cpu")


@pytest.fixture(autouse=True)
def _few_steps(monkeypatch):
    monkeypatch.setattr(judging, "_STEPS", 60)


class Kept(TinyClips):
    """Clips with a cache."""

    cache_key = "tiny"

    def __init__(self, folder: Path, **options):
        super().__init__(folder, n_clips=60, **options)
        self.cache_dir = folder


def accuracy(judge, data):
    clips = data.batch(data.test_dataset, np.arange(len(data.test_dataset)), CPU)
    return float((judge(clips["x"])["instrument"].argmax(dim=1) == clips["instrument"]).double().mean())


def test_it_tells_the_classes_of_clips_that_it_has_not_heard(tiny_clips):
    data = tiny_clips(n_clips=60)

    assert accuracy(judge_of(data, 0, CPU, False), data) == 1.0


def test_it_is_trained_once_for_its_clips_classes_and_seed(tmp_path):
    data = Kept(tmp_path / "cache")
    first = judge_of(data, 0, CPU, False).state_dict()
    (kept,) = (tmp_path / "cache").glob("judge-*/judge.pt")
    written = kept.stat().st_mtime_ns

    again = judge_of(data, 0, CPU, False).state_dict()

    assert kept.stat().st_mtime_ns == written
    assert all(torch.equal(values, again[name]) for name, values in first.items())
    judge_of(data, 1, CPU, False)
    data.train_dataset.indices = data.train_dataset.indices[:-1]
    judge_of(data, 0, CPU, False)
    assert len(list((tmp_path / "cache").glob("judge-*/judge.pt"))) == 3


def test_neither_the_random_numbers_of_a_run_matter_to_it_nor_it_to_them(tiny_clips):
    data = tiny_clips()
    torch.manual_seed(5)
    expected = torch.rand(3)
    torch.manual_seed(5)

    first = judge_of(data, 0, CPU, False).state_dict()

    assert torch.equal(torch.rand(3), expected)
    with torch.inference_mode():
        again = judge_of(data, 0, CPU, False).state_dict()
    assert all(torch.equal(values, again[name]) for name, values in first.items())
