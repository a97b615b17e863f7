"""Whole runs of the regularised beta-VAE through the command line, on a few notes in NSynth's layout."""

import csv
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch
import yaml

from lightning_app.cli import main
from lightning_app.commands.disentangle import main as disentangle
from modules.vae import BetaVAE

CONFIGS = Path(__file__).parents[2] / "configs"
LAST = "checkpoints/last.ckpt"
BEST = "checkpoints/best.ckpt"
NAMES = ("brightness", "depth")
SCORES = {f"{score}/{name}" for score in ("scc", "mig", "dmig", "xmig", "dlig") for name in NAMES} | {"modularity"}


def weights(checkpoint):
    return torch.load(checkpoint, weights_only=True)["state_dict"]


def logged(root, name="metrics.csv"):
    with (root / name).open() as file:
        return list(csv.DictReader(file))


def validation_rows(root, name="metrics.csv"):
    return [row for row in logged(root, name) if row.get("val/scc/depth")]


def test_fit_validate_test_predict(ar_vae, capsys):
    root = ar_vae("fit", logger=True)
    for subcommand in ("validate", "test", "predict"):
        ar_vae(subcommand, "--ckpt_path", str(root / BEST), logger=True)

    assert {f"val/{score}" for score in SCORES} <= logged(root)[0].keys()
    assert {"train/loss", "train/kl", "train/regularization/depth", "val/n_ksg-k3"} <= logged(root)[0].keys()
    assert [row["epoch"] for row in validation_rows(root)] == ["0", "1"]
    record = json.loads((root / "evaluation.json").read_text())
    assert record["scores"].keys() >= SCORES
    assert record["scores"]["n_ksg-k3"] == 18.0
    checkpoint = torch.load(root / BEST, weights_only=True)
    best = checkpoint["epoch"]
    assert (record["checkpoint"], record["epoch"]) == ("best.ckpt", best)
    assert (record["step"], record["n_clips"]) == (checkpoint["global_step"], 18)
    for score in SCORES:  # of the posterior means, so the same however often they are computed
        for row in (validation_rows(root)[best], *validation_rows(root, "metrics.validate.csv")):
            assert float(row[f"val/{score}"]) == pytest.approx(record["scores"][score], abs=1e-6), score
    assert "Latent evaluation" in capsys.readouterr().out
    model = BetaVAE.load_from_checkpoint(root / BEST)
    assert (model.attribute_names, model.regularized_dims) == (NAMES, (0, 1))
    assert model.x_shape == (1, 128, 128)


def test_encodings_are_of_all_training_and_validation_notes(ar_vae, make_notes):
    root = ar_vae("fit")
    ar_vae("predict", "--ckpt_path", str(root / BEST))

    data, model = make_notes(), BetaVAE.load_from_checkpoint(root / BEST).eval()
    data.setup("predict")
    with np.load(root / "encodings.npz") as encodings:
        assert sorted(encodings["part"].tolist()) == [0] * 12 + [1] * 18
        assert encodings["z_mean"].shape == encodings["z_log_variance"].shape == (30, 8)
        assert not {"audio", "x"} & set(encodings)
        for part, dataset in enumerate((data.train_dataset, data.validation_dataset)):
            rows = encodings["part"] == part
            assert encodings["index"][rows].tolist() == dataset.indices.tolist()
            notes = [dataset[i] for i in range(len(dataset))]
            batch = data.on_after_batch_transfer({"audio": torch.stack([note["audio"] for note in notes])}, 0)
            with torch.no_grad():
                means = model.encode(batch["x"]).mean.numpy()
            np.testing.assert_allclose(encodings["z_mean"][rows], means, rtol=1e-4, atol=1e-5)
            attributes = torch.stack([note["attributes"] for note in notes]).numpy()
            np.testing.assert_array_equal(encodings["attributes"][rows], attributes)


@pytest.mark.parametrize("stop_after", [1, 2])
def test_stopped_and_resumed_run_ends_with_the_same_weights(ar_vae, stop_after):
    whole = ar_vae("fit", "--trainer.max_epochs", "3", folder="whole")

    root = ar_vae("fit", "--trainer.max_epochs", str(stop_after), folder="stopped", logger=True)
    ar_vae("fit", "--trainer.max_epochs", "3", "--ckpt_path", str(root / LAST), folder="stopped", logger=True)

    expected, resumed = weights(whole / LAST), weights(root / LAST)
    assert expected.keys() == resumed.keys()
    for name, tensor in expected.items():
        assert torch.equal(resumed[name], tensor), name
    assert [row["epoch"] for row in validation_rows(root)] == ["0", "1", "2"]
    assert len(logged(root)) == len({row["step"] for row in logged(root)})


def test_figure_of_a_run_has_each_epoch_of_its_training(ar_vae):
    """Stopped and resumed, and evaluated in the same folder, as the documentation's commands do."""
    root = ar_vae("fit", logger=True)
    ar_vae("fit", "--trainer.max_epochs", "4", "--ckpt_path", str(root / LAST), logger=True)
    trained = validation_rows(root)
    ar_vae("test", "--ckpt_path", str(root / LAST), logger=True)
    disentangle(["figure", "dmig", "--run", str(root)])

    with (root / "figures" / "dmig.csv").open() as file:
        drawn = list(csv.DictReader(file))
    assert [float(row["epoch"]) for row in drawn] == [0.0, 1.0, 2.0, 3.0]
    for row, expected in zip(drawn, trained, strict=True):
        assert all(float(row[key]) == float(expected[key]) for key in row)
    assert (root / "figures" / "dmig.png").is_file()
    assert (root / "figures" / "dmig.svg").is_file()


def test_validating_a_run_does_not_change_its_figure(ar_vae):
    """``validate`` logs to the run's folder too, as epoch 0, whatever epoch the checkpoint is of."""
    root = ar_vae("fit", "--optimizer.lr", "0.01", logger=True)
    disentangle(["figure", "dmig", "--run", str(root), "--output", str(root / "before")])
    ar_vae("validate", "--ckpt_path", str(root / LAST), logger=True)
    disentangle(["figure", "dmig", "--run", str(root), "--output", str(root / "after")])

    assert (root / "after" / "dmig.csv").read_text() == (root / "before" / "dmig.csv").read_text()


def test_media_and_their_scores(ar_vae):
    settings = ("--trainer.max_epochs", "20", "--optimizer.lr", "0.003", "--media.every_n_epochs", "100")
    settings += ("--latent_map.every_n_epochs", "100")
    root = ar_vae("fit", *settings, logger=True, media=True)

    folder = root / "media" / "epoch_0020"
    assert [path.name for path in (root / "media").iterdir()] == ["epoch_0020"]
    for name in NAMES:
        assert (folder / f"{name}.png").read_bytes().startswith(b"\x89PNG")
        audio, rate = soundfile.read(folder / f"{name}_1.wav")
        assert (len(audio), rate) == (3 * 8000, 16_000)
    with (folder / "traversals.csv").open() as file:
        scores = {row["score"]: row["value"] for row in csv.DictReader(file)}
    rows = [row for row in logged(root) if row.get("media/smoothness/depth")]
    assert len(rows) == 1
    for score, value in scores.items():
        # Not a number where an attribute stands still, as it may after so little training.
        assert float(rows[0][f"media/{score}"]) == pytest.approx(float(value), nan_ok=True)


@pytest.mark.slow
def test_media_do_not_change_the_training(ar_vae):
    """A picture at every epoch, of attributes that are quick to have, against none."""
    common = ("--data.attributes", "[pitch, velocity]")
    root = ar_vae("fit", *common, folder="plain")
    every_epoch = ("--media.every_n_epochs", "1", "--latent_map.every_n_epochs", "1")
    drawn = ar_vae("fit", *common, *every_epoch, folder="drawn", media=True)

    assert len(list((drawn / "media").iterdir())) == 2
    for name, tensor in weights(root / LAST).items():
        assert torch.equal(weights(drawn / LAST)[name], tensor), name


def test_media_of_a_model_that_has_hardly_learned(ar_vae):
    """After a few steps batch normalisation has not settled, and the posteriors of all notes are nearly the same."""
    root = ar_vae("fit", media=True)

    assert (root / "media" / "epoch_0002" / "brightness.png").is_file()


def test_training_notes_of_which_one_is_left_over(ar_vae):
    """12 notes in batches of 11: batch normalisation cannot train on the last one alone."""
    root = ar_vae("fit", "--data.batch_size", "11")

    assert (root / LAST).is_file()


def test_plain_beta_vae_without_regularised_dimensions(ar_vae):
    root = ar_vae("fit", "--model.regularized_dims", "[]", "--evaluation", "null", logger=True)

    columns = logged(root)[0].keys()
    assert "val/kl" in columns
    assert not any("regularization" in column or "scc" in column for column in columns)


def test_attributes_and_size_of_the_data_reach_the_model(ar_vae):
    sizes = ("--data.representation.size", "64", "--data.representation.hop_length", "64")
    with pytest.raises(SystemExit):  # 126 frames do not fit in 64; the data says so
        ar_vae("fit", *sizes)
    options = ("--data.attributes", "[pitch, velocity, depth]", "--data.representation.size", "256")
    root = ar_vae("fit", *options, "--model.regularized_dims", "[6, 2]", "--trainer.max_epochs", "1")

    model = BetaVAE.load_from_checkpoint(root / LAST)
    assert model.attribute_names == ("pitch", "velocity", "depth")
    assert model.regularized_dims == (6, 2)
    assert model.x_shape == (1, 256, 256)


def test_record_of_a_run_alone_evaluates_it(ar_vae):
    root = ar_vae("fit")

    main(["test", "-c", str(root / "config.yaml"), "--ckpt_path", str(root / BEST)])

    assert json.loads((root / "evaluation.json").read_text())["scores"]["n_ksg-k3"] == 18.0


# What is refused, before training starts


def fails(capsys, run, *options, subcommand="fit"):
    with pytest.raises(SystemExit) as exit_:
        run(subcommand, *options, folder="refused")
    assert exit_.value.code == 1
    message = capsys.readouterr().err
    assert "Traceback" not in message
    assert message.count("error: ") == 1
    return message[message.index("error: ") :]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (
            ("--data.attributes", "[brightness, warmth]"),
            "attributes has 'warmth'; choose from brightness, depth, pitch, velocity (--data.attributes).",
        ),
        (("--data.attributes", "[depth, depth]"), "is ['depth', 'depth']; name each once (--data.attributes)."),
        (("--data.attributes", "[]"), "has none here: name attributes with --data.attributes, or leave it out"),
        (
            ("--model.regularized_dims", "[1, 1]"),
            "regularized_dims is [1, 1]; expected each dimension once (--model.regularized_dims).",
        ),
        (
            ("--model.regularized_dims", "[0, 8]"),
            "regularized_dims is [0, 8]; expected dimensions from 0 to 7 (--model.regularized_dims).",
        ),
        (
            ("--model.regularized_dims", "[-1]"),
            "regularized_dims is [-1]; expected dimensions from 0 to 7 (--model.regularized_dims).",
        ),
        (("--model.regularized_dims", "[0, 1, 2]"), "3 dimensions for 2 attributes (brightness, depth)"),
        (("--model.regularized_dims", "[]"), "leave it out with --evaluation null --media null"),
        (("--model.beta", "-1"), "beta is -1.0; it must be 0 or more (--model.beta)."),
        (("--model.width", "0"), "width is 0.0; it must be greater than 0 (--model.width)."),
        (("--evaluation.n_neighbors", "0"), "evaluation: "),
        (("--data.representation.hop_length", "500"), "hop_length is 500"),
        (("--data.representation.size", "32"), "spectrogram"),
        (("--data.pitches", "[1, 2]"), "widen families"),
        (("--data.n_samples", "1"), "n_samples is 1"),
        (("--data.n_samples", "0"), "n_samples is 0; it must be 1 or more (--data.n_samples)."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, tuple) else "",
)
def test_bad_option(ar_vae, capsys, tmp_path, options, message):
    assert message in fails(capsys, ar_vae, *options)
    assert not (tmp_path / "refused" / "checkpoints").exists()


def test_a_representation_that_the_model_cannot_hear(ar_vae, capsys, tmp_path):
    """Known from the configuration, before a note is read."""
    mel = ("--data.representation", "modules.audio.LogMelSequence")
    message = fails(capsys, lambda subcommand, *options, folder: main(
        [subcommand, "-c", str(CONFIGS / "ar_vae.yaml"), *options, "--trainer.default_root_dir", str(tmp_path / folder)]
    ), *mel)  # fmt: skip

    assert "this model hears square pictures, (1, size, size), and x_shape is (501, 80)" in message
    assert "modules.audio.LogMagnitudePicture" in message
    assert not (tmp_path / "refused").exists()


def test_root_that_is_not_nsynths(ar_vae, capsys, tmp_path):
    (tmp_path / "music").mkdir()

    message = fails(capsys, ar_vae, "--data.root", str(tmp_path / "music"))

    assert "is not a split of NSynth as it is unpacked" in message
    assert "--data.root" in message
    assert not (tmp_path / "refused" / "checkpoints").exists()


def test_root_of_which_a_file_is_missing_or_broken(ar_vae, capsys, tmp_path, nsynth_root):
    root = tmp_path / "nsynth"
    shutil.copytree(nsynth_root, root)
    note = sorted((root / "nsynth-valid" / "audio").iterdir())[0]
    note.write_bytes(note.read_bytes()[:100])
    assert note.name in fails(capsys, ar_vae, "--data.root", str(root))
    note.unlink()
    assert f"names 1 of 18 notes that are not in {note.parent}: {note.name}" in fails(
        capsys, ar_vae, "--data.root", str(root)
    )
    assert not (tmp_path / "refused" / "checkpoints").exists()


def test_too_few_notes_for_the_estimator(ar_vae, capsys):
    message = fails(capsys, ar_vae, "--evaluation.estimator", "ksg", "--evaluation.n_neighbors", "18")

    assert "there are 18 clips to evaluate and ksg needs 19" in message
    assert "--evaluation null" in message


@pytest.mark.parametrize("subcommand", ["validate", "test", "predict"])
def test_untrained_model_is_not_evaluated(ar_vae, capsys, subcommand):
    assert "--ckpt_path" in fails(capsys, ar_vae, subcommand=subcommand)


def test_record_is_complete_and_resolved_in_effect(ar_vae):
    root = ar_vae("fit", "--trainer.max_epochs", "1")

    config = yaml.safe_load((root / "config.yaml").read_text())
    assert config["model"]["class_path"] == "modules.BetaVAE"
    assert config["optimizer"]["init_args"]["lr"] == 1e-4
    assert config["lr_scheduler"]["init_args"]["factor"] == 0.75
    assert (config["model"]["init_args"]["beta"], config["model"]["init_args"]["gamma"]) == (1.0, 10.0)
