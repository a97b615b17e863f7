"""What all tests of models share."""

from collections.abc import Callable

import pytest
import torch
from lightning import Trainer

from modules.dsae import DSAE, Stage


@pytest.fixture(autouse=True)
def seeded() -> None:
    """Starts every test from the same draws, whatever ran before it."""
    torch.manual_seed(0)


@pytest.fixture
def make_dsae() -> Callable[..., DSAE]:
    """Builds a tiny model in double precision, so that comparisons can be tight, in any stage.

    In the informed-prior stage the global encoder has moved on since the snapshot, as it has in training.
    """

    def build(stage: Stage = Stage.JOINT, **settings) -> DSAE:
        sizes = {"x_shape": (5, 3), "v_dim": 2, "z_dim": 4, "hidden_dim": 5, "transition_dim": 3}
        model = DSAE(**(sizes | settings)).double()
        model.stage = stage
        if stage is Stage.INFORMED_PRIOR:
            model.take_snapshot()
            with torch.no_grad():
                for parameter in model.global_encoder.parameters():
                    parameter += 0.3 * torch.randn_like(parameter)
        return model

    return build


@pytest.fixture
def make_trainer() -> Callable[..., Trainer]:
    """Builds a real trainer that writes and prints nothing."""

    def build(**settings) -> Trainer:
        return Trainer(
            accelerator="cpu",
            logger=False,
            enable_checkpointing=False,
            enable_progress_bar=False,
            enable_model_summary=False,
            **settings,
        )

    return build
