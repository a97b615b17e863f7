"""Offline W&B runs, read back from their files."""

import csv
import json
import os
import subprocess
from pathlib import Path

import pytest
import torch
import wandb

from lightning_app.cli import main
from lightning_app.errors import RunError
from lightning_app.runs.run_folder import RunFolder
from lightning_app.tracking import WandbRun
from tests.lightning_app.tracking.wandb_files import segments

ROOT = Path(__file__).parents[3]
CONFIGS = ROOT / "configs"
VERSIONS = ["source", "target", "reconstruction", "global swap", "local swap", "prior sample"]


def small(config, root, cache):
    return [
        *["-c", str(CONFIGS / f"{config}.yaml"), "--trainer.default_root_dir", str(root), "--name", "mine"],
        *["--trainer.accelerator", "cpu", "--trainer.enable_progress_bar", "false", "--trainer.log_every_n_steps", "1"],
        *["--data.cache_dir", str(cache), "--data.size", "8", "--data.batch_size", "3", "--data.prepare_workers", "1"],
        *["--data.representation.n_mels", "12", "--data.representation.hop_length", "1024", "--model.z_dim", "4"],
    ]


@pytest.fixture(scope="module")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def root(tmp_path_factory, cache):
    """A run of two epochs that was resumed for a third, tested, and asked for its encodings."""
    root = tmp_path_factory.mktemp("wandb_run") / "run"
    fit = [*small("ts_dsae", root, cache), "--schedule.constrained_epochs", "1", "--media.n_examples", "2"]
    main(["fit", *fit, "--trainer.max_epochs", "2", "--trainer.logger.log_model", "true"])
    wandb.finish()
    for call in (["fit", "--ckpt_path", "last", "--trainer.max_epochs", "3"], ["test"], ["predict"]):
        main([call[0], "--run", str(root), *call[1:]])
        wandb.finish()
    return root


@pytest.fixture(scope="module")
def parts(root):
    return segments(root)


def rows_of(path):
    with path.open() as file:
        return [{key: float(value) for key, value in row.items() if value} for row in csv.DictReader(file)]


def test_all_that_is_done_with_a_run_is_one_run(root, parts):
    kept = json.loads((root / "wandb.json").read_text())["id"]

    assert len(parts) == 4
    assert {part.run.run_id for part in parts} == {kept}
    # It is by this mark that `wandb sync` appends a segment instead of replacing what is there.
    assert [part.run.resume for part in parts] == [True] * 4
    assert {part.run.display_name for part in parts} == {"mine"}
    assert {part.run.project for part in parts} == {"disentangle"}


def test_steps_do_not_go_back_in_training_and_an_evaluation_is_of_its_checkpoint(root, parts):
    first, second, tested, _ = (part.logged("trainer/global_step") for part in parts)

    assert first == sorted(first)
    assert second == sorted(second)
    assert first[-1] < second[0]
    rows = [step for part in parts for step in part.logged("_step")]  # by which W&B's server tells rows apart
    assert rows == sorted(set(rows))
    best = torch.load(root / "checkpoints" / "best.ckpt", weights_only=True)
    assert set(tested) == {best["global_step"]}
    (epoch,) = {row["epoch"] for row in parts[2].history if "test/loss" in row}
    assert epoch == best["epoch"]
    (row,) = rows_of(root / "metrics.test.csv")
    assert (row["epoch"], row["step"]) == (best["epoch"], best["global_step"])


def test_it_has_what_was_run(root, parts, cache):
    commit = subprocess.run(["git", "rev-parse", "HEAD"], cwd=Path.cwd(), capture_output=True, text=True)
    for part in parts:
        assert part.config["model"]["init_args"]["z_dim"] == 4
        assert part.config["data"]["init_args"]["representation"]["init_args"]["n_mels"] == 12
        assert part.config["schedule"]["init_args"]["constrained_epochs"] == 1
        assert part.config["versions"]["torch"] == torch.__version__
        assert (cache / part.config["data_key"]).is_dir()
        if commit.returncode == 0:
            assert part.config["commit"].split(",")[0] == commit.stdout.strip()
    assert [part.config["trainer"]["max_epochs"] for part in parts[:2]] == [2, 3]


def test_terms_stage_and_learning_rate_are_those_of_the_csv_file(root, parts):
    rows = rows_of(root / "metrics.csv")
    history = [row for part in parts[:2] for row in part.history]

    assert [row["stage"] for row in history if "stage" in row] == [1, 2, 2]
    assert [row["learning_rate"] for row in history if "learning_rate" in row] == pytest.approx([0.001] * 3)
    for key in ("stage", "learning_rate", "train/kl_v", "val/negative_elbo", "val/reconstruction"):
        expected = [row[key] for row in rows if key in row]
        assert len(expected) == 3
        assert [row[key] for row in history if key in row and "epoch" in row] == pytest.approx(expected)
    in_second_stage = [row["train/global_swap_v"] for row in history if "train/global_swap_v" in row]
    assert len(in_second_stage) == 2


def test_summary_has_the_best_value_of_the_stage_that_counts(root, parts):
    rows = {row["epoch"]: row["val/negative_elbo"] for row in rows_of(root / "metrics.csv") if row["epoch"] > 0}
    best = min(rows, key=rows.get)
    checkpoint = torch.load(root / "checkpoints" / "best.ckpt", weights_only=True)

    summary = next(part.summary for part in reversed(parts[:2]) if "best/epoch" in part.summary)
    assert summary["best/val/negative_elbo"] == pytest.approx(rows[best])
    assert (summary["best/epoch"], summary["best/step"]) == (best, checkpoint["global_step"])


def test_scores_of_the_test_are_those_of_the_record(root, parts):
    scores = json.loads((root / "evaluation.json").read_text())["scores"]

    for key in ("swap_f1/pre_swap", "swap_f1/global_swap", "kl_v", "reconstruction"):
        assert parts[2].logged(f"test/{key}") == [pytest.approx(scores[key])]


@pytest.mark.parametrize(
    ("number", "prefix", "name"), [(0, "val", "epoch_0002"), (1, "val", "epoch_0003"), (2, "test", "test")]
)
def test_pictures_and_sounds_are_those_of_the_runs_folder(root, parts, number, prefix, name):
    part, folder = parts[number], root / "media" / name
    assert not any(key.startswith("train/") for row in part.history for key in row if isinstance(row[key], dict))
    for title in ("spectrograms", "latent_map"):
        (picture,) = part.logged(f"{prefix}/{title}")
        assert part.file(picture).read_bytes() == (folder / f"{title}.png").read_bytes()
        assert picture["caption"] == name
    (logged,) = part.logged(f"{prefix}/audio")
    files = part.contents("run_table")
    table = json.loads(files[f"{prefix}/audio.table.json"])
    assert logged["nrows"] == len(table["data"])
    assert table["columns"] == ["clip", *VERSIONS]
    assert [row[0].split(":")[0] for row in table["data"]] == ["1", "2"]
    for row, number_of_row in zip(table["data"], (1, 2), strict=True):
        for version, cell in zip(VERSIONS, row[1:], strict=True):
            (file,) = folder.glob(f"{number_of_row}_*_{version.replace(' ', '_')}.wav")
            assert cell["_type"] == "audio-file"
            assert files[cell["path"]] == file.read_bytes()


def test_best_checkpoint_is_an_artifact_where_it_is_asked_for(root, parts):
    (first,) = parts[0].artifacts["model"]
    assert first.name == f"model-{parts[0].run.run_id}"
    assert set(first.aliases) == {"latest", "best"}
    last = next(part for part in reversed(parts[:2]) if "model" in part.artifacts)
    (content,) = last.contents("model").values()
    assert content == (root / "checkpoints" / "best.ckpt").read_bytes()
    # What is to be sent lies with the run, not in the home folder.
    entries = [
        entry for part in parts for kind in part.artifacts.values() for one in kind for entry in one.manifest.contents
    ]
    assert all(Path(entry.local_path).is_relative_to(root) for entry in entries)


@pytest.mark.filterwarnings("ignore:.*training end(s|ed)")
def test_run_that_replaces_another_is_another_run(root, cache, tmp_path):
    RunFolder(tmp_path).wandb.write_text('{"id": "earlier", "segments": 3}')
    (tmp_path / "config.yaml").write_text("")

    none = ["--media", "null", "--latent_map", "null", "--evaluation", "null", "--trainer.max_epochs", "1"]
    main(["fit", *small("dsae", tmp_path, cache), *none, "--overwrite"])
    wandb.finish()

    (part,) = segments(tmp_path)
    kept = json.loads((tmp_path / "wandb.json").read_text())
    assert part.run.run_id == kept["id"] != "earlier"
    assert (kept["segments"], part.logged("_step")[0]) == (1, 0)


@pytest.fixture
def begin(tmp_path, monkeypatch):
    """Logs one value to a run with some variables set, and returns its segments."""

    def begin(variables=None, **options):
        for name in [name for name in os.environ if name.startswith("WANDB_") and name != "WANDB_SILENT"]:
            monkeypatch.delenv(name)
        for name, value in (variables or {}).items():
            monkeypatch.setenv(name, str(value))
        wandb.teardown()  # it has read its variables when it was first used
        logger = WandbRun(tmp_path / "run", "mine", **options)
        logger.check()
        logger.log_metrics({"val/loss": 1.0}, 0)
        wandb.finish()
        return segments(options.get("save_dir") or Path((variables or {}).get("WANDB_DIR", tmp_path / "run")))

    yield begin
    wandb.teardown()


def test_variables_are_respected(begin, tmp_path):
    variables = {"PROJECT": "theirs", "ENTITY": "team", "RUN_GROUP": "seeds", "TAGS": "a,b", "NAME": "seed 3"}
    variables |= {"DIR": tmp_path / "scratch", "RUN_ID": "given", "MODE": "offline"}
    (tmp_path / "scratch").mkdir()

    (part,) = begin({f"WANDB_{name}": value for name, value in variables.items()})

    run = part.run
    assert (run.project, run.entity, run.run_group, run.display_name) == ("theirs", "team", "seeds", "seed 3")
    assert list(run.tags) == ["a", "b"]
    assert run.run_id == "given"
    assert json.loads((tmp_path / "run" / "wandb.json").read_text())["id"] == "given"


def test_options_win_over_variables(begin, tmp_path):
    variables = {"PROJECT": "theirs", "ENTITY": "team", "RUN_GROUP": "seeds", "TAGS": "a,b", "NAME": "seed 3"}
    variables |= {"DIR": tmp_path / "scratch", "MODE": "disabled"}
    own = {"project": "ours", "entity": "us", "group": "g", "tags": ["c"], "name": "n", "save_dir": tmp_path / "here"}

    (part,) = begin({f"WANDB_{name}": value for name, value in variables.items()}, **own, offline=True)

    run = part.run
    assert (run.project, run.entity, run.run_group, run.display_name) == ("ours", "us", "g", "n")
    assert list(run.tags) == ["c"]


def test_disabled_writes_nothing(begin, tmp_path):
    assert begin({"WANDB_MODE": "disabled"}) == []
    assert not (tmp_path / "run" / "wandb").exists()


def test_spoilt_id_is_named(begin, tmp_path):
    (tmp_path / "run").mkdir()
    (tmp_path / "run" / "wandb.json").write_text("{}")

    with pytest.raises(RunError, match=r"cannot read .*wandb\.json, which has the id of the run in W&B; remove it"):
        begin()


def test_mode_that_there_is_not(begin):
    with pytest.raises(RunError, match=r"WANDB_MODE is 'ofline'; it is one of .* Did you mean offline"):
        begin({"WANDB_MODE": "ofline"})


def test_variables_are_not_kept_in_the_configuration(capsys, monkeypatch):
    for name, value in (("MODE", "online"), ("PROJECT", "theirs"), ("NAME", "theirs"), ("DIR", "/theirs")):
        monkeypatch.setenv(f"WANDB_{name}", value)

    with pytest.raises(SystemExit):
        main(["fit", "-c", str(CONFIGS / "ts_dsae.yaml"), "--print_config"])

    printed = capsys.readouterr().out
    assert "theirs" not in printed
    assert "offline: null" in printed


def test_runs_of_an_agent_are_online(monkeypatch, tmp_path):
    """The server of a sweep has to hear of them; without a key, this is told before any work."""
    monkeypatch.setenv("WANDB_SWEEP_ID", "sweep")
    monkeypatch.delenv("WANDB_MODE", raising=False)

    assert WandbRun(tmp_path)._wandb_init["mode"] == "online"
    assert WandbRun(tmp_path, offline=True)._wandb_init["mode"] == "offline"
