"""What ``--run`` stands for."""

import pytest

from lightning_app.errors import RunError
from lightning_app.runs.run_arguments import with_run_arguments


@pytest.fixture
def run(tmp_path):
    """The path of a run's folder."""
    (tmp_path / "config.yaml").write_text("model: {}\ndata: {}")
    return str(tmp_path)


@pytest.mark.parametrize("subcommand", ["validate", "test", "predict"])
@pytest.mark.parametrize("joined", [True, False])
def test_evaluations_take_the_best_checkpoint(run, subcommand, joined):
    named = [f"--run={run}"] if joined else ["--run", run]

    arguments = with_run_arguments([subcommand, "--model.z_dim", "3", *named, "--name", "mine"])

    assert arguments == [
        *[subcommand, "-c", f"{run}/config.yaml", "--trainer.default_root_dir", run],
        *["--ckpt_path", f"{run}/checkpoints/best.ckpt", "--model.z_dim", "3", "--name", "mine"],
    ]


def test_what_is_given_comes_later_and_so_counts(run):
    given = ["--trainer.default_root_dir", "elsewhere", "--ckpt_path", "last"]

    assert with_run_arguments(["test", *given, "--run", run])[-4:] == given


def test_training_takes_no_checkpoint_of_itself(run):
    assert "--ckpt_path" not in with_run_arguments(["fit", "--run", run])


@pytest.mark.parametrize("arguments", [[], ["--help"], ["fit", "-c", "x.yaml"], ["figure", "dmig", "--run", "x"]])
def test_other_commands_are_left_alone(arguments):
    assert with_run_arguments(arguments) == arguments


def test_folder_is_missing_or_no_run(tmp_path):
    with pytest.raises(RunError, match="no folder nowhere"):
        with_run_arguments(["test", "--run", "nowhere"])
    with pytest.raises(RunError, match=r"no .*config\.yaml"):
        with_run_arguments(["test", "--run", str(tmp_path)])
    assert with_run_arguments(["test", "--run"]) == ["test", "--run"]
