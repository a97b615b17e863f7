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


def test_shows_the_stage_and_the_loss(tiny_clips, quiet_trainer):
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

    labels = dict.fromkeys(label for shown in bar.shown for label in shown)
    assert list(labels) == ["constrained loss", "informed prior loss"]
    assert bar.shown[-1]["informed prior loss"] == pytest.approx(trainer.callback_metrics["train/loss"].item())


@pytest.mark.filterwarnings("ignore:.*training (ends|ended)")  # two steps are enough to look at the bar
@pytest.mark.parametrize("columns", ["80", "120"])
def test_fits_its_terminal(tiny_clips, quiet_trainer, capsys, monkeypatch, columns):
    monkeypatch.setenv("COLUMNS", columns)
    trainer = quiet_trainer(
        TwoStageTraining(999), StageProgressBar(), max_epochs=1000, max_steps=2, enable_progress_bar=True
    )
    trainer.fit(DSAE((9, 10), v_dim=2, z_dim=3), tiny_clips())

    *_, last = capsys.readouterr().out.rstrip().splitlines()
    assert last.startswith("Epoch 0/999")
    assert "constrained loss: " in last


def test_clips_that_are_listened_to_have_a_bar_beside_that_of_the_batches(tiny_clips, quiet_trainer):
    bar = StageProgressBar()
    trainer = quiet_trainer(SwapEvaluation(fad=("crepe-tiny",), audio_clips=20), bar, enable_progress_bar=True)
    trainer.test(DSAE((9, 10), v_dim=2), tiny_clips(n_clips=66), verbose=False)

    bars = {task.description.rpartition("]")[2].strip(): (task.completed, task.total) for task in bar.progress.tasks}
    assert bars == {"Testing": (6, 6), "Listening": (20, 20)}
