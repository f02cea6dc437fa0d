"""Headers of every kind of answer: what OWASP asks of an API and of pages, and that records stay out of caches."""

import re

import pytest

from api.access_log.roots import KEYS
from api.middleware import HEADERS, PAGE_POLICY, secured
from tests.api.access_log import LOG, READ, circle_of

PATHS = (
    "/livez", "/readyz", "/metrics", "/openapi.json", "/audit/roots", "/login", "/nowhere", "/graphql", "/ingest/x",
    "/oauth/jwks", "/oauth/authorize", "/oauth/style.css", "/.well-known/openid-configuration", "/oauth/userinfo",
)  # fmt: skip
PUBLIC = {
    "/openapi.json", "/audit/roots", "/oauth/jwks", "/oauth/style.css", "/.well-known/openid-configuration",
}  # fmt: skip
ALWAYS = {"X-Content-Type-Options": "nosniff", "X-Frame-Options": "DENY"}


def varies(answer):
    return set(re.split(r",\s*", answer.headers.get("vary", "").lower()))


class TestEveryAnswer:
    @pytest.mark.parametrize("path", PATHS)
    async def test_bears_the_headers(self, book, path):
        answer = await book.client.get(path)
        assert answer.headers.items() >= {name.lower(): value for name, value in ALWAYS.items()}.items()
        for name in HEADERS:
            assert len(answer.headers.get_list(name)) == 1, name
        policy = answer.headers["content-security-policy"]
        assert "frame-ancestors 'none'" in policy
        assert "default-src 'none'" in policy
        assert "unsafe-" not in policy
        assert answer.headers["strict-transport-security"].startswith("max-age=31536000")
        assert answer.headers["referrer-policy"] in {"no-referrer", "same-origin"}
        assert "server" not in answer.headers
        assert "x-powered-by" not in answer.headers

    @pytest.mark.parametrize("path", PATHS)
    async def test_34_is_kept_by_no_cache_unless_it_is_for_everybody(self, book, path):
        answer = await book.client.get(path)
        if path in PUBLIC:
            assert answer.headers["cache-control"].startswith("public")
        else:
            assert answer.headers["cache-control"] == "no-store"
            assert "authorization" in varies(answer)

    @pytest.mark.parametrize("body", [{"query": "{ healthRecord { patientId } }"}, {"query": "{ nothing }"}, {}, []])
    async def test_also_where_the_request_is_refused(self, book, body):
        for headers in ({}, {"Authorization": f"Bearer {await book.token(book.citizens[0])}"}):
            answer = await book.client.post("/graphql", json=body, headers=headers)
            assert answer.headers["cache-control"] == "no-store"
            assert answer.headers["content-security-policy"] == HEADERS["Content-Security-Policy"]

    async def test_also_where_the_fault_is_ours(self, book):
        await book.sql("drop function access.day_roots")
        answer = await book.client.get("/audit/roots")
        assert answer.status_code == 500
        assert answer.headers["cache-control"] == "no-store"
        assert answer.headers["content-security-policy"] == HEADERS["Content-Security-Policy"]
        assert "day_roots" not in answer.text


async def test_34_answers_with_records_are_private_to_their_token(book):
    circle = await circle_of(book)
    token = await circle.phone()
    for query in (READ, LOG, "{ me { id } }"):
        answer = await book.post(query, token, {"of": str(circle.patient)})
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "no-store"
        assert "authorization" in varies(answer)
        assert len(answer.headers.get_list("vary")) == 1


class TestMetrics:
    TOKEN = "a token of at least 16"

    @pytest.fixture
    def asking(self, book):
        """From an address, with headers, of a server with or without a token."""
        import httpx

        from api.app import create_app
        from tests.api.conftest import AUTH

        async def ask(address, token=None, **headers):
            app = create_app(book.database.api_settings(metrics_token=token), AUTH)
            async with app.router.lifespan_context(app):
                transport = httpx.ASGITransport(app, client=(address, 1))
                async with httpx.AsyncClient(transport=transport, base_url=AUTH.issuer) as client:
                    return await client.get("/metrics", headers={k.replace("_", "-"): v for k, v in headers.items()})

        return ask

    @pytest.mark.parametrize("address", ["127.0.0.1", "127.9.9.9", "::1"])
    async def test_without_a_token_this_machine_sees_them(self, asking, address):
        assert (await asking(address)).status_code == 200

    @pytest.mark.parametrize(
        ("address", "headers"),
        [
            ("203.0.113.9", {}),
            ("", {}),
            ("localhost.example.vn", {}),
            ("127.0.0.1", {"X_Forwarded_For": "203.0.113.9"}),
            ("127.0.0.1", {"X_Forwarded_For": "127.0.0.1"}),
            ("127.0.0.1", {"Forwarded": "for=203.0.113.9"}),
            ("203.0.113.9", {"Authorization": "Bearer None"}),
        ],
    )
    async def test_without_a_token_nobody_else_does(self, asking, address, headers):
        answer = await asking(address, **headers)
        assert answer.status_code == 403
        assert "healthbook_" not in answer.text

    async def test_with_a_token_whoever_has_it(self, asking):
        answer = await asking("203.0.113.9", self.TOKEN, Authorization=f"Bearer {self.TOKEN}")
        assert answer.status_code == 200

    @pytest.mark.parametrize("given", [None, "Bearer", "Bearer ", "Basic x", "Bearer wrong", "Bearer a token"])
    async def test_with_a_token_nobody_without_it(self, asking, given):
        headers = {} if given is None else {"Authorization": given}
        answer = await asking("127.0.0.1", self.TOKEN, **headers)
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, 'Bearer realm="metrics"')

    def test_a_short_token_is_refused_at_the_start(self, book):
        with pytest.raises(ValueError, match="16 characters"):
            book.database.api_settings(metrics_token="short")


class TestRoots:
    async def test_are_public_and_cacheable_and_tell_of_days_only(self, book):
        await book.sql(
            """insert into access.day_root (day, seal_number, hash, signed, signed_at)
               select '2026-03-0' || n, n, sha256('x'), 'a.b.c', now() from generate_series(1, 9) n"""
        )
        answer = await book.client.get("/audit/roots", params={"after": "2026-03-07"})
        told = answer.json()
        assert set(told) == {"issuer", "keys", "roots", "next"}
        assert told["keys"] == told["issuer"] + KEYS
        assert [root["day"] for root in told["roots"]] == ["2026-03-08", "2026-03-09"]
        assert set(told["roots"][0]) == {"day", "seal", "hash", "signed"}
        assert told["next"] is None

    async def test_are_paged_by_the_year(self, book):
        await book.sql(
            """insert into access.day_root (day, seal_number, hash, signed, signed_at)
               select (date '2026-01-01' + n)::text, 1, sha256('x'), 'a.b.c', now() from generate_series(0, 399) n"""
        )
        first = (await book.client.get("/audit/roots")).json()
        second = (await book.client.get(first["next"])).json()
        assert (len(first["roots"]), len(second["roots"]), second["next"]) == (366, 34, None)

    @pytest.mark.parametrize(
        "query",
        [
            *("after=", "after=x", "after=2026-1-1", "after=%00", "after=2026-01-01&after=2026-01-02"),
            *("after=20260101", "after=" + "9" * 5000, "after='", "after=%C3%A9", "after=2026-13-01"),
        ],
    )
    async def test_33_hostile_days_are_refused(self, book, query):
        assert (await book.client.get(f"/audit/roots?{query}")).status_code == 400


def test_names_that_an_answer_varies_by_are_told_once_however_they_came():
    told = secured([(b"vary", b"Accept-Encoding, origin"), (b"vary", b"Origin"), (b"content-type", b"text/plain")])
    assert [value for name, value in told if name == b"vary"] == [b"Accept-Encoding, Origin, Authorization"]


def test_what_may_be_kept_varies_by_nothing_of_ours():
    told = dict(secured([(b"cache-control", b"public, max-age=300")]))
    assert told[b"cache-control"] == b"public, max-age=300"
    assert b"vary" not in told


@pytest.mark.parametrize(
    ("own", "expected"),
    [
        ([], HEADERS["Content-Security-Policy"].encode()),
        ([(b"content-type", b"text/html; charset=utf-8")], PAGE_POLICY.encode()),
        ([(b"content-type", b"text/html"), (b"content-security-policy", b"mine")], b"mine"),
    ],
)
def test_a_page_without_a_policy_gets_that_of_pages_and_its_own_stays(own, expected):
    assert [value for name, value in secured(own) if name == b"content-security-policy"] == [expected]
