"""The job array of SLURM, whose script is run here as SLURM would run it."""

import os
import subprocess

import pytest

from lightning_app.commands.disentangle import main
from tests.lightning_app.sweeps.test_runner import own_database

URL = "postgresql://me@here/db"


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def test_dry_run_shows_the_script_and_writes_nothing(write_sweep, capsys, tmp_path):
    file = write_sweep()
    options = ["--storage", URL, "--jobs", "2", "--slurm_options=--partition=gpu --gres='gpu:2'"]

    main(["sweep", "run", str(file), "--slurm", "8", "--dry_run", "true", *options])

    lines = capsys.readouterr().out.splitlines()
    assert lines[0] == "#!/bin/bash"
    assert {"#SBATCH --array=0-7", "#SBATCH --partition=gpu", "#SBATCH --gres=gpu:2", "#SBATCH --requeue"} <= set(lines)
    assert lines[-1].startswith("exec ")
    assert f"sweep run {file} --jobs 2 --runs {tmp_path}/runs --storage {URL} --seed 0" in lines[-1]
    assert [path.name for path in tmp_path.iterdir()] == ["tiny.yaml"]


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--slurm", "2"], "--slurm: the workers are on several machines"),
        (["--slurm", "2", "--storage", "sqlite:///a.db"], "name one like --storage postgresql://"),
        (["--slurm", "0", "--storage", URL], "slurm is 0; it is the number of workers, 1 or more"),
        (["--slurm", "2", "--storage", URL, "--slurm_options='a"], 'slurm_options "\'a": No closing quotation'),
    ],
)
def test_job_that_could_not_run(write_sweep, capsys, options, said):
    with pytest.raises(SystemExit) as exit_:
        main(["sweep", "run", str(write_sweep()), *options])

    assert exit_.value.code == 2
    assert said in capsys.readouterr().err


@pytest.mark.slow
def test_workers_of_the_array_share_the_trials(tmp_path, render_cache, postgresql, small_sweep, capsys):
    """On one machine, with the variables that SLURM sets: Lightning does not take the job for its own."""
    url = own_database(postgresql, "slurm")
    main(["sweep", "run", str(small_sweep), "--slurm", "2", "--storage", url])
    assert "To start the 2 workers:\n  sbatch " in capsys.readouterr().out
    script = tmp_path / "runs" / "small" / "sweep.sbatch"
    of_slurm = {"SLURM_JOB_ID": "1", "SLURM_NTASKS": "4", "SLURM_JOB_NAME": "small", "SLURM_NODELIST": "here"}

    started = [
        subprocess.Popen(["bash", str(script)], env={**os.environ, **of_slurm, "SLURM_ARRAY_TASK_ID": str(number)})
        for number in range(2)
    ]

    assert [process.wait(timeout=900) for process in started] == [0, 0]
    main(["sweep", "best", str(small_sweep), "--storage", url])
    assert "2 of 2 trials" in " ".join(capsys.readouterr().out.split())
