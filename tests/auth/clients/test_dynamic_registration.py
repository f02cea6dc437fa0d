"""Dynamic registration of sandbox clients, and their management."""

import asyncio
import contextlib
import json
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import func, select, update

from auth.clients.dynamic_registration import TRIES, issue_registration_token
from auth.clients.metadata import LIMIT_BYTES, Refused, parse, read
from auth.clients.profiles import DEVICE
from auth.clients.registration import suspend
from auth.flow_tables import ClientManagement, RegistrationToken
from auth.opaque import digest
from auth.scopes import OWN
from auth.tables import OAuthClient, TokenGrant
from domain.attempts import Attempt
from domain.errors import Invalid
from domain.values import utc_now
from tests.auth.conftest import BLUE
from tests.auth.flows import ISSUER, RECORD_SCOPES
from tests.auth.tokens.test_bearer import JWK

APP = {
    "client_name": "Ứng dụng Cam",
    "redirect_uris": ["https://cam.example.vn/cb"],
    "scope": "openid record:labs:read",
}
SELF_SERVED = {"openid", "profile", "offline_access", "fhirUser", "launch/patient", *RECORD_SCOPES}
SIGNED = {"token_endpoint_auth_method": "private_key_jwt", "jwks": {"keys": [JWK]}}


@pytest.fixture
async def developer(http, sessions):
    async with sessions() as session:
        token = await issue_registration_token(session, "Nhóm Cam", utc_now(), uses=200)
        await session.commit()
    return Developer(http, token)


class Developer:
    def __init__(self, http, token):
        self.http = http
        self.token = token

    async def register(self, token=None, **changes):
        told = {name: value for name, value in (APP | changes).items() if value is not None}
        return await self.http.post("/oauth/register", json=told, headers=bearer(token or self.token))


def bearer(token):
    return {"Authorization": f"Bearer {token}"}


def told(client, **changes):
    """A whole registration again, as a PUT wants it."""
    return APP | {"client_id": client["client_id"]} | changes


async def count(sessions, table):
    async with sessions() as session:
        return await session.scalar(select(func.count()).select_from(table))


async def stored(sessions, client_id):
    async with sessions() as session:
        return await session.get(OAuthClient, client_id)


async def test_a_developer_registers_a_sandbox_client(developer, sessions):
    answer = await developer.register()
    client = answer.json()
    assert answer.status_code == 201, client
    assert answer.headers["cache-control"] == "no-store"
    assert client["client_name"] == "Ứng dụng Cam"
    assert client["token_endpoint_auth_method"] == "none"
    assert client["grant_types"] == ["authorization_code"]
    assert client["response_types"] == ["code"]
    assert client["scope"] == "openid record:labs:read"
    assert client["registration_client_uri"] == f"{ISSUER}/oauth/register/{client['client_id']}"
    assert "client_secret" not in client
    row = await stored(sessions, client["client_id"])
    assert (row.kind, row.status, row.requires_par) == ("sandbox", "active", False)
    assert timedelta(days=89) < row.expires_at - utc_now() <= timedelta(days=90)
    async with sessions() as session:
        assert (await session.scalar(select(ClientManagement))).token_hash == digest(
            client["registration_access_token"]
        )


async def test_a_signing_client_must_push_its_requests(developer):
    client = (await developer.register(**SIGNED, grant_types=["authorization_code", "refresh_token"])).json()
    assert client["token_endpoint_auth_method"] == "private_key_jwt"
    assert client["require_pushed_authorization_requests"] is True
    assert client["jwks"] == {"keys": [JWK]}


async def test_a_device_needs_no_redirect(developer):
    client = (await developer.register(redirect_uris=None, grant_types=[DEVICE, "refresh_token"])).json()
    assert (client["redirect_uris"], client["response_types"]) == ([], [])
    asked = await developer.http.post("/oauth/device", data={"client_id": client["client_id"], "scope": "openid"})
    assert asked.status_code == 200


async def test_31_a_client_gives_itself_no_kind_status_or_scope(developer, sessions):
    """Abuse case 31: mass assignment at registration. What is not ours to be told is dropped."""
    answer = await developer.register(
        kind="first_party", status="active", organization_id="0190a000-0000-7000-8000-0000000000aa", requires_par=False,
        requires_dpop=False, expires_at=None, client_id="healthbook-phone", client_secret="x", secret_hash="x",
        client_id_expires_at=0, is_admin=True, trusted=True, reviewed_by="x",
        scope="openid record:labs:read record:submit consent:manage emergency:open dev:clients record:own:read",
    )  # fmt: skip
    client = answer.json()
    assert client["client_id"] != "healthbook-phone"
    assert client["scope"] == "openid record:labs:read"
    row = await stored(sessions, client["client_id"])
    assert (row.kind, row.organization_id, row.secret_hash) == ("sandbox", None, None)
    assert row.expires_at is not None


async def test_31_without_a_scope_a_client_gets_what_the_sandbox_has(developer):
    """Abuse case 31: the default is the self-serve list, not everything there is."""
    scope = set((await developer.register(scope=None)).json()["scope"].split())
    assert scope == SELF_SERVED


@pytest.mark.parametrize(
    "member",
    [
        {"jwks_uri": "http://169.254.169.254/latest/meta-data/"},
        {"jwks_uri": "https://cam.example.vn/jwks"},
        {"sector_identifier_uri": "https://cam.example.vn/sector"},
        {"request_uris": ["http://[::1]/"]},
        {"backchannel_logout_uri": "http://10.0.0.1/"},
    ],
)
async def test_18_addresses_that_would_be_opened_are_refused(developer, sessions, member):
    """Abuse case 18: a jwks_uri at a metadata address. Keys come inline or not at all."""
    answer = await developer.register(**member)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")
    assert await count(sessions, OAuthClient) == 0


async def test_12_and_30_addresses_for_people_are_dropped_and_nothing_is_fetched(developer, monkeypatch):
    """Abuse cases 12 and 30: no request of ours leaves for an address that a client told."""
    monkeypatch.setattr("socket.getaddrinfo", lambda *_args, **_named: pytest.fail("an address was looked up"))
    away = "http://169.254.169.254/"
    members = dict.fromkeys(("logo_uri", "client_uri", "policy_uri", "tos_uri", "initiate_login_uri", "x5u"), away)
    client = (await developer.register(**members, software_statement="a.b.c")).json()
    assert client["client_id"]
    assert away not in json.dumps(client)


@pytest.mark.parametrize(
    "uri",
    [
        "http://cam.example.vn/cb",
        "https://*.example.vn/cb",
        "https://cam.example.vn/cb#x",
        "https://user@cam.example.vn/cb",
        "https://cam.example.vn\\@evil.example/",
        "https://CAM.example.vn/cb",
        "http://localhost/cb",
        "javascript:alert(1)",
        "data:text/html,x",
        "myapp:/cb",
        "vn.cam.app://cb",
        "https://cam.example.vn/\u202e",
        "https://cảm.example.vn/cb",
        "https://cam.example.vn/ cb",
        "https://cam.example.vn/\x00",
        "https://cam.example.vn/" + "x" * 2000,
        "",
    ],
)
async def test_redirects_that_lead_astray_are_refused(developer, uri):
    for changes in ({"redirect_uris": [uri]}, {"post_logout_redirect_uris": [uri]}):
        answer = await developer.register(**changes)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_redirect_uri")


@pytest.mark.parametrize("uri", ["http://127.0.0.1/cb", "http://[::1]:5000/cb", "vn.cam.app:/cb"])
async def test_native_apps_have_their_redirects(developer, uri):
    assert (await developer.register(redirect_uris=[uri])).status_code == 201


@pytest.mark.parametrize(
    "changes",
    [
        {"client_name": None},
        {"client_name": 7},
        {"client_name": "Cam\x00"},
        {"token_endpoint_auth_method": "client_secret_basic"},
        {"token_endpoint_auth_method": "private_key_jwt"},
        {"jwks": {"keys": [JWK]}, "token_endpoint_auth_method": "none"},
        {**SIGNED, "jwks": {"keys": [{**JWK, "d": "x"}]}},
        {**SIGNED, "jwks": []},
        {"grant_types": ["client_credentials"]},
        {"grant_types": ["authorization_code", "implicit"]},
        {"grant_types": ["urn:ietf:params:oauth:grant-type:token-exchange", "authorization_code"]},
        {"grant_types": ["refresh_token"], "redirect_uris": None},
        {"grant_types": "authorization_code"},
        {"grant_types": [["authorization_code"]]},
        {"response_types": ["token"]},
        {"response_types": ["code", "id_token"]},
        {"redirect_uris": "https://cam.example.vn/cb"},
        {"redirect_uris": [f"https://cam.example.vn/cb{number}" for number in range(21)]},
        {"scope": "record:submit"},
        {"scope": ["openid"]},
        {"scope": "x" * 5000},
    ],
)
async def test_metadata_that_does_not_fit_is_refused(developer, sessions, changes):
    answer = await developer.register(**changes)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")
    assert await count(sessions, OAuthClient) == 0


async def test_35_a_client_may_not_pose_as_a_hospital(developer):
    """Abuse case 35: the refusal says why, and a sandbox client is never more than that."""
    for name in ("Bệnh viện Bạch Mai", "B3nh vi3n", "VNe1D", "So suc khoe", "Bộ Y tế", "H0sp1tal"):
        answer = await developer.register(client_name=name)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")
        assert "official" in answer.json()["error_description"]


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"x",
        b"[]",
        b"7",
        b'{"client_name":"a\\ud800bc"}',
        b"[" * 5000,
        b'{"a":"' + b"x" * LIMIT_BYTES + b'"}',
        b"\xff",
    ],
)
async def test_bodies_that_are_no_registration_are_refused(developer, body):
    headers = bearer(developer.token) | {"Content-Type": "application/json"}
    answer = await developer.http.post("/oauth/register", content=body, headers=headers)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_client_metadata")


async def test_a_form_is_no_registration(developer):
    answer = await developer.http.post("/oauth/register", data={"client_name": "x"}, headers=bearer(developer.token))
    assert answer.status_code == 400


@pytest.mark.parametrize(
    "headers",
    [
        {},
        bearer("x" * 43),
        bearer("x"),
        bearer("x" * 5000),
        {"Authorization": "Basic eDp5"},
        {"Authorization": "Bearer é"},
    ],
)
async def test_nobody_registers_without_a_token(developer, sessions, headers):
    encoded = [(name.encode(), value.encode("latin-1")) for name, value in headers.items()]
    answer = await developer.http.post("/oauth/register", json=APP, headers=encoded)
    assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")
    assert answer.headers["www-authenticate"].startswith("Bearer")
    assert await count(sessions, OAuthClient) == 0


async def test_a_token_has_its_uses_and_its_end(http, sessions):
    async with sessions() as session:
        token = await issue_registration_token(session, "Nhóm Tím", utc_now(), uses=2)
        await session.commit()
    developer = Developer(http, token)
    assert (await developer.register(client_name="Bệnh viện")).status_code == 400
    answers = await asyncio.gather(*(developer.register() for _ in range(5)))
    assert sorted(answer.status_code for answer in answers) == [201, 201, 401, 401, 401]
    async with sessions() as session:
        await session.execute(update(RegistrationToken).values(uses_left=5, expires_at=utc_now()))
        await session.commit()
    assert (await developer.register()).status_code == 401


@pytest.mark.parametrize(("developer_name", "uses"), [("", 1), ("x" * 201, 1), ("a\x00b", 1), ("Cam", 0)])
async def test_a_token_is_for_somebody_and_something(sessions, developer_name, uses):
    async with sessions() as session:
        with pytest.raises(Invalid):
            await issue_registration_token(session, developer_name, utc_now(), uses=uses)


async def test_registrations_of_one_address_are_bounded(developer, sessions):
    for _ in range(TRIES):
        assert (await developer.register(token="x" * 43)).status_code == 401
    answer = await developer.register()
    assert (answer.status_code, answer.headers["retry-after"]) == (429, "3600")
    async with sessions() as session:
        await session.execute(update(Attempt).values(window_end=utc_now()))
        await session.commit()
    assert (await developer.register()).status_code == 201


async def test_a_registration_is_read_changed_and_ended_by_its_holder(developer, http, sessions):
    client = (await developer.register()).json()
    uri, mine = client["registration_client_uri"], bearer(client["registration_access_token"])
    assert (await http.get(uri, headers=mine)).json() == client
    changed = await http.put(uri, json=told(client, client_name="Ứng dụng Tím", **SIGNED), headers=mine)
    assert changed.status_code == 200, changed.json()
    assert changed.json() == client | {
        "client_name": "Ứng dụng Tím",
        "token_endpoint_auth_method": "private_key_jwt",
        "jwks": {"keys": [JWK]},
        "require_pushed_authorization_requests": True,
    }
    ended = await http.delete(uri, headers=mine)
    assert (ended.status_code, ended.content) == (204, b"")
    assert (await http.get(uri, headers=mine)).status_code == 401
    row = await stored(sessions, client["client_id"])
    assert row.status == "suspended"


async def test_with_the_registration_its_tokens_end(developer, http, sessions):
    client = (await developer.register()).json()
    now = utc_now()
    async with sessions() as session:
        session.add(
            TokenGrant(
                client_id=client["client_id"],
                citizen_id=BLUE,
                scope="openid",
                created_at=now,
                expires_at=now + timedelta(days=1),
            )
        )
        await session.commit()
    await http.delete(client["registration_client_uri"], headers=bearer(client["registration_access_token"]))
    async with sessions() as session:
        assert (await session.scalar(select(TokenGrant))).revoke_reason == "client_deleted"


@pytest.mark.parametrize(
    "changes",
    [
        {"client_id": None},
        {"client_id": "healthbook-phone"},
        {"registration_access_token": "x"},
        {"registration_client_uri": "x"},
        {"client_secret": "x"},
        {"client_id_issued_at": 1},
    ],
)
async def test_31_a_change_says_only_what_is_the_developer_s_to_say(developer, http, changes):
    """Abuse case 31, and RFC 7592 2.2."""
    client = (await developer.register()).json()
    answer = await http.put(
        client["registration_client_uri"],
        json=told(client, **changes),
        headers=bearer(client["registration_access_token"]),
    )
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"client_name": "Bệnh viện"}, "invalid_client_metadata"),
        ({"jwks_uri": "https://cam.example.vn/jwks"}, "invalid_client_metadata"),
        ({"redirect_uris": ["http://cam.example.vn/"]}, "invalid_redirect_uri"),
        ({"scope": "consent:manage"}, "invalid_client_metadata"),
    ],
)
async def test_a_change_keeps_the_rules_of_registration(developer, http, changes, error):
    client = (await developer.register()).json()
    mine = bearer(client["registration_access_token"])
    answer = await http.put(client["registration_client_uri"], json=told(client, **changes), headers=mine)
    assert (answer.status_code, answer.json()["error"]) == (400, error)
    assert (await http.get(client["registration_client_uri"], headers=mine)).json() == client


@pytest.mark.parametrize("method", ["GET", "PUT", "DELETE"])
async def test_only_the_token_of_this_very_client_opens_it(developer, http, phone, method):
    mine, other = (await developer.register()).json(), (await developer.register()).json()
    body = {"json": told(other)} if method == "PUT" else {}
    addresses = [
        other["registration_client_uri"],
        f"{ISSUER}/oauth/register/healthbook-phone",
        f"{ISSUER}/oauth/register/a%00b",
    ]
    for address in addresses:
        for token in (mine["registration_access_token"], developer.token, "x" * 43):
            answer = await http.request(method, address, headers=bearer(token), **body)
            assert (answer.status_code, answer.json()["error"]) == (401, "invalid_token")


async def test_a_suspended_client_is_no_longer_the_developer_s(developer, http, sessions):
    client = (await developer.register()).json()
    async with sessions() as session:
        await suspend(session, client["client_id"])
        await session.commit()
    mine = bearer(client["registration_access_token"])
    for method in ("GET", "DELETE"):
        assert (await http.request(method, client["registration_client_uri"], headers=mine)).status_code == 403


async def test_after_90_days_there_is_nothing_left_of_it(developer, http, sessions):
    client = (await developer.register()).json()
    async with sessions() as session:
        await session.execute(update(OAuthClient).values(expires_at=utc_now()))
        await session.commit()
    mine = bearer(client["registration_access_token"])
    assert (await http.get(client["registration_client_uri"], headers=mine)).status_code == 401
    form = {"grant_type": "authorization_code", "code": "x", "client_id": client["client_id"]}
    assert (await http.post("/oauth/token", data=form)).json()["error"] == "invalid_client"


JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**63), 2**63) | st.floats(allow_nan=False) | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
    max_leaves=10,
)
MEMBERS = [
    "client_name", "redirect_uris", "grant_types", "response_types", "token_endpoint_auth_method", "scope", "jwks",
    "post_logout_redirect_uris", "jwks_uri", "keys",
]  # fmt: skip


@given(st.dictionaries(st.sampled_from(MEMBERS), JSON | st.just({"keys": [JWK]}), max_size=6))
def test_any_json_is_a_registration_or_is_refused(changes):
    with contextlib.suppress(Refused):
        assert set(parse(APP | changes, [*OWN, *RECORD_SCOPES]).scope.split()) <= SELF_SERVED


@given(st.binary(max_size=200))
def test_any_bytes_are_an_object_or_are_refused(body):
    with contextlib.suppress(Refused):
        assert isinstance(read(body), dict)
