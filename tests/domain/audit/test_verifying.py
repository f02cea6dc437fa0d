"""Whatever is done to the log behind its seals is found, and the first break is named to the entry."""

from datetime import date, timedelta
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from domain.audit.verifying import Break, first_difference
from tests.domain.audit.conftest import START, sign

DAY = timedelta(days=1)


def id_(number):
    return str(UUID(int=number))


ENTRY = {"entry": id_(6)}
TAMPERING = {
    "a changed reader": (
        "update access.access_log set client_id = 'another' where id = :entry",
        f"changed entry, seal 2, place 2, entry {id_(6)}",
    ),
    "a changed section": (
        "update access.access_log set opened = '{}' where id = :entry",
        f"changed entry, seal 2, place 2, entry {id_(6)}",
    ),
    "a changed time within its minute": (
        "update access.access_log set at = at + interval '1 microsecond' where id = :entry",
        f"changed entry, seal 2, place 2, entry {id_(6)}",
    ),
    "a time moved to another minute": (
        "update access.access_log set at = at + interval '2 days' where id = :entry",
        f"missing entry, seal 2, place 2, after entry {id_(5)}",
    ),
    "a deleted entry": (
        "delete from access.access_log where id = :entry",
        f"missing entry, seal 2, place 2, after entry {id_(5)}",
    ),
    "the first of a seal deleted": (
        "delete from access.access_log where id = '00000000-0000-0000-0000-000000000005'",
        "missing entry, seal 2, place 1",
    ),
    "the last of a seal deleted": (
        "delete from access.access_log where id = '00000000-0000-0000-0000-000000000008'",
        f"missing entry, seal 2, place 4, after entry {id_(7)}",
    ),
    "all of a seal deleted": (
        "delete from access.access_log where at >= '2026-03-10T02:01:00Z' and at < '2026-03-10T02:02:00Z'",
        "missing entry, seal 2, place 1",
    ),
    "two entries swapped": (
        """update access.access_log e set patient_id = o.patient_id, id = o.id, grant_id = o.grant_id
             from access.access_log o where e.id = :entry and o.id = '00000000-0000-0000-0000-000000000007'""",
        f"changed entry, seal 2, place 2, entry {id_(7)}",
    ),
    "a changed seal": (
        "update access.log_seal set entries = 3 where number = 2",
        "changed seal, seal 2",
    ),
    "a changed root of a seal": (
        "update access.log_seal set root = sha256('x') where number = 2",
        "changed seal, seal 2",
    ),
    "changed marks": ("update access.log_seal set marks = '' where number = 2", "changed seal, seal 2"),
    "a seal stretched over what follows": (
        "update access.log_seal set until = until + interval '1 hour' where number = 2",
        "changed seal, seal 2",
    ),
    "a deleted seal": ("delete from access.log_seal where number = 2", "missing seal, day 2026-03-10, seal 2"),
    "a deleted seal within a day": (
        "delete from access.log_seal where number = 3",
        "missing seal, seal 3",
    ),
    "the last seal deleted": (
        "delete from access.log_seal where number = 6",
        "missing seal, day 2026-03-12, seal 6",
    ),
    "all seals deleted": ("delete from access.log_seal", "missing seal, day 2026-03-10, seal 1"),
    "a deleted root of a day": ("delete from access.day_root where day = '2026-03-11'", "missing root, day 2026-03-11"),
    "the first root deleted": ("delete from access.day_root where day = '2026-03-10'", "missing root, day 2026-03-10"),
    "a changed root of a day": (
        "update access.day_root set hash = sha256('x') where day = '2026-03-11'",
        "changed root, day 2026-03-11, seal 4",
    ),
    "a root of another day": (
        """update access.day_root set signed = o.signed from access.day_root o
            where access.day_root.day = '2026-03-11' and o.day = '2026-03-12'""",
        "changed root, day 2026-03-11, seal 4",
    ),
    "a signature of somebody else": (
        "update access.day_root set signed = 'theirs.{}' where day = '2026-03-11'",
        "wrong signature, day 2026-03-11, seal 4",
    ),
}


class TestTheWholeLog:
    async def test_is_proved(self, sealed):
        proof = await sealed.verify()
        assert (proof.seals, proof.entries, proof.days, proof.unsigned) == (6, 24, 3, 0)

    @pytest.mark.parametrize("how", TAMPERING)
    async def test_names_the_first_break(self, sealed, how):
        statement, told = TAMPERING[how]
        await sealed.sql(statement.replace(":entry", f"'{ENTRY['entry']}'"))
        assert await sealed.first_break() == told

    @pytest.mark.parametrize(
        ("at", "told"),
        [
            (START + timedelta(seconds=1, microseconds=5), f"inserted entry, seal 1, place 3, entry {id_(99)}"),
            (START + timedelta(hours=5), f"inserted entry, seal 3, place 1, entry {id_(99)}"),
            (START - timedelta(days=900), f"inserted entry, seal 1, place 1, entry {id_(99)}"),
            (START - timedelta(days=36500), f"inserted entry, entry {id_(99)}"),
        ],
        ids=["among others", "in a quiet hour", "before the first", "before all time"],
    )
    async def test_names_an_entry_put_in_behind_a_seal(self, sealed, at, told):
        await sealed.entry(99, at)
        assert await sealed.first_break() == told

    async def test_a_seal_made_fit_for_a_changed_log_breaks_the_link(self, sealed):
        await sealed.sql("delete from access.access_log where id = :id", id=UUID(int=2))
        await forged(sealed, 1)
        assert await sealed.first_break() == "broken link, seal 2"

    async def test_a_whole_chain_made_fit_does_not_fit_the_signed_day(self, sealed):
        await sealed.sql("delete from access.access_log where id = :id", id=UUID(int=6))
        for number in range(2, 7):
            await forged(sealed, number)
        assert await sealed.first_break() == "changed root, day 2026-03-10, seal 2"

    async def test_names_nothing_of_a_person(self, sealed):
        await sealed.sql("update access.access_log set client_id = 'Nguyễn' where id = :id", id=UUID(int=6))
        told = await sealed.first_break()
        assert "Nguyễn" not in told
        assert str(UUID(int=1)) not in told

    async def test_what_is_not_sealed_yet_is_no_break(self, sealed):
        await sealed.entry(99, START + timedelta(days=9))
        assert (await sealed.verify()).entries == 24

    async def test_days_that_nobody_signed_are_counted(self, sealed):
        await sealed.sql("delete from access.day_root where day > '2026-03-10'")
        assert (await sealed.verify()).unsigned == 1


class TestFromADay:
    async def test_is_proved(self, sealed):
        proof = await sealed.verify(date(2026, 3, 11))
        assert (proof.seals, proof.entries, proof.days) == (4, 16, 2)

    async def test_does_not_ask_for_months_thrown_away(self, sealed):
        await sealed.sql("delete from access.access_log where at < '2026-03-10T17:00:00Z'")
        assert (await sealed.verify(date(2026, 3, 11))).entries == 16

    async def test_still_hangs_on_the_seal_before(self, sealed):
        await sealed.sql("update access.log_seal set hash = sha256('x') where number = 2")
        assert await sealed.first_break(date(2026, 3, 11)) == "broken link, seal 3"

    async def test_asks_for_the_root_of_its_first_day(self, sealed):
        await sealed.sql("delete from access.day_root where day = '2026-03-11'")
        assert await sealed.first_break(date(2026, 3, 11)) == "missing root, day 2026-03-11"

    async def test_before_the_first_seal_it_is_the_whole(self, sealed):
        assert (await sealed.verify(date(2020, 1, 1))).seals == 6


async def forged(log, number):
    """A seal computed anew from the entries there are, and put in the place of the true one."""
    from sqlalchemy import select

    from domain.audit.chain import HASH_BYTES, NO_SEAL, hash_of, marks_of, root_of
    from domain.audit.sealing import hashes_between
    from domain.audit.tables import LogSeal

    def forge(db):
        seal = db.get(LogSeal, number)
        before = db.scalar(select(LogSeal.hash).where(LogSeal.number == number - 1))
        hashes = hashes_between(db, seal.after, seal.until, seal.version)
        seal.previous_hash, seal.entries = before or NO_SEAL, len(hashes) // HASH_BYTES
        seal.root, seal.marks = root_of(hashes), marks_of(hashes)
        seal.hash = hash_of(seal)

    await log.within(forge)


@given(st.lists(st.binary(min_size=8, max_size=8), unique=True, min_size=1), st.data())
def test_one_thing_done_to_a_list_is_named(sealed, data):
    place = data.draw(st.integers(0, len(sealed) - 1))
    new = data.draw(st.binary(min_size=8, max_size=8).filter(lambda mark: mark not in sealed))
    assert first_difference(sealed, sealed[:place] + sealed[place + 1 :]) == ("missing entry", place)
    assert first_difference(sealed, [*sealed[:place], new, *sealed[place:]]) == ("inserted entry", place)
    assert first_difference(sealed, [*sealed[:place], new, *sealed[place + 1 :]]) == ("changed entry", place)


def test_a_break_is_told_in_one_line():
    assert str(Break("missing entry", 3, place=1)) == "missing entry, seal 3, place 1"
    assert sign({"day": "x"}).startswith("ours.")
