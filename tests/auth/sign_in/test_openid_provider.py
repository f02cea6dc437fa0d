"""What the national provider may answer, and how little of a bad answer healthbook reads: a liar on loopback."""

import asyncio
import gzip
import json
from contextlib import asynccontextmanager

import pytest

from auth.settings import NationalSettings
from auth.sign_in import openid_provider
from auth.sign_in.openid_provider import ANSWER_LIMIT_BYTES, OpenIDProvider, ProviderDown


class Liar:
    """Answers every path with what the test put there: status line and headers, then chunks of a body."""

    def __init__(self):
        self.issuer = ""
        self.answers = {}
        self.seen = []
        self.metadata = {}

    async def serve(self, reader, writer):
        head = (await reader.readuntil(b"\r\n\r\n")).decode()
        path = head.split(" ")[1]
        self.seen.append(head)
        status, headers, chunks = self.answers.get(path) or ("200 OK", {}, [self.document(path)])
        lines = [f"HTTP/1.1 {status}", "Connection: close", *(f"{name}: {value}" for name, value in headers.items())]
        writer.write("\r\n".join([*lines, "", ""]).encode())
        try:
            for chunk in chunks:
                writer.write(chunk)
                await writer.drain()
        except ConnectionError:
            pass
        finally:
            writer.close()

    def document(self, path):
        told = {
            "issuer": self.issuer,
            "authorization_endpoint": f"{self.issuer}/authorize",
            "token_endpoint": f"{self.issuer}/token",
            "jwks_uri": f"{self.issuer}/jwks",
            **self.metadata,
        }
        return json.dumps({"keys": [{"kty": "EC", "kid": "1"}]} if path == "/jwks" else told).encode()


@asynccontextmanager
async def lying():
    liar = Liar()
    server = await asyncio.start_server(liar.serve, "127.0.0.1", 0)
    liar.issuer = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    async with server:
        yield liar


@pytest.fixture
async def liar():
    async with lying() as one:
        yield one


def asking(liar):
    settings = NationalSettings(issuer=liar.issuer, client_id="healthbook", acr=("a",), client_secret="s")
    return OpenIDProvider(settings, "http://127.0.0.1:8000/login/national/callback")


DISCOVERY = "/.well-known/openid-configuration"


async def test_reads_the_metadata_once(liar):
    openid = asking(liar)
    assert (await openid.metadata()).jwks_uri == f"{liar.issuer}/jwks"
    assert (await openid.metadata()).algorithms == ("RS256",)
    assert len(liar.seen) == 1


@pytest.mark.parametrize(
    "metadata",
    [
        {"issuer": "https://evil.example"},
        {"issuer": None},
        {"token_endpoint": "http://10.0.0.1/token"},
        {"token_endpoint": "http://169.254.169.254/latest"},
        {"jwks_uri": "file:///etc/passwd"},
        {"jwks_uri": "http://[::1"},
        {"authorization_endpoint": "javascript:alert(1)"},
        {"authorization_endpoint": None},
        {"userinfo_endpoint": "http://evil.example"},
        {"token_endpoint": ["https://id.example.vn"]},
    ],
)
async def test_abuse_12_addresses_that_lead_elsewhere_are_refused(liar, metadata):
    liar.metadata = metadata
    with pytest.raises(ProviderDown):
        await asking(liar).metadata()


@pytest.mark.parametrize(
    "answer",
    [
        ("500 No", {}, [b"{}"]),
        ("404 No", {}, [b"{}"]),
        ("302 Found", {"Location": "http://127.0.0.1:1/"}, [b""]),
        ("200 OK", {}, [b"not json"]),
        ("200 OK", {}, [b"[]"]),
        ("200 OK", {}, [b"\xff\xfe"]),
        ("200 OK", {}, [b"[" * 100_000]),
        ("200 OK", {"Content-Length": "nine"}, [b"{}"]),
        ("200 OK", {"Content-Encoding": "gzip"}, [gzip.compress(b"{}")]),
        ("HTTP", {}, [b""]),
    ],
)
async def test_other_answers_are_no_answer(liar, answer):
    liar.answers[DISCOVERY] = answer
    with pytest.raises(ProviderDown):
        await asking(liar).metadata()
    assert len(liar.seen) == 1


async def test_an_endless_answer_is_read_no_further_than_the_limit(liar):
    sent = 0

    def endless():
        nonlocal sent
        while sent < 100 * ANSWER_LIMIT_BYTES:
            sent += 65_536
            yield b" " * 65_536

    liar.answers[DISCOVERY] = ("200 OK", {}, endless())
    with pytest.raises(ProviderDown):
        await asking(liar).metadata()
    assert sent < 50 * ANSWER_LIMIT_BYTES


async def test_a_silent_provider_is_given_up(liar, monkeypatch):
    monkeypatch.setattr(openid_provider, "CALL_LIMIT_S", 0.2)

    async def serve(reader, writer):
        await reader.read()
        writer.close()

    async with await asyncio.start_server(serve, "127.0.0.1", 0) as server:
        liar.issuer = f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"
        with pytest.raises(ProviderDown):
            await asking(liar).metadata()


async def test_keys_are_read_again_for_an_unknown_kid_but_not_at_every_token(liar, monkeypatch):
    openid = asking(liar)
    await openid.keys()
    await openid.keys(unknown_kid=True)
    assert [head.split(" ")[1] for head in liar.seen] == [DISCOVERY, "/jwks"]
    monkeypatch.setattr(openid_provider, "_KEYS_AGAIN_S", -1.0)
    await openid.keys()
    await openid.keys(unknown_kid=True)
    assert [head.split(" ")[1] for head in liar.seen] == [DISCOVERY, "/jwks", "/jwks"]


@pytest.mark.parametrize(
    "told", [{}, {"id_token": 7, "access_token": "a"}, {"id_token": "a"}, {"error": "server_error"}, {"error": ["x"]}]
)
async def test_a_token_answer_without_tokens_is_no_answer(liar, told):
    liar.answers["/token"] = ("200 OK", {}, [json.dumps(told).encode()])
    with pytest.raises(ProviderDown):
        await asking(liar).redeem("code", "verifier")


async def test_the_secret_goes_to_the_token_endpoint_as_the_provider_wants_it(liar):
    liar.answers["/token"] = ("200 OK", {}, [b'{"access_token": "a", "token_type": "Bearer", "id_token": "i"}'])
    assert (await asking(liar).redeem("code", "verifier")).id_token == "i"
    assert "authorization: Basic" in liar.seen[-1].replace("Authorization", "authorization")
    liar.metadata = {"token_endpoint_auth_methods_supported": ["client_secret_post"]}
    await asking(liar).redeem("code", "verifier")
    assert "authorization:" not in liar.seen[-1].lower()
