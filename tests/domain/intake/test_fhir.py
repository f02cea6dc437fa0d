import io
import json
from datetime import date

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from domain.exchange import fhir_systems as systems
from domain.identity.identifiers import Identifier, IdentifierKind
from domain.intake.fhir import LARGEST_BUNDLE, MOST_ISSUES, bundles, submissions, submissions_of_lines
from domain.intake.submissions import Rejected, Submission
from domain.organizations import UNKNOWN_SENDER
from tests.domain.sections.bundles import hostile

TODAY = date(2025, 6, 1)
CCCD = "001185012345"
CARD = "GD4010112345670"


def bundle_of(*entries, kind="collection", **more):
    return json.dumps({"resourceType": "Bundle", "type": kind, **more, "entry": list(entries)}).encode()


def entry(of_type, id_=None, **more):
    return {"resource": {"resourceType": of_type, **({"id": id_} if id_ else {}), **more}}


def numbered(*pairs):
    return [{"system": system, "value": value} for system, value in pairs]


def all_of(data, facility="01001"):
    return list(submissions(data, facility=facility, today=TODAY))


def only(data, facility="01001") -> Submission:
    [one] = all_of(data, facility)
    assert isinstance(one, Submission), one.issues
    return one


def claim(facility="01001", **patient):
    return only(bundle_of(entry("Patient", "p", **patient)), facility).claim


def rows(one: Submission):
    return sorted(type(row).__name__ for row in one.rows)


def observation(patient="Patient/p", **more):
    return entry(
        "Observation",
        status="final",
        category=[{"coding": [{"system": systems.OBSERVATION_CATEGORY, "code": "laboratory"}]}],
        code={"coding": [{"system": systems.LOINC, "code": "718-7", "display": "Hemoglobin"}]},
        subject={"reference": patient},
        valueQuantity={"value": 13.50, "unit": "g/dL"},
        **more,
    )


def test_a_bundle_of_one_patient_is_kept_as_sent():
    data = bundle_of(entry("Patient", "p"), observation(), identifier={"system": "urn:his", "value": "7"})
    one = only(b"\xef\xbb\xbf" + data)
    assert (one.format, one.facility, one.key, one.position) == ("fhir", "01001", "urn:his|7", 1)
    assert one.content == b"\xef\xbb\xbf" + data
    assert rows(one) == ["Demographics", "Lab"]
    assert (one.kept, one.issues, one.restriction) == ([], [], "")


def test_names_what_no_section_holds():
    one = only(
        bundle_of(entry("Patient", "p"), *[entry("Claim", patient={"reference": "Patient/p"})] * 2, entry("Medication"))
    )
    assert (one.kept, rows(one), one.restriction) == (["Claim"], ["Demographics"], "UNKNOWN")


@pytest.mark.parametrize(
    ("named", "key"),
    [
        (
            {"identifier": {"system": "urn:ietf:rfc:3986", "value": "urn:uuid:1"}, "id": "x"},
            "urn:ietf:rfc:3986|urn:uuid:1",
        ),
        ({"identifier": {"value": "7"}}, "7"),
        ({"identifier": {"system": "s"}, "id": "x"}, "x"),
    ],
)
def test_the_key_is_the_senders_own(named, key):
    assert only(bundle_of(entry("Patient"), **named)).key == key


def test_without_a_name_of_its_own_a_bundle_is_known_by_its_bytes():
    first, again, other = (only(bundle_of(entry("Patient", id_))).key for id_ in ("a", "a", "b"))
    assert first == again != other
    assert len(first) == 64


def test_a_long_key_is_shortened():
    assert len(only(bundle_of(entry("Patient"), id="x" * 100_000)).key) == 64


def test_several_patients_are_several_submissions():
    data = bundle_of(
        entry("Patient", "a", identifier=numbered((systems.CCCD, CCCD))),
        entry("Patient", "b", managingOrganization={"reference": "Organization/o"}),
        observation("Patient/a"),
        observation("Patient/b"),
        entry("Organization", "o", name="Trạm y tế"),
        kind="batch",
        id="x",
    )
    a, b = all_of(data)
    assert [one.position for one in (a, b)] == [1, 2]
    assert [rows(one) for one in (a, b)] == [["Demographics", "Lab"]] * 2
    assert a.key != b.key
    assert all(one.key.startswith("x#") for one in (a, b))
    assert CCCD not in a.key
    assert b"13.5" in a.content
    kinds = [[e["resource"]["resourceType"] for e in json.loads(one.content)["entry"]] for one in (a, b)]
    assert kinds == [["Patient", "Observation"], ["Patient", "Observation", "Organization"]]


def test_a_part_is_kept_to_the_letter_and_reads_the_same_again():
    lab = json.dumps(observation("Patient/a")).replace("13.5", "13.500")
    patients = json.dumps(entry("Patient", "a")), json.dumps(entry("Patient", "b"))
    data = f'{{"resourceType":"Bundle","type":"transaction","id":"x","entry":[{",".join([*patients, lab])}]}}'.encode()
    first = all_of(data)[0]
    again = only(first.content)
    assert b"13.500" in first.content
    assert (again.key, rows(again), again.content) == (first.key, rows(first), first.content)
    assert json.loads(first.content)["type"] == "transaction"


def test_two_patients_with_one_number_do_not_replace_each_other():
    twice = [entry("Patient", id_, identifier=numbered(("s", "1"))) for id_ in ("a", "b")]
    a, b = all_of(bundle_of(*twice))
    assert a.key != b.key


def test_what_is_nobodys_is_refused_and_kept():
    found = all_of(bundle_of(entry("Patient", "a"), entry("Patient", "b"), observation("Patient/c"), id="x"))
    assert [type(one) for one in found] == [Submission, Submission, Rejected]
    assert (found[2].position, found[2].key, found[2].facility) == (3, "x#unassigned", "01001")
    assert [(one.severity, one.table, one.row, one.field) for one in found[2].issues] == [
        ("error", "Observation", 3, "subject")
    ]
    assert [e["resource"]["resourceType"] for e in json.loads(found[2].content)["entry"]] == ["Observation"]


def test_what_is_about_somebody_else_fills_nothing():
    one = only(bundle_of(entry("Patient", "p"), observation("Patient/mother")))
    assert (rows(one), one.kept) == (["Demographics"], ["Observation"])


def test_refuses_to_copy_shared_entries_beyond_measure():
    patients = [entry("Patient", managingOrganization={"reference": "Organization/o"}) for _ in range(200)]
    [one] = all_of(bundle_of(*patients, entry("Organization", "o", name="x" * 1_000_000)))
    assert isinstance(one, Rejected)
    assert one.issues[0].code == "too-long"


@pytest.mark.parametrize("data", [b"", b"{", b'{"resourceType":"Patient"}', bundle_of(), bundle_of(observation())])
def test_an_unreadable_bundle_is_refused_whole(data):
    [one] = all_of(data, facility=None)
    assert isinstance(one, Rejected)
    assert (one.position, one.facility, one.key, one.content) == (1, None, None, data)
    assert [issue.severity for issue in one.issues] == ["error"]


def test_what_is_too_large_is_refused_and_not_kept():
    [one] = all_of(b" " * (LARGEST_BUNDLE + 1))
    assert (one.content, one.issues[0].code) == (b"", "too-long")


def test_findings_come_once_in_order_and_bounded():
    wrong = [observation(effectiveDateTime="yesterday") for _ in range(MOST_ISSUES + 50)]
    issues = only(bundle_of(entry("Patient", "p"), *wrong)).issues
    assert len(issues) == MOST_ISSUES + 1
    assert len(set(issues)) == len(issues)
    assert [issue.row for issue in issues[:3]] == [2, 3, 4]


def test_a_withdrawn_document_takes_back_what_it_said():
    said = {"type": {"text": "x"}, "date": "2025", "author": [{"display": "A"}], "title": "x"}
    data = bundle_of(
        entry("Composition", status="entered-in-error", subject={"reference": "Patient/p"}, **said),
        entry("Patient", "p"),
        observation(),
        kind="document",
        identifier={"system": "s", "value": "1"},
        timestamp="2025-03-14",
    )
    one = only(data)
    assert (one.rows, one.kept) == ([], ["Observation"])
    assert [(issue.table, issue.field) for issue in one.issues] == [("Composition", "status")]


def organization(code, id_="o"):
    return entry("Organization", id_, identifier=numbered((systems.FACILITY, code)))


@pytest.mark.parametrize(
    ("entries", "facility"),
    [
        ([organization("79001")], "79001"),
        ([organization("79001"), organization("79002", "q")], UNKNOWN_SENDER),
        (
            [
                organization("79001"),
                organization("79002", "q"),
                entry("Encounter", subject={"reference": "Patient/p"}, serviceProvider={"reference": "Organization/q"}),
            ],
            "79002",
        ),
        ([organization("not a code!")], UNKNOWN_SENDER),
        ([], UNKNOWN_SENDER),
    ],
)
def test_finds_the_facility_where_the_client_has_none(entries, facility):
    one = only(bundle_of(entry("Patient", "p"), *entries), facility=None)
    assert one.facility == one.claim.facility == facility
    assert any("which facility" in issue.message for issue in one.issues) == (facility == UNKNOWN_SENDER)


def test_the_client_wins_over_what_a_bundle_says():
    assert only(bundle_of(entry("Patient"), organization("79001")), facility="01001").facility == "01001"


def test_a_facilitys_own_patient_number_names_it():
    patient = entry("Patient", identifier=numbered((f"{systems.FACILITY_PATIENT}79001", "BN7")))
    assert only(bundle_of(patient, organization("1"), organization("2")), facility=None).facility == "79001"


def test_the_claim_says_who_it_is():
    found = claim(
        name=[{"use": "old", "text": "Cũ"}, {"use": "official", "family": "Nguyễn", "given": ["Thị", "Hoà"]}],
        birthDate="1985-03",
        gender="female",
        telecom=[{"system": "email", "value": "a@b.vn"}, {"system": "phone", "value": "0912 345 678"}],
        contact=[{"relationship": [{"coding": [{"code": "MTH"}]}], "name": {"text": "Trần Thị Lan"}}],
    )
    assert (found.name, found.birth_date, found.sex) == ("Nguyễn Thị Hoà", "1985-03", "female")
    assert (found.phone, found.mother_name, found.is_newborn, found.facility) == (
        "+84912345678",
        "Trần Thị Lan",
        False,
        "01001",
    )


@pytest.mark.parametrize(
    ("identifier", "found"),
    [
        ({"system": systems.CCCD, "value": CCCD}, [("cccd", CCCD, None)]),
        ({"system": systems.CMND, "value": "012345670"}, [("cmnd", "012345670", None)]),
        ({"system": systems.BHXH, "value": "0112345670"}, [("bhxh", "0112345670", None)]),
        ({"system": systems.BHYT, "value": CARD}, [("bhyt", CARD, None), ("bhxh", "0112345670", None)]),
        ({"system": systems.PASSPORT, "value": "c8127364"}, [("passport", "C8127364", None)]),
        ({"system": systems.PASSPORT, "value": "512345678"}, []),
        ({"system": f"{systems.FACILITY_PATIENT}79001", "value": "BN 7"}, [("facility_patient_id", "BN 7", "79001")]),
        ({"system": "http://his", "value": CCCD}, [("facility_patient_id", f"http://his|{CCCD}", "01001")]),
        ({"value": CCCD, "type": {"coding": [{"code": "NI"}]}}, [("cccd", CCCD, None)]),
        ({"value": CCCD, "type": {"coding": [{"code": "NNVNM"}]}}, [("cccd", CCCD, None)]),
        ({"value": "C8127364", "type": {"coding": [{"code": "PPN"}]}}, [("passport", "C8127364", None)]),
        ({"value": "7", "type": {"coding": [{"code": "MR"}]}}, [("facility_patient_id", "7", "01001")]),
        ({"value": CCCD}, [("facility_patient_id", f"|{CCCD}", "01001")]),
        ({"system": systems.CCCD, "value": CCCD, "use": "temp"}, []),
        ({"system": systems.CCCD, "value": "111111111111"}, []),
        ({"system": systems.CCCD}, []),
    ],
)
def test_reads_numbers_by_their_system_or_type(identifier, found):
    read = claim(identifier=[identifier]).identifiers
    assert [(one.kind.value, one.value, one.issuer) for one in read] == found


def test_an_unknown_sender_has_no_numbers_of_its_own():
    local = [{"value": "7", "type": {"coding": [{"code": "MR"}]}}, {"value": "8"}]
    assert claim(facility=None, identifier=local).identifiers == ()


def test_a_long_foreign_number_still_identifies():
    [one] = claim(identifier=numbered(("http://" + "x" * 200, "7"))).identifiers
    assert one.kind is IdentifierKind.FACILITY_PATIENT_ID
    assert len(one.value) == 64


def test_says_what_does_not_fit_together_without_repeating_it():
    data = bundle_of(
        entry(
            "Patient", birthDate="1990", gender="male", identifier=numbered((systems.CCCD, CCCD), (systems.BHYT, "x1"))
        )
    )
    one = only(data)
    assert one.claim.identifiers == (Identifier(IdentifierKind.CCCD, CCCD),)
    assert [(issue.row, issue.field) for issue in one.issues] == [
        (1, "identifier[1].value"),
        (1, "identifier"),
        (1, "identifier"),
    ]
    assert not any(CCCD in issue.message for issue in one.issues)


@pytest.mark.parametrize(
    ("written", "newborn"), [({"timestamp": "2025-01-20"}, True), ({"timestamp": "2025-05-20"}, False), ({}, False)]
)
def test_a_newborn_is_one_on_the_day_the_bundle_was_written(written, newborn):
    one = only(bundle_of(entry("Patient", name=[{"text": "Nguyễn Thị Hoa"}], birthDate="2025-01-10"), **written))
    assert one.claim.is_newborn is newborn


def test_lines_of_bundles_are_counted_through():
    lines = [
        bundle_of(entry("Patient", "a"), entry("Patient", "b")),
        b"",
        b"  ",
        b"{",
        bundle_of(entry("Patient", "c")),
    ]
    stream = io.BytesIO(b"\xef\xbb\xbf" + b"\r\n".join(lines))
    found = list(submissions_of_lines(stream, facility="01001", today=TODAY))
    assert [one.position for one in found] == [1, 2, 3, 4]
    assert [type(one) for one in found] == [Submission, Submission, Rejected, Submission]
    assert found[3].content == lines[-1]


def test_a_line_without_end_is_passed_over(monkeypatch):
    monkeypatch.setattr("domain.intake.fhir.LARGEST_BUNDLE", 10)
    found = list(bundles(io.BytesIO(b"x" * 1000 + b"\n" + b"next\n" + b"y" * 10 + b"\n" + b"z" * 500)))
    assert found == [b"x" * 11, b"next", b"y" * 10, b"z" * 11]


WHOLE = {
    "resourceType": "Bundle",
    "type": "transaction",
    "identifier": {"system": "urn:his", "value": "7"},
    "timestamp": "2025-03-14T07:30:00+07:00",
    "entry": [
        entry(
            "Patient",
            "p",
            identifier=numbered((systems.CCCD, CCCD), ("http://his", "7")),
            name=[{"text": "Nguyễn Thị Hoà"}],
            birthDate="1985-03-14",
            gender="female",
            telecom=[{"system": "phone", "value": "0912345678"}],
            managingOrganization={"reference": "Organization/o"},
        )
        | {"fullUrl": "urn:uuid:1"},
        entry("Patient", "q") | {"fullUrl": "urn:uuid:2"},
        entry("RelatedPerson", patient={"reference": "urn:uuid:2"}, name=[{"text": "Mẹ"}]),
        organization("79001"),
        entry(
            "Encounter",
            "v",
            status="finished",
            subject={"reference": "urn:uuid:1"},
            period={"start": "2025-03-14"},
            serviceProvider={"reference": "Organization?identifier=" + systems.FACILITY + "|79001"},
        ),
        observation("Patient/p", encounter={"reference": "Encounter/v"}),
        entry("Immunization", status="completed", patient={"reference": "Patient/q"}, vaccineCode={"text": "BCG"}),
        entry(
            "MedicationRequest",
            status="active",
            intent="order",
            subject={"reference": "Patient/p"},
            contained=[{"resourceType": "Medication", "id": "m", "code": {"text": "Paracetamol"}}],
            medicationReference={"reference": "#m"},
        ),
    ],
}


@settings(max_examples=150, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
@given(hostile(WHOLE), st.sampled_from([None, "01001"]))
def test_whatever_is_sent_is_taken_or_refused(body, facility):
    found = all_of(json.dumps(body).encode(), facility)
    assert found
    assert [one.position for one in found] == list(range(1, len(found) + 1))
    taken = [one for one in found if isinstance(one, Submission)]
    assert len({one.key for one in taken}) == len(taken)
    assert all(one.key and json.loads(one.content) for one in taken)
    assert all(one.issues for one in found if isinstance(one, Rejected))


@settings(max_examples=100)
@given(st.integers(0, 2000), st.binary(max_size=4))
def test_broken_bytes_are_taken_or_refused(at, junk):
    data = json.dumps(WHOLE).encode()
    assert all_of(data[:at] + junk + data[at + 1 :])
    assert all_of(data[:at])
