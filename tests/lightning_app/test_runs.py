"""Whole runs through the command line, on rendered melodies."""

import csv
import json
import os
import shlex

import numpy as np
import pytest
import soundfile
import torch
import wandb
import yaml

from lightning_app.errors import RunError
from lightning_app.runs.evaluation_record import EvaluationRecord
from lightning_app.runs.run_folder import RunFolder
from lightning_app.runs.run_lock import held_for
from lightning_app.runs.run_log import best_epoch, logged
from modules.dsae import DSAE, Stage

MODELS = ("dsae", "dsae_f", "ts_dsae", "ts_dsae_without_regularisers")
LAST = "checkpoints/last.ckpt"
BEST = "checkpoints/best.ckpt"


def _weights(checkpoint):
    return torch.load(checkpoint, weights_only=True)["state_dict"]


@pytest.mark.parametrize("config", MODELS)
def test_fit_validate_test_predict(disentangle, config):
    root = disentangle("fit", config=config)
    disentangle("validate", "--ckpt_path", str(root / BEST), config=config)
    disentangle("test", "--ckpt_path", str(root / BEST), config=config)
    disentangle("predict", "--ckpt_path", str(root / BEST), config=config)

    scores = json.loads((root / "evaluation.json").read_text())["scores"]
    assert {"swap_f1/pre_swap", "swap_f1/global_swap", "swap_f1/local_swap", "reconstruction"} <= scores.keys()
    assert ("global_swap_v" in scores) == (config == "ts_dsae")
    with np.load(root / "encodings.npz") as encodings:
        assert encodings["index"].tolist() == list(range(8))
        model = DSAE.load_from_checkpoint(root / BEST)
        assert encodings["z_mean"].shape == (8, 63, 4)
        assert encodings["v_mean"].shape == (8, 16)
        assert sorted(encodings["part"].tolist()) == [0] * 6 + [1] * 2
    expected = {"dsae": Stage.JOINT, "dsae_f": Stage.JOINT}.get(config, Stage.INFORMED_PRIOR)
    assert model.stage is expected


def test_what_a_run_says(disentangle, capsys):
    """Where the best checkpoint is and what to type next; one table; no advertisement."""
    root = disentangle("fit", logger=True)
    fitted = capsys.readouterr()
    disentangle("test", "--ckpt_path", str(root / BEST), logger=True)
    tested = capsys.readouterr()

    command = fitted.out[fitted.out.index("  disentangle test ") :].splitlines()[0]
    words = shlex.split(command)
    assert words[2:] == ["--run", str(root)]
    assert f"The best checkpoint is {os.path.relpath(root / BEST)}." in fitted.out
    assert tested.out.count("┏") == 1
    for said in (fitted.out + fitted.err, tested.out + tested.err):
        for part in ("litlogger", "litmodels", "LeafSpec", "anonymous", "git root", "many workers"):
            assert part not in said


@pytest.mark.filterwarnings(
    "ignore:.*training end(s|ed)", "ignore:.*the model is of the constrained stage"
)  # which is where it is to stop
@pytest.mark.parametrize(
    ("stop_after", "posterior"),
    [
        (2, "factorised"),
        (3, "full"),
        *[pytest.param(*case, marks=pytest.mark.slow) for case in ((1, "factorised"), (3, "factorised"))],
        *[pytest.param(*case, marks=pytest.mark.slow) for case in ((1, "full"), (2, "full"))],
    ],
)
def test_stopped_and_resumed_run_ends_with_the_same_weights(disentangle, stop_after, posterior):
    """Constrained for two epochs: stops within the first stage, between the stages, and within the second."""
    common = ("--schedule.constrained_epochs", "2", "--model.posterior", posterior)
    whole = disentangle("fit", "--trainer.max_epochs", "5", *common, folder="whole")

    # Pictures drawn more often take random numbers too; they must not change the training.
    stopped = ("--trainer.max_epochs", str(stop_after), "--media.every_n_epochs", "1")
    root = disentangle("fit", *stopped, *common, folder="stopped")
    disentangle("fit", "--trainer.max_epochs", "5", "--ckpt_path", str(root / LAST), *common, folder="stopped")

    assert all(torch.load(run / LAST, weights_only=True)["epoch"] == 4 for run in (whole, root))
    expected, resumed = _weights(whole / LAST), _weights(root / LAST)
    assert expected.keys() == resumed.keys()
    for name, tensor in expected.items():
        if isinstance(tensor, torch.Tensor):
            assert torch.equal(resumed[name], tensor), name


def test_run_that_dies_within_an_epoch_resumes_to_the_same_weights(disentangle, monkeypatch):
    whole = disentangle("fit", "--trainer.max_epochs", "4", folder="whole")
    step = DSAE.training_step

    def dies(self, batch, batch_idx):
        if self.current_epoch == 2 and batch_idx == 1:
            raise KeyError("power cut")
        return step(self, batch, batch_idx)

    with monkeypatch.context() as patched:
        patched.setattr(DSAE, "training_step", dies)
        with pytest.raises(KeyError, match="power cut"):
            disentangle("fit", "--trainer.max_epochs", "4", folder="dead")
    root = disentangle(
        "fit", "--trainer.max_epochs", "4", "--ckpt_path", str(whole.parent / "dead" / LAST), folder="dead"
    )

    for name, tensor in _weights(whole / LAST).items():
        if isinstance(tensor, torch.Tensor):
            assert torch.equal(_weights(root / LAST)[name], tensor), name


def test_interrupt_is_no_failure_and_no_success(disentangle, monkeypatch):
    def interrupted(self, batch, batch_idx):
        raise KeyboardInterrupt

    monkeypatch.setattr(DSAE, "training_step", interrupted)

    with pytest.raises(SystemExit) as exit_:
        disentangle("fit")

    assert exit_.value.code == 130


def test_last_checkpoint_is_of_the_last_epoch_whatever_it_scored(disentangle, monkeypatch):
    def worsens(self, batch, batch_idx):
        self.log("val/negative_elbo", float(self.current_epoch))
        return {"loss": torch.tensor(0.0)}

    monkeypatch.setattr(DSAE, "validation_step", worsens)
    root = disentangle("fit", "--trainer.max_epochs", "5")

    assert torch.load(root / LAST, weights_only=True)["epoch"] == 4
    assert torch.load(root / BEST, weights_only=True)["epoch"] == 1  # the first of the second stage


def test_resuming_as_the_readme_says(disentangle, tmp_path):
    """The record of the run, its last checkpoint, and more epochs."""
    from lightning_app.cli import main

    root = disentangle("fit", "--model.z_dim", "3", "--schedule.constrained_epochs", "2")
    options = ["-c", str(root / "config.yaml"), "--ckpt_path", str(root / LAST)]
    main(["fit", *options, "--trainer.max_epochs", "4"])

    assert torch.load(root / LAST, weights_only=True)["epoch"] == 3
    assert yaml.safe_load((root / "config.yaml").read_text())["ckpt_path"] is None


@pytest.mark.parametrize("option", [("--model.z_dim", "5"), ("--schedule.constrained_epochs", "2")])
def test_failed_resume_says_what_differs_and_keeps_the_record(disentangle, capsys, option):
    root = disentangle("fit")
    record = (root / "config.yaml").read_text()

    with pytest.raises(SystemExit) as exit_:
        disentangle("fit", "--ckpt_path", str(root / LAST), "--trainer.max_epochs", "4", *option)

    assert exit_.value.code == 1
    assert option[0] in capsys.readouterr().err
    assert (root / "config.yaml").read_text() == record


def test_encodings_under_any_name(disentangle):
    root = disentangle("fit", "--trainer.max_epochs", "2")
    disentangle("predict", "--ckpt_path", str(root / BEST), "--predictions.filename", "latents")

    with np.load(root / "latents") as encodings:
        assert len(encodings["v_mean"]) == 8


def test_run_is_not_overwritten_in_silence(disentangle, capsys):
    root = disentangle("fit", "--seed_everything", "1", "--media.every_n_epochs", "1")
    first = _weights(root / LAST)
    (root / "notes.txt").write_text("mine")

    with pytest.raises(SystemExit) as exit_:
        disentangle("fit", "--seed_everything", "2", "--data.size", "2000")

    assert exit_.value.code == 1
    message = capsys.readouterr().err
    assert all(remedy in message for remedy in ("already holds a run", "--ckpt_path last", "--overwrite", "--name"))
    assert torch.equal(_weights(root / LAST)["decoder.mean.weight"], first["decoder.mean.weight"])

    disentangle("fit", "--seed_everything", "2", "--trainer.max_epochs", "2", "--overwrite")

    assert not torch.equal(_weights(root / LAST)["decoder.mean.weight"], first["decoder.mean.weight"])
    assert sorted(path.name for path in (root / "checkpoints").iterdir()) == ["best.ckpt", "last.ckpt"]
    assert [path.name for path in (root / "media").iterdir()] == ["epoch_0002"]
    assert (root / "notes.txt").read_text() == "mine"
    # The record of an overwriting run does not overwrite the next.
    assert yaml.safe_load((root / "config.yaml").read_text())["overwrite"] is False


def test_last_checkpoint_is_found(disentangle):
    root = disentangle("fit", "--trainer.max_epochs", "2")
    disentangle("fit", "--trainer.max_epochs", "4", "--ckpt_path", "last")

    assert torch.load(root / LAST, weights_only=True)["epoch"] == 3
    assert json.loads((root / "training.json").read_text())["steps"] == 8


@pytest.mark.filterwarnings("ignore:.*training end(s|ed)")  # in the first stage, which is enough here
def test_dry_run_leaves_no_trace(disentangle, tmp_path):
    disentangle("fit", "--trainer.fast_dev_run", "true")
    root = disentangle("fit", "--trainer.max_epochs", "2", folder="trained")
    before = {path: path.stat().st_mtime_ns for path in root.rglob("*")}
    dry = ("--trainer.fast_dev_run", "true", "--ckpt_path", str(root / BEST))
    disentangle("fit", *dry, folder="trained")
    disentangle("predict", *dry, folder="trained")

    assert not (tmp_path / "run").exists()
    assert {path: path.stat().st_mtime_ns for path in root.rglob("*")} == before


def test_folder_where_another_process_trains_is_refused(disentangle, capsys, tmp_path):
    with held_for("fit", RunFolder(tmp_path / "run")), pytest.raises(SystemExit) as exit_:
        disentangle("fit")

    assert exit_.value.code == 1
    assert f"process {os.getpid()} is training there" in capsys.readouterr().err
    assert not (tmp_path / "run").exists()


def test_config_of_a_run_is_complete(disentangle, tmp_path, render_cache):
    """The record of a run alone evaluates it."""
    from lightning_app.cli import main

    root = disentangle("fit")
    main(["test", "-c", str(root / "config.yaml"), "--ckpt_path", str(root / BEST)])

    assert json.loads((root / "evaluation.json").read_text())["n_clips"] == 2
    assert {path.name for path in root.glob("config*")} == {"config.yaml", "config.test.yaml"}
    config = yaml.safe_load((root / "config.yaml").read_text())["data"]["init_args"]
    for name in ("machine.json", "machine.test.json"):
        record = json.loads((root / name).read_text())
        assert record["threads"] == torch.get_num_threads()
        assert (record["seed"], record["processes"], record["loader_workers"]) == (0, 1, config["num_workers"])
        assert (render_cache / record["data_key"]).is_dir()


@pytest.mark.filterwarnings("ignore:The dirpath has changed")  # Lightning then takes no earlier best score as its own
def test_moved_run_needs_nothing_else(disentangle, tmp_path, monkeypatch):
    """Evaluated and resumed from another place and directory, it writes to its new folder alone."""
    from lightning_app.cli import main

    root = disentangle("fit", "--trainer.max_epochs", "2", logger=True)
    wandb.finish()
    moved = (tmp_path / "elsewhere" / "moved").absolute()
    moved.parent.mkdir()
    root.rename(moved)
    monkeypatch.chdir(moved.parent)

    for subcommand in ("validate", "test", "predict"):
        main([subcommand, "--run", str(moved)])
        wandb.finish()
    main(["fit", "--run", str(moved), "--ckpt_path", "last", "--trainer.max_epochs", "3"])
    wandb.finish()

    assert not root.exists()
    assert {path.name for path in moved.parent.iterdir()} == {"moved"}
    record = EvaluationRecord.read(RunFolder(moved))
    assert (record.checkpoint, record.n_clips) == ("best.ckpt", 2)
    assert (moved / "encodings.npz").is_file()
    assert torch.load(moved / LAST, weights_only=True)["epoch"] == 2
    assert logged(RunFolder(moved))["epoch"].tolist() == [0, 1, 2]
    assert {path.name for path in moved.glob("metrics.*.csv")} == {"metrics.validate.csv", "metrics.test.csv"}
    assert list((moved / "wandb").glob("offline-run-*"))


def test_media_are_pictures_and_sounds(disentangle):
    root = disentangle("fit", "--media.every_n_epochs", "2")

    assert sorted(path.name for path in (root / "media").iterdir()) == ["epoch_0002", "epoch_0003"]
    folder = root / "media" / "epoch_0003"
    assert (folder / "spectrograms.png").read_bytes().startswith(b"\x89PNG")
    versions = ("source", "target", "reconstruction", "global_swap", "local_swap", "prior_sample")
    sounds = sorted(folder.glob("*.wav"))
    assert [path.stem.split("_to_")[1].split("_", 1)[1] for path in sounds] == sorted(versions)
    for path in sounds:
        audio, rate = soundfile.read(path)
        assert rate == 16_000
        assert 3.8 < len(audio) / rate <= 4.0
        assert 0 < np.abs(audio).max() <= 1


def test_media_repeat_from_epoch_to_epoch(disentangle):
    """The same examples with the same noise: with the same weights, the same bytes."""
    root = disentangle("fit", "--media.every_n_epochs", "1", "--model.learning_rate", "0.0")

    folders = sorted((root / "media").iterdir())
    assert len(folders) == 3
    # The first epoch is in the constrained stage, whose prior of v is another.
    for path in folders[1].glob("*.wav"):
        assert path.read_bytes() == (folders[2] / path.name).read_bytes()


def test_logs_have_the_scores(disentangle):
    root = disentangle("fit", "--trainer.log_every_n_steps", "1", logger=True)
    wandb.finish()
    disentangle("test", "--ckpt_path", str(root / BEST), logger=True)
    wandb.finish()

    with (root / "metrics.csv").open() as file:
        rows = list(csv.DictReader(file))
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    assert rows[2]["train/kl_z"] and rows[2]["val/negative_elbo"]
    assert [float(row["stage"]) for row in rows] == [1, 2, 2]
    best = torch.load(root / BEST, weights_only=True)
    assert best_epoch(RunFolder(root), "val/negative_elbo", "min").epoch == best["epoch"]
    scores = json.loads((root / "evaluation.json").read_text())["scores"]
    tested = logged(RunFolder(root), "test")
    assert tested["test/swap_f1/pre_swap"].tolist() == [pytest.approx(scores["swap_f1/pre_swap"])]


def test_octave_is_a_factor_to_swap_by(disentangle):
    """Section 6.5: each global factor has an evaluation and examples of its own."""
    octaves = ("--data.octaves", "[4, 5]", "--data.size", "16")
    by_octave = (*octaves, "--evaluation.factor", "octave", "--media.factor", "octave", "--media.every_n_epochs", "3")
    root = disentangle("fit", *by_octave)
    disentangle("test", *by_octave, "--ckpt_path", str(root / BEST))

    record = json.loads((root / "evaluation.json").read_text())
    assert (record["settings"]["factor"], record["settings"]["n_train_clips"]) == ("octave", 13)
    assert 0 <= record["scores"]["swap_f1/global_swap"] <= 1
    directions = {path.stem.rsplit("_source", 1)[0] for path in (root / "media" / "test").glob("*_source.wav")}
    assert directions <= {"1_octave_4_to_octave_5", "1_octave_5_to_octave_4"}
    assert len(directions) == 1


def test_swap_by_octave_needs_two_octaves(disentangle, capsys):
    with pytest.raises(SystemExit) as exit_:
        disentangle("fit", "--media.factor", "octave")

    assert exit_.value.code == 1
    assert "this data has one octave, 4; choose two or more" in capsys.readouterr().err


def test_swap_needs_two_instruments(disentangle, capsys):
    with pytest.raises(SystemExit) as exit_:
        disentangle("fit", "--data.instruments", "[violin]")

    assert exit_.value.code == 1
    message = capsys.readouterr().err
    assert "this data has one instrument, violin; choose two or more" in message
    assert issubclass(RunError, RuntimeError)
