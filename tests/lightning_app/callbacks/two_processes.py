"""Run by tests as a program of its own: trains or evaluates on one or two gloo processes.

Usage: two_processes.py (train | evaluate) DEVICES FOLDER
"""

import importlib.util
import sys
from pathlib import Path

import torch
from lightning import Callback, Trainer

from lightning_app.callbacks import StepSeed, SwapEvaluation, TwoStageTraining
from lightning_app.tracking import WandbRun
from modules.dsae import DSAE


class RankWeights(Callback):
    """Saves the weights that this process ended with."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def on_train_end(self, trainer, pl_module):
        torch.save(pl_module.state_dict(), self.folder / f"rank{trainer.global_rank}.pt")


def main() -> None:
    task, devices, folder = sys.argv[1], int(sys.argv[2]), Path(sys.argv[3])
    torch.set_num_threads(1)
    spec = importlib.util.spec_from_file_location("tiny", Path(__file__).parents[1] / "conftest.py")
    tiny = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(tiny)
    # Each process makes the same clips in a folder of its own.
    clips = tiny.TinyClips(folder / f"clips{id(tiny)}", n_clips=63)
    torch.manual_seed(5)
    model = DSAE(x_shape=(9, 10), v_dim=2, z_dim=3)
    trainer = Trainer(
        accelerator="cpu",
        devices=devices,
        strategy="ddp_find_unused_parameters_true" if devices > 1 else "auto",
        max_epochs=5,
        logger=WandbRun(folder, offline=True) if task == "train" else False,
        enable_progress_bar=False,
        enable_model_summary=False,
        enable_checkpointing=False,
        num_sanity_val_steps=0,
        default_root_dir=folder,
        callbacks=[
            TwoStageTraining(2),
            StepSeed(0),
            SwapEvaluation(rpa="tiny", fad=("crepe-tiny",)),
            RankWeights(folder),
        ],
    )
    if task == "train":
        trainer.fit(model, clips)
    else:
        trainer.test(model, clips, verbose=False)


if __name__ == "__main__":
    main()
