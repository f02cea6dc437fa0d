"""Signing keys: made, sealed, rotated."""

import asyncio
from datetime import timedelta

import jwt
import pytest
from sqlalchemy import delete, select, update

from auth.signing.keys import KEPT, PASS, RECEIPT, RETIRED_KEPT, TOKEN, KeyStore, drop, ensure, public_keys, rotate
from auth.tables import SigningKey
from domain.appointments.passes import LONGEST
from domain.errors import NotFound
from domain.values import utc_now

KEK = bytes(range(32))


async def states(sessions, use=TOKEN):
    async with sessions() as session:
        rows = (await session.scalars(select(SigningKey).where(SigningKey.use == use))).all()
        return {row.kid: row.state for row in rows}


async def test_makes_one_active_and_one_next_key_however_many_start_at_once(sessions):
    rings = await asyncio.gather(*(KeyStore(sessions, KEK).ring() for _ in range(5)))
    assert sorted((await states(sessions)).values()) == ["active", "next"]
    assert len({next(iter(ring.signing)).kid for ring in rings}) == 1


async def test_only_the_active_key_signs(sessions):
    ring = await KeyStore(sessions, KEK).ring()
    kept = await states(sessions)
    assert [kept[key.kid] for key in ring.signing] == ["active"]
    assert ring.public.keys() == kept.keys()


async def test_rotation_moves_each_key_one_step(sessions):
    await KeyStore(sessions, KEK).ring()
    before = {state: kid for kid, state in (await states(sessions)).items()}
    async with sessions() as session:
        await rotate(session, KEK, utc_now())
        await session.commit()
    after = await states(sessions)
    assert after[before["active"]] == "retired"
    assert after[before["next"]] == "active"
    assert sorted(after.values()) == ["active", "next", "retired"]


async def test_rotations_at_once_are_rotations_in_turn(sessions):
    async def turn():
        async with sessions() as session:
            await rotate(session, KEK, utc_now())
            await session.commit()

    await KeyStore(sessions, KEK).ring()
    await asyncio.gather(turn(), turn(), return_exceptions=False)
    assert sorted((await states(sessions)).values())[:2] == ["active", "next"]


async def test_a_retired_key_verifies_until_no_token_can_need_it(sessions):
    await KeyStore(sessions, KEK).ring()
    now = utc_now()
    async with sessions() as session:
        await rotate(session, KEK, now - RETIRED_KEPT - timedelta(seconds=1))
        await session.commit()
    assert "retired" in (await states(sessions)).values()
    async with sessions() as session:
        await rotate(session, KEK, now)
        await session.commit()
    assert sorted((await states(sessions)).values()) == ["active", "next", "retired"]


async def test_rotating_an_empty_table_makes_the_first_keys(sessions):
    async with sessions() as session:
        await rotate(session, KEK, utc_now())
        await session.commit()
    assert sorted((await states(sessions)).values()) == ["active", "next"]


async def test_private_keys_are_unreadable_at_rest(sessions):
    async with sessions() as session:
        await ensure(session, KEK, utc_now())
        await session.commit()
        rows = (await session.scalars(select(SigningKey))).all()
        for row in rows:
            assert b'"d"' not in row.private_key
            assert "d" not in row.public_jwk
            assert jwt.PyJWK.from_dict(row.public_jwk).key


async def test_another_key_encryption_key_is_a_plain_error(sessions):
    await KeyStore(sessions, KEK).ring()
    with pytest.raises(ValueError, match="HEALTHBOOK_KEK does not open"):
        await KeyStore(sessions, bytes(32)).ring()


async def test_a_sealed_key_cannot_be_moved_to_another_kid(sessions):
    await KeyStore(sessions, KEK).ring()
    async with sessions() as session:
        one, other = (await session.scalars(select(SigningKey).where(SigningKey.use == TOKEN))).all()
        one.private_key, other.private_key = other.private_key, one.private_key
        await session.commit()
    with pytest.raises(ValueError, match="HEALTHBOOK_KEK"):
        await KeyStore(sessions, KEK).ring()


async def test_a_sealed_key_cannot_be_moved_to_another_use(sessions):
    """A receipt key that is made the token key in the table signs no token."""
    await KeyStore(sessions, KEK).ring()
    async with sessions() as session:
        await session.execute(delete(SigningKey).where(SigningKey.use == TOKEN))
        await session.execute(update(SigningKey).where(SigningKey.use == RECEIPT).values(use=TOKEN))
        await session.commit()
    with pytest.raises(ValueError, match="HEALTHBOOK_KEK"):
        await KeyStore(sessions, KEK).ring()


async def test_tokens_and_receipts_are_signed_with_different_keys(sessions):
    tokens = await KeyStore(sessions, KEK).ring()
    receipts = await KeyStore(sessions, KEK, use=RECEIPT).ring()
    assert not tokens.public.keys() & receipts.public.keys()
    assert next(iter(tokens.signing)).kid != next(iter(receipts.signing)).kid
    async with sessions() as session:
        assert await public_keys(session) == tokens.public
        assert await public_keys(session, RECEIPT) == receipts.public


async def test_the_public_part_of_a_receipt_key_is_never_removed(sessions):
    await KeyStore(sessions, KEK).ring()
    first = set(await states(sessions, RECEIPT))
    start = utc_now() - 5 * RETIRED_KEPT
    for day in range(4):
        async with sessions() as session:
            await rotate(session, KEK, start + day * 2 * RETIRED_KEPT, use=RECEIPT)
            await rotate(session, KEK, start + day * 2 * RETIRED_KEPT)
            await session.commit()
    kept = await states(sessions, RECEIPT)
    assert first < kept.keys()
    assert sorted(kept.values()) == ["active", "next", *["retired"] * 4]


async def test_all_receipt_keys_are_published_and_no_token_key_with_them(http, sessions):
    await KeyStore(sessions, KEK).ring()
    async with sessions() as session:
        await rotate(session, KEK, utc_now(), use=RECEIPT)
        await session.commit()
    receipts = (await http.get("/oauth/receipt-jwks")).json()["keys"]
    tokens = (await http.get("/oauth/jwks")).json()["keys"]
    assert {key["kid"] for key in receipts} == set(await states(sessions, RECEIPT))
    assert {key["kid"] for key in tokens} == set(await states(sessions))
    assert all("d" not in key for key in receipts)


async def test_pass_keys_are_published_by_themselves_the_next_one_too(http, sessions):
    """Also before the first pass: a clinic fetches them beforehand."""
    published = (await http.get("/oauth/pass-jwks")).json()["keys"]
    assert {key["kid"] for key in published} == set(await states(sessions, PASS))
    assert sorted((await states(sessions, PASS)).values()) == ["active", "next"]
    assert all("d" not in key for key in published)


async def test_a_retired_pass_key_stays_until_its_last_pass_was_handed_in(sessions):
    await KeyStore(sessions, KEK, use=PASS).ring()
    (first,) = [kid for kid, state in (await states(sessions, PASS)).items() if state == "active"]
    start = utc_now()
    for later, is_there in ((0, True), (2, True), (4, False)):
        async with sessions() as session:
            await rotate(session, KEK, start + timedelta(days=later), use=PASS)
            await session.commit()
        assert (first in await states(sessions, PASS)) == is_there
    assert KEPT[PASS] > 2 * LONGEST, "a pass lives a day, and is handed in within another"


@pytest.mark.parametrize("use", [TOKEN, PASS])
async def test_a_key_that_is_dropped_disappears_and_the_next_one_signs(sessions, use):
    await KeyStore(sessions, KEK).ring()
    before = {state: kid for kid, state in (await states(sessions, use)).items()}
    async with sessions() as session:
        await drop(session, KEK, before["active"], utc_now())
        await session.commit()
    after = await states(sessions, use)
    assert before["active"] not in after
    assert after[before["next"]] == "active"
    assert sorted(after.values()) == ["active", "next"]


async def test_a_receipt_key_that_is_dropped_can_only_verify(sessions):
    await KeyStore(sessions, KEK).ring()
    before = {state: kid for kid, state in (await states(sessions, RECEIPT)).items()}
    async with sessions() as session:
        await drop(session, KEK, before["active"], utc_now())
        await session.commit()
        row = await session.get_one(SigningKey, before["active"])
        assert (row.state, row.private_key) == ("retired", b"")
    ring = await KeyStore(sessions, KEK, use=RECEIPT).ring()
    assert before["active"] in ring.public
    assert next(iter(ring.signing)).kid == before["next"]


async def test_dropping_a_key_that_is_not_there_is_told(sessions):
    async with sessions() as session:
        with pytest.raises(NotFound):
            await drop(session, KEK, "unknown", utc_now())
