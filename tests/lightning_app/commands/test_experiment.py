"""The command that makes the runs of a figure, on tiny melodies and in processes of its own."""

import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml

from lightning_app.commands.disentangle import main
from lightning_app.runs.evaluation_record import EvaluationRecord
from lightning_app.runs.run_folder import RunFolder, Training

CONFIGS = Path(__file__).parents[3] / "configs"
DSAE, TS_DSAE, RICHER = (
    f"{model}-dmelodies-z16-factorised-seed3" for model in ("dsae", "ts_dsae", "ts_dsae_richer_decoder")
)


@pytest.fixture
def arguments(tmp_path, render_cache):
    """The arguments that make three runs: DSAE, TS-DSAE and TS-DSAE with the richer decoder, all small."""

    def line(*more: str, max_epochs: int = 2, length: str = "short") -> list[str]:
        options = (
            f"--data.cache_dir {render_cache} --data.size 8 --data.batch_size 3 "
            "--data.representation.n_mels 12 "
            "--data.representation.hop_length 1024 --data.prepare_workers 1 "
            "--trainer.accelerator cpu --trainer.logger false "
            f"--trainer.max_epochs {max_epochs} --media null"
        )
        return [
            *["experiment", "--figure", "richer_decoder", "--data", "dmelodies", "--seeds", "[3]", "--length", length],
            *[
                "--experiments",
                str(CONFIGS / "experiments.yaml"),
                "--runs",
                str(tmp_path),
                f"--options={options}",
                *more,
            ],
        ]

    return line


@pytest.fixture
def finish(tmp_path):
    """Makes runs look finished."""

    def write(*names: str) -> None:
        for name in names:
            folder = RunFolder(tmp_path / name)
            folder.mark_trained(Training(epochs=2, steps=6, best_step=3))
            EvaluationRecord("SwapEvaluation", {}, {}, 2, "best.ckpt", 0, 3).write(folder)

    return write


def fails(capsys, *arguments):
    with pytest.raises(SystemExit) as exit_:
        main([*arguments])
    assert exit_.value.code == 1
    message = capsys.readouterr().err
    assert message.startswith("error: ")
    return message


def wait_for(condition, seconds=120):
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "nothing happened"
        time.sleep(0.05)


def started(arguments: list[str]) -> subprocess.Popen:
    """The command in a process of its own."""
    return subprocess.Popen(
        [sys.executable, "-m", "lightning_app", *arguments],
        cwd=CONFIGS.parent,
        stderr=subprocess.PIPE,
        text=True,
        start_new_session=True,
    )


@pytest.mark.slow
def test_runs_are_made_and_those_that_fail_are_named(arguments, finish, tmp_path, capsys):
    """Eleven epochs: one more than `short` has in the first of two stages."""
    broken = tmp_path / DSAE / "checkpoints" / "last.ckpt"
    broken.parent.mkdir(parents=True)
    broken.write_text("no checkpoint")

    finish(TS_DSAE)

    message = fails(capsys, *arguments("--jobs", "2", max_epochs=11))

    assert "1 of 2 runs failed" in message
    assert f"{DSAE}, fit: error: {tmp_path / DSAE} has no whole checkpoint" in message
    assert f"(exit status 1; all of it in {tmp_path / DSAE / 'output.txt'})" in message
    assert not (tmp_path / DSAE / "evaluation.json").exists()
    made = tmp_path / RICHER
    assert "swap_f1/global_swap" in json.loads((made / "evaluation.json").read_text())["scores"]
    config = yaml.safe_load((made / "config.yaml").read_text())
    settings = config["model"]["init_args"]
    assert (config["seed_everything"], settings["z_dim"], settings["decoder"]) == (3, 16, "sequence")
    output = (made / "output.txt").read_text()
    assert output.count("$ disentangle ") == 2
    assert "`max_epochs=11` reached" in output
    assert {path.name for path in (tmp_path / TS_DSAE).iterdir()} == {"training.json", "evaluation.json"}


def test_run_that_was_ended_leaves_no_process_and_goes_on(arguments, finish, tmp_path, capsys):
    finish(DSAE, RICHER)
    process = started(arguments(max_epochs=100_000))
    last = tmp_path / TS_DSAE / "checkpoints" / "last.ckpt"
    wait_for(last.is_file)

    process.terminate()

    _, message = process.communicate(timeout=60)
    assert process.returncode == 143
    assert "Stopped. The same command goes on" in message
    with pytest.raises(ProcessLookupError):
        os.killpg(process.pid, 0)
    assert not (tmp_path / TS_DSAE / "evaluation.json").exists()
    main(arguments("--dry_run", "true", max_epochs=100_000))
    fit, test = capsys.readouterr().out.splitlines()
    assert shlex.split(fit)[-2:] == ["--ckpt_path", "last"]
    assert shlex.split(test)[-2:] == ["--run", str(tmp_path / TS_DSAE)]
    message = fails(capsys, *arguments(max_epochs=90_000))
    assert "began with other choices, the first with --length=short '--options=" in message
    assert "--trainer.max_epochs 100000" in message


def test_training_that_is_ended_from_outside_has_failed(arguments, finish, tmp_path):
    finish(DSAE, RICHER)
    process = started(arguments(max_epochs=100_000))
    wait_for((tmp_path / TS_DSAE / "checkpoints" / "last.ckpt").is_file)
    (child,) = Path(f"/proc/{process.pid}/task/{process.pid}/children").read_text().split()

    os.kill(int(child), signal.SIGTERM)

    _, message = process.communicate(timeout=60)
    assert process.returncode == 1
    assert f"{TS_DSAE}, fit: " in message
    assert "exit status 143" in message
    assert RunFolder(tmp_path / TS_DSAE).training().ended_by == "interrupted"
    assert not (tmp_path / TS_DSAE / "evaluation.json").exists()


def test_trained_run_is_only_evaluated(arguments, finish, tmp_path, capsys):
    finish(DSAE, TS_DSAE, RICHER)
    # Of a checkpoint that training has since replaced.
    EvaluationRecord("SwapEvaluation", {}, {}, 2, "best.ckpt", 0, 1).write(RunFolder(tmp_path / TS_DSAE))
    (tmp_path / RICHER / "evaluation.json").unlink()

    main(arguments("--dry_run", "true"))

    commands = [shlex.split(line)[:4] for line in capsys.readouterr().out.splitlines()]
    assert commands == [["disentangle", "test", "--run", str(tmp_path / name)] for name in (TS_DSAE, RICHER)]


def test_what_a_failed_run_says_is_its_error(arguments, finish, tmp_path, capsys, monkeypatch):
    """And it is this project that runs, whatever the working directory holds."""
    finish(DSAE, RICHER)
    foreign = tmp_path / "work" / "lightning_app"
    foreign.mkdir(parents=True)
    (foreign / "__main__.py").write_text("print('error: a foreign package was run')")
    monkeypatch.chdir(foreign.parent)

    message = fails(capsys, *(word + " --data.sise 3" if "--options=" in word else word for word in arguments()))

    assert f"{TS_DSAE}, fit: error: there is no option --data.sise. Did you mean --data.size?" in message


def test_dry_run_prints_what_is_left_to_do_and_does_nothing(arguments, finish, tmp_path, capsys):
    finish(TS_DSAE)

    main(arguments("--dry_run", "true", length="published"))

    commands = [shlex.split(line) for line in capsys.readouterr().out.splitlines()]
    assert [command[:2] for command in commands] == [["disentangle", "fit"], ["disentangle", "test"]] * 2
    assert [command[command.index("--name") + 1] for command in commands[::2]] == [DSAE, RICHER]
    assert all(command[-2:] == ["--media", "null"] for command in commands[::2])
    presets = {word for command in commands for word in command if "presets" in word}
    assert presets == {str(CONFIGS / "presets" / "whole_evaluation.yaml")}
    assert [path.name for path in tmp_path.iterdir()] == [TS_DSAE]


def test_options_come_last_and_whole(capsys):
    options = ["experiment", "--figure", "global_factors", "--data", "dmelodies_two_octaves", "--dry_run", "true"]
    main([*options, "--experiments", str(CONFIGS / "experiments.yaml"), "--options=--data.wav_dir '~/my wavs'"])

    fit = capsys.readouterr().out.splitlines()[0]
    assert shlex.split(fit)[-2:] == ["--data.wav_dir", "~/my wavs"]


def test_nothing_left_to_do(arguments, finish, capsys):
    finish(DSAE, TS_DSAE, RICHER)

    main(arguments())

    assert "3 runs are finished, 0 of them made now" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("more", "message"),
    [
        (["--jobs", "0"], "jobs is 0"),
        (["--options=--data.root 'my"], "No closing quotation"),
        (["--figure", "nothing"], "no figure 'nothing'; there are swap_f1, fad"),
        (["--data", "dmelodies_two_octaves"], "no data dmelodies_two_octaves; it has dmelodies, urmp"),
        (["--length", "endless"], "no length 'endless'; there are published, short"),
        (["--experiments", "nowhere.yaml"], "cannot read nowhere.yaml"),
    ],
    ids=lambda value: value[0] if isinstance(value, list) else "",
)
def test_selection_of_nothing(arguments, tmp_path, capsys, more, message):
    assert message in fails(capsys, *arguments(*more))

    assert not list(tmp_path.iterdir())
