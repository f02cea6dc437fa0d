"""Which settings are refused before a server starts with them."""

import base64

import pytest

from auth.settings import AuthSettings, decode_kek, new_kek

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
