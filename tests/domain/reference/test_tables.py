from datetime import date

import pytest

from domain.reference.tables import table


@pytest.mark.parametrize("name", ["provinces", "sensitivity", "vaccines"])
def test_a_table_says_what_it_is_and_where_it_comes_from(name):
    content = table(name)
    assert content["title"]
    assert content["source"]
    assert content["rows"]
    for day in content["valid"].values():
        assert day is None or date.fromisoformat(day)


def test_a_table_is_read_once():
    assert table("provinces") is table("provinces")
