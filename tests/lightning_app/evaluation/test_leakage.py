"""What is read from the latents of a model whose latents are known."""

import json

import numpy as np
import pytest
import torch
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import f1_score
from sklearn.preprocessing import StandardScaler

from lightning_app.callbacks import SwapEvaluation
from lightning_app.errors import RunError
from metrics.functional import equal_error_rate
from modules.dsae import DSAE
from tests.lightning_app.conftest import TinyClips


class Known(DSAE):
    """Says the level of a clip in v, and what a frame differs from it by in z."""

    def global_latent(self, x):
        return x.mean(dim=(1, 2))[:, None] + torch.tensor([0.0, 1.0])

    def local_latent(self, x):
        return x[..., :3] - x.mean(dim=(1, 2), keepdim=True)


class Melodies(TinyClips):
    """Clips whose number tells their melody."""

    def melodies(self, indices):
        return np.stack([60.0 + (np.asarray(indices) % 3), 62.0 - (np.asarray(indices) % 3)], axis=1)


@pytest.fixture
def measured(tmp_path, quiet_trainer):
    def run(data, model=None, **options):
        evaluation = SwapEvaluation(f1=False, **options)
        quiet_trainer(evaluation).test(model or Known((9, 10), v_dim=2, z_dim=3), data, verbose=False)
        return json.loads((tmp_path / "evaluation.json").read_text())

    return run


def encoded(data, dataset):
    clips = data.batch(dataset, np.arange(len(dataset)), torch.device("cpu"))
    return clips["x"], clips["instrument"].numpy()


def test_readings_are_those_of_the_procedure_step_by_step(tiny_clips, measured):
    data, model = tiny_clips(n_clips=90), Known((9, 10))
    (x, y), (x_test, y_test) = encoded(data, data.train_dataset), encoded(data, data.test_dataset)

    record = measured(data, leakage=True)

    scores = record["scores"]
    for code, of in (("v", model.global_latent), ("z", lambda x: model.local_latent(x).mean(dim=1))):
        scaler = StandardScaler().fit(of(x).double())
        reader = LogisticRegression(max_iter=1000).fit(scaler.transform(of(x).double()), y)
        expected = f1_score(y_test, reader.predict(scaler.transform(of(x_test).double())), average="macro")
        assert scores[f"read/{code}/instrument/linear"] == pytest.approx(expected, abs=1e-9)
        name = "static" if code == "v" else "dynamic"
        assert scores[f"eer/{name}"] == pytest.approx(float(equal_error_rate(of(x_test), y_test)), abs=1e-9)
        low, high = record["intervals"][f"eer/{name}"]
        assert low <= scores[f"eer/{name}"] <= high
    assert scores["eer/gap"] == pytest.approx(scores["eer/dynamic"] - scores["eer/static"])
    assert scores["read/v/instrument/linear"] == scores["read/v/instrument/nonlinear"] == 1.0
    assert scores["read/z/instrument/nonlinear"] < 0.75
    assert scores["read/z_t/instrument/linear"] < 0.75
    assert scores["chance/instrument"] == pytest.approx(0.5, abs=0.02)


def test_contours_are_read_where_the_data_know_them(tmp_path, measured):
    class Telling(Known):
        def global_latent(self, x):
            return self.number[x.shape[0]]

    data = Melodies(tmp_path / "melodies", n_clips=90)
    scores = measured(data, leakage=True)["scores"]
    assert abs(scores["read/v/contour/linear"]) < 0.2  # noise tells nothing of it

    # v is then the number of the clip, so that the contour, which is linear in its remainder by 3, can be learnt.
    remainder = torch.arange(90) % 3

    class Remainders(Known):
        def global_latent(self, x):
            found = (x[:, None, 0, 0] == levels[None]).float().argmax(dim=1)
            return remainder[found][:, None].float() + torch.tensor([0.0, 1.0])

    clips = [data.batch(part, np.arange(len(part)), torch.device("cpu")) for part in
             (data.train_dataset, data.test_dataset)]  # fmt: skip
    levels = torch.cat([part["x"][:, 0, 0] for part in clips])
    scores = measured(data, Remainders((9, 10), v_dim=2, z_dim=3), leakage=True)["scores"]
    assert scores["read/v/contour/linear"] > 0.99


def test_without_melodies_there_is_no_contour(tiny_clips, measured):
    assert not any("contour" in key for key in measured(tiny_clips(n_clips=30), leakage=True)["scores"])


def test_what_cannot_be_read_is_refused_before_any_work(tiny_clips, quiet_trainer):
    class Swapping(torch.nn.Module):
        pass

    with pytest.raises(RunError, match=r"pairs of clips of one instrument.*2 clips.*--evaluation.leakage false"):
        data = tiny_clips(n_clips=6)
        quiet_trainer(SwapEvaluation(leakage=True), max_epochs=1).fit(DSAE((9, 10)), data)
