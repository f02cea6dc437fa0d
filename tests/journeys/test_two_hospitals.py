"""Two hospitals send one person; she signs in on her phone and reads one book. Another citizen reads nothing of it."""

import json
from contextlib import asynccontextmanager
from uuid import UUID, uuid4

import asyncpg
import httpx
import pytest
from sqlalchemy.ext.asyncio import AsyncSession

from api.app import create_app, record_scopes
from auth.clients.registration import register_phone
from auth.settings import AuthSettings
from cli.serve import ensure_keys
from domain.database import open_engine
from domain.exchange import fhir_systems as systems
from domain.patients import Citizen
from domain.values import new_id
from tests.api.facilities import FHIR, facility_of
from tests.auth.flows import ISSUER, Phone
from tests.domain.exchange.qd4750.builders import envelope
from tests.domain.intake.people_and_visits import CHAM, HOSPITAL, LAM, STATION, patient_of, rows, told

AUTH = AuthSettings(issuer=ISSUER, audience=f"{ISSUER}/graphql", kek=b"k" * 32, demo_sign_in=True)
SEEN = ("20250610", "2025-06-10")
AT_STATION = {
    "facility": STATION,
    "NGAY_VAO": f"{SEEN[0]}0815",
    "NGAY_RA": f"{SEEN[0]}0900",
    "MA_BENH_CHINH": "J00",
    "LY_DO_VV": "Sốt, đau họng, nghẹt mũi",
}
SCOPE = " ".join(["openid", *record_scopes()])
RECORD = """{ healthRecord {
  patientId
  demographics { name birthDate sources { organizationName } }
  encounters(first: 20 %s) { totalCount nodes {
    id episode occurred reason supersededAt sources { organizationCode document } } }
  labs(first: 20) { totalCount nodes { id display value unit sources { organizationCode } } }
  prescriptions(first: 20) { totalCount nodes { id } }
  vitals(first: 20) { totalCount nodes { id } }
} }"""


def bundle():
    """The station's visit once more, as FHIR, with a finding that its QĐ 4750 file does not have."""
    patient = {
        "resourceType": "Patient",
        "id": "p",
        "identifier": [{"system": systems.CCCD, "value": CHAM["SO_CCCD"]}],
        "name": [{"text": "Nguyễn Thị Chàm"}],
        "birthDate": "1955-03-14",
        "gender": "female",
    }
    encounter = {
        "resourceType": "Encounter",
        "id": "e",
        "identifier": [{"system": systems.EPISODE + STATION, "value": "W1"}],
        "status": "finished",
        "class": {"system": systems.ACT_CODE, "code": "AMB"},
        "subject": {"reference": "Patient/p"},
        "period": {"start": f"{SEEN[1]}T08:15:00+07:00", "end": f"{SEEN[1]}T09:00:00+07:00"},
        "reasonCode": [{"text": "Sốt, đau họng, nghẹt mũi"}],
    }
    finding = {
        "resourceType": "Observation",
        "id": "o",
        "status": "final",
        "category": [{"coding": [{"system": systems.OBSERVATION_CATEGORY, "code": "laboratory"}]}],
        "code": {"coding": [{"system": systems.LOINC, "code": "718-7"}], "text": "Huyết sắc tố"},
        "subject": {"reference": "Patient/p"},
        "encounter": {"reference": "Encounter/e"},
        "effectiveDateTime": f"{SEEN[1]}T08:40:00+07:00",
        "valueQuantity": {"value": 13.5, "unit": "g/dL"},
    }
    entries = [{"resource": one} for one in (patient, encounter, finding)]
    return json.dumps({"resourceType": "Bundle", "type": "collection", "entry": entries}).encode()


@asynccontextmanager
async def browser(app):
    """A browser or a phone with cookies of its own."""
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url=ISSUER) as client:
        yield client


@pytest.fixture
async def app(database):
    addresses = database.addresses
    await ensure_keys(addresses, AUTH)
    settings = database.api_settings(connections=3)
    made = create_app(settings, AUTH)
    async with made.router.lifespan_context(made):
        yield made


@pytest.fixture
async def hospitals(app, database):
    async with browser(app) as client:
        yield (
            await facility_of(client, database, HOSPITAL, "Bệnh viện Đa khoa Sen Hồng"),
            await facility_of(client, database, STATION, "Trạm Y tế Cúc Vàng"),
        )


@pytest.fixture
async def sent(hospitals):
    """What both hospitals sent: three visits of two people, one of them in both formats."""
    hospital, station = hospitals
    lines = await hospital.file(envelope(told("V1"), told("V2", LAM)))
    lines += await station.file(envelope(told("W1", **AT_STATION)))
    assert [line["status"] for line in lines] == ["accepted"] * 3
    answer = await station.post(FHIR, bundle())
    assert answer.status_code == 200, answer.text
    return hospital, station


@pytest.fixture
async def citizens(sent, database):
    """Two people who may sign in: she whom both hospitals saw, and he whom one saw."""
    del sent
    hers, his = await patient_of(database.owner, "V1"), await patient_of(database.owner, "V2")
    engine = open_engine(database.owner)
    async with AsyncSession(engine) as session:
        made = [
            Citizen(id=new_id(), patient_id=hers, demo_label="Nguyễn Thị Chàm | hai nơi khám"),
            Citizen(id=new_id(), patient_id=his, demo_label="Trần Văn Lam | một nơi khám"),
        ]
        session.add_all(made)
        await register_phone(session, SCOPE)
        ids = [one.id for one in made]
        await session.commit()
    await engine.dispose()
    return ids


class Reader:
    """A citizen's phone after sign-in and consent."""

    def __init__(self, client, token):
        self.client, self.token = client, token

    async def ask(self, query, **variables):
        headers = {"Authorization": f"Bearer {self.token}"}
        answer = await self.client.post("/graphql", json={"query": query, "variables": variables}, headers=headers)
        assert answer.status_code == 200, answer.text
        return answer.json()

    async def record(self, options=""):
        answer = await self.ask(RECORD % options)
        assert "errors" not in answer
        return answer["data"]["healthRecord"]


@asynccontextmanager
async def signed_in(app, citizen_id):
    """Through the pages: sign-in, consent to every section, code, token."""
    async with browser(app) as client:
        phone = Phone(client, citizen_id)
        tokens = await phone.tokens(scope=SCOPE, ticked=tuple(record_scopes()))
        yield Reader(client, tokens["access_token"])


async def test_she_reads_one_book_where_each_visit_stands_once_with_its_sources(app, citizens):
    async with signed_in(app, citizens[0]) as she:
        record = await she.record()
    assert record["demographics"]["name"].casefold() == "nguyễn thị chàm"
    assert {one["organizationName"] for one in record["demographics"]["sources"]} == {
        "Bệnh viện Đa khoa Sen Hồng",
        "Trạm Y tế Cúc Vàng",
    }
    visits = {
        node["episode"]: {(one["organizationCode"], one["document"]) for one in node["sources"]}
        for node in record["encounters"]["nodes"]
    }
    assert record["encounters"]["totalCount"] == 2
    assert visits == {"V1": {(HOSPITAL, "XML1")}, "W1": {(STATION, "XML1"), (STATION, "Encounter")}}


async def test_she_reads_vietnamese_as_it_was_sent(app, citizens):
    async with signed_in(app, citizens[0]) as she:
        record = await she.record()
    reasons = {node["episode"]: node["reason"] for node in record["encounters"]["nodes"]}
    assert reasons["W1"] == "Sốt, đau họng, nghẹt mũi"


async def test_one_result_that_both_tell_stands_once_with_both(app, citizens):
    async with signed_in(app, citizens[0]) as she:
        nodes = (await she.record())["labs"]["nodes"]
    told_by = [(node["display"], {one["organizationCode"] for one in node["sources"]}) for node in nodes]
    assert sorted(told_by) == [("HbA1c", {HOSPITAL, STATION}), ("Huyết sắc tố", {STATION})]


async def test_all_of_it_again_changes_nothing(app, citizens, sent):
    hospital, station = sent
    async with signed_in(app, citizens[0]) as she:
        before = await she.record()
        lines = await hospital.file(envelope(told("V1"), told("V2", LAM)))
        lines += await station.file(envelope(told("W1", **AT_STATION)))
        assert [line["status"] for line in lines] == ["unchanged"] * 3
        assert (await station.post(FHIR, bundle())).json()["issue"][0]["diagnostics"].startswith("unchanged")
        assert await she.record() == before


async def test_she_sees_a_correction_and_can_still_read_what_stood_before(app, citizens, sent):
    hospital, _ = sent
    async with signed_in(app, citizens[0]) as she:
        lines = await hospital.file(envelope(told("V1", LY_DO_VV="Chóng mặt")))
        assert [line["status"] for line in lines] == ["superseded"]
        now = (await she.record())["encounters"]
        whole = (await she.record(", includeSuperseded: true"))["encounters"]
    assert now["totalCount"] == 2
    assert {node["episode"]: node["reason"] for node in now["nodes"]}["V1"] == "Chóng mặt"
    old = [node for node in whole["nodes"] if node["supersededAt"]]
    assert [(node["episode"], node["reason"]) for node in old] == [("V1", None)]


def ids_in(record):
    return [
        node["id"] for part in record.values() if isinstance(part, dict) for node in part.get("nodes", ()) if node["id"]
    ]


async def test_another_citizen_reads_nothing_of_hers(app, citizens):
    async with signed_in(app, citizens[0]) as she, signed_in(app, citizens[1]) as he:
        hers, his = await she.record(), await he.record()
        assert len(ids_in(hers)) > len(ids_in(his)) > 0
        assert not set(ids_in(hers)) & set(ids_in(his))
        assert (his["encounters"]["totalCount"], his["demographics"]["name"]) == (1, LAM["HO_TEN"])
        node = "query ($id: ID!) { node(id: $id) { id } }"
        for id_ in ids_in(hers):
            assert (await she.ask(node, id=id_))["data"]["node"] == {"id": id_}
            answer = await he.ask(node, id=id_)
            assert answer["data"] == {"node": None}
            assert [one["extensions"] for one in answer["errors"]] == [{"code": "NOT_FOUND"}]
        by_patient = "query ($id: ID) { healthRecord(patientId: $id) { labs { totalCount } } }"
        refused = await he.ask(by_patient, id=hers["patientId"])
        assert refused == await he.ask(by_patient, id=str(uuid4()))
        assert refused["data"] == {"healthRecord": None}
        assert [
            one["relation"] for one in (await he.ask("{ me { patients { relation } } }"))["data"]["me"]["patients"]
        ] == ["self"]


async def test_what_she_did_not_tick_stays_closed(app, citizens):
    async with browser(app) as client:
        tokens = await Phone(client, citizens[0]).tokens(scope=SCOPE, ticked=("record:demographics:read",))
        she = Reader(client, tokens["access_token"])
        answer = await she.ask("{ healthRecord { demographics { name } labs { totalCount } } }")
    assert answer["data"]["healthRecord"]["demographics"]["name"]
    assert answer["data"]["healthRecord"]["labs"] is None
    assert [one["extensions"]["code"] for one in answer["errors"]] == ["INSUFFICIENT_SCOPE"]


RELATIONS = """
select format('%I.%I', n.nspname, c.relname)
  from pg_class c join pg_namespace n on n.oid = c.relnamespace
 where c.relkind in ('r', 'p', 'v', 'm') and n.nspname not in ('pg_catalog', 'information_schema', 'pg_toast')
 order by 1"""


async def test_a_raw_connection_of_the_runtime_role_reads_nothing_at_all(citizens, database):
    relations = await rows(database.owner, RELATIONS)
    filled = [table for table in relations if await rows(database.owner, f"select 1 from {table} limit 1")]
    assert {"book.encounters", "book.patient", "access.citizen", "auth.client", "intake.source_record"} <= set(filled)
    connection = await asyncpg.connect(database.web)
    try:
        for table in relations:
            assert await read_by(connection, table) == []
        assert await connection.fetchval("select access.me($1)", UUID(int=0)) is None
    finally:
        await connection.close()


async def read_by(connection, table):
    """What the role gets of a table: nothing, refused or not."""
    try:
        return await connection.fetch(f"select * from {table}")
    except (asyncpg.InsufficientPrivilegeError, asyncpg.UndefinedObjectError):
        return []
