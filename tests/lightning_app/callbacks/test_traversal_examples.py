"""Files, scores and sounds of traversals, of models whose decoders are known to the last bin."""

import csv

import numpy as np
import pytest
import soundfile
import torch
from lightning.pytorch.loggers import CSVLogger
from torch import nn

from datamodules.analysis import timbral
from lightning_app.callbacks import TraversalExamples, traversal_examples
from lightning_app.errors import RunError
from metrics import functional
from modules.audio.log_magnitude import InverseLogMagnitude, LogMagnitude, LogMagnitudeSpec
from modules.dsae import DSAE
from modules.gaussian import Gaussian
from modules.vae import BetaVAE

NAMES = ("brightness", "depth")
DIMS = (2, 0)
PNG = b"\x89PNG"
SPEC = LogMagnitudeSpec(n_samples=8000, size=128, hop_length=128)
SCORES = ("smoothness", "monotonicity", "range", "n_traversals", "n_moving_traversals")


class SlopeEncoder(nn.Module):
    """Dimension 2 tells how bright a note is; the others come and go with its level. All are spread by about 1."""

    def __init__(self, spread: float = 1.0) -> None:
        super().__init__()
        self.spread = nn.Parameter(torch.tensor(spread))

    def forward(self, x):
        centroid = (x.mean(dim=(1, 2)) * torch.arange(128.0)).sum(1) / x.mean(dim=(1, 2)).sum(1).clamp(min=1e-9)
        level = x.mean(dim=(1, 2, 3))
        mean = self.spread * torch.stack([10 * level, 5 * level, centroid / 10, -level], dim=1)
        return Gaussian(mean, torch.zeros_like(mean))


class TiltDecoder(nn.Module):
    """Spectra that fall off the more slowly the larger dimension 2 is: each step along it is brighter."""

    def forward(self, z):
        bins = torch.arange(128.0)
        fall_off = torch.exp(-bins / (4.0 * torch.exp(0.5 * z[:, 2:3]).clamp(0.2, 20.0)))
        return 2.0 * fall_off[:, None, None].expand(-1, 1, 128, -1) * (1 + 0.01 * z[:, 0])[:, None, None, None]


class TiltAndBassDecoder(TiltDecoder):
    """Dimension 0 takes the bass away, which makes a sound shallower, as dimension 2 makes it brighter."""

    def forward(self, z):
        return super().forward(z) * torch.sigmoid(torch.arange(128.0) - 60 * z[:, 0:1])[:, None, None]


class SilentDecoder(nn.Module):
    def forward(self, z):
        return -torch.ones(len(z), 1, 128, 128) + 0 * z.sum()


class SilentAtTheEnd(TiltDecoder):
    """Silent at large values of dimension 0 alone."""

    def forward(self, z):
        return super().forward(z) * (z[:, 0] < 2.9)[:, None, None, None]


def vae(decoder=None, encoder=None, names=NAMES, dims=DIMS) -> BetaVAE:
    parts = {"encoder": encoder or SlopeEncoder(), "decoder": decoder or TiltDecoder()}
    return BetaVAE((1, 128, 128), names, list(dims), latent_dim=4, learning_rate=0.0, **parts)


@pytest.fixture
def drawn(monkeypatch):
    """What the pictures of a run are of; they are drawn all the same."""
    calls = {}
    draw = traversal_examples.save_spectrogram_grid

    def record(path, columns, rows, seconds, **options):
        calls[path.stem] = {"columns": columns, "rows": rows, "seconds": seconds, **options}
        draw(path, columns, rows, seconds, **options)

    monkeypatch.setattr(traversal_examples, "save_spectrogram_grid", record)
    return calls


def shown_notes(data, n_examples):
    """Audio of notes that are spread over the validation notes, (n, n_samples)."""
    last = len(data.validation_dataset) - 1
    rows = [0] if n_examples == 1 else [number * last // (n_examples - 1) for number in range(n_examples)]
    return torch.stack([data.validation_dataset[row]["audio"] for row in rows])


def means(model, data):
    notes = torch.stack([data.validation_dataset[i]["audio"] for i in range(len(data.validation_dataset))])
    with torch.no_grad():
        return model.encoder(LogMagnitude(SPEC)(notes)).mean


def decoded_audio(model, data, audio, dim, positions):
    """(n, P, 1, size, size) and (n, P, n_samples), one at a time: each with the phase of the note itself."""
    log_magnitude, inverse = LogMagnitude(SPEC), InverseLogMagnitude(SPEC)
    pictures, waves = [], []
    with torch.no_grad():
        for note in audio[:, None]:
            z = model.encoder(log_magnitude(note)).mean.repeat(len(positions), 1)
            z[:, dim] = torch.as_tensor(positions)
            pictures.append(model.decoder(z))
            waves.append(torch.cat([inverse(picture[None], log_magnitude.phase(note)) for picture in pictures[-1]]))
    return torch.stack(pictures), torch.stack(waves).numpy()


def scores_of(folder):
    with (folder / "traversals.csv").open() as file:
        return {row["score"]: float(row["value"]) for row in csv.DictReader(file)}


def test_files_of_a_test(make_notes, quiet_trainer, tmp_path, drawn):
    model, data = vae(), make_notes()
    quiet_trainer(TraversalExamples(n_examples=2, n_positions=4)).test(model, data, verbose=False)

    folder = tmp_path / "media" / "test"
    sounds = [f"{name}_{number}.wav" for name in NAMES for number in (1, 2)]
    assert {path.name for path in folder.iterdir()} == {*sounds, "brightness.png", "depth.png", "traversals.csv"}
    for name, dim in zip(NAMES, DIMS, strict=True):
        assert (folder / f"{name}.png").read_bytes().startswith(PNG)
        positions = np.linspace(*np.quantile(means(model, data)[:, dim].numpy(), [0.02, 0.98]), 4)
        pictures, waves = decoded_audio(model, data, shown_notes(data, 2), dim, positions)
        # The picture: a row for each note, a column for each position, without the frames after the note's end.
        picture = drawn[name]
        assert list(picture["columns"]) == [f"z = {position:.2f}" for position in positions]
        assert picture["rows"] == ["clip 1", "clip 2"]
        assert picture["seconds"] == 0.5
        for place, strip in enumerate(picture["columns"].values()):
            assert strip.shape == (2, 63, 128)
            np.testing.assert_allclose(strip, pictures[:, place, 0, :63].numpy(), atol=1e-5)
        for number, expected in enumerate(waves, start=1):
            audio, rate = soundfile.read(folder / f"{name}_{number}.wav")
            assert rate == 16_000
            assert audio.shape == (4 * 8000,)
            expected = expected.ravel() / max(1.0, np.abs(expected).max())
            np.testing.assert_allclose(audio, expected, atol=2e-4)
            assert np.abs(audio).max() > 0.01


def test_scores_are_of_the_attribute_measured_on_the_decoded_audio(make_notes, quiet_trainer, tmp_path, drawn):
    model, data = vae(TiltAndBassDecoder()), make_notes()
    logger = CSVLogger(tmp_path, name="logs")
    trainer = quiet_trainer(TraversalExamples(n_examples=2, n_positions=4), logger=logger)
    trainer.test(model, data, verbose=False)

    scores = scores_of(tmp_path / "media" / "test")
    with (tmp_path / "logs/version_0/metrics.csv").open() as file:
        logged = {key: value for row in csv.DictReader(file) for key, value in row.items() if value}
    assert scores.keys() == {f"{score}/{name}" for score in SCORES for name in NAMES}
    for name, dim in zip(NAMES, DIMS, strict=True):
        positions = np.linspace(*np.quantile(means(model, data)[:, dim].double().numpy(), [0.02, 0.98]), 4)
        _, waves = decoded_audio(model, data, shown_notes(data, 2), dim, positions)
        measured = np.array([[getattr(timbral, name)(wave, 16_000) for wave in note] for note in waves])
        for place, labels in enumerate(drawn[name]["labels"].values()):
            assert [label.split()[0] for label in labels] == [name] * 2
            shown = np.array([float(label.split()[1]) for label in labels])
            assert np.abs(shown - measured[:, place]).max() < 0.5 + timbral.RESOLUTION
        along = np.tile(positions, (2, 1))
        assert scores[f"smoothness/{name}"] == pytest.approx(functional.smoothness(along, measured).item(), abs=0.01)
        assert scores[f"monotonicity/{name}"] == pytest.approx(functional.monotonicity(along, measured).item())
        assert scores[f"n_traversals/{name}"] == scores[f"n_moving_traversals/{name}"] == 2.0
        # One at a time or together, and by other kernels: a sound's attribute differs by less than its resolution.
        assert scores[f"range/{name}"] == pytest.approx(np.ptp(measured, axis=1).mean(), abs=timbral.RESOLUTION)
        assert np.ptp(measured, axis=1).min() > 30 * timbral.RESOLUTION
    # Brighter at each step, by the decoder's making.
    assert scores["monotonicity/brightness"] == 1.0
    for key, value in scores.items():
        assert float(logged[f"media/{key}"]) == pytest.approx(value, rel=1e-6), key


def test_an_attribute_that_stands_still_has_a_range_and_no_scores(make_notes, quiet_trainer, tmp_path):
    """The level, which dimension 0 changes, is no part of depth; its differences are rounding."""
    logger = CSVLogger(tmp_path, name="logs")
    quiet_trainer(TraversalExamples(n_examples=2, n_positions=4), logger=logger).test(
        vae(), make_notes(), verbose=False
    )

    scores = scores_of(tmp_path / "media" / "test")
    assert np.isnan([scores["smoothness/depth"], scores["monotonicity/depth"]]).all()
    assert 0.0 <= scores["range/depth"] <= timbral.RESOLUTION
    assert (scores["n_traversals/depth"], scores["n_moving_traversals/depth"]) == (2.0, 0.0)
    assert scores["monotonicity/brightness"] == 1.0
    assert (tmp_path / "logs/version_0/metrics.csv").read_text().count("nan") == 2


def test_positions_go_from_the_second_to_the_98th_percentile(make_notes, quiet_trainer, drawn):
    model, data = vae(), make_notes()
    quiet_trainer(TraversalExamples(n_examples=1, n_positions=5)).test(model, data, verbose=False)

    for name, dim in zip(NAMES, DIMS, strict=True):
        positions = [float(title.removeprefix("z = ")) for title in drawn[name]["columns"]]
        there = means(model, data)[:, dim]
        # To two decimals, as the titles have them.
        assert there.min() - 0.005 < positions[0] < there.quantile(0.05) + 0.005
        assert there.quantile(0.95) - 0.005 < positions[-1] < there.max() + 0.005
        assert np.diff(positions) == pytest.approx([(positions[-1] - positions[0]) / 4] * 4, abs=0.011)


@pytest.mark.parametrize(
    ("max_epochs", "every", "folders"),
    [(1, 10, ["epoch_0001"]), (3, 2, ["epoch_0002", "epoch_0003"]), (2, 1, ["epoch_0001", "epoch_0002"])],
)
def test_media_of_every_few_epochs_and_of_the_last(make_notes, quiet_trainer, tmp_path, max_epochs, every, folders):
    model, data = vae(names=("pitch",), dims=(2,)), make_notes(attributes=("pitch",))
    callback = TraversalExamples(every_n_epochs=every, n_examples=1, n_positions=3)
    quiet_trainer(callback, max_epochs=max_epochs).fit(model, data)

    assert sorted(path.name for path in (tmp_path / "media").iterdir()) == folders


def test_attributes_that_are_not_of_the_audio_have_pictures_and_sounds_alone(
    make_notes, quiet_trainer, tmp_path, drawn
):
    names = ("pitch", "velocity")
    model, data = vae(names=names, dims=(2, 1)), make_notes(attributes=names)
    quiet_trainer(TraversalExamples(n_examples=1, n_positions=3)).test(model, data, verbose=False)

    folder = tmp_path / "media" / "test"
    assert {path.name for path in folder.iterdir()} == {"pitch.png", "velocity.png", "pitch_1.wav", "velocity_1.wav"}
    assert [labels for picture in drawn.values() for labels in picture["labels"].values()] == [[""]] * 6


def test_unregularised_attributes_are_not_traversed(make_notes, quiet_trainer, tmp_path):
    names = ("pitch", "brightness")
    model, data = vae(names=names, dims=(1,)), make_notes(attributes=names)
    quiet_trainer(TraversalExamples(n_examples=1, n_positions=3)).test(model, data, verbose=False)

    assert {path.name for path in (tmp_path / "media" / "test").iterdir()} == {"pitch.png", "pitch_1.wav"}


def test_silent_decodings_do_no_harm(make_notes, quiet_trainer, tmp_path, drawn):
    logger = CSVLogger(tmp_path, name="logs")
    options = {"max_epochs": 1, "logger": logger, "log_every_n_steps": 1}
    trainer = quiet_trainer(TraversalExamples(n_examples=1, n_positions=3), **options)
    trainer.fit(vae(SilentDecoder()), make_notes())

    folder = tmp_path / "media" / "epoch_0001"
    assert {path.name for path in folder.iterdir()} == {
        f"{name}{ending}" for name in NAMES for ending in (".png", "_1.wav")
    }
    assert not soundfile.read(folder / "depth_1.wav")[0].any()
    assert [labels for picture in drawn.values() for labels in picture["labels"].values()] == [[""]] * 6


def test_scores_are_of_the_notes_that_sound_at_every_position(make_notes, quiet_trainer, tmp_path, drawn):
    """Dimension 0 is traversed into silence, dimension 2 is not but for notes that are loud."""
    model, data = vae(SilentAtTheEnd()), make_notes()
    data.setup("test")
    loud = means(model, data)[:, 0]
    with torch.no_grad():
        model.encoder.spread *= 2.9 / loud.median()
    quiet_trainer(TraversalExamples(n_examples=3, n_positions=3)).test(model, data, verbose=False)

    shown = [0, (len(loud) - 1) // 2, len(loud) - 1]
    sounding = sum(bool(value < 2.9) for value in means(model, data)[shown, 0])
    assert sounding in (1, 2)
    scores = scores_of(tmp_path / "media" / "test")
    assert scores["n_traversals/brightness"] == sounding
    assert "n_traversals/depth" not in scores
    assert "smoothness/depth" not in scores
    labels = list(drawn["depth"]["labels"].values())
    assert all(labels[0])
    assert labels[-1] == ["", "", ""]


@pytest.mark.parametrize("training", [True, False])
def test_mode_of_the_model_is_as_before(make_notes, quiet_trainer, tmp_path, training):
    model, data = vae(names=("pitch",), dims=(2,)), make_notes(attributes=("pitch",))
    modes = []
    model.decoder.register_forward_hook(lambda module, given, output: modes.append(module.training))
    callback, trainer = TraversalExamples(n_examples=1, n_positions=3), quiet_trainer()
    trainer.validate(model, data, verbose=False)
    model.train(training)
    modes.clear()

    callback.on_test_end(trainer, model)

    assert (tmp_path / "media" / "test" / "pitch.png").exists()
    assert modes == [False]
    assert model.training is training
    assert model.decoder.training is training


@pytest.mark.parametrize("spread", [0.0, 1e-6, 1e-7])
def test_collapsed_dimension_does_no_harm(make_notes, quiet_trainer, tmp_path, spread):
    """A posterior that has collapsed, or has not spread yet, leaves next to nothing to traverse."""

    class Collapsed(SlopeEncoder):
        def forward(self, x):
            q_z = super().forward(x)
            return Gaussian(q_z.mean - 0.2, q_z.log_variance)

    trainer = quiet_trainer(TraversalExamples(n_examples=1, n_positions=7), max_epochs=1)
    trainer.fit(vae(encoder=Collapsed(spread)), make_notes())

    assert (tmp_path / "media" / "epoch_0001" / "brightness.png").exists()


def test_more_examples_than_notes(make_notes, quiet_trainer, tmp_path):
    model = vae(names=("pitch",), dims=(2,))
    data = make_notes(attributes=("pitch",), velocities=(25,))
    quiet_trainer(TraversalExamples(n_examples=6, n_positions=3)).test(model, data, verbose=False)

    assert len(list((tmp_path / "media" / "test").glob("pitch_*.wav"))) == 6


# What is refused


@pytest.mark.parametrize("option", [{"every_n_epochs": 0}, {"n_examples": 0}, {"n_positions": 2}])
def test_options_that_show_nothing_are_refused(option):
    with pytest.raises(RunError, match=rf"media\.{next(iter(option))}.*--media null leaves media out"):
        TraversalExamples(**option)


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (lambda: vae(dims=()), "BetaVAE has none here"),
        (lambda: DSAE((9, 10)), "DSAE has no attribute_names, latent, regularized_dims, traverse"),
        (lambda: vae(names=("depth", "brightness")), "depth, brightness, the data's brightness, depth"),
    ],
    ids=["plain beta-VAE", "DSAE", "other attributes"],
)
def test_models_that_cannot_be_traversed_are_refused_before_training(
    make_notes, quiet_trainer, tmp_path, model, message
):
    with pytest.raises(RunError, match=message):
        quiet_trainer(TraversalExamples(), max_epochs=1).fit(model(), make_notes())

    assert not (tmp_path / "media").exists()


def test_data_that_are_not_notes_are_refused(tiny_clips, quiet_trainer):
    with pytest.raises(RunError, match="the data's ; they must be the same"):
        quiet_trainer(TraversalExamples(), max_epochs=1).fit(vae(), tiny_clips())
