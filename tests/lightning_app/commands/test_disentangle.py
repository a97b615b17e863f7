"""The front of the command line: what it lists, and that it answers without what takes long to import."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

import lightning_app
from lightning_app.commands.disentangle import COMMANDS, main

ROOT = Path(__file__).parents[3]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
HEAVY = {"torch", "lightning", "matplotlib", "sklearn", "datamodules", "modules", "metrics"}


def at_once(*words):
    """Runs a command in a process of its own, in which nothing heavy may be imported."""
    program = (
        "import sys\n"
        "from lightning_app.commands.disentangle import main\n"
        "try:\n"
        "    main()\n"
        "finally:\n"
        f"    print('heavy:', *sorted({HEAVY} & sys.modules.keys()), file=sys.stderr)\n"
    )
    done = subprocess.run([sys.executable, "-c", program, *words], capture_output=True, text=True)
    message, _, heavy = done.stderr.rpartition("heavy:")
    assert heavy.split() == []
    assert "Traceback" not in message
    return done.returncode, done.stdout, message


@pytest.mark.parametrize("words", [[], ["--help"], ["-h"]], ids=" ".join)
def test_help_lists_every_command_with_a_line(words):
    status, out, _ = at_once(*words)

    assert status == 0
    for name in ("fit", "validate", "test", "predict", "experiment", "figure", "render-nsynth"):
        (line,) = [line for line in out.splitlines() if line.split()[:1] == [name]]
        assert line.endswith(COMMANDS[name].help)


def test_figures_are_listed():
    status, out, _ = at_once("figure", "--help")

    assert status == 0
    assert {"dmig", "swap_f1", "fad", "rpa", "richer_decoder", "global_factors"} <= set(out.split())


def test_version_is_that_of_pyproject():
    status, out, _ = at_once("--version")

    assert (status, out) == (0, f"disentangle {PROJECT['version']}\n")
    assert lightning_app.__version__ == PROJECT["version"]


def test_there_is_one_console_script():
    assert PROJECT["scripts"].keys() == {"disentangle"}


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["fitt"], "there is no `disentangle fitt`. Did you mean fit? There are fit, validate"),
        (["--name", "x"], "there is no `disentangle --name`."),
        (["figure", "dmg"], "there is no `disentangle figure dmg`. Did you mean dmig?"),
        (["fit", "-c", "nowhere.yaml"], "-c: there is no file nowhere.yaml."),
        (["test", "--config=ts_dsea"], "--config: there is no configuration 'ts_dsea'. Did you mean ts_dsae?"),
        (["fit", "-c", "ts_dsae", "-c", "short"], "Did you mean presets/short?"),
        (
            ["fit", "-c", "ts_dsae", "--data", "nsynt"],
            "--data: there is no configuration 'nsynt'. Did you mean nsynth?",
        ),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_mistakes_that_need_no_model_are_answered_at_once(words, message):
    status, _, said = at_once(*words)

    assert status == 2
    assert said.startswith("error: ")
    assert message in said


def test_home_folder_is_expanded_in_every_way_to_give_it(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("HOME", str(tmp_path))
    select = ["--figure", "global_factors", "--data", "dmelodies_two_octaves"]

    main(["experiment", *select, "--dry_run", "true", "--runs=~/mine"])

    assert f"--trainer.default_root_dir {tmp_path}/mine/ts_dsae_richer_decoder" in capsys.readouterr().out


def test_interrupt_ends_with_its_own_status(monkeypatch, capsys):
    def interrupted(words):
        raise KeyboardInterrupt

    monkeypatch.setitem(COMMANDS, "fit", lightning_app.commands.table.Command("Train.", interrupted))

    with pytest.raises(SystemExit) as exit_:
        main(["fit"])

    assert exit_.value.code == 130
    assert capsys.readouterr().err == "Stopped.\n"
