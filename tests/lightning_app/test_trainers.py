"""Every way to run a trainer works with all callbacks, or is refused before the first step."""

import json
import math
import re

import numpy as np
import pytest
import torch
import yaml

from lightning_app import load_run
from lightning_app.cli import main
from modules.dsae import DSAE
from modules.protocols import Stage

pytestmark = pytest.mark.filterwarnings("ignore:.*training end(s|ed)")  # in the first stage, which is enough here

EMA = "lightning.pytorch.callbacks.EMAWeightAveraging"
SWA = "lightning.pytorch.callbacks.StochasticWeightAveraging"
COMMON = ["precision bf16-mixed", "precision 64-true"]
OTHERS = [
    *(
        "max_steps 3",
        "check_val_every_n_epoch 2",
        "precision 16-mixed",
        "precision 32-true",
        "max_time 00:01:00:00",
        "accumulate_grad_batches 2",
    ),
    *("profiler simple", "profiler advanced", "profiler pytorch", "gradient_clip_val 0.5"),
    *("gradient_clip_val 0.5 gradient_clip_algorithm value", "limit_train_batches 1", "limit_val_batches 1"),
    *("limit_test_batches 1", "overfit_batches 1", "val_check_interval 0.5", "val_check_interval 1"),
    *("val_check_interval 2 check_val_every_n_epoch null", "num_sanity_val_steps 2", "deterministic true"),
    *("detect_anomaly true", "inference_mode false", "enable_model_summary true", "benchmark true", "min_epochs 2"),
    *("reload_dataloaders_every_n_epochs 1", "sync_batchnorm true", "max_steps 4 max_epochs -1"),
]
WAYS = [*COMMON, *(pytest.param(way, marks=pytest.mark.slow) for way in OTHERS)]


def options(way):
    """The options of a trainer, as one types them."""
    words = way.split()
    return [word for name, value in zip(words[::2], words[1::2], strict=True) for word in (f"--trainer.{name}", value)]


@pytest.fixture
def model(request):
    """Runs a model's command line; of the DSAE in two stages, with media at every epoch."""
    if request.param == "ar_vae":
        run = request.getfixturevalue("ar_vae")
        return lambda subcommand, *words: run(subcommand, *words, media=True)
    run = request.getfixturevalue("disentangle")
    return lambda subcommand, *words: run(subcommand, "--media.every_n_epochs", "1", *words, mapped=True)


both = pytest.mark.parametrize("model", ["ts_dsae", "ar_vae"], indirect=True)


@both
@pytest.mark.parametrize("way", WAYS)
def test_run_is_trained_evaluated_and_encoded(model, way):
    root = model("fit", *options(way))
    best = ["--ckpt_path", str(root / "checkpoints" / "best.ckpt")]
    model("test", *options(way), *best)
    model("predict", *options(way), *best)

    scores = json.loads((root / "evaluation.json").read_text())["scores"]
    assert all(math.isfinite(value) for name, value in scores.items() if name in ("reconstruction", "negative_elbo"))
    encodings = np.load(root / "encodings.npz")
    assert np.isfinite(encodings["z_mean"]).all()
    assert encodings["z_mean"].dtype == (np.float64 if "64-true" in way else np.float32)
    assert list((root / "media" / "test").glob("*.wav"))
    assert torch.isfinite(next(load_run(root).model.parameters())).all()


@pytest.mark.slow
def test_half_precision_ends_near_full_precision(disentangle):
    terms = {}
    for precision in ("64-true", "32-true", "bf16-mixed"):
        quiet = ("--media", "null", "--trainer.precision", precision)
        root = disentangle("fit", *quiet, folder=precision)
        disentangle("test", *quiet, "--ckpt_path", str(root / "checkpoints" / "best.ckpt"), folder=precision)
        terms[precision] = json.loads((root / "evaluation.json").read_text())["scores"]

    # The weights to begin with are others in float64, and so is the noise that is drawn.
    for name, tolerance in {"reconstruction": 0.05, "kl_v": 0.2, "kl_z": 0.2}.items():
        assert terms["32-true"][name] == pytest.approx(terms["64-true"][name], rel=tolerance)
        assert terms["bf16-mixed"][name] == pytest.approx(terms["64-true"][name], rel=tolerance)


@both
def test_dry_run_of_two_batches(model):
    root = model("fit", "--trainer.fast_dev_run", "2")

    assert not root.exists()


@pytest.mark.parametrize("way", ["", "check_val_every_n_epoch 2"])
def test_scheduler_steps_after_the_epochs_that_it_follows(ar_vae, way):
    """Lightning's own ends the run where there is no score."""
    root = ar_vae("fit", *options(way), "--trainer.max_epochs", "4")

    state = torch.load(root / "checkpoints" / "last.ckpt", weights_only=True)["lr_schedulers"][0]
    assert state["last_epoch"] == (1 if way else 3)  # as it was saved, which is before the last step


def test_average_of_weights_is_what_the_checkpoint_holds(disentangle):
    root = disentangle("fit", "--schedule", "null", f"--trainer.callbacks+={EMA}", "--media", "null")

    checkpoint = torch.load(root / "checkpoints" / "last.ckpt", weights_only=True)
    model = DSAE.load_from_checkpoint(root / "checkpoints" / "last.ckpt")
    assert model.stage is Stage.JOINT
    last = checkpoint["current_model_state"]
    assert not torch.equal(
        model.state_dict()["global_encoder.head.mean.weight"], last["global_encoder.head.mean.weight"]
    )
    recorded = yaml.safe_load((root / "config.yaml").read_text())["trainer"]["callbacks"]
    assert [callback["class_path"] for callback in recorded] == [EMA]


@pytest.mark.slow
def test_stochastic_average_of_a_model_with_batch_normalisation(ar_vae):
    swa = (f"--trainer.callbacks+={SWA}", "--trainer.callbacks.swa_lrs", "0.001", "--trainer.max_epochs", "4")
    root = ar_vae("fit", *swa)

    checkpoint = torch.load(root / "checkpoints" / "last.ckpt", weights_only=True)
    (average,) = (one for name, one in checkpoint["callbacks"].items() if "StochasticWeightAveraging" in name)
    for name, value in average["average_model_state"].items():
        if "weight" in name:
            assert torch.equal(checkpoint["state_dict"][name], value), name


# What is refused

REFUSED = {
    "precision bf16-true": r"--trainer.precision bf16-true keeps the weights .* take bf16-mixed",
    "precision 16-true": r"--trainer.precision 16-true keeps the weights .* take 16-mixed",
    "barebones true": r"--trainer.barebones true leaves out .* leave it out",
    "enable_checkpointing false": r"--trainer.enable_checkpointing false, .* --checkpoint null --last_checkpoint null",
    "limit_train_batches 0": r"--trainer.limit_train_batches 0 leaves nothing to fit",
    "max_steps 1": r"training ends after batch 1, before the first .* after batch 2; .* val/negative_elbo",
    "max_steps 1 accumulate_grad_batches 2 check_val_every_n_epoch 2": r"after batch 2, .* which is after batch 4;",
    "check_val_every_n_epoch 4": r"training ends after batch 6, before the first validation, which is after batch 8",
    "val_check_interval 3": r"--trainer.val_check_interval 3, but an epoch has 2 batches; .*_every_n_epoch null",
    f"callbacks+ {SWA}": r"StochasticWeightAveraging averages the weights of both stages .* \(--schedule null\)",
    f"callbacks+ {EMA}": r"EMAWeightAveraging averages the weights of both stages",
}


@pytest.mark.parametrize("way", REFUSED)
def test_what_is_refused_is_refused_before_the_first_step(disentangle, capsys, tmp_path, way):
    words = [f"--trainer.callbacks+={way.split()[1]}"] if way.startswith("callbacks+") else options(way)
    if SWA in way:
        words += ["--trainer.callbacks.swa_lrs", "0.001"]

    with pytest.raises(SystemExit) as exit_:
        disentangle("fit", *words, "--media", "null")

    assert exit_.value.code in (1, 2)
    message = capsys.readouterr().err
    message = message[message.index("error: ") :]
    assert re.search(REFUSED[way], " ".join(message.split())), message
    assert "Traceback" not in message
    assert not list(tmp_path.glob("run/config*"))
    assert not list(tmp_path.glob("run/checkpoints/*"))


def test_average_that_no_checkpoint_would_hold(disentangle, capsys):
    swa = (f"--trainer.callbacks+={SWA}", "--trainer.callbacks.swa_lrs", "0.001")

    with pytest.raises(SystemExit):
        disentangle("fit", *swa, config="dsae")

    assert "no checkpoint would hold the average; take lightning.pytorch.callbacks.EMAWeight" in capsys.readouterr().err


@pytest.mark.parametrize("subcommand", ["validate", "test", "predict"])
def test_evaluation_of_nothing(capsys, subcommand):
    limit = {"validate": "val"}.get(subcommand, subcommand)
    with pytest.raises(SystemExit):
        main([subcommand, "-c", "configs/ts_dsae.yaml", f"--trainer.limit_{limit}_batches", "0"])

    assert f"--trainer.limit_{limit}_batches 0 leaves nothing to {subcommand}" in capsys.readouterr().err


def test_scheduler_that_follows_what_some_epochs_do_not_have(ar_vae, capsys):
    late = ("--trainer.val_check_interval", "4", "--trainer.check_val_every_n_epoch", "null")

    with pytest.raises(SystemExit):
        ar_vae("fit", *late)

    assert "follows val/loss of each epoch, and validation is every 4 batches" in capsys.readouterr().err
