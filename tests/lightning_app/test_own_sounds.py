"""What docs/own_sounds.md says to type works, from a folder that holds two runs and nothing else."""

import re
import runpy
import shlex
import shutil
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest
import soundfile

from lightning_app.commands.disentangle import main

PAGE = (Path(__file__).parents[2] / "docs" / "own_sounds.md").read_text()
STEPS = re.findall(r"^```(sh|python)\n(.*?)^```$", PAGE, flags=re.DOTALL | re.MULTILINE)


@pytest.fixture(scope="module")
def folder(two_octave_run, small_vae_run, tmp_path_factory):
    """An empty folder in which all of the page was done."""
    folder = tmp_path_factory.mktemp("own sounds")
    shutil.copytree(two_octave_run, folder / "runs" / "mine")
    shutil.copytree(small_vae_run, folder / "runs" / "ar_vae")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for kind, text in STEPS:
            if kind == "python":
                name = text.split("\n")[0].removeprefix("# ")
                (folder / name).write_text(text)
                (folder / f"{name}.names").write_text(" ".join(runpy.run_path(name)))
            else:
                for line in text.splitlines():
                    main(shlex.split(line)[1:])
    return folder


def test_the_page_shows_every_command():
    commands = [line.split()[1] for kind, text in STEPS if kind == "sh" for line in text.splitlines()]
    assert set(commands) == {"swap", "encode", "generate", "traverse"}


def test_swaps_are_there_as_long_as_their_sources(folder):
    listed = set(re.findall(r"^\| `(.+?)` \|", PAGE, flags=re.MULTILINE))
    assert {path.name for path in (folder / "swapped").iterdir()} == listed
    info = soundfile.info(folder / "swapped" / "mellow_to_reedy_global_swap.wav")
    assert (info.samplerate, info.frames) == (44_100, 9 * 22_050)
    assert {path.name for path in (folder / "matrix").glob("*swap*")} == {
        "all_global_swaps.png",
        *(f"{source}_to_{target}_global_swap.wav" for source in ("mellow", "reedy") for target in ("mellow", "reedy")),
    }
    flac, wav = (soundfile.read(folder / f"one.{ending}")[0] for ending in ("flac", "wav"))
    np.testing.assert_allclose(flac, wav, atol=2**-22)  # the command's, and Python's


def test_tables_have_the_segments(folder):
    table = pq.read_table(folder / "latents.parquet")
    assert table["file"].to_pylist() == ["recordings/mellow.wav"] * 2 + ["recordings/reedy.flac"]
    assert set(table.column_names) == {
        *("file", "start_seconds", "seconds"), *("v_mean", "v_log_variance", "z_mean", "z_log_variance")
    }  # fmt: skip
    assert pq.read_table(folder / "whole.parquet")["seconds"].to_pylist() == [4.5]


def test_samples_and_traversals_are_sounds(folder):
    for name, number in (("samples", 4), ("more_samples", 2), ("near_recordings", 2), ("moved", 3 + 7)):
        files = list((folder / name).glob("*.wav"))
        assert len(files) == number
        assert all(soundfile.read(file)[0].any() for file in files)
        assert list((folder / name).glob("*.png"))
