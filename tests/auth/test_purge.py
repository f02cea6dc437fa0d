"""What is thrown away, and what a late replay must still find."""

from datetime import timedelta

from sqlalchemy import func, select

from auth.purge import KEPT, purge
from auth.tables import AuthorizationCode, RefreshToken, TokenGrant, WebSession
from domain.values import utc_now


async def count(session, table):
    return await session.scalar(select(func.count()).select_from(table))


async def test_keeps_the_living_and_the_recently_ended(phone, sessions):
    await phone.tokens()
    async with sessions() as session:
        assert await purge(session, utc_now() + timedelta(minutes=5)) == 0


async def test_deletes_the_long_ended_but_never_a_grant(phone, sessions):
    await phone.tokens()
    async with sessions() as session:
        assert await purge(session, utc_now() + timedelta(days=31) + KEPT) == 3
        assert [await count(session, table) for table in (AuthorizationCode, RefreshToken, WebSession)] == [0, 0, 0]
        assert await count(session, TokenGrant) == 1
