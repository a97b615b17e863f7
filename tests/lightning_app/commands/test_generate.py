"""Samples of the prior, as files."""

import shutil

import pytest
import soundfile
import torch
import yaml

from lightning_app.commands.disentangle import main
from modules.protocols import Stage


def generate(run, out, *options):
    main(["generate", "--run", str(run), "--out", str(out), *map(str, options)])


@pytest.fixture(scope="module")
def prior_of_each(two_octave_run, tmp_path_factory):
    """A run in its second stage, where each clip has its own prior."""
    folder = shutil.copytree(two_octave_run, tmp_path_factory.mktemp("second_stage") / "run")
    path = folder / "checkpoints" / "best.ckpt"
    checkpoint = torch.load(path, weights_only=True)
    checkpoint["state_dict"]["_extra_state"]["stage"] = Stage.INFORMED_PRIOR.value
    torch.save(checkpoint, path)
    return folder


def test_sounds_and_their_picture(small_vae_run, tmp_path, capsys):
    generate(small_vae_run, tmp_path / "out", "--number", 2, "--format", "flac")

    names = sorted(path.name for path in (tmp_path / "out").iterdir())
    assert names == ["sample_1.flac", "sample_2.flac", "samples.png"]
    info = soundfile.info(tmp_path / "out" / "sample_1.flac")
    assert (info.samplerate, info.frames) == (16_000, 8_000)
    assert "Wrote 2 sounds" in capsys.readouterr().out


@pytest.mark.parametrize("reference", [True, False], ids=["given sounds", "a mixture of training clips"])
def test_model_with_a_prior_of_each_clip_draws_from(prior_of_each, tmp_path, sound_file, reference):
    options = ["--reference", sound_file("a.wav"), sound_file("b.wav", 2.0, 8_000)] if reference else []

    for folder in ("out", "again"):
        generate(prior_of_each, tmp_path / folder, "--number", 1, *options)

    assert soundfile.info(tmp_path / "out" / "sample_1.wav").frames == 64_000
    first, second = ((tmp_path / folder / "sample_1.wav").read_bytes() for folder in ("out", "again"))
    assert first == second


def test_too_few_training_clips_for_a_mixture(prior_of_each, tmp_path, capsys):
    with pytest.raises(SystemExit):
        generate(prior_of_each, tmp_path / "out", "--mixture_components", 13)

    message = capsys.readouterr().err
    assert "mixture_components is 13; it must be 1 or more, and at most half of the 24 training clips." in message
    assert "Or give sounds whose priors are drawn from, with --reference." in message
    assert not (tmp_path / "out").exists()


def test_training_clips_that_are_not_there(prior_of_each, tmp_path, capsys, sound_file):
    run = shutil.copytree(prior_of_each, tmp_path / "elsewhere")
    config = yaml.safe_load((run / "config.yaml").read_text())
    (tmp_path / "file").write_text("no folder")
    config["data"]["init_args"]["cache_dir"] = str(tmp_path / "file" / "cache")
    (run / "config.yaml").write_text(yaml.safe_dump(config))

    with pytest.raises(SystemExit):
        generate(run, tmp_path / "out")

    message = capsys.readouterr().err
    assert "DSAE has a prior for each clip, so v is drawn from a mixture" in message
    assert "cannot write the cache entry" in message
    assert message.strip().endswith("give sounds whose priors are drawn from, with --reference.")
    generate(run, tmp_path / "out", "--number", 1, "--reference", sound_file("a.wav"))
    assert (tmp_path / "out" / "sample_1.wav").exists()


def test_what_is_refused(small_vae_run, tmp_path, capsys):
    out = tmp_path / "out"
    out.mkdir()
    (out / "sample_2.wav").write_text("mine")
    for options, code, message in (
        ([], 1, "sample_2.wav already; name another place with --out, or replace with --overwrite"),
        (["--number", "0"], 2, "--number takes a number that is more than 0, not 0"),
        (["--reference", tmp_path / "no.wav"], 1, "there is no file"),
    ):
        with pytest.raises(SystemExit) as exit_:
            generate(small_vae_run, out, *options)
        assert exit_.value.code == code
        assert message in capsys.readouterr().err
    assert [path.name for path in out.iterdir()] == ["sample_2.wav"]
