"""Where things lie in a run's folder, and what is removed of it."""

import pytest

from lightning_app.errors import RunError
from lightning_app.runs.run_folder import RunFolder, Training


@pytest.fixture
def folder(tmp_path):
    """A folder with the files that a run writes."""
    folder = RunFolder(tmp_path / "run")
    of_the_run = [
        *[folder.config, folder.config_of("test"), folder.best_checkpoint, folder.last_checkpoint, folder.evaluation],
        *[folder.encodings(), folder.media("epoch_0010") / "1_source.wav", folder.media("test") / "spectrograms.png"],
        *[folder.figures / "dmig.svg", folder.metrics_of("fit"), folder.metrics_of("test")],
        *[folder.wandb, folder.path / "wandb/offline-run-1/run-1.wandb"],
        folder.path / "tensorboard/events.out.tfevents.1.machine.2.3",
    ]
    for file in of_the_run:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")
    folder.mark_trained(Training(3, 9, 6))
    return folder


def test_mark_of_a_training(folder):
    assert folder.training() == Training(epochs=3, steps=9, best_step=6)

    folder.unmark()

    assert folder.training() is None


def test_mark_of_the_layout_before(folder):
    (folder.path / "training.json").write_text('{"epochs": 3, "steps": 9}')

    assert folder.training() == Training(epochs=3, steps=9, best_step=None)


@pytest.mark.parametrize("text", ["", "[]", '{"epochs": 3}', '{"length": 3}'])
def test_mark_that_is_none(folder, text):
    (folder.path / "training.json").write_text(text)

    with pytest.raises(RunError, match=r"cannot read .*training\.json"):
        folder.training()


def test_all_that_a_run_has_written_is_removed(folder):
    folder.clear()

    assert not list(folder.path.iterdir())
    assert not folder.holds_run()


def test_foreign_files_are_left(folder):
    foreign = {
        *[folder.path / "notes.txt", folder.path / "checkpoints/why.md", folder.path / "media/mine/a.wav"],
        *[folder.path / "metrics.txt", folder.path / "figures/final.pdf", folder.path / "data/clip.wav"],
    }
    for file in foreign:
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text("")

    folder.clear()

    assert {path for path in folder.path.rglob("*") if path.is_file()} == foreign


@pytest.mark.parametrize("kept", ["config.yaml", "training.json", "checkpoints/last.ckpt"])
def test_folder_holds_a_run_once_training_has_begun(tmp_path, kept):
    folder = RunFolder(tmp_path)
    folder.media("test").mkdir(parents=True)
    assert not folder.holds_run()

    (tmp_path / kept).parent.mkdir(exist_ok=True)
    (tmp_path / kept).write_text("")

    assert folder.holds_run()


def test_configuration_has_its_references_resolved(folder):
    folder.config.write_text("name: mine\ndata: {size: 3}\nmodel: {size: '${..data.size}', name: '${..name}'}")

    assert folder.read_config()["model"] == {"size": 3, "name": "mine"}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("model: [", r"cannot read .*config\.yaml"),
        ("model: ${data.nothing}\ndata: {}", r"cannot read .*config\.yaml"),
        ("", r"config\.yaml is no record of a run"),
        ("- a", r"config\.yaml is no record of a run"),
        ("model: {}", r"config\.yaml is no record of a run: it has no model and data"),
    ],
    ids=["no YAML", "broken reference", "empty", "a list", "no data"],
)
def test_configuration_that_is_none(folder, text, message):
    folder.config.write_text(text)

    with pytest.raises(RunError, match=message) as raised:
        folder.read_config()

    assert "\n" not in str(raised.value)


def test_folder_that_is_no_run(tmp_path):
    with pytest.raises(RunError, match=r"no folder .*nowhere; name the folder of a run"):
        RunFolder(tmp_path / "nowhere").read_config()
    with pytest.raises(RunError, match=r"no .*config\.yaml; name the folder of a run"):
        RunFolder(tmp_path).read_config()
