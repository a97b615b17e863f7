import resource

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
