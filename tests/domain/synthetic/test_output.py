import pytest

from domain.synthetic.output import SPILL_BYTES, Frame, Series, Shelf

FRAME = Frame(b"<n>", 4, b"</n>", b"<end/>")


def test_a_file_states_how_many_records_it_has(tmp_path):
    series = Series(tmp_path / "a", ".xml", 2, FRAME)
    for record in (b"1", b"2", b"3"):
        series.add(record)
    series.close()
    assert [path.name for path in series.paths] == ["a-001.xml", "a-002.xml"]
    assert [path.read_bytes() for path in series.paths] == [b"<n>   2</n>12<end/>", b"<n>   1</n>3<end/>"]
    assert series.written_bytes == sum(path.stat().st_size for path in series.paths)


def test_numbers_begin_anew_in_each_file(tmp_path):
    series = Series(tmp_path / "a", ".xml", 2, FRAME)
    numbers = []
    for _ in range(5):
        numbers.append(series.next_number)
        series.add(b"x")
    assert numbers == [1, 2, 1, 2, 1]


def test_large_records_are_written_before_the_file_is_closed(tmp_path):
    series = Series(tmp_path / "a", ".ndjson", 10)
    series.add(b"x" * (SPILL_BYTES + 1))
    assert series.paths[0].stat().st_size == SPILL_BYTES + 1


@pytest.mark.parametrize("frame", [None, FRAME])
def test_nothing_added_leaves_no_file(tmp_path, frame):
    Series(tmp_path / "a", ".json", 1, frame).close()
    assert not list(tmp_path.iterdir())


def test_a_shelf_finishes_every_series_in_order(tmp_path):
    shelf = Shelf(lambda code: Series(tmp_path / code, ".json", 1))
    for code in ("b", "a", "b"):
        shelf.of(code).add(b"{}")
    paths, size = shelf.close()
    assert [path.name for path in paths] == ["a-001.json", "b-001.json", "b-002.json"]
    assert size == 6
