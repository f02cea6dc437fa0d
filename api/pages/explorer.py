"""GraphiQL for developers, opened with a token. In the demo only: its scripts come from a content network."""

import json
from functools import cache
from pathlib import Path

import strawberry
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response
from starlette.routing import Route

PAGE = Path(strawberry.__file__).parent / "static" / "graphiql.html"
QUERY = """# Your book, in one request. More fields: the book symbol on the left.
{
  me { patients { patientId relation } }
  healthRecord {
    demographics { name birthDate }
    conditions { display occurred sources { organizationName } }
    labs(first: 5) { nodes { display value unit occurred } }
  }
}
"""
CHANGES = {
    'const fetchURL = window.location.href.split("?")[0];': 'const fetchURL = "/graphql";',
    "React.useState(parameters.headers)": "React.useState(HEADERS)",
    "parameters.q || EXAMPLE_QUERY": "parameters.q || QUERY",
}


def routes(token: str | None) -> list[Route]:
    if token is None:
        return []

    async def graphiql(_request: Request) -> Response:
        return HTMLResponse(page(token))

    return [Route("/graphiql", graphiql)]


@cache
def page(token: str) -> str:
    """Strawberry's GraphiQL page, pointed at our endpoint, with the token in its header editor and a first query."""
    html = PAGE.read_text()
    headers = json.dumps(json.dumps({"Authorization": f"Bearer {token}"}))
    for old, new in CHANGES.items():
        if old not in html:
            raise RuntimeError("Strawberry's GraphiQL page has changed; mend api/pages/explorer.py")
        html = html.replace(old, new.replace("HEADERS", headers).replace("QUERY", json.dumps(QUERY)))
    return html
