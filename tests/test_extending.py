"""What docs/extending.md builds works: a package outside the repository, through every command that it shows."""

import csv
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "extending.md").read_text()
FILES = dict(re.findall(r"^```(?:python|yaml)\n# (\S+)\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE))
COMMANDS = [
    shlex.split(line, comments=True)[1:]
    for block in re.findall(r"^```sh\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
    for line in block.replace("\\\n", "").splitlines()
]
SMALL = ["--trainer.accelerator", "cpu", "--trainer.enable_progress_bar", "false", "--trainer.logger", "false"]
RUN = """
import json, sys
from lightning_app.commands.disentangle import main
for words in json.load(sys.stdin):
    try:
        main(words)
    except SystemExit as end:
        print("exit", end.code, file=sys.stderr)
"""
INCOMPLETE = """
from lightning import LightningDataModule
from mypkg.models import Autoencoder

class HalfAModel(Autoencoder):
    def __init__(self, x_shape):
        super().__init__()

    def global_latent(self, x):
        return x.mean(dim=1)

class HalfOfTheData(LightningDataModule):
    x_shape = (5, 4)
    class_names = {"timbre": ("dull", "bright")}

class NoShape(LightningDataModule): ...
"""


@pytest.fixture
def research(tmp_path):
    """The folder of the page, with all of its files."""
    for name, text in FILES.items():
        path = tmp_path / "research" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    (tmp_path / "research" / "incomplete.py").write_text(INCOMPLETE)
    return tmp_path / "research"


def run(folder, *commands):
    """Runs commands, each a list of words, one after another in a process of its own that finds the package."""
    environment = os.environ | {
        "PYTHONPATH": str(folder),
        "XDG_CACHE_HOME": str(folder.parent / "cache"),
        "WANDB_SILENT": "true",
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "200",
    }
    done = subprocess.run(
        [sys.executable, "-P", "-c", RUN],
        cwd=folder, env=environment, input=json.dumps(commands), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, (done.returncode, done.stdout[-1000:], done.stderr[-3000:])
    return done


def test_the_page_has_every_file_and_command():
    assert {name for name in FILES if "/" in name} == {
        f"mypkg/{name}.py" for name in re.search(r"__init__\.py +(.*)", PAGE)[1].replace(".py", "").split()
    } | {"mypkg/__init__.py"}
    assert [command[0] for command in COMMANDS].count("fit") == 4
    assert {"test", "predict", "figure", "options"} <= {command[0] for command in COMMANDS}


@pytest.mark.slow
def test_every_command_does_what_the_page_says(research):
    done = run(research, *COMMANDS)

    assert "exit" not in done.stderr, done.stderr[-3000:]
    mine, tied = research / "runs" / "mine", research / "runs" / "tied"
    with np.load(mine / "encodings.npz") as encodings:
        assert (encodings["v_mean"].shape, encodings["z_mean"].shape) == ((48, 4), (48, 63, 8))
        assert encodings["timbre_names"].tolist() == ["dull", "bright"]
        np.testing.assert_array_equal(encodings["timbre"], encodings["index"] % 2)
    for version in ("source", "reconstruction", "global_swap", "local_swap", "prior_sample"):
        assert list((mine / "media" / "test").glob(f"1_*_{version}.wav"))
    assert "macro F1 of the timbre, before the swap" in done.stdout
    assert (mine / "figures" / "global_factors.png").is_file()

    record = json.loads((mine / "evaluation.json").read_text())
    assert (record["kind"], record["settings"], record["n_clips"]) == ("MyEvaluation", {"factor": "timbre"}, 24)
    with (research / "figures" / "separation.csv").open(newline="") as file:
        (row,) = csv.DictReader(file)
    assert row["run"] == "mine"
    assert float(row["separation"]) == pytest.approx(record["scores"]["separation"])
    assert 0 < record["scores"]["separation"] <= 1

    scores = json.loads((tied / "evaluation.json").read_text())["scores"]
    assert {f"{score}/{name}" for score in ("scc", "mig", "dmig") for name in ("pitch", "brightness")} <= scores.keys()
    assert {path.name for path in (tied / "media" / "test").glob("*.png")} == {"pitch.png", "brightness.png"}
    assert (tied / "figures" / "dmig.svg").is_file()
    for name in ("tones", "mixed"):
        assert (research / "runs" / name / "checkpoints" / "best.ckpt").is_file()
    assert {"--model.v_dim", "--data.n_clips"} <= set(done.stdout.split())  # of `disentangle options`


def test_source_needs_no_data_module_and_load_run_knows_foreign_classes(research):
    source = [
        "--data",
        "datamodules.ClipDataModule",
        "--data.source",
        "mypkg.clips.Tones",
        "--data.source.n_clips",
        "16",
    ]
    fitted = run(research, ["fit", "-c", "mine.yaml", *source, *SMALL, "--trainer.max_epochs", "1", "--media", "null"])
    assert "exit" not in fitted.stderr, fitted.stderr[-3000:]

    program = (
        "from lightning_app import load_run\n"
        "loaded = load_run('runs/mine')\n"
        "print(type(loaded.model).__name__, type(loaded.representation).__name__, loaded.data.x_shape)"
    )
    done = subprocess.run(
        [sys.executable, "-P", "-c", program],
        cwd=research, env=os.environ | {"PYTHONPATH": str(research)}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.stdout == "MyModel Spectrum (63, 514)\n"


def test_what_a_class_lacks_is_named_before_any_work(research):
    latents = "lightning_app.callbacks.LatentEvaluation"
    lacking = {
        "HalfAModel has no generate, swap": ["--model", "incomplete.HalfAModel"],
        "MyRegularised has no generate, global_latent, swap": ["--model", "mypkg.MyRegularised"],
        "MyModel has no attribute_names, latent, regularized_dims, traverse": ["--evaluation", latents],
        "MyModel has no enter_stage, stage": ["--schedule", "TwoStageTraining", "--schedule.constrained_epochs", "1"],
        "HalfOfTheData has no attributes, audio, batch, batch_size": ["--data", "incomplete.HalfOfTheData"],
        "NoShape has no x_shape": ["--data", "incomplete.NoShape"],
    }

    done = run(research, *(["fit", "-c", "mine.yaml", *options, *SMALL] for options in lacking.values()))

    assert "Traceback" not in done.stderr
    errors = [line for line in done.stderr.splitlines() if line.startswith(("error: ", "exit "))]
    assert errors[1::2] == ["exit 1"] * len(lacking)
    for message, error in zip(lacking, errors[::2], strict=True):
        assert message in error
    assert not [
        path for path in research.parent.rglob("*") if "mypkg-tones" in path.name or "runs" in path.parts[-2:-1]
    ]


def test_model_that_cannot_predict_is_told_so(research):
    (research / "mypkg" / "models.py").write_text(FILES["mypkg/models.py"].replace("def predict_step", "def unused"))
    fit = ["fit", "-c", "mine.yaml", *SMALL, "--trainer.max_epochs", "1", "--media", "null"]

    done = run(research, fit, ["predict", "--run", "runs/mine"])

    assert "error: MyModel has no predict_step" in done.stderr
    assert done.stderr.rstrip().endswith("exit 1")
    assert "Traceback" not in done.stderr


def test_figure_that_there_is_not(research):
    done = run(research, ["figure", "nopkg.figure"], ["figure", "mypkg.no_such_figure"])

    assert done.stderr.splitlines()[1::2] == ["exit 2"] * 2
    for name in ("nopkg.figure", "mypkg.no_such_figure"):
        assert f"error: there is no figure {name}: " in done.stderr
