"""Content codings (RFC 9110 12.5.3): only what the client takes, and the same words in each."""

import gzip

import brotli
import pytest

from api.http.media import GRAPHQL

READ = "{ healthRecord { labs(first: 40) { nodes { id display value } } } }"


@pytest.fixture
async def ask(book):
    token = await book.token(book.citizens[0])

    async def ask(encoding, query=READ):
        headers = {"Authorization": f"Bearer {token}", "Accept": GRAPHQL, "Accept-Encoding": encoding}
        request = book.client.build_request("POST", "/graphql", json={"query": query}, headers=headers)
        answer = await book.client.send(request, stream=True)
        return answer, b"".join([part async for part in answer.aiter_raw()])

    return ask


@pytest.mark.parametrize(
    ("encoding", "coding"),
    [
        ("zstd, br, gzip", "zstd"),
        ("br, gzip", "br"),
        ("gzip;q=0.5", "gzip"),
        ("zstd;q=0, br;q=0.0, gzip;q=1", "gzip"),
        ("gzip;q=0, *;q=0.5", "zstd"),
        ("zstd;q=0, *", "br"),
        ("GZIP", "gzip"),
        ("gzip;q=0", None),
        ("*;q=0", None),
        ("identity", None),
        ("deflate", None),
        ("", None),
    ],
)
async def test_the_client_gets_a_coding_it_takes(ask, encoding, coding):
    answer, raw = await ask(encoding)
    assert answer.headers.get("content-encoding") == coding
    assert "accept-encoding" in answer.headers["vary"].lower()
    assert int(answer.headers["content-length"]) == len(raw)


async def test_every_coding_says_the_same(ask):
    _, plain = await ask("identity")
    assert gzip.decompress((await ask("gzip"))[1]) == plain
    assert brotli.decompress((await ask("br"))[1]) == plain


async def test_a_short_answer_is_not_worth_it(ask):
    answer, _ = await ask("gzip", "{ __typename }")
    assert "content-encoding" not in answer.headers
