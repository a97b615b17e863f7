"""Maps of clips: what they show is held against the model and the data, and their principal components against SVD."""

import csv
import sys

import numpy as np
import pytest
import torch
from lightning import LightningModule
from matplotlib.image import imread

from lightning_app.callbacks import LatentMap
from lightning_app.errors import RunError
from modules.dsae import DSAE
from modules.vae import BetaVAE


class Level(LightningModule):
    """A model of another's making: its v is a line through three dimensions, along which the loud lie further."""

    def __init__(self, dims=3):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.ones(()))
        self.direction = torch.tensor([3.0, 4.0, 0.0])[:dims]

    def global_latent(self, x):
        assert not self.training
        return x.mean((1, 2))[:, None] * self.direction

    def training_step(self, batch):
        return self.weight.square()

    def validation_step(self, batch):
        """Nothing is followed."""

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), 0.0)


def rows_of(folder):
    with (folder / "latent_map.csv").open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def mapped(tmp_path, quiet_trainer):
    """Trains a model for an epoch with a map, and returns the rows of the map's table."""

    def mapped(model, data, **options):
        trainer = quiet_trainer(LatentMap(**options), max_epochs=1, enable_checkpointing=False)
        trainer.fit(model, data)
        return rows_of(tmp_path / "media" / "epoch_0001")

    return mapped


def test_points_are_where_the_model_has_the_clips(mapped, tiny_clips):
    data = tiny_clips(n_clips=30)

    rows = mapped(Level(), data)

    dataset = data.validation_dataset
    assert [int(row["index"]) for row in rows] == dataset.indices.tolist() == list(range(20, 30))
    names = data.class_names["instrument"]
    assert [row["instrument"] for row in rows] == [names[label] for label in dataset.labels["instrument"]]
    x, y = (np.array([float(row[axis]) for row in rows]) for axis in "xy")
    levels = 5 * np.array([dataset[position]["x"].mean().item() for position in range(len(dataset))])
    expected = levels - levels.mean()  # on a line, the first component is the distance along it
    np.testing.assert_allclose(np.abs(x), np.abs(expected), atol=1e-5)
    assert abs(np.corrcoef(x, expected)[0, 1]) == pytest.approx(1)
    np.testing.assert_allclose(y, 0, atol=1e-5)


def test_many_dimensions_come_into_the_plane_of_most_variance(mapped, tiny_clips):
    data, model = tiny_clips(n_clips=60), DSAE((9, 10), v_dim=6, z_dim=3)

    rows = mapped(model, data)

    dataset = data.validation_dataset
    with torch.inference_mode():
        v = model.eval().global_latent(torch.stack([dataset[i]["x"] for i in range(len(dataset))])).double().numpy()
    left, values, _ = np.linalg.svd(v - v.mean(0), full_matrices=False)
    points = np.array([[float(row["x"]), float(row["y"])] for row in rows])
    np.testing.assert_allclose(np.abs(points), np.abs(left[:, :2] * values[:2]), atol=1e-5)


@pytest.mark.parametrize("projection", ["tsne", pytest.param("umap", marks=pytest.mark.slow)])  # numba compiles UMAP
def test_neighbours_stay_together(mapped, tiny_clips, projection):
    if projection == "umap":
        pytest.importorskip("umap")
    data = tiny_clips(n_clips=90)

    rows = mapped(Level(), data, projection=projection, seed=3)

    points = np.array([[float(row["x"]), float(row["y"])] for row in rows])
    assert np.isfinite(points).all()
    distance = np.linalg.norm(points[:, None] - points[None], axis=-1)
    np.fill_diagonal(distance, np.inf)
    label = np.array([row["instrument"] for row in rows])
    assert np.mean(label[distance.argmin(1)] == label) > 0.9


def test_one_dimension_has_a_map_too(mapped, tiny_clips):
    assert {float(row["y"]) for row in mapped(Level(dims=1), tiny_clips())} == {0.0}


def test_of_more_clips_some_are_shown_evenly(mapped, tiny_clips):
    rows = mapped(Level(), tiny_clips(n_clips=30), n_clips=4)

    assert [int(row["index"]) for row in rows] == [20, 23, 26, 29]


def test_regularised_dimensions_are_shown_where_there_is_no_v(tmp_path, make_notes, quiet_trainer):
    data = make_notes()
    data.setup("fit")
    model = BetaVAE(data.x_shape, latent_dim=4, width=0.0625, attribute_names=("brightness", "depth"))
    trainer = quiet_trainer(LatentMap(factor="pitch"), limit_test_batches=1)

    trainer.test(model, data, verbose=False)

    rows = rows_of(tmp_path / "media" / "test")
    assert len(rows) == len(data.validation_dataset)
    known = np.array(data.class_names["pitch"])[data.validation_dataset.labels["pitch"]]
    assert [row["pitch"] for row in rows] == known.tolist()
    assert {"instrument", "family", "source"} <= rows[0].keys()


def test_colours_are_of_the_class_and_the_legend_is_beside_the_points(mapped, tiny_clips, tmp_path):
    mapped(Level(), tiny_clips())

    picture = imread(tmp_path / "media" / "epoch_0001" / "latent_map.png")[..., :3]
    frame = np.flatnonzero((picture < 0.2).all(-1).mean(0) > 0.6)  # its left and right side
    for colour in ((0, 0x72, 0xB2), (0xD5, 0x5E, 0)):
        columns = np.flatnonzero((np.abs(picture - np.array(colour) / 255) < 0.01).all(-1).any(0))
        assert ((columns > frame[0]) & (columns < frame[-1])).any()  # the points
        assert (columns > frame[-1]).any()  # the legend


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            {"every_n_epochs": 0},
            "latent_map.every_n_epochs and latent_map.n_clips must be 1 or more; --latent_map null",
        ),
        ({"n_clips": 0}, "latent_map.every_n_epochs and latent_map.n_clips must be 1 or more; --latent_map null"),
    ],
)
def test_options_that_are_too_small(options, message):
    with pytest.raises(RunError, match=message):
        LatentMap(**options)


def test_umap_that_is_not_installed_is_told_before_any_work(monkeypatch):
    monkeypatch.setattr(sys, "meta_path", [])
    monkeypatch.delitem(sys.modules, "umap", raising=False)

    with pytest.raises(RunError, match=r"UMAP is not installed: pip install 'disentangle\[umap\]', or take"):
        LatentMap(projection="umap")


def test_class_that_the_data_do_not_have(tiny_clips):
    with pytest.raises(
        RunError, match=r"latent_map.factor is 'instrumnt', .* by instrument. Did you mean instrument\?"
    ):
        LatentMap(factor="instrumnt").check(Level(), tiny_clips(), "fit")


def test_model_without_a_latent_of_clips(tiny_clips):
    with pytest.raises(RunError, match=r"LightningModule has no global_latent .* with --latent_map null"):
        LatentMap().check(LightningModule(), tiny_clips(), "fit")
