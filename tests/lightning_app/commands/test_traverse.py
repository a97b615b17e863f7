"""Attributes that are moved, as files."""

import re
import shutil

import pytest
import soundfile
import torch

from lightning_app import load_run
from lightning_app.commands.disentangle import main
from lightning_app.evaluation.traversal import posterior_means, range_of


def traverse(run, source, out, *options):
    main(["traverse", "--run", str(run), "--source", str(source), "--out", str(out), *map(str, options)])


@pytest.fixture
def away(small_vae_run, tmp_path):
    """The run on a machine that does not have its data."""
    folder = shutil.copytree(small_vae_run, tmp_path / "away")
    config = (folder / "config.yaml").read_text()
    (folder / "config.yaml").write_text(re.sub(r"(\n    root:) .*", r"\1 /nowhere/nsynth", config))
    return folder


def test_a_sound_for_each_position_through_the_range_of_the_data(small_vae_run, sound_file, tmp_path, capsys):
    traverse(small_vae_run, sound_file("my note.wav", 0.9, 44_100), tmp_path / "out", "--attribute", "depth",
             "--positions", 3)  # fmt: skip

    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["my note_depth.png", *(f"my note_depth_{n}.wav" for n in (1, 2, 3))]
    info = soundfile.info(tmp_path / "out" / "my note_depth_1.wav")
    assert (info.samplerate, info.frames) == (44_100, 39_690)
    run = load_run(small_vae_run)
    run.data.prepare_data()
    run.data.setup("test")
    with torch.inference_mode():
        places = range_of(posterior_means(run.model, run.data)[:, 1], 3)
    said = capsys.readouterr().out
    found = re.findall(r"depth's dimension at (-?\d\.\d\d), measured -?\d", said)
    assert found == [f"{place:.2f}" for place in places.tolist()]


def test_range_that_is_given_needs_no_data(away, sound_file, tmp_path, capsys):
    traverse(away, sound_file("a.wav", 0.5), tmp_path / "out", "--low", -1.5, "--high", 1.5, "--positions", 2)

    said = capsys.readouterr().out
    assert re.findall(r"brightness's dimension at (-?\d\.\d\d)", said) == ["-1.50", "1.50"]


def test_what_is_refused(away, small_vae_run, two_octave_run, sound_file, tmp_path, capsys):
    file = sound_file("a.wav", 0.5)
    for run, source, options, code, message in (
        (away, file, [], 1, "/nowhere/nsynth"),
        (away, file, ["--low", -1], 2, "give both --low and --high, or neither"),
        (away, file, ["--attribute", "brightnes"], 1, "follows 'brightnes'. Did you mean brightness?"),
        (away, file, ["--rate", 10], 2, "--rate 10: it is in Hz"),
        (away, tmp_path / "no.wav", [], 1, "there is no file"),
        (two_octave_run, file, [], 1, "DSAE has no attribute_names, latent, regularized_dims, traverse"),
    ):
        with pytest.raises(SystemExit) as exit_:
            traverse(run, source, tmp_path / "out", *options)
        assert exit_.value.code == code
        assert message in capsys.readouterr().err
    assert not (tmp_path / "out").exists()
