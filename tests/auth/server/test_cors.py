"""Browser apps: known origins may read answers of the open paths, never with cookies; others and pages never."""

import pytest
from sqlalchemy import update

from auth.clients.redirects import origin_of
from auth.clients.registration import register
from auth.server.cors import KEPT_S, OPEN_PATHS, Origins
from auth.tables import OAuthClient
from tests.auth.flows import suspend

ORIGIN = "https://spa.example"
PREFLIGHT = {"access-control-request-method": "POST", "access-control-request-headers": "dpop,content-type"}


@pytest.fixture
async def spa(http, sessions):
    async with sessions() as session:
        await register(
            session,
            client_id="spa",
            name="Ứng dụng Trắng",
            kind="sandbox",
            auth_method="none",
            grant_types=["authorization_code"],
            scope="openid",
            redirect_uris=[f"{ORIGIN}/callback", "vn.example.app:/callback", "http://127.0.0.1:5173/callback"],
        )
        await session.commit()
    return http


@pytest.mark.parametrize("path", sorted(OPEN_PATHS))
async def test_a_known_origin_may_ask(spa, path):
    answer = await spa.options(path, headers={"origin": ORIGIN, **PREFLIGHT})
    assert answer.status_code == 204
    assert answer.headers["access-control-allow-origin"] == ORIGIN
    assert "DPoP" in answer.headers["access-control-allow-headers"]
    assert "Origin" in answer.headers["vary"]
    assert "access-control-allow-credentials" not in answer.headers


async def test_a_known_origin_reads_answers_and_errors(spa):
    for answer in (
        await spa.get("/oauth/jwks", headers={"origin": ORIGIN}),
        await spa.post("/oauth/token", data={"grant_type": "x"}, headers={"origin": "http://127.0.0.1:5173"}),
    ):
        assert answer.headers["access-control-allow-origin"] == answer.request.headers["origin"]
        assert "WWW-Authenticate" in answer.headers["access-control-expose-headers"]
        assert "access-control-allow-credentials" not in answer.headers


@pytest.mark.parametrize(
    "origin",
    [
        "https://evil.example",
        "http://spa.example",
        "https://spa.example:8443",
        "https://spa.example.evil.example",
        "https://sub.spa.example",
        "HTTPS://SPA.EXAMPLE",
        "http://127.0.0.1:5174",
        "vn.example.app:",
        "null",
        "*",
    ],
)
async def test_no_other_origin_may(spa, origin):
    preflight = await spa.options("/oauth/token", headers={"origin": origin, **PREFLIGHT})
    answer = await spa.get("/oauth/jwks", headers={"origin": origin})
    assert preflight.status_code == 403
    for one in (preflight, answer):
        assert "access-control-allow-origin" not in one.headers
        assert "Origin" in one.headers["vary"]


@pytest.mark.parametrize("path", ["/oauth/authorize", "/oauth/consent", "/login", "/oauth/logout", "/oauth/introspect"])
async def test_pages_are_for_no_origin(spa, path):
    answer = await spa.options(path, headers={"origin": ORIGIN, **PREFLIGHT})
    assert "access-control-allow-origin" not in answer.headers
    assert "access-control-allow-origin" not in (await spa.get(path, headers={"origin": ORIGIN})).headers


async def test_the_list_is_read_again_after_a_while(spa, sessions):
    now = 0.0
    origins = Origins(sessions, clock=lambda: now)
    assert await origins.has(ORIGIN)
    await suspend(sessions, "spa")
    assert await origins.has(ORIGIN)
    now = KEPT_S
    assert not await origins.has(ORIGIN)


async def test_confidential_clients_are_no_browser_apps(spa, sessions):
    async with sessions() as session:
        await session.execute(update(OAuthClient).values(auth_method="client_secret_basic", secret_hash=b"x" * 32))
        await session.commit()
    assert not await Origins(sessions).has(ORIGIN)


@pytest.mark.parametrize(
    ("address", "origin"),
    [
        ("https://a.example/x", "https://a.example"),
        ("https://a.example:8443/x", "https://a.example:8443"),
        ("http://127.0.0.1:9/x", "http://127.0.0.1:9"),
        ("vn.healthbook.app:/callback", None),
    ],
)
def test_the_origin_of_an_address(address, origin):
    assert origin_of(address) == origin
