"""A run taken up again from its folder."""

import re
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from sklearn.mixture import GaussianMixture

from datamodules import DataError, DMelodiesDataModule
from lightning_app import load_run
from lightning_app.errors import RunError
from modules.dsae import DSAE
from modules.protocols import Stage


@pytest.fixture
def copy(two_octave_run, tmp_path):
    """A run's folder that may be spoilt."""
    return shutil.copytree(two_octave_run, tmp_path / "copy")


def test_model_has_the_weights_of_the_best_checkpoint(two_octave_run):
    model = load_run(two_octave_run).model

    expected = DSAE.load_from_checkpoint(two_octave_run / "checkpoints" / "best.ckpt")
    assert isinstance(model, DSAE)
    assert not model.training
    assert model.stage is expected.stage
    for name, weights in expected.named_parameters():
        assert torch.equal(model.get_parameter(name), weights)


def test_data_are_those_of_the_run(two_octave_run, render_cache):
    data = load_run(two_octave_run).data

    assert isinstance(data, DMelodiesDataModule)
    assert data.class_names.items() >= {"instrument": ("violin", "trumpet"), "octave": ("4", "5")}.items()
    assert (data.representation.n_mels, data.representation.hop_length, data.batch_size) == (40, 1024, 7)
    entries = set(render_cache.iterdir())
    data.prepare_data()
    assert set(render_cache.iterdir()) == entries  # what the run has rendered


def test_data_are_made_ready(two_octave_run):
    run = load_run(two_octave_run)

    data = run.ready_data

    assert data is run.data
    assert len(data.train_dataset) > len(data.validation_dataset) > 0
    assert len(data.train_dataset[0]["x"]) > 1


def test_folder_is_left_as_it_is(two_octave_run):
    before = {path: path.stat().st_mtime_ns for path in two_octave_run.rglob("*")}

    load_run(two_octave_run)

    assert {path: path.stat().st_mtime_ns for path in two_octave_run.rglob("*")} == before


def test_readme_shows_how(two_octave_run, sound_file, tmp_path, monkeypatch):
    readme = (Path(__file__).parents[3] / "README.md").read_text()
    (code,) = re.findall(r"```python\n(from lightning_app.*?)```", readme, flags=re.DOTALL)
    for name in ("violin.wav", "trumpet.flac", "recordings/a.wav"):
        sound_file(name)
    monkeypatch.chdir(tmp_path)
    names = {}

    exec(code.replace("runs/mine", str(two_octave_run)), names)

    assert isinstance(names["run"].model, DSAE)
    assert names["encodings"].latents["v_mean"].shape == (1, 3)
    assert (tmp_path / "violin_as_trumpet.wav").is_file()


# What is refused


def test_folder_that_is_no_run(tmp_path):
    with pytest.raises(RunError, match=r"no .*config\.yaml; name the folder of a run"):
        load_run(tmp_path)
    with pytest.raises(RunError, match=r"no folder .*nowhere"):
        load_run(str(tmp_path / "nowhere"))


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("model: [", r"cannot read .*config\.yaml"),
        ("model: ${data.nothing}\ndata: {}", r"cannot read .*config\.yaml"),
        ("", r"config\.yaml is no record of a run"),
        ("- a", r"config\.yaml is no record of a run"),
        ("model: {class_path: modules.DSAE, init_args: {z_dim: 4}}", r"config\.yaml is no record of a run"),
        ("model: null\ndata: null", r"config\.yaml does not fit"),
        (
            "model: {class_path: modules.DSAE, init_args: {z_dim: 4}}\n"
            "data: {class_path: datamodules.DMelodiesDataModule, init_args: {octave: 4}}",
            r"config\.yaml does not fit this version.*octave",
        ),
    ],
    ids=["no YAML", "broken reference", "empty", "a list", "no data", "nulls", "unknown option"],
)
def test_record_that_cannot_be_used(copy, config, message):
    (copy / "config.yaml").write_text(config)

    with pytest.raises(RunError, match="(?s)" + message):
        load_run(copy)


def test_run_without_a_checkpoint(copy):
    (copy / "checkpoints" / "best.ckpt").unlink()

    with pytest.raises(RunError, match=r"no checkpoint at .*best\.ckpt"):
        load_run(copy)


@pytest.mark.parametrize("n_bytes", [0, 20, 5000])
def test_checkpoint_that_was_cut_short(copy, n_bytes):
    checkpoint = copy / "checkpoints" / "best.ckpt"
    checkpoint.write_bytes(checkpoint.read_bytes()[:n_bytes])

    with pytest.raises(RunError, match=r"best\.ckpt is not a checkpoint, or was cut short"):
        load_run(copy)


# Without the data


def test_what_is_heard_is_known_without_the_data(copy):
    """Neither the audio nor the cache is there any more, nor may anything be made anew."""
    config = (copy / "config.yaml").read_text()
    (copy / "config.yaml").write_text(re.sub(r"size: 40", "size: 10", config))  # other data: they are not looked at
    loaded = load_run(copy)

    assert loaded.representation.settings == {
        "class": "LogMelSequence", "sample_rate": 16_000, "n_fft": 2048, "hop_length": 1024, "n_mels": 40
    }  # fmt: skip
    assert loaded.n_samples == 64_000
    assert loaded.class_names["instrument"] == ("violin", "trumpet")
    assert loaded.usual_peak == pytest.approx(1.0)  # of every rendered melody
    assert "data" not in vars(loaded)


def _without_record(copy, *keys):
    path = copy / "checkpoints" / "best.ckpt"
    checkpoint = torch.load(path, weights_only=True)
    if keys:
        for key in keys:
            del checkpoint["DMelodiesDataModule"][key]
    else:
        del checkpoint["DMelodiesDataModule"]
    torch.save(checkpoint, path)
    return load_run(copy)


def test_checkpoint_without_a_record_of_its_data_asks_the_data(copy):
    loaded = _without_record(copy)

    assert loaded.representation is loaded.data.representation
    assert (loaded.n_samples, loaded.class_names["octave"]) == (64_000, ("4", "5"))
    assert loaded.usual_peak == pytest.approx(1.0)


def test_level_that_nobody_knows_is_full_scale_with_a_warning(copy):
    loaded = _without_record(copy, "usual_peak")
    loaded.data.prepare_data = lambda: (_ for _ in ()).throw(DataError("no FluidSynth here."))

    with pytest.warns(UserWarning, match=r"does not tell how loud its clips were, and the data are not here \(no Flu"):
        assert loaded.usual_peak == 1.0


def test_draws_of_a_model_with_a_prior_of_each_are_those_of_the_procedure_step_by_step(two_octave_run):
    run = load_run(two_octave_run)
    run.model.enter_stage(Stage.INFORMED_PRIOR)

    sounds = run.generate(3, mixture_components=2, seed=4)

    clips = run.ready_data.train_dataset
    torch.manual_seed(4)
    with torch.no_grad():
        # In batches of the data's size, since phases that are guessed make much of rounding.
        batches = torch.stack([clips[n]["x"] for n in range(len(clips))]).split(7)
        v = torch.cat([run.model.global_latent(x) for x in batches]).double()
        drawn = GaussianMixture(2, random_state=4).fit(v.numpy()).sample(3)[0]
        drawn = torch.from_numpy(np.random.default_rng(4).permutation(drawn)).float()
        decoded = run.model.decode(run.model.draw_local(1), drawn[:1])
        expected = run.representation.inverse(decoded, run.n_samples)[0].numpy()
    expected /= max(1.0, np.abs(expected).max())
    np.testing.assert_allclose(sounds[0].wave, expected, atol=1e-5)
    for sound, again in zip(sounds, run.generate(3, mixture_components=2, seed=4), strict=True):
        np.testing.assert_array_equal(sound.wave, again.wave)


def test_model_with_a_prior_of_each_and_no_latents_to_decode_needs_sounds(two_octave_run, monkeypatch):
    run = load_run(two_octave_run)
    run.model.enter_stage(Stage.INFORMED_PRIOR)
    monkeypatch.delattr(DSAE, "draw_local")

    with pytest.raises(RunError, match=r"DSAE has a prior .* draws only with draw_local .* with --reference"):
        run.generate(1)
