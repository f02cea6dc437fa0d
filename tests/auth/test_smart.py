"""SMART scope names as aliases, the patient in the token answer, and the configuration that SMART clients read."""

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import update

from api.app import smart_aliases
from auth import smart
from auth.smart import NothingAllowed
from auth.tables import OAuthClient
from domain.sections import SECTIONS
from tests.auth.conftest import BLUE_PATIENT, GREEN
from tests.auth.flows import ALIASES, ISSUER, OBSERVATION, RECORD_SCOPES, Phone, query_of
from tests.auth.grants.test_grant_types import claims_of
from tests.auth.server.test_pushed_requests import decide, pushed

LABS, VITALS = RECORD_SCOPES
LAB_ALIAS, VITAL_ALIAS = f"{OBSERVATION}|laboratory", f"{OBSERVATION}|vital-signs"
REAL = smart_aliases()


def names(token):
    return token["scope"].split(" ")


@pytest.mark.parametrize(
    ("asked", "granted"),
    [
        ("patient/Observation.rs", [LABS, VITALS]),
        ("patient/Observation.read", [LABS, VITALS]),
        ("patient/*.rs", [LABS, VITALS]),
        ("patient/*.read", [LABS, VITALS]),
        (LAB_ALIAS, [LABS]),
    ],
)
async def test_an_alias_opens_its_sections_and_is_told_back(phone, verifier, asked, granted):
    token = await phone.tokens(scope=f"openid {asked}")
    assert names(token) == ["openid", *granted, asked]
    assert verifier.verify(token["access_token"]).scopes == {"openid", *granted}


async def test_the_consent_page_shows_each_section_of_a_wildcard(phone):
    await phone.sign_in()
    page = await phone.authorize(scope="openid patient/*.rs")
    for words in RECORD_SCOPES.values():
        assert words["vi"] in page.text
    assert "patient/*" not in page.text.split("<form")[0]


async def test_of_a_wildcard_half_granted_the_narrower_name_is_told(phone):
    await phone.sign_in()
    answer = await phone.decide(ticked=[LABS], scope="openid offline_access patient/*.rs")
    token = (await phone.redeem(query_of(answer)["code"])).json()
    assert names(token) == ["openid", "offline_access", LABS, LAB_ALIAS]
    refreshed = (await phone.refresh(token["refresh_token"])).json()
    assert names(refreshed) == names(token)


async def test_v1_names_are_never_told_wider_than_granted(phone):
    await phone.sign_in()
    answer = await phone.decide(ticked=[LABS], scope="openid patient/Observation.read")
    token = (await phone.redeem(query_of(answer)["code"])).json()
    assert names(token) == ["openid", LABS]


@pytest.mark.parametrize(
    "scope",
    [
        "patient/Observation.rs?category=social-history",
        "patient/Observation.rs?category=laboratory",
        f"{LAB_ALIAS}&date=gt2020",
        f"{OBSERVATION}|survey",
        "patient/Observation.rs?_sort=date",
        "patient/Observation.cruds",
        "patient/Observation.write",
        "patient/Observation.*",
        "patient/Unknown.rs",
        "patient/*.cruds",
        "patient/*.*",
        "user/Observation.rs",
        "user/*.read",
        "system/*.rs",
        "launch",
    ],
)
async def test_an_unknown_name_or_parameter_is_refused_never_widened(phone, scope):
    await phone.sign_in()
    for asked in (f"openid {scope}", f"openid {LABS} {scope}"):
        told = query_of(await phone.authorize(scope=asked))
        assert (told["error"], told["state"]) == ("invalid_scope", "s-123")


async def test_a_wildcard_opens_no_more_than_the_client_may_have(phone, sessions):
    async with sessions() as session:
        await session.execute(update(OAuthClient).values(scope=f"openid {LABS}"))
        await session.commit()
    await phone.sign_in()
    answer = await phone.decide(scope="openid patient/*.rs")
    assert names((await phone.redeem(query_of(answer)["code"])).json()) == ["openid", LABS, LAB_ALIAS]
    assert query_of(await phone.authorize(scope=f"openid {VITAL_ALIAS}"))["error"] == "invalid_scope"


async def test_aliases_work_in_pushed_requests(phone):
    query = await pushed(phone, scope="openid patient/*.read")
    await phone.sign_in()
    code = query_of(await decide(phone, query))["code"]
    assert names((await phone.redeem(code)).json()) == ["openid", LABS, VITALS, "patient/*.read"]


async def test_a_refresh_may_narrow_by_alias_and_never_widens(phone):
    tokens = await phone.tokens(scope=f"openid offline_access {LABS}")
    narrow = (await phone.refresh(tokens["refresh_token"], scope="patient/Observation.rs")).json()
    assert names(narrow) == [LABS, LAB_ALIAS]
    wide = await phone.refresh(narrow["refresh_token"], scope=VITAL_ALIAS)
    assert wide.json()["error"] == "invalid_scope"
    assert (await phone.refresh(narrow["refresh_token"])).status_code == 200


@pytest.mark.parametrize("scope", ["openid launch/patient", "patient/*.rs", f"launch/patient {LABS}"])
async def test_the_answer_names_the_patient(phone, scope):
    """What fhirclient looks for, on code and refresh alike."""
    tokens = await phone.tokens(scope=f"{scope} offline_access")
    assert tokens["patient"] == str(BLUE_PATIENT)
    assert (await phone.refresh(tokens["refresh_token"])).json()["patient"] == str(BLUE_PATIENT)


async def test_no_patient_where_none_was_asked_for(phone):
    assert "patient" not in await phone.tokens(scope=f"openid {LABS}")


async def test_a_citizen_without_a_record_has_no_patient(phone, http):
    other = Phone(http, GREEN)
    tokens = await other.tokens(scope="openid fhirUser launch/patient")
    assert "patient" not in tokens
    assert claims_of(tokens["id_token"])["fhirUser"] == f"{ISSUER}/fhir/Person/{GREEN}"


async def test_the_id_token_names_the_fhir_user_where_asked(phone):
    tokens = await phone.tokens(scope="openid fhirUser")
    assert claims_of(tokens["id_token"])["fhirUser"] == f"{ISSUER}/fhir/Patient/{BLUE_PATIENT}"
    assert "fhirUser" not in claims_of((await phone.tokens(scope="openid"))["id_token"])


@pytest.mark.parametrize("aud", [f"{ISSUER}/fhir", f"{ISSUER}/fhir/", f"{ISSUER}/graphql"])
async def test_aud_may_be_the_fhir_base_or_our_audience(phone, aud):
    await phone.sign_in()
    assert (await phone.authorize(aud=aud)).status_code == 200


@pytest.mark.parametrize("aud", ["https://evil.example/fhir", f"{ISSUER}/fhir/x", f"{ISSUER}.evil.example/fhir", "x"])
async def test_any_other_aud_is_an_invalid_request(phone, aud):
    """SMART App Launch 2.1.8: a token must not be got for a server that a client was lured to."""
    await phone.sign_in()
    told = query_of(await phone.authorize(aud=aud))
    assert (told["error"], told["iss"]) == ("invalid_request", ISSUER)


@pytest.mark.parametrize("path", ["/fhir/.well-known/smart-configuration", "/.well-known/smart-configuration"])
async def test_the_configuration_is_where_smart_clients_look(http, path):
    told = (await http.get(path)).json()
    assert told["issuer"] == ISSUER
    assert (told["authorization_endpoint"], told["token_endpoint"]) == (
        f"{ISSUER}/oauth/authorize",
        f"{ISSUER}/oauth/token",
    )
    assert told["code_challenge_methods_supported"] == ["S256"]
    assert {"launch-standalone", "client-public", "permission-v1", "permission-v2"} <= set(told["capabilities"])
    assert {"patient/*.rs", "patient/Observation.read", "openid", "launch/patient"} <= set(told["scopes_supported"])


def test_the_wildcards_are_all_sections():
    every = {section.scope for section in SECTIONS}
    assert set(REAL["patient/*.rs"]) == set(REAL["patient/*.read"]) == every


def test_each_sections_own_name_opens_it_alone():
    for section in SECTIONS:
        for name in section.smart:
            assert "?" not in name or REAL[name] == [section.scope]
            assert section.scope in REAL[name]


def test_a_resource_without_category_is_all_its_sections():
    assert set(REAL["patient/Observation.rs"]) == {
        "record:labs:read",
        "record:vitals:read",
        "record:social_history:read",
    }


known = st.sampled_from(sorted(REAL))


@given(asked=st.lists(known | st.sampled_from(["openid", "x"]), max_size=6), data=st.data())
def test_translation_never_opens_what_is_not_allowed_or_not_asked(asked, data):
    allowed = data.draw(st.sets(st.sampled_from([section.scope for section in SECTIONS])))
    try:
        told = smart.translate(asked, REAL, allowed)
    except NothingAllowed:
        assert any(name in REAL and not set(REAL[name]) & allowed for name in asked)
        return
    meant = {scope for name in asked if name in REAL for scope in REAL[name]}
    assert set(told.names) - {"openid", "x"} == meant & allowed
    assert set(told.aliases) == set(asked) & REAL.keys()


@given(granted=st.sets(st.sampled_from([section.scope for section in SECTIONS])), asked=st.lists(known, max_size=4))
def test_what_is_told_back_was_granted_and_asked_for(granted, asked):
    meant = {scope for name in asked for scope in REAL[name]}
    for name in smart.granted_aliases(granted, asked, REAL):
        assert set(REAL[name]) <= granted & meant


def test_aliases_of_the_tests_are_made_like_the_real_ones():
    assert ALIASES["patient/*.rs"] == [LABS, VITALS]
