"""What an address says is what `urllib` reads in it, also where a document was decoded before."""

from urllib.parse import parse_qsl, quote, urlencode

import pytest
from hypothesis import given
from hypothesis import strategies as st
from starlette.requests import Request

from api.http.refusals import Refused
from api.http.requests import read_request

TEXT = st.text(st.characters(codec="utf-8"), max_size=60)


async def read(address: str) -> tuple[str | None, str | None]:
    """The document and the operation's name."""
    scope = {"type": "http", "method": "GET", "query_string": address.encode(), "headers": []}
    asked = await read_request(Request(scope))
    return asked.query, asked.operation_name


@given(query=TEXT, name=TEXT, spaces=st.sampled_from([quote, None]))
async def test_what_is_encoded_is_read(query: str, name: str, spaces: object) -> None:
    pairs = {"query": query, "operationName": name, "x": "1"}
    address = urlencode(pairs, quote_via=quote) if spaces else urlencode(pairs)
    assert await read(address) == (query, name or None)
    assert await read(f"&&{address}&") == (query, name or None)


@given(st.text(st.sampled_from("ab+%=;24eEC3A9"), max_size=20))
async def test_odd_addresses_mean_what_they_mean_to_urllib(value: str) -> None:
    try:
        expected = dict(parse_qsl(f"query={value}", keep_blank_values=True, errors="strict"))["query"]
    except UnicodeDecodeError:
        with pytest.raises(Refused):
            await read(f"query={value}")
        return
    assert (await read(f"query={value}"))[0] == expected


@pytest.mark.parametrize("name", ["%71uery", "quer%79"])
async def test_a_name_may_be_encoded_too(name: str) -> None:
    assert await read(f"{name}=%7Ba%7D") == ("{a}", None)
    with pytest.raises(Refused):
        await read(f"{name}=a&query=b")
