"""Tokens bound to a key: at the token endpoint, at refresh, and at the resource."""

import asyncio
import base64
import json
import time
from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import select, update

from auth.tables import OAuthClient, Once, RefreshToken, TokenGrant
from auth.tokens import dpop
from auth.tokens.bearer import InvalidToken, Offered, Verifier
from auth.tokens.dpop import InvalidProof
from domain.values import utc_now
from tests.auth.flows import ISSUER
from tests.auth.proofs import TOKEN_URL, Key

GRAPHQL = f"{ISSUER}/graphql"
ROUNDS = 50


@pytest.fixture
def key():
    return Key()


async def bound(phone, key, **changes):
    """Tokens of a phone that proved its key when it redeemed the code."""
    code = await phone.code(**changes)
    answer = await phone.http.post("/oauth/token", data=phone.redemption(code), headers=key.headers())
    assert answer.status_code == 200, answer.text
    return answer.json()


async def refresh(phone, token, key=None, **changes):
    headers = key.headers() if key else {}
    form = {"grant_type": "refresh_token", "refresh_token": token, "client_id": phone.client_id} | changes
    return await phone.http.post("/oauth/token", data=form, headers=headers)


async def require_dpop(sessions, client_id):
    async with sessions() as session:
        await session.execute(update(OAuthClient).where(OAuthClient.client_id == client_id).values(requires_dpop=True))
        await session.commit()


def at_resource(token, key, scheme="DPoP", **changes):
    return Offered(
        [f"{scheme} {token}"],
        [key.proof(GRAPHQL, changes.pop("method", "POST"), token=token, **changes)],
        "POST",
        GRAPHQL,
    )


async def refused(verifier, offered):
    with pytest.raises(InvalidToken) as error:
        await verifier.caller(offered)
    assert error.value.status == 401
    return error.value


async def test_a_proof_binds_access_and_refresh_tokens_to_its_key(phone, key, verifier, sessions):
    tokens = await bound(phone, key)
    assert tokens["token_type"] == "DPoP"
    assert jwt.decode(tokens["access_token"], options={"verify_signature": False})["cnf"] == {"jkt": key.jkt}
    assert (await verifier.caller(at_resource(tokens["access_token"], key))).jkt == key.jkt
    async with sessions() as session:
        assert await session.scalar(select(TokenGrant.jkt)) == key.jkt


async def test_refresh_needs_a_proof_of_the_same_key(phone, key):
    tokens = await bound(phone, key)
    for other in (None, Key()):
        answer = await refresh(phone, tokens["refresh_token"], other)
        assert (answer.status_code, answer.json()["error"]) == (400, "invalid_grant")
    answer = await refresh(phone, tokens["refresh_token"], key)
    assert (answer.status_code, answer.json()["token_type"]) == (200, "DPoP")


async def test_a_code_bound_by_dpop_jkt_is_of_no_use_to_a_thief(phone, key):
    """Abuse case 8: code injection."""
    code = await phone.code(dpop_jkt=key.jkt)
    stolen = await phone.http.post("/oauth/token", data=phone.redemption(code), headers=Key().headers())
    assert (stolen.status_code, stolen.json()["error"]) == (400, "invalid_grant")
    late = await phone.http.post("/oauth/token", data=phone.redemption(code), headers=key.headers())
    assert late.json()["error"] == "invalid_grant"


async def test_a_code_bound_by_dpop_jkt_needs_a_proof(phone, key):
    code = await phone.code(dpop_jkt=key.jkt)
    assert (await phone.redeem(code)).json()["error"] == "invalid_grant"


async def test_a_code_bound_by_dpop_jkt_is_redeemed_with_the_key(phone, key):
    assert (await bound(phone, key, dpop_jkt=key.jkt))["token_type"] == "DPoP"


@pytest.mark.parametrize("jkt", ["x", "a" * 44, "!" * 43])
async def test_a_dpop_jkt_that_is_no_thumbprint_is_an_invalid_request(phone, jkt):
    await phone.sign_in()
    assert "error=invalid_request" in (await phone.authorize(dpop_jkt=jkt)).headers["location"]


async def test_a_client_that_must_prove_gets_nothing_without(phone, key, sessions):
    await require_dpop(sessions, phone.client_id)
    code = await phone.code()
    answer = await phone.redeem(code)
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof")
    again = await phone.http.post("/oauth/token", data=phone.redemption(code), headers=key.headers())
    assert again.status_code == 200


async def test_a_facility_may_bind_its_token_to_any_key(http, facility, key):
    form = {"grant_type": "client_credentials"}
    answer = await http.post("/oauth/token", data=form, auth=facility.auth, headers=key.headers())
    assert answer.json()["token_type"] == "DPoP"
    told = await http.post("/oauth/introspect", data={"token": answer.json()["access_token"]}, auth=facility.auth)
    assert (told.json()["token_type"], told.json()["cnf"]) == ("DPoP", {"jkt": key.jkt})
    plain = await http.post("/oauth/token", data=form, auth=facility.auth)
    assert plain.json()["token_type"] == "Bearer"


def odd_proofs(key):
    """Abuse case 23: what a proof must not be, at the token endpoint."""
    stranger, big = Key(), rsa.generate_private_key(65537, 2048)
    private = {**key.jwk, "d": "A" * 43}
    rsa_jwk = json.loads(jwt.get_algorithm_by_name("RS256").to_jwk(big.public_key()))
    now = int(time.time())
    return {
        "wrong method": key.proof(method="GET"),
        "wrong address": key.proof(f"{ISSUER}/oauth/revoke"),
        "address of another host": key.proof("https://evil.example/oauth/token"),
        "too old": key.proof(iat=now - 61),
        "from the future": key.proof(iat=now + 120),
        "iat no number": key.proof(iat="now"),
        "iat no whole number": key.proof(iat=now + 0.5),
        "no jti": key.proof(jti=None),
        "long jti": key.proof(jti="x" * 256),
        "no iat": key.proof(iat=None),
        "no htm": key.proof(htm=None),
        "no htu": key.proof(htu=None),
        "htu no text": key.proof(htu=["x"]),
        "expired": key.proof(exp=now - 120),
        "no type": key.proof(header={"typ": "JWT"}),
        "private key in header": key.proof(header={"jwk": private}),
        "no key": key.proof(header={"jwk": None}),
        "key no object": key.proof(header={"jwk": "x"}),
        "key of another": key.proof(header={"jwk": stranger.jwk}),
        "key not on the curve": key.proof(header={"jwk": {**key.jwk, "x": "A" * 43}}),
        "RSA key": key.proof(header={"jwk": rsa_jwk}),
        "RSA": jwt.encode({"jti": "x"}, big, "RS256", headers={"typ": "dpop+jwt", "jwk": rsa_jwk}),
        "no signature": jwt.encode({"jti": "x"}, None, "none", headers={"typ": "dpop+jwt", "jwk": key.jwk}),
        "symmetric": jwt.encode({"jti": "x"}, b"k" * 32, "HS256", headers={"typ": "dpop+jwt", "jwk": key.jwk}),
        "unknown crit": key.proof(header={"crit": ["b64"], "b64": False}),
        "cut": key.proof()[:-6],
        "bottomless": base64.urlsafe_b64encode(b"[" * 2900).decode() + ".e30.x",
        "too long": key.proof(extra="x" * 5000),
        "nothing": "",
        "garbage": "a.b.c",
    }


@pytest.mark.parametrize("name", odd_proofs(Key()))
async def test_refuses_proofs_that_do_not_hold(phone, key, name):
    form = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": phone.client_id}
    answer = await phone.http.post("/oauth/token", data=form, headers={"DPoP": odd_proofs(key)[name]})
    assert (answer.status_code, answer.json()["error"]) == (400, "invalid_dpop_proof")


async def test_refuses_two_proofs(phone, key):
    form = {"grant_type": "refresh_token", "refresh_token": "x", "client_id": phone.client_id}
    headers = [("DPoP", key.proof()), ("DPoP", key.proof())]
    assert (await phone.http.post("/oauth/token", data=form, headers=headers)).json()["error"] == "invalid_dpop_proof"


async def test_a_proof_is_used_once_at_the_token_endpoint(http, facility, key):
    headers, form = key.headers(), {"grant_type": "client_credentials"}
    answers = [await http.post("/oauth/token", data=form, auth=facility.auth, headers=headers) for _ in range(2)]
    assert [answer.status_code for answer in answers] == [200, 400]
    assert answers[1].json()["error"] == "invalid_dpop_proof"


async def test_the_address_in_a_proof_is_the_issuers_whatever_the_host_header(http, facility, key):
    form = {"grant_type": "client_credentials"}
    headers = key.headers("http://evil.example/oauth/token") | {"host": "evil.example"}
    answer = await http.post("/oauth/token", data=form, auth=facility.auth, headers=headers)
    assert answer.json()["error"] == "invalid_dpop_proof"
    headers = key.headers(f"{TOKEN_URL}?a=b#c") | {"host": "evil.example"}
    assert (await http.post("/oauth/token", data=form, auth=facility.auth, headers=headers)).status_code == 200


async def test_a_bound_token_is_no_bearer_token(phone, key, verifier):
    """Abuse case 23: downgrade."""
    token = (await bound(phone, key))["access_token"]
    error = await refused(verifier, at_resource(token, key, scheme="Bearer"))
    assert (error.error, error.scheme) == ("invalid_token", "bearer")
    assert 'error="invalid_token"' in error.challenge().split("DPoP")[0]


async def test_a_plain_token_is_no_bound_token(phone, key, verifier):
    token = (await phone.tokens())["access_token"]
    error = await refused(verifier, at_resource(token, key))
    assert (error.error, error.scheme) == ("invalid_token", "dpop")


async def test_a_bound_token_needs_a_proof_of_its_key_for_this_request(phone, key, verifier):
    token = (await bound(phone, key))["access_token"]
    proofs = {
        "none": [],
        "two": [key.proof(GRAPHQL, token=token), key.proof(GRAPHQL, token=token)],
        "another method": [key.proof(GRAPHQL, "GET", token=token)],
        "another address": [key.proof(f"{ISSUER}/ingest", token=token)],
        "no ath": [key.proof(GRAPHQL)],
        "another token": [key.proof(GRAPHQL, token="x.y.z")],
        "odd ath": [key.proof(GRAPHQL, ath="đ")],
        "stale": [key.proof(GRAPHQL, token=token, iat=int(time.time()) - 61)],
    }
    for offered in proofs.values():
        error = await refused(verifier, Offered([f"DPoP {token}"], offered, "POST", GRAPHQL))
        assert error.error == "invalid_dpop_proof"
        assert 'DPoP algs="ES256", error="invalid_dpop_proof"' in error.challenge()
    error = await refused(verifier, Offered([f"DPoP {token}"], [Key().proof(GRAPHQL, token=token)], "POST", GRAPHQL))
    assert error.error == "invalid_token"


async def test_a_proof_is_used_once_at_the_resource_across_workers(phone, key, settings, sessions):
    token = (await bound(phone, key))["access_token"]
    workers = [Verifier(settings, sessions) for _ in range(2)]
    offered = at_resource(token, key)
    assert (await workers[0].caller(offered)).subject == phone.citizen_id
    for worker in workers:
        assert (await refused(worker, offered)).error == "invalid_dpop_proof"


async def test_of_one_proof_many_times_at_once_one_wins(phone, key, settings, sessions):
    token = (await bound(phone, key))["access_token"]
    verifier = Verifier(settings, sessions)
    await verifier.refresh()
    for _ in range(10):
        offered = at_resource(token, key)
        answers = await asyncio.gather(*(verifier.caller(offered) for _ in range(5)), return_exceptions=True)
        assert sum(not isinstance(answer, InvalidToken) for answer in answers) == 1


async def test_what_is_remembered_of_a_proof_outlives_it_and_tells_nothing(phone, key, sessions):
    await bound(phone, key)
    async with sessions() as session:
        row = await session.scalar(select(Once).where(Once.kind == "dpop"))
    assert len(row.key_hash) == 32
    assert row.expires_at >= utc_now() + dpop.FRESH


async def test_a_lost_answer_does_not_log_the_phone_out(phone, key, sessions):
    """auth.md 3.2: within 20 s, the same key, and the child not used yet."""
    first = await bound(phone, key)
    lost = (await refresh(phone, first["refresh_token"], key)).json()
    again = await refresh(phone, first["refresh_token"], key)
    assert again.status_code == 200
    chain = again.json()["refresh_token"]
    assert chain != lost["refresh_token"]
    async with sessions() as session:
        unspent = (await session.scalars(select(RefreshToken).where(RefreshToken.used_at.is_(None)))).all()
    assert len(unspent) == 1
    assert (await refresh(phone, chain, key)).status_code == 200


async def test_grace_ends_when_the_child_was_used(phone, key):
    first = await bound(phone, key)
    child = (await refresh(phone, first["refresh_token"], key)).json()
    grandchild = (await refresh(phone, child["refresh_token"], key)).json()
    assert (await refresh(phone, first["refresh_token"], key)).json()["error"] == "invalid_grant"
    assert (await refresh(phone, grandchild["refresh_token"], key)).json()["error"] == "invalid_grant"


async def test_grace_ends_after_20_seconds(phone, key, sessions):
    first = await bound(phone, key)
    child = (await refresh(phone, first["refresh_token"], key)).json()
    async with sessions() as session:
        spent = update(RefreshToken).where(RefreshToken.used_at.is_not(None))
        await session.execute(spent.values(used_at=utc_now() - timedelta(seconds=20)))
        await session.commit()
    assert (await refresh(phone, first["refresh_token"], key)).json()["error"] == "invalid_grant"
    assert (await refresh(phone, child["refresh_token"], key)).json()["error"] == "invalid_grant"


async def test_no_grace_for_another_key_or_none(phone, key):
    for other in (None, Key()):
        first = await bound(phone, key)
        child = (await refresh(phone, first["refresh_token"], key)).json()
        assert (await refresh(phone, first["refresh_token"], other)).json()["error"] == "invalid_grant"
        assert (await refresh(phone, child["refresh_token"], key)).json()["error"] == "invalid_grant"


async def test_parallel_refreshes_of_a_bound_phone_leave_one_chain_50_times(phone, key, sessions):
    token = (await bound(phone, key))["refresh_token"]
    for _ in range(ROUNDS):
        answers = await asyncio.gather(*(refresh(phone, token, key) for _ in range(3)))
        assert {answer.status_code for answer in answers} == {200}
        async with sessions() as session:
            unspent = (await session.scalars(select(RefreshToken).where(RefreshToken.used_at.is_(None)))).all()
        assert len(unspent) == 1
        given = [answer.json()["refresh_token"] for answer in answers]
        (token,) = [one for one in given if dpop.digest(one) == unspent[0].token_hash]


@given(text=st.text(max_size=60) | st.from_regex(r"[A-Za-z0-9_-]{0,60}\.[A-Za-z0-9_-]{0,60}\.[A-Za-z0-9_-]{0,20}"))
def test_any_other_text_is_no_proof(text):
    with pytest.raises(InvalidProof):
        dpop.check([text], method="POST", url=TOKEN_URL, now=utc_now())


@given(header=st.dictionaries(st.sampled_from(["typ", "alg", "jwk", "crit", "kid"]), st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=10) | st.sampled_from(["dpop+jwt", "ES256"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(["kty", "crv", "x", "y", "d"]), inner),
    max_leaves=6,
)))  # fmt: skip
def test_any_other_header_is_no_proof(header):
    text = base64.urlsafe_b64encode(json.dumps(header).encode()).rstrip(b"=").decode()
    with pytest.raises(InvalidProof):
        dpop.check([f"{text}.e30.AAAA"], method="POST", url=TOKEN_URL, now=utc_now())


def test_a_proof_of_another_curve_is_refused():
    other = ec.generate_private_key(ec.SECP384R1())
    jwk = json.loads(jwt.get_algorithm_by_name("ES384").to_jwk(other.public_key()))
    proof = jwt.encode({"jti": "x"}, other, "ES384", headers={"typ": "dpop+jwt", "jwk": jwk})
    with pytest.raises(InvalidProof):
        dpop.check([proof], method="POST", url=TOKEN_URL, now=utc_now())
