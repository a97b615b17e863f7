"""The command that makes the trials of a sweep, with real runs, and what it says before the first of them."""

import json
import os
import subprocess
import sys

import pytest
import yaml

from lightning_app.commands.disentangle import main
from lightning_app.runs.run_folder import RunFolder


def changed(file, **changes):
    content = {**yaml.safe_load(file.read_text()), **changes}
    file.write_text(yaml.safe_dump(content, sort_keys=False))
    return file


def fails(capsys, *words):
    with pytest.raises(SystemExit) as exit_:
        main(["sweep", "run", *map(str, words)])
    message = capsys.readouterr().err
    assert exit_.value.code in (1, 2)
    assert message.count("error: ") == 1
    assert "Traceback" not in message
    return message


def test_sweep_from_its_file_to_the_best_configuration(small_sweep, tmp_path, capsys, monkeypatch):
    """The values reach all that depends on them."""
    monkeypatch.chdir(tmp_path)
    file = changed(small_sweep, parameters={"model.learning_rate": {"values": [0.02]}, "seed_everything": {"value": 5}})

    main(["sweep", "run", str(file), "--jobs", "2"])

    assert "Ended: 1 trials of small, of which 0 failed." in capsys.readouterr().out
    (folder,) = (tmp_path / "runs" / "small").glob("0*")
    config = RunFolder(folder).read_config()
    assert config["seed_everything"] == 5
    assert config["model"]["init_args"]["learning_rate"] == 0.02
    assert config["optimizer"]["init_args"]["lr"] == 0.02  # by a reference of presets/small_steps
    score = json.loads((folder / "evaluation.json").read_text())["scores"]["swap_f1/global_swap"]
    main(["sweep", "best", "runs/small", "--output", "mine.yaml"])
    assert f"{score:.3g}" in capsys.readouterr().out
    with pytest.raises(SystemExit) as exit_:
        main(["fit", "-c", "mine.yaml", "--name", "better", "--print_config"])
    assert exit_.value.code == 0
    config = yaml.safe_load(capsys.readouterr().out)
    assert config["trainer"]["default_root_dir"] == "runs/better"
    assert config["model"]["init_args"]["learning_rate"] == 0.02


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        (
            {"parameters": {"model.zdim": {"values": [2]}}},
            "there is no option --model.zdim. Did you mean --model.z_dim?",
        ),
        (
            {"parameters": {"model.z_dim": {"values": [2, "many"]}}},
            "--model.z_dim takes an integer, not many.",
        ),
        (
            {"parameters": {"config": {"values": ["ts_dsaee"]}}},
            "--config: there is no configuration 'ts_dsaee'. Did you mean ts_dsae?",
        ),
        ({"parameters": {"model.z_dim": {"values": [2, 0]}}}, "z_dim"),
        (
            {"metric": {"name": "val/negative_elbow"}},
            "--metric.name val/negative_elbow: the run logs no such thing. Did you mean val/negative_elbo?",
        ),
        (
            {"metric": {"name": "test/swap_f1/global"}},
            "metric test/swap_f1/global is no score that is measured. Did you mean swap_f1/global_swap?",
        ),
        (
            {"metric": {"name": "test/rpa/global_swap"}},
            "test/rpa/global_swap is no score that is measured.",
        ),
        ({"parameters": {"evaluation": {"value": None}}}, "a score of an evaluation, and `evaluation` is null"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_mistake_is_named_before_anything_starts(small_sweep, tmp_path, capsys, monkeypatch, changes, said):
    monkeypatch.chdir(tmp_path)
    file = changed(small_sweep, **changes)
    before = {path.name for path in tmp_path.iterdir()}

    assert said in fails(capsys, file)

    assert {path.name for path in tmp_path.iterdir()} == before


def test_mistakes_of_the_call(small_sweep, capsys):
    assert "jobs is 0; it must be 1 or more" in fails(capsys, small_sweep, "--jobs", "0")
    assert "there is no file nowhere.yaml" in fails(capsys, "nowhere.yaml")
    assert "--slurm starts none" in fails(capsys, small_sweep, "--retry_failed", "true", "--slurm", "2")
    with pytest.raises(SystemExit):
        main(["sweep", "ron"])
    assert "there is no `disentangle sweep ron`. Did you mean run?" in capsys.readouterr().err


@pytest.mark.slow
def test_sweep_whose_trials_all_fail(small_sweep, tmp_path, capsys, monkeypatch):
    monkeypatch.chdir(tmp_path)
    file = changed(small_sweep, parameters={"data.size": {"values": [2]}})  # too few for the evaluation

    message = fails(capsys, file)

    assert "no trial of small is complete: 1 failed" in message
    assert "no trial of small is complete: 1 failed" in fails(capsys, file, "--retry_failed", "true")


def test_help_imports_nothing_slow():
    script = "import sys; from lightning_app.commands.disentangle import main; main(['sweep', '--help']); "
    script += "sys.exit(bool({'torch', 'optuna', 'lightning'} & sys.modules.keys()))"
    assert subprocess.run([sys.executable, "-c", script], env={**os.environ}, capture_output=True).returncode == 0
