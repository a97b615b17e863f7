import pytest

from lightning_app.callbacks import StageProgressBar, SwapEvaluation, TwoStageTraining
from modules.dsae import DSAE


class Seen(StageProgressBar):
    """Keeps what it shows."""

    def __init__(self) -> None:
        super().__init__()
        self.shown: list[dict] = []

    def get_metrics(self, trainer, pl_module):
        self.shown.append(super().get_metrics(trainer, pl_module))
        return self.shown[-1]


def test_shows_the_stage_and_the_terms_of_the_loss(tiny_clips, quiet_trainer):
    bar = Seen()
    trainer = quiet_trainer(
        TwoStageTraining(1),
        bar,
        max_epochs=2,
        enable_checkpointing=False,
        enable_progress_bar=True,
        num_sanity_val_steps=2,
    )
    trainer.fit(DSAE((9, 10), v_dim=2, z_dim=3), tiny_clips())

    # Before training starts, the sanity check shows the stage of a fresh model.
    assert list(dict.fromkeys(shown["stage"] for shown in bar.shown))[-2:] == ["constrained", "informed prior"]
    last = bar.shown[-1]
    terms = ("reconstruction", "kl_v", "kl_z", "global_swap_v", "global_swap_z", "local_swap_v", "local_swap_z")
    assert last["loss"] == pytest.approx(sum(last[name] for name in terms), rel=1e-5)


def test_clips_that_are_listened_to_have_a_bar_beside_that_of_the_batches(tiny_clips, quiet_trainer):
    bar = StageProgressBar()
    trainer = quiet_trainer(SwapEvaluation(fad=("crepe-tiny",), audio_clips=20), bar, enable_progress_bar=True)
    trainer.test(DSAE((9, 10), v_dim=2), tiny_clips(n_clips=66), verbose=False)

    bars = {task.description.rpartition("]")[2].strip(): (task.completed, task.total) for task in bar.progress.tasks}
    assert bars == {"Testing": (6, 6), "Listening": (20, 20)}
