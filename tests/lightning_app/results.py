"""Folders of finished runs, as ``disentangle fit`` and ``disentangle test`` leave them."""

import json

import pytest
import yaml

from lightning_app.runs.experiments import read_experiments

GRID = "{models: [plain, better], data: [melodies], z_dims: [2, 4], posteriors: [factorised, full], seeds: [0, 1, 2]}"
EXPERIMENTS = f"""
models:
  plain: {{label: Plain model, colour: "#777777", stages: 1}}
  better: {{label: Better model, colour: "#cc0000", stages: 2}}
data: {{melodies: Some melodies}}
lengths: {{published: {{1: [], 2: []}}}}
figures: {{swap_f1: {GRID}, fad: {GRID}, rpa: {GRID}, richer_decoder: {GRID}}}
"""
SCORES = (
    *["swap_f1/pre_swap", "swap_f1/global_swap", "swap_f1/local_swap", "rpa/pre_swap", "rpa/global_swap"],
    *["rpa/local_swap", "fad/crepe-full", "fad/crepe-full/n_real", "fad/crepe-full/n_generated"],
)


class Results:
    """The folder of the runs of a figure; each score of each run is another number."""

    def __init__(self, folder):
        self.folder = folder
        self.experiments = folder / "experiments.yaml"
        self.experiments.write_text(EXPERIMENTS)
        self.runs = read_experiments(self.experiments).runs_of("swap_f1", "melodies")
        self.scores = {
            run: {score: round(0.01 * number + 0.001 * place, 3) for place, score in enumerate(SCORES)}
            for number, run in enumerate(self.runs)
        }
        for run in self.runs:
            (folder / run.name).mkdir()
            self.write(run)

    def write(self, run, config=None, evaluation=None):
        """Writes the files of a run, with other settings where these are given."""
        settings = {"z_dim": run.z_dim, "posterior": run.posterior}
        recorded = {"name": run.name, "seed_everything": run.seed, "trainer": {"max_epochs": 80}}
        recorded["model"] = {"init_args": settings}
        clips = {"n_train_clips": 24, "n_validation_clips": 6, "n_audio_clips": 5}
        measured = {"factor": "instrument", "seed": 0, "checkpoint": "somewhere/best.ckpt", "rpa_model": "full"}
        measured |= {**clips, "scores": self.scores[run]}
        path = self.folder / run.name
        (path / "training.json").write_text("{}")
        (path / "config.yaml").write_text(yaml.safe_dump({**recorded, **(config or {})}))
        (path / "evaluation.json").write_text(json.dumps({**measured, **(evaluation or {})}))

    @property
    def selection(self):
        return {"data": "melodies", "runs": self.folder, "experiments": self.experiments}

    @property
    def arguments(self):
        return [word for name, value in self.selection.items() for word in (f"--{name}", str(value))]


@pytest.fixture
def results(tmp_path):
    folder = tmp_path / "results"
    folder.mkdir()
    return Results(folder)
