import pytest
import soundfile

from datamodules.storage.audio_files import FOREIGN_ENDINGS, READABLE_ENDINGS, audio_files


def made(folder, *names):
    for name in names:
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).touch()
    return [folder / name for name in names]


def test_any_letter_case_in_the_order_of_paths(tmp_path):
    expected = made(tmp_path, "B.WAV", "a b/c.wav", "a/b.wav", "a/c.Wav", "b.wav")
    made(tmp_path, "a/b.flac", "a/wav", "b.wav.txt", "c.wave")

    assert audio_files(tmp_path) == sorted(expected)


def test_other_endings(tmp_path):
    expected = made(tmp_path, "a.FLAC", "b.wav")
    made(tmp_path, "c.mp3")

    assert audio_files(tmp_path, (".wav", ".flac")) == expected
    assert audio_files(tmp_path, (".npy",)) == []


@pytest.mark.parametrize(
    "debris", ["._a.wav", ".a.wav", ".wav", "__MACOSX/a.wav", "b/__MACOSX/c/a.wav", ".hidden/a.wav", "b/.c/d/a.wav"]
)
def test_what_is_passed_over(tmp_path, debris):
    made(tmp_path, debris)
    expected = made(tmp_path, "b/a.wav")

    assert audio_files(tmp_path) == expected


def test_the_folder_itself_may_be_hidden(tmp_path):
    expected = made(tmp_path, ".cache/__MACOSX/a.wav")

    assert audio_files(tmp_path / ".cache" / "__MACOSX") == expected


def test_what_is_no_folder_has_no_files(tmp_path):
    (file,) = made(tmp_path, "a.wav")

    assert audio_files(tmp_path / "absent") == audio_files(file) == []


@pytest.mark.parametrize("ending", READABLE_ENDINGS)
def test_every_ending_is_of_a_format_that_is_read(ending):
    kinds = {".wave": "WAV", ".oga": "OGG", ".opus": "OGG", ".aif": "AIFF", ".aifc": "AIFF", ".snd": "AU"}
    assert kinds.get(ending, ending[1:].upper()) in soundfile.available_formats()


@pytest.mark.parametrize("ending", FOREIGN_ENDINGS)
def test_no_foreign_ending_is_of_a_format_that_is_read(ending):
    assert ending[1:].upper() not in soundfile.available_formats()
