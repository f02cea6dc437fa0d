"""`healthbook serve` before its first request."""

import gc

from cli.serve import settle


def test_the_collector_leaves_alone_what_was_made_at_the_start() -> None:
    before = gc.get_freeze_count()
    made: list[list[object]] = [[], []]
    try:
        settle()
        assert gc.get_freeze_count() > before
        assert not any(one is made for one in gc.get_objects())
    finally:
        gc.unfreeze()
    assert any(one is made for one in gc.get_objects())
