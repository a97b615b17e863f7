"""Latents of folders of sounds, as a table."""

import json

import numpy as np
import pyarrow.parquet as pq
import pytest

from lightning_app import load_run
from lightning_app.commands.disentangle import main


def encode(run, *words):
    main(["encode", "--run", str(run), *map(str, words)])


def refused(capsys, run, *words):
    with pytest.raises(SystemExit) as exit_:
        encode(run, *words)
    return exit_.value.code, capsys.readouterr().err


def test_every_file_of_a_folder_has_its_rows(two_octave_run, sound_file, tmp_path, capsys):
    long, other = sound_file("in/long ♪.wav", 5.0, 22_050), sound_file("in/b/other.ogg", 1.0, 44_100)
    out = tmp_path / "latents.parquet"

    encode(two_octave_run, tmp_path / "in", "--out", out)

    table = pq.read_table(out)
    assert table["file"].to_pylist() == [str(other), str(long), str(long)]
    assert table["start_seconds"].to_pylist() == [0.0, 0.0, 4.0]
    assert table["seconds"].to_pylist() == [1.0, 4.0, 1.0]
    of_python = load_run(two_octave_run).encode(tmp_path / "in")
    assert of_python.files == table["file"].to_pylist()
    for name, values in of_python.latents.items():
        np.testing.assert_allclose(np.stack(table[name].to_pylist()), values, atol=1e-6)
    assert json.loads(table.schema.metadata[b"disentangle"])["frame_seconds"] == 0.064
    assert "rows 3, files 2" in capsys.readouterr().out


def test_whole_files(two_octave_run, sound_file, tmp_path):
    encode(two_octave_run, sound_file("a.wav", 5.0), sound_file("b.wav", 1.0), "--whole_files",
           "--out", tmp_path / "latents.parquet")  # fmt: skip

    table = pq.read_table(tmp_path / "latents.parquet")
    assert table["seconds"].to_pylist() == [5.0, 1.0]
    assert [np.shape(z) for z in table["z_mean"].to_pylist()] == [(80, 4), (17, 4)]  # frames of 64 ms, both ends too


def test_any_model_that_predicts(small_vae_run, sound_file, tmp_path):
    encode(small_vae_run, sound_file("a.wav", 1.0), "--out", tmp_path / "latents.parquet")

    table = pq.read_table(tmp_path / "latents.parquet")
    assert np.stack(table["z_mean"].to_pylist()).shape == (2, 8)


def test_what_is_refused(two_octave_run, small_vae_run, sound_file, tmp_path, capsys):
    file, out = sound_file("a.wav"), tmp_path / "latents.parquet"
    (tmp_path / "empty").mkdir()
    (tmp_path / "words.wav").write_text("no audio")
    there = tmp_path / "there.parquet"
    there.write_text("mine")
    for run, words, code, message in (
        (two_octave_run, [file, "--out", "x.csv"], 2, "--out x.csv: the table is a .parquet; give it this ending"),
        (two_octave_run, [file, "--out", there], 1, "there.parquet already"),
        (two_octave_run, [tmp_path / "empty", "--out", out], 1, "there is no audio in the folder"),
        (two_octave_run, [tmp_path / "no", "--out", out], 1, "there is no file"),
        (two_octave_run, [file, tmp_path / "words.wav", "--out", out], 1, "words.wav is no audio that can be read"),
        (small_vae_run, [file, "--out", out, "--whole_files"], 2, "BetaVAE hears clips of 0.5 s and no others"),
    ):
        assert (found := refused(capsys, run, *words))[0] == code, found
        assert message in found[1]
    assert not out.exists()
    assert there.read_text() == "mine"
    encode(two_octave_run, file, "--out", there, "--overwrite")
    assert pq.read_table(there).num_rows == 1
