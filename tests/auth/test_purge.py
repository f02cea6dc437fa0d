"""What is thrown away, and what a late replay must still find."""

from datetime import timedelta

from sqlalchemy import func, select

from auth.clients.profiles import CODE
from auth.clients.registration import register
from auth.flow_tables import DeviceAuthorization, OneTimeCode, PushedRequest, RegistrationToken, SignInState
from auth.purge import KEPT, PURGED, purge
from auth.tables import AuthorizationCode, OAuthClient, RefreshToken, TokenGrant, WebSession
from domain import attempts
from domain.attempts import Attempt
from domain.database import Base
from domain.values import utc_now
from tests.auth.conftest import BLUE


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


def flows(end):
    """One row of each table that a flow leaves behind."""
    secret = {"created_at": end, "expires_at": end}
    return [
        PushedRequest(reference_hash=b"x", client_id="x", parameters={}, created_at=end, expires_at=end),
        DeviceAuthorization(device_code_hash=b"x", user_code_hash=b"x", client_id="x", scope="openid", **secret),
        SignInState(cookie_hash=b"x", kind="x", data={}, expires_at=end),
        OneTimeCode(cookie_hash=b"x", citizen_id=BLUE, code_hmac=b"x", **secret),
        RegistrationToken(token_hash=b"x", developer="x", uses_left=1, **secret),
    ]


async def test_deletes_what_flows_left_behind(sessions):
    now = utc_now()
    async with sessions() as session:
        session.add_all(flows(now - KEPT + timedelta(minutes=1)))
        await session.flush()
        assert await purge(session, now) == 0
        assert await purge(session, now + timedelta(minutes=2)) == 5


def test_every_table_of_short_lived_rows_is_purged():
    kept = {OAuthClient.__table__, TokenGrant.__table__}
    tables = [table for table in Base.metadata.tables.values() if table.schema == "auth"]
    short_lived = {table for table in tables if "expires_at" in table.c}
    assert short_lived - kept == {table.__table__ for table in PURGED}


async def test_forgets_windows_that_are_over(sessions):
    now = utc_now()
    async with sessions() as session:
        await attempts.count(session, "x", "y", window=timedelta(minutes=1), now=now)
        await purge(session, now)
        assert await count(session, Attempt) == 1
        await purge(session, now + timedelta(minutes=2))
        assert await count(session, Attempt) == 0


async def test_suspends_clients_past_their_end(sessions):
    now, minute = utc_now(), timedelta(minutes=1)
    sandbox = {"name": "Cam", "kind": "sandbox", "auth_method": "none", "grant_types": [CODE], "scope": "openid"}
    sandbox["redirect_uris"] = ["https://cam.example.vn/"]
    async with sessions() as session:
        for client_id, end in {"old": now - minute, "young": now + minute, "for-ever": None}.items():
            await register(session, client_id=client_id, expires_at=end, **sandbox)
        await purge(session, now)
        session.expire_all()
        statuses = {client.client_id: client.status for client in await session.scalars(select(OAuthClient))}
    assert statuses == {"old": "suspended", "young": "active", "for-ever": "active"}
