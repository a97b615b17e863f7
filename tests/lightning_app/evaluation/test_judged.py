"""What a judge says of models that keep the class in v, or in z."""

import json

import numpy as np
import pytest
import torch

from lightning_app.callbacks import SwapEvaluation
from lightning_app.errors import RunError
from lightning_app.evaluation import judge as judging
from lightning_app.evaluation.judge import judge_of
from lightning_app.evaluation.swap_pairs import partners_of_other_class
from modules.dsae import DSAE
from modules.gaussian import Gaussian
from modules.protocols import Stage

N_CLIPS = 90


@pytest.fixture(autouse=True)
def _few_steps(monkeypatch):
    monkeypatch.setattr(judging, "_STEPS", 60)


class InV(DSAE):
    """Has the level of a clip, which is its class, in v, and what is left in z."""

    def encode(self, x, *, sample=True, noise=torch.randn_like):
        level = x.mean(dim=(1, 2))[:, None]
        z = x - level[..., None]
        q_v, q_z = (Gaussian(mean, torch.zeros_like(mean)) for mean in (level, z))
        return super().encode(x, sample=sample, noise=noise)._replace(q_v=q_v, q_z=q_z, v=level, z=z)

    def global_latent(self, x):
        return self.encode(x).v

    def draw_local(self, n_sequences):
        return torch.randn(n_sequences, 9, 10)

    def decode(self, z, v):
        return z + v[..., None]


class InZ(InV):
    """Has nothing in v, and all in z."""

    def encode(self, x, *, sample=True, noise=torch.randn_like):
        encoding = super().encode(x, sample=sample, noise=noise)
        return encoding._replace(v=torch.zeros_like(encoding.v), z=x)


@pytest.fixture
def measured(tmp_path, quiet_trainer):
    def run(data, model, **options):
        evaluation = SwapEvaluation(f1=False, judge=True, **options)
        quiet_trainer(evaluation).test(model, data, verbose=False)
        return json.loads((tmp_path / "evaluation.json").read_text())

    return run


def test_a_class_in_v_follows_v(tiny_clips, measured):
    scores = measured(tiny_clips(n_clips=N_CLIPS), InV((9, 10), v_dim=1, z_dim=10))["scores"]

    assert scores["judge_accuracy/instrument"] == 1.0
    assert scores["follows_v/instrument"] == 1.0
    assert scores["follows_z/instrument"] == 0.0
    assert scores["kept_with_v/instrument"] == 1.0
    assert scores["kept_with_z/instrument"] < 0.9  # v is drawn from N(0, 1), where most is of one class


def test_a_class_in_z_follows_z(tiny_clips, measured):
    scores = measured(tiny_clips(n_clips=N_CLIPS), InZ((9, 10), v_dim=1, z_dim=10))["scores"]

    assert scores["follows_v/instrument"] == 0.0
    assert scores["follows_z/instrument"] == 1.0
    assert scores["kept_with_v/instrument"] < 0.9


def test_entropies_are_those_of_what_the_judge_says(tiny_clips, measured):
    data, model = tiny_clips(n_clips=N_CLIPS), InV((9, 10), v_dim=1, z_dim=10)
    record = measured(data, model)

    dataset = data.test_dataset
    clips = data.batch(dataset, np.arange(len(dataset)), torch.device("cpu"))
    partners = partners_of_other_class(dataset.labels["instrument"], 0)
    swapped = model.swap(clips["x"], clips["x"][torch.from_numpy(partners)]).global_swap
    said = judge_of(data, 0, torch.device("cpu"), False)(swapped)["instrument"].double().log_softmax(dim=1)
    of_clip = -(said.exp() * said).sum(dim=1).mean()
    of_all = said.exp().mean(dim=0)
    of_all = -(of_all * of_all.log()).sum()
    scores = record["scores"]
    assert scores["certainty/global_swap"] == pytest.approx(float(of_clip), abs=1e-6)
    assert scores["variety/global_swap"] == pytest.approx(float(of_all), abs=1e-6)
    assert scores["inception/global_swap"] == pytest.approx(float((of_all - of_clip).exp()), abs=1e-6)
    low, high = record["intervals"]["inception/global_swap"]
    assert 1.0 <= low <= scores["inception/global_swap"] <= high <= 2.0


def test_where_each_clip_has_a_prior_v_is_drawn_from_a_mixture(tiny_clips, measured):
    """The levels of training clips are around 0 and 3: so are those of the draws, half of each class."""
    model = InV((9, 10), v_dim=1, z_dim=10)
    model.stage = Stage.INFORMED_PRIOR

    record = measured(tiny_clips(n_clips=N_CLIPS), model, mixture_components=2)

    assert record["settings"]["v_drawn_from"] == "mixture of 2"
    assert record["scores"]["inception/z_kept"] > 1.8
    assert record["scores"]["kept_with_z/instrument"] == pytest.approx(0.5, abs=0.25)


def test_what_cannot_be_judged_is_refused_before_any_work(tiny_clips, quiet_trainer):
    with pytest.raises(RunError, match=r"mixture_components is 10; .* half of the 8 training clips.*judge false"):
        quiet_trainer(SwapEvaluation(judge=True), max_epochs=1).fit(DSAE((9, 10)), tiny_clips())
