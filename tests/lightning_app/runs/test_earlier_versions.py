"""A run of the layout of version 0.1 is refused with one sentence, whatever is to be done with it."""

import pytest
import torch
import yaml

from lightning_app import load_run
from lightning_app.commands.disentangle import main
from lightning_app.errors import RunError
from lightning_app.runs.run_folder import RunFolder

NAME = "ts_dsae-dmelodies-z8-factorised-seed0"
DSAE = {"class_path": "modules.DSAE", "init_args": {"n_features": 80, "z_dim": 8, "posterior": "factorised"}}
BETA_VAE = {"class_path": "modules.BetaVAE", "init_args": {"size": 512, "attribute_names": ["depth"]}}
DMELODIES = {"class_path": "datamodules.DMelodiesDataModule", "init_args": {"log_mel": {"n_mels": 80}}}
NSYNTH = {"class_path": "datamodules.NSynthDataModule", "init_args": {"spectrogram": {"size": 512}}}


@pytest.fixture
def folder(tmp_path):
    """Writes the folder of such a run, as far as it was looked at."""

    def write(model=DSAE, data=DMELODIES) -> RunFolder:
        folder = RunFolder(tmp_path / NAME)
        folder.checkpoints.mkdir(parents=True)
        config = {"name": NAME, "seed_everything": 0, "trainer": {"default_root_dir": f"runs/{NAME}"}}
        folder.config.write_text(yaml.safe_dump(config | {"model": model, "data": data}))
        (folder.path / "training.json").write_text('{"epochs": 80, "steps": 800}')
        folder.evaluation.write_text('{"scores": {"swap_f1/pre_swap": 1.0}}')
        torch.save({"state_dict": {}, "epoch": 79, "global_step": 800}, folder.best_checkpoint)
        return folder

    return write


@pytest.mark.parametrize(
    ("model", "data", "named"),
    [
        (DSAE, DMELODIES, "data.log_mel, model.n_features"),
        (DSAE, {"class_path": "datamodules.DMelodiesDataModule"}, "model.n_features"),
        (BETA_VAE, NSYNTH, "data.spectrogram, model.size"),
    ],
)
def test_its_options_are_named_and_what_to_do(folder, model, data, named):
    with pytest.raises(RunError, match=rf"earlier version .*has {named}; train it again with this version"):
        folder(model, data).read_config()


def test_models_and_data_of_others_may_have_options_of_these_names(folder):
    config = folder(DSAE | {"class_path": "mypkg.Model"}, NSYNTH | {"class_path": "mypkg.Data"}).read_config()

    assert config["model"]["init_args"]["n_features"] == 80


def test_load_run_refuses_it(folder):
    with pytest.raises(RunError, match="is a run of an earlier version"):
        load_run(folder().path)


@pytest.mark.parametrize(
    "words",
    [
        ["test", "--run", NAME],
        ["predict", "--run", NAME],
        ["fit", "--run", NAME, "--ckpt_path", "last"],
        ["figure", "dmig", "--run", NAME],
        ["figure", "global_factors", "--run", NAME],
        ["figure", "swap_f1", "--z_dims", "[8]", "--posteriors", "[factorised]", "--seeds", "[0]", "--runs", "."],
    ],
    ids=lambda words: " ".join(words[:2]),
)
def test_every_command_refuses_it_in_one_sentence(folder, tmp_path, monkeypatch, capsys, words):
    written = {path: path.read_bytes() for path in folder().path.rglob("*") if path.is_file()}
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SystemExit) as exit_:
        main(words)

    assert exit_.value.code == 1
    (message,) = capsys.readouterr().err.splitlines()
    assert message.startswith(f"error: {NAME} is a run of an earlier version of this project")
    assert message.count(". ") == 0
    assert {path: path.read_bytes() for path in tmp_path.rglob("*") if path.is_file()} == written
