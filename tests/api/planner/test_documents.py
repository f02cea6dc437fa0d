"""What is remembered of documents stays within its bound, whoever sends them."""

from api.planner.documents import LRU


def made(value):
    return lambda: value


def test_the_least_recently_used_makes_room_by_weight():
    kept = LRU(10)
    kept.get("a", made(1), weight=4)
    kept.get("b", made(2), weight=4)
    assert kept.get("a", made(None), weight=4) == 1
    kept.get("c", made(3), weight=6)
    assert kept.get("a", made("new"), weight=4) == 1
    assert kept.get("b", made("new"), weight=4) == "new"


def test_what_is_heavier_than_the_whole_is_answered_and_not_kept():
    kept = LRU(10)
    assert kept.get("huge", made(1), weight=11) == 1
    assert kept.get("huge", made(2), weight=11) == 2
    assert kept.get("small", made(3), weight=10) == kept.get("small", made(4), weight=10) == 3
