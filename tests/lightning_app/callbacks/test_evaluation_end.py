"""SIGTERM in an evaluation, and in a training."""

import os
import signal

import pytest
from lightning import Callback
from lightning.pytorch.utilities.exceptions import SIGTERMException

from lightning_app.callbacks import EvaluationEnd
from lightning_app.termination import Terminated, raised_at_sigterm
from modules.dsae import DSAE


class ToldToEnd(Callback):
    """Is told so after the last batch of an evaluation, or in the first of a training; notes what still comes."""

    def __init__(self):
        self.came_after = []

    def on_test_epoch_end(self, trainer, pl_module):
        os.kill(os.getpid(), signal.SIGTERM)
        self.came_after.append("test")

    def on_train_batch_start(self, trainer, pl_module, batch, batch_idx):
        os.kill(os.getpid(), signal.SIGTERM)
        self.came_after.append("batch")


def test_evaluation_ends_at_once(tiny_clips, quiet_trainer):
    told, data = ToldToEnd(), tiny_clips()
    with raised_at_sigterm():
        handler = signal.getsignal(signal.SIGTERM)
        with pytest.raises(Terminated):
            quiet_trainer(EvaluationEnd(), told).test(DSAE(data.x_shape), data, verbose=False)
        assert signal.getsignal(signal.SIGTERM) is handler
    assert told.came_after == []


def test_training_ends_after_its_batch(tiny_clips, quiet_trainer):
    told, data = ToldToEnd(), tiny_clips()
    with raised_at_sigterm(), pytest.raises(SIGTERMException):
        quiet_trainer(EvaluationEnd(), told, max_epochs=1).fit(DSAE(data.x_shape), data)
    assert told.came_after == ["batch"]
