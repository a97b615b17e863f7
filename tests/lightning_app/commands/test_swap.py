"""Swaps as files: what is written where, and what is refused before any work."""

import numpy as np
import pytest
import soundfile
from PIL import Image

from lightning_app import load_run
from lightning_app.commands.disentangle import main


@pytest.fixture
def swap(two_octave_run, tmp_path, capsys):
    """Runs the command, and returns what it has said."""

    def run(sources, targets, *options, run=two_octave_run, out="out"):
        main(["swap", "--run", str(run), "--source", *map(str, sources), "--target", *map(str, targets),
              "--out", str(tmp_path / out), *options])  # fmt: skip
        return capsys.readouterr().out

    return run


@pytest.fixture
def refused(swap, capsys):
    """Runs the command where it ends with a message, which it returns with the exit status."""

    def run(*args, **options):
        with pytest.raises(SystemExit) as exit_:
            swap(*args, **options)
        said = capsys.readouterr()
        assert "Traceback" not in said.err
        return exit_.value.code, said.err

    return run


def names_in(folder):
    return sorted(path.name for path in folder.iterdir())


def test_several_sources_by_several_targets_make_a_matrix(swap, sound_file, tmp_path):
    sources = [sound_file("one/a b.wav", 0.7, 44_100, channels=2), sound_file("two/a b.wav", 0.5, 22_050)]
    targets = [sound_file("音.flac", 0.4, 8_000, 300.0), sound_file("c.ogg", 0.9, 16_000, 500.0)]

    said = swap(sources, targets, "--swap", "both")

    stems = [f"{source}_to_{target}" for source in ("one_a b", "two_a b") for target in ("音", "c")]
    assert names_in(tmp_path / "out") == sorted(
        ["one_a b_reconstruction.wav", "two_a b_reconstruction.wav", "all_global_swaps.png", "all_local_swaps.png"]
        + [f"{stem}{end}" for stem in stems for end in (".png", "_global_swap.wav", "_local_swap.wav")]
    )
    lengths = {"one_a b": (0.7, 44_100), "two_a b": (0.5, 22_050), "音": 0.4, "c": 0.9}
    for stem in stems:
        source, target = stem.split("_to_")
        seconds, rate = lengths[source]
        for kind, expected in (("global", seconds), ("local", lengths[target])):
            info = soundfile.info(tmp_path / "out" / f"{stem}_{kind}_swap.wav")
            assert (info.samplerate, info.channels, info.frames) == (rate, 1, round(expected * rate))
    assert said.count("音.flac has nothing above 4,000 Hz") == 4
    assert "a b.wav (0.7 s, 44,100 Hz) with the global latent of c.ogg (0.9 s, 16,000 Hz)" in said
    with Image.open(tmp_path / "out" / "all_global_swaps.png") as picture:
        assert min(picture.size) > 400


def test_results_are_those_of_python_at_the_level_of_the_source(swap, sound_file, tmp_path, two_octave_run):
    source, target = sound_file("a.wav", 0.8, 22_050), sound_file("b.wav", 0.5, 16_000, 300.0)

    swap([source], [target], "--seed", "4")

    wave, rate = soundfile.read(tmp_path / "out" / "a_to_b_global_swap.wav", dtype="float32")
    expected = load_run(two_octave_run).swap(source, str(target), seed=4)
    assert rate == expected.rate == 22_050
    np.testing.assert_allclose(wave, expected.wave, atol=2**-22)
    original, _ = soundfile.read(source)
    assert np.sqrt((wave**2).mean()) == pytest.approx(np.sqrt((original**2).mean()), rel=1e-3)


def test_one_sound_may_be_given_a_name(swap, sound_file, tmp_path):
    swap([sound_file("a.wav")], [sound_file("b.wav")], "--rate", "8000", out="mine.flac")

    assert names_in(tmp_path) == ["a.wav", "b.wav", "mine.flac", "mine.png"]
    info = soundfile.info(tmp_path / "mine.flac")
    assert (info.format, info.samplerate, info.frames) == ("FLAC", 8_000, 4_800)


def test_sound_named_twice_is_taken_once_and_folders_are_searched(swap, sound_file, tmp_path):
    file = sound_file("in/a.wav")

    swap([file, file.parent], [file], "--format", "flac")

    assert names_in(tmp_path / "out") == ["a_reconstruction.flac", "a_to_a.png", "a_to_a_global_swap.flac"]


def test_nothing_is_written_over_unless_that_is_asked_for(swap, refused, sound_file, tmp_path):
    files = [sound_file("a.wav")], [sound_file("b.wav")]
    swap(*files)
    path = tmp_path / "out" / "a_to_b_global_swap.wav"
    path.write_bytes(b"mine")

    code, message = refused(*files)

    assert code == 1
    assert "a_to_b_global_swap.wav" in message
    assert "name another place with --out, or replace with --overwrite" in message
    assert path.read_bytes() == b"mine"
    swap(*files, "--overwrite")
    assert path.read_bytes() != b"mine"


@pytest.mark.parametrize(
    ("options", "out", "code", "message"),
    [
        ([], "x.mp3", 2, r"x.mp3: sounds are written as .wav or .flac"),
        (["--format", "wav"], "x.flac", 2, "x.flac and --format wav contradict each other"),
        (["--swap", "both"], "x.flac", 2, "x.flac is one sound, and these are 2 swaps; name a folder"),
        (["--rate", "5"], "out", 2, "--rate 5: it is in Hz, from 1,000 to 384,000, like 44100"),
        (["--swap", "all"], "out", 2, "--swap takes global or local or both, not all"),
        ([], "words.txt", 1, "words.txt is a file; name a folder with --out"),
        ([], "words.txt/in/it", 1, "words.txt is a file; name a folder with --out"),
        (["--overwrite"], "a.wav", 1, "a.wav is a recording that would be written over"),
    ],
)
def test_options_that_cannot_be(refused, sound_file, tmp_path, options, out, code, message):
    (tmp_path / "words.txt").write_text("words")
    before = names_in(tmp_path)

    found, said = refused([sound_file("a.wav")], [sound_file("b.wav")], *options, out=out)

    assert found == code
    assert message in said
    assert names_in(tmp_path) == sorted([*before, "a.wav", "b.wav"])


def test_sounds_that_cannot_be_heard_are_named_before_any_work(refused, sound_file, tmp_path):
    (tmp_path / "words.wav").write_text("no audio")
    soundfile.write(tmp_path / "silent.wav", np.zeros(9_000), 16_000)
    soundfile.write(tmp_path / "nan.wav", np.full(9_000, np.nan), 16_000, subtype="FLOAT")
    bad = [tmp_path / f"{name}.wav" for name in ("words", "silent", "nan")]

    code, said = refused([sound_file("a.wav"), *bad], [sound_file("short.wav", 0.05)])

    assert code == 1
    for part in ("words.wav is no audio", "silent.wav is silent", "nan.wav has values that are no numbers",
                 "short.wav lasts 0.05 s"):  # fmt: skip
        assert part in said
    assert not (tmp_path / "out").exists()


def test_files_and_runs_that_are_not_there(refused, sound_file, tmp_path):
    assert "there is no file" in refused([tmp_path / "absent.wav"], [sound_file("b.wav")])[1]
    code, said = refused([sound_file("a.wav")], [sound_file("b.wav")], run=tmp_path / "nowhere")
    assert code == 1
    assert "nowhere; name the folder of a run" in said


def test_model_that_cannot_swap(refused, sound_file, small_vae_run, tmp_path):
    code, said = refused([sound_file("a.wav")], [sound_file("b.wav")], run=small_vae_run)

    assert code == 1
    assert "a swap is between a global and local latents, and BetaVAE has no" in said
    assert not (tmp_path / "out").exists()
