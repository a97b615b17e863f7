"""Checkpoints in a run's folder, which may be moved between the parts of a training."""

from pathlib import Path
from typing import Any

from lightning.pytorch.callbacks import ModelCheckpoint


class RunCheckpoint(ModelCheckpoint):
    """Lightning's `ModelCheckpoint`, which remembers the best score also where the run's folder was moved.

    Lightning forgets the best score when a training goes on in another folder, and would replace the best checkpoint
    by a worse one. Here the paths of the checkpoints move with the folder; one whose file is not there any more is
    forgotten.
    """

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        before, here = state_dict.get("dirpath"), self.dirpath
        if before is None or here is None or before == here:
            super().load_state_dict(state_dict)
            return

        def moved(path: str) -> str:
            return str(Path(here, Path(path).name)) if path and Path(path).is_relative_to(before) else path

        state = dict(state_dict, dirpath=here)
        for name in ("best_model_path", "kth_best_model_path", "last_model_path"):
            state[name] = moved(state.get(name, ""))
        state["best_k_models"] = {moved(path): score for path, score in state.get("best_k_models", {}).items()}
        if not all(Path(path).is_file() for path in state["best_k_models"]):
            state |= {"best_k_models": {}, "best_model_score": None, "best_model_path": "", "kth_best_model_path": ""}
            state["kth_value"] = self.kth_value
        super().load_state_dict(state)
