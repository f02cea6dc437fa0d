"""Health-insurance cards: number, validity, where registered, and since when costs are shared less.

FHIR R4 Coverage; QĐ 4750 XML1 17-21, 59 and 62, or XML0 for a visit in progress. A BHYT card has 15 characters: object
group (2 letters), benefit level (1), province (2) and the social-insurance number (10), which alone is printed since
2021 (domain: 2.4). The parts are read from the number; what they are worth in money is never computed here.
"""

import re
from collections.abc import Iterable, Iterator
from typing import Any

from sqlalchemy.orm import Mapped, mapped_column

from domain.database import Base, Item
from domain.exchange import fhir_out as out
from domain.exchange.extensions import Extensions
from domain.exchange.fhir import Node, Resource
from domain.exchange.fhir_systems import BHXH, BHYT
from domain.exchange.histories import unknown
from domain.exchange.qd4750 import Card, Visit
from domain.sections.section import Section
from domain.values import PartialDate, day_of

PAYER = "Bảo hiểm xã hội Việt Nam"
EXTENSIONS = Extensions(
    "insurance",
    {
        "registered_facility_code": "valueString",
        "registered_facility": "valueString",
        "area": "valueCode",
        "five_years_on": "valueDateTime",
        "copayment_exempt_from": "valueDateTime",
    },
)
_CARD = re.compile(r"([A-Z]{2})([1-5])([0-9]{2})([0-9]{10})")
_PRINTED = re.compile(r"[0-9]{10}")


class Insurance(Item, Base):
    __tablename__ = "insurance"

    status: Mapped[str] = mapped_column(default="active")
    card_number: Mapped[str | None] = mapped_column(default=None)
    social_insurance_number: Mapped[str | None] = mapped_column(default=None)
    object_group: Mapped[str | None] = mapped_column(default=None)
    benefit_level: Mapped[str | None] = mapped_column(default=None)
    province_code: Mapped[str | None] = mapped_column(default=None)
    valid_from: Mapped[PartialDate | None] = mapped_column(default=None)
    valid_until: Mapped[PartialDate | None] = mapped_column(default=None)
    registered_facility_code: Mapped[str | None] = mapped_column(default=None)
    registered_facility: Mapped[str | None] = mapped_column(default=None)
    area: Mapped[str | None] = mapped_column(default=None)
    five_years_on: Mapped[PartialDate | None] = mapped_column(default=None)
    copayment_exempt_from: Mapped[PartialDate | None] = mapped_column(default=None)
    kind_system: Mapped[str | None] = mapped_column(default=None)
    kind_code: Mapped[str | None] = mapped_column(default=None)
    kind: Mapped[str | None] = mapped_column(default=None)
    payer: Mapped[str | None] = mapped_column(default=None)
    policy_holder: Mapped[str | None] = mapped_column(default=None)
    subscriber: Mapped[str | None] = mapped_column(default=None)
    relationship: Mapped[str | None] = mapped_column(default=None)
    dependent: Mapped[str | None] = mapped_column(default=None)
    plans: Mapped[list[dict[str, Any]] | None] = mapped_column(default=None)

    def fact(self) -> tuple[str | None, ...]:
        """A person's number and the day it became valid: a renewed card is another one, a shortened number is not."""
        number = self.social_insurance_number or _plain(self.card_number) or (self.payer or "").casefold()
        return (number, day_of(self.valid_from) or self.valid_from)

    def content(self) -> tuple[object, ...]:
        """Until when it is valid: the facility of registration may change meanwhile."""
        return (day_of(self.valid_until) or self.valid_until,)


def _plain(number: str | None) -> str | None:
    """`DN 4 01-0123456789` and `dn4010123456789` are one card."""
    return re.sub(r"[\s.\-]", "", number).upper() if number else None


def _parts(number: str | None) -> dict[str, Any]:
    """What a card number says of its holder; nothing where it is no BHYT number."""
    plain = _plain(number) or ""
    if _PRINTED.fullmatch(plain):
        return {"social_insurance_number": plain}
    match = _CARD.fullmatch(plain)
    if not match:
        return {}
    group, level, province, social = match.groups()
    return {
        "object_group": group,
        "benefit_level": level,
        "province_code": province,
        "social_insurance_number": social,
    }


def from_fhir(resource: Resource) -> Iterable[Insurance]:
    if resource.type != "Coverage":
        return
    valid_from, valid_until = resource.period("period")
    kind = resource.concept("type")
    numbers = _numbers(resource)
    if not (any(numbers.values()) or kind or resource.has("payor")):
        resource.warn("identifier", "names neither a card nor a payer", "required")
        return
    yield Insurance(
        id=resource.row_id,
        document="Coverage",
        occurred=valid_from,
        status=resource.string("status") or "active",
        **numbers,
        valid_from=valid_from,
        valid_until=valid_until,
        **EXTENSIONS.read(resource),
        kind_system=kind.system,
        kind_code=kind.code,
        kind=kind.display,
        payer=next((words for node in resource.children("payor") if (words := resource.name_behind(node))), None),
        policy_holder=resource.name_of("policyHolder"),
        subscriber=resource.name_of("subscriber"),
        relationship=resource.concept("relationship").code or resource.concept("relationship").display,
        dependent=resource.string("dependent"),
        plans=[plan for node in resource.children("class") if (plan := _plan(node))] or None,
    )


def _numbers(resource: Resource) -> dict[str, Any]:
    """The card's number: as BHYT's, as the subscriber's, as any identifier; and what can be read from it."""
    identifiers = resource.identifiers()
    systems = dict(reversed([(system, value) for system, value in identifiers if system]))
    social = systems.get(BHXH)
    others = (value for system, value in identifiers if system != BHXH)
    card = systems.get(BHYT) or resource.string("subscriberId") or next(others, None)
    parts = _parts(card)
    return {"card_number": card, **parts, "social_insurance_number": parts.get("social_insurance_number") or social}


def _plan(node: Node) -> dict[str, Any]:
    kind = node.concept("type")
    return out.filled({"kind": kind.code or kind.display, "value": node.string("value"), "name": node.string("name")})


def from_qd4750(visit: Visit) -> Iterator[Insurance]:
    """One row a card. What XML1 says of the person as insured goes with the card that was valid at the end."""
    cards = [card for card in visit.subject.cards if card.number]
    current = _current(visit, cards)
    for card in cards:
        yield Insurance(
            document="XML1" if visit.summary else "XML0",
            occurred=card.valid_from,
            card_number=card.number,
            **_parts(card.number),
            valid_from=card.valid_from,
            valid_until=card.valid_until,
            registered_facility_code=card.registered_at,
            **(_standing(visit) if card is current else {}),
            payer=PAYER,
            relationship="self",
        )


def _current(visit: Visit, cards: list[Card]) -> Card | None:
    """The last card that is valid when the visit ends: cards stand in the order in which they were used."""
    ended = visit.summary.ended_at if visit.summary else None
    day = day_of(ended) or ""
    valid = [card for card in cards if (card.valid_from or "") <= day <= (card.valid_until or "9")]
    return next(reversed(valid or cards), None)


def _standing(visit: Visit) -> dict[str, Any]:
    row = visit.summary
    if row is None:
        return {}
    exempt = row.copayment_exempt_from
    return {"area": row.area, "five_years_on": row.five_years_on, "copayment_exempt_from": exempt}


def to_fhir(row: Insurance) -> dict[str, Any]:
    return out.resource(
        "Coverage",
        row,
        extension=EXTENSIONS.write(row),
        identifier=out.listed([_identifier(BHYT, _card_of(row)), _identifier(BHXH, row.social_insurance_number)]),
        status=row.status,
        type=out.concept(row.kind_system, row.kind_code, row.kind),
        policyHolder=out.named(row.policy_holder),
        subscriber=out.named(row.subscriber),
        subscriberId=row.card_number,
        beneficiary=out.subject(row),
        dependent=row.dependent,
        relationship=_relationship(row),
        period=out.period(row.valid_from, row.valid_until),
        payor=[out.named(row.payer) or unknown()],
        **{"class": out.listed(_plan_out(plan) for plan in row.plans or ())},
    )


def _card_of(row: Insurance) -> str | None:
    """The number, where it is one of Vietnam's cards: other insurers' numbers have no system of ours."""
    return row.card_number if row.object_group else None


def _identifier(system: str, value: str | None) -> dict[str, Any] | None:
    return {"system": system, "value": value} if value else None


def _relationship(row: Insurance) -> dict[str, Any] | None:
    return out.concept("http://terminology.hl7.org/CodeSystem/subscriber-relationship", row.relationship, None)


def _plan_out(plan: dict[str, Any]) -> dict[str, Any]:
    """Type and value of a class are required."""
    kind = {"text": plan["kind"]} if plan.get("kind") else unknown()
    value = {"value": plan["value"]} if plan.get("value") else {"_value": unknown()}
    return out.filled({"type": kind, **value, "name": plan.get("name")})


SECTION = Section(
    name="insurance",
    vi="Bảo hiểm y tế",
    en="Health insurance",
    holds=("Coverage",),
    smart=("patient/Coverage.rs",),
    model=Insurance,
    from_fhir=from_fhir,
    from_qd4750=from_qd4750,
    to_fhir=to_fhir,
)
