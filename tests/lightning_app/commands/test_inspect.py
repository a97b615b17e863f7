"""`disentangle inspect`: what it says of a folder, and the configuration that it writes."""

import inspect as python_inspect
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile
import yaml

from datamodules import AudioFolderDataModule
from lightning_app.commands.disentangle import main
from lightning_app.commands.inspect import inspect


def note(frequency, seconds=1.0, rate=16_000, level=0.3):
    time = np.arange(round(seconds * rate)) / rate
    wave = sum(np.sin(2 * np.pi * k * frequency * time) / k for k in range(1, 20) if k * frequency < 0.45 * rate)
    return level * wave / np.abs(wave).max()


@pytest.fixture(scope="session")
def cache(tmp_path_factory):
    return tmp_path_factory.mktemp("inspect_cache")


@pytest.fixture
def music(tmp_path):
    """Three files of 1.2 s of each of two classes."""
    root = tmp_path / "my music"
    for number in range(6):
        path = root / ("horn" if number < 3 else "viola") / f"{number}.wav"
        path.parent.mkdir(parents=True, exist_ok=True)
        soundfile.write(path, note(300 + 20 * number, 1.2), 16_000)
    return root


@pytest.fixture
def inspected(tmp_path, monkeypatch, capsys, cache):
    """Runs the command in an empty folder; returns what it printed."""
    (tmp_path / "here").mkdir()
    monkeypatch.chdir(tmp_path / "here")
    monkeypatch.setenv("COLUMNS", "200")

    def run(root, *options, fails=None):
        words = [
            "inspect",
            str(root),
            "--cache_dir",
            str(cache),
            "--prepare_workers",
            "1",
            "--seconds",
            "0.5",
            *options,
        ]
        if fails is None:
            main(words)
            return capsys.readouterr().out
        with pytest.raises(SystemExit) as end:
            main(words)
        assert end.value.code == fails
        err = capsys.readouterr().err
        assert err.startswith("error: ")
        assert "Traceback" not in err
        return err

    return run


def test_what_there_is(inspected, music):
    soundfile.write(music / "horn" / "x.flac", np.stack([note(500, 0.3, 44_100)] * 2, axis=1), 44_100)
    (music / "viola" / "broken.wav").write_text("no audio")

    printed = inspected(music)

    lines = {cells[1].strip(): cells[2].strip() for line in printed.splitlines() if len(cells := line.split("│")) == 4}
    assert lines["files"] == "7, 7.5 s in all"
    assert lines["formats"] == "WAV (6), FLAC (1)"
    assert lines["sample rates"] == "16000 Hz (6), 44100 Hz (1)"
    assert lines["channels"] == "1 (6), 2 (1)"
    assert lines["peaks"] == "-10.5, -10.5 and -10.5 dB (least, median, largest)"
    assert lines["segments"] == "12 kept"
    assert lines["dropped"] == "too short (1), rest (6)" or lines["dropped"] == "rest (6), too short (1)"
    rows = {tuple(cell.strip() for cell in line.split("│")[1:-1]) for line in printed.splitlines() if "│" in line}
    assert ("horn", "4", "3.9 s", "6") in rows
    assert ("viola", "3", "3.6 s", "6") in rows
    assert f"Left out\n- cannot read {music}/viola/broken.wav: " in printed
    assert "Suspicious" not in printed


def test_what_is_suspicious(inspected, music):
    horn = music / "horn"
    soundfile.write(horn / "0.wav", np.clip(12 * note(300, 1.2), -1, 1), 16_000)
    soundfile.write(horn / "1.wav", note(300, 1.2, 8_000), 8_000)
    soundfile.write(horn / "offset.wav", 0.05 + note(320, 1.2), 16_000)
    soundfile.write(horn / "silent.wav", np.zeros(19_200), 16_000)
    samples, _ = soundfile.read(music / "viola" / "4.wav", dtype="int16")
    soundfile.write(horn / "copy.flac", samples, 16_000)
    (music / "tuba").mkdir()
    soundfile.write(music / "tuba" / "9.wav", note(260, 1.2), 16_000)
    (music / "notes.csv").write_text("file,words\n")

    printed = inspected(music)

    said = [line.removeprefix("- ") for line in printed.partition("Suspicious\n")[2].splitlines()]
    assert [line.partition(" (")[0] for line in said[:1]] == ["1 file is clipped: horn/0.wav"]
    assert "1 file has nothing above 4 kHz: horn/1.wav." in said
    assert "1 file has a constant offset of more than 1 %: horn/offset.wav." in said
    assert "the same sound is there more than once: horn/copy.flac = viola/4.wav." in said
    assert "1 file is silent throughout: horn/silent.wav." in said
    assert any(line.startswith("there is one file of folder tuba, which is on one side of the split") for line in said)
    assert any("the table notes.csv is not used, and does not fit: the table" in line for line in said)


def test_a_table_that_would_fit_is_named_and_used_when_asked_for(inspected, music):
    text = "clip,player,bpm\n" + "".join(f"{number},{'ann' if number % 2 else 'bob'},{number}\n" for number in range(6))
    (music / "t.csv").write_text(text)

    assert "the table t.csv is not used; --table t.csv takes player, bpm from it." in inspected(music)
    printed = inspected(music, "--table", "t.csv", "--out", "b.yaml")

    assert "Classes: player" in printed
    assert "bpm from 0 to 5" in printed
    config = yaml.safe_load(Path("b.yaml").read_text())
    assert config["data"]["init_args"]["table"] == "t.csv"


def test_the_configuration_makes_the_data_that_was_inspected(inspected, music, tmp_path, cache):
    printed = inspected(music, "--hop_seconds", "0.25", "--rest", "pad", "--amplitude", "class")

    path = tmp_path / "here" / "my music.yaml"
    assert printed.endswith("Wrote my music.yaml. To train on it:\n  disentangle fit -c ts_dsae -c 'my music.yaml'\n")
    config = yaml.safe_load(path.read_text())
    assert config["name"] == "my_music"
    assert set(config) == {"name", "data"}
    data = AudioFolderDataModule(**config["data"]["init_args"])
    data.source.prepare()
    assert f"│ {len(data.source)} kept" in printed
    assert (data.source.cut.hop_seconds, data.source.cut.rest, data.source.amplitude) == (0.25, "pad", "class")


def test_fit_takes_the_configuration_as_it_is(inspected, music, tmp_path, capsys):
    inspected(music)

    with pytest.raises(SystemExit) as end:
        main(["fit", "-c", "ts_dsae", "-c", "my music.yaml", "--print_config"])
    assert end.value.code == 0
    config = yaml.safe_load(capsys.readouterr().out)
    options = config["data"]["init_args"]
    assert config["data"]["class_path"] == "datamodules.AudioFolderDataModule"
    assert (options["root"], options["seconds"]) == (str(music), 0.5)
    assert options["representation"]["init_args"]["n_mels"] == 80
    assert config["trainer"]["default_root_dir"] == "runs/my_music"


@pytest.mark.filterwarnings("ignore:.*:UserWarning")
def test_recordings_without_classes_are_trained_on(inspected, tmp_path, monkeypatch, capsys):
    root = tmp_path / "plain"
    root.mkdir()
    for number in range(5):
        soundfile.write(root / f"{number}.wav", note(300 + 20 * number), 16_000)
    inspected(root)
    config = yaml.safe_load((tmp_path / "here" / "plain.yaml").read_text())
    assert (config["evaluation"], config["media"]) == (None, None)

    small = ["--model.z_dim", "4", "--trainer.max_epochs", "2", "--schedule.constrained_epochs", "1"]
    small += ["--trainer.logger", "false", "--trainer.enable_progress_bar", "false", "--trainer.accelerator", "cpu"]
    small += ["--data.representation.n_mels", "12", "--data.representation.hop_length", "1024", "--latent_map", "null"]
    main(["fit", "-c", "ts_dsae", "-c", "plain.yaml", *small])
    assert (tmp_path / "here" / "runs" / "plain" / "checkpoints" / "best.ckpt").is_file()

    capsys.readouterr()
    with pytest.raises(SystemExit) as end:
        main(
            [
                "fit",
                "-c",
                "ts_dsae",
                "--data",
                "audio_folder",
                "--data.root",
                str(root),
                "--data.seconds",
                "0.5",
                *small,
            ]
        )
    assert end.value.code == 1
    assert (
        "error: these data have no classes, and a swap is between clips of two; leave it out with"
        in capsys.readouterr().err
    )


def test_a_configuration_is_not_replaced_unasked(inspected, music, tmp_path):
    inspected(music)
    path = tmp_path / "here" / "my music.yaml"
    path.write_text("mine: true\n")

    assert "my music.yaml exists; name another with --out, or replace it with --overwrite true" in inspected(
        music, fails=1
    )
    assert path.read_text() == "mine: true\n"
    inspected(music, "--overwrite", "true")
    assert "AudioFolderDataModule" in path.read_text()


def test_mistakes(inspected, music, tmp_path):
    assert "there is no folder " in inspected(tmp_path / "absent", fails=1)
    assert "is a file; set root to the folder" in inspected(music / "horn" / "0.wav", fails=1)
    (tmp_path / "empty").mkdir()
    assert "there is no audio in " in inspected(tmp_path / "empty", fails=1)
    assert "--rest" in inspected(music, "--rest", "keep", fails=2)
    assert "--columns takes a mapping like {name: value} or null, not {a:class}" in inspected(
        music, "--columns", "{a:class}", fails=2
    )
    assert "columns takes file or class or attribute or group or ignore, not klass" in inspected(
        music, "--columns", "{a: klass}", fails=2
    )
    assert "seconds is 0.0; it must be more than 0" in inspected(music, "--seconds", "0", fails=1)
    assert not list((tmp_path / "here").iterdir())


def test_where_nothing_is_left_all_is_said_all_the_same(inspected, music):
    printed = inspected(music, "--seconds", "3")

    assert "│ 0 kept" in printed
    assert "nothing is left of the 6 recordings in " in printed
    assert "set rest to pad, or seconds to less than 3" in printed


def test_options_and_their_defaults_are_those_of_the_data():
    own = python_inspect.signature(inspect).parameters
    data = python_inspect.signature(AudioFolderDataModule).parameters
    shared = own.keys() & data.keys() - {"cache_dir"}

    assert shared >= {"seconds", "hop_seconds", "rest", "silence_db", "amplitude", "table", "columns", "split_by_file"}
    assert {name: own[name].default for name in shared} == {name: data[name].default for name in shared}
    assert own.keys() - data.keys() == {"folder", "sample_rate", "seed", "out", "overwrite"}


def test_a_moved_folder_is_not_listened_to_again(inspected, music, cache):
    inspected(music)
    before = {path: path.stat().st_mtime_ns for path in cache.glob("*.parquet")}
    shutil.move(music, music.with_name("moved"))

    inspected(music.with_name("moved"))

    assert {path: path.stat().st_mtime_ns for path in cache.glob("*.parquet")} == before
