"""No log line of any request holds a name, a number, a token or the text of a query. Abuse case 32."""

import io
import json
import logging
import sys
from contextlib import redirect_stderr

import pytest

from cli.logs import OneLine, configure
from tests.api.access_log import CLINIC, DISPUTE, DOCTOR, LOG, READ, circle_of

NAME, CCCD, PHONE, MAIL = "Trần Thị Bí Mật", "001155000123", "0912345678", "bi.mat@example.vn"
SECRET = "s3cr3t-of-a-client"
QUERY_WORD = "aVeryOwnAlias"


@pytest.fixture
def lines(monkeypatch):
    """All that this process logs, of every library and every level, as the commands configure it."""
    import structlog

    kept = structlog.get_config()
    told = io.StringIO()
    handler = logging.StreamHandler(told)
    handler.setFormatter(OneLine())
    root = logging.getLogger()
    level = root.level
    with redirect_stderr(told):
        configure()
        structlog.configure(logger_factory=structlog.PrintLoggerFactory(told), cache_logger_on_first_use=False)
        root.addHandler(handler)
        root.setLevel(logging.DEBUG)
        yield told
    root.removeHandler(handler)
    root.setLevel(level)
    structlog.configure(**kept)
    assert sys.stderr is not told


async def drive(book, circle, tokens):
    """Requests of every kind, good and bad, with known values of people in every place a request has."""
    client = book.client
    phone, clinic = tokens
    await circle.read(phone)
    await circle.read(clinic)
    await book.post(LOG, phone, {"of": str(circle.patient)})
    await book.post(f"{{ {QUERY_WORD}: me {{ id }} }}", phone)
    await book.post(f'{{ {QUERY_WORD}: healthRecord(patientId: "{CCCD}") {{ patientId }} }}', phone)
    await book.post(DISPUTE, phone, {"id": CCCD, "why": NAME})
    await book.post(f"{{ broken {NAME} ", phone)
    await book.post(READ, phone, {"of": NAME})
    await client.post("/graphql", content=NAME.encode("utf-16"), headers={"Authorization": f"Bearer {phone}"})
    await client.post("/graphql", json={"query": NAME}, headers={"Authorization": f"Bearer {phone[:-4]}AAAA"})
    for path in ("/ingest/qd4750", "/ingest/fhir"):
        body = f"<GIAMDINHHS><HOTEN>{NAME}</HOTEN><SO_CCCD>{CCCD}</SO_CCCD>"
        await client.post(path, content=body.encode(), headers={"Authorization": f"Bearer {clinic}"})
    form = {"grant_type": "client_credentials", "client_id": PHONE, "client_secret": SECRET, "scope": NAME}
    await client.post("/oauth/token", data=form)
    await client.post("/oauth/token", content=f"grant_type={NAME}&grant_type={CCCD}".encode())
    await client.post("/oauth/introspect", data={"token": phone}, auth=(NAME.encode(), SECRET))
    await client.get("/oauth/authorize", params={"client_id": NAME, "login_hint": MAIL, "state": CCCD})
    await client.get("/login", params={"next": f"/{CCCD}", "lang": NAME})
    await client.post("/login", data={"citizen": CCCD, "code": PHONE, "to": MAIL})
    await client.get(f"/{CCCD}/{PHONE}", params={"name": NAME})
    await client.get("/audit/roots", params={"after": NAME})


async def faults(book, circle, tokens):
    """The same with a database that fails in the middle, so that errors of drivers with values in them arise."""
    phone, _ = tokens
    entry = (await circle.log(phone))[0]["id"]
    await book.sql(f"""create or replace function access.log_holds(p_at timestamptz, p_id uuid) returns uuid
        language plpgsql as $$ begin raise exception 'Key (name)=({NAME}) is already there'; end $$""")
    answer = await book.ask(DISPUTE, phone, {"id": entry, "why": NAME})
    assert answer["errors"][0]["message"] == "Unexpected error."
    await book.sql("alter function access.log_of rename to log_was")
    await book.sql("alter function access.day_roots rename to roots_were")
    await book.sql("alter table auth.client rename to client_was")
    await book.post(LOG, phone, {"of": str(book.citizens[0])})
    await book.client.get("/audit/roots", params={"after": "2026-01-01"})
    form = {"grant_type": "client_credentials", "client_id": PHONE, "client_secret": SECRET}
    await book.client.post("/oauth/token", data=form)
    await book.client.get("/oauth/authorize", params={"client_id": PHONE, "login_hint": MAIL})


async def test_32_no_log_line_tells_of_a_person_or_holds_a_secret(book, lines):
    circle = await circle_of(book)
    tokens = (await circle.phone(), await circle.facility())
    await drive(book, circle, tokens)
    await faults(book, circle, tokens)
    said = lines.getvalue()
    assert "unexpected" in said, "the faults were logged, so this test sees the lines"
    ((name,),) = await book.sql("select name from book.demographics limit 1")
    values = {NAME, CCCD, PHONE, MAIL, SECRET, QUERY_WORD, CLINIC, DOCTOR, name, *tokens}
    ids = {str(one) for one in (circle.patient, circle.citizen, circle.mother, circle.doctor)}
    parts = {part for token in tokens for part in token.split(".")[1:]}
    for value in values | ids | parts:
        assert value not in said
        assert json.dumps(value)[1:-1] not in said
    for line in said.splitlines():
        assert set(json.loads(line)) <= {"event", "level", "timestamp", "request_id", "kind", "trace"}
