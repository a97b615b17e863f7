from pathlib import Path

import pytest
import torch
from lightning import Trainer
from torch.utils.data import DataLoader

from modules import ModelError
from modules.dsae import DSAE, Stage

OTHER_SETTINGS = {  # of a model that differs from `make_dsae`'s in one setting: what is saved, and what is here
    "v_dim": (2, 3),
    "z_dim": (4, 6),
    "hidden_dim": (5, 7),
    "transition_dim": (3, 4),
    "posterior": ("factorised", "full"),
    "decoder": ("frame", "sequence"),
}


def batches(n_features: int = 3) -> DataLoader:
    return DataLoader([{"x": torch.randn(4, 5, n_features)}], batch_size=None)


def train_and_save(trainer: Trainer, model: DSAE, folder: Path) -> Path:
    trainer.fit(model, batches(), batches())
    trainer.save_checkpoint(folder / "model.ckpt")
    return folder / "model.ckpt"


def assert_same_model(model: DSAE, other: DSAE) -> None:
    assert model.stage is other.stage
    for (name, value), (other_name, other_value) in zip(
        model.named_parameters(), other.named_parameters(), strict=True
    ):
        assert name == other_name
        assert torch.equal(value, other_value), name
    x = torch.randn(4, 5, 3)
    prior, other_prior = (m.prior_of_v(x, m.global_encoder(x)) for m in (model, other))
    assert torch.equal(prior.mean, other_prior.mean)
    assert torch.equal(prior.log_variance, other_prior.log_variance)


def test_a_new_model_is_in_the_joint_stage():
    assert DSAE(x_shape=(9, 3)).stage is Stage.JOINT


def test_state_has_the_same_keys_in_every_stage(make_dsae):
    keys = [list(make_dsae(stage).state_dict()) for stage in Stage]

    assert keys == [list(DSAE(x_shape=(9, 3)).state_dict())] * len(Stage)


@pytest.mark.parametrize("into", Stage)
@pytest.mark.parametrize("stage", Stage)
def test_state_loads_strictly_into_a_model_of_any_stage(make_dsae, stage, into):
    model, other = make_dsae(stage).float(), make_dsae(into).float()

    other.load_state_dict(model.state_dict(), strict=True)

    assert_same_model(other, model)


@pytest.mark.parametrize("posterior", ["factorised", "full"])
@pytest.mark.parametrize("stage", Stage)
def test_a_checkpoint_is_the_whole_model(make_dsae, make_trainer, tmp_path, stage, posterior):
    settings = {"posterior": posterior, "reduction": "sum", "local_swap_v_weight": 0.25}
    model = make_dsae(stage, **settings).float()
    path = train_and_save(make_trainer(max_epochs=1), model, tmp_path)

    loaded = DSAE.load_from_checkpoint(path, weights_only=True)

    assert_same_model(loaded, model)
    assert loaded.hparams == model.hparams
    x, terms = torch.randn(4, 5, 3), []
    for either in (model, loaded):
        torch.manual_seed(1)
        terms.append(either.loss_terms(x))
    torch.testing.assert_close(*terms, rtol=0, atol=0)


@pytest.mark.parametrize("stage", Stage)
def test_training_resumes_in_the_stage_it_was_in(make_dsae, make_trainer, tmp_path, stage):
    model = make_dsae(stage).float()
    path = train_and_save(make_trainer(max_epochs=1), model, tmp_path)
    resumed, trainer = make_dsae().float(), make_trainer(max_epochs=2)

    trainer.fit(resumed, batches(), batches(), ckpt_path=path)

    assert trainer.global_step == 2
    assert resumed.stage is stage
    for snapshot, saved in zip(resumed.prior_encoder.parameters(), model.prior_encoder.parameters(), strict=True):
        assert torch.equal(snapshot, saved)


@pytest.mark.parametrize("name", OTHER_SETTINGS)
def test_a_trainer_refuses_the_checkpoint_of_another_model(make_dsae, make_trainer, tmp_path, name):
    saved, here = OTHER_SETTINGS[name]
    path = train_and_save(make_trainer(max_epochs=1), make_dsae().float(), tmp_path)
    other = make_dsae(**{name: here}).float()

    with pytest.raises(ModelError, match=rf"a model with {name} {saved} \(here {here}\)\. Set the same, or take"):
        make_trainer().validate(other, batches(), ckpt_path=path)


@pytest.mark.parametrize("name", OTHER_SETTINGS)
def test_a_checkpoint_is_not_loaded_with_other_settings(make_dsae, make_trainer, tmp_path, name):
    saved, here = OTHER_SETTINGS[name]
    path = train_and_save(make_trainer(max_epochs=1), make_dsae().float(), tmp_path)

    with pytest.raises(ModelError, match=rf"{name} {saved} \(here {here}\)"):
        DSAE.load_from_checkpoint(path, **{name: here})


def test_what_shapes_no_weight_may_change(make_dsae, make_trainer, tmp_path):
    path = train_and_save(make_trainer(max_epochs=1), make_dsae().float(), tmp_path)

    loaded = DSAE.load_from_checkpoint(path, reduction="sum", global_swap_v_weight=0.0, learning_rate=0.1)

    assert loaded.hparams["reduction"] == "sum"
    assert loaded.loss_terms(torch.randn(4, 5, 3)).keys() & {"global_swap_v", "global_swap_z"} == {"global_swap_z"}


def test_the_checkpoint_of_other_features_is_refused(make_dsae, make_trainer, tmp_path):
    path = train_and_save(make_trainer(max_epochs=1), make_dsae().float(), tmp_path)

    with pytest.raises(ModelError, match=r"a model with n_features 3 \(here 2\)\. Take the data of its run"):
        make_trainer().validate(make_dsae(x_shape=(5, 2)).float(), batches(2), ckpt_path=path)


def test_the_number_of_frames_may_change(make_dsae, make_trainer, tmp_path):
    path = train_and_save(make_trainer(max_epochs=1), make_dsae().float(), tmp_path)

    assert DSAE.load_from_checkpoint(path, x_shape=(9, 3)).generate(2).shape == (2, 9, 3)
