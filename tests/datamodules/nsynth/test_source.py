import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest
import soundfile

from datamodules.clips import Part
from datamodules.errors import DataError
from datamodules.nsynth.index import FAMILIES, SOURCES, NoteFilter
from datamodules.nsynth.notes import NoteFormat
from datamodules.nsynth.rendered import RenderedNotes
from datamodules.nsynth.source import NSynthSource
from tests.datamodules.nsynth.release import (
    N_SAMPLES,
    RATE,
    TEST,
    TRAIN,
    VALID,
    audio_of,
    entries_of,
    path_of,
    write_release,
)

SAMPLE = Path(__file__).parents[4] / "shared" / "data" / "nsynth_sample"
BASSES = RenderedNotes(families=("bass",), pitches=(48, 96), velocities=(100,), validation_fraction=0.4)


def source(root: Path | None, form=NoteFormat(RATE, N_SAMPLES), rendered=BASSES, **options) -> NSynthSource:  # noqa: B008
    common = {"soundfont": None, "n_workers": 1, "cache_dir": Path("absent")}
    filters = {name: options.pop(name) for name in list(options) if name not in common}
    return NSynthSource(root, NoteFilter(**filters), form, rendered, **(common | options))


@pytest.fixture(scope="module")
def release(tmp_path_factory):
    """Only tests that spoil nothing take it."""
    return write_release(tmp_path_factory.mktemp("release"), train=TRAIN, valid=VALID, test=TEST)


@pytest.fixture
def own_release(tmp_path):
    """A release of the test's own, to spoil."""
    return write_release(tmp_path / "release", train=TRAIN[:4], valid=VALID)


def names_of(notes: NSynthSource) -> list[str]:
    return notes.clip_names(np.arange(len(notes)))


def check_classes(notes: NSynthSource, entries: dict[str, dict[str, object]]) -> None:
    """Compares what is known of each note with its entry in ``examples.json``."""
    names, labels = notes.class_names, notes.labels()
    assert set(names) == set(labels) == {"family", "source", "instrument", "pitch", "velocity"}
    for number, said in enumerate(entries[name] for name in names_of(notes)):
        assert {name: names[name][labels[name][number]] for name in names} == {
            "family": said["instrument_family_str"],
            "source": said["instrument_source_str"],
            "instrument": said["instrument_str"],
            "pitch": str(said["pitch"]),
            "velocity": str(said["velocity"]),
        }
        assert labels["family"][number] == said["instrument_family"]
        assert labels["source"][number] == said["instrument_source"]
        assert {name: values[number] for name, values in notes.attributes().items()} == {
            **{"pitch": said["pitch"], "velocity": said["velocity"]}
        }
    assert notes.attribute_names == tuple(notes.attributes()) == ("pitch", "velocity")


def test_notes_of_all_splits_in_the_order_of_their_names(release):
    notes = source(release)
    assert len(notes) == 16
    assert names_of(notes) == [*TRAIN, *VALID, *TEST]
    # Whatever share and seed are asked for.
    assert notes.parts(0.9, 5).tolist() == [Part.TRAIN] * 11 + [Part.VALIDATION] * 3 + [Part.TEST] * 2
    assert notes.groups().tolist() == list(range(16))
    assert notes.clip_names(np.array([15, 0, 11])) == [TEST[1], TRAIN[0], VALID[0]]


def test_classes_and_attributes_are_what_the_release_says(release):
    check_classes(source(release), entries_of(release))
    names = source(release).class_names
    assert names["family"] == FAMILIES
    assert names["source"] == SOURCES
    assert names["pitch"] == names["velocity"] == tuple(map(str, range(128)))
    assert len(names["instrument"]) == len(set(names["instrument"])) == 13


@pytest.mark.skipif(not SAMPLE.is_dir(), reason=f"no sample of NSynth in {SAMPLE}")
def test_classes_and_attributes_of_real_notes(tmp_path):
    for split in ("train", "valid"):
        text = (SAMPLE / split / "examples.json").read_text()
        audio = tmp_path / f"nsynth-{split}" / "audio"
        audio.mkdir(parents=True)
        (audio.parent / "examples.json").write_text(text)
        for name in json.loads(text):
            (audio / f"{name}.wav").touch()  # what is known of a note is not read from its file
    notes = source(tmp_path)
    assert len(notes) == 1200
    check_classes(notes, entries_of(tmp_path))
    instruments = notes.labels()["instrument"]
    sides = [set(instruments[notes.parts(0.1, 0) == part].tolist()) for part in (Part.TRAIN, Part.VALIDATION)]
    assert not sides[0] & sides[1]


def test_audio_is_the_files(release):
    notes = source(release)
    names = (
        [("train", name) for name in TRAIN] + [("valid", name) for name in VALID] + [("test", name) for name in TEST]
    )
    for index, (split, name) in enumerate(names):
        audio = notes.audio(index)
        assert audio.dtype == np.float32
        assert np.array_equal(audio, audio_of(release, split, name).astype(np.float32))
    with pytest.raises(IndexError):
        notes.audio(16)


def test_a_release_without_a_test_split_has_no_test_part(own_release):
    assert set(source(own_release).parts(0.1, 0).tolist()) == {Part.TRAIN, Part.VALIDATION}


@pytest.mark.parametrize(
    ("options", "taken"),
    [
        ({"families": ("bass", "organ", "reed")}, [TRAIN[0], TRAIN[1], TRAIN[7], VALID[0], VALID[2], *TEST]),
        (
            {"sources": ("acoustic", "synthetic"), "pitches": (33, 70)},
            [*TRAIN[2:3], *TRAIN[4:7], *TRAIN[8:9], TRAIN[10]],
        ),
        ({"velocities": (25, 50)}, [TRAIN[1], TRAIN[5], TRAIN[8], VALID[0], TEST[1]]),
    ],
)
def test_filters_take_what_they_name_and_no_more(release, options, taken):
    notes = source(release, **options)
    assert [name for name in names_of(notes) if name in TRAIN] == [name for name in taken if name in TRAIN]
    check_classes(notes, entries_of(release))
    for index, name in enumerate(names_of(notes)):
        split = {0: "train", 1: "valid", 2: "test"}[int(notes.parts(0.1, 0)[index])]
        assert np.array_equal(notes.audio(index), audio_of(release, split, name).astype(np.float32))


@pytest.mark.parametrize(
    ("options", "n_notes", "folder"),
    [
        ({"families": ("reed",)}, 11, "nsynth-train"),
        ({"families": ("vocal", "reed")}, 3, "nsynth-valid"),
        ({"families": ("bass", "flute")}, 2, "nsynth-test"),
        ({"pitches": (100, 108)}, 11, "nsynth-train"),
        ({"velocities": (1,)}, 11, "nsynth-train"),
        ({"sources": ()}, 11, "nsynth-train"),
    ],
)
def test_a_filter_that_takes_nothing_of_a_split_is_refused(release, options, n_notes, folder):
    with pytest.raises(DataError, match=rf"none of the {n_notes} notes in .*{folder} is of .*; widen families"):
        len(source(release, **options))


def test_the_attributes_of_each_split_are_kept_beside_its_notes(release):
    folders = source(release).attribute_folders()
    assert {folder.name: clips.tolist() for folder, clips in folders.items()} == {
        "nsynth-train": list(range(11)),
        "nsynth-valid": [11, 12, 13],
        "nsynth-test": [14, 15],
    }
    assert {folder.parent for folder in folders} == {release}


def test_a_note_that_is_overwritten_has_another_state_and_key(own_release):
    def states() -> list[str]:
        notes = source(own_release)
        return notes.clip_states(np.arange(len(notes)))

    before, key = states(), json.dumps(source(own_release).key())
    assert states() == before
    assert len(before) == 7
    assert json.dumps(source(own_release).key()) == key
    path = path_of(own_release, "train", TRAIN[2])
    os.utime(path, ns=(1, 1))
    assert [index for index, (old, new) in enumerate(zip(before, states(), strict=True)) if old != new] == [2]
    assert json.dumps(source(own_release).key()) != key


def test_the_key_tells_all_that_determines_the_audio(release):
    variants = [{}, {"families": ("bass", "organ", "reed")}, {"form": NoteFormat(8000, N_SAMPLES)}]
    variants.append({"form": NoteFormat(RATE, 3999)})
    assert len({json.dumps(source(release, **variant).key()) for variant in variants}) == 4


def test_it_can_be_sent_to_another_process(release):
    notes = source(release)
    assert pickle.loads(pickle.dumps(notes)).key() == notes.key()
    for index in (3, 12, 15):
        maker = pickle.loads(pickle.dumps(notes.audio_maker(index)))
        assert np.array_equal(maker(), notes.audio(index))
    # What goes to the workers is a path, not the index of 300,000 notes.
    assert len(pickle.dumps(notes.audio_maker(0))) < 1000


def test_broken_files_are_named_with_what_is_wrong(own_release):
    paths = [path_of(own_release, "train", name) for name in TRAIN[:3]]
    soundfile.write(paths[0], np.zeros(4000), 22_050, subtype="PCM_16")
    soundfile.write(paths[1], np.zeros(3999), RATE, subtype="PCM_16")
    paths[2].write_bytes(paths[2].read_bytes()[:1044])
    with pytest.raises(DataError) as caught:
        source(own_release).prepare()
    found = (
        "4000 samples of 1 channel(s) at 22050",
        "3999 samples of 1 channel(s) at 16000",
        "500 samples of 1 channel",
    )
    for path, what in zip(paths, found, strict=True):
        assert f"{path} has {what}" in str(caught.value)
    assert "more" not in str(caught.value)
    assert str(caught.value).endswith("Unpack NSynth again, or take these notes out.")


def test_of_many_broken_files_the_first_are_named_and_all_counted(own_release):
    for path in own_release.glob("nsynth-*/audio/*.wav"):
        path.write_bytes(b"nothing")
    with pytest.raises(DataError) as caught:
        source(own_release).prepare()
    message = str(caught.value)
    assert message.count("cannot be read") == 3
    assert all(f"{name}.wav cannot be read" in message for name in TRAIN[:3])
    assert "; and 4 more. Unpack NSynth again" in message


@pytest.mark.parametrize("split", ["valid", "test"])
def test_a_broken_note_of_another_split_is_named_too(tmp_path, split):
    root = write_release(tmp_path, train=TRAIN[:4], valid=VALID, test=(*TEST, TRAIN[0]))
    name = {"valid": VALID[2], "test": TEST[0]}[split]
    soundfile.write(path_of(root, split, name), np.zeros((4000, 2)), RATE, subtype="PCM_16")
    with pytest.raises(DataError, match=rf"{name}\.wav has 4000 samples of 2 channel"):
        source(root).prepare()
    source(root, families=("bass",)).prepare()  # what is not taken may be broken


def test_a_file_that_broke_since_is_named_when_it_is_read(own_release):
    notes = source(own_release)
    notes.prepare()
    path = path_of(own_release, "valid", VALID[0])
    path.write_bytes(path.read_bytes()[:1044])
    with pytest.raises(DataError, match=rf"{VALID[0]}\.wav has 500 samples.* unpack NSynth again"):
        notes.audio(4)


def test_a_note_without_its_file_is_named(own_release):
    path_of(own_release, "valid", VALID[1]).unlink()
    with pytest.raises(DataError, match=rf"nsynth-valid.* names 1 of 3 notes that are not in .*{VALID[1]}\.wav"):
        source(own_release).prepare()


def test_a_root_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match=r"no .*absent/nsynth-train/examples\.json: .*root"):
        source(tmp_path / "absent").prepare()
    assert list(tmp_path.iterdir()) == []


def test_a_release_without_validation_notes_is_refused(tmp_path):
    root = write_release(tmp_path, train=TRAIN[:2])
    with pytest.raises(DataError, match=r"no .*nsynth-valid/examples\.json"):
        source(root).prepare()


def test_notes_are_rendered_where_there_is_no_root_and_only_once(tmp_path):
    def files() -> dict[str, tuple[int, int]]:
        stats = {str(path.relative_to(tmp_path)): path.stat() for path in tmp_path.rglob("*.wav")}
        return {name: (stat.st_ino, stat.st_mtime_ns) for name, stat in stats.items()}

    notes = source(None, cache_dir=tmp_path)
    names = notes.class_names
    assert list(tmp_path.iterdir()) == []  # the classes are known before
    with pytest.warns(UserWarning, match=r"4 notes are out of their .*: (bass_electronic_00\d-096-100, ){3}and 1 more"):
        notes.prepare()
    first = files()
    assert len(first) == len(notes) == 7 * 2 - 4
    assert notes.class_names == names
    assert len(names["instrument"]) == 7
    (root,) = (path for path in tmp_path.glob("nsynth-rendered-*") if path.is_dir())
    check_classes(notes, entries_of(root))
    assert {notes.class_names["pitch"][pitch] for pitch in notes.labels()["pitch"]} == {"48", "96"}
    for index in range(len(notes)):
        assert np.abs(notes.audio(index)).max() > 0.99
    instruments, parts = notes.labels()["instrument"], notes.parts(0.1, 0)
    assert not set(instruments[parts == Part.TRAIN].tolist()) & set(instruments[parts == Part.VALIDATION].tolist())
    # What is taken of them has no part in the files; nor does it matter who renders.
    again = source(None, cache_dir=tmp_path, pitches=(40, 50), n_workers=2)
    again.prepare()
    assert files() == first
    assert set(again.labels()["pitch"].tolist()) == {48}


def test_a_soundfont_that_is_not_there_is_named(tmp_path):
    with pytest.raises(DataError, match=r"no soundfont at .*absent\.sf2"):
        source(None, soundfont=tmp_path / "absent.sf2", cache_dir=tmp_path).prepare()
    assert list(tmp_path.iterdir()) == []
