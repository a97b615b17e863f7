"""A worker of a sweep whose runs are of the stand-in: SWEEP_FILE RUNS JOBS [STORAGE]."""

import os
import sys
from pathlib import Path

from lightning_app.sweeps.opening import keep_file, open_study
from lightning_app.sweeps.runner import make_trials
from lightning_app.sweeps.sweep_file import read_sweep

if __name__ == "__main__":
    file, runs, jobs, *storage = sys.argv[1:]
    os.environ["PYTHONPATH"] = os.environ["STAND_IN"]  # of the runs; this process is the real one
    sweep = read_sweep(Path(file))
    folder = Path(runs) / sweep.name
    study = open_study(sweep, folder, storage[0] if storage else None)
    keep_file(sweep, folder)
    print("begun", flush=True)
    make_trials(study, int(jobs))
