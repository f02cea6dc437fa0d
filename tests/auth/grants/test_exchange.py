"""Token exchange: a mother's token for her child, a clinician's token for the facility's own system."""

import asyncio
from datetime import timedelta
from uuid import UUID, uuid4

import jwt
import pytest
from sqlalchemy import delete, select, update
from sqlalchemy.ext.asyncio import async_sessionmaker

from auth.clients.profiles import CODE, EXCHANGE
from auth.clients.registration import register, register_facility
from auth.grants.exchange import acts_for
from auth.tables import OAuthClient, TokenGrant
from auth.tokens.signed import access_token
from domain.database import open_engine
from domain.organizations import Organization
from domain.patients import Citizen, PatientRedirect
from domain.practitioners import PractitionerRole
from domain.related_persons import RelatedPerson
from domain.values import utc_now
from tests.auth.conftest import BLUE, FACILITY_ORGANIZATION, GREEN
from tests.auth.tokens.test_bearer import JWK

CHILD, STRANGER = UUID("0190a000-0000-7000-8000-00000000c001"), UUID("0190a000-0000-7000-8000-00000000c002")
ACCESS = "urn:ietf:params:oauth:token-type:access_token"


def claims_of(token):
    return jwt.decode(token, options={"verify_signature": False})


async def add(sessions, *rows):
    async with sessions() as session:
        session.add_all(rows)
        await session.commit()


@pytest.fixture
async def mother(phone, sessions):
    """Blue, signed in, with a child whose book she looks after."""
    await add(sessions, Citizen(id=BLUE), Citizen(id=GREEN))
    await add(sessions, RelatedPerson(citizen_id=BLUE, patient_id=CHILD, kind="parent"))
    return phone


async def exchange(phone, token, **changes):
    form = {
        "grant_type": EXCHANGE,
        "client_id": phone.client_id,
        "subject_token": token,
        "subject_token_type": ACCESS,
        "requested_subject": str(CHILD),
    } | changes
    return await phone.http.post(
        "/oauth/token", data={name: value for name, value in form.items() if value is not None}
    )


async def grants(sessions):
    async with sessions() as session:
        rows = await session.scalars(select(TokenGrant).order_by(TokenGrant.created_at))
        return list(rows.all())


async def test_a_mother_gets_a_token_about_her_child(mother, sessions):
    own = (await mother.tokens())["access_token"]
    answer = await exchange(mother, own)
    told = answer.json()
    assert answer.status_code == 200, told
    assert told.keys() == {"access_token", "issued_token_type", "token_type", "expires_in", "scope"}
    assert (told["issued_token_type"], told["token_type"], told["scope"]) == (
        ACCESS,
        "Bearer",
        "record:labs:read record:vitals:read",
    )
    claims = claims_of(told["access_token"])
    assert (claims["sub"], claims["act"]) == (str(CHILD), {"sub": str(BLUE)})
    assert claims["acr"] == "demo"
    parent, child = await grants(sessions)
    assert (child.parent_id, child.citizen_id, child.patient_id) == (parent.id, BLUE, CHILD)
    assert claims["gid"] == str(child.id)
    assert child.expires_at <= min(parent.expires_at, utc_now() + timedelta(minutes=5))


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("record:labs:read", "record:labs:read"),
        ("openid record:vitals:read offline_access", "record:vitals:read"),
        ("record:labs:read record:imaging:read", "record:labs:read"),
    ],
)
async def test_scope_is_what_was_asked_had_and_of_the_record(mother, asked, granted):
    own = (await mother.tokens())["access_token"]
    assert (await exchange(mother, own, scope=asked)).json()["scope"] == granted


@pytest.mark.parametrize("asked", ["openid", "record:imaging:read", "record:submit", "consent:manage"])
async def test_no_scope_that_was_not_had(mother, asked):
    own = (await mother.tokens(scope="openid record:labs:read"))["access_token"]
    answer = await exchange(mother, own, scope=asked)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_scope")


async def test_a_token_narrowed_by_a_refresh_is_exchanged_for_no_more(mother):
    tokens = await mother.tokens()
    narrow = (await mother.refresh(tokens["refresh_token"], scope="record:labs:read")).json()["access_token"]
    assert (await exchange(mother, narrow)).json()["scope"] == "record:labs:read"


@pytest.mark.parametrize(
    "subject", [str(STRANGER), str(BLUE), None, "", "x", "a'b", "urn:uuid:" + str(STRANGER), "%00", "1" * 1000]
)
async def test_nobody_else_s_book_and_no_hint_whether_it_exists(mother, subject):
    own = (await mother.tokens())["access_token"]
    answer = await exchange(mother, own, requested_subject=subject)
    assert (answer.status_code, answer.json()) == (
        400,
        {"error": "invalid_request", "error_description": "The requested_subject is nobody you act for."},
    )


@pytest.mark.parametrize(
    "change",
    [
        {"revoked_at": utc_now(), "revoked_by": BLUE},
        {"valid_until": utc_now() - timedelta(seconds=1), "valid_from": utc_now() - timedelta(days=1)},
        {"valid_from": utc_now() + timedelta(days=1)},
        {"citizen_id": GREEN},
    ],
)
async def test_37_a_right_that_ended_is_none(mother, sessions, change):
    """Abuse case 37: after a divorce or the birthday there is no token about the child any more."""
    own = (await mother.tokens())["access_token"]
    async with sessions() as session:
        await session.execute(update(RelatedPerson).values(change))
        await session.commit()
    assert (await exchange(mother, own)).json()["error"] == "invalid_request"


async def test_a_merged_child_is_found_by_either_id(mother, sessions):
    kept = uuid4()
    await add(sessions, PatientRedirect(old_id=CHILD, patient_id=kept))
    own = (await mother.tokens())["access_token"]
    for asked in (CHILD, kept):
        told = (await exchange(mother, own, requested_subject=str(asked))).json()
        assert claims_of(told["access_token"])["sub"] == str(kept)


@pytest.mark.parametrize(
    ("changes", "error"),
    [
        ({"subject_token": None}, "invalid_request"),
        ({"subject_token": "x"}, "invalid_request"),
        ({"subject_token": "a.b.c"}, "invalid_request"),
        ({"subject_token": "x" * 9000}, "invalid_request"),
        ({"subject_token_type": None}, "invalid_request"),
        ({"subject_token_type": "urn:ietf:params:oauth:token-type:id_token"}, "invalid_request"),
        ({"requested_token_type": "urn:ietf:params:oauth:token-type:refresh_token"}, "invalid_request"),
        ({"actor_token": "x", "actor_token_type": ACCESS}, "invalid_request"),
        ({"audience": "https://elsewhere.example"}, "invalid_target"),
        ({"resource": "http://169.254.169.254/"}, "invalid_target"),
        ({"client_id": "unknown"}, "invalid_client"),
    ],
)
async def test_incomplete_exchanges_get_the_code_of_the_rfc(mother, changes, error):
    own = (await mother.tokens())["access_token"]
    answer = await exchange(mother, own, **changes)
    assert answer.json()["error"] == error
    assert answer.status_code == (401 if error == "invalid_client" else 400)


async def test_the_api_may_be_named_as_the_target(mother, settings):
    own = (await mother.tokens())["access_token"]
    answer = await exchange(mother, own, audience=settings.audience, resource=settings.audience)
    assert answer.status_code == 200


async def test_only_access_tokens_of_a_sign_in_are_exchanged(mother, facility):
    tokens = await mother.tokens()
    own = (await exchange(mother, tokens["access_token"])).json()["access_token"]
    machine = await mother.http.post("/oauth/token", data={"grant_type": "client_credentials"}, auth=facility.auth)
    for token in (tokens["id_token"], tokens["refresh_token"], own, machine.json()["access_token"]):
        assert (await exchange(mother, token)).json()["error"] == "invalid_request"


async def test_another_client_s_token_is_not_exchanged(mother, sessions):
    app = {"kind": "first_party", "auth_method": "none", "grant_types": [CODE, EXCHANGE], "requires_dpop": False}
    async with sessions() as session:
        await register(
            session, client_id="other", name="Khác", scope="openid record:labs:read", redirect_uris=["vn.a.b:/c"], **app
        )
        await session.commit()
    own = (await mother.tokens())["access_token"]
    assert (await exchange(mother, own, client_id="other")).json()["error"] == "invalid_request"


async def test_a_third_party_may_not_exchange(mother, sessions):
    async with sessions() as session:
        await session.execute(update(OAuthClient).values(grant_types=["authorization_code"]))
        await session.commit()
    own = (await mother.tokens())["access_token"]
    assert (await exchange(mother, own)).json()["error"] == "unauthorized_client"


async def test_a_dead_token_is_not_exchanged(mother, sessions, ring, settings):
    tokens = await mother.tokens()
    (grant,) = await grants(sessions)
    earlier = utc_now() - timedelta(minutes=6)
    expired = access_token(
        ring.signing, settings, grant, scope="record:labs:read", now=earlier, life=timedelta(minutes=5)
    )
    assert (await exchange(mother, expired)).json()["error"] == "invalid_request"
    await mother.http.post("/oauth/revoke", data={"token": tokens["refresh_token"], "client_id": mother.client_id})
    assert (await exchange(mother, tokens["access_token"])).json()["error"] == "invalid_request"


async def test_a_new_token_lives_no_longer_than_the_old_grant(mother, sessions):
    own = (await mother.tokens())["access_token"]
    soon = utc_now() + timedelta(seconds=90)
    async with sessions() as session:
        await session.execute(update(TokenGrant).values(expires_at=soon))
        await session.commit()
    told = (await exchange(mother, own)).json()
    assert 0 < told["expires_in"] <= 90
    assert (await grants(sessions))[-1].expires_at == soon


@pytest.mark.parametrize("how", ["revoke", "refresh reuse", "code replay"])
async def test_what_ends_a_sign_in_ends_what_was_exchanged_for_it(mother, sessions, how):
    code = await mother.code()
    tokens = (await mother.redeem(code)).json()
    await exchange(mother, tokens["access_token"])
    if how == "revoke":
        await mother.http.post("/oauth/revoke", data={"token": tokens["access_token"], "client_id": mother.client_id})
    elif how == "code replay":
        await mother.redeem(code)
    else:
        await mother.refresh(tokens["refresh_token"])
        await mother.refresh(tokens["refresh_token"])
    parent, child = await grants(sessions)
    assert parent.revoked_at is not None
    assert (child.revoked_at, child.revoke_reason) == (parent.revoked_at, parent.revoke_reason)


async def test_revoking_an_exchanged_token_leaves_the_sign_in(mother, sessions):
    tokens = await mother.tokens()
    child = (await exchange(mother, tokens["access_token"])).json()["access_token"]
    await mother.http.post("/oauth/revoke", data={"token": child, "client_id": mother.client_id})
    assert [grant.revoked_at is None for grant in await grants(sessions)] == [True, False]


async def test_39_an_exchange_that_races_a_revocation_leaves_nothing_alive(mother, sessions):
    """Abuse case 39: whichever comes first, no exchanged grant outlives the revocation."""
    for _ in range(10):
        tokens = await mother.tokens()
        revoke = {"token": tokens["access_token"], "client_id": mother.client_id}
        await asyncio.gather(
            *(exchange(mother, tokens["access_token"]) for _ in range(3)),
            mother.http.post("/oauth/revoke", data=revoke),
        )
        assert all(grant.revoked_at is not None for grant in await grants(sessions))


@pytest.fixture
async def ward(sessions, ring, settings, facility):
    """A doctor's token from the clinicians' app of the facility."""
    async with sessions() as session:
        session.add(Organization(id=FACILITY_ORGANIZATION, code="01001"))
        session.add(Citizen(id=GREEN))
        await session.flush()
        session.add(
            PractitionerRole(
                citizen_id=GREEN, organization_id=FACILITY_ORGANIZATION, role="doctor", display_name="BS. Lục"
            )
        )
        await register(
            session,
            client_id="ward",
            name="Khoa Nội",
            kind="clinician",
            auth_method="private_key_jwt",
            grant_types=[CODE],
            scope="openid record:labs:read record:vitals:read",
            redirect_uris=["https://ward.example.vn/cb"],
            organization_id=FACILITY_ORGANIZATION,
            jwks={"keys": [JWK]},
        )
        await session.commit()
        now = utc_now()
        grant = TokenGrant(
            client_id="ward",
            citizen_id=GREEN,
            scope="openid record:labs:read record:vitals:read",
            acr="2",
            auth_time=now,
            created_at=now,
            expires_at=now + timedelta(hours=8),
        )
        session.add(grant)
        await session.commit()
        await session.refresh(grant)
        return access_token(ring.signing, settings, grant, scope=grant.scope, now=now, life=timedelta(minutes=5))


async def hand_over(http, auth, token, **changes):
    form = {"grant_type": EXCHANGE, "subject_token": token, "subject_token_type": ACCESS} | changes
    return await http.post("/oauth/token", data=form, auth=auth)


async def test_a_facility_s_system_works_for_its_own_clinician(http, facility, ward, sessions):
    answer = await hand_over(http, facility.auth, ward)
    told = answer.json()
    assert answer.status_code == 200, told
    claims = claims_of(told["access_token"])
    assert (claims["sub"], claims["act"]) == (str(GREEN), {"sub": facility.client_id})
    assert claims["client_id"] == facility.client_id
    assert told["scope"] == "record:labs:read"
    assert "refresh_token" not in told
    child = (await grants(sessions))[-1]
    assert (child.citizen_id, child.patient_id, child.client_id) == (GREEN, None, facility.client_id)


async def test_a_system_does_not_choose_a_patient(http, facility, ward):
    answer = await hand_over(http, facility.auth, ward, requested_subject=str(CHILD))
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_another_facility_s_system_gets_nothing(http, ward, sessions):
    async with sessions() as session:
        made = await register_facility(session, name="Khác", organization_id=uuid4(), scope="record:labs:read")
        await session.commit()
    answer = await hand_over(http, (made.client_id, made.secret), ward)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_a_system_gets_nothing_for_a_citizen_s_token(mother, facility):
    own = (await mother.tokens())["access_token"]
    for changes in ({}, {"requested_subject": str(CHILD)}):
        answer = await hand_over(mother.http, facility.auth, own, **changes)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")


async def test_nothing_for_a_clinician_who_left(http, facility, ward, sessions):
    async with sessions() as session:
        await session.execute(delete(PractitionerRole))
        await session.commit()
    assert (await hand_over(http, facility.auth, ward)).json()["error"] == "invalid_grant"


async def test_nothing_for_a_token_of_a_suspended_app(http, facility, ward, sessions):
    async with sessions() as session:
        await session.execute(update(OAuthClient).where(OAuthClient.client_id == "ward").values(status="suspended"))
        await session.commit()
    assert (await hand_over(http, facility.auth, ward)).json()["error"] == "invalid_request"


async def test_a_bound_token_is_exchanged_only_with_its_key(mother, sessions):
    own = (await mother.tokens())["access_token"]
    async with sessions() as session:
        await session.execute(update(TokenGrant).values(jkt="k" * 43))
        await session.commit()
    assert (await exchange(mother, own)).json()["error"] == "invalid_request"


async def test_the_server_s_own_role_may_look_the_right_up(database):
    """On migrated tables, as the login of the authorization server: what is asked is what was granted."""
    owner, server = open_engine(database.owner), open_engine(database.auth)
    try:
        await add(async_sessionmaker(owner), Citizen(id=BLUE))
        await add(async_sessionmaker(owner), RelatedPerson(citizen_id=BLUE, patient_id=CHILD, kind="parent"))
        async with async_sessionmaker(server)() as session:
            later = utc_now() + timedelta(seconds=1)
            assert await session.run_sync(lambda db: acts_for(db, BLUE, CHILD, later)) == CHILD
            assert await session.run_sync(lambda db: acts_for(db, GREEN, CHILD, later)) is None
    finally:
        await owner.dispose()
        await server.dispose()
