"""The project's own sweeps and that of the documentation, for both engines: W&B's, and the command line."""

import re
from pathlib import Path

import pytest
import yaml
from wandb.sdk.launch.sweeps.utils import create_sweep_command, create_sweep_command_args

from lightning_app.commands.disentangle import main
from lightning_app.sweeps.parameters import DISTRIBUTIONS
from lightning_app.sweeps.sweep_file import read_sweep

ROOT = Path(__file__).parents[3]
SWEEPS = sorted((ROOT / "configs" / "sweeps").glob("*.yaml"))
PAGE = (ROOT / "docs" / "sweeps.md").read_text()


@pytest.fixture(params=SWEEPS, ids=lambda path: path.stem)
def file(request):
    return request.param


def agents_command(content, values, run_id, monkeypatch):
    """The words that W&B's agent runs for values that its server has chosen."""
    monkeypatch.setenv("WANDB_RUN_ID", run_id)
    macros = {
        **create_sweep_command_args({"args": {name: {"value": value} for name, value in values.items()}}),
        "env": ["/usr/bin/env"],
        "interpreter": ["python"],
        "program": [content["program"]],
    }
    words = create_sweep_command(list(content["command"]))
    return [
        one
        for word in words
        for one in (macros[word[2:-1]] if word.startswith("${") and word.endswith("}") else [word])
    ]


def test_wandb_takes_it(file):
    sweeps = pytest.importorskip("sweeps", reason="W&B's sweeps is not installed; make setup does it")
    content = yaml.safe_load(file.read_text())

    assert sweeps.schema_violations_from_proposed_config(content) == []
    first = sweeps.next_run(sweeps.SweepConfig(content), [])
    assert first.config.keys() == content["parameters"].keys()


def test_command_of_wandbs_agent_is_taken_by_the_command_line(file, capsys, monkeypatch):
    sweeps = pytest.importorskip("sweeps", reason="W&B's sweeps is not installed; make setup does it")
    content = yaml.safe_load(file.read_text())
    values = {name: entry["value"] for name, entry in sweeps.next_run(sweeps.SweepConfig(content), []).config.items()}

    env, program, *words = agents_command(content, values, "abc123", monkeypatch)

    assert (env, program) == ("/usr/bin/env", "disentangle")
    with pytest.raises(SystemExit) as exit_:
        main([*words, "--print_config"])
    out, err = capsys.readouterr()
    assert exit_.value.code == 0, err
    config = yaml.safe_load(out)
    assert config["trainer"]["default_root_dir"] == f"runs/{file.stem}-abc123"
    for name, value in values.items():
        part, *option = name.split(".")
        if option:
            given = config[part]["init_args"]
            for key in option:
                given = given[key]
            assert given == pytest.approx(value)


def test_runs_of_the_sweep_are_taken_by_the_command_line_and_log_the_metric(file, capsys, monkeypatch, tmp_path):
    monkeypatch.chdir(tmp_path)

    main(["sweep", "run", str(file), "--dry_run", "true"])

    sweep = read_sweep(file)
    assert f"{sweep.n_trials} trials" in capsys.readouterr().out
    assert list(tmp_path.iterdir()) == []


def test_grid_has_every_model_size_network_and_seed():
    sweep = read_sweep(next(path for path in SWEEPS if path.stem == "paper_grid"))

    assert sweep.n_trials * len(sweep.seeds) >= 24
    assert {"config", "model.z_dim", "model.posterior"} <= sweep.parameters.keys()


def test_example_of_the_page_is_a_sweep_for_both(tmp_path, monkeypatch, capsys):
    sweeps = pytest.importorskip("sweeps", reason="W&B's sweeps is not installed; make setup does it")
    monkeypatch.chdir(tmp_path)
    example = re.search(r"```yaml\n# mine\.yaml\n(.*?)```", PAGE, flags=re.DOTALL)[1]
    Path("mine.yaml").write_text(example)

    assert sweeps.schema_violations_from_proposed_config(yaml.safe_load(example)) == []
    main(["sweep", "run", "mine.yaml", "--dry_run", "true"])
    assert capsys.readouterr().out.startswith(
        "13 trials of 3 runs, like this one:\ndisentangle fit --config=quick/ts_dsae"
    )


def test_every_distribution_is_on_the_page():
    names = re.findall(r"`(\w+)`", "".join(row.split("|")[1] for row in PAGE.splitlines() if row.startswith("| `")))

    assert set(names) == set(DISTRIBUTIONS)
    assert len(names) == len(DISTRIBUTIONS)
