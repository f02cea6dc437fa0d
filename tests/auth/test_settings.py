"""Which settings are refused before a server starts with them."""

import base64

import pytest

from auth.settings import AuthSettings, NationalSettings, decode_kek, new_kek

KEK = bytes(32)


def settings(**changes):
    return AuthSettings(**({"issuer": "https://book.example.vn", "audience": "a", "kek": KEK} | changes))


def test_reads_the_environment():
    kek = new_kek()
    read = AuthSettings.from_env({"HEALTHBOOK_ISSUER": "https://book.example.vn", "HEALTHBOOK_KEK": kek})
    assert read.issuer == "https://book.example.vn"
    assert read.audience == "https://book.example.vn/graphql"
    assert read.kek == base64.b64decode(kek)
    assert read.demo_sign_in is False


@pytest.mark.parametrize("name", ["HEALTHBOOK_DEMO_SIGN_IN", "DEMO_SIGN_IN", "demo_sign_in"])
def test_no_variable_switches_the_demo_on(name):
    environ = {"HEALTHBOOK_ISSUER": "http://127.0.0.1:8000", "HEALTHBOOK_KEK": new_kek(), name: "true"}
    assert AuthSettings.from_env(environ).demo_sign_in is False


@pytest.mark.parametrize("issuer", ["http://127.0.0.1:8000", "http://localhost:8000", "http://[::1]:8000"])
def test_the_demo_is_for_loopback(issuer):
    assert settings(issuer=issuer, demo_sign_in=True).demo_sign_in


@pytest.mark.parametrize("issuer", ["https://book.example.vn", "https://127.0.0.1.example.vn", "https://10.0.0.1"])
def test_the_demo_refuses_any_other_address(issuer):
    with pytest.raises(ValueError, match="demo"):
        settings(issuer=issuer, demo_sign_in=True)


@pytest.mark.parametrize(
    "issuer",
    [
        "",
        "book.example.vn",
        "http://book.example.vn",
        "https://book.example.vn/",
        "https://book.example.vn/path",
        "https://book.example.vn?x",
        "https://user@book.example.vn",
        "https://book.example.vn:port",
        "https://",
        "ftp://127.0.0.1",
        "http://0.0.0.0:8000",
    ],
)
def test_refuses_other_issuers(issuer):
    with pytest.raises(ValueError, match="HEALTHBOOK_ISSUER"):
        settings(issuer=issuer)


@pytest.mark.parametrize("text", ["", "short", base64.b64encode(bytes(16)).decode(), "!" * 44, "đ" * 44])
def test_refuses_other_keys_without_showing_them(text):
    with pytest.raises(ValueError, match="HEALTHBOOK_KEK must be base64 of 32 bytes"):
        decode_kek(text)


def test_the_key_is_not_in_the_repr():
    assert "kek" not in repr(settings())


def test_missing_variables_are_named():
    with pytest.raises(ValueError, match="HEALTHBOOK_ISSUER is not set"):
        AuthSettings.from_env({})
    with pytest.raises(ValueError, match="HEALTHBOOK_KEK"):
        AuthSettings.from_env({"HEALTHBOOK_ISSUER": "https://book.example.vn"})


NATIONAL = {
    "HEALTHBOOK_OIDC_ISSUER": "https://id.example.vn",
    "HEALTHBOOK_OIDC_CLIENT_ID": "healthbook",
    "HEALTHBOOK_OIDC_CLIENT_SECRET": "s",
    "HEALTHBOOK_OIDC_ACR": "urn:a urn:b",
}
CLIENT_KEY = '{"kty": "EC", "crv": "P-256", "x": "x", "y": "y", "d": "private"}'


def test_the_national_provider_is_read_from_the_environment():
    read = NationalSettings.from_env(NATIONAL)
    assert (read.issuer, read.acr, read.scope, read.cccd_claim) == (
        "https://id.example.vn",
        ("urn:a", "urn:b"),
        "openid profile",
        None,
    )
    assert NationalSettings.from_env({}) is None
    assert NationalSettings.from_env(NATIONAL | {"HEALTHBOOK_OIDC_CCCD_CLAIM": "cccd"}).cccd_claim == "cccd"


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"HEALTHBOOK_OIDC_ISSUER": "http://id.example.vn"}, "HEALTHBOOK_OIDC_ISSUER"),
        ({"HEALTHBOOK_OIDC_ISSUER": "https://id.example.vn?x"}, "HEALTHBOOK_OIDC_ISSUER"),
        ({"HEALTHBOOK_OIDC_ISSUER": "https://user@id.example.vn"}, "HEALTHBOOK_OIDC_ISSUER"),
        ({"HEALTHBOOK_OIDC_CLIENT_ID": ""}, "HEALTHBOOK_OIDC_CLIENT_ID"),
        ({"HEALTHBOOK_OIDC_CLIENT_SECRET": ""}, "HEALTHBOOK_OIDC_CLIENT_SECRET"),
        ({"HEALTHBOOK_OIDC_CLIENT_KEY": CLIENT_KEY}, "HEALTHBOOK_OIDC_CLIENT_KEY"),
        ({"HEALTHBOOK_OIDC_CLIENT_KEY": "private"}, "HEALTHBOOK_OIDC_CLIENT_KEY"),
        ({"HEALTHBOOK_OIDC_CLIENT_KEY": '{"kty": "oct", "d": "private"}'}, "HEALTHBOOK_OIDC_CLIENT_KEY"),
        ({"HEALTHBOOK_OIDC_ACR": " "}, "HEALTHBOOK_OIDC_ACR"),
        ({"HEALTHBOOK_OIDC_SCOPE": "profile"}, "HEALTHBOOK_OIDC_SCOPE"),
    ],
)
def test_half_a_national_provider_is_refused_without_showing_secrets(changes, named):
    with pytest.raises(ValueError, match=named) as told:
        NationalSettings.from_env(NATIONAL | changes)
    assert "private" not in str(told.value).replace("a private JWK", "")


def test_the_client_s_secrets_are_not_in_the_repr():
    shown = repr(NationalSettings.from_env(NATIONAL | {"HEALTHBOOK_OIDC_CLIENT_SECRET": "hush"}))
    assert "hush" not in shown
    keyed = NATIONAL | {"HEALTHBOOK_OIDC_CLIENT_SECRET": "", "HEALTHBOOK_OIDC_CLIENT_KEY": CLIENT_KEY}
    assert "private" not in repr(NationalSettings.from_env(keyed))


@pytest.mark.parametrize(
    ("issuer", "domain"),
    [
        ("https://book.example.vn", "book.example.vn"),
        ("http://localhost:8000", "localhost"),
        ("http://127.0.0.1:8000", None),
        ("https://[2001:db8::1]", None),
    ],
)
def test_passkeys_need_a_name(issuer, domain):
    assert settings(issuer=issuer).passkey_domain == domain
