import json
import os
import pickle

import numpy as np
import pytest

from datamodules.clips import Part
from datamodules.clips.prepared import cached_representations
from datamodules.errors import DataError
from datamodules.urmp.prepared import PreparedSegments
from modules.audio.representation import LogMelSequence

PAIR = ("violin", "trumpet")
RATE = 16_000


@pytest.fixture
def folder(tmp_path):
    """Three training, one validation and one test segment each; the violin's folder has the code, the trumpet's not."""
    generator = np.random.default_rng(0)
    for instrument in ("vn", "trumpet", "fl"):
        for split, n in (("train", 3), ("val", 1), ("test", 1)):
            audio = tmp_path / "set" / instrument / split / "audio"
            audio.mkdir(parents=True)
            (audio.parent / "control").mkdir()
            np.save(audio.parent / "control" / "control_a_0.npy", np.zeros((3, 500)))
            for number in range(n):
                wave = generator.uniform(-1, 1, 4 * RATE).astype(np.float32)
                np.save(audio / f"audio_AuSep_1_{instrument}_01_A_{number}.npy", wave)
    return tmp_path / "set"


def test_segments_with_the_folders_own_split(folder):
    source = PreparedSegments(folder, PAIR, RATE)
    assert source.class_names == {"instrument": PAIR}
    assert source.labels()["instrument"].tolist() == [0] * 5 + [1] * 5
    # Whatever share and seed are asked for.
    assert source.parts(0.5, 3).tolist() == [Part.TRAIN, Part.TRAIN, Part.TRAIN, Part.VALIDATION, Part.TEST] * 2
    for index in range(10):
        path = source.files[index][0]
        assert path.parts[-3] == ("train", "val", "test")[source.parts(0.1, 0)[index]]
        assert path.parts[-4] == ("vn", "trumpet")[source.labels()["instrument"][index]]
        assert np.array_equal(source.audio(index), np.load(path))


def test_segments_of_one_name_in_several_folders_are_told_apart(folder):
    for path in folder.rglob("audio/*_0.npy"):
        path.rename(path.with_name("audio_0.npy"))
    names = PreparedSegments(folder, PAIR, RATE).clip_names(np.arange(8))
    assert {"vn/train/audio/audio_0.npy", "vn/val/audio/audio_0.npy", "trumpet/train/audio/audio_0.npy"} < set(names)
    assert len(set(names)) == 8


def test_it_can_be_sent_to_another_process(folder):
    source = PreparedSegments(folder, PAIR, RATE)
    maker = pickle.loads(pickle.dumps(source.audio_maker(5)))
    assert np.array_equal(maker(), source.audio(5))


def test_endings_of_any_letter_case_and_debris_beside_them(folder):
    audio = folder / "vn" / "train" / "audio"
    path = next(audio.glob("*_0.npy"))
    path.rename(path.with_suffix(".NPY"))
    for name in ("._audio_AuSep_1_vn_01_A_0.npy", ".audio.npy"):
        (audio / name).write_bytes(b"no sound")
    (audio / "deeper").mkdir()
    np.save(audio / "deeper" / "audio_9.npy", np.zeros(4 * RATE, np.float32))

    source = PreparedSegments(folder, PAIR, RATE)

    assert [file.name for file, number, held_out in source.files if (number, held_out) == (0, False)] == [
        "audio_AuSep_1_vn_01_A_0.NPY",
        "audio_AuSep_1_vn_01_A_1.npy",
        "audio_AuSep_1_vn_01_A_2.npy",
    ]
    assert all(len(source.audio(index)) == 4 * RATE for index in range(len(source)))


def test_missing_folder_instrument_and_split(folder):
    with pytest.raises(DataError, match=r"no folder .*absent; correct prepared_dir"):
        PreparedSegments(folder / "absent", PAIR, RATE)
    with pytest.raises(DataError, match=r"no segments of tuba for 'train' in .*expected tba/train/audio/\*\.npy"):
        PreparedSegments(folder, ("violin", "tuba"), RATE)
    (path,) = (folder / "vn" / "val" / "audio").iterdir()
    path.unlink()
    with pytest.raises(DataError, match=r"no segments of violin for 'val' in"):
        PreparedSegments(folder, PAIR, RATE)


def _save(values):
    return lambda path: np.save(path, values)


def _save_archive(path):
    with path.open("wb") as file:
        np.savez(file, audio=np.zeros(64_000, np.float32))


@pytest.mark.parametrize(
    ("spoil", "message"),
    [
        (lambda path: path.write_bytes(b"nothing"), "cannot read .*_0.npy: "),
        (lambda path: path.write_bytes(b""), "cannot read .*_0.npy: "),
        (
            _save(np.zeros(32_000, np.float32)),
            r"_0\.npy has the shape \(32000,\); expected \(64000,\), 4 s at 16000 Hz",
        ),
        (_save(np.zeros((1, 64_000))), r"_0\.npy has the shape \(1, 64000\)"),
        (_save(np.zeros(64_000, np.int16)), r"_0\.npy does not hold audio in floating-point numbers"),
        (_save(np.full(64_000, np.nan)), r"_0\.npy holds NaN or infinite samples"),
        (_save(np.repeat([0.5, np.inf], 32_000)), r"_0\.npy holds NaN or infinite samples"),
        (_save(np.array([None] * 3)), r"cannot read .*_0\.npy: "),
        (_save_archive, r"cannot read .*_0\.npy: "),
    ],
)
def test_a_file_that_is_no_segment_is_named(folder, tmp_path, spoil, message):
    spoil(folder / "vn" / "train" / "audio" / "audio_AuSep_1_vn_01_A_0.npy")
    with pytest.raises(DataError, match=f"{message}.*Replace or remove it"):
        cached_representations(PreparedSegments(folder, PAIR, RATE), LogMelSequence(), tmp_path / "cache", 1)


def test_key_follows_the_files(folder):
    def key() -> str:
        return json.dumps(PreparedSegments(folder, PAIR, RATE).key())

    first = key()
    assert key() == first
    path = folder / "vn" / "train" / "audio" / "audio_AuSep_1_vn_01_A_0.npy"
    os.utime(path, ns=(1, 1))
    changed = key()
    path.unlink()
    assert len({first, changed, key()}) == 3
