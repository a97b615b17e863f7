import numpy as np
import pytest
import soundfile

from datamodules.errors import DataError
from datamodules.nsynth.notes import NoteFormat, check_note, read_note

FORM = NoteFormat(n_samples=4000)
NAME = "bass_electronic_018-031-100"


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).uniform(-0.9, 0.9, shape)


@pytest.fixture
def note(tmp_path):
    path = tmp_path / f"{NAME}.wav"
    soundfile.write(path, noise(4000), 16_000, subtype="PCM_16")
    return path


@pytest.mark.parametrize("subtype", ["PCM_16", "FLOAT"])
def test_a_note_is_read_as_its_file_has_it(note, subtype):
    soundfile.write(note, noise(4000), 16_000, subtype=subtype)
    audio = read_note(note, FORM)
    assert audio.dtype == np.float32
    assert audio.shape == (4000,)
    exact = soundfile.read(note, dtype="int16")[0] / 2**15 if subtype == "PCM_16" else noise(4000).astype(np.float32)
    assert np.array_equal(audio, exact.astype(np.float32))
    assert check_note(note, FORM) is None


@pytest.mark.parametrize("value", [np.nan, np.inf, -np.inf])
def test_a_note_with_a_sample_that_is_not_finite_is_refused(note, value):
    samples = noise(4000)
    samples[-1] = value
    soundfile.write(note, samples, 16_000, subtype="FLOAT")
    with pytest.raises(DataError, match=rf"{NAME}\.wav holds NaN or infinite samples; unpack NSynth again"):
        read_note(note, FORM)


def wrong_rate(path):
    soundfile.write(path, noise(4000), 22_050, subtype="PCM_16")


def too_short(path):
    soundfile.write(path, noise(3999), 16_000, subtype="PCM_16")


def too_long(path):
    soundfile.write(path, noise(4001), 16_000, subtype="PCM_16")


def stereo(path):
    soundfile.write(path, noise(4000, 2), 16_000, subtype="PCM_16")


def cut_short(path):
    path.write_bytes(path.read_bytes()[:5044])  # the header is 44 bytes, a sample two


def no_sound_file(path):
    path.write_bytes(b"nothing that is a WAV")


def empty(path):
    path.write_bytes(b"")


def absent(path):
    path.unlink()


FOUND = [
    (wrong_rate, r"has 4000 samples of 1 channel\(s\) at 22050 Hz"),
    (too_short, r"has 3999 samples of 1 channel\(s\) at 16000 Hz"),
    (too_long, r"has 4001 samples of 1 channel\(s\) at 16000 Hz"),
    (stereo, r"has 4000 samples of 2 channel\(s\) at 16000 Hz"),
    (cut_short, r"has 2500 samples of 1 channel\(s\) at 16000 Hz"),
]
UNREADABLE = [no_sound_file, empty, absent]


@pytest.mark.parametrize(("spoil", "found"), FOUND)
def test_a_note_of_another_kind_is_refused(note, spoil, found):
    spoil(note)
    expected = rf"{NAME}\.wav {found}; expected 4000 of 1 at 16000 Hz"
    with pytest.raises(DataError, match=rf"{expected}\..* unpack NSynth again"):
        read_note(note, FORM)


@pytest.mark.parametrize("spoil", UNREADABLE)
def test_a_note_that_cannot_be_read_is_refused(note, spoil):
    spoil(note)
    with pytest.raises(DataError, match=rf"{NAME}\.wav cannot be read \(.+\); unpack NSynth again"):
        read_note(note, FORM)


@pytest.mark.parametrize(("spoil", "found"), FOUND)
def test_the_header_tells_the_same(note, spoil, found):
    spoil(note)
    problem = check_note(note, FORM)
    assert problem is not None
    with pytest.raises(DataError) as caught:
        read_note(note, FORM)
    assert str(caught.value).startswith(problem)


@pytest.mark.parametrize("spoil", UNREADABLE)
def test_the_header_of_what_cannot_be_read_tells_the_same(note, spoil):
    spoil(note)
    problem = check_note(note, FORM)
    assert problem is not None
    assert problem.startswith(f"{note} cannot be read (")


@pytest.mark.parametrize("options", [{"sample_rate": 0}, {"n_samples": 0}, {"n_samples": -4000}])
def test_a_format_of_no_audio_is_refused(options):
    ((name, value),) = options.items()
    with pytest.raises(DataError, match=rf"^{name} is {value}; it must be 1 or more\.$"):
        NoteFormat(**options)


def test_nsynths_notes_have_four_seconds():
    assert (NoteFormat().sample_rate, NoteFormat().n_samples) == (16_000, 4 * 16_000)
