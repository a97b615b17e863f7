"""Scores of the whole validation set, against `metrics.functional` on encodings that are computed here."""

import csv
import json

import numpy as np
import pytest
import torch
from lightning import Callback
from lightning.pytorch.loggers import CSVLogger

from lightning_app.callbacks import LatentEvaluation
from lightning_app.errors import RunError
from metrics import functional
from modules.dsae import DSAE
from modules.vae import BetaVAE

NAMES = ("brightness", "depth")
METRICS = ("scc", "mig", "dmig", "xmig", "dlig")


@pytest.fixture
def vae():
    """Builds a small model whose latents are spread as those of a trained one."""

    def build(attribute_names=NAMES, regularized_dims=(3, 1)) -> BetaVAE:
        torch.manual_seed(2)
        model = BetaVAE((1, 128, 128), attribute_names, list(regularized_dims), latent_dim=6, width=1 / 16)
        for norm in (module for module in model.modules() if isinstance(module, torch.nn.BatchNorm2d)):
            norm.running_var.fill_(0.05)
        return model

    return build


def encoded(model, data) -> tuple[torch.Tensor, torch.Tensor]:
    """Posterior means and attributes of all validation notes, encoded one by one."""
    notes = [data.validation_dataset[i] for i in range(len(data.validation_dataset))]
    with torch.no_grad():
        means = [model.eval().encoder(data.representation(note["audio"][None])).mean[0] for note in notes]
    return torch.stack(means), torch.stack([note["attributes"] for note in notes])


def expected_scores(latents, attributes, dims, names, **estimator) -> dict[str, float]:
    of = {"regularized_dims": list(dims), **estimator}
    a = attributes[:, : len(dims)]
    scores = {
        "scc": functional.spearman_correlation(latents, a, regularized_dims=list(dims)),
        "mig": functional.mutual_information_gap(latents, a, **of),
        "dmig": functional.dependency_aware_mutual_information_gap(latents, a, **of),
        "xmig": functional.dependency_blind_mutual_information_gap(latents, a, **of),
    }
    if len(dims) > 1:
        scores["dlig"] = functional.dependency_aware_latent_information_gap(latents, a, **of)
    flat = {
        f"{metric}/{name}": values[i].item()
        for metric, values in scores.items()
        for i, name in enumerate(names[: len(dims)])
    }
    if len(dims) > 1:
        flat["modularity"] = functional.modularity(latents, a, **estimator).mean().item()
    return flat


def information(metrics, prefix):
    """What the callback logged, without the terms of the loss."""
    terms = ("loss", "reconstruction", "kl", "regularization")
    values = {key.removeprefix(prefix): float(value) for key, value in metrics.items() if key.startswith(prefix)}
    return {key: value for key, value in values.items() if key.split("/")[0] not in terms}


@pytest.mark.parametrize(
    ("options", "count"),
    [
        ({}, "n_ksg-k3"),
        ({"n_neighbors": 2}, "n_ksg-k2"),
        ({"estimator": "binned"}, "n_binned"),
    ],
    ids=lambda value: str(value),
)
@pytest.mark.parametrize("batch_size", [5, 18])
def test_scores_are_of_the_whole_validation_set(vae, make_notes, quiet_trainer, options, count, batch_size):
    model, data, trainer = vae(), make_notes(batch_size=batch_size), quiet_trainer(LatentEvaluation(**options))

    trainer.validate(model, data, verbose=False)

    logged = information(trainer.callback_metrics, "val/")
    (count_key,) = [key for key in logged if key.startswith("n_")]
    assert count_key.startswith(count)
    assert logged.pop(count_key) == 18.0
    expected = expected_scores(*encoded(model, data), (3, 1), NAMES, **options)
    assert logged.keys() == expected.keys()
    assert len(logged) == 5 * 2 + 1
    for key, value in expected.items():
        assert logged[key] == pytest.approx(value, abs=1e-5), key


def test_attributes_beyond_the_regularised_dimensions_are_left_alone(vae, make_notes, quiet_trainer):
    names = ("pitch", "brightness", "velocity")
    model, data = vae(names, (4,)), make_notes(attributes=names)
    trainer = quiet_trainer(LatentEvaluation())

    trainer.validate(model, data, verbose=False)

    logged = information(trainer.callback_metrics, "val/")
    assert logged.pop("n_ksg-k3") == 18.0
    expected = expected_scores(*encoded(model, data), (4,), names)
    assert logged.keys() == {"scc/pitch", "mig/pitch", "dmig/pitch", "xmig/pitch"} == expected.keys()
    for key, value in expected.items():
        assert logged[key] == pytest.approx(value, abs=1e-5), key


def test_scores_are_logged_once_an_epoch_and_start_afresh(vae, make_notes, quiet_trainer, tmp_path):
    model, data = vae(), make_notes(batch_size=3)
    logger = CSVLogger(tmp_path, name="logs")

    quiet_trainer(LatentEvaluation(), max_epochs=3, logger=logger, log_every_n_steps=1).fit(model, data)

    with (tmp_path / "logs/version_0/metrics.csv").open() as file:
        rows = [row for row in csv.DictReader(file) if row["val/scc/depth"]]
    assert [row["epoch"] for row in rows] == ["0", "1", "2"]
    assert [float(row["val/n_ksg-k3"]) for row in rows] == [18.0] * 3
    expected = expected_scores(*encoded(model, data), (3, 1), NAMES)
    for key, value in expected.items():
        assert float(rows[-1][f"val/{key}"]) == pytest.approx(value, abs=1e-5), key


def test_nothing_is_scored_during_sanity_checking(vae, make_notes, quiet_trainer):
    """A single batch of two notes, too few for any estimate, and no scores of it are left."""
    seen = {}

    class AfterSanity(Callback):
        def on_sanity_check_end(self, trainer, pl_module):
            seen["metrics"] = dict(trainer.callback_metrics)

    callbacks = (LatentEvaluation(), AfterSanity())
    trainer = quiet_trainer(*callbacks, num_sanity_val_steps=1, max_epochs=1)
    trainer.fit(vae(), make_notes(batch_size=2))

    assert information(seen["metrics"], "val/") == {}
    assert trainer.callback_metrics["val/n_ksg-k3"] == 18.0  # the notes of the sanity check do not count twice


def test_test_prints_a_table_and_writes_a_record(vae, make_notes, quiet_trainer, tmp_path, capsys):
    model, data, trainer = vae(), make_notes(), quiet_trainer(LatentEvaluation(n_neighbors=2))

    trainer.test(model, data, verbose=False)

    record = json.loads((tmp_path / "evaluation.json").read_text())
    assert (record["kind"], record["n_clips"]) == ("LatentEvaluation", 18)
    assert record["settings"]["regularized_dims"] == {"brightness": 3, "depth": 1}
    assert "KSG" in record["settings"]["estimator"]
    assert "n_neighbors=2" in record["settings"]["estimator"]
    assert (record["checkpoint"], record["epoch"], record["step"]) == (None, None, None)
    expected = expected_scores(*encoded(model, data), (3, 1), NAMES, n_neighbors=2)
    for key, value in expected.items():
        assert record["scores"][key] == pytest.approx(value, abs=1e-5), key
    others = record["scores"].keys() - expected.keys()
    terms = {"loss", "reconstruction", "kl", "regularization/brightness", "regularization/depth"}
    assert others == terms | {"n_ksg-k2"}
    shown = capsys.readouterr().out
    for words in ("Latent evaluation", *NAMES, *(metric.upper() for metric in METRICS), "regularisation"):
        assert words in shown
    row = next(line for line in shown.splitlines() if " SCC " in line)
    assert [cell.strip() for cell in row.strip("│ ").split("│")] == [
        "SCC",
        *(f"{expected[f'scc/{name}']:.3f}" for name in NAMES),
    ]


def test_validate_writes_no_record(vae, make_notes, quiet_trainer, tmp_path, capsys):
    quiet_trainer(LatentEvaluation()).validate(vae(), make_notes(), verbose=False)

    assert not (tmp_path / "evaluation.json").exists()
    assert "Latent evaluation" not in capsys.readouterr().out


# What is refused


def test_options_that_estimate_nothing_are_refused():
    with pytest.raises(RunError, match=r"evaluation: .*estimator.*'guess'"):
        LatentEvaluation(estimator="guess")
    with pytest.raises(RunError, match=r"evaluation: .*n_neighbors"):
        LatentEvaluation(n_neighbors=0)


@pytest.mark.parametrize("run", ["fit", "validate", "test"])
def test_data_without_attributes_are_refused(vae, tiny_clips, quiet_trainer, run):
    with pytest.raises(RunError, match=r"attributes are brightness, depth, the data\'s ; they must be the same"):
        getattr(quiet_trainer(LatentEvaluation(), max_epochs=1), run)(vae(), tiny_clips())


@pytest.mark.parametrize(
    ("model", "message"),
    [
        (
            lambda vae: vae(NAMES, ()),
            r"BetaVAE has none here: name attributes with --data\.attributes, or leave it out",
        ),
        (lambda vae: DSAE((9, 10)), r"DSAE has no attribute_names, latent, regularized_dims, traverse .*leave it out"),
    ],
    ids=["plain beta-VAE", "DSAE"],
)
@pytest.mark.parametrize("run", ["fit", "validate", "test"])
def test_models_without_regularised_dimensions_are_refused(vae, make_notes, quiet_trainer, model, message, run):
    with pytest.raises(RunError, match=message):
        getattr(quiet_trainer(LatentEvaluation(), max_epochs=1), run)(model(vae), make_notes())


@pytest.mark.parametrize("attributes", [("depth", "brightness"), ("brightness", "depth", "pitch"), ("pitch", "depth")])
@pytest.mark.parametrize("run", ["fit", "validate", "test"])
def test_models_of_other_attributes_are_refused(vae, make_notes, quiet_trainer, attributes, run):
    data = make_notes(attributes=attributes)

    with pytest.raises(RunError, match="the same, in the same order") as error:
        getattr(quiet_trainer(LatentEvaluation(), max_epochs=1), run)(vae(), data)

    assert f"brightness, depth, the data's {', '.join(attributes)};" in str(error.value)


@pytest.mark.parametrize("run", ["fit", "validate", "test"])
def test_too_few_notes_are_refused(vae, make_notes, quiet_trainer, tmp_path, run):
    trainer = quiet_trainer(LatentEvaluation(n_neighbors=18), max_epochs=1)

    with pytest.raises(
        RunError, match="there are 18 clips to evaluate and ksg needs 19; take more clips, or --evaluation null"
    ):
        getattr(trainer, run)(vae(), make_notes())

    assert not (tmp_path / "evaluation.json").exists()


def test_encodings_that_are_not_finite_are_refused(vae, make_notes, quiet_trainer):
    model = vae()
    with torch.no_grad():
        model.encoder.head.mean.bias[3] = np.nan

    with pytest.raises(RunError, match="the latents cannot be evaluated"):
        quiet_trainer(LatentEvaluation()).validate(model, make_notes(), verbose=False)


def test_predict_asks_for_no_attributes(vae, make_notes, quiet_trainer):
    predictions = quiet_trainer(LatentEvaluation()).predict(vae(NAMES, ()), make_notes())

    assert [len(batches) for batches in predictions] == [3, 4]
