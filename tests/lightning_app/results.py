"""Folders of finished runs, as ``disentangle fit`` and ``disentangle test`` leave them."""

import yaml

from lightning_app.runs.evaluation_record import EvaluationRecord
from lightning_app.runs.experiments import read_experiments
from lightning_app.runs.run_folder import RunFolder, Training

GRID = "{models: [plain, better], data: [melodies], z_dims: [2, 4], posteriors: [factorised, full], seeds: [0, 1, 2]}"
EXPERIMENTS = f"""
models:
  plain: {{label: Plain model, colour: "#777777", stages: 1}}
  better: {{label: Better model, colour: "#cc0000", stages: 2}}
data: {{melodies: Some melodies}}
lengths: {{published: {{1: [], 2: []}}}}
figures: {{swap_f1: {GRID}, fad: {GRID}, rpa: {GRID}, richer_decoder: {GRID},
  evidence: {GRID}}}
"""
SCORES = (
    *["swap_f1/pre_swap", "swap_f1/global_swap", "swap_f1/local_swap", "rpa/pre_swap", "rpa/global_swap"],
    *["rpa/local_swap", "fad/crepe-full", "fad/crepe-full/n_real", "fad/crepe-full/n_generated"],
    *["follows_v/instrument", "kept_with_v/instrument", "read/z/instrument/nonlinear", "counterfactual/global_swap"],
    *["counterfactual/local_swap", "active/v", "reconstruction", "chance/instrument"],
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

    def write(self, run, config=None, evaluation=None, changed=None):
        """Writes the files of a run, with other settings where these are given."""
        settings = {"z_dim": run.z_dim, "posterior": run.posterior}
        recorded = {"name": run.name, "seed_everything": run.seed, "trainer": {"max_epochs": 80}}
        recorded |= {"model": {"init_args": settings}, "data": {}}
        measured = {"factor": "instrument", "seed": 0, "rpa_model": "full", "n_train_clips": 24, "n_audio_clips": 5}
        measured |= evaluation or {}
        state = {"n_clips": 6, "checkpoint": "best.ckpt", "epoch": 79, "step": 800} | (changed or {})
        folder = RunFolder(self.folder / run.name)
        folder.config.write_text(yaml.safe_dump({**recorded, **(config or {})}))
        folder.mark_trained(Training(epochs=80, steps=800, best_step=700))
        EvaluationRecord("SwapEvaluation", self.scores[run], measured, **state).write(folder)

    @property
    def selection(self):
        return {"data": "melodies", "runs": self.folder, "experiments": self.experiments}

    @property
    def arguments(self):
        return [word for name, value in self.selection.items() for word in (f"--{name}", str(value))]
