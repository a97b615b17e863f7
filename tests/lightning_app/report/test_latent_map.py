"""Maps: each clip lies where its latents are."""

import numpy as np
import pytest
import torch
from sklearn.decomposition import PCA

from lightning_app.listening.opened_run import OpenedRun
from lightning_app.listening.tiles import Sounds
from lightning_app.report.latent_map import latent_map


class Model:
    """What a map asks of a model: a latent of each clip, one way or the other."""


class WithGlobalLatent(Model):
    def global_latent(self, x):
        return torch.stack([x[:, 0].sum(-1), x[:, 3, 2:5].sum(-1), x.std(dim=(1, 2))], dim=1)

    def swap(self, source, target): ...

    def generate(self, n_sequences, *, reference=None): ...


class WithOneDimension(Model):
    attribute_names, regularized_dims = ("level",), (1,)

    def latent(self, x):
        return torch.stack([x[:, 0].sum(-1), x.mean(dim=(1, 2)), x[:, 1].sum(-1)], dim=1)

    def traverse(self, x, dim, positions): ...


@pytest.fixture
def mapped(tiny_clips):
    data = tiny_clips(n_clips=18)

    def make(model, n_points=6):
        run = OpenedRun("mine", None, {}, model, data)
        x = run.heard(range(len(data.validation_dataset)))
        return latent_map(run, data, "instrument", n_points, 0, Sounds()), x, data.validation_dataset

    return make


def _places(points, dataset):
    """The places of the points, up being up, in the order of the clips."""
    position = {f"clip {index}": place for place, index in enumerate(dataset.indices)}
    placed = sorted((position[point.title.split(",")[0]], point.x, 1 - point.y) for point in points)
    return np.array([place[1:] for place in placed])


def test_global_latents_lie_by_their_principal_components(mapped):
    found, x, dataset = mapped(WithGlobalLatent())

    expected = PCA(2).fit_transform(WithGlobalLatent().global_latent(x).numpy())
    for axis, place in enumerate(_places(found.points, dataset).T):
        assert abs(np.corrcoef(place, expected[:, axis])[0, 1]) == pytest.approx(1, abs=1e-3)
    assert found.space == "global latent v"
    assert [point.classes["instrument"] for point in found.points] == [0, 1, 0, 1, 0, 1]


def test_regularised_dimension_lies_across_with_its_attribute_rising(mapped):
    found, x, dataset = mapped(WithOneDimension())

    level = x.mean(dim=(1, 2)).numpy()
    assert np.corrcoef(_places(found.points, dataset)[:, 0], level)[0, 1] == pytest.approx(1, abs=1e-3)
    assert found.axes[0] == "z1, level"
    # The trumpet's clips are the louder.
    (violin, _), (trumpet, _) = found.centres["instrument"]
    assert trumpet - violin == pytest.approx(level[dataset.labels["instrument"] == 1].mean()
                                             - level[dataset.labels["instrument"] == 0].mean(), abs=1e-5)  # fmt: skip


def test_map_shows_as_many_clips_as_are_asked_for_and_is_of_all(mapped):
    found, _, dataset = mapped(WithGlobalLatent(), n_points=3)

    assert len(found.points) == 3
    assert found.n_clips == len(dataset) == 6


def test_model_without_either_has_no_map(mapped):
    assert mapped(Model())[0] is None
