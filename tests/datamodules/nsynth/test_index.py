import json
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from datamodules.errors import DataError
from datamodules.nsynth.index import FAMILIES, SOURCES, NoteFilter, NSynthIndex

SAMPLE = Path(__file__).parents[3].parent / "shared" / "data" / "nsynth_sample"

NOTES = {
    "vocal_synthetic_003-096-127": (10, 2, 96, 127),
    "bass_electronic_018-031-100": (0, 1, 31, 100),
    "synth_lead_synthetic_011-060-025": (9, 2, 60, 25),
    "keyboard_acoustic_004-009-050": (4, 0, 9, 50),
    "bass_electronic_018-031-025": (0, 1, 31, 25),
}
IN_ORDER = (
    "bass_electronic_018-031-025",
    "bass_electronic_018-031-100",
    "keyboard_acoustic_004-009-050",
    "synth_lead_synthetic_011-060-025",
    "vocal_synthetic_003-096-127",
)


def full_entry(name: str) -> dict[str, object]:
    """As the release has it."""
    family, source, pitch, velocity = NOTES[name]
    return {
        "note": 201034,
        "sample_rate": 16000,
        "pitch": pitch,
        "velocity": velocity,
        "instrument": 417,
        "instrument_str": name.rsplit("-", 2)[0],
        "instrument_family": family,
        "instrument_family_str": FAMILIES[family],
        "instrument_source": source,
        "instrument_source_str": SOURCES[source],
        "qualities": [0, 1, 0, 0, 0, 0, 0, 0, 0, 0],
        "qualities_str": ["dark"],
        "note_str": name,
    }


def write_split(folder: Path, entries: object) -> Path:
    """A split with an empty file for each entry; reading the index does not open them."""
    (folder / "audio").mkdir(parents=True)
    (folder / "examples.json").write_text(entries if isinstance(entries, str) else json.dumps(entries))
    for name in entries if isinstance(entries, dict) else ():
        (folder / "audio" / f"{name}.wav").touch()
    return folder


def columns(index: NSynthIndex) -> list[tuple[int, ...]]:
    return list(
        zip(*(getattr(index, name).tolist() for name in ("family", "source", "pitch", "velocity")), strict=True)
    )


@pytest.fixture
def split(tmp_path):
    return write_split(tmp_path / "nsynth-train", {name: full_entry(name) for name in NOTES})


def test_families_and_sources_are_numbered_as_nsynth_publishes_them():
    published = "bass brass flute guitar keyboard mallet organ reed string synth_lead vocal"
    assert tuple(published.split()) == FAMILIES
    assert SOURCES == ("acoustic", "electronic", "synthetic")


def test_a_split_is_read_in_the_order_of_names(split):
    index = NSynthIndex.read(split)
    assert len(index) == 5
    assert [index.name(row) for row in range(5)] == list(IN_ORDER)
    assert columns(index) == [NOTES[name] for name in IN_ORDER]
    assert [index.path(row) for row in range(5)] == [split / "audio" / f"{name}.wav" for name in IN_ORDER]


@pytest.mark.parametrize("absent", ["instrument_family", "instrument_source", "pitch", "velocity", None])
def test_what_an_entry_lacks_is_taken_from_the_name(tmp_path, absent):
    entries = {name: full_entry(name) for name in NOTES}
    for entry in entries.values():
        for field in list(entry):
            if field == absent or absent is None:
                del entry[field]
    index = NSynthIndex.read(write_split(tmp_path / "split", entries))
    assert columns(index) == [NOTES[name] for name in IN_ORDER]


@pytest.mark.parametrize("entry", [{}, {"qualities": [], "qualities_str": []}, {"pitch": None}, {"note": 3}], ids=str)
def test_one_poor_entry_among_full_ones(tmp_path, entry):
    entries = {name: full_entry(name) for name in NOTES} | {IN_ORDER[2]: entry}
    index = NSynthIndex.read(write_split(tmp_path / "split", entries))
    assert columns(index) == [NOTES[name] for name in IN_ORDER]


def test_what_an_entry_says_goes_before_the_name(tmp_path):
    entries = {"bass_electronic_018-031-100": {"pitch": 32, "velocity": 75}}
    index = NSynthIndex.read(write_split(tmp_path / "split", entries))
    assert columns(index) == [(0, 1, 32, 75)]


def test_names_that_are_not_ascii(tmp_path):
    names = ["bass_electronic_Größe-031-100", "bass_electronic_小-031-100"]
    index = NSynthIndex.read(write_split(tmp_path / "split", {name: {} for name in names}))
    assert [index.name(row) for row in range(2)] == names
    assert all(index.path(row).is_file() for row in range(2))


def test_a_name_that_no_file_can_have_is_refused(tmp_path):
    folder = write_split(tmp_path / "split", r'{"bass_electronic_\ud800-031-100": {}}')
    with pytest.raises(DataError, match=r"which is not named or described as NSynth's notes are"):
        NSynthIndex.read(folder)


def test_files_that_no_entry_names_are_passed_over(split):
    (split / "audio" / "organ_electronic_000-060-100.wav").touch()
    assert len(NSynthIndex.read(split)) == 5


def test_endings_of_any_letter_case_and_debris_beside_them(split):
    audio = split / "audio"
    for name, ending in ((IN_ORDER[0], ".WAV"), (IN_ORDER[3], ".Wav")):
        (audio / f"{name}.wav").rename(audio / f"{name}{ending}")
    for name in IN_ORDER:
        (audio / f"._{name}.wav").touch()
    (audio / "__MACOSX").mkdir()

    index = NSynthIndex.read(split)

    assert len(index) == 5
    assert all(index.path(row).is_file() for row in range(5))
    assert [index.path(row).suffix for row in range(5)] == [".WAV", ".wav", ".wav", ".Wav", ".wav"]
    assert index[np.array([3])].path(0) == audio / f"{IN_ORDER[3]}.Wav"


def test_debris_is_no_note(split):
    (split / "audio" / f"{IN_ORDER[1]}.wav").rename(split / "audio" / f"._{IN_ORDER[1]}.wav")
    with pytest.raises(DataError, match=rf"names 1 of 5 notes that are not in .*: {IN_ORDER[1]}\.wav"):
        NSynthIndex.read(split)


def test_some_of_the_notes(split):
    index = NSynthIndex.read(split)[np.array([3, 1])]
    assert len(index) == 2
    assert [index.name(row) for row in range(2)] == [IN_ORDER[3], IN_ORDER[1]]
    assert columns(index) == [NOTES[IN_ORDER[3]], NOTES[IN_ORDER[1]]]
    assert index.path(0) == split / "audio" / f"{IN_ORDER[3]}.wav"


@pytest.mark.parametrize(
    ("options", "taken"),
    [
        ({}, [0, 1, 2, 3, 4]),
        ({"families": ("bass", "vocal")}, [0, 1, 4]),
        ({"families": ["synth_lead"]}, [3]),
        ({"families": ("organ",)}, []),
        ({"sources": ("synthetic",)}, [3, 4]),
        ({"sources": ("acoustic", "electronic")}, [0, 1, 2]),
        ({"pitches": (31, 60)}, [0, 1, 3]),
        ({"pitches": (32, 59)}, []),
        ({"pitches": (9, 9)}, [2]),
        ({"velocities": (25, 127)}, [0, 3, 4]),
        ({"velocities": (26,)}, []),
        ({"families": ("bass", "synth_lead"), "velocities": (25,), "pitches": (0, 50)}, [0]),
        ({"families": ("bass",), "sources": ("synthetic",)}, []),
    ],
)
def test_filters(split, options, taken):
    mask = NoteFilter(**options).mask(NSynthIndex.read(split))
    assert mask.dtype == bool
    assert np.flatnonzero(mask).tolist() == taken


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"families": ("bass", "kazoo")}, r"families has 'kazoo'; choose from bass, .*synth_lead, vocal"),
        ({"sources": ("Acoustic",)}, r"sources has 'Acoustic'; choose from acoustic, electronic, synthetic"),
    ],
)
def test_filters_of_what_there_is_not_are_refused(options, message):
    with pytest.raises(DataError, match=message):
        NoteFilter(**options)


@pytest.mark.parametrize("there", [True, False])
def test_a_folder_that_is_not_nsynths_is_refused(tmp_path, there):
    folder = tmp_path / "nsynth-train"
    if there:
        folder.mkdir()
    with pytest.raises(DataError, match=r"no .*examples\.json: .*nsynth-train is not a split of NSynth.*root"):
        NSynthIndex.read(folder)


@pytest.mark.parametrize("file", ["nsynth", "nsynth/nsynth-train"])
def test_a_file_where_a_folder_is_wanted_is_refused(tmp_path, file):
    root = tmp_path / "nsynth"
    (tmp_path / file).parent.mkdir(exist_ok=True)
    (tmp_path / file).touch()
    with pytest.raises(DataError, match=r"no .*examples\.json: .*nsynth-train is not a split of NSynth.*root"):
        NSynthIndex.read(root / "nsynth-train")


def test_a_folder_where_the_index_is_wanted_is_refused(tmp_path):
    (tmp_path / "examples.json").mkdir()
    with pytest.raises(
        DataError, match=r"examples\.json cannot be read \(Is a directory\); it should be NSynth's list"
    ):
        NSynthIndex.read(tmp_path)


@pytest.mark.parametrize("text", ["", "{", '{"bass_electronic_018-031-100": {"pitch": 31}', "no JSON"])
def test_a_damaged_index_is_refused(tmp_path, text):
    folder = write_split(tmp_path / "split", text)
    with pytest.raises(DataError, match=r"split/examples\.json cannot be read as JSON .*unpack NSynth again"):
        NSynthIndex.read(folder)


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a": {"pitch": ' + 5000 * "1" + "}}"], ids=["deep", "long"])
def test_an_index_that_python_cannot_parse_is_refused(tmp_path, text):
    folder = write_split(tmp_path / "split", text)
    with pytest.raises(DataError, match=r"split/examples\.json cannot be read as JSON .*unpack NSynth again"):
        NSynthIndex.read(folder)


def test_an_index_that_is_no_text_is_refused(tmp_path):
    folder = write_split(tmp_path / "split", "")
    (folder / "examples.json").write_bytes(b'{"\xff\xfe": {}}')
    with pytest.raises(DataError, match=r"split/examples\.json cannot be read as JSON .*unpack NSynth again"):
        NSynthIndex.read(folder)


@pytest.mark.parametrize("text", ["[]", '[{"note_str": "bass_electronic_018-031-100"}]', "3", '"text"', "null", "{}"])
def test_an_index_that_does_not_list_notes_by_name_is_refused(tmp_path, text):
    folder = write_split(tmp_path / "split", text)
    with pytest.raises(DataError, match=r"split/examples\.json does not list notes by name.*unpack NSynth again"):
        NSynthIndex.read(folder)


@pytest.mark.parametrize("n_missing", [1, 5, 7])
def test_notes_without_a_file_are_counted_and_named(tmp_path, n_missing):
    names = [f"organ_electronic_000-{pitch:03d}-100" for pitch in range(60, 70)]
    folder = write_split(tmp_path / "split", {name: {} for name in names})
    for name in names[-n_missing:]:
        (folder / "audio" / f"{name}.wav").unlink()
    with pytest.raises(DataError) as caught:
        NSynthIndex.read(folder)
    message = str(caught.value)
    shown = names[-n_missing:][:5]
    assert f"names {n_missing} of 10 notes that are not in {folder / 'audio'}: " in message
    assert ", ".join(f"{name}.wav" for name in shown) in message
    assert ("more. Unpack" in message) == (n_missing > 5)
    assert not any(name in message for name in set(names) - set(shown))
    assert message.endswith("Unpack NSynth again, or take their entries out.")


def test_an_index_without_its_audio_folder_is_refused(split):
    for path in (split / "audio").iterdir():
        path.unlink()
    (split / "audio").rmdir()
    with pytest.raises(DataError, match="names 5 of 5 notes that are not in"):
        NSynthIndex.read(split)


@pytest.mark.parametrize(
    "name",
    [
        "",
        "bass",
        "bass_electronic_018",
        "bass_electronic_018-031",
        "bass_electronic-031-100",
        "tuba_acoustic_018-031-100",
        "bass_electric_018-031-100",
        "bass_electronic_018-low-100",
        "bass_electronic_018-031-loud",
    ],
)
def test_a_note_that_is_not_named_as_nsynths_is_refused(tmp_path, name):
    folder = write_split(tmp_path / "split", {IN_ORDER[0]: full_entry(IN_ORDER[0]), name: {}})
    with pytest.raises(DataError) as caught:
        NSynthIndex.read(folder)
    message = str(caught.value)
    assert f"{folder / 'examples.json'} has the note '{name}', which is not named or described as" in message
    assert "expected like bass_electronic_018-031-100" in message


@pytest.mark.parametrize(
    "entry",
    [
        *[{"pitch": "high"}, {"velocity": [1]}, {"pitch": 10**6}, {"velocity": float("inf")}, {"pitch": float("nan")}],
        *[{"instrument_family": 11}, {"instrument_family": -1}, {"instrument_source": 3}],
    ],
    ids=str,
)
def test_a_note_that_is_described_by_no_number_of_nsynths_is_refused(tmp_path, entry):
    folder = write_split(tmp_path / "split", {"bass_electronic_018-031-100": entry})
    with pytest.raises(DataError, match=r"the note 'bass_electronic_018-031-100', which is not named or described as"):
        NSynthIndex.read(folder)


@pytest.mark.parametrize(("split_name", "n_notes"), [("train", 1000), ("valid", 200)])
def test_real_notes(tmp_path, split_name, n_notes):
    given = SAMPLE / split_name / "examples.json"
    if not given.is_file():
        pytest.skip("the sample of NSynth (shared/data beside the checkout) is not there")
    entries = json.loads(given.read_text())
    folder = write_split(tmp_path / f"nsynth-{split_name}", entries)
    index = NSynthIndex.read(folder)
    assert len(index) == n_notes
    per_family = Counter(FAMILIES[number] for number in index.family.tolist())
    assert per_family == dict.fromkeys(set(FAMILIES) - {"synth_lead"}, n_notes // 10)
    for row, (family, source, pitch, velocity) in enumerate(columns(index)):
        entry = entries[index.name(row)]
        assert (FAMILIES[family], SOURCES[source]) == (entry["instrument_family_str"], entry["instrument_source_str"])
        assert f"{entry['instrument_str']}-{pitch:03d}-{velocity:03d}" == index.name(row)
