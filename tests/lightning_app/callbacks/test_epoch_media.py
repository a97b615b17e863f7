"""When media are written, and which of an earlier part of the run are left."""

import pytest

from lightning_app.callbacks.epoch_media import EpochMedia
from lightning_app.runs.run_folder import RunFolder
from modules.dsae import DSAE


class Names(EpochMedia):
    """Writes a text instead of pictures and sounds."""

    def write(self, trainer, module, name):
        folder = RunFolder.of(trainer).media(name)
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "text").write_text(name)


@pytest.fixture
def train(tmp_path, tiny_clips, quiet_trainer):
    """Trains with media, and returns the names of their folders."""

    def run(**options):
        model = DSAE((9, 10), v_dim=2, z_dim=3)
        quiet_trainer(Names(2), enable_checkpointing=False, **options).fit(model, tiny_clips())
        return sorted(path.name for path in tmp_path.glob("media/*"))

    return run


def test_every_few_epochs_and_after_the_last(train):
    assert train(max_epochs=5) == ["epoch_0002", "epoch_0004", "epoch_0005"]


def test_dry_run_shows_nothing(train):
    assert train(fast_dev_run=True) == []


def test_epochs_that_the_run_has_not_reached_again_are_not_shown(train, tmp_path):
    for name in ("epoch_0050", "test", "epoch_mine"):
        (tmp_path / "media" / name).mkdir(parents=True)

    assert train(max_epochs=2) == ["epoch_0002", "epoch_mine", "test"]
