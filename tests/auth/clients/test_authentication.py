"""Secrets and signed assertions, and the one answer to everything else."""

import base64
import json
import time
import uuid

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa

from auth.clients.authentication import ASSERTION_TYPE
from auth.clients.registration import register
from tests.auth.conftest import FACILITY_ORGANIZATION
from tests.auth.flows import ISSUER, suspend

FORM = {"grant_type": "client_credentials"}
P256, P384 = ec.generate_private_key(ec.SECP256R1()), ec.generate_private_key(ec.SECP384R1())
RSA = rsa.generate_private_key(65537, 2048)
KEYS = {"ES256": P256, "ES384": P384, "RS384": RSA}


def public_jwk(algorithm, key):
    to_jwk = jwt.get_algorithm_by_name(algorithm).to_jwk
    return {**json.loads(to_jwk(key.public_key())), "kid": algorithm}


@pytest.fixture
async def signer(sessions):
    """The id of a facility client with one key of each kind."""
    async with sessions() as session:
        registered = await register(
            session,
            name="Bệnh viện Vàng",
            kind="facility",
            auth_method="private_key_jwt",
            grant_types=["client_credentials"],
            scope="record:submit",
            organization_id=FACILITY_ORGANIZATION,
            jwks={"keys": [public_jwk(algorithm, key) for algorithm, key in KEYS.items()]},
        )
        await session.commit()
    return registered.client_id


def assertion(client_id, algorithm="ES256", key=None, headers=None, **changes):
    now = int(time.time())
    claims = {"iss": client_id, "sub": client_id, "aud": f"{ISSUER}/oauth/token", "exp": now + 60, "iat": now}
    claims = {
        name: value for name, value in (claims | {"jti": uuid.uuid4().hex} | changes).items() if value is not None
    }
    return jwt.encode(claims, key or KEYS[algorithm], algorithm, headers={"kid": algorithm} | (headers or {}))


def signed(text):
    return {**FORM, "client_assertion_type": ASSERTION_TYPE, "client_assertion": text}


@pytest.mark.parametrize("algorithm", KEYS)
async def test_accepts_each_algorithm_with_its_key(http, signer, algorithm):
    assert (await http.post("/oauth/token", data=signed(assertion(signer, algorithm)))).status_code == 200


async def test_accepts_the_issuer_as_audience_and_a_matching_client_id(http, signer):
    form = {**signed(assertion(signer, aud=ISSUER)), "client_id": signer}
    assert (await http.post("/oauth/token", data=form)).status_code == 200


async def test_an_assertion_works_once(http, signer):
    """Abuse 20."""
    form = signed(assertion(signer))
    assert [(await http.post("/oauth/token", data=form)).status_code for _ in range(2)] == [200, 401]


@pytest.mark.parametrize(
    "changes",
    [
        {"exp": int(time.time()) - 60},
        {"exp": int(time.time()) + 3600},
        {"exp": 10**30},
        {"exp": None},
        {"exp": "soon"},
        {"exp": float("inf")},
        {"jti": None},
        {"jti": ""},
        {"jti": "x" * 300},
        {"jti": 5},
        {"aud": "https://elsewhere.example/token"},
        {"aud": None},
        {"iss": "somebody-else"},
        {"iss": None},
        {"sub": "nobody-known"},
        {"sub": 7},
        {"sub": "a\x00b"},
        {"sub": None},
        {"nbf": int(time.time()) + 86_400},
    ],
)
async def test_refuses_an_assertion_with_wrong_claims(http, signer, changes):
    try:
        text = assertion(signer, **changes)
    except TypeError:
        body = {"iss": signer, "sub": signer, "aud": ISSUER, "exp": 2**31, "jti": "x", **changes}
        text = jwt.api_jws.encode(str(body).replace("'", '"').encode(), P256, "ES256", headers={"kid": "ES256"})
    answer = await http.post("/oauth/token", data=signed(text))
    assert (answer.status_code, answer.json().get("error")) == (401, "invalid_client")


async def test_refuses_wrong_keys_and_algorithms(http, signer):
    stranger = ec.generate_private_key(ec.SECP256R1())
    forged = [
        assertion(signer, key=stranger),
        assertion(signer, key=stranger, headers={"kid": "unknown"}),
        assertion(signer, key=stranger, headers={"jwk": public_jwk("ES256", stranger)}),
        assertion(signer, "ES256", headers={"kid": "ES384"}),
        jwt.encode({"iss": signer, "sub": signer}, None, "none", headers={"kid": "ES256"}),
        jwt.encode({"iss": signer, "sub": signer}, b"k" * 32, "HS256", headers={"kid": "ES256"}),
        base64.urlsafe_b64encode(b'{"alg":"ES256","kid":["ES256"]}').decode().rstrip("=") + ".e30.x",
        "a.b.c",
        "x",
    ]
    for text in forged:
        answer = await http.post("/oauth/token", data=signed(text))
        assert (answer.status_code, answer.json().get("error")) == (401, "invalid_client")


async def test_refuses_a_bottomless_assertion(http, signer):
    deep = base64.urlsafe_b64encode(b"[" * 6000).rstrip(b"=").decode()
    answer = await http.post("/oauth/token", data=signed(f"{deep}.e30.x"))
    assert answer.status_code == 401


async def test_a_client_with_keys_has_no_other_way(http, signer):
    for proof in ({"auth": (signer, "x" * 43)}, {}):
        answer = await http.post("/oauth/token", data={**FORM, "client_id": signer}, **proof)
        assert answer.status_code == 401


async def test_every_failure_is_the_same_answer(http, facility, sessions):
    wrong_secret = await http.post("/oauth/token", data=FORM, auth=(facility.client_id, "wrong"))
    unknown = await http.post("/oauth/token", data=FORM, auth=("nobody", facility.secret))
    garbage = await http.post("/oauth/token", data=FORM, headers={"authorization": "Basic !!!"})
    no_secret = await http.post("/oauth/token", data={**FORM, "client_id": facility.client_id})
    post = await http.post(
        "/oauth/token", data={**FORM, "client_id": facility.client_id, "client_secret": facility.secret}
    )
    await suspend(sessions, facility.client_id)
    suspended = await http.post("/oauth/token", data=FORM, auth=facility.auth)
    answers = [wrong_secret, unknown, garbage, no_secret, post, suspended]
    assert {(answer.status_code, answer.text, answer.headers["www-authenticate"]) for answer in answers} == {
        (
            401,
            '{"error":"invalid_client","error_description":"Client authentication failed."}',
            'Basic realm="healthbook"',
        )
    }


@pytest.mark.parametrize(
    "header",
    [
        "Basic",
        "Basic ",
        "Bearer x",
        "Basic Og==",
        "Basic " + base64.b64encode(b"\xff\xfe:x").decode(),
        "Basic YQBiOmM=",
    ],
)
async def test_a_malformed_header_is_a_failure_like_any_other(http, header):
    answer = await http.post("/oauth/token", data=FORM, headers={"authorization": header})
    assert (answer.status_code, answer.json().get("error")) == (401, "invalid_client")


async def test_two_ways_at_once_are_refused(http, facility, signer):
    forms = [
        {**FORM, "client_secret": "x"},
        signed(assertion(signer)),
    ]
    for form in forms:
        answer = await http.post("/oauth/token", data=form, auth=facility.auth)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_request")
    twice = [("authorization", "Basic YTpi"), ("authorization", "Basic YTpi")]
    assert (await http.post("/oauth/token", data=FORM, headers=twice)).status_code == 400


async def test_header_and_form_must_name_the_same_client(http, facility):
    answer = await http.post("/oauth/token", data={**FORM, "client_id": "another"}, auth=facility.auth)
    assert answer.status_code == 401


@pytest.mark.parametrize("path", ["/oauth/token", "/oauth/revoke"])
async def test_a_confidential_client_must_authenticate_wherever_public_ones_need_not(http, facility, path):
    form = {"grant_type": "refresh_token", "refresh_token": "x", "token": "x", "client_id": facility.client_id}
    answer = await http.post(path, data=form)
    assert (answer.status_code, answer.json().get("error")) == (401, "invalid_client")
