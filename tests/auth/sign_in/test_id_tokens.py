"""Which id_tokens of the national provider are believed: one shape, and none of the forgeries."""

import base64
import hashlib
import json
from datetime import timedelta

import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from hypothesis import given
from hypothesis import strategies as st

from auth.settings import NationalSettings
from auth.sign_in.id_tokens import Expected, TokenRefused, UnknownKey, verify
from domain.values import utc_now

SETTINGS = NationalSettings(
    issuer="https://id.example.vn", client_id="healthbook", acr=("strong", "stronger"), client_secret="s"
)
EC, RSA = ec.generate_private_key(ec.SECP256R1()), rsa.generate_private_key(65537, 2048)
SMALL = rsa.generate_private_key(65537, 1024)
ACCESS = "an access token"


def jwk(key, **more):
    kind = jwt.algorithms.ECAlgorithm if isinstance(key, ec.EllipticCurvePrivateKey) else jwt.algorithms.RSAAlgorithm
    return {**kind.to_jwk(key.public_key(), as_dict=True), "use": "sig", **more}


KEYS = [jwk(EC, kid="ec"), jwk(RSA, kid="rsa")]
ALGORITHMS = ("ES256", "RS256", "PS256")


def expected(max_age=timedelta(hours=8)):
    return Expected(SETTINGS, ALGORITHMS, "n", max_age, ACCESS, utc_now())


def after(seconds):
    """A moment from now, for a test that may run minutes after it was collected."""
    return lambda: int(utc_now().timestamp()) + seconds


def at_hash():
    half = hashlib.sha256(ACCESS.encode()).digest()[:16]
    return base64.urlsafe_b64encode(half).rstrip(b"=").decode()


def claims(**changes):
    seconds = int(utc_now().timestamp())
    told = {
        "iss": SETTINGS.issuer, "sub": "blue", "aud": "healthbook", "exp": seconds + 300, "iat": seconds,
        "nonce": "n", "acr": "strong", "auth_time": seconds - 60, "at_hash": at_hash(),
    }  # fmt: skip
    told |= {name: value() if callable(value) else value for name, value in changes.items()}
    return {name: value for name, value in told.items() if value is not None}


def token(key=EC, algorithm="ES256", kid="ec", **changes):
    return jwt.encode(claims(**changes), key, algorithm, headers={"kid": kid} if kid else {})


def test_believes_what_is_right():
    verified = verify(token(), KEYS, expected())
    assert verified.subject == "blue"
    assert timedelta(seconds=59) < utc_now() - verified.auth_time < timedelta(seconds=70)


@pytest.mark.parametrize(
    ("key", "algorithm", "kid"), [(RSA, "RS256", "rsa"), (RSA, "PS256", "rsa"), (EC, "ES256", None)]
)
def test_believes_each_algorithm_and_an_only_key_without_kid(key, algorithm, kid):
    assert verify(token(key, algorithm, kid), KEYS, expected()).subject == "blue"


@pytest.mark.parametrize(
    "changes",
    [
        {"at_hash": None}, {"azp": "healthbook"}, {"aud": ["healthbook"]}, {"acr": "stronger"},
        {"aud": ["healthbook", "other"], "azp": "healthbook"}, {"iat": after(20)},
    ],
)  # fmt: skip
def test_believes_what_may_vary(changes):
    assert verify(token(**changes), KEYS, expected()).subject == "blue"


@pytest.mark.parametrize(
    "changes",
    [
        {"iss": "https://evil.example"}, {"aud": "other"}, {"aud": ["healthbook", "other"]}, {"azp": "other"},
        {"exp": after(-60)}, {"iat": after(600)}, {"nonce": "m"}, {"nonce": None},
        {"acr": "weak"}, {"acr": None}, {"acr": ["strong"]}, {"auth_time": None}, {"auth_time": "yesterday"},
        {"auth_time": after(600)}, {"auth_time": after(-30_000)}, {"auth_time": True},
        {"auth_time": 10**30}, {"auth_time": -(10**12)}, {"at_hash": "x"}, {"at_hash": 7}, {"sub": None}, {"sub": ""},
        {"sub": "a" * 256}, {"sub": "hai từ"}, {"sub": "a\x00"}, {"sub": 7}, {"exp": "soon"}, {"iat": {}},
        {"aud": None}, {"nbf": after(600)},
    ],
)  # fmt: skip
def test_refuses_what_says_anything_else(changes):
    with pytest.raises(TokenRefused):
        verify(token(**changes), KEYS, expected())


def test_a_fresher_sign_in_than_the_provider_s_is_refused():
    with pytest.raises(TokenRefused, match="auth_time"):
        verify(token(), KEYS, expected(timedelta(seconds=10)))


def unsigned(header, body=None):
    parts = (json.dumps(part).encode() for part in (header, body or claims()))
    return ".".join(base64.urlsafe_b64encode(part).rstrip(b"=").decode() for part in parts) + "."


@pytest.mark.parametrize("alg", ["none", "None", "HS256", "ES512", None, 7, ["ES256"]])
def test_abuse_16_no_algorithm_but_the_provider_s(alg):
    with pytest.raises(TokenRefused):
        verify(unsigned({"alg": alg, "kid": "ec"}), KEYS, expected())


def test_abuse_16_hs256_with_a_public_key_is_refused():
    with pytest.raises(TokenRefused):
        verify(jwt.encode(claims(), "the public key as a secret, long enough", "HS256"), KEYS, expected())


def test_abuse_16_a_changed_payload_is_refused():
    header, _, signature = token().split(".")
    body = base64.urlsafe_b64encode(json.dumps(claims(sub="green")).encode()).rstrip(b"=").decode()
    with pytest.raises(TokenRefused):
        verify(f"{header}.{body}.{signature}", KEYS, expected())


def test_abuse_17_a_key_in_the_header_is_not_looked_at():
    stranger = ec.generate_private_key(ec.SECP256R1())
    forged = jwt.encode(claims(), stranger, "ES256", headers={"kid": "ec", "jwk": jwk(stranger, kid="ec")})
    with pytest.raises(TokenRefused):
        verify(forged, KEYS, expected())


@pytest.mark.parametrize("kid", ["new", "../ec", "ec' or 1=1", "đ"])
def test_abuse_17_a_kid_is_compared_and_nothing_else(kid):
    with pytest.raises(UnknownKey):
        verify(token(kid=kid), KEYS, expected())


@pytest.mark.parametrize(
    "keys",
    [
        [jwk(EC, kid="ec"), jwk(EC, kid="ec")],
        [{"kty": "EC", "kid": "ec"}],
        [{"kty": "EC", "kid": "ec", "crv": "P-256", "x": 1, "y": []}],
        [{**jwk(EC, kid="ec"), "crv": "P-521"}],
    ],
)
def test_unusable_keys_believe_nothing(keys):
    with pytest.raises(TokenRefused):
        verify(token(), keys, expected())


def test_a_key_for_encryption_signs_nothing():
    with pytest.raises(UnknownKey):
        verify(token(), [jwk(EC, kid="ec", use="enc")], expected())


@pytest.mark.filterwarnings("ignore:.*RSA key.*")
def test_a_small_rsa_key_believes_nothing():
    small = jwt.encode(claims(), SMALL, "RS256", headers={"kid": "rsa"})
    with pytest.raises(TokenRefused):
        verify(small, [jwk(SMALL, kid="rsa")], expected())


@given(st.text(max_size=80) | st.builds(lambda a, b: f"{a}.{b}.", st.text(max_size=20), st.text(max_size=20)))
def test_abuse_33_noise_is_refused(noise):
    with pytest.raises((TokenRefused, UnknownKey)):
        verify(noise, KEYS, expected())


def test_abuse_33_depth_and_length_are_refused():
    deep = "[" * 5000
    for text in (token(extra="a" * 20_000), f"{base64.urlsafe_b64encode(deep.encode()).decode()}.e30."):
        with pytest.raises(TokenRefused):
            verify(text, KEYS, expected())
