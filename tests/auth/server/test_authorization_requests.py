"""How fresh and strong a sign-in an app may ask for, and that `iss` is in every answer (abuse case 11)."""

from datetime import timedelta

import pytest
from sqlalchemy import update

from auth.grants.grant_types import Approval
from auth.provider import Provider
from auth.requests import OAuthRequest
from auth.scopes import OWN
from auth.server import authorization_server
from auth.server.authorization_requests import is_strong_enough, needs_sign_in
from auth.settings import AuthSettings
from auth.signing.keys import KeyStore
from auth.tables import WebSession
from auth.web_sessions import SignedIn
from domain.values import utc_now
from tests.auth.conftest import BLUE
from tests.auth.flows import ISSUER, RECORD_SCOPES, hidden, query_of

WEAK, STRONG = "urn:healthbook:acr:1", "urn:healthbook:acr:2"
REAL = AuthSettings(issuer=ISSUER, audience=f"{ISSUER}/graphql", kek=bytes(32))
NOW = utc_now()


async def became(sessions, **values):
    async with sessions() as session:
        await session.execute(update(WebSession).values(**values))
        await session.commit()


def asked(**parameters):
    return OAuthRequest.of("GET", ISSUER, list(parameters.items()))


def signed_in(acr=WEAK, age=timedelta()):
    return SignedIn(BLUE, acr, NOW - age)


async def test_in_the_demo_its_sign_in_satisfies_any_level(phone):
    await phone.sign_in()
    assert (await phone.authorize(acr_values=STRONG)).status_code == 200


async def test_a_weaker_session_leads_to_sign_in_which_is_told_the_level(phone, sessions):
    """RFC 9470: step-up."""
    await phone.sign_in()
    await became(sessions, acr=WEAK)
    assert (await phone.authorize(acr_values=f"{WEAK} {STRONG}")).status_code == 200
    there = await phone.authorize(acr_values=STRONG)
    assert there.headers["location"].startswith("/login?")
    assert query_of(there)["acr"] == "2"


async def test_no_code_for_a_weaker_session_than_asked_whatever_is_posted(phone, sessions):
    """Abuse case 6: the request is judged again when the form comes back."""
    await phone.sign_in()
    page = await phone.authorize(acr_values=STRONG)
    await became(sessions, acr=WEAK)
    form = {"form_token": hidden(page, "form_token"), "decision": "allow", "scope": list(RECORD_SCOPES)}
    answer = await phone.http.post("/oauth/consent", params=phone.asks(acr_values=STRONG), data=form)
    if answer.headers.get("location", "").startswith("/login?"):
        return
    told = query_of(answer)
    assert (told["error"], told["iss"]) == ("unmet_authentication_requirements", ISSUER)


async def test_the_server_itself_gives_no_code_to_a_weaker_sign_in(phone, settings, sessions, citizens):
    """Whatever a page before it let through."""
    provider = Provider(settings, sessions, KeyStore(sessions, settings.kek), citizens, {**OWN, **RECORD_SCOPES})
    approval = Approval(BLUE, WEAK, utc_now(), frozenset(RECORD_SCOPES))

    def decided(server, request):
        grant = server.get_consent_grant(request)
        return server.create_authorization_response(request, grant_user=approval, grant=grant)

    for acr_values, answer in ((WEAK, "code="), (STRONG, "error=unmet_authentication_requirements")):
        request = asked(**phone.asks(acr_values=acr_values))
        assert answer in (await authorization_server.answer(provider, request, decided)).location


async def test_unknown_levels_are_an_error_to_the_client(phone):
    await phone.sign_in()
    told = query_of(await phone.authorize(acr_values="urn:example:gold"))
    assert (told["error"], told["state"], told["iss"]) == ("unmet_authentication_requirements", "s-123", ISSUER)


@pytest.mark.parametrize(
    ("acr", "acr_values", "enough"),
    [
        (WEAK, None, True),
        (WEAK, WEAK, True),
        (WEAK, STRONG, False),
        (STRONG, WEAK, True),
        (STRONG, STRONG, True),
        ("demo", WEAK, False),
        ("unheard-of", WEAK, False),
    ],
)
def test_strength_outside_the_demo(acr, acr_values, enough):
    request = asked(acr_values=acr_values) if acr_values else asked()
    assert is_strong_enough(REAL, request, acr) is enough


@pytest.mark.parametrize(
    ("parameters", "who", "needed"),
    [
        ({}, None, True),
        ({}, signed_in(), False),
        ({"prompt": "login"}, signed_in(), True),
        ({"prompt": "consent"}, signed_in(), False),
        ({"prompt": "consent select_account"}, signed_in(), True),
        ({"max_age": "60"}, signed_in(age=timedelta(seconds=59)), False),
        ({"max_age": "60"}, signed_in(age=timedelta(seconds=61)), True),
        ({"max_age": "0"}, signed_in(age=timedelta(seconds=1)), True),
        ({"acr_values": STRONG}, signed_in(), True),
        ({"acr_values": STRONG, "max_age": "60"}, signed_in(STRONG), False),
    ],
)
def test_when_a_sign_in_is_needed(parameters, who, needed):
    assert needs_sign_in(REAL, asked(**parameters), who, NOW) is needed


@pytest.mark.parametrize(
    "changes",
    [{"scope": "nonsense"}, {"prompt": "none"}, {"code_challenge": None}, {"aud": "x"}, {"response_type": "token"}],
)
async def test_iss_is_in_every_error(phone, changes):
    assert query_of(await phone.authorize(**changes))["iss"] == ISSUER


@pytest.mark.parametrize("decision", ["allow", "deny"])
async def test_iss_is_in_every_answer(phone, decision):
    await phone.sign_in()
    assert query_of(await phone.decide(decision))["iss"] == ISSUER
