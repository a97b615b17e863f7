"""Swaps against true ones: step by step, where the answer is known, and what cannot be compared."""

import json

import numpy as np
import pytest
import torch

from lightning_app.callbacks import SwapEvaluation
from lightning_app.errors import RunError
from lightning_app.evaluation.swap_pairs import partners_of_other_class
from modules.dsae import DSAE
from modules.protocols import Swap
from tests.lightning_app.conftest import TinyClips

GAINS = {"violin": 1.0, "trumpet": 0.05}


class Tones(TinyClips):
    """Tones whose level tells their class, so that they can be made anew with another."""

    makes_true_swaps = True

    def __init__(self, folder):
        super().__init__(folder, n_clips=24)
        self.labels = np.arange(24) % 2
        self.heard = [self.represented(self.audio(index)).numpy() for index in range(24)]
        for dataset in (self.train_dataset, self.validation_dataset):
            dataset._read = self.heard.__getitem__

    def represented(self, audio):
        return self.representation(torch.from_numpy(audio)[None])[0]

    def audio(self, index):
        return self.true_swap(index, {"instrument": tuple(GAINS)[self.labels[index]]})

    def true_swap(self, index, classes):
        time = np.arange(self.n_samples) / self.representation.sample_rate
        tone = np.sin(2 * np.pi * (200 + 40 * index) * time) + 0.01 * np.sin(2 * np.pi * 3000 * time)
        return (GAINS[classes["instrument"]] * tone).astype(np.float32)


@pytest.fixture
def measured(tmp_path, quiet_trainer):
    """Tests a model on the tones; returns the record."""

    def run(model, n_clips=8):
        evaluation = SwapEvaluation(f1=False, counterfactuals=n_clips)
        quiet_trainer(evaluation).test(model, Tones(tmp_path / "tones"), verbose=False)
        return json.loads((tmp_path / "evaluation.json").read_text())

    return run


def error(x, y):
    return float((x.double() - y.double()).square().mean())


def test_errors_are_those_of_the_procedure_step_by_step(tmp_path, measured):
    torch.manual_seed(0)
    model, data = DSAE((9, 10), v_dim=2, z_dim=3), Tones(tmp_path / "same")
    record = measured(model)

    dataset = data.validation_dataset
    labels, names = dataset.labels["instrument"], data.class_names["instrument"]
    errors = {swap: [] for swap in ("global_swap", "local_swap")}
    with torch.no_grad():
        for i, j in enumerate(partners_of_other_class(labels, 0)):
            x_i, x_j = (dataset[int(clip)]["x"][None] for clip in (i, j))
            swap = model.swap(x_i, x_j)
            for kind, melody, of in (("global_swap", i, j), ("local_swap", j, i)):
                audio = data.true_swap(int(dataset.indices[melody]), {"instrument": names[labels[of]]})
                truth = data.represented(audio)[None]
                shown = (getattr(swap, kind), model.swap(truth, truth).reconstruction, swap.reconstruction)
                errors[kind].append([error(x, truth) for x in shown])
    for kind, of_clips in errors.items():
        wrong, floor, ceiling = np.mean(of_clips, axis=0)
        scores = record["scores"]
        assert scores[f"counterfactual_error/{kind}"] == pytest.approx(wrong, rel=1e-5)
        assert scores[f"counterfactual_floor/{kind}"] == pytest.approx(floor, rel=1e-5)
        assert scores[f"counterfactual_ceiling/{kind}"] == pytest.approx(ceiling, rel=1e-5)
        assert scores[f"counterfactual/{kind}"] == pytest.approx((ceiling - wrong) / (ceiling - floor), rel=1e-4)
        low, high = record["intervals"][f"counterfactual_error/{kind}"]
        assert low < wrong < high


class Ideal(DSAE):
    """Takes the level of a clip for v, and what is left for z."""

    def global_latent(self, x):
        return x.amax(dim=(1, 2))[:, None]

    def swap(self, source, target):
        shape_i, shape_j = (x - self.global_latent(x)[..., None] for x in (source, target))
        v_i, v_j = (self.global_latent(x)[..., None] for x in (source, target))
        return Swap(shape_i + v_i, shape_i + v_j, shape_j + v_i)


class Collapsed(DSAE):
    """Has all of a clip in z, as where v has collapsed."""

    def swap(self, source, target):
        return Swap(source, source, target)


def test_a_collapsed_v_is_as_good_as_no_swap(measured):
    scores = measured(Collapsed((9, 10)))["scores"]

    assert scores["counterfactual/global_swap"] == 0.0
    assert scores["counterfactual_floor/global_swap"] == scores["counterfactual_floor/local_swap"] == 0.0


def test_an_ideal_model_is_near_the_truth(measured):
    scores = measured(Ideal((9, 10)))["scores"]

    # Not 1, since tones at different frequencies are not equally loud in mel bands.
    assert scores["counterfactual/global_swap"] > 0.9
    assert scores["counterfactual/local_swap"] > 0.9


def test_as_many_clips_as_asked_for(measured):
    settings = measured(DSAE((9, 10)), n_clips=3)["settings"]

    assert (settings["n_counterfactuals"], settings["global_factors"]) == (3, ["instrument"])


def test_what_cannot_be_compared_is_refused_before_any_work(tiny_clips, tmp_path, quiet_trainer):
    with pytest.raises(RunError, match=r"these data cannot make any.*--evaluation.counterfactuals null"):
        quiet_trainer(SwapEvaluation(counterfactuals=5), max_epochs=1).fit(DSAE((9, 10)), tiny_clips())
    with pytest.raises(RunError, match=r"with_v names tempo.*have the classes instrument"):
        evaluation = SwapEvaluation(counterfactuals=5, with_v=("tempo",))
        quiet_trainer(evaluation, max_epochs=1).fit(DSAE((9, 10)), Tones(tmp_path / "tones"))
    with pytest.raises(RunError, match=r"evaluation.counterfactuals is 0; it is a number of clips"):
        SwapEvaluation(counterfactuals=0)
