"""Attributes that are set, on a model that decodes what it is told to, and on one that does not."""

import json

import numpy as np
import pytest
import torch
from lightning import LightningModule
from scipy.stats import spearmanr
from torch.utils.data import DataLoader

from datamodules.clips.attributes import TIMBRAL
from datamodules.clips.dataset import ClipDataset
from lightning_app.callbacks import LatentEvaluation
from lightning_app.errors import RunError
from lightning_app.evaluation.clip_statistics import rank_correlation
from modules.audio import LogMelSequence
from modules.vae import BetaVAE
from tests.lightning_app.conftest import TinyClips

RATE, N_MELS, N_CLIPS = 16_000, 12, 24


class Bands(TinyClips):
    """Noise in a band of its own, with its brightness as measured."""

    attributes = ("brightness",)

    def __init__(self, folder):
        super().__init__(folder)
        self.representation = LogMelSequence(RATE, n_fft=512, hop_length=256, n_mels=N_MELS)
        self.n_samples = RATE // 2
        self.x_shape = self.representation.shape(self.n_samples)
        self._audio = [self._noise(200.0 * 1.15**number, number) for number in range(N_CLIPS)]
        x = self.representation(torch.from_numpy(np.stack(self._audio))).numpy()
        values = np.array([[TIMBRAL.compute(audio, RATE)["brightness"]] for audio in self._audio], np.float32)
        known = {"labels": {"instrument": np.arange(N_CLIPS) % 2}, "groups": np.arange(N_CLIPS), "attributes": values}
        order = np.random.default_rng(0).permutation(N_CLIPS)
        self.train_dataset = ClipDataset("x", x.__getitem__, order[:14], **known)
        self.validation_dataset = self.test_dataset = ClipDataset("x", x.__getitem__, order[14:], **known)

    def _noise(self, frequency, number):
        spectrum = np.fft.rfft(np.random.default_rng(number).normal(size=self.n_samples))
        frequencies = np.fft.rfftfreq(self.n_samples, 1 / RATE)
        spectrum[(frequencies < frequency) | (frequencies > 1.5 * frequency)] = 0
        wave = np.fft.irfft(spectrum)
        return (0.5 * wave / np.abs(wave).max()).astype(np.float32)

    def audio(self, index):
        return self._audio[index]

    def val_dataloader(self):
        return DataLoader(self.validation_dataset, batch_size=4)


class Obedient(LightningModule):
    """Has the band of a clip in a latent, upside down, and decodes noise in the band that it is set to."""

    attribute_names, regularized_dims = ("brightness",), (1,)

    def __init__(self, x_shape):
        super().__init__()
        self.x_shape = x_shape
        self.weight = torch.nn.Parameter(torch.zeros(()))

    def latent(self, x):
        power = x.exp().mean(dim=1)
        band = (power * torch.arange(N_MELS)).sum(dim=1) / power.sum(dim=1)
        return torch.stack([torch.zeros_like(band), -band], dim=1)

    def decode(self, z):
        distance = (torch.arange(N_MELS) + z[:, 1:]).square()[:, None]
        return (-2.0 * distance).expand(-1, *self.x_shape).clamp(min=-12.0)

    def traverse(self, x, dim, positions):
        raise NotImplementedError

    def test_step(self, batch, batch_idx):
        self.log("test/loss", 0.0)


class Deaf(Obedient):
    """Decodes the same band, whatever it is told."""

    def decode(self, z):
        return super().decode(torch.full_like(z, -5.0))


@pytest.fixture
def measured(tmp_path, quiet_trainer):
    def run(model_of, n_clips=10):
        data = Bands(tmp_path / "bands")
        evaluation = LatentEvaluation(control_clips=n_clips)
        quiet_trainer(evaluation).test(model_of(data.x_shape), data, verbose=False)
        return data, json.loads((tmp_path / "evaluation.json").read_text())

    return run


def test_what_is_set_is_heard(measured):
    record = measured(Obedient)[1]

    scores = record["scores"]
    assert scores["control_clips"] == 10
    assert scores["control_correlation/brightness"] > 0.9
    assert scores["control_correlation/brightness"] == scores["control_correlation_together/brightness"]
    assert scores["control_error/brightness"] < 0.5 * scores["control_ceiling/brightness"]
    assert "side_effect/brightness" not in scores  # there is no other
    low, high = record["intervals"]["control_error/brightness"]
    assert low <= scores["control_error/brightness"] <= high


def test_what_is_not_heard_is_told(measured):
    data, record = measured(Deaf)

    scores = record["scores"]
    assert abs(scores["control_correlation/brightness"]) < 0.6
    assert scores["control_error/brightness"] == pytest.approx(scores["control_ceiling/brightness"], abs=0.5)
    # All sound alike, so the error is the spread of what was wanted around it.
    wanted = data.test_dataset.attributes[:, 0]
    assert scores["control_floor/brightness"] == pytest.approx(scores["control_ceiling/brightness"], abs=0.5)
    assert scores["control_error/brightness"] > 0.3 * wanted.std()


def test_correlation_is_that_of_scipy():
    rng = np.random.default_rng(0)
    first = rng.integers(5, size=(3, 40)).astype(float)
    second = first + rng.normal(size=(3, 40))

    expected = [spearmanr(a, b).statistic for a, b in zip(first, second, strict=True)]

    assert rank_correlation(first, second).tolist() == pytest.approx(expected)
    assert rank_correlation(np.ones(5), np.arange(5.0)) == 0.0


def test_what_cannot_be_set_is_refused_before_any_work(tmp_path, quiet_trainer):
    data = Bands(tmp_path / "bands")
    with pytest.raises(RunError, match=r"control_clips is 1; it is a number of clips, 2 or more"):
        quiet_trainer(LatentEvaluation(control_clips=1)).test(Obedient(data.x_shape), data)
    data.attributes = ("pitch",)
    model = BetaVAE((1, 128, 128), ("pitch",), width=1 / 16)
    with pytest.raises(RunError, match=r"measures brightness and depth .* regularises pitch.*control_clips null"):
        quiet_trainer(LatentEvaluation(control_clips=5)).test(model, data)
