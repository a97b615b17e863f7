"""Classes, attributes and the split that folders and tables make, and what is wrong with those that do not."""

import json

import numpy as np
import pytest

from datamodules.audio_folder.labels import folder_classes, folder_parts, labels_of
from datamodules.clips import Part
from datamodules.errors import DataError

NAMES = ["a.wav", "b.flac", "c.mp3"]


@pytest.fixture
def table(tmp_path):
    """Writes a table, and returns the labels that it makes of some files."""

    def table(text, name="t.csv", columns=None, names=NAMES, encoding="utf-8", **options):
        (tmp_path / name).write_text(text, encoding=encoding)
        return labels_of(names, tmp_path, tmp_path / name, columns, **options)

    return table


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        (["a.wav", "b.wav"], {}),
        (["x/a.wav", "y/b.wav"], {"folder": ("x", "y")}),
        (["set/x/a.wav", "set/y/b.wav"], {"folder": ("x", "y")}),
        (["x/p/a.wav", "x/q/b.wav", "y/p/c.wav"], {"folder": ("x", "x", "y"), "folder_2": ("p", "q", "p")}),
        (["x/p/a.wav", "y/b.wav"], {"folder": ("x", "y")}),  # not all lie two deep
        (["x/p/a.wav", "y/p/b.wav"], {"folder": ("x", "y")}),  # a class of one value is none
        (["train/x/a.wav", "test/y/b.wav"], {"folder": ("x", "y")}),
        (["x/train/a.wav", "y/Valid/b.wav"], {"folder": ("x", "y")}),
        (["train/a.wav", "test/b.wav"], {}),
        (["only/a.wav", "only/b.wav"], {}),
    ],
)
def test_folders_make_classes(names, expected):
    assert folder_classes(names) == expected


def test_files_beside_the_folders_of_others():
    with pytest.raises(
        DataError, match=r"^1 file lies beside the folders of the others, with no class: b\.wav\. Move.*folder_classes"
    ):
        folder_classes(["x/a.wav", "b.wav", "y/c.wav"])
    with pytest.raises(DataError, match=r"^2 files lie beside the folders of the others, with no class: b\.wav, d\.w"):
        labels_of(["x/a.wav", "b.wav", "d.wav"], None)
    assert labels_of(["x/a.wav", "b.wav"], None, by_folder=False).classes == {}


def test_folders_make_the_split():
    names = ["Train/x/a.wav", "x/valid/b.wav", "testing/c.wav"]
    assert folder_parts(names) == (Part.TRAIN, Part.VALIDATION, Part.TEST)
    assert folder_parts(["x/a.wav"]) is None
    with pytest.raises(
        DataError, match=r"1 file lies in none of the folders of the split, Train, testing, valid: d\.wav"
    ):
        folder_parts([*names, "d.wav"])


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("t.csv", "file,take,bpm\na.wav,one,90\nb.flac,two,91.5\nc.mp3,one,-3e1\n"),
        ("t.CSV", "file;take;bpm\na.wav;one;90\nb.flac;two;91,5\nc.mp3;one;-30\n"),
        ("t.tsv", "file\ttake\tbpm\r\na.wav\tone\t90\r\n\r\nb.flac\ttwo\t91.5\r\nc.mp3\tone\t-30\r\n"),
        ("t.csv", 'take, file ,bpm\n"one",a,90\ntwo , b.flac,91.5\none,./c.mp3,-30'),
        (
            "t.jsonl",
            "\n".join(
                json.dumps({"file": f, "take": t, "bpm": b})
                for f, t, b in zip(NAMES, ("one", "two", "one"), (90, 91.5, -30), strict=True)
            ),
        ),
    ],
)
@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig"])
def test_texts_are_classes_and_numbers_attributes(table, name, text, encoding):
    labels = table(text, name, encoding=encoding)

    assert labels.classes == {"take": ("one", "two", "one")}
    assert {name: values.tolist() for name, values in labels.attributes.items()} == {"bpm": [90, 91.5, -30]}
    assert labels.groups == tuple(NAMES)
    assert labels.parts is None


def test_rows_in_any_order_and_the_classes_of_folders_after_those_of_the_table(table):
    names = ["x/a.wav", "y/b.wav"]
    labels = table("clip,player\ny/b.wav,ann\nx/a.wav,bob\n", names=names)

    assert list(labels.classes.items()) == [("player", ("bob", "ann")), ("folder", ("x", "y"))]
    assert list(table("clip,player\nb,ann\na,bob\n", names=names, by_folder=False).classes) == ["player"]
    # Where the folders make no class, the table does.
    assert list(table("clip,player\nb,ann\na,bob\n", names=["x/a.wav", "b.wav"]).classes) == ["player"]
    own = table("clip,folder\nb,ann\na,bob\n", names=names)
    assert own.classes == {"folder": ("bob", "ann")}


def test_the_column_of_files_is_found_by_what_it_holds(table):
    text = "number,what,file\n1,a.wav,zzz\n2,b.flac,zzz\n3,c.mp3,zzz\n"
    assert list(table(text).classes) == ["file"]
    names = ["1.wav", "2.wav"]  # which both columns name
    assert list(table("take,file\n1,2.wav\n2,1.wav\n", names=names).attributes) == ["take"]
    named = table("take,file\n1,2.wav\n2,1.wav\n", names=names, columns={"take": "file", "file": "class"})
    assert named.classes == {"file": ("2.wav", "1.wav")}


@pytest.mark.parametrize(
    "cell", ["x/a.wav", "x/a", "a.wav", "a", "x\\a.wav", "./x/a.wav", "{root}/x/a.wav", "{base}/x/a"]
)
def test_what_a_table_may_call_a_file(table, tmp_path, cell):
    cell = cell.format(root=tmp_path, base=tmp_path.name)
    labels = table(f"file,take\n{cell},one\nb,two\n", names=["x/a.wav", "y/b.wav"])

    assert labels.classes["take"] == ("one", "two")


def test_letters_that_are_written_in_two_ways_are_the_same(table):
    assert table("file,take\ne\u0301.wav,one\n", names=["\u00e9.wav"]).classes == {"take": ("one",)}


def test_columns_are_what_they_are_said_to_be(table):
    text = "clip,take,bpm,session,note\na.wav,1,90,s1,x\nb.flac,2,91,s2,\nc.mp3,1,92,s1,y\n"
    roles = {"take": "class", "session": "group", "note": "ignore", "clip": "file", "bpm": "attribute"}

    labels = table(text, columns=roles)

    assert labels.classes == {"take": ("1", "2", "1")}
    assert list(labels.attributes) == ["bpm"]
    assert labels.groups == ("s1", "s2", "s1")


def test_a_number_may_be_missing(table):
    labels = table("file,bpm,nothing\na.wav,90,\nb.flac,,\nc.mp3,92,\n")

    np.testing.assert_array_equal(labels.attributes["bpm"], [90, np.nan, 92])
    assert list(labels.attributes) == ["bpm"]
    assert labels.classes == {}


def test_rows_may_tell_of_files_that_are_left_out(table):
    labels = table("file,take\na.wav,one\nb.flac,two\nbad.wav,two\n", names=NAMES[:2], left_out=["bad.wav"])

    assert labels.classes == {"take": ("one", "two")}


GOOD = "file,take,bpm\na.wav,one,90\nb.flac,two,91\nc.mp3,one,92\n"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (GOOD + "d.wav,two,9\n", r"t\.csv: there is no d\.wav \(line 5\)\. Correct the column file"),
        (GOOD + "a,two,9\n", r"t\.csv: a\.wav is named twice \(lines 2 and 5\)"),
        (GOOD + ",two,9\n", r"t\.csv: line 5 names no file"),
        (GOOD.replace("b.flac,two,91\n", ""), r"t\.csv has no row for b\.flac; add it, or move what you do not want"),
        (GOOD.replace("two,91", "two"), r"t\.csv, line 3: there are 2 cells, and the first line names 3 columns"),
        (
            GOOD.replace("two", ""),
            r"t\.csv has no take of b\.flac; fill these cells, or set columns to \{take: ignore\}",
        ),
        (GOOD.partition("\n")[2], r"the first line of .*t\.csv names the file a\.wav; it should name the columns"),
        (
            GOOD.replace(".", "_"),
            r"no column of .*t\.csv names a file of the folder \(its first row is file 'a_wav', take",
        ),
        (GOOD.replace("take", "file"), r"t\.csv has the columns 'file', 'file', 'bpm'; give each a name of its own"),
        (
            GOOD.replace("take", "index"),
            r"t\.csv has a column 'index', and a batch has something else of this name; re",
        ),
        (GOOD.replace("bpm", "depth"), r"t\.csv has a column 'depth', and this is measured on the audio; rename"),
        ("", r"the table .*t\.csv has no rows"),
        ("file,take\n", r"the table .*t\.csv has no rows"),
    ],
)
def test_tables_that_do_not_fit(table, text, message):
    with pytest.raises(DataError, match=message):
        table(text)


def test_all_rows_that_do_not_fit_are_named_at_once(table):
    with pytest.raises(DataError) as error:
        table(GOOD + "".join(f"x{n}.wav,two,9\n" for n in range(7)))
    assert "there is no x0.wav (line 5); there is no x1.wav (line 6)" in str(error.value)
    assert "and 2 more" in str(error.value)


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"takes": "class"}, r"columns has 'takes', and .*t\.csv has file, take, bpm"),
        ({"take": "klass"}, r"columns has 'klass' for take; choose from file, class, attribute, group, ignore"),
        ({"take": "group", "bpm": "group"}, r"columns has 'group' for take, bpm; choose one"),
        ({"take": "attribute"}, r"take should be numbers, and has 'one' of a\.wav, 'two' of b\.flac"),
        ({"take": "file"}, r"there is no one \(line 2\)"),
    ],
)
def test_columns_that_do_not_fit(table, columns, message):
    with pytest.raises(DataError, match=message):
        table(GOOD, columns=columns)


def test_a_name_that_may_be_several_files(table):
    with pytest.raises(DataError, match=r"a\.wav may be x/a\.wav, y/a\.wav \(line 2\): name it with its folder"):
        table("file,take\na.wav,one\nb.wav,two\n", names=["x/a.wav", "y/a.wav", "y/b.wav"])


def test_files_that_are_no_tables(table, tmp_path):
    with pytest.raises(DataError, match=r"cannot read the table .*absent\.csv: No such file"):
        labels_of(NAMES, tmp_path, tmp_path / "absent.csv")
    with pytest.raises(DataError, match=r"the table .*t\.xlsx should end in \.csv, \.tsv, \.jsonl"):
        table(GOOD, "t.xlsx")
    with pytest.raises(DataError, match=r"the table .*t\.csv is not in UTF-8; save it so"):
        table(GOOD.replace("one", "où"), encoding="latin-1")
    with pytest.raises(DataError, match=r"t\.jsonl, line 2: .*Expecting"):
        table('{"file": "a.wav"}\n{"file": }\n', "t.jsonl")
    with pytest.raises(DataError, match=r't\.jsonl, line 1: each line should be of the form \{"file": "a\.wav"'):
        table('["a.wav"]\n', "t.jsonl")
    with pytest.raises(DataError, match=r"columns is of a table, and none is named; set table"):
        labels_of(NAMES, tmp_path, None, {"take": "class"})
