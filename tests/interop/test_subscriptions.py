"""graphql-ws 6 and graphql-sse 2, unmodified: subscriptions from the first event to the last word."""

import asyncio
import re
from datetime import timedelta
from pathlib import Path

import httpx
import orjson
import pytest
from prometheus_client import REGISTRY
from sqlalchemy.ext.asyncio import async_sessionmaker

from auth.settings import AuthSettings
from auth.signing.keys import KeyStore
from auth.tables import TokenGrant
from auth.tokens.signed import access_token
from domain.database import open_engine
from domain.values import utc_now
from tests.api.subscriptions.conftest import until
from tests.interop.conftest import CITIZEN, PATIENT

SCRIPT = "subscriptions.mjs"
FIRST = {"sections": ["labs", "vitals"], "revision": None}
CHANGE = orjson.dumps({"patient": str(PATIENT), "revision": 3, "rows": ["labs:"]}).decode()
PUSHES = "healthbook_subscription_pushes_total"


async def token(healthbook, life=timedelta(minutes=5)) -> str:
    """The citizen's phone, signed in."""
    engine = open_engine(healthbook.database.auth)
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    auth = AuthSettings(issuer=healthbook.origin, audience=f"{healthbook.origin}/graphql", kek=bytes(range(32)))
    now = utc_now()
    async with sessions() as session:
        grant = TokenGrant(
            client_id="healthbook-phone",
            citizen_id=CITIZEN,
            scope="record:labs:read record:vitals:read",
            created_at=now,
            expires_at=now + timedelta(hours=1),
        )
        session.add(grant)
        await session.commit()
        ring = await KeyStore(sessions, auth.kek).ring()
    await engine.dispose()
    return access_token(ring.signing, auth, grant, scope=grant.scope, now=now, life=life)


def counted(name: str) -> float:
    return REGISTRY.get_sample_value(name, {"field": "recordChanged"}) or 0.0


async def changed_and_signed_out(healthbook, mine: str) -> None:
    """Once somebody follows: a change, and when that was told, the end of the sign-in."""
    await until(lambda: counted("healthbook_subscriptions") > 0)
    pushes = counted(PUSHES)

    async def tell() -> None:
        while counted(PUSHES) < pushes + 2:  # what comes while it begins is told as what may have been missed
            await healthbook.sql("select pg_notify('record', $1)", CHANGE)
            await asyncio.sleep(0.1)

    await asyncio.wait_for(tell(), 20)
    async with httpx.AsyncClient(base_url=healthbook.origin) as http:
        told = {"token": mine, "client_id": healthbook.told["clients"]["phone"]}
        assert (await http.post("/oauth/revoke", data=told)).status_code == 200


@pytest.mark.parametrize("flow", ["followsOverASocket", "followsOverAStream"])
async def test_a_client_follows_until_its_citizen_signs_out(healthbook, flow):
    mine = await token(healthbook)
    answer, _ = await asyncio.gather(healthbook.run(SCRIPT, flow, token=mine), changed_and_signed_out(healthbook, mine))
    events = answer["events"] if flow == "followsOverASocket" else answer
    assert events[0] == FIRST
    assert {"sections": ["labs"], "revision": 3} in events[1:]
    assert events[-1] == ["UNAUTHENTICATED"]
    if flow == "followsOverASocket":
        assert answer["closed"] == 4401


async def test_graphql_ws_comes_back_with_a_new_token_by_itself(healthbook):
    short = await token(healthbook, timedelta(seconds=2))
    answer = await healthbook.run(SCRIPT, "comesBackWithANewToken", short=short, token=await token(healthbook))
    first = {"data": {"recordChanged": FIRST}}
    assert answer["events"][0] == first
    assert answer["codes"][0] == 4403


async def test_the_documented_example_comes_back_with_a_new_token(healthbook):
    page = (Path(__file__).parents[2] / "docs" / "subscriptions.md").read_text()
    [example] = re.findall(r"```js\n(.*?)```", page, re.DOTALL)
    (healthbook.folder / "documented.mjs").write_text(example)
    short = await token(healthbook, timedelta(seconds=2))
    told = {"short": short, "token": await token(healthbook)}
    assert await healthbook.run(SCRIPT, "theDocumentedExampleComesBack", **told) == [FIRST, FIRST]
