"""`citizens.json`: the invented adults that a demonstration can sign in as, with the children they act for."""

from typing import Any
from uuid import NAMESPACE_URL, uuid5

from domain.synthetic.fhir_resources import birth_date
from domain.synthetic.people import Person
from domain.synthetic.visits import patient_number

MOST = 50


def citizen(seed: int, person: Person, children: list[Person]) -> dict[str, Any]:
    """One entry; `sub` depends on the seed and the person only."""
    return {
        "sub": str(uuid5(NAMESPACE_URL, f"http://healthbook.vn/synthetic/{seed}/{person.serial}")),
        "label": person.name,
        "story": person.curated or "generated",
        **_claims(person),
        "phone": person.phone,
        "children": [{"name": child.name, **_claims(child)} for child in children],
    }


def _claims(person: Person) -> dict[str, Any]:
    """How to find the person's record: national numbers, or else the number at the hospital of birth."""
    hospital = person.home.area.hospitals[0]
    return {
        "cccd": person.cccd or None,
        "bhxh": person.bhxh if person.card else None,
        "birth_date": birth_date(person),
        "sex": person.sex,
        "facility_patient": {"facility": hospital.code, "number": patient_number(person, hospital)},
    }
