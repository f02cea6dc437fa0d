"""What the API accepts as a caller, and everything it must not."""

import asyncio
import base64
import hmac
import json
import time
from dataclasses import replace
from uuid import UUID, uuid4

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from hypothesis import given
from hypothesis import strategies as st

from auth.settings import AuthSettings
from auth.signing import keys
from auth.tokens import bearer
from auth.tokens.bearer import InvalidToken, Offered, UnknownKey, Verifier, offered_token
from domain.values import utc_now
from tests.auth.conftest import BLUE
from tests.auth.flows import ISSUER

KEY = ec.generate_private_key(ec.SECP256R1())
JWK = {**json.loads(jwt.get_algorithm_by_name("ES256").to_jwk(KEY.public_key())), "kid": "k1"}
HEADER = {"typ": "at+jwt", "kid": "k1"}


def claims(**changes):
    now = int(time.time())
    all_claims = {
        "iss": ISSUER,
        "aud": f"{ISSUER}/graphql",
        "sub": str(BLUE),
        "client_id": "healthbook-phone",
        "gid": "7d8f4f0e-5b5e-4c39-9d43-0e6a3b8f1c11",
        "scope": "openid record:labs:read",
        "jti": "j",
        "iat": now,
        "exp": now + 300,
    }
    return {name: value for name, value in (all_claims | changes).items() if value is not None}


def token(*, key=KEY, algorithm="ES256", header=HEADER, **changes):
    return jwt.encode(claims(**changes), key, algorithm, headers=header)


def our_signature(signing_input):
    return jwt.get_algorithm_by_name("ES256").sign(signing_input, KEY)


def by_hand(header, payload, sign=our_signature):
    """A token that no library would make."""
    signing_input = b".".join(base64.urlsafe_b64encode(part).rstrip(b"=") for part in (header, payload))
    signature = sign(signing_input)
    return (signing_input + b"." + base64.urlsafe_b64encode(signature).rstrip(b"=")).decode()


@pytest.fixture
def offline(settings):
    """A verifier that knows one key and cannot reach a database."""
    verifier = Verifier(settings, None)
    verifier.use_keys({"k1": JWK})
    return verifier


def test_names_grant_client_citizen_and_scopes(offline):
    caller = offline.verify(token())
    assert caller.grant_id == UUID("7d8f4f0e-5b5e-4c39-9d43-0e6a3b8f1c11")
    assert (caller.client_id, caller.subject) == ("healthbook-phone", BLUE)
    assert caller.scopes == {"openid", "record:labs:read"}


def test_a_client_on_its_own_behalf_has_no_subject(offline):
    assert offline.verify(token(sub="f-1", client_id="f-1")).subject is None


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://elsewhere.example"},
        {"aud": "https://other.example/api"},
        {"aud": [f"{ISSUER}/graphql2"]},
        {"exp": int(time.time()) - 60},
        {"iat": int(time.time()) + 86_400},
        {"gid": "not-a-uuid"},
        {"gid": 5},
        {"sub": "not-a-uuid"},
        {"scope": ["record:labs:read"]},
        *({name: None} for name in claims()),
    ],
)
def test_refuses_wrong_or_missing_claims(offline, changes):
    with pytest.raises(InvalidToken) as refused:
        offline.verify(token(**changes))
    assert (refused.value.error, refused.value.status) == ("invalid_token", 401)


@pytest.mark.parametrize("typ", [None, "", "JWT", "jwt", "AT+JWT", "application/at+jwt", "at+jwt "])
def test_refuses_any_other_type(offline, typ):
    with pytest.raises(InvalidToken):
        offline.verify(token(header={"kid": "k1", "typ": typ}))


async def test_refuses_an_id_token(phone, verifier):
    """Abuse 19."""
    with pytest.raises(InvalidToken):
        verifier.verify((await phone.tokens())["id_token"])


def test_refuses_no_signature_and_a_signature_with_the_public_key(offline):
    """Abuse 16."""
    public = KEY.public_key().public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo)
    payload = json.dumps(claims()).encode()
    forged = [
        token(key=None, algorithm="none"),
        by_hand(
            b'{"alg":"HS256","typ":"at+jwt","kid":"k1"}', payload, lambda text: hmac.digest(public, text, "sha256")
        ),
        token(key=ec.generate_private_key(ec.SECP256R1())),
        token().rsplit(".", 1)[0] + ".",
        token()[:-4] + "AAAA",
    ]
    for text in forged:
        with pytest.raises(InvalidToken):
            offline.verify(text)


def test_a_changed_payload_breaks_the_signature(offline):
    """Abuse 16."""
    head, _, signature = token().split(".")
    payload = base64.urlsafe_b64encode(json.dumps(claims(sub=str(uuid4()))).encode()).rstrip(b"=").decode()
    with pytest.raises(InvalidToken):
        offline.verify(f"{head}.{payload}.{signature}")


@pytest.mark.parametrize(
    "kid", ["", "../../k1", "k1' OR '1'='1", "K1", "k1\x00", "http://evil.example/key", "https://169.254.169.254/"]
)
def test_a_kid_is_only_ever_looked_up_in_our_own_keys(offline, kid):
    """Abuse 17."""
    with pytest.raises(UnknownKey):
        offline.verify(token(header={**HEADER, "kid": kid}))


def test_a_key_that_the_token_brings_along_is_not_used(offline):
    """Abuse 17."""
    mine = ec.generate_private_key(ec.SECP256R1())
    jwk = {**json.loads(jwt.get_algorithm_by_name("ES256").to_jwk(mine.public_key())), "kid": "k1"}
    for extra in ({"jwk": jwk}, {"jku": "https://evil.example/jwks"}, {"x5u": "https://evil.example/x"}):
        with pytest.raises(InvalidToken):
            offline.verify(token(key=mine, header={**HEADER, **extra}))


@pytest.mark.parametrize(
    "header",
    [
        b'{"alg":"ES256","typ":"at+jwt","kid":["k1"]}',
        b'{"alg":"ES256","typ":"at+jwt","kid":null}',
        b'{"alg":"ES256","typ":"at+jwt","kid":"k1","crit":["exp"]}',
        b'{"alg":"ES256","typ":"at+jwt","kid":"k1","crit":["b64"],"b64":false}',
        b'{"alg":["ES256"],"typ":"at+jwt","kid":"k1"}',
        b"[]",
        b"null",
        b"{}",
        b"\xff",
        b"[" * 5900,
        b'{"alg":' + b"9" * 5000 + b"}",
    ],
)
def test_refuses_odd_headers(offline, header):
    with pytest.raises(InvalidToken):
        offline.verify(by_hand(header, json.dumps(claims()).encode()))


@pytest.mark.parametrize(
    "payload", [b"[]", b"null", b"7", b"\xff", b"[" * 4000, json.dumps(claims(exp=float("inf"))).encode(), b""]
)
def test_refuses_odd_payloads_even_when_signed(offline, payload):
    with pytest.raises(InvalidToken):
        offline.verify(by_hand(json.dumps({**HEADER, "alg": "ES256"}).encode(), payload))


@given(text=st.text(max_size=200) | st.from_regex(r"[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}\.[A-Za-z0-9_-]{0,40}"))
def test_any_other_text_is_an_invalid_token(text):
    verifier = Verifier(AuthSettings(issuer=ISSUER, audience="a", kek=bytes(32)), None)
    verifier.use_keys({"k1": JWK})
    with pytest.raises(InvalidToken):
        verifier.verify(text)


@pytest.mark.parametrize(
    ("headers", "status", "error"),
    [
        ([], 401, None),
        (["Basic YTpi"], 401, None),
        (["token"], 401, None),
        ([""], 401, None),
        (["Bearer"], 400, "invalid_request"),
        (["Bearer "], 400, "invalid_request"),
        (["Bearer a b"], 400, "invalid_request"),
        (["Bearer a,b"], 400, "invalid_request"),
        (["Bearer đ"], 400, "invalid_request"),
        (["Bearer " + "a" * 8193], 400, "invalid_request"),
        (["Bearer a", "Bearer a"], 400, "invalid_request"),
    ],
)
def test_the_header_must_hold_one_bearer_token(headers, status, error):
    with pytest.raises(InvalidToken) as refused:
        offered_token(headers)
    assert (refused.value.status, refused.value.error) == (status, error)


@pytest.mark.parametrize("scheme", ["Bearer", "bearer", "BEARER", "DPoP", "dpop"])
def test_the_scheme_has_no_case(scheme):
    assert offered_token([f"{scheme} abc.def-_~+/=="]) == (scheme.lower(), "abc.def-_~+/==")


def test_the_challenge_tells_the_error_only_where_a_token_was_offered():
    assert InvalidToken(None, "x").challenge() == 'Bearer realm="healthbook", DPoP algs="ES256"'
    told = 'error="invalid_token", error_description="The access token expired."'
    expired = InvalidToken("invalid_token", "The access token expired.")
    assert expired.challenge() == f'Bearer realm="healthbook", {told}, DPoP algs="ES256"'
    expired.scheme = "dpop"
    assert expired.challenge() == f'Bearer realm="healthbook", DPoP algs="ES256", {told}'


def test_a_remembered_token_is_not_checked_again_but_expires(offline, monkeypatch):
    text = token()
    caller = offline.verify(text)
    assert offline.verify(text) is caller
    monkeypatch.setattr(bearer.time, "time", lambda: caller.expires_at + bearer.LEEWAY_S)
    with pytest.raises(InvalidToken, match="expired"):
        offline.verify(text)


def test_memory_is_bounded(offline, monkeypatch):
    monkeypatch.setattr(bearer, "CACHED_TOKENS", 3)
    for number in range(5):
        offline.verify(token(jti=str(number)))
    assert len(offline._seen) == 3


def test_a_withdrawn_key_takes_its_tokens_with_it(offline):
    text = token()
    offline.verify(text)
    offline.use_keys({})
    with pytest.raises(UnknownKey):
        offline.verify(text)


async def test_an_unknown_key_is_looked_up_once_in_a_while(settings, sessions, phone):
    text = (await phone.tokens())["access_token"]
    verifier = Verifier(settings, sessions)
    assert (await verifier.caller(Offered([f"Bearer {text}"]))).subject == BLUE
    async with sessions() as session:
        await keys.rotate(session, settings.kek, utc_now())
        await keys.rotate(session, settings.kek, utc_now())
        await session.commit()
    assert (await verifier.caller(Offered([f"Bearer {text}"]))).subject == BLUE
    with pytest.raises(UnknownKey):
        await verifier.caller(Offered(["Bearer " + token(header={**HEADER, "kid": "forged"})]))


async def test_a_burst_at_start_waits_for_the_keys_together(settings, sessions, phone):
    text = (await phone.tokens())["access_token"]
    verifier = Verifier(settings, sessions)
    callers = await asyncio.gather(*(verifier.caller(Offered([f"Bearer {text}"])) for _ in range(20)))
    assert len({caller.grant_id for caller in callers}) == 1


async def test_another_audience_is_another_api(settings, sessions, phone):
    """Abuse 19."""
    text = (await phone.tokens())["access_token"]
    other = Verifier(replace(settings, audience="https://other.example"), sessions)
    with pytest.raises(InvalidToken):
        await other.caller(Offered([f"Bearer {text}"]))
