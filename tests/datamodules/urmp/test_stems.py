import numpy as np
import pytest

from datamodules.errors import DataError
from datamodules.urmp.stems import find_stems

PAIR = ("violin", "trumpet")


def test_stems_of_the_instruments_in_the_order_of_their_names(urmp):
    stems = find_stems(urmp, PAIR)
    assert [(stem.name, stem.instrument, stem.title, stem.recording.n_samples) for stem in stems] == [
        ("01_One_vn_tbn/AuSep_1_vn_01_One.wav", "violin", "One", 432_000),
        # The folder says trombone.
        ("01_One_vn_tbn/AuSep_2_tpt_01_One.wav", "trumpet", "One", 384_000),
        ("02_Two_vn_tpt/AuSep_1_vn_02_Two.flac", "violin", "Two", 384_000),
        ("02_Two_vn_tpt/AuSep_2_tpt_02_Two.wav", "trumpet", "Two", 192_000),
        ("03_Three_vn_fl/AuSep_1_vn_03_Three.wav", "violin", "Three", 384_000),
    ]
    assert [stem.name for stem in find_stems(urmp, ("flute",))] == ["03_Three_vn_fl/AuSep_2_fl_03_Three.wav"]


def test_pieces_may_lie_further_down_and_the_root_be_a_piece(urmp):
    names = [stem.name for stem in find_stems(urmp, PAIR)]
    assert [stem.name for stem in find_stems(urmp.parent, PAIR)] == names
    assert [stem.name for stem in find_stems(urmp / "01_One_vn_tbn", PAIR)] == names[:2]


def test_endings_of_any_letter_case_and_debris_beside_them(tmp_path, write_stem):
    for name in ("p/AuSep_1_vn_01_A.wav", "p/AuSep_2_tpt_01_A.flac"):
        path = write_stem(tmp_path / name, np.zeros(9))
        path.rename(path.with_suffix(path.suffix.upper()))
    for debris in ("p/._AuSep_1_vn_01_A.wav", "__MACOSX/p/AuSep_1_vn_01_A.wav", ".trash/p/AuSep_1_vn_01_A.wav"):
        write_stem(tmp_path / debris, np.zeros(9))

    assert [stem.name for stem in find_stems(tmp_path, PAIR)] == ["p/AuSep_1_vn_01_A.WAV", "p/AuSep_2_tpt_01_A.FLAC"]


def test_missing_folder_and_folder_without_stems(tmp_path):
    with pytest.raises(DataError, match=r"no folder .*absent; set root to the one with URMP's pieces"):
        find_stems(tmp_path / "absent", PAIR)
    with pytest.raises(DataError, match=r"no stems in .*root should name the folder with URMP's pieces"):
        find_stems(tmp_path, PAIR)


def test_an_instrument_without_stems_lists_those_there(urmp):
    with pytest.raises(DataError, match=r"no stem of tuba in .*; it has violin, flute, trumpet\. Correct inst"):
        find_stems(urmp, ("violin", "tuba"))


@pytest.mark.parametrize("instruments", [("violin", "kazoo"), ("vn",), (), ("violin", "violin")])
def test_instruments_that_are_none(urmp, instruments):
    with pytest.raises(DataError, match=r"instruments (has '(kazoo|vn)'; URMP has violin, viola|is \[)"):
        find_stems(urmp, instruments)


@pytest.mark.parametrize("name", ["AuSep_1_xx_01_A.wav", "AuSep_vn_01_A.wav", "AuSep_1_vn.flac"])
def test_a_stem_with_another_kind_of_name(tmp_path, write_stem, name):
    write_stem(tmp_path / "p" / name, np.zeros(9))
    with pytest.raises(DataError, match=rf"{name} is not named like URMP's stems.*vn, va.*; rename it or move it"):
        find_stems(tmp_path, PAIR)


def test_all_stems_of_another_rate_and_those_unreadable_are_named(tmp_path, write_stem):
    for name, rate in (("1_vn_01_A", 48_000), ("2_vn_01_A", 44_100), ("3_vn_01_A", 16_000)):
        write_stem(tmp_path / "p" / f"AuSep_{name}.wav", np.zeros(9), rate)
    (tmp_path / "p" / "AuSep_4_vn_01_A.flac").write_bytes(b"no audio")
    with pytest.raises(DataError) as error:
        find_stems(tmp_path, ("violin",))
    message = str(error.value)
    assert "AuSep_1" not in message
    assert f"{tmp_path}/p/AuSep_2_vn_01_A.wav has a sample rate of 44100 Hz" in message
    assert "AuSep_3_vn_01_A.wav has a sample rate of 16000 Hz, and URMP's stems have 48000 Hz" in message
    assert f"cannot read {tmp_path}/p/AuSep_4_vn_01_A.flac" in message
    assert message.endswith("Unpack URMP again, or remove what is not URMP's.")


@pytest.mark.parametrize("other", ["p/AuSep_1_vn_01_A.flac", "copy/p/AuSep_1_vn_01_A.wav"])
def test_the_same_stem_twice(tmp_path, write_stem, other):
    write_stem(tmp_path / "p" / "AuSep_1_vn_01_A.wav", np.zeros(9))
    write_stem(tmp_path / other, np.zeros(9))
    with pytest.raises(DataError, match=r"AuSep_1_vn_01_A.* and .* are the same stem\. Remove one"):
        find_stems(tmp_path, PAIR[:1])


def test_a_stem_without_samples_is_named(tmp_path, write_stem):
    write_stem(tmp_path / "p" / "AuSep_1_vn_01_A.wav", np.zeros(9))
    empty = write_stem(tmp_path / "p" / "AuSep_2_vn_01_A.wav", np.zeros(0))
    with pytest.raises(DataError) as error:
        find_stems(tmp_path, ("violin",))
    assert str(error.value) == f"{empty} holds no samples. Unpack URMP again, or remove what is not URMP's."
