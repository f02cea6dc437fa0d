"""Where a sign-in leads, how strong and fresh it is asked to be, and what of that a stranger can bend."""

from urllib.parse import parse_qsl, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from auth.requests import Malformed
from auth.sign_in import address, asked_level, level_of, own_path
from auth.sign_in.asking import Asking
from auth.sign_in.levels import CODE_ACR, DEMO_ACR, STRONG, STRONG_ACR, WEAK


@pytest.mark.parametrize(
    "after",
    [
        "//evil.example", "/\\evil.example", "https://evil.example", "javascript:alert(1)", "", "login", "/a\nb",
        "/a b", "/đ", "\\\\evil.example", "/\t/evil.example", "/" + "a" * 9000,
    ],
)  # fmt: skip
def test_abuse_13_open_redirect_only_own_paths_are_returned_to(after):
    assert own_path(after) == "/"


def test_own_paths_keep_their_query():
    assert own_path("/oauth/authorize?a=b&c=%2F") == "/oauth/authorize?a=b&c=%2F"


@given(st.text(max_size=40))
def test_abuse_13_no_address_leaves_this_server(after):
    path = own_path(after)
    assert path.startswith("/")
    assert not path.startswith(("//", "/\\"))


@pytest.mark.parametrize("acr", ["2", STRONG_ACR])
def test_a_page_of_ours_asks_for_a_stronger_and_fresher_sign_in(acr):
    asking = Asking.of([("next", "/oauth/authorize?x=1"), ("acr", acr), ("max_age", "300")])
    assert asking == Asking("/oauth/authorize?x=1", STRONG, 300)
    assert asking.is_step_up


def test_nobody_else_does():
    assert Asking.of([("next", "/elsewhere"), ("acr", "2"), ("max_age", "0")]) == Asking("/elsewhere", WEAK, None)


def test_what_is_asked_travels_on():
    query = urlsplit(address("/account", level=STRONG, max_age=0, lang="en")).query
    assert Asking.of(parse_qsl(query)) == Asking("/account", STRONG, 0)


@pytest.mark.parametrize(
    "pairs",
    [
        [("acr", "3")],
        [("acr", "urn:other")],
        [("max_age", "-1")],
        [("max_age", "1e3")],
        [("max_age", "9" * 10)],
        [("max_age", "\u0663")],
        [("acr", "1"), ("acr", "2")],
        [("next", "/a"), ("next", "/b")],
        [("next", "/account\x00")],
    ],
)
def test_abuse_33_bent_parameters_are_refused(pairs):
    with pytest.raises(Malformed):
        Asking.of([*pairs] if pairs[0][0] == "next" else [("next", "/account"), *pairs])


def test_the_lowest_of_the_asked_levels_will_do():
    assert asked_level(f"{STRONG_ACR} {CODE_ACR}") == WEAK
    assert asked_level(STRONG_ACR) == STRONG
    assert asked_level("") is None
    assert asked_level(f"{STRONG_ACR} urn:unknown") is None


def test_the_demo_counts_as_strong_only_in_a_demo():
    assert level_of(DEMO_ACR, demo=True) == STRONG
    assert level_of(DEMO_ACR, demo=False) == 0
    assert [level_of(acr, demo=False) for acr in (CODE_ACR, STRONG_ACR, None, "x")] == [WEAK, STRONG, 0, 0]
