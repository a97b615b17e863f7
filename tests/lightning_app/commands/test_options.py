"""The list of options that apply to a configuration."""

from lightning_app.commands.config_files import with_paths
from lightning_app.commands.disentangle import main
from lightning_app.commands.options import option_groups


def listed_for(*words):
    return {option.name: option for group in option_groups(with_paths(words)).values() for option in group}


def test_only_what_applies_is_listed_with_its_value_and_meaning():
    listed = listed_for("-c", "ts_dsae", "--data", "urmp", "--model.z_dim", "7", "--media", "null")

    assert listed["--model.z_dim"].value == "7"
    assert listed["--model"].value == "modules.DSAE"
    assert listed["--data"].value == "datamodules.URMPDataModule"
    assert listed["--data.instruments"].value == "[violin, trumpet]"
    assert listed["--schedule.constrained_epochs"].value == "300"
    assert listed["--trainer.default_root_dir"].value == "runs/ts_dsae"
    assert all(listed[name].description for name in ("--model.z_dim", "--data.root", "--trainer.max_epochs", "--name"))
    assert not {"--data.octaves", "--model.beta", "--media", "--media.n_examples"} & listed.keys()


def test_options_of_another_model():
    listed = listed_for("-c", "ar_vae")

    assert {"--model.beta", "--data.attributes", "--evaluation.n_neighbors", "--optimizer.lr"} <= listed.keys()
    assert not {"--model.z_dim", "--schedule", "--schedule.constrained_epochs"} & listed.keys()


def test_it_is_printed_in_groups(capsys, monkeypatch):
    monkeypatch.setenv("COLUMNS", "120")

    main(["options", "-c", "dsae"])

    out = capsys.readouterr().out
    titles = [line.strip() for line in out.splitlines() if line and not line.startswith(" ")]
    assert titles[:5] == ["Run", "Model", "Data", "Trainer", "checkpoint"]
    assert "--model.z_dim" in out
    assert max(map(len, out.splitlines())) <= 120
