import resource
import time

import pyarrow as pa
import pytest

from datamodules.errors import DataError
from datamodules.storage.growing_table import GrowingTable, unique

SCHEMA = pa.schema([("name", pa.string()), ("value", pa.float64())])


def rows(*names: str, value: float = 1.0) -> pa.Table:
    return pa.table({"name": list(names), "value": [value] * len(names)}, SCHEMA)


@pytest.fixture
def table(tmp_path) -> GrowingTable:
    table = GrowingTable(tmp_path / "data" / "table.parquet", SCHEMA)
    table.make_writable()
    return table


def test_parts_become_the_file(table):
    with table.locked():
        for name in "abc":
            table.add(rows(name))
        assert table.read().num_rows == 0
        assert sorted(table.read_all()["name"].to_pylist()) == ["a", "b", "c"]
        table.merge()
    assert sorted(table.read()["name"].to_pylist()) == ["a", "b", "c"]
    assert sorted(path.name for path in table.file.parent.iterdir()) == [".table.lock", "table.parquet"]


def test_parts_that_are_in_the_file_already_do_not_double_its_rows(table):
    # So it is after a kill between the writing of the file and the removal of the parts.
    table.add(rows("a", "b"))
    table.merge()
    table.add(rows("b", "c", value=2.0))
    assert table.read_all().to_pydict() == {"name": ["a", "b", "c"], "value": [1.0, 1.0, 2.0]}


def test_the_first_row_of_a_name_counts():
    both = pa.concat_tables([rows("b", "a"), rows("a", "c", value=2.0)])
    assert unique(both).to_pydict() == {"name": ["b", "a", "c"], "value": [1.0, 1.0, 2.0]}


def test_a_damaged_part_is_left_out(table):
    table.add(rows("a"))
    (part,) = table.file.parent.glob(".table.parts/*.parquet")
    part.with_name("damaged.parquet").write_bytes(part.read_bytes()[:100])
    assert table.read_all()["name"].to_pylist() == ["a"]


@pytest.mark.parametrize("content", [b"", b"no table", "other columns"])
def test_a_file_that_is_no_such_table_is_refused(table, content):
    if isinstance(content, bytes):
        table.file.write_bytes(content)
    else:
        other = GrowingTable(table.file, pa.schema([("name", pa.string())]))
        other.add(pa.table({"name": ["a"]}))
        other.merge()
    with pytest.raises(DataError, match=r"table\.parquet is no table as expected: .* Delete it and run again"):
        table.read()


def test_a_full_disk_leaves_nothing_half_written(table, fork):
    def add_with_small_files() -> int:
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        with pytest.raises(OSError) as error:
            table.add(rows(*map(str, range(10_000))))
        return error.value.errno

    table.add(rows("a"))
    assert fork(add_with_small_files).result() == 27  # EFBIG
    assert len(list(table.file.parent.glob(".table.parts/*"))) == 1
    assert table.read_all()["name"].to_pylist() == ["a"]


def test_completing_computes_what_is_missing_and_keeps_it(table):
    asked = []

    def compute(missing):
        asked.append(missing)
        yield rows(missing[-1], value=2.0)
        yield rows(*missing[:-1], value=3.0)

    assert table.complete(["b", "a"], compute).to_pydict() == {"name": ["b", "a"], "value": [3.0, 2.0]}
    # Only what is new is computed, and the order is that of the names.
    found = table.complete(["c", "a", "b"], compute)
    assert found.to_pydict() == {"name": ["c", "a", "b"], "value": [2.0, 2.0, 3.0]}
    assert table.complete(["b"], compute).to_pydict() == {"name": ["b"], "value": [3.0]}
    assert asked == [["b", "a"], ["c"]]
    assert sorted(path.name for path in table.file.parent.iterdir()) == [".table.lock", "table.parquet"]


def test_what_was_computed_before_an_error_is_not_computed_again(table):
    closed = []

    def fails(missing):
        try:
            yield rows(missing[0])
            raise DataError("b is damaged.")
        finally:
            closed.append(missing)

    def goes_on(missing):
        assert missing == ["b"]
        yield rows("b")

    with pytest.raises(DataError, match="b is damaged"):
        table.complete(["a", "b"], fails)
    assert closed == [["a", "b"]]
    assert table.complete(["a", "b"], goes_on)["name"].to_pylist() == ["a", "b"]


def test_a_name_that_is_left_out_has_no_row_and_is_asked_for_again(table):
    asked = []

    def compute(missing):
        asked.append(missing)
        yield rows(*[name for name in missing if name != "b"])

    assert table.complete(["a", "b"], compute)["name"].to_pylist() == ["a"]
    assert table.complete(["a", "b"], compute)["name"].to_pylist() == ["a"]
    assert asked == [["a", "b"], ["b"]]


def test_two_processes_compute_a_row_once(table, fork):
    log = table.file.parent.parent / "log"

    def complete(value: float) -> float:
        def compute(missing):
            with log.open("a") as opened:
                opened.write("computed\n")
            time.sleep(0.3)
            yield rows(*missing, value=value)

        return table.complete(["a"], compute)["value"][0].as_py()

    both = [fork(complete, value) for value in (1.0, 2.0)]
    assert len({one.result() for one in both}) == 1
    assert log.read_text() == "computed\n"


def test_a_place_that_cannot_be_written_is_an_error_of_the_cache(tmp_path):
    (tmp_path / "file").touch()
    table = GrowingTable(tmp_path / "file" / "table.parquet", SCHEMA)
    with pytest.raises(DataError, match=r"table\.parquet cannot be completed: .* set cache_dir") as error:
        table.complete(["a"], lambda missing: (rows(name) for name in missing))
    assert error.value.argument == "cache_dir"
