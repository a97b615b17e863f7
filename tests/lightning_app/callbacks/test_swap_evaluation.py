"""The evaluation of section 6.1, against one written out plainly; and under two processes."""

import json
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.discriminant_analysis import LinearDiscriminantAnalysis
from sklearn.metrics import f1_score

from lightning_app.callbacks import SwapEvaluation
from lightning_app.errors import RunError
from lightning_app.evaluation.swap_pairs import partners_of_other_class
from modules.dsae import DSAE
from modules.vae import BetaVAE


def _scores(folder):
    return json.loads((folder / "evaluation.json").read_text())["scores"]


@pytest.mark.parametrize("seed", [0, 1])
def test_scores_are_those_of_the_procedure_step_by_step(tmp_path, tiny_clips, seed, quiet_trainer):
    torch.manual_seed(3)
    clips, model = tiny_clips(n_clips=60), DSAE(x_shape=(9, 10), v_dim=2, z_dim=6)
    quiet_trainer(SwapEvaluation(seed=seed)).test(model, clips, verbose=False)

    def v_mean(x):
        with torch.no_grad():
            return model.global_encoder(x[None]).mean[0].numpy()

    train = [clips.train_dataset[i] for i in range(40)]
    lda = LinearDiscriminantAnalysis().fit(
        [v_mean(clip["x"]) for clip in train], [int(clip["instrument"]) for clip in train]
    )
    validation = [clips.validation_dataset[i] for i in range(20)]
    labels = np.array([int(clip["instrument"]) for clip in validation])
    partners = partners_of_other_class(labels, seed)
    shown = {"pre_swap": [], "global_swap": [], "local_swap": []}
    for i, j in enumerate(partners):
        with torch.no_grad():
            x_i, x_j = validation[i]["x"][None], validation[j]["x"][None]
            v_i, v_j = model.global_encoder(x_i).mean, model.global_encoder(x_j).mean
            z_i, z_j = model.local_encoder(x_i, v_i).mean, model.local_encoder(x_j, v_j).mean
            shown["pre_swap"].append(v_mean(model.decoder(z_i, v_i)[0]))
            shown["global_swap"].append(v_mean(model.decoder(z_i, v_j)[0]))
            shown["local_swap"].append(v_mean(model.decoder(z_j, v_i)[0]))
    expected = {"pre_swap": labels, "global_swap": labels[partners], "local_swap": labels}
    for step, vs in shown.items():
        f1 = f1_score(expected[step], lda.predict(vs), average="macro")
        assert _scores(tmp_path)[f"swap_f1/{step}"] == pytest.approx(f1, abs=1e-6)


class InstrumentInZ(DSAE):
    """A model that decodes z alone, as one whose v has collapsed does."""

    def decode(self, z, v):
        return z

    def encode(self, x, *, sample=True, noise=torch.randn_like):
        encoding = super().encode(x, sample=sample)
        return encoding._replace(z=x)


def test_collapsed_v_scores_low_after_the_swaps(tmp_path, tiny_clips, quiet_trainer):
    torch.manual_seed(0)
    quiet_trainer(SwapEvaluation()).test(
        InstrumentInZ((9, 10), v_dim=2, z_dim=10), tiny_clips(n_clips=60), verbose=False
    )

    scores = _scores(tmp_path)
    assert scores["swap_f1/pre_swap"] == 1.0
    assert scores["swap_f1/global_swap"] == scores["swap_f1/local_swap"] == 0.0


def test_table_and_record(tmp_path, tiny_clips, capsys, quiet_trainer):
    quiet_trainer(SwapEvaluation()).test(DSAE((9, 10)), tiny_clips(), verbose=False)

    shown = capsys.readouterr().out
    for words in ("before the swap", "after the global swap", "after the local swap", "reconstruction error"):
        assert words in shown
    record = json.loads((tmp_path / "evaluation.json").read_text())
    assert (record["kind"], record["n_clips"]) == ("SwapEvaluation", 4)
    assert (record["settings"]["n_train_clips"], record["settings"]["seed"]) == (8, 0)


def test_record_counts_the_clips_that_were_scored(tmp_path, tiny_clips, quiet_trainer):
    """One batch of four, of eight validation clips."""
    quiet_trainer(SwapEvaluation(), limit_test_batches=1).test(DSAE((9, 10)), tiny_clips(n_clips=24), verbose=False)

    assert json.loads((tmp_path / "evaluation.json").read_text())["n_clips"] == 4


def test_unknown_factor_and_single_class(tmp_path, tiny_clips, quiet_trainer):
    with pytest.raises(RunError, match=r"no class 'octave'.*instrument"):
        quiet_trainer(SwapEvaluation(factor="octave")).test(DSAE((9, 10)), tiny_clips(), verbose=False)
    with pytest.raises(RunError, match="two or more"):
        quiet_trainer(SwapEvaluation()).test(DSAE((9, 10)), tiny_clips(classes=1), verbose=False)
    assert not (tmp_path / "evaluation.json").exists()


def test_a_class_on_one_side_of_the_split_alone_is_named_before_training(tmp_path, tiny_clips, quiet_trainer):
    clips = tiny_clips(n_clips=30)
    clips.class_names = {"instrument": ("violin", "trumpet", "flute")}
    clips.test_dataset.labels["instrument"][:3] = 2
    with pytest.raises(RunError, match=r"clips of instrument flute to evaluate and none to train on"):
        quiet_trainer(SwapEvaluation(), max_epochs=1).fit(DSAE((9, 10)), clips)
    clips = tiny_clips(n_clips=30)
    clips.test_dataset.labels["instrument"][:] = 0
    clips.test_dataset.labels["instrument"][0] = 1
    clips.train_dataset.labels["instrument"][:2] = 2
    clips.class_names = {"instrument": ("violin", "trumpet", "flute")}
    with pytest.warns(UserWarning, match="no clip of instrument flute is evaluated"):
        quiet_trainer(SwapEvaluation()).test(DSAE((9, 10)), clips, verbose=False)


@pytest.mark.filterwarnings("ignore:no clip of instrument trumpet is evaluated")
def test_too_few_training_clips_for_the_classifier_are_refused_before_training(tiny_clips, quiet_trainer):
    with pytest.raises(RunError, match=r"a classifier of 2 classes, which needs more than the 2 training clips"):
        quiet_trainer(SwapEvaluation(), max_epochs=1).fit(DSAE((9, 10)), tiny_clips(n_clips=3))


def test_models_and_data_that_cannot_be_swapped_are_told_what_they_lack(tiny_clips, quiet_trainer):
    with pytest.raises(RunError, match=r"BetaVAE has no global_latent, swap .*--evaluation null"):
        quiet_trainer(SwapEvaluation(), max_epochs=1).fit(BetaVAE((1, 8, 8), latent_dim=2, width=1 / 16), tiny_clips())
    clips = tiny_clips()
    del clips.representation
    with pytest.raises(RunError, match=r"TinyClips has no representation, which evaluations .*ClipDataModule"):
        quiet_trainer(SwapEvaluation()).test(DSAE((9, 10)), clips)


@pytest.mark.slow
def test_two_processes_score_as_one(tmp_path):
    """21 validation clips do not divide by two processes: the sampler repeats one, which must not count twice."""
    script = Path(__file__).with_name("two_processes.py")
    for devices in ("1", "2"):
        (tmp_path / devices).mkdir()
        command = [sys.executable, str(script), "evaluate", devices, str(tmp_path / devices)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=240)
        assert done.returncode == 0, done.stderr
    one, two = (_scores(tmp_path / devices) for devices in ("1", "2"))
    scores = [name for name in one if name.startswith(("swap_f1/", "rpa/", "fad"))]
    assert len(scores) == 3 + 4 + 2 * 3
    assert {name: two[name] for name in scores} == pytest.approx({name: one[name] for name in scores}, rel=1e-5)
    assert one["fad/crepe-tiny/n_real"] == 21 * 13
