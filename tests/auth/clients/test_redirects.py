"""Redirect addresses: exact, with the loopback port as the one freedom."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.clients.redirects import form_action, is_registered, is_registrable

REGISTERED = ["https://app.example.vn/cb", "http://127.0.0.1/callback", "http://[::1]/callback", "vn.app:/cb"]


@pytest.mark.parametrize(
    "address",
    [*REGISTERED, "http://127.0.0.1:1/callback", "http://127.0.0.1:65000/callback", "http://[::1]:5000/callback"],
)
def test_accepts(address):
    assert is_registered(address, REGISTERED)


@pytest.mark.parametrize(
    "address",
    [
        "https://app.example.vn/cb/",
        "https://app.example.vn:443/cb",
        "https://app.example.vn/cb?x=1",
        "https://APP.example.vn/cb",
        "http://127.0.0.1:0/callback",
        "http://127.0.0.1:01/callback",
        "http://127.0.0.1:/callback",
        "http://127.0.0.1:5000/callback#f",
        "http://127.0.0.1:5000\n/callback",
        "http://127.0.0.1:5000/callback\n",
        "http://[::1]:5000/other",
        "https://127.0.0.1:5000/callback",
        "http://[::2]/callback",
    ],
)
def test_refuses(address):
    assert not is_registered(address, REGISTERED)


@given(st.text(max_size=60), st.text(max_size=10))
def test_nothing_around_a_registered_address_is_accepted(before, after):
    for known in REGISTERED:
        if before or after:
            assert not is_registered(before + known + after, [known])


@pytest.mark.parametrize("address", [*REGISTERED, "https://a.vn:8443/cb?tenant=1", "vn.healthbook.app:/callback"])
def test_may_be_registered(address):
    assert is_registrable(address)


@pytest.mark.parametrize(
    "address",
    [
        "http://app.example.vn/cb",
        "http://localhost/cb",
        "https://*.example.vn/cb",
        "https://user@example.vn/cb",
        "https://example.vn/cb#x",
        "https://example.vn",
        "https:///cb",
        "javascript:alert(1)",
        "data:text/html,x",
        "myapp:/cb",
        "vn.app://host/cb",
        "https://example.vn/" + "a" * 2000,
        "https://exámple.vn/cb",
    ],
)
def test_may_not_be_registered(address):
    assert not is_registrable(address)


@pytest.mark.parametrize(
    ("address", "source"),
    [
        ("https://app.example.vn/cb?x=1", "https://app.example.vn"),
        ("http://127.0.0.1:5000/callback", "http://127.0.0.1:5000"),
        ("http://[::1]:5000/callback", "http:"),
        ("vn.app:/cb", "vn.app:"),
    ],
)
def test_form_action_opens_no_more_than_the_address(address, source):
    assert form_action(address) == source
