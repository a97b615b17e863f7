"""What dimensions tell, of a model whose latents are known."""

import json

import numpy as np
import pytest
import torch

from lightning_app.callbacks import SwapEvaluation
from metrics.functional import entropy, mutual_information
from modules.dsae import DSAE
from modules.gaussian import Gaussian
from tests.lightning_app.conftest import TinyClips


class TwoFactors(TinyClips):
    """Clips of an instrument, which their level tells, and of a mode, which their first frames tell."""

    def __init__(self, folder, n_clips=240):
        super().__init__(folder, n_clips=n_clips)
        self.class_names = self.class_names | {"mode": ("minor", "major", "lydian")}
        mode = np.random.default_rng(1).integers(3, size=n_clips)
        for part in (self.train_dataset, self.validation_dataset):
            read = part._read
            added = 4 * mode[:, None, None] * (np.arange(9) < 2)[:, None]
            part._read = lambda index, read=read, added=added: read(index) + added[index].astype(np.float32)
            part.labels = part.labels | {"mode": mode[part.indices]}


class Known(DSAE):
    """Says the level of the last frames in v, and of the first ones in z; two dimensions of v say nothing."""

    def encode(self, x, *, sample=True, noise=torch.randn_like):
        encoding = super().encode(x, sample=sample, noise=noise)
        level = x[:, 2:].mean(dim=(1, 2))
        v = torch.stack([level, *torch.zeros(2, len(x))], dim=1)
        z = (x[:, :2].mean(dim=(1, 2)) - level)[:, None, None].expand(-1, x.shape[1], 2)
        q_v, q_z = (Gaussian(mean, torch.zeros_like(mean)) for mean in (v, z))
        return encoding._replace(q_v=q_v, q_z=q_z, v=v, z=z)

    def global_latent(self, x):
        return self.encode(x).v


@pytest.fixture
def record(tmp_path, quiet_trainer):
    data = TwoFactors(tmp_path / "clips")
    evaluation = SwapEvaluation(f1=False, information=True)
    quiet_trainer(evaluation).test(Known((9, 10), v_dim=3, z_dim=2), data, verbose=False)
    return data, json.loads((tmp_path / "evaluation.json").read_text())


def test_each_factor_is_told_by_its_code(record):
    data, scores = record[0], record[1]["scores"]
    clips = data.batch(data.test_dataset, np.arange(len(data.test_dataset)), torch.device("cpu"))
    encoding = Known((9, 10), v_dim=3, z_dim=2).encode(clips["x"])
    factors = torch.stack([clips["instrument"], clips["mode"]], dim=1)
    for code, latents in (("v", encoding.v), ("z", encoding.z.mean(dim=1))):
        shares = mutual_information(latents, factors, discrete=True).amax(dim=0) / entropy(factors, discrete=True)
        for factor, share in zip(("instrument", "mode"), shares, strict=True):
            assert scores[f"information/{code}/{factor}"] == pytest.approx(float(share), abs=0.02)
    assert scores["information_gap/instrument"] > 0.6
    assert scores["information_gap/mode"] > 0.6
    assert scores["dci_v/instrument"] > 0.7
    assert scores["dci_v/mode"] < 0.3
    assert scores["dci_informativeness/mode"] > 0.9


def test_dimensions_in_use_are_counted(record):
    """Of unit variance, v has the KL of half its square: that of two dimensions is 0."""
    assert record[1]["scores"]["active/v"] == 1
    assert record[1]["scores"]["active/z"] == 2
