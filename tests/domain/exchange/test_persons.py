"""Parts of a person in FHIR: names, telecom, places, numbers, relations."""

import pytest

from domain.exchange.fhir import Node
from domain.exchange.persons import (
    MOST_CONTACTS,
    Address,
    address_of,
    contacts_of,
    identifier,
    identifiers_of,
    identifiers_out,
    name_of,
    phones_of,
)
from tests.domain.sections.bundles import resource


def patient(*others, **body):
    return resource({"resourceType": "Patient", "id": "p1", **body}, *others)


@pytest.mark.parametrize(
    ("names", "expected"),
    [
        ([{"text": "Lê Lam"}, {"use": "official", "text": "Lê Văn Lam"}], ("Lê Văn Lam", "official")),
        ([{"use": "nickname", "text": "Tí"}], ("Tí", "nickname")),
        ([{"family": "Lê", "given": ["Văn", "Lam"]}], ("Lê Văn Lam", None)),
        ([{"use": "official"}, {"use": "temp", "text": "Con bà Nâu"}], ("Con bà Nâu", "temp")),
        ({"text": "Lê Lam"}, ("Lê Lam", None)),
        ("Lê Lam", (None, None)),
    ],
)
def test_takes_the_name_people_use_now(names, expected):
    assert name_of(Node({"name": names}, "Patient", 1, [])) == expected


def test_takes_each_phone_once_and_none_of_old():
    points = [
        {"system": "phone", "value": "1"},
        {"system": "sms", "value": "1"},
        {"system": "phone", "value": "2", "use": "old"},
        {"system": "fax", "value": "3"},
    ]
    assert phones_of(patient(telecom=points)) == ["1"]


def test_takes_where_the_person_lives_now():
    assert address_of(patient(address=[{"use": "temp", "text": "trọ"}])) == Address()
    assert address_of(patient(address=[{"line": ["1"], "city": "Huế", "state": "Huế"}])).text == "1, Huế"


def test_numbers_come_back_with_their_kind_and_issuer():
    given = [identifier("cccd", "1"), identifier("facility_patient_id", "BN1", "99001"), identifier("other", "x")]
    assert identifiers_of(patient(identifier=identifiers_out(given))) == given


def test_a_relation_is_a_plain_word_where_it_is_known():
    def relation(*concepts):
        (contact,) = contacts_of(patient(contact=[{"name": {"text": "Nâu"}, "relationship": list(concepts)}]))
        return contact.get("relation")

    assert relation({"coding": [{"code": "C"}, {"code": "NMTH"}]}) == "mother"
    assert relation({"text": "dì"}) == "dì"
    assert relation({"coding": [{"code": "C"}]}) == "C"
    assert relation() is None


def test_contacts_are_distinct_and_bounded():
    one = {"name": {"text": "Nâu"}}
    many = [{"name": {"text": f"Nâu {index}"}} for index in range(MOST_CONTACTS * 2)]
    assert len(contacts_of(patient(contact=[one, one]))) == 1
    assert len(contacts_of(patient(contact=many))) == MOST_CONTACTS
