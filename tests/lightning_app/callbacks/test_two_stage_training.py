import json
import os
import subprocess
import sys
import warnings
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from lightning import Callback
from lightning.pytorch.callbacks import EarlyStopping, ModelCheckpoint
from lightning.pytorch.strategies import DDPStrategy

from lightning_app.callbacks import TwoStageTraining
from lightning_app.errors import RunError
from modules.dsae import DSAE, Stage
from tests.lightning_app.tracking.wandb_files import segments

PARTS = ("global_encoder", "local_encoder", "transition", "decoder", "prior_encoder")


class Diary(Callback):
    """Writes down the weights and the stage at the end of each epoch."""

    def __init__(self) -> None:
        self.stages: list[Stage] = []
        self.weights: list[dict[str, torch.Tensor]] = []

    def on_train_start(self, trainer, pl_module):
        self.weights.append(_weights(pl_module))

    def on_train_epoch_end(self, trainer, pl_module):
        self.stages.append(pl_module.stage)
        self.weights.append(_weights(pl_module))


def _weights(module):
    return {part: torch.nn.utils.parameters_to_vector(getattr(module, part).parameters()).clone() for part in PARTS}


def _moved(diary, epoch):
    """The parts whose weights changed in an epoch."""
    before, after = diary.weights[epoch], diary.weights[epoch + 1]
    return {part for part in PARTS if not torch.equal(before[part], after[part])}


def _model(**options):
    torch.manual_seed(0)
    return DSAE(x_shape=(9, 10), v_dim=2, z_dim=3, hidden_dim=8, transition_dim=4, **options)


def test_first_stage_trains_only_what_carries_v(tmp_path, tiny_clips, quiet_trainer):
    diary = Diary()
    quiet_trainer(TwoStageTraining(2), diary, max_epochs=4).fit(_model(), tiny_clips())

    assert diary.stages == [Stage.CONSTRAINED] * 2 + [Stage.INFORMED_PRIOR] * 2
    for epoch in (0, 1):
        assert _moved(diary, epoch) == {"global_encoder", "decoder"}
    # The snapshot is taken once, at the start of the second stage, of the encoder as the first stage left it.
    assert _moved(diary, 2) == set(PARTS)
    assert _moved(diary, 3) == set(PARTS) - {"prior_encoder"}
    assert torch.equal(diary.weights[-1]["prior_encoder"], diary.weights[2]["global_encoder"])


def test_dsae_f_freezes_the_global_encoder_and_keeps_the_standard_prior(tmp_path, tiny_clips, quiet_trainer):
    diary = Diary()
    schedule = TwoStageTraining(1, informed_prior=False, freeze_global_encoder=True)
    quiet_trainer(schedule, diary, max_epochs=3).fit(_model(), tiny_clips())

    assert diary.stages == [Stage.CONSTRAINED, Stage.JOINT, Stage.JOINT]
    assert _moved(diary, 1) == _moved(diary, 2) == {"local_encoder", "transition", "decoder"}


@pytest.mark.filterwarnings(
    "ignore:.*training end(s|ed)", "ignore:.*the model is of the constrained stage"
)  # which is where it is to stop
@pytest.mark.parametrize("stop_after", [1, 2, 3])
def test_checkpoint_of_either_stage_loads_into_a_fresh_model(tmp_path, tiny_clips, stop_after, quiet_trainer):
    model = _model()
    trainer = quiet_trainer(TwoStageTraining(2), max_epochs=stop_after)
    trainer.fit(model, tiny_clips())
    trainer.save_checkpoint(tmp_path / "a.ckpt")

    loaded = DSAE.load_from_checkpoint(tmp_path / "a.ckpt")

    assert loaded.stage is model.stage
    for name, tensor in model.state_dict().items():
        if isinstance(tensor, torch.Tensor):
            assert torch.equal(loaded.state_dict()[name], tensor), name


class Unimprovable(DSAE):
    """Its monitored loss grows from epoch to epoch in each stage, and is far lower in the first one."""

    def validation_step(self, batch, batch_idx):
        low = -100.0 if self.stage is Stage.CONSTRAINED else 0.0
        self.log("val/negative_elbo", low + self.current_epoch)


def test_early_stopping_counts_epochs_of_the_second_stage_only(tmp_path, tiny_clips, quiet_trainer):
    model = Unimprovable(x_shape=(9, 10), v_dim=2, z_dim=3, hidden_dim=8, transition_dim=4)
    stopping = EarlyStopping("val/negative_elbo", patience=3)
    trainer = quiet_trainer(TwoStageTraining(6), stopping, max_epochs=50)

    trainer.fit(model, tiny_clips())

    # Six constrained epochs, the best of the second stage, and three without a better one.
    assert trainer.current_epoch == 6 + 1 + 3


def test_best_checkpoint_is_of_the_second_stage(tmp_path, tiny_clips, quiet_trainer):
    model = Unimprovable(x_shape=(9, 10), v_dim=2, z_dim=3, hidden_dim=8, transition_dim=4)
    best = ModelCheckpoint(tmp_path / "c", "best-{epoch}", "val/negative_elbo", save_on_train_epoch_end=True)
    trainer = quiet_trainer(TwoStageTraining(3), best, max_epochs=6)

    trainer.fit(model, tiny_clips())

    assert [path.name for path in (tmp_path / "c").iterdir()] == ["best-epoch=3.ckpt"]
    assert best.best_model_path == str(tmp_path / "c" / "best-epoch=3.ckpt")
    assert DSAE.load_from_checkpoint(best.best_model_path).stage is Stage.INFORMED_PRIOR


def test_best_checkpoint_without_validation_in_every_epoch(tmp_path, tiny_clips, quiet_trainer):
    """The score of the first stage's last validation must not stand for the second stage's first epoch."""
    model = Unimprovable(x_shape=(9, 10), v_dim=2, z_dim=3, hidden_dim=8, transition_dim=4)
    best = ModelCheckpoint(tmp_path / "c", "best-{epoch}", "val/negative_elbo")
    trainer = quiet_trainer(TwoStageTraining(4), best, check_val_every_n_epoch=2, max_epochs=8)

    trainer.fit(model, tiny_clips())

    assert best.best_model_score == 5.0
    assert [path.name for path in (tmp_path / "c").iterdir()] == ["best-epoch=5.ckpt"]


def test_refuses_ddp_that_does_not_look_for_unused_parameters():
    trainer = SimpleNamespace(max_epochs=5, strategy=DDPStrategy())

    with pytest.raises(RunError, match="ddp_find_unused_parameters_true"):
        TwoStageTraining(1).setup(trainer, _model(), "fit")


def test_refuses_no_first_stage_and_other_models(tmp_path, tiny_clips, quiet_trainer):
    with pytest.raises(RunError, match=r"constrained_epochs is 0.*--schedule null"):
        TwoStageTraining(0)

    from lightning.pytorch.demos.boring_classes import BoringModel

    for work in ("fit", "validate", "test"):
        with pytest.raises(RunError, match="BoringModel has no enter_stage, stage"):
            getattr(quiet_trainer(TwoStageTraining(1), max_epochs=3), work)(BoringModel(), tiny_clips())


@pytest.mark.filterwarnings("ignore:.*training ended in the constrained stage")  # said again at the end
def test_warns_when_no_epoch_is_left_for_the_second_stage(tmp_path, tiny_clips, quiet_trainer):
    with pytest.warns(UserWarning, match="ends before the second stage"):
        quiet_trainer(TwoStageTraining(1), max_epochs=1).fit(_model(), tiny_clips())


@pytest.mark.parametrize(
    ("options", "warned"),
    [
        # Eight training clips in batches of four are two steps an epoch.
        ({"max_steps": 4}, True),
        ({"max_steps": 5}, False),
        ({"max_steps": 2, "accumulate_grad_batches": 2}, True),
        ({"max_steps": 3, "accumulate_grad_batches": 2}, False),
        ({"max_steps": 2, "limit_train_batches": 1}, True),
        ({"max_steps": 3, "limit_train_batches": 1}, False),
        ({"max_epochs": 3}, False),
    ],
)
def test_warns_when_no_step_is_left_for_the_second_stage(tiny_clips, quiet_trainer, options, warned):
    diary = Diary()
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        quiet_trainer(TwoStageTraining(2), diary, **{"max_epochs": 9, **options}).fit(_model(), tiny_clips())

    messages = [str(warning.message) for warning in caught]
    assert any("ends before the second stage" in message for message in messages) == warned
    assert any("ended in the constrained stage" in message for message in messages) == warned
    assert (Stage.INFORMED_PRIOR not in diary.stages) == warned


def test_warns_at_the_end_of_training_that_was_stopped_in_the_first_stage(tiny_clips, quiet_trainer):
    class Stops(Callback):
        def on_train_epoch_end(self, trainer, pl_module):
            trainer.should_stop = True

    with pytest.warns(UserWarning, match="ended in the constrained stage, after 1 of its 3 epochs: all"):
        quiet_trainer(TwoStageTraining(3), Stops(), max_epochs=9).fit(_model(), tiny_clips())


@pytest.mark.filterwarnings("ignore:.*training end(s|ed)")  # in the first stage, which is enough here
@pytest.mark.parametrize("stop_after", [1, 2, 3])
def test_warns_when_a_model_of_the_first_stage_is_tested(tmp_path, tiny_clips, quiet_trainer, stop_after):
    trainer = quiet_trainer(TwoStageTraining(2), max_epochs=stop_after)
    trainer.fit(_model(), tiny_clips())
    trainer.save_checkpoint(tmp_path / "a.ckpt")

    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        quiet_trainer(TwoStageTraining(2)).test(
            _model(), tiny_clips(), tmp_path / "a.ckpt", verbose=False, weights_only=False
        )

    warned = any("the model is of the constrained stage" in str(warning.message) for warning in caught)
    assert warned == (stop_after < 3)


def test_a_model_trained_in_one_stage_is_tested_without_a_word(tiny_clips, quiet_trainer, recwarn):
    quiet_trainer().test(_model(), tiny_clips(), verbose=False)

    assert not any("stage" in str(warning.message) for warning in recwarn)


@pytest.fixture(scope="module")
def two_processes(tmp_path_factory):
    """The folder of a training by two processes."""
    folder = tmp_path_factory.mktemp("two_processes")
    script = Path(__file__).with_name("two_processes.py")
    # W&B of this process would serve theirs too, and leave the run open.
    environment = {name: value for name, value in os.environ.items() if name != "WANDB_SERVICE"}
    command = [sys.executable, str(script), "train", "2", str(folder)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=240, env=environment)
    assert done.returncode == 0, done.stderr
    return folder


def test_frozen_parameters_stay_equal_on_all_processes(two_processes):
    """What is frozen when DDP wraps the model is never synchronised; freezing must wait until then."""
    first, second = (torch.load(two_processes / f"rank{rank}.pt", weights_only=True) for rank in range(2))
    initial = {name: tensor for name, tensor in _seeded_like_the_script().items() if isinstance(tensor, torch.Tensor)}
    for name, tensor in initial.items():
        assert torch.equal(first[name], second[name]), name
        assert not torch.equal(first[name], tensor), f"{name} was not trained"


def test_two_processes_are_one_run_of_wandb(two_processes):
    (part,) = segments(two_processes)

    assert part.run.run_id == json.loads((two_processes / "wandb.json").read_text())["id"]
    assert part.logged("epoch") == sorted(part.logged("epoch"))
    assert len(part.logged("val/loss")) == 5
    assert [row["stage"] for row in part.history if "stage" in row] == [1, 1, 2, 2, 2]


def _seeded_like_the_script():
    torch.manual_seed(5)
    return DSAE(x_shape=(9, 10), v_dim=2, z_dim=3).state_dict()
