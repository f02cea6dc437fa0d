"""What an operator can count, and that no series grows with what a request says of itself."""

import re
from datetime import timedelta

import httpx
import pytest
from prometheus_client import REGISTRY
from sqlalchemy.ext.asyncio import async_sessionmaker, create_async_engine
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.responses import PlainTextResponse
from starlette.routing import Mount, Route

from api.app import create_app
from api.metrics import BUCKETS, Measured
from auth.clients.registration import issue_demo_token, register_facility, register_phone
from auth.settings import AuthSettings
from auth.signing.keys import KeyStore
from cli.serve import ensure_keys
from cli.sessions import auth_session
from domain import organizations
from domain.patients import Citizen
from domain.values import new_id
from tests.conftest import sqlalchemy_url
from tests.domain.exchange.qd4750.builders import HEAD, TAIL

ISSUER = "http://127.0.0.1:8000"
AUTH = AuthSettings(issuer=ISSUER, audience=f"{ISSUER}/graphql", kek=bytes(32), demo_sign_in=True)


def count(name, **labels):
    return REGISTRY.get_sample_value(name, labels) or 0.0


def requests(route, status):
    return count("healthbook_http_request_seconds_count", route=route, status=status)


async def _greet(_request):
    return PlainTextResponse("hello")


async def _fail(_request):
    raise ValueError("a fault")


SMALL = Starlette(
    routes=[Route("/greet", _greet), Route("/fail", _fail), Mount("/under", Starlette(routes=[Route("/{x}", _greet)]))],
    middleware=[Middleware(Measured)],
)


@pytest.fixture
async def small():
    transport = httpx.ASGITransport(SMALL, raise_app_exceptions=False)
    async with httpx.AsyncClient(transport=transport, base_url=ISSUER) as client:
        yield client


@pytest.mark.parametrize(
    ("path", "route", "status"),
    [
        ("/greet", "/greet", "2xx"),
        ("/greet?patient=1", "/greet", "2xx"),
        ("/under/anything", "/under/", "2xx"),
        ("/fail", "/fail", "5xx"),
        ("/greet/001155000123", "other", "4xx"),
        ("/", "other", "4xx"),
        ("/under", "other", "3xx"),
        ("/%00%ff", "other", "4xx"),
    ],
)
async def test_counts_a_request_under_its_route_and_class_of_status(small, path, route, status):
    before = requests(route, status)
    await small.get(path)
    assert requests(route, status) == before + 1


async def test_a_made_up_path_makes_no_series(small):
    await small.get("/a-path-nobody-has")
    before = len(list(_series()))
    for number in range(20):
        await small.get(f"/001155{number:06}")
    assert len(list(_series())) == before


def _series():
    return (sample for metric in REGISTRY.collect() for sample in metric.samples)


@pytest.fixture
async def http(database):
    """The whole application on a database of its own."""
    addresses = database.addresses
    await ensure_keys(addresses, AUTH)
    settings = database.api_settings(connections=3)
    app = create_app(settings, AUTH)
    async with (
        app.router.lifespan_context(app),
        httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ISSUER) as client,
    ):
        yield client


@pytest.fixture
async def citizen_token(database, http):
    engine = create_async_engine(sqlalchemy_url(database.owner))
    sessions = async_sessionmaker(engine, expire_on_commit=False)
    citizen = Citizen(id=new_id())
    async with sessions() as session:
        session.add(citizen)
        await register_phone(session, "openid record:labs:read")
        ring = await KeyStore(sessions, AUTH.kek).ring()
        token = await issue_demo_token(
            session, ring, AUTH, citizen_id=citizen.id, scope="openid record:labs:read", life=timedelta(minutes=5)
        )
        await session.commit()
    await engine.dispose()
    return token


@pytest.fixture
async def facility_token(database, http, intake):
    async with intake.begin() as connection:
        await organizations.save(connection, [{"code": "01001", "name": "Bệnh viện Xanh", "kind": "hospital"}])
        known = await organizations.by_code(connection, ["01001"])
    addresses = database.addresses
    async with auth_session(addresses) as session:
        client = await register_facility(
            session, name="Bệnh viện Xanh", organization_id=known["01001"].id, scope="record:submit"
        )
        await session.commit()
    answer = await http.post(
        "/oauth/token",
        data={"grant_type": "client_credentials", "scope": "record:submit"},
        auth=(client.client_id, client.secret),
    )
    return answer.json()["access_token"]


@pytest.mark.parametrize(("query", "way"), [("{ healthRecord { patientId } }", "1"), ("{ me { clientId } }", "2")])
async def test_tells_the_exits_of_the_planner_apart(http, citizen_token, query, way):
    before = count("healthbook_graphql_reads_total", exit=way)
    headers = {"Authorization": f"Bearer {citizen_token}"}
    answer = await http.post("/graphql", json={"query": query}, headers=headers)
    assert answer.status_code == 200
    assert count("healthbook_graphql_reads_total", exit=way) == before + 1


async def test_counts_answer_lines_by_format_and_outcome(http, facility_token):
    before = {name: count("healthbook_ingested_total", format=name, outcome="refused") for name in ("qd4750", "fhir")}
    headers = {"Authorization": f"Bearer {facility_token}"}
    broken = HEAD + b"<HOSO><FILEHOSO><LOAIHOSO>XML1</LOAIHOSO></FILEHOSO></HOSO>" * 2 + TAIL
    lines = (await http.post("/ingest/qd4750", content=broken, headers=headers)).text.splitlines()
    assert len(lines) == 2
    assert (await http.post("/ingest/fhir", content=b"no bundle", headers=headers)).status_code == 422
    assert count("healthbook_ingested_total", format="qd4750", outcome="refused") == before["qd4750"] + 2
    assert count("healthbook_ingested_total", format="fhir", outcome="refused") == before["fhir"] + 1


async def test_metrics_shows_the_pool_and_nothing_of_a_person(http, citizen_token):
    await http.get("/oauth/authorize", params={"login_hint": "001155000123", "client_id": "a-client-of-somebody"})
    answer = await http.get("/metrics")
    assert answer.headers["content-type"].startswith("text/plain; version=")
    assert 'healthbook_record_connections{state="in_use"} 0.0' in answer.text
    assert re.search(r'healthbook_record_connections\{state="open"\} [1-3]\.0', answer.text)
    ours = [line for line in answer.text.splitlines() if line.startswith("healthbook_")]
    assert {name for line in ours for name in re.findall(r'[{,](\w+)="', line)} <= {
        *(
            "route",
            "status",
            "le",
            "exit",
            "format",
            "outcome",
            "state",
            "over",
            "field",
            "reason",
            "channel",
            "entrypoint",
        )
    }
    named = "\n".join(line.rpartition(" ")[0] for line in ours)  # without the values: any digits may stand there
    assert not re.search(r"[0-9a-f]{8}-[0-9a-f]{4}|001155|01001|somebody", named)


def test_buckets_tell_the_fast_from_the_slow_within_the_promised_50_ms():
    assert BUCKETS.index(0.05) >= 4
    assert list(BUCKETS) == sorted(BUCKETS)
