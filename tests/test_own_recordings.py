"""docs/own_recordings.md, followed from an empty folder on: its blocks of Python and of commands, in their order."""

import csv
import json
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet
import pytest
import soundfile
import yaml

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "own_recordings.md").read_text()
BLOCKS = re.findall(r"^```(python|sh)\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)
# One process for all, which ends at the first step that fails.
FOLLOW = """
import json, sys
from lightning_app.commands.disentangle import main
for number, (kind, step) in enumerate(json.load(sys.stdin)):
    print("step", number, flush=True)
    if kind == "python":
        exec(compile(step, f"step {number}", "exec"), {"__name__": "__main__"})
    else:
        main(step)
"""


def steps():
    """The Python blocks, and the words of each command."""
    for kind, text in BLOCKS:
        if kind == "python":
            yield kind, text
        else:
            for line in text.replace("\\\n", "").splitlines():
                yield kind, shlex.split(line, comments=True)[1:]


@pytest.fixture(scope="module")
def followed(tmp_path_factory):
    """The folder in which the page was followed, and what was printed on the way."""
    folder = tmp_path_factory.mktemp("followed")
    environment = os.environ | {
        "XDG_CACHE_HOME": str(folder / "cache"),
        "PYTHONPATH": str(ROOT),
        "WANDB_SILENT": "true",
        "OMP_NUM_THREADS": "1",
        "COLUMNS": "200",
    }
    done = subprocess.run(
        [sys.executable, "-P", "-c", FOLLOW],
        cwd=folder, env=environment, input=json.dumps(list(steps())), capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, (done.stdout[-1500:], done.stderr[-3000:])
    return folder, done.stdout


def test_the_page_is_made_of_what_is_followed():
    fences = re.findall(r"^```(\w+)", PAGE, flags=re.MULTILINE)
    assert fences == [kind for kind, _ in BLOCKS]
    assert [words[0] for kind, words in steps() if kind == "sh"][:3] == ["inspect", "fit", "test"]


def test_inspection_tells_what_was_made(followed):
    folder, printed = followed

    assert "WAV (8), FLAC (2), OGG (2)" in printed
    assert "16000 Hz (8), 44100 Hz (2), 48000 Hz (2)" in printed
    config = yaml.safe_load((folder / "recordings.yaml").read_text())
    assert config["data"]["init_args"]["root"] == str(folder / "recordings")
    assert config["data"]["init_args"]["seconds"] == 1.0


def test_runs_are_trained_and_evaluated_on_the_folder(followed):
    folder, _ = followed

    scores = json.loads((folder / "runs" / "recordings" / "evaluation.json").read_text())["scores"]
    assert {f"swap_f1/{step}" for step in ("pre_swap", "global_swap", "local_swap")} <= scores.keys()
    assert list((folder / "runs" / "recordings" / "media" / "test").glob("1_*_global_swap.wav"))
    assert (folder / "runs" / "knobs" / "checkpoints" / "best.ckpt").is_file()
    assert list((folder / "recordings").glob("timbral-*.parquet"))


def test_files_are_swapped_encoded_drawn_and_moved(followed):
    folder, printed = followed

    source = soundfile.info(folder / "recordings" / "hollow" / "phrase 4.flac")
    target = soundfile.info(folder / "recordings" / "bright" / "phrase 5.ogg")
    swaps = {path.name: path for path in (folder / "swaps").iterdir()}
    assert swaps.keys() == {
        "phrase 4_reconstruction.wav",
        "phrase 4_to_phrase 5_global_swap.wav",
        "phrase 4_to_phrase 5_local_swap.wav",
        "phrase 4_to_phrase 5.png",
    }
    glob, local = (soundfile.info(swaps[f"phrase 4_to_phrase 5_{which}_swap.wav"]) for which in ("global", "local"))
    assert (glob.samplerate, glob.frames) == (source.samplerate, source.frames)
    assert local.duration == pytest.approx(target.duration, abs=0.001)
    table = pyarrow.parquet.read_table(folder / "latents.parquet").to_pydict()
    assert len(table["v_mean"]) == 12 * 3 == len(set(zip(table["file"], table["start_seconds"], strict=True)))
    assert "(36, 16)\n" in printed  # the same in Python
    assert len(list((folder / "samples").glob("*.wav"))) == 2
    assert len(list((folder / "knobs").glob("*.wav"))) == 3
    assert soundfile.info(folder / "hollow 0 as bright.wav").frames == 48_000


def test_the_table_makes_classes_and_attributes(followed):
    from datamodules import AudioFolderDataModule

    folder, _ = followed
    config = yaml.safe_load((folder / "moods.yaml").read_text())["data"]["init_args"]
    data = AudioFolderDataModule(**config, cache_dir=folder / "again", attributes=("tempo",))

    assert data.class_names == {"mood": ("calm", "lively"), "folder": ("bright", "hollow")}
    with (folder / "recordings" / "phrases.csv").open(newline="") as file:
        tempos = {row["file"]: float(row["tempo"]) for row in csv.DictReader(file)}
    names = [name.rpartition(" at ")[0] for name in data.clip_names(range(len(data.source)))]
    np.testing.assert_array_equal(data.source.attributes()["tempo"], [tempos[name] for name in names])
