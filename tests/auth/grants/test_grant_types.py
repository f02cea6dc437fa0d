"""Codes, refresh tokens and client credentials at the token endpoint."""

import asyncio
from datetime import timedelta
from uuid import UUID

import jwt
import pytest
from sqlalchemy import select, update
from structlog.testing import capture_logs

from auth.clients.registration import register
from auth.tables import AuthorizationCode, RefreshToken, TokenGrant
from domain.values import utc_now
from tests.auth.flows import ISSUER, SCOPE, suspend

ROUNDS = 50


def claims_of(token):
    return jwt.decode(token, options={"verify_signature": False})


async def grant_of(sessions, tokens):
    async with sessions() as session:
        return await session.get(TokenGrant, UUID(claims_of(tokens["access_token"])["gid"]))


async def test_a_code_becomes_tokens(phone, verifier):
    answer = await phone.redeem(await phone.code())
    assert answer.status_code == 200
    assert answer.headers["cache-control"] == "no-store"
    tokens = answer.json()
    assert tokens.keys() == {"access_token", "token_type", "expires_in", "scope", "refresh_token", "id_token"}
    assert (tokens["token_type"], tokens["expires_in"], tokens["scope"]) == ("Bearer", 300, SCOPE)
    caller = verifier.verify(tokens["access_token"])
    assert (caller.subject, caller.client_id) == (phone.citizen_id, "healthbook-phone")
    assert caller.scopes == frozenset(SCOPE.split())


async def test_access_token_is_rfc_9068(phone):
    token = (await phone.tokens())["access_token"]
    header = jwt.get_unverified_header(token)
    assert (header["alg"], header["typ"]) == ("ES256", "at+jwt")
    claims = claims_of(token)
    assert claims["iss"] == ISSUER
    assert claims["aud"] == f"{ISSUER}/graphql"
    assert claims["exp"] - claims["iat"] == 300
    assert {"sub", "client_id", "scope", "jti", "gid", "auth_time", "acr"} <= claims.keys()


async def test_id_token_is_for_the_client_with_the_nonce(phone, ring):
    token = (await phone.tokens())["id_token"]
    key = jwt.PyJWK.from_dict(ring.public[jwt.get_unverified_header(token)["kid"]]).key
    claims = jwt.decode(token, key, algorithms=["ES256"], audience="healthbook-phone", issuer=ISSUER)
    assert (claims["sub"], claims["nonce"], claims["acr"]) == (str(phone.citizen_id), "n-456", "demo")
    assert "at_hash" in claims


async def test_no_refresh_token_without_offline_access_and_no_id_token_without_openid(phone, sessions):
    tokens = await phone.tokens(scope="record:labs:read")
    assert tokens.keys() == {"access_token", "token_type", "expires_in", "scope"}
    grant = await grant_of(sessions, tokens)
    assert grant.expires_at <= utc_now() + timedelta(minutes=5)


async def test_a_replayed_code_ends_the_grant(phone, sessions, citizens):
    """Abuse 7."""
    code = await phone.code()
    citizens.warned.clear()
    tokens = (await phone.redeem(code)).json()
    replay = await phone.redeem(code)
    assert (replay.status_code, replay.json()["error"]) == (400, "invalid_grant")
    assert (await grant_of(sessions, tokens)).revoke_reason == "code_replay"
    assert (await phone.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"
    assert citizens.warned == [phone.citizen_id]


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"code_verifier": "x" * 43}, "invalid_grant"),
        ({"code_verifier": None}, "invalid_request"),
        ({"code_verifier": "short"}, "invalid_request"),
        ({"redirect_uri": "http://127.0.0.1:1/callback"}, "invalid_grant"),
        ({"redirect_uri": None}, "invalid_grant"),
    ],
)
async def test_one_wrong_try_burns_the_code(phone, changes, error):
    """Abuse 8."""
    code = await phone.code()
    wrong = await phone.redeem(code, **changes)
    assert (wrong.status_code, wrong.json()["error"]) == (400, error)
    assert (await phone.redeem(code)).json()["error"] == "invalid_grant"


async def test_a_code_dies_after_a_minute(phone, sessions):
    code = await phone.code()
    async with sessions() as session:
        row = await session.scalar(select(AuthorizationCode))
        assert timedelta(seconds=50) < row.expires_at - utc_now() <= timedelta(seconds=60)
        await session.execute(update(AuthorizationCode).values(expires_at=utc_now()))
        await session.commit()
    assert (await phone.redeem(code)).json()["error"] == "invalid_grant"


async def test_a_code_is_of_no_use_to_another_client(phone, facility):
    """Abuse 8."""
    code = await phone.code()
    form = phone.redemption(code, client_id=None)
    answer = await phone.http.post("/oauth/token", data=form, auth=facility.auth)
    assert answer.json()["error"] == "unauthorized_client"
    assert (await phone.redeem(code)).status_code == 200


async def test_a_code_and_a_refresh_token_belong_to_one_public_client(phone, sessions):
    async with sessions() as session:
        await register(
            session,
            client_id="another-app",
            name="Ứng dụng Cam",
            kind="third_party",
            auth_method="none",
            grant_types=["authorization_code", "refresh_token"],
            scope=SCOPE,
            redirect_uris=["http://127.0.0.1/callback"],
        )
        await session.commit()
    code = await phone.code()
    assert (await phone.redeem(code, client_id="another-app")).json()["error"] == "invalid_grant"
    tokens = (await phone.redeem(code)).json()
    stolen = await phone.refresh(tokens["refresh_token"], client_id="another-app")
    assert stolen.json()["error"] == "invalid_grant"
    assert (await phone.refresh(tokens["refresh_token"])).status_code == 200


async def test_of_parallel_redemptions_one_wins(phone):
    """Abuse 7 and 39."""
    await phone.sign_in()
    for _ in range(ROUNDS):
        code = await phone.code()
        answers = await asyncio.gather(*(phone.redeem(code) for _ in range(3)))
        assert sorted(answer.status_code for answer in answers) == [200, 400, 400]


async def test_refresh_rotates_and_keeps_the_sign_in(phone, sessions):
    tokens = await phone.tokens()
    signed_in_at = utc_now() - timedelta(hours=1)
    async with sessions() as session:
        await session.execute(update(TokenGrant).values(auth_time=signed_in_at))
        await session.commit()
    answer = (await phone.refresh(tokens["refresh_token"])).json()
    assert answer["refresh_token"] != tokens["refresh_token"]
    assert answer["scope"] == SCOPE
    for token in (answer["id_token"], answer["access_token"]):
        assert claims_of(token)["auth_time"] == int(signed_in_at.timestamp())
    assert "nonce" not in claims_of(answer["id_token"])
    assert claims_of(answer["access_token"])["gid"] == claims_of(tokens["access_token"])["gid"]
    async with sessions() as session:
        rows = (await session.scalars(select(RefreshToken).order_by(RefreshToken.issued_at))).all()
    assert rows[0].child_hash == rows[1].token_hash
    assert rows[0].expires_at == rows[1].expires_at


async def test_a_reused_refresh_token_ends_the_family(phone, sessions):
    """Abuse 21."""
    tokens = await phone.tokens()
    child = (await phone.refresh(tokens["refresh_token"])).json()
    reuse = await phone.refresh(tokens["refresh_token"])
    assert (reuse.status_code, reuse.json()["error"]) == (400, "invalid_grant")
    assert (await phone.refresh(child["refresh_token"])).json()["error"] == "invalid_grant"
    assert (await grant_of(sessions, tokens)).revoke_reason == "refresh_reuse"


async def test_21_of_a_reuse_citizen_and_operator_hear_once_in_ids_only(phone, sessions, citizens):
    """Abuse 21: family dead, citizen notified; the log names grant and client, no person and no token."""
    tokens = await phone.tokens()
    citizens.warned.clear()
    await phone.refresh(tokens["refresh_token"])
    with capture_logs() as logs:
        for _ in range(2):
            await phone.refresh(tokens["refresh_token"])
    assert citizens.warned == [phone.citizen_id]
    grant = await grant_of(sessions, tokens)
    ids = {"grant_id": str(grant.id), "client_id": phone.client_id}
    assert logs == [{"event": "reused", "log_level": "warning", "reason": "refresh_reuse", **ids}]


async def test_a_refresh_that_only_fails_warns_nobody(phone, citizens):
    tokens = await phone.tokens()
    citizens.warned.clear()
    await phone.refresh(tokens["refresh_token"], scope="record:submit")
    await phone.refresh("unknown")
    assert citizens.warned == []


async def test_of_parallel_refreshes_one_wins(phone):
    """Abuse 21 and 39."""
    for _ in range(ROUNDS):
        token = (await phone.tokens())["refresh_token"]
        answers = await asyncio.gather(*(phone.refresh(token) for _ in range(3)))
        assert sorted(answer.status_code for answer in answers) == [200, 400, 400]


async def test_refresh_narrows_one_token_not_the_chain(phone):
    tokens = await phone.tokens()
    narrow = (await phone.refresh(tokens["refresh_token"], scope="record:labs:read")).json()
    assert narrow["scope"] == "record:labs:read"
    assert "id_token" not in narrow
    assert (await phone.refresh(narrow["refresh_token"])).json()["scope"] == SCOPE


@pytest.mark.parametrize("scope", ["record:submit", "record:labs:read record:imaging:read", "openid profile"])
async def test_refresh_never_widens_and_the_token_stays_usable(phone, scope):
    """Abuse 5."""
    tokens = await phone.tokens()
    wider = await phone.refresh(tokens["refresh_token"], scope=scope)
    assert (wider.status_code, wider.json()["error"]) == (400, "invalid_scope")
    assert (await phone.refresh(tokens["refresh_token"])).status_code == 200


async def test_refresh_without_client_id_finds_a_public_client(phone):
    tokens = await phone.tokens()
    assert (await phone.refresh(tokens["refresh_token"], client_id=None)).status_code == 200
    assert (await phone.refresh("unknown", client_id=None)).json()["error"] == "invalid_client"


async def test_a_suspended_client_gets_no_further_tokens(phone, sessions):
    tokens = await phone.tokens()
    await suspend(sessions, "healthbook-phone")
    answer = await phone.refresh(tokens["refresh_token"])
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_refresh_ends_with_the_grant(phone, sessions):
    tokens = await phone.tokens()
    async with sessions() as session:
        await session.execute(update(RefreshToken).values(expires_at=utc_now()))
        await session.commit()
    assert (await phone.refresh(tokens["refresh_token"])).json()["error"] == "invalid_grant"


async def test_secrets_are_stored_as_hashes_only(phone, sessions):
    code = await phone.code()
    tokens = (await phone.redeem(code)).json()
    async with sessions() as session:
        connection = await session.connection()
        stored = ""
        for table in ("authorization_code", "refresh_token", "token_grant", "web_session"):
            stored += str((await connection.exec_driver_sql(f"SELECT t::text FROM auth.{table} t")).all())
    for secret in (code, tokens["refresh_token"], tokens["access_token"], phone.http.cookies["sid"]):
        assert secret not in stored


async def test_a_facility_gets_a_token_of_its_own(http, facility, verifier):
    answer = await http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=facility.auth)
    tokens = answer.json()
    assert tokens.keys() == {"access_token", "token_type", "expires_in", "scope"}
    caller = verifier.verify(tokens["access_token"])
    assert (caller.client_id, caller.subject) == (facility.client_id, None)
    assert caller.scopes == {"record:submit", "record:labs:read"}
    assert "auth_time" not in claims_of(tokens["access_token"])


@pytest.mark.parametrize(
    ("scope", "status"),
    [("record:submit", 200), ("record:vitals:read", 400), ("openid", 400), ("record:submit nonsense", 400)],
)
async def test_a_facility_gets_no_scope_beyond_its_registration(http, facility, scope, status):
    form = {"grant_type": "client_credentials", "scope": scope}
    answer = await http.post("/oauth/token", data=form, auth=facility.auth)
    assert answer.status_code == status
    assert answer.json().get("scope" if status == 200 else "error") == (scope if status == 200 else "invalid_scope")


async def test_a_public_client_has_no_client_credentials(phone):
    form = {"grant_type": "client_credentials", "client_id": phone.client_id}
    answer = await phone.http.post("/oauth/token", data=form)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({}, "invalid_request"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
        ({"grant_type": 'pass"word'}, "invalid_request"),
        ({"grant_type": "authorization_code", "client_id": "healthbook-phone"}, "invalid_request"),
        ({"grant_type": "refresh_token", "client_id": "healthbook-phone"}, "invalid_request"),
        ({"grant_type": "authorization_code", "client_id": "healthbook-phone", "code": "x"}, "invalid_grant"),
    ],
)
async def test_incomplete_requests_get_the_code_of_the_rfc(phone, form, error):
    answer = await phone.http.post("/oauth/token", data=form)
    assert (answer.status_code, answer.json()["error"]) == (400, error)


async def test_parameters_in_the_query_do_not_count(phone):
    code = await phone.code()
    answer = await phone.http.post("/oauth/token", params=phone.redemption(code), data={"x": "y"})
    assert answer.json()["error"] == "invalid_request"
    assert (await phone.redeem(code)).status_code == 200
