"""A facility's own system sends over HTTP: who may, one answer line a visit, and what bad input gets."""

import gzip
import json
import re

import pytest

from domain.exchange import fhir_systems as systems
from tests.api.facilities import FHIR, HEADERS, QD4750, Facility, facility_of
from tests.domain.exchange.qd4750.builders import HEAD, SUMMARY, TAIL, envelope, filehoso, hoso, inner
from tests.domain.intake.people_and_visits import CHAM, HOSPITAL, LAM, NO_CARD, STATION, told

PERSON = ("CHÀM", "Chàm", "001155000123")


@pytest.fixture
async def hospital(book):
    return await facility_of(book.client, book.database, HOSPITAL)


async def send(hospital, *visits):
    return await hospital.file(envelope(*visits))


def statuses(lines):
    return [line["status"] for line in lines]


def places(line):
    """Severity, code and place of each finding."""
    return {(i["severity"], i["code"], i["table"], i["row"], i["field"]) for i in line["issues"]}


async def test_one_line_a_visit_in_the_order_sent(hospital):
    lines = await send(hospital, told("V1"), told("V2", LAM))
    assert [(line["position"], line["key"], line["status"]) for line in lines] == [
        (1, "V1", "accepted"),
        (2, "V2", "accepted"),
    ]
    assert list(lines[0]) == ["position", "key", "status", "kept", "issues"]


async def test_the_same_visit_twice_changes_nothing(hospital, book):
    assert statuses(await send(hospital, told("V1"), told("V1"))) == ["accepted", "unchanged"]
    assert statuses(await send(hospital, told("V1"))) == ["unchanged"]
    (found,) = await book.sql("select count(*) from intake.source_record where key = 'V1'")
    assert found["count"] == 1


async def test_a_bad_visit_stops_no_neighbour(hospital):
    lines = await send(hospital, told("V1"), told("V2", LAM, NGAY_VAO="202513450730"), told("V3"))
    assert statuses(lines) == ["accepted", "refused", "accepted"]
    assert ("error", "value", "XML1", 1, "NGAY_VAO") in places(lines[1])


async def test_what_was_refused_is_kept_with_its_client(hospital, book):
    await send(hospital, told("V2", LAM, NGAY_VAO="202513450730"))
    (kept,) = await book.sql("select key, client_id, content, replayed_at from intake.refusal where key = 'V2'")
    assert kept["client_id"]
    assert kept["replayed_at"] is None
    assert kept["content"] == told("V2", LAM, NGAY_VAO="202513450730")


async def reader(book, number):
    """A token for the citizen who is this patient, signed in for the first time."""
    (row,) = await book.sql(
        """select distinct l.patient_id from intake.link l join intake.source_record s on s.id = l.source_id
           where s.key = $1 and l.undone_at is null""",
        number,
    )
    citizen = book.citizens[-1]
    await book.sql("update access.citizen set patient_id = $1 where id = $2", row["patient_id"], citizen)
    return await book.token(citizen)


ENCOUNTERS = "{ healthRecord { encounters(first: 9%s) { totalCount nodes { episode reason supersededAt } } } }"


async def test_a_corrected_visit_replaces_and_the_old_one_stays_readable(hospital, book):
    await send(hospital, told("V1", LY_DO_VV="Đau đầu"))
    assert statuses(await send(hospital, told("V1", LY_DO_VV="Đau đầu, chóng mặt"))) == ["superseded"]
    token = await reader(book, "V1")
    now = (await book.ask(ENCOUNTERS % "", token))["data"]["healthRecord"]["encounters"]
    assert [node["reason"] for node in now["nodes"]] == ["Đau đầu, chóng mặt"]
    assert now["nodes"][0]["supersededAt"] is None
    whole = (await book.ask(ENCOUNTERS % ", includeSuperseded: true", token))["data"]["healthRecord"]["encounters"]
    assert {node["reason"]: node["supersededAt"] is None for node in whole["nodes"]} == {
        "Đau đầu": False,
        "Đau đầu, chóng mặt": True,
    }


async def test_a_facility_sends_its_own_visits_only(hospital, book):
    lines = await send(hospital, told("W1", facility=STATION), told("V1"))
    assert statuses(lines) == ["refused", "accepted"]
    assert ("error", "security", "XML1", 1, "MA_CSKCB") in places(lines[0])
    assert await book.sql("select 1 from intake.source_record where key = 'W1'") == []


async def test_two_people_under_one_number_are_never_merged(hospital, book):
    other = LAM | {"SO_CCCD": CHAM["SO_CCCD"]}
    await send(hospital, told("V1"), told("V2", other))
    rows = await book.sql(
        """select l.patient_id from intake.link l join intake.source_record s on s.id = l.source_id
           where s.key in ('V1', 'V2') and l.undone_at is null"""
    )
    assert len({row["patient_id"] for row in rows}) == 2


# Who may


@pytest.mark.parametrize("path", [QD4750, FHIR])
async def test_no_token_is_401_and_names_no_error(book, path):
    answer = await book.client.post(path, content=envelope(told("V1")))
    assert answer.status_code == 401
    assert answer.headers["www-authenticate"].startswith('Bearer realm="healthbook"')


@pytest.mark.parametrize("path", [QD4750, FHIR])
async def test_a_citizens_token_is_403_and_stores_nothing(book, path):
    token = await book.token(book.citizens[0])
    answer = await Facility(book.client, token).post(path, envelope(told("V1")))
    assert answer.status_code == 403
    assert 'error="insufficient_scope", scope="record:submit"' in answer.headers["www-authenticate"]
    assert await book.sql("select 1 from intake.source_record where key = 'V1'") == []


async def test_the_scope_alone_does_not_make_a_facility(book):
    token = await book.token(book.citizens[0], scope="record:submit")
    answer = await Facility(book.client, token).post(QD4750, envelope(told("V1")))
    assert answer.status_code == 403
    assert await book.sql("select 1 from intake.source_record where key = 'V1'") == []


@pytest.mark.parametrize(
    "ending",
    [
        "update auth.token_grant set revoked_at = now(), revoke_reason = 'test'",
        "update auth.token_grant set expires_at = created_at + interval '1 microsecond'",
        "update auth.client set status = 'suspended'",
    ],
)
@pytest.mark.parametrize("path", [QD4750, FHIR])
async def test_a_grant_that_has_ended_is_401(book, hospital, path, ending):
    assert statuses(await send(hospital, told("V1"))) == ["accepted"]
    await book.sql(ending)
    answer = await hospital.post(path, envelope(told("V2")))
    assert answer.status_code == 401
    assert 'error="invalid_token"' in answer.headers["www-authenticate"]
    assert await book.sql("select 1 from intake.source_record where key = 'V2'") == []


async def test_only_post(hospital):
    answer = await hospital.client.get(QD4750, headers={"Authorization": f"Bearer {hospital.token}"})
    assert answer.status_code == 405


# How much


@pytest.fixture
def small(monkeypatch):
    monkeypatch.setattr("api.app.INGEST_BYTES", 20_000)


async def pieces(content):
    for at in range(0, len(content), 1000):
        yield content[at : at + 1000]


@pytest.mark.usefixtures("small")
@pytest.mark.parametrize("path", [QD4750, FHIR])
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_over_the_limit_is_413_and_stores_nothing(hospital, book, path, chunked):
    content = envelope(*(told(f"L{n}") for n in range(9)))
    assert len(content) > 20_000
    answer = await hospital.post(path, pieces(content) if chunked else content)
    assert answer.status_code == 413
    assert answer.headers["content-type"] == "application/problem+json"
    assert await book.sql("select 1 from intake.source_record where key like 'L%'") == []


async def test_a_length_that_is_no_number_is_400(hospital):
    assert (await hospital.post(QD4750, b"x", **{"Content-Length": "-1"})).status_code == 400


async def test_a_large_file_comes_in_pieces(hospital):
    """More than one batch, and more than what is held in memory."""
    content = envelope(*(told(f"L{n}", DU_PHONG="x" * 6000) for n in range(120)))
    assert len(content) > 1024 * 1024
    answer = await hospital.post(QD4750, pieces(content))
    assert [json.loads(line)["position"] for line in answer.text.splitlines()] == list(range(1, 121))


# Bad files

BOMB = b"".join(b'<!ENTITY l%d "%s">' % (n, b"&l%d;" % (n - 1) * 10) for n in range(1, 10))
DOCTYPES = {
    "bomb": b'<!DOCTYPE x [<!ENTITY l0 "ha">' + BOMB + b"]>",
    "external": b'<!DOCTYPE x [<!ENTITY e SYSTEM "file:///etc/passwd">]>',
    "outside": b'<!DOCTYPE GIAMDINHHS SYSTEM "http://127.0.0.1:1/x.dtd">',
    "plain": b"<!DOCTYPE GIAMDINHHS>",
}


@pytest.mark.parametrize("doctype", DOCTYPES.values(), ids=DOCTYPES)
async def test_a_file_that_declares_anything_is_not_read(hospital, doctype):
    head, rest = HEAD.split(b"\n", 1)
    (line,) = await hospital.file(head + doctype + rest + told("V1") + TAIL)
    assert line["status"] == "refused"
    assert "root:" not in json.dumps(line)


async def test_an_inner_file_that_declares_anything_refuses_its_visit_alone(hospital):
    inside = inner("XML1", {**SUMMARY, "MA_LK": "V1"}).replace(b"?>", b"?>" + DOCTYPES["bomb"])
    lines = await send(hospital, hoso(filehoso("XML1", inside)), told("V2"))
    assert statuses(lines) == ["refused", "accepted"]


async def test_what_came_before_a_cut_is_stored_and_the_break_is_a_line(hospital):
    lines = await hospital.file(envelope(told("V1"), told("V2", LAM))[: -len(TAIL) - 40])
    assert statuses(lines) == ["accepted", "refused"]
    assert lines[1]["position"] == 2
    assert lines[1]["issues"]


@pytest.mark.parametrize("content", [b"", b"\x00" * 50, b"GIAMDINHHS", b"{}", HEAD[:60], gzip.compress(HEAD + TAIL)])
async def test_what_is_no_such_file_is_one_refused_line(hospital, content):
    assert statuses(await hospital.file(content)) == ["refused"]


BROKEN_VISITS = {
    "wrong base64": told("V1").replace(b"<NOIDUNGFILE>", b"<NOIDUNGFILE>!!", 1),
    "half of the base64": re.sub(rb"(<NOIDUNGFILE>.{41})[^<]*", rb"\1", told("V1"), count=1),
    "no key": told(""),
    "an inner file that is cut": hoso(filehoso("XML1", inner("XML1", SUMMARY)[:-30])),
    "an encoding that is not its own": hoso(filehoso("XML1", inner("XML1", SUMMARY).replace("Ễ".encode(), b"\xff"))),
    "an encoding nobody has": hoso(filehoso("XML1", inner("XML1", SUMMARY).replace(b"utf-8", b"x-none"))),
    "another visit's row": told("V1").replace(
        b"</HOSO>", filehoso("XML2", inner("XML2", {"MA_LK": "V9"})) + b"</HOSO>"
    ),
    "no admission that ever was": told("V1", NGAY_VAO="202502300730"),
}


@pytest.mark.parametrize("visit", BROKEN_VISITS.values(), ids=BROKEN_VISITS)
async def test_a_broken_visit_is_refused_alone_with_its_place(hospital, visit):
    lines = await send(hospital, visit, told("V2", LAM))
    assert statuses(lines) == ["refused", "accepted"]
    errors = [issue for issue in lines[0]["issues"] if issue["severity"] == "error"]
    assert errors
    assert not any(word in json.dumps(lines, ensure_ascii=False) for word in (*PERSON, "HOÀ XANH"))
    assert all(issue["table"].startswith(("XML", "HOSO", "FILEHOSO", "GIAMDINHHS")) for issue in errors)


DOUBTS = {
    "an unknown code": ({"MA_LOAI_KCB": "97"}, "MA_LOAI_KCB"),
    "a number of the other sex": ({"GIOI_TINH": "1"}, "SO_CCCD"),
    "a number of another birth year": ({"NGAY_SINH": "196003140000"}, "SO_CCCD"),
    "a number nobody has": ({"SO_CCCD": "000000000000"}, "SO_CCCD"),
}


@pytest.mark.parametrize(("changes", "field"), DOUBTS.values(), ids=DOUBTS)
async def test_a_doubt_is_a_warning_beside_the_accepted_visit(hospital, changes, field):
    (line,) = await send(hospital, told("V1", CHAM | changes))
    assert line["status"] == "accepted"
    assert field in {issue["field"] for issue in line["issues"] if issue["severity"] == "warning"}


@pytest.mark.parametrize("nul", [b"\x00", b"&#0;"])
async def test_nul_costs_its_field_and_not_the_visit(hospital, nul):
    (line,) = await send(hospital, hoso(filehoso("XML1", inner("XML1", SUMMARY).replace(b"I10", b"I1" + nul))))
    assert line["status"] == "accepted"
    assert ("warning", "value", "XML1", 1, "MA_BENH_CHINH") in places(line)


@pytest.mark.parametrize("encoding", ["utf-16", "windows-1258"])
async def test_a_file_in_another_encoding_that_it_declares_is_read(hospital, book, encoding):
    content = envelope(told("V1")).decode().replace('"utf-8"', f'"{encoding}"', 1).encode(encoding)
    assert statuses(await hospital.file(content)) == ["accepted"]
    (found,) = await book.sql(
        "select d.name from book.demographics d join intake.source_record s on s.id = d.source_id where s.key = 'V1'"
    )
    assert found["name"] == CHAM["HO_TEN"]


# FHIR


def bundle(*resources, **more):
    entries = [{"resource": resource} for resource in resources]
    return json.dumps({"resourceType": "Bundle", "type": "collection", **more, "entry": entries}).encode()


PATIENT = {
    "resourceType": "Patient",
    "id": "p",
    "identifier": [{"system": systems.CCCD, "value": CHAM["SO_CCCD"]}],
    "name": [{"text": "Nguyễn Thị Chàm"}],
    "birthDate": "1955-03-14",
    "gender": "female",
}


def severities(answer):
    outcome = answer.json()
    assert outcome["resourceType"] == "OperationOutcome"
    assert answer.headers["content-type"] == "application/fhir+json"
    return [issue["severity"] for issue in outcome["issue"]]


async def test_a_bundle_is_answered_with_an_operation_outcome(hospital):
    first, second = await hospital.post(FHIR, bundle(PATIENT)), await hospital.post(FHIR, bundle(PATIENT))
    assert (first.status_code, second.status_code) == (200, 200)
    assert "error" not in severities(first)
    assert first.json()["issue"][0]["diagnostics"].startswith("accepted: ")
    assert second.json()["issue"][0]["diagnostics"].startswith("unchanged: ")


async def test_what_belongs_to_no_section_is_named(hospital):
    claim = {"resourceType": "Claim", "id": "c", "patient": {"reference": "Patient/p"}}
    answer = await hospital.post(FHIR, bundle(PATIENT, claim))
    assert "kept as source only: Claim" in answer.json()["issue"][0]["diagnostics"]


@pytest.mark.parametrize(
    "content",
    [b"", b"{", b"[]", b"null", b"\xff\xfe", b'{"resourceType":"Patient"}', b"[" * 5000, b'{"a":' * 5000, bundle()],
)
async def test_what_is_no_bundle_is_422(hospital, content):
    answer = await hospital.post(FHIR, content)
    assert answer.status_code == 422
    assert "error" in severities(answer)


async def test_a_good_part_beside_what_is_nobodys_is_200(hospital):
    nobodys = {"resourceType": "Condition", "id": "c", "subject": {"reference": "Patient/unknown"}}
    answer = await hospital.post(FHIR, bundle(PATIENT, {**PATIENT, "id": "q", "identifier": []}, nobodys))
    assert answer.status_code == 200
    assert "information" in severities(answer)


async def test_an_outcome_repeats_nothing_of_the_person(hospital):
    odd = PATIENT | {"birthDate": "1955-13-45", "gender": "CHÀM"}
    text = (await hospital.post(FHIR, bundle(odd))).text
    assert not any(word in text for word in (*PERSON, "1955-13-45"))


async def test_the_sender_is_the_client_whatever_the_bundle_says(hospital, book):
    sender = {"resourceType": "Organization", "id": "o", "identifier": [{"value": STATION}]}
    await hospital.post(FHIR, bundle(PATIENT, sender, identifier={"value": "B-1"}))
    rows = await book.sql(
        """select o.code from intake.source_record s join registry.organization o on o.id = s.organization_id
           where s.client_id is not null"""
    )
    assert [row["code"] for row in rows] == [HOSPITAL]


# What is said of it elsewhere


async def test_a_fault_of_ours_is_500_without_words_and_leads_to_the_log(book, hospital, caplog, capsys):
    await book.sql("alter table intake.refusal rename to elsewhere")
    answer = await hospital.post(
        FHIR, b'{"resourceType":"Patient","id":"001155000123","name":[{"text":"CH\xc3\x80M"}]}'
    )
    assert answer.status_code == 500
    assert answer.headers["content-type"] == "application/problem+json"
    assert answer.headers.items() >= HEADERS.items()
    assert answer.json()["instance"].endswith(answer.headers["x-request-id"])
    said = caplog.text + "".join(capsys.readouterr()) + answer.text
    assert answer.headers["x-request-id"] in said
    assert not any(word in said for word in (*PERSON, "elsewhere", "refusal"))


@pytest.mark.parametrize("path", [QD4750, FHIR])
async def test_a_refused_request_leaves_nothing_of_a_person_in_the_log(hospital, caplog, capsys, path):
    caplog.set_level("DEBUG", logger="healthbook")
    bad = CHAM | NO_CARD | {"NGAY_VAO": "202513450730"}
    await hospital.post(path, envelope(told("V1", bad)))
    await hospital.post(path, bundle(PATIENT | {"birthDate": "CHÀM"}))
    said = "".join(record.getMessage() for record in caplog.records if record.name.startswith("healthbook"))
    assert not any(word in said + "".join(capsys.readouterr()) for word in PERSON)
