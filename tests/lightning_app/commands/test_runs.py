"""``disentangle runs`` on folders of runs."""

import csv
import io
import json

import pytest

from lightning_app.commands.disentangle import main
from lightning_app.runs.run_folder import Training
from tests.lightning_app.runs.test_run_summary import CONFIG, run  # noqa: F401


@pytest.fixture
def runs(run, tmp_path, monkeypatch):  # noqa: F811
    """Three runs in the folder ``runs`` of the working directory."""
    monkeypatch.chdir(tmp_path)
    done = Training(3, 9, ended_by="max_epochs")
    run("b", done, [3.0, 1.0], {"swap_f1/global_swap": 0.5, "loss": 1.0}, config_of(8, 0))
    run("a", done, [3.0, 2.0], {"swap_f1/global_swap": 0.75, "loss": 2.0}, config_of(16, 1))
    run("sweep/c", Training(1, 3, ended_by="interrupted", finished=False), [], None, config_of(16, 2))


def config_of(z_dim, seed):
    return CONFIG | {"seed_everything": seed, "model": {"class_path": "modules.DSAE", "init_args": {"z_dim": z_dim}}}


def listed(capsys, *options):
    main(["runs", "--format", "json", *options])
    return json.loads(capsys.readouterr().out)


def names(capsys, *options):
    return [row["run"] for row in listed(capsys, *options)]


def test_all_runs_with_the_scores_after_swaps(runs, capsys):
    rows = listed(capsys)

    assert [list(row.values())[:-1] for row in rows] == [
        ["a", "DSAE", "DMelodies", 2, "finished", 2.0, 1, 0.75],
        ["b", "DSAE", "DMelodies", 2, "finished", 1.0, 1, 0.5],
        ["sweep/c", "DSAE", "DMelodies", 0, "stopped", None, None, None],
    ]
    assert list(rows[0])[-2:] == ["swap_f1/global_swap", "size"]


def test_sorted(runs, capsys):
    assert names(capsys, "--sort", "best") == ["b", "a", "sweep/c"]
    assert names(capsys, "--sort", "swap_f1/global_swap", "--descending", "true") == ["a", "b", "sweep/c"]
    assert names(capsys, "--options", "[seed_everything]", "--sort", "seed_everything") == ["b", "a", "sweep/c"]


def test_filtered(runs, capsys):
    assert names(capsys, "--state", "stopped") == ["sweep/c"]
    assert names(capsys, "--where", "[model.z_dim=16]") == ["a", "sweep/c"]
    assert names(capsys, "--where", "[model.z_dim=16, seed_everything=1]") == ["a"]
    assert names(capsys, "--where", "[model.latent_dim=16]") == []
    assert names(capsys, "--name", "sweep/*") == ["sweep/c"]


def test_csv(runs, capsys):
    main(["runs", "--format", "csv", "--scores", "[loss]"])

    rows = list(csv.DictReader(io.StringIO(capsys.readouterr().out)))
    assert [(row["run"], row["loss"]) for row in rows] == [("a", "2.0"), ("b", "1.0"), ("sweep/c", "")]


def test_table_is_not_cut_where_it_is_piped(runs, capsys):
    main(["runs", "--options", "[data.representation.n_mels, model.z_dim, seed_everything]"])

    header, *rows = capsys.readouterr().out.splitlines()
    assert "data.representation.n_mels" in header
    assert [row.split()[0] for row in rows] == ["a", "b", "sweep/c"]


def test_run_that_cannot_be_read_is_named(runs, tmp_path, capsys):
    (tmp_path / "runs/a/config.yaml").write_text("only words")

    main(["runs", "--format", "csv"])

    said = capsys.readouterr()
    assert [line.split(",")[0] for line in said.out.splitlines()] == ["run", "b", "sweep/c"]
    assert "left out: runs/a/config.yaml is no record of a run" in said.err


@pytest.mark.parametrize(
    ("options", "status", "message"),
    [
        (["--folder", "nowhere"], 1, "no folder nowhere; name the folder of your runs"),
        (["--sort", "bets"], 1, "--sort bets: there is no such column. Did you mean best?"),
        (["--scores", "[swap_f1/globalswap]"], 1, "Did you mean swap_f1/global_swap?"),
        (["--where", "[model.z_dim]"], 2, "--where model.z_dim: give OPTION=VALUE"),
    ],
)
def test_mistakes(runs, capsys, options, status, message):
    with pytest.raises(SystemExit) as exit_:
        main(["runs", *options])

    assert exit_.value.code == status
    assert message in capsys.readouterr().err


def test_folder_without_runs(tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "runs").mkdir()

    with pytest.raises(SystemExit):
        main(["runs"])

    assert "there is no run in runs; `disentangle fit` makes one" in capsys.readouterr().err
