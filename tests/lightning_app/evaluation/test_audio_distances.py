"""Distances of decoded audio in embeddings from files, against the same written out from the audio."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from lightning_app.callbacks import SwapEvaluation
from lightning_app.errors import RunError
from metrics.functional import frechet_distance, kernel_distance
from modules.dsae import DSAE
from tests.embedding_files import Levels, onnx_file, torchscript

FRAME, DIM = 128, 3
RATE = 8000


@pytest.fixture
def clips(tiny_clips):
    """Forty test clips of 1,024 samples, eight frames of an embedding each."""
    clips = tiny_clips(n_clips=120)
    noise = np.random.default_rng(3).normal(scale=0.1, size=(120, clips.n_samples)).astype(np.float32)
    clips.audio = noise.__getitem__
    return clips


@pytest.fixture
def embedding(tmp_path):
    return torchscript(tmp_path / "levels.pt", Levels(FRAME, DIM), str(RATE))


@pytest.fixture
def record(tmp_path, quiet_trainer):
    """Evaluates a model, and returns what was written."""

    def evaluate(clips, **options):
        torch.manual_seed(0)
        model = DSAE(clips.x_shape, v_dim=2, z_dim=2)
        quiet_trainer(SwapEvaluation(f1=False, **options)).test(model, clips, verbose=False)
        return json.loads((tmp_path / "evaluation.json").read_text())

    return evaluate


def heard(clips):
    """The frames of the resynthesised clips and of the data, (40, 8, 3) each, from the procedure written out."""
    made, real = [], []
    for item in range(len(clips.test_dataset)):
        clip = clips.test_dataset[item]
        index = int(clip["index"])
        torch.manual_seed(index)  # seed 0 of the evaluation
        x = clip["x"][None]
        # Four sounds of a clip are made audible together; the last is the source.
        audio = clips.representation.inverse(x.repeat(4, 1, 1), clips.n_samples)[-1]
        made.append(audio.view(-1, FRAME)[:, :DIM])
        real.append(torch.from_numpy(clips.audio(index)).view(-1, FRAME)[:, :DIM])
    return torch.stack(made), torch.stack(real)


def test_all_of_one_pass_in_one_record(clips, embedding, record):
    found = record(clips, fad=(str(embedding),), kad=(str(embedding),), fad_infinity=True)
    scores, (made, real) = found["scores"], heard(clips)

    frames = [side.flatten(0, 1).double() for side in (real, made)]
    expected = frechet_distance(*(part for side in frames for part in (side.mean(0), torch.cov(side.T))))
    assert scores["fad_resynthesis/levels"] == pytest.approx(expected.item(), rel=1e-4)
    assert scores["fad_resynthesis/levels/n_real"] == scores["fad/levels/n_generated"] == 40 * 8
    for key in ("fad", "fad_resynthesis", "fad_infinity", "fad_infinity_resynthesis", "kad", "kad_resynthesis"):
        low, high = found["intervals"][f"{key}/levels"]
        assert low <= scores[f"{key}/levels"] <= high
    assert found["settings"]["embedding_files"] == {"levels": str(embedding)}


class Still(DSAE):
    """A model that returns what it hears."""

    def encode(self, x, *, sample=True, noise=torch.randn_like):
        return super().encode(x, sample=sample)._replace(z=x)

    def decode(self, z, v):
        return z


def test_model_that_loses_nothing_is_no_farther_than_the_resynthesised_data(
    tmp_path, clips, embedding, quiet_trainer, capsys
):
    model = Still(clips.x_shape, v_dim=2, z_dim=clips.x_shape[1])
    evaluation = SwapEvaluation(f1=False, fad=(str(embedding),), kad=(str(embedding),))
    quiet_trainer(evaluation).test(model, clips, verbose=False)
    found = json.loads((tmp_path / "evaluation.json").read_text())

    for kind in ("fad", "kad"):
        same = found["scores"][f"{kind}_resynthesis/levels"]
        assert found["scores"][f"{kind}/levels"] == pytest.approx(same, rel=0.2, abs=1.0)
    outliers = found["outliers"]["levels"]
    assert len(outliers) == 10
    distances = [clip["distance"] for clip in outliers]
    assert distances == sorted(distances, reverse=True)
    printed = " ".join(capsys.readouterr().out.split())
    assert f"farthest from the data, by levels: {', '.join(clip['name'] for clip in outliers[:3])}" in printed


def test_loud_reconstruction_is_the_first_outlier(clips, embedding, record, monkeypatch):
    inverse = type(clips.representation).inverse
    louder = {"clips": 0}

    def loud(self, x, n_samples):
        louder["clips"] += 1
        audio = inverse(self, x, n_samples)
        return 50 * audio if louder["clips"] == 7 else audio

    monkeypatch.setattr(type(clips.representation), "inverse", loud)
    outliers = record(clips, kad=(str(embedding),))["outliers"]["levels"]

    assert outliers[0]["clip"] == int(clips.test_dataset.indices[6])
    assert outliers[0]["name"] == f"clip {outliers[0]['clip']}"
    assert outliers[0]["distance"] > 10 * outliers[1]["distance"]
    assert outliers[0]["original"] < outliers[0]["distance"]


def test_kernel_distance_is_near_that_of_its_definition(clips, tmp_path, record):
    """Of one frame a clip, where only the pairs of a clip with itself are another matter."""
    path = torchscript(tmp_path / "one.pt", Levels(clips.n_samples, DIM), str(RATE))
    made, real = heard(clips)
    scores = record(clips, kad=(str(path),), fad=())["scores"]

    expected = kernel_distance(real[:, 0], made[:, 0])
    assert scores["kad_resynthesis/one"] == pytest.approx(expected.item(), abs=5.0)
    assert not any(key.startswith("fad") for key in scores)


# What is refused before anything is heard, by its name and with what leaves it out


@pytest.fixture
def refused(clips, record):
    """Returns the message of a refusal, without which a clip would have been heard."""

    def of(**options):
        clips.audio = pytest.fail
        with pytest.raises(RunError) as error:
            record(clips, **options)
        return str(error.value)

    return of


def test_file_of_another_rate(tmp_path, refused):
    path = torchscript(tmp_path / "other.pt", Levels(FRAME, DIM), "44100")

    message = refused(fad=(str(path),), kad=(str(path),))

    assert f"{path} embeds audio of 44100 Hz, and the audio of these data has 8000 Hz" in message
    assert "leave it out of --evaluation.fad and --evaluation.kad." in message


def test_onnx_file_that_is_none(tmp_path, refused):
    path = tmp_path / "mine.onnx"
    path.write_bytes(b"no network")

    assert f"{path} is no ONNX file" in (message := refused(kad=(str(path),)))
    assert "leave it out of --evaluation.kad." in message


def test_onnx_file_measures_as_torchscript_does(tmp_path, clips, embedding, record):
    path = onnx_file(tmp_path / "again.onnx", FRAME, DIM, str(RATE))

    scores = record(clips, fad=(str(embedding), str(path)), audio_clips=5)["scores"]

    assert scores["fad/again"] == pytest.approx(scores["fad/levels"], rel=1e-6)


def test_network_for_longer_clips(tmp_path, refused):
    path = torchscript(tmp_path / "long.pt", Levels(4000, DIM), str(RATE))

    assert f"{path} " in (message := refused(fad=(str(path),)))
    assert "leave it out of --evaluation.fad." in message


def test_clips_that_are_too_few(tmp_path, refused):
    path = torchscript(tmp_path / "wide.pt", Levels(FRAME, 100), str(RATE))

    few = refused(fad=(str(path),), audio_clips=12)
    assert "fad/wide has 96 embeddings of 100 dimensions from 12 clips" in few
    assert "of --evaluation.fad" in few
    infinite = refused(fad=(str(path),), fad_infinity=True, audio_clips=20)
    assert "fad_infinity/wide has 160 embeddings" in infinite
    assert "needs more than 200 from 8 clips" in infinite
    assert "--evaluation.fad_infinity false" in infinite
    one = refused(kad=(str(path),), audio_clips=1)
    assert "kad/wide has 8 embeddings of 100 dimensions from 1 clips" in one
    assert "--evaluation.kad" in one


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"fad": ("vggish", "vggish")}, "evaluation.fad names an embedding twice"),
        ({"fad": ("a/one.pt",), "kad": ("b/one.onnx",)}, "have two embeddings one, a/one.pt and b/one.onnx"),
        ({"kad": ("crepe",)}, "evaluation.kad: crepe is no embedding; the names are crepe-full"),
        ({"kad": ("crepe-tiny",), "fad_infinity": True}, "--evaluation.fad_infinity false"),
        ({"fad": ("n_real.pt",)}, "must|begin with n_"),
    ],
)
def test_options_that_cannot_be(options, message):
    with pytest.raises(RunError, match=message):
        SwapEvaluation(**options)


def test_silent_data_tell_no_clip_from_another(clips, embedding, record):
    clips.audio = lambda index: np.zeros(clips.n_samples, np.float32)

    with pytest.raises(RunError, match=r"kad/levels: more than half.*--evaluation\.kad"):
        record(clips, kad=(str(embedding),))


@pytest.mark.slow
def test_two_processes_measure_as_one(tmp_path, two_octave_run):
    path = torchscript(tmp_path / "levels.pt", Levels(2000, DIM))
    run = shutil.copytree(two_octave_run, tmp_path / "run")
    measured = ["fad", "kad"]
    options = [word for option in measured for word in (f"--evaluation.{option}", f"[{path}]")]
    options += ["--evaluation.fad_infinity", "true", "--evaluation.f1", "false", "--data.batch_size", "8"]
    options += ["--trainer.enable_progress_bar", "false"]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "OMP_NUM_THREADS": "1"}
    records = []
    for devices in ("1", "2"):
        command = [sys.executable, "-P", "-m", "lightning_app", "test", "--run", str(run), "--trust", *options]
        done = subprocess.run(
            [*command, "--trainer.devices", devices, *(["--trainer.strategy", "ddp"] if devices == "2" else [])],
            env=environment,
            capture_output=True,
            text=True,
            timeout=400,
        )
        assert done.returncode == 0, done.stderr[-3000:]
        records.append(json.loads((run / "evaluation.json").read_text()))

    one, two = records
    assert one["scores"]["kad/levels"] != 0
    assert two["scores"] == pytest.approx(one["scores"], rel=1e-5, abs=1e-6)
    assert set(two["intervals"]) == set(one["intervals"])
    for key, ends in one["intervals"].items():
        assert two["intervals"][key] == pytest.approx(ends, rel=1e-4, abs=1e-6)
    for first, second in zip(one["outliers"]["levels"], two["outliers"]["levels"], strict=True):
        assert (second.pop("name"), second.pop("clip")) == (first.pop("name"), first.pop("clip"))
        assert second == pytest.approx(first, rel=1e-5)
