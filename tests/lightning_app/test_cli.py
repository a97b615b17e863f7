"""The command line: values reach all that depends on them, and bad input ends in one message."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import yaml

from lightning_app.cli import main
from lightning_app.commands.config_files import read_config, with_paths

ROOT = Path(__file__).parents[2]
CONFIGS = ROOT / "configs"


def _printed(capsys, *arguments):
    with pytest.raises(SystemExit) as exit_:
        main([*arguments, "--print_config"])
    assert exit_.value.code == 0
    return yaml.safe_load(capsys.readouterr().out)


def _fails(capsys, *arguments):
    with pytest.raises(SystemExit) as exit_:
        main(list(arguments))
    assert exit_.value.code not in (0, None)
    message = capsys.readouterr().err
    assert "error: " in message
    assert "Traceback" not in message
    assert "usage:" not in message
    return message[message.index("error: ") :]


def _fit(*options):
    return ["fit", "-c", str(CONFIGS / "ts_dsae.yaml"), *options]


def test_override_reaches_all_that_depends_on_it(capsys):
    config = _printed(
        capsys,
        *_fit(
            "--data.representation.n_mels",
            "40",
            "--name",
            "mine",
            "--model.z_dim",
            "8",
            "--schedule.constrained_epochs",
            "7",
        ),
    )

    assert config["data"]["init_args"]["representation"]["init_args"]["n_mels"] == 40
    assert config["model"]["init_args"]["z_dim"] == 8
    assert config["schedule"]["init_args"]["constrained_epochs"] == 7
    assert config["trainer"]["default_root_dir"] == "runs/mine"
    assert config["checkpoint"]["init_args"]["dirpath"] == "runs/mine/checkpoints"
    assert [logger["init_args"]["folder"] for logger in config["trainer"]["logger"]] == ["runs/mine"] * 2
    assert config["trainer"]["logger"][1]["init_args"]["run_name"] == "mine"


@pytest.mark.parametrize("name", ["1e3", "77950e8", "2024", "1_000"])
def test_name_that_looks_like_a_number_stays_a_text(capsys, name):
    config = _printed(capsys, *_fit("--name", name))

    assert config["name"] == name
    assert config["trainer"]["default_root_dir"] == f"runs/{name}"


def test_demo_preset_merges_over_the_model(capsys):
    config = _printed(capsys, *_fit("-c", str(CONFIGS / "presets" / "demo.yaml")))

    assert config["trainer"]["default_root_dir"] == "runs/demo"
    assert config["lr_scheduler"]["init_args"]["T_max"] == config["trainer"]["max_epochs"]
    assert config["model"]["init_args"]["global_swap_v_weight"] == 1.0


MODELS = sorted(set(CONFIGS.glob("*.yaml")) - {CONFIGS / "experiments.yaml"})


@pytest.mark.parametrize("data", sorted((CONFIGS / "data").glob("*.yaml")), ids=lambda path: path.stem)
@pytest.mark.parametrize("model", MODELS, ids=lambda path: path.stem)
def test_every_model_takes_every_data_set_with_the_representation_that_it_hears(capsys, model, data):
    config = _printed(capsys, "fit", "-c", str(model), "--data", str(data))

    assert config["name"] == model.stem
    chosen = yaml.safe_load(data.read_text())
    assert config["data"]["class_path"] == chosen["class_path"]
    assert config["data"]["init_args"].items() >= chosen["init_args"].items()
    own = read_config(model)["data"]["init_args"]["representation"]["class_path"]
    assert config["data"]["init_args"]["representation"]["class_path"] == own


@pytest.mark.parametrize("data", sorted((CONFIGS / "data").glob("*.yaml")), ids=lambda path: path.stem)
def test_the_size_of_batches_is_the_models_whatever_the_data(capsys, data):
    preset = ["-c", str(CONFIGS / "presets" / "ar_vae_cpu.yaml")]
    for model, options, size in (("ts_dsae", [], 128), ("ar_vae", [], 32), ("ar_vae", preset, 16)):
        config = _printed(capsys, "fit", "-c", str(CONFIGS / f"{model}.yaml"), *options, "--data", str(data))

        assert config["data"]["init_args"]["batch_size"] == size


@pytest.mark.parametrize("preset", sorted((CONFIGS / "presets").glob("*.yaml")), ids=lambda path: path.stem)
def test_every_preset_merges(capsys, preset):
    model = "ar_vae" if preset.stem.startswith("ar_vae") else "ts_dsae"

    _printed(capsys, "fit", "-c", str(CONFIGS / f"{model}.yaml"), "-c", str(preset))


@pytest.mark.parametrize("command", [["disentangle"], ["python", "-m", "lightning_app"]], ids=" ".join)
def test_both_ways_to_call_it(command):
    program = [str(Path(sys.executable).with_name(command[0])), *command[1:]]

    helped = subprocess.run([*program, "--help"], capture_output=True, text=True, check=True)

    assert helped.stdout.startswith("usage: disentangle ")


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--data.n_melodies", "3"], "n_melodies"),
        (["--model.z_dim", "many"], "z_dim"),
        (["--model.posterior", "both"], "posterior"),
        (["--model.z_dim", "0"], "z_dim is 0; it must be 1 or more (--model.z_dim)."),
        (["--schedule.constrained_epochs", "0"], "--schedule null"),
        (["--data.instruments", "[violin, trumpt]"], "Did you mean trumpet"),
        (["--data.tonic", "H"], "tonic 'H'"),
        (["--data.octaves", "[7]"], "octave 7"),
        (["--data.octaves", "[]"], "no octave"),
        (["--data.scale", "dorian"], "scale 'dorian'"),
        (["--data.size", "99999"], "size is 99999"),
        (["--data.representation.n_mels", "5000"], "or a longer window (--data.representation.n_mels)."),
        (["--data.wav_dir", "nowhere"], "no folder nowhere"),
        (["--media.n_examples", "0"], "n_examples"),
        (["--data.batch_size", "0"], "batch_size is 0; it must be 1 or more (--data.batch_size)."),
        (["--ckpt_path", "nowhere.ckpt"], "no checkpoint at nowhere.ckpt"),
        (["--model.zdim", "16"], "no option --model.zdim. Did you mean --model.z_dim?"),
        (["--data.representation.nmels", "8"], "Did you mean --data.representation.n_mels?"),
        (["--modle", "modules.DSAE"], "no option --modle. Did you mean --model?"),
        (["--data.octaves", "4"], "--data.octaves takes a list like [4], not 4."),
        (["--evaluation.rpa", "tin"], "--evaluation.rpa takes full or tiny or null, not tin."),
        (["--optimizer", "AdamWW"], "--optimizer: there is no class AdamWW. Did you mean AdamW?"),
        (["--trainer.devices", "0"], "--trainer.devices '0'"),
        (["--trainer.strategy", "ddpp"], "--trainer.strategy ddpp: there is no such strategy. Did you mean ddp?"),
        (["--trainer.enable_checkpointing", "false"], "--checkpoint null --last_checkpoint null"),
        (["--trainer.limit_val_batches", "0"], "leave out --checkpoint null --early_stopping null"),
        (["--seed_everything", "-1"], "--seed_everything -1: a seed is between 0 and"),
        (["--name", ""], "--name '': a run's name"),
        (["--name", "../x"], "--name '../x': a run's name"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_bad_option(capsys, tmp_path, monkeypatch, options, named):
    monkeypatch.chdir(tmp_path)

    assert named in _fails(capsys, *_fit(*options))

    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("model:\n  init_args:\n    z_dims: 3\n", "z_dims"),
        ("trainer:\n  max_epochs: soon\n", "max_epochs"),
        ("modle: 3\n", "modle"),
        ("name: ${..nobody}\n", "nobody"),
        ("model: [unclosed\n", "parsing config"),
    ],
    ids=["wrong key", "wrong type", "wrong group", "wrong reference", "broken YAML"],
)
def test_bad_configuration_file(capsys, tmp_path, text, named):
    path = tmp_path / "bad.yaml"
    path.write_text(text)

    assert named in _fails(capsys, *_fit("-c", str(path), "--trainer.default_root_dir", str(tmp_path / "run")))

    assert not (tmp_path / "run").exists()


@pytest.mark.parametrize("subcommand", ["validate", "test", "predict"])
def test_untrained_model_is_not_evaluated(capsys, subcommand):
    assert "--ckpt_path" in _fails(capsys, subcommand, "-c", str(CONFIGS / "ts_dsae.yaml"))


@pytest.mark.skipif(torch.cuda.is_available() or torch.backends.mps.is_available(), reason="there is a GPU")
def test_gpu_that_is_not_there(capsys):
    assert "torch finds no such GPU here; --trainer.accelerator auto" in _fails(
        capsys, *_fit("--trainer.accelerator", "gpu")
    )


@pytest.mark.parametrize(("logger", "name"), [("tensorboard", "TensorBoard"), ("mlflow", "MLflow")])
def test_logger_that_is_not_installed(tmp_path, logger, name):
    """In a process of its own, in which the package cannot be imported."""
    hidden = {"tensorboard": ("tensorboard", "tensorboardX"), "mlflow": ("mlflow", "mlflow-skinny")}[logger]
    program = (
        "import sys, importlib.metadata as m; hidden = sys.argv.pop(1).split(','); found = m.distribution\n"
        "def distribution(name):\n"
        "    if name in hidden: raise m.PackageNotFoundError(name)\n"
        "    return found(name)\n"
        "m.distribution = distribution\n"
        "sys.modules.update({name.replace('-', '_'): None for name in hidden})\n"
        "from lightning_app.commands.disentangle import main; main()"
    )

    words = _fit("--trainer.logger", logger, "--trainer.default_root_dir", str(tmp_path / "run"))
    done = subprocess.run([sys.executable, "-c", program, ",".join(hidden), *words], capture_output=True, text=True)

    assert done.returncode == 1
    assert f"error: {name} is not installed: pip install 'disentangle[{logger}]'" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("name", ["csv", "tensorboard", "mlflow", "wandb"])
def test_loggers_by_name_write_to_the_runs_folder(capsys, name):
    config = _printed(capsys, *with_paths(_fit("--trainer.logger", name, "--name", "mine")))

    csv_log, *others = config["trainer"]["logger"]
    assert csv_log["class_path"] == "lightning_app.tracking.CsvLog"
    for logger in [csv_log, *others]:
        assert "runs/mine" in logger["init_args"].values()
    assert len(others) == (name != "csv")


def test_logger_that_there_is_not(capsys):
    from lightning_app.commands.disentangle import main as disentangle

    with pytest.raises(SystemExit):
        disentangle(_fit("--trainer.logger", "tensorbord"))

    message = capsys.readouterr().err
    assert "--trainer.logger: there is no configuration 'tensorbord'. Did you mean tensorboard?" in message


def test_wandb_without_a_key(tmp_path):
    """In a process of its own, since W&B keeps what it once knew of keys."""
    run = [
        "--trainer.default_root_dir",
        str(tmp_path),
        "--trainer.accelerator",
        "cpu",
        "--trainer.logger.offline",
        "false",
    ]
    data = ["--data.size", "8", "--data.representation.n_mels", "12", "--data.cache_dir", str(tmp_path / "cache")]
    environment = {name: value for name, value in os.environ.items() if not name.startswith("WANDB")}

    done = subprocess.run(
        [sys.executable, "-m", "lightning_app", *_fit(*run, *data)],
        env={**environment, "HOME": str(tmp_path)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
    )

    assert done.returncode == 1
    assert "error: W&B has no key: type `wandb login`" in done.stderr
    assert "Traceback" not in done.stderr
    assert not (tmp_path / "cache").exists()  # before data are prepared


@pytest.mark.parametrize("slot", ["checkpoint", "early_stopping"])
def test_score_that_the_model_does_not_log(disentangle, capsys, slot, tmp_path):
    nothing = ["--data.cache_dir", str(tmp_path / "cache")]

    with pytest.raises(SystemExit) as exit_:
        disentangle("fit", f"--{slot}.monitor", "val/negativ_elbo", *nothing)

    assert exit_.value.code == 1
    message = capsys.readouterr().err
    assert f"--{slot}.monitor val/negativ_elbo: the run logs no such thing. Did you mean val/negative_elbo?" in message
    assert not (tmp_path / "cache").exists()


def test_score_that_a_callback_from_elsewhere_might_log(disentangle, capsys):
    """What it logs is known at the end of the first epoch."""
    with pytest.raises(SystemExit) as exit_:
        disentangle("fit", "--checkpoint.monitor", "val/negativ_elbo", "--media", "tests.lightning_app.conftest.Silent")

    assert exit_.value.code == 1
    assert "logs no val/negativ_elbo (monitor). Did you mean val/negative_elbo?" in capsys.readouterr().err


def test_checkpoint_of_other_dimensions(capsys, disentangle):
    root = disentangle("fit")
    capsys.readouterr()

    with pytest.raises(SystemExit) as exit_:
        disentangle("test", "--ckpt_path", str(root / "checkpoints/best.ckpt"), "--model.z_dim", "5", folder="other")

    assert exit_.value.code == 1
    message = capsys.readouterr().err
    assert "z_dim 4 (here 5)" in message
    assert message.endswith("take the configuration of its run (--model.z_dim).\n")


def test_checkpoint_of_another_model_is_refused_before_data_are_prepared(capsys, disentangle, tmp_path):
    root = disentangle("fit", "--trainer.max_epochs", "2")
    capsys.readouterr()
    notes = ["--data.root", str(tmp_path / "notes"), "--trainer.default_root_dir", str(tmp_path / "other")]

    message = _fails(
        capsys, "test", "-c", str(CONFIGS / "ar_vae.yaml"), "--ckpt_path", str(root / "checkpoints/best.ckpt"), *notes
    )

    assert "best.ckpt is a checkpoint of modules.DSAE, not of modules.BetaVAE" in message
    assert message.count("\n") == 1
    assert not (tmp_path / "notes").exists()
    assert not (tmp_path / "other").exists()


def test_folder_that_is_no_run(capsys):
    assert "no folder nowhere; name the folder of a run" in _fails(capsys, "test", "--run", "nowhere")


def test_training_that_has_no_checkpoint_yet_begins_where_it_was_to_go_on(capsys, disentangle, tmp_path):
    # What a training leaves that is killed in its first epoch.
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "config.yaml").write_text("model: {}\ndata: {}\n")

    folder = disentangle("fit", "--ckpt_path", "last", "--trainer.max_epochs", "2")

    assert "has no checkpoint yet: training starts from the beginning" in capsys.readouterr().err
    assert (folder / "checkpoints" / "last.ckpt").is_file()
    with pytest.raises(SystemExit):
        disentangle("fit")
    assert "already holds a run" in capsys.readouterr().err


def test_checkpoint_that_is_none(capsys, disentangle, tmp_path):
    (tmp_path / "broken.ckpt").write_bytes(b"not a checkpoint")
    np.savez(tmp_path / "other.npz", v=np.zeros(3))

    for name in ("broken.ckpt", "other.npz"):
        with pytest.raises(SystemExit) as exit_:
            disentangle("test", "--ckpt_path", str(tmp_path / name))
        assert exit_.value.code == 1
        assert f"{name} is not a checkpoint" in capsys.readouterr().err


@pytest.mark.parametrize("batch_size", ["3", "100"])
def test_diverging_loss(capsys, disentangle, tmp_path, batch_size):
    """With one batch an epoch, it is validation that sees what the step has done."""
    with pytest.raises(SystemExit) as exit_:
        disentangle("fit", "--model.learning_rate", "1e30", "--data.batch_size", batch_size)

    assert not list(tmp_path.rglob("*.ckpt"))

    assert exit_.value.code == 1
    message = capsys.readouterr().err
    assert "diverged in epoch" in message
    assert "--model.learning_rate" in message


def test_missing_soundfont(capsys, disentangle, monkeypatch):
    monkeypatch.setenv("DISENTANGLE_SOUNDFONT", "/nowhere/font.sf3")

    with pytest.raises(SystemExit) as exit_:
        disentangle("fit")

    assert exit_.value.code == 1
    message = capsys.readouterr().err
    assert "/nowhere/font.sf3" in message
    assert "DISENTANGLE_SOUNDFONT" in message


def test_one_unreadable_wav_among_many(capsys, disentangle, tmp_path):
    folder = tmp_path / "wavs"
    folder.mkdir()
    generator = torch.Generator().manual_seed(0)
    for index in range(4):
        for instrument in ("Violin", "Trumpet"):
            audio = torch.rand(1600, generator=generator).numpy()
            soundfile.write(folder / f"{index}_x-{instrument}.wav", audio, 16_000)
    (folder / "2_x-Violin.wav").write_bytes(b"RIFF, but no more")
    cache = tmp_path / "cache"

    with pytest.raises(SystemExit) as exit_:
        disentangle("fit", "--data.wav_dir", str(folder), "--data.cache_dir", str(cache))

    assert exit_.value.code == 1
    assert "2_x-Violin.wav" in capsys.readouterr().err
    assert [path.suffix for path in cache.iterdir()] == [".lock"]
