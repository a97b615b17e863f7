"""What a run's process is given, and what is said of one that failed."""

import os

import pytest

from lightning_app.runs.run_folder import RunFolder, Training
from lightning_app.runs.run_processes import commands_left, environment_of, failure

FIT, TEST = ["fit", "-c", "dsae"], ["test", "--run", "here"]


@pytest.fixture
def gpus(tmp_path, monkeypatch):
    """A machine with so many GPUs, as the driver's program lists them."""

    def install(n_gpus):
        program = tmp_path / "nvidia-smi"
        listed = "".join(f"GPU {number}: NVIDIA H100 (UUID: GPU-{number})\n" for number in range(n_gpus))
        program.write_text(f"#!/bin/sh\ncat <<END\n{listed}END\n")
        program.chmod(0o755)
        monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
        monkeypatch.delenv("CUDA_VISIBLE_DEVICES", raising=False)

    return install


def gpus_of(n_runs):
    return [environment_of(place, n_runs).get("CUDA_VISIBLE_DEVICES") for place in range(n_runs)]


def test_runs_at_a_time_have_the_gpus_in_turn(gpus, monkeypatch):
    gpus(2)

    assert gpus_of(3) == ["0", "1", "0"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "3,5")
    assert gpus_of(3) == ["3", "5", "3"]
    monkeypatch.setenv("CUDA_VISIBLE_DEVICES", "")
    assert gpus_of(2) == ["", ""]


def test_no_gpu_is_named_where_there_is_none(gpus):
    gpus(0)

    assert gpus_of(2) == [None, None]


def test_cores_are_shared_and_runs_are_told_neither_of_slurm_nor_of_the_service_of_another_run(monkeypatch):
    monkeypatch.setattr(os, "sched_getaffinity", lambda pid: set(range(8)), raising=False)
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    monkeypatch.setenv("SLURM_NTASKS", "4")
    monkeypatch.setenv("WANDB_SERVICE", "3-1-tcp-localhost-40000")

    environment = environment_of(1, 3)

    assert environment["OMP_NUM_THREADS"] == "2"
    assert not {"SLURM_NTASKS", "WANDB_SERVICE"} & environment.keys()
    monkeypatch.setenv("OMP_NUM_THREADS", "7")
    assert environment_of(1, 3)["OMP_NUM_THREADS"] == "7"


def test_what_is_left_of_a_run(tmp_path):
    folder = RunFolder(tmp_path)
    assert commands_left(folder, FIT, TEST) == [FIT, TEST]
    folder.config.write_text("")
    assert commands_left(folder, FIT, TEST) == [[*FIT, "--overwrite"], TEST]
    folder.checkpoints.mkdir()
    folder.last_checkpoint.write_text("")
    assert commands_left(folder, FIT, []) == [[*FIT, "--ckpt_path", "last"]]
    folder.mark_trained(Training(epochs=1, steps=1))
    assert commands_left(folder, FIT, TEST) == [TEST]


def test_error_of_the_last_command_is_told(tmp_path):
    output = tmp_path / "output.txt"
    output.write_text("$ disentangle fit\nerror: of before\n$ disentangle fit\nerror: of now\nwandb: bye\n")
    assert failure(FIT, 1, output) == f"fit: error: of now (exit status 1; all of it in {output})"
    output.write_text("$ disentangle fit\nerror: of before\n$ disentangle test\nKilled\n")
    assert failure(TEST, -9, output) == f"test: Killed (exit status -9; all of it in {output})"
