"""What is made of a sweep's trials: the table of the best, its configuration, and figures."""

import csv
import math

import pytest
import yaml
from matplotlib.image import imread

from lightning_app.commands.disentangle import main
from lightning_app.sweeps.opening import keep_file, open_study
from lightning_app.sweeps.sweep_file import read_sweep
from lightning_app.sweeps.trials import TrialRun

PARAMETERS = {
    "model.weight": {"distribution": "log_uniform_values", "min": 0.01, "max": 100.0},
    "model.posterior": {"values": ["factorised", "full"]},
    "model.z_dim": {"min": 4, "max": 32},
    "model.fixed": {"value": 3},
    "seed_everything": {"values": [0, 1]},
}


@pytest.fixture
def swept(write_sweep, tmp_path, monkeypatch):
    """A sweep whose metric hangs on the weight: (log10 weight)², and a little on the rest; some trials fall behind."""
    monkeypatch.chdir(tmp_path)
    sweep = read_sweep(
        write_sweep(parameters=PARAMETERS, run_cap=60, early_terminate={"type": "hyperband", "min_iter": 2, "eta": 2})
    )
    study = open_study(sweep, tmp_path / "runs" / "tiny", None)
    keep_file(sweep, study.folder)
    losses = {}
    while (trial := study.take()) is not None:
        values = study.values_of(trial)
        loss = loss_of(values)
        for epoch in (1, 2):
            trial.report(loss + 1 / epoch, epoch)
        if trial.number % 3 == 2:
            study.prune(trial)
            continue
        for seed in (0, 1):
            study.add_score(trial, seed, loss + 0.02 * seed)
        study.complete(trial, loss + 0.01)
        losses[trial.number] = loss
    return study, losses


def loss_of(values):
    return math.log10(values["model.weight"]) ** 2 + 0.01 * values["model.z_dim"]


def test_table_has_the_best_first_with_mean_and_spread(swept, capsys):
    study, losses = swept
    best = min(losses, key=losses.get)
    run = TrialRun(study.sweep, best, study.records()[best].values, 0, study.folder)
    run.folder.path.mkdir()
    config = {
        "name": run.name,
        "seed_everything": 0,
        "trainer": {"default_root_dir": "elsewhere/run"},
        "model": {"a": 1},
    }
    run.folder.config.write_text(yaml.safe_dump(config))

    main(["sweep", "best", "runs/tiny", "--top", "3"])

    out = capsys.readouterr().out
    rows = [[cell.strip() for cell in line.split("│")[1:-1]] for line in out.splitlines() if "±" in line]
    order = sorted(losses, key=losses.get)[:3]
    assert [int(row[0]) for row in rows] == order
    assert [float(row[4]) for row in rows] == pytest.approx([losses[number] + 0.01 for number in order], abs=6e-4)
    assert all(float(row[5].removeprefix("± ")) == pytest.approx(0.02 / 2**0.5, abs=6e-4) for row in rows)
    assert {row[6] for row in rows} == {"2"}
    assert "weight" in out
    assert "fixed" not in out
    written = yaml.safe_load((study.folder / "best.yaml").read_text())
    assert written["name"] == "tiny-best"
    assert written["trainer"]["default_root_dir"] == "runs/${..name}"
    assert (written["model"], written["seed_everything"]) == ({"a": 1}, 0)
    assert "disentangle fit -c " in out


def test_best_whose_run_is_not_there(swept, capsys):
    with pytest.raises(SystemExit):
        main(["sweep", "best", "runs/tiny"])

    assert "the best trial's run is not in this folder" in capsys.readouterr().err


def test_figures_and_their_numbers(swept, capsys):
    study, losses = swept

    main(["sweep", "plot", "tiny.yaml"])

    figures = study.folder / "figures"
    names = ("history", "importance", "parallel_coordinates", "slices")
    for name in names:
        assert imread(figures / f"{name}.png").std() > 0.01
        assert (figures / f"{name}.svg").read_text().startswith("<?xml")
    tables = {name: list(csv.DictReader((figures / f"{name}.csv").read_text().splitlines())) for name in names}
    best = float("inf")
    for row in tables["history"]:
        if row["state"] == "complete":
            best = min(best, losses[int(row["trial"])] + 0.01)
            assert float(row["best_so_far"]) == pytest.approx(best)
        else:
            assert row["state"] == "pruned"
            assert row["best_so_far"] == ""
    assert tables["importance"][0]["option"] == "model.weight"
    assert float(tables["importance"][0]["importance"]) > 0.8
    assert sum(float(row["importance"]) for row in tables["importance"]) == pytest.approx(1)
    assert len(tables["slices"]) == len(losses)
    for row in tables["slices"]:
        values = {"model.weight": float(row["model.weight"]), "model.z_dim": int(row["model.z_dim"])}
        assert float(row["val/loss"]) == pytest.approx(loss_of(values) + 0.01)


def test_metric_that_is_the_same_for_all_is_drawn(write_sweep, tmp_path, monkeypatch):
    """As macro F1 is once every model gets it right."""
    monkeypatch.chdir(tmp_path)
    grid = {"config": {"values": ["a", "b"]}, "model.z_dim": {"values": [2, 4]}}
    study = open_study(
        read_sweep(write_sweep(method="grid", run_cap=None, parameters=grid)), tmp_path / "runs/tiny", None
    )
    while (trial := study.take()) is not None:
        study.complete(trial, 1.0)

    main(["sweep", "plot", "tiny.yaml"])

    table = (study.folder / "figures" / "importance.csv").read_text().splitlines()
    assert sorted(table[1:]) == ["config,0.0", "model.z_dim,0.0"]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["best", "tiny.yaml"], "no trial of tiny is complete yet"),
        (["best", "tiny.yaml", "--top", "0"], "top is 0; it must be 1 or more"),
        (["plot", "tiny.yaml"], "0 trials of tiny are complete; figures need 2 or more"),
        (["best", "nothing.yaml"], "there is no file nothing.yaml"),
    ],
)
def test_nothing_to_show_yet(write_sweep, tmp_path, monkeypatch, capsys, words, said):
    monkeypatch.chdir(tmp_path)
    open_study(read_sweep(write_sweep()), tmp_path / "runs" / "tiny", None)

    with pytest.raises(SystemExit):
        main(["sweep", *words])

    assert said in capsys.readouterr().err
