import json

import pytest

from domain.exchange.fhir import Resource
from domain.exchange.fhir_bundle import BundleLimits, ParsedBundle, UnreadableBundle, read_bundle
from domain.exchange.fhir_patients import split
from domain.exchange.fhir_slices import entry_slices

ORGANIZATION = "urn:uuid:0bd27fed-5f11-4344-beeb-c3b78c00f604"


def bundle_of(*entries, kind="collection", **more):
    return json.dumps({"resourceType": "Bundle", "type": kind, **more, "entry": list(entries)}).encode()


def entry(of_type, id_=None, *, url=None, **more):
    resource = {"resourceType": of_type, **({"id": id_} if id_ else {}), **more}
    return {"resource": resource} | ({"fullUrl": url} if url else {})


def document(**changed):
    composition = {
        "status": "final",
        "type": {"text": "Tóm tắt hồ sơ bệnh án"},
        "subject": {"reference": "Patient/p"},
        "date": "2025-03",
        "author": [{"display": "Bệnh viện"}],
        "title": "Tóm tắt",
    }
    wanted = {name: value for name, value in (composition | changed).items() if value is not None}
    head = {"identifier": {"system": "urn:ietf:rfc:3986", "value": ORGANIZATION}, "timestamp": "2025-03-14T07:30:00Z"}
    return bundle_of(entry("Composition", **wanted), entry("Patient", "p"), kind="document", **head)


def refused(data, limits=None):
    with pytest.raises(UnreadableBundle) as caught:
        read_bundle(data, limits)
    return [(issue.code, issue.table, issue.row, issue.field) for issue in caught.value.issues]


def follow(bundle: ParsedBundle, reference: str, base: int = 0) -> str | None:
    found = bundle.resolve(reference, bundle.resources[base])
    return found and f"{found.type} {found.position}"


@pytest.mark.parametrize("kind", ["transaction", "batch", "collection"])
def test_reads_every_kind_of_bundle_that_senders_use(kind):
    bundle = read_bundle(bundle_of(entry("Patient", "p"), kind=kind))
    assert (bundle.type, [one.position for one in bundle.resources], bundle.issues) == (kind, [1], [])


def test_reads_a_document():
    assert [one.type for one in read_bundle(document()).resources] == ["Composition", "Patient"]


def test_tolerates_a_byte_order_mark_and_a_bundle_without_entries():
    assert read_bundle(b'\xef\xbb\xbf{"resourceType":"Bundle","type":"batch"}').resources == []


@pytest.mark.parametrize(
    ("data", "place"),
    [
        (b"", ("structure", "Bundle", None, None)),
        (b" \n ", ("structure", "Bundle", None, None)),
        (b"{", ("structure", "Bundle", None, None)),
        (b'{"a":"\x00"}', ("structure", "Bundle", None, None)),
        (b'{"a":"\xff"}', ("structure", "Bundle", None, None)),
        (b'{"a":"\\ud800"}', ("structure", "Bundle", None, None)),
        (b'{"a":NaN}', ("structure", "Bundle", None, None)),
        (b'{"a":1e999}', ("structure", "Bundle", None, None)),
        (b"[]", ("structure", "Bundle", None, None)),
        (b"<Bundle xmlns='http://hl7.org/fhir'/>", ("not-supported", "Bundle", None, None)),
        ('{"resourceType":"Bundle"}'.encode("utf-16"), ("not-supported", "Bundle", None, None)),
        ('{"resourceType":"Bundle"}'.encode("utf-16-le"), ("not-supported", "Bundle", None, None)),
        (b'{"resourceType":"Patient"}', ("structure", "Bundle", None, "resourceType")),
        (b'{"resourceType":7}', ("structure", "Bundle", None, "resourceType")),
        (b'{"resourceType":"Bundle"}', ("required", "Bundle", None, "type")),
        (b'{"resourceType":"Bundle","type":"searchset"}', ("not-supported", "Bundle", None, "type")),
        (b'{"resourceType":"Bundle","type":["batch"]}', ("not-supported", "Bundle", None, "type")),
        (b'{"resourceType":"Bundle","type":"batch","entry":{}}', ("structure", "Bundle", None, "entry")),
    ],
)
def test_says_why_it_cannot_read(data, place):
    assert refused(data) == [place]


def test_tells_who_sends_a_single_resource_what_to_do():
    with pytest.raises(UnreadableBundle, match="is Patient: send it as an entry of a Bundle"):
        read_bundle(b'{"resourceType":"Patient"}')


@pytest.mark.parametrize(
    "data",
    [
        b'{"resourceType":"Bundle","type":"batch","type":"collection"}',
        b'{"resourceType":"Bundle","type":"batch","x":[{"a":1,"\\u0061" :2}]}',
    ],
)
def test_refuses_a_property_named_twice(data):
    with pytest.raises(UnreadableBundle, match="names a property twice"):
        read_bundle(data)


@pytest.mark.parametrize("text", ['":', '\\":', 'a\\\\":', '{"a":1}', "\\", ":", '"', "a\n:"])
def test_text_that_looks_like_properties_is_text(text):
    assert read_bundle(bundle_of(entry("Patient", "p", text=text, **{text or "x": text}))).resources


@pytest.mark.parametrize(
    ("limits", "data"),
    [
        (BundleLimits(size=20), bundle_of()),
        (BundleLimits(values=5), bundle_of(*[entry("Patient")] * 6)),
        (BundleLimits(depth=4), bundle_of(entry("Patient", name=[{"given": ["A"]}]))),
        (BundleLimits(), b'{"a":' * 200 + b"1" + b"}" * 200),
        (BundleLimits(entries=2), bundle_of(*[entry("Patient")] * 3)),
    ],
)
def test_stays_within_bounds(limits, data):
    assert [code for code, *_ in refused(data, limits)] == ["too-long"]


def test_refuses_what_is_nested_beyond_the_parser():
    assert refused(b"[" * 100_000 + b"]" * 100_000) == [("structure", "Bundle", None, None)]


def test_names_every_element_that_a_document_lacks():
    absent = {"extension": [{"url": "http://hl7.org/fhir/StructureDefinition/data-absent-reason"}]}
    data = document(subject={"_reference": absent}, date=None, _date=absent, author=[absent], title=None, status=None)
    assert refused(data) == [
        ("required", "Composition", 1, name) for name in ("status", "subject", "date", "author", "title")
    ]


def test_a_document_has_an_identity_a_date_and_a_composition_first():
    found = refused(bundle_of(entry("Patient"), entry("Composition"), kind="document", identifier={"value": "1"}))
    assert found == [
        ("required", "Bundle", None, "identifier"),
        ("required", "Bundle", None, "timestamp"),
        ("invariant", "Bundle", None, "entry"),
    ]


@pytest.mark.parametrize(
    ("reference", "found"),
    [
        ("urn:uuid:0bd27fed-5f11-4344-beeb-c3b78c00f604", "Organization 2"),
        ("urn:uuid:0BD27FED-5f11-4344-beeb-c3b78c00f604", "Organization 2"),
        ("Organization/0bd27fed-5f11-4344-beeb-c3b78c00f604", "Organization 2"),
        ("Practitioner/d", "Practitioner 3"),
        (" Practitioner/d ", "Practitioner 3"),
        ("Practitioner/d/_history/4", "Practitioner 3"),
        ("https://his.vn/fhir/Practitioner/d", "Practitioner 3"),
        ("https://his.vn/fhir/Practitioner/d/_history/4", "Practitioner 3"),
        ("https://other.vn/fhir/Practitioner/d", None),
        ("Patient/d", None),
        ("Practitioner?identifier=http://cchn|007", "Practitioner 3"),
        ("Practitioner?identifier=http%3A%2F%2Fcchn%7C007", "Practitioner 3"),
        ("Practitioner?identifier=007", "Practitioner 3"),
        ("Practitioner?identifier=|007", None),
        ("Practitioner?identifier=http://other|007", None),
        ("Practitioner?identifier=http://cchn|007&active=true", None),
        ("Practitioner?name=A", None),
        ("#m", "Medication 1"),
        ("#", "MedicationRequest 1"),
        ("#nothing", None),
        ("", None),
        ("Practitioner/", None),
        ("urn:uuid:", None),
        ("x" * 3000, None),
    ],
)
def test_resolves_references(reference, found):
    bundle = read_bundle(
        bundle_of(
            entry("MedicationRequest", "r", contained=[{"resourceType": "Medication", "id": "m"}]),
            entry("Organization", url=ORGANIZATION),
            entry(
                "Practitioner",
                "d",
                url="https://his.vn/fhir/Practitioner/d",
                identifier=[{"system": "http://cchn", "value": "007"}],
            ),
        )
    )
    assert follow(bundle, reference) == found


def test_a_contained_resource_finds_its_siblings_and_keeps_its_row():
    contained = [{"resourceType": "Medication", "id": "m"}, {"resourceType": "Organization", "id": "o"}]
    bundle = read_bundle(bundle_of(entry("MedicationRequest", contained=contained)))
    medication = bundle.resolve("#m", bundle.resources[0])
    assert medication is not None
    assert bundle.resolve("#o", medication).type == "Organization"
    assert bundle.resolve("#m", bundle.resources[0]) is medication


def test_a_relative_reference_means_the_server_of_who_refers():
    bundle = read_bundle(
        bundle_of(
            entry("Observation", url="http://a/Observation/1"),
            entry("Patient", "1", url="http://b/Patient/1"),
            entry("Patient", "1", url="http://a/Patient/1"),
            entry("Observation", url="urn:uuid:5b1a3c4e-0000-4000-8000-000000000000"),
        )
    )
    assert follow(bundle, "Patient/1") == "Patient 3"
    assert follow(bundle, "Patient/1", base=3) is None, "either could be meant"


def test_an_identifier_of_two_means_neither():
    number = [{"system": "s", "value": "1"}]
    bundle = read_bundle(bundle_of(entry("Location", identifier=number), entry("Location", identifier=number)))
    assert follow(bundle, "Location?identifier=s|1") is None


def test_keeps_entries_that_share_a_full_url_and_refers_to_the_first():
    bundle = read_bundle(bundle_of(*(entry("Basic", url="urn:uuid:1", n=n) for n in (1, 2, 1))))
    assert [one.body["n"] for one in bundle.resources] == [1, 2], "the third repeats the first"
    assert follow(bundle, "urn:uuid:1", base=1) == "Basic 1"
    assert [(one.code, one.row, one.field) for one in bundle.issues] == [
        ("duplicate", 2, "fullUrl"),
        ("duplicate", 3, "fullUrl"),
    ]


def test_names_entries_that_nothing_is_taken_from():
    entries = [
        {"request": {"method": "DELETE", "url": "Patient/1"}},
        entry("Patient") | {"request": {"method": "PATCH", "url": "Patient/1"}},
        {"fullUrl": "urn:uuid:1"},
        "text",
        {"resource": []},
        {"resource": {"resourceType": "<script>"}},
        entry("Patient", "p") | {"request": {"method": "PUT", "url": "Patient/p"}},
    ]
    bundle = read_bundle(bundle_of(*entries, kind="transaction"))
    assert [one.position for one in bundle.resources] == [7]
    assert [(one.code, one.row) for one in bundle.issues] == [
        ("not-supported", 1),
        ("not-supported", 2),
        ("not-supported", 3),
        ("structure", 4),
        ("structure", 5),
        ("structure", 6),
    ]


def split_of(*entries):
    return split(read_bundle(bundle_of(*entries)))


def shape(part):
    return [f"{one.type} {one.position}" for one in part.resources]


def test_each_resource_goes_to_the_patient_it_is_about():
    found = split_of(
        entry("Patient", "a"),
        entry("Patient", "b", identifier=[{"system": "s", "value": "7"}]),
        entry("Observation", subject={"reference": "Patient/b"}),
        entry("Coverage", beneficiary={"reference": "Patient/a"}, subscriber={"reference": "Patient/b"}),
        entry("Immunization", patient={"identifier": {"system": "s", "value": "7"}}),
        entry(
            "Appointment",
            participant=[{"actor": {"reference": "Practitioner/d"}}, {"actor": {"reference": "Patient/a"}}],
        ),
        entry("Encounter", "v", subject={"reference": "Patient/b"}),
        entry("Procedure", encounter={"reference": "Encounter/v"}),
        entry("RelatedPerson", patient={"reference": "Patient/a"}),
        entry("Practitioner", "d"),
        entry("Account", subject=[{"reference": "Patient?identifier=s|7"}]),
    )
    assert [shape(part) for part in found.parts] == [
        ["Patient 1", "Coverage 4", "Appointment 6", "RelatedPerson 9"],
        ["Patient 2", "Observation 3", "Immunization 5", "Encounter 7", "Procedure 8", "Account 11"],
    ]
    assert found.unassigned == []


def test_what_names_no_patient_is_the_only_patients():
    found = split_of(entry("Patient", "a"), entry("Observation"), entry("Organization"))
    assert shape(found.parts[0]) == ["Patient 1", "Observation 2"]
    assert [(one.severity, one.table, one.row, one.field) for one in found.parts[0].issues] == [
        ("warning", "Observation", 2, "subject")
    ]


@pytest.mark.parametrize("subject", ["Patient/other", "urn:uuid:1", "Organization/o", "Patient?identifier=s|1"])
def test_what_names_somebody_else_is_never_the_only_patients(subject):
    found = split_of(
        entry("Patient", "a"), entry("Organization", "o"), entry("Observation", subject={"reference": subject})
    )
    assert shape(found.parts[0]) == ["Patient 1"]
    assert [one.type for one in found.parts[0].outsiders] == ["Observation"]
    assert "source only" in found.parts[0].issues[0].message


def test_among_several_patients_what_names_none_is_nobodys():
    found = split_of(entry("Patient", "a"), entry("Patient", "b"), entry("Observation"), entry("Medication"))
    assert [one.position for one in found.unassigned] == [3]
    assert [(one.severity, one.table, one.row) for one in found.issues] == [("error", "Observation", 3)]


def test_no_part_sees_another_patients_resources():
    found = split_of(
        entry("Patient", "a"),
        entry("Patient", "b"),
        entry("Encounter", "v", subject={"reference": "Patient/b"}),
        entry("Encounter", "nobodys"),
        entry("Observation", subject={"reference": "Patient/a"}, encounter={"reference": "Encounter/v"}),
        entry("Observation", subject={"reference": "Patient/b"}, encounter={"reference": "Encounter/v"}),
        entry("Observation", subject={"reference": "Patient/b"}, encounter={"reference": "Encounter/nobodys"}),
    )
    [of_a] = [one for one in found.parts[0].resources if one.type == "Observation"]
    visit, of_b, strange = found.parts[1].resources[1:]
    assert of_a.encounter_id() is None
    assert of_b.encounter_id() == visit.row_id
    assert strange.encounter_id() is None


def test_a_bundle_without_a_patient_is_unreadable():
    with pytest.raises(UnreadableBundle, match="holds no Patient"):
        split_of(entry("Observation"))


def test_a_part_finds_the_shared_resources_it_needs():
    found = split_of(
        entry("Patient", "a", generalPractitioner=[{"reference": "PractitionerRole/r"}]),
        entry("Patient", "b"),
        entry("PractitionerRole", "r", practitioner={"reference": "Practitioner/d"}),
        entry("Practitioner", "d"),
        entry("Organization", "unneeded"),
        entry("DocumentReference", subject={"reference": "Patient/b"}, content=[{"attachment": {"url": "Binary/x"}}]),
        entry("Binary", "x"),
    )
    assert [[f"{one.type} {one.position}" for one in part.shared()] for part in found.parts] == [
        ["PractitionerRole 3", "Practitioner 4"],
        ["Binary 7"],
    ]


def test_reference_circles_end():
    found = split_of(
        entry("Patient", "a", managingOrganization={"reference": "Organization/o"}),
        entry("Organization", "o", partOf={"reference": "Organization/o"}),
    )
    assert [one.position for one in found.parts[0].shared()] == [2]


def test_slices_are_the_entries_to_the_letter():
    entries = ['{ "resource" : {"resourceType":"Basic","n":1.50,"t":"Hoà ]},\\""} }', "[]", '"x"', "1e2"]
    data = '\ufeff { "type":"batch" , "x":[1,{"entry":[0]}],"entry" : [ ' + " , ".join(entries) + ' ] ,"z":1}'
    assert entry_slices(data.encode()) == entries
    assert entry_slices(b'{"entry":[]}') == entry_slices(b'{"a":1}') == entry_slices(b"{}") == []


def test_resources_say_where_they_stand():
    bundle = read_bundle(bundle_of(entry("Patient"), entry("Observation", status=7)))
    observation: Resource = bundle.resources[1]
    assert observation.string("status") is None
    assert [(one.table, one.row, one.field) for one in observation.issues] == [("Observation", 2, "status")]
