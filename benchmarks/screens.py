"""What each server is asked for each screen: the same question, in the words that it offers for it.

    deep = requests(server, "deep", people)     # a Request a patient; cursors are the server's own

Pages further down and synchronisation need a cursor, which is asked of the server first.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import httpx

from benchmarks import postgraphile
from benchmarks.patients import Reader
from benchmarks.servers import Server

HERE = Path(__file__).parent
PAGES = 3  # that are turned before the deep one


@dataclass(frozen=True, slots=True)
class Screen:
    """`document` is the stem of the query's files, `servers` are those that can be asked, by so many `connections`."""

    title: str
    document: str
    servers: tuple[str, ...]
    connections: int = 16


HANDWRITTEN = ("handwritten", "handwritten_few")
EVERYBODY = ("healthbook", "handwritten", "postgraphile", "orm")
SCREENS = {
    "record": Screen("Whole record", "record", (*EVERYBODY, "handwritten_few")),
    "home": Screen("Home screen", "home", EVERYBODY, connections=32),
    "section": Screen("One section, 20 items", "section", EVERYBODY),
    "deep": Screen("The same, items 61 to 80", "section", EVERYBODY),
    "sync": Screen("`changes` of four sections, nothing new", "sync", ("healthbook", "handwritten")),
}


@dataclass(frozen=True, slots=True)
class Request:
    """`body` is JSON, `token` goes into the header; None where there is none."""

    method: str
    path: str
    token: str | None = None
    body: str | None = None

    @property
    def line(self) -> str:
        """As wrk's script reads it (requests.lua)."""
        return "\t".join((self.method, self.path, self.token or "-", self.body or "-"))

    def send(self, client: httpx.Client, origin: str) -> httpx.Response:
        headers = {"Accept-Encoding": "identity"}
        if self.token is not None:
            headers["Authorization"] = f"Bearer {self.token}"
        if self.body is not None:
            headers["Content-Type"] = "application/json"
        return client.request(self.method, origin + self.path, content=self.body, headers=headers).raise_for_status()


def query(document: str, server: str = "healthbook") -> str:
    return postgraphile.query(document) if server == "postgraphile" else (HERE / f"{document}.graphql").read_text()


def requests(server: Server, screen: str, people: Sequence[Reader]) -> list[Request]:
    with httpx.Client(timeout=60) as client:
        return [_request(server, screen, one, _cursor(client, server, screen, one)) for one in people]


def _request(server: Server, screen: str, one: Reader, more: dict[str, str]) -> Request:
    if server.name in HANDWRITTEN:
        told = urlencode({"patient": str(one.patient), **more})
        return Request("GET", f"/{screen}?{told}")
    variables = {"patientId": str(one.patient), **more}
    body = json.dumps({"query": query(SCREENS[screen].document, server.name), "variables": variables})
    return Request("POST", "/graphql", one.token if server.name == "healthbook" else None, body)


def _cursor(client: httpx.Client, server: Server, screen: str, one: Reader) -> dict[str, str]:
    """The variable with which the screen goes on."""
    match screen:
        case "deep":
            return {"after": _turned(client, server, one)}
        case "sync":
            return {"since": _kept(client, server, one)}
        case _:
            return {}


def _turned(client: httpx.Client, server: Server, one: Reader) -> str:
    more: dict[str, str] = {}
    for _ in range(PAGES):
        screen = "deep" if more else "section"
        page = page_of(_request(server, screen, one, more).send(client, server.origin).json())["pageInfo"]
        if more and not page["hasNextPage"]:
            break  # of a short list the page before the last
        more = {"after": page["endCursor"]}
    return more["after"]


def page_of(answer: dict[str, Any]) -> Any:
    """The one section in an answer."""
    (record,) = answer["data"].values()
    (page,) = record.values()
    return page


def _kept(client: httpx.Client, server: Server, one: Reader) -> str:
    """Where a phone stands that has everything."""
    more: dict[str, str] = {}
    while True:
        told = _request(server, "sync", one, more).send(client, server.origin).json()["data"]["changes"]
        more = {"since": told["cursor"]}
        if not told["hasMore"]:
            return more["since"]
