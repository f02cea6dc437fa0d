"""What clients of each kind get, for how long, and when they get nothing any more (auth.md 3.2)."""

import asyncio
import time
import uuid
from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from sqlalchemy import update

from auth.clients.authentication import ASSERTION_TYPE
from auth.clients.registration import register_clinician_app
from auth.scopes import OWN, scopes_allowed
from auth.tables import OAuthClient, TokenGrant
from domain.organizations import Organization
from domain.patients import Citizen
from domain.practitioners import PractitionerRole
from domain.values import utc_now
from tests.auth.clients.test_authentication import public_jwk
from tests.auth.conftest import BLUE, FACILITY_ORGANIZATION
from tests.auth.flows import ISSUER, REDIRECT, Phone, query_of
from tests.auth.grants.test_grant_types import claims_of, grant_of
from tests.auth.server.test_pushed_requests import authorize, decide

KEY = ec.generate_private_key(ec.SECP256R1())
WARD = "ward-app"
CREDENTIALS = {"grant_type": "client_credentials"}


@pytest.fixture
async def organization(sessions):
    async with sessions() as session:
        session.add(Organization(id=FACILITY_ORGANIZATION, code="01001", name="Trạm Y tế Tím"))
        await session.commit()


async def stop(sessions, **values):
    async with sessions() as session:
        await session.execute(update(Organization).values(**values))
        await session.commit()


async def change(sessions, client_id, **values):
    async with sessions() as session:
        await session.execute(update(OAuthClient).where(OAuthClient.client_id == client_id).values(**values))
        await session.commit()


class Clinician(Phone):
    """A clinicians' application: it pushes its requests and proves itself by a signed assertion."""

    def proves(self):
        now = int(time.time())
        claims = {"iss": WARD, "sub": WARD, "aud": ISSUER, "exp": now + 60, "jti": uuid.uuid4().hex}
        assertion = jwt.encode(claims, KEY, "ES256", headers={"kid": "ES256"})
        return {"client_assertion_type": ASSERTION_TYPE, "client_assertion": assertion}

    async def tokens(self, **changes):
        pushed = await self.http.post("/oauth/par", data=self.asks(**changes) | self.proves())
        assert pushed.status_code == 201, pushed.text
        query = {"client_id": WARD, "request_uri": pushed.json()["request_uri"]}
        await self.sign_in()
        assert (await authorize(self, query)).status_code == 200
        code = query_of(await decide(self, query))["code"]
        return await self.http.post("/oauth/token", data=self.redemption(code) | self.proves())

    async def again(self, token):
        form = {"grant_type": "refresh_token", "refresh_token": token} | self.proves()
        return await self.http.post("/oauth/token", data=form)


@pytest.fixture
async def clinician(http, sessions, organization, citizens):
    async with sessions() as session:
        session.add(Citizen(id=BLUE))
        await session.flush()
        session.add(
            PractitionerRole(
                citizen_id=BLUE, organization_id=FACILITY_ORGANIZATION, role="doctor", display_name="BS. Xanh"
            )
        )
        await register_clinician_app(
            session,
            client_id=WARD,
            name="Khoa Nội",
            organization_id=FACILITY_ORGANIZATION,
            scope="openid offline_access emergency:open record:labs:read",
            redirect_uris=["http://127.0.0.1/callback"],
            jwks={"keys": [public_jwk("ES256", KEY)]},
        )
        await session.commit()
    citizens.roles.add((BLUE, FACILITY_ORGANIZATION))
    return Clinician(http, BLUE, WARD)


SCOPE = "openid offline_access emergency:open record:labs:read"


async def test_a_clinician_signs_in_for_a_shift_of_twelve_hours(clinician, sessions):
    answer = await clinician.tokens(scope=SCOPE)
    tokens = answer.json()
    assert (answer.status_code, tokens["expires_in"]) == (200, 300)
    assert "emergency:open" in tokens["scope"].split(" ")
    assert claims_of(tokens["access_token"])["sub"] == str(BLUE)
    left = (await grant_of(sessions, tokens)).expires_at - utc_now()
    assert timedelta(hours=11) < left <= timedelta(hours=12)
    assert (await clinician.again(tokens["refresh_token"])).status_code == 200


@pytest.mark.parametrize("end", ["revoked_at", "valid_until"])
async def test_a_clinician_who_left_gets_no_further_token(clinician, sessions, end):
    tokens = (await clinician.tokens(scope=SCOPE)).json()
    async with sessions() as session:
        await session.execute(update(PractitionerRole).values({end: utc_now()}))
        await session.commit()
    refused = await clinician.again(tokens["refresh_token"])
    assert (refused.status_code, refused.json()["error"]) == (400, "invalid_grant")


async def test_a_clinician_application_must_push(clinician):
    await clinician.sign_in()
    assert query_of(await clinician.authorize(scope=SCOPE))["error"] == "invalid_request"


async def test_an_assertion_may_name_the_push_endpoint_and_is_used_once(clinician):
    """RFC 9126 2; abuse case 20."""
    now = int(time.time())
    claims = {"iss": WARD, "sub": WARD, "aud": f"{ISSUER}/oauth/par", "exp": now + 60, "jti": uuid.uuid4().hex}
    proof = {
        "client_assertion_type": ASSERTION_TYPE,
        "client_assertion": jwt.encode(claims, KEY, "ES256", headers={"kid": "ES256"}),
    }
    form = clinician.asks(scope=SCOPE, client_id=None) | proof
    assert [(await clinician.http.post("/oauth/par", data=form)).status_code for _ in range(2)] == [201, 401]


async def test_a_suspended_facility_gets_no_tokens(http, facility, organization, sessions):
    """Abuse case 24."""
    assert (await http.post("/oauth/token", data=CREDENTIALS, auth=facility.auth)).status_code == 200
    await stop(sessions, status="suspended")
    for path in ("/oauth/token", "/oauth/introspect", "/oauth/revoke"):
        answer = await http.post(path, data={**CREDENTIALS, "token": "x"}, auth=facility.auth)
        assert (answer.status_code, answer.json()["error"]) == (401, "invalid_client")


async def test_clinicians_of_a_suspended_facility_get_no_tokens(clinician, sessions):
    tokens = (await clinician.tokens(scope=SCOPE)).json()
    await stop(sessions, status="suspended")
    assert (await clinician.again(tokens["refresh_token"])).json()["error"] == "invalid_client"
    await clinician.sign_in()
    assert (await clinician.authorize(scope=SCOPE)).status_code == 400


async def test_a_client_past_its_end_gets_nothing(phone, sessions):
    tokens = await phone.tokens()
    await change(sessions, phone.client_id, expires_at=utc_now())
    assert (await phone.refresh(tokens["refresh_token"])).json()["error"] == "invalid_client"
    assert (await phone.authorize()).status_code == 400
    assert (await phone.http.post("/oauth/par", data=phone.asks())).json()["error"] == "invalid_client"


async def test_a_grant_ends_with_its_client_at_the_latest(phone, sessions):
    end = utc_now() + timedelta(days=3)
    await change(sessions, phone.client_id, expires_at=end)
    assert (await grant_of(sessions, await phone.tokens())).expires_at == end


async def test_the_phone_stays_signed_in_for_30_days(phone, sessions):
    left = (await grant_of(sessions, await phone.tokens())).expires_at - utc_now()
    assert timedelta(days=29, hours=23) < left <= timedelta(days=30)


@pytest.mark.parametrize("scope", ["consent:manage", "log:read", "delegate:manage", "dev:clients", "emergency:open"])
async def test_scopes_of_another_kind_are_refused_although_registered(phone, sessions, scope):
    """Abuse case 6: a wrong row in the table opens nothing."""
    await change(sessions, phone.client_id, kind="third_party", scope=f"openid record:labs:read {scope}")
    await phone.sign_in()
    assert query_of(await phone.authorize(scope=f"openid {scope}"))["error"] == "invalid_scope"
    assert (await phone.http.post("/oauth/par", data=phone.asks(scope=scope))).json()["error"] == "invalid_scope"


async def test_nobody_without_a_person_opens_an_emergency(http, facility, sessions):
    registered = "record:submit emergency:open consent:manage openid patient:find"
    await change(sessions, facility.client_id, scope=registered)
    for scope in ("emergency:open", "consent:manage", "openid", "record:submit emergency:open"):
        answer = await http.post("/oauth/token", data={**CREDENTIALS, "scope": scope}, auth=facility.auth)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")
    answer = await http.post("/oauth/token", data=CREDENTIALS, auth=facility.auth)
    assert answer.json()["scope"] == "record:submit patient:find"


def test_which_scopes_each_kind_may_be_registered_with():
    citizens_own = {"consent:read", "consent:manage", "log:read", "delegate:manage", "dev:clients"}
    assert citizens_own <= scopes_allowed("first_party")
    for kind in ("facility", "third_party", "clinician", "sandbox"):
        assert not citizens_own & scopes_allowed(kind)
    assert [kind for kind in ("facility", "clinician", "third_party", "first_party", "sandbox")
            if "patient:find" in scopes_allowed(kind)] == ["facility", "clinician"]  # fmt: skip
    assert "emergency:open" in scopes_allowed("clinician")
    assert "emergency:open" not in scopes_allowed("facility") | scopes_allowed("first_party")


def test_every_scope_has_words_in_both_languages():
    for words in OWN.values():
        assert words["vi"] != words["en"]


async def test_a_token_for_a_patient_names_both(phone, sessions, verifier, ring, settings):
    """RFC 8693 4.1: the patient is the subject, the citizen acts."""
    from auth.tokens.signed import access_token

    grant = await grant_of(sessions, await phone.tokens())
    child = uuid.uuid4()
    grant.patient_id = child
    token = access_token(
        ring.signing, settings, grant, scope="record:labs:read", now=utc_now(), life=timedelta(minutes=5)
    )
    claims = claims_of(token)
    assert (claims["sub"], claims["act"]) == (str(child), {"sub": str(BLUE)})
    caller = verifier.verify(token)
    assert (caller.subject, caller.patient) == (BLUE, child)
    assert (caller.acr, caller.auth_time) == ("demo", int(grant.auth_time.timestamp()))


async def test_parallel_client_credentials_do_not_disturb_each_other(http, facility):
    answers = await asyncio.gather(
        *(http.post("/oauth/token", data=CREDENTIALS, auth=facility.auth) for _ in range(20))
    )
    assert {answer.status_code for answer in answers} == {200}
    assert len({claims_of(answer.json()["access_token"])["gid"] for answer in answers}) == 20


async def test_introspection_tells_for_whom_and_by_whom(http, facility, sessions, ring, settings):
    from auth.tokens.signed import access_token

    child = uuid.uuid4()
    grant = TokenGrant(
        client_id=facility.client_id,
        citizen_id=BLUE,
        patient_id=child,
        scope="record:labs:read",
        created_at=utc_now(),
        expires_at=utc_now() + timedelta(minutes=5),
    )
    async with sessions(expire_on_commit=False) as session:
        session.add(grant)
        await session.commit()
    token = access_token(ring.signing, settings, grant, scope=grant.scope, now=utc_now(), life=timedelta(minutes=5))
    told = (await http.post("/oauth/introspect", data={"token": token}, auth=facility.auth)).json()
    assert (told["active"], told["sub"], told["act"]) == (True, str(child), {"sub": str(BLUE)})
    assert REDIRECT not in str(told)
