"""Pictures and sounds in TensorBoard and MLflow, read back from their files, and in no logger at all."""

import io
from pathlib import Path

import numpy as np
import pytest
import soundfile
from lightning.pytorch.loggers import TensorBoardLogger
from matplotlib.image import imread

from lightning_app.callbacks import LatentMap, SwapExamples
from lightning_app.tracking import MlflowRun
from modules.dsae import DSAE

VERSIONS = ("source", "target", "reconstruction", "global swap", "local swap", "prior sample")


@pytest.fixture
def train(tmp_path, tiny_clips, quiet_trainer):
    """Trains for an epoch and tests, with media; returns the run's folder."""

    def train(logger):
        data, model = tiny_clips(), DSAE(x_shape=(9, 10), v_dim=2, z_dim=3)
        media = (SwapExamples(n_examples=2), LatentMap())
        options = {"max_epochs": 1, "log_every_n_steps": 1, "enable_checkpointing": False}
        trainer = quiet_trainer(*media, logger=logger, **options)
        trainer.fit(model, data)
        trainer.test(model, data, verbose=False)
        return tmp_path

    return train


def test_tensorboard_has_pictures_and_sounds(train, tmp_path):
    accumulator = pytest.importorskip("tensorboard.backend.event_processing.event_accumulator")
    root = train(TensorBoardLogger(tmp_path, name="tensorboard", version=""))

    events = accumulator.EventAccumulator(str(root / "tensorboard"), size_guidance={"audio": 0, "images": 0})
    events.Reload()
    for prefix, name in (("val", "epoch_0001"), ("test", "test")):
        folder = root / "media" / name
        for title in ("spectrograms", "latent_map"):
            (image,) = events.Images(f"{prefix}/{title}")
            assert image.step == (1 if prefix == "val" else 2)  # two batches; the test follows in the same process
            seen = imread(io.BytesIO(image.encoded_image_string))
            np.testing.assert_allclose(seen, imread(folder / f"{title}.png")[..., :3], atol=1 / 255)
        tags = [tag for tag in events.Tags()["audio"] if tag.startswith(f"{prefix}/")]
        assert len(tags) == 2 * len(VERSIONS)
        for tag in tags:
            (sound,) = events.Audio(tag)
            row, version = tag.removeprefix(f"{prefix}/audio/").split("/")
            (file,) = folder.glob(f"{row.split('_')[0].split(':')[0]}_*{version.replace(' ', '_')}.wav")
            heard, rate = soundfile.read(io.BytesIO(sound.encoded_audio_string))
            expected, expected_rate = soundfile.read(file)
            assert rate == expected_rate == 8000
            np.testing.assert_allclose(heard, expected, atol=2**-14)
    assert {"val/loss", "test/loss"} <= set(events.Tags()["scalars"])


def test_mlflow_has_pictures_and_sounds(train, tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    # The database takes its time to be made; this is MLflow's older store, of files.
    monkeypatch.setenv("MLFLOW_ALLOW_FILE_STORE", "true")
    monkeypatch.setenv("MLFLOW_TRACKING_URI", (tmp_path / "store").as_uri())
    logger = MlflowRun(tmp_path, "mine")
    root = train(logger)

    client = mlflow.MlflowClient((tmp_path / "store").as_uri())
    (run,) = client.search_runs([client.get_experiment_by_name("disentangle").experiment_id])
    assert run.info.run_name == "mine"
    assert {"val/loss", "test/loss"} <= run.data.metrics.keys()
    kept = Path(run.info.artifact_uri.removeprefix("file://")) / "media"
    for name in ("epoch_0001", "test"):
        files = {path.name: path.read_bytes() for path in (kept / name).iterdir()}
        ours = {path.name: path.read_bytes() for path in (root / "media" / name).iterdir() if path.suffix != ".csv"}
        assert files == ours
        assert len(files) == 2 + 2 * len(VERSIONS)


@pytest.mark.slow
def test_mlflow_keeps_its_store_beside_the_runs(train, tmp_path, monkeypatch):
    mlflow = pytest.importorskip("mlflow")
    monkeypatch.delenv("MLFLOW_TRACKING_URI", raising=False)
    logger = MlflowRun(tmp_path / "runs" / "mine", "mine")
    train(logger)

    client = mlflow.MlflowClient(f"sqlite:///{tmp_path}/runs/mlflow.db")
    (run,) = client.search_runs([client.get_experiment_by_name("disentangle").experiment_id])
    assert "test/loss" in run.data.metrics
    assert list((tmp_path / "runs" / "mlruns").rglob("media/test/spectrograms.png"))


def test_no_logger_at_all(train):
    root = train(False)

    assert {path.name for path in (root / "media").iterdir()} == {"epoch_0001", "test"}
    for name in ("epoch_0001", "test"):
        assert (root / "media" / name / "latent_map.png").is_file()
