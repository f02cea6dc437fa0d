"""What every item of every section shows: its id, when it happened, who reported it, and whether reports agree."""

import strawberry

from api.planner.sources import Column, Embedded, Expr, field
from api.scalars import Instant, PartialDate


@strawberry.interface(description="Anything that can be fetched again by its id.")
class Node:
    id: strawberry.ID = field(
        "Opaque id, stable for the life of the item.",
        Expr("access.node_id('{section}', {t}.patient_id, {t}.id)"),
    )


@strawberry.type(description="One report of a fact: who sent it, in which document, and when. FHIR: Provenance.")
class Source:
    id: strawberry.ID = field("The received document this comes from. FHIR: Provenance.entity.what.identifier")
    organization_code: str = field("MA_CSKCB of the sender. FHIR: Provenance.agent.who.identifier")
    organization_name: str | None = field("Name of the sender. FHIR: Provenance.agent.who.display")
    document: str = field("Which table or resource of the document (XML4, Observation). FHIR: Provenance.entity.what")
    occurred: PartialDate | None = field("When it happened by this report. FHIR: Provenance.occurredDateTime")
    received_at: Instant = field("When the book received it. FHIR: Provenance.recorded")


@strawberry.interface(description="One fact of the book, shown once, with all its sources.")
class Item(Node):
    occurred: PartialDate | None = field("When it happened, as exactly as is known.")
    recorded_at: Instant = field(
        "When the book received the report shown. FHIR: meta.lastUpdated", Column("received_at")
    )
    sensitivity: str | None = field(
        "HIV, MENTAL, REPRODUCTIVE, SUBSTANCE, GENETIC or VIOLENCE, where it is one. FHIR: meta.security",
        Expr("nullif({t}.sensitivity, '')"),
    )
    is_contradicted: bool = field("Whether the sources disagree; see `reports`.", Column("contradicted"))
    superseded_at: Instant | None = field("When a corrected version replaced this one; null while it is current.")
    sources: list[Source] = field("Everybody who reported this fact. FHIR: Provenance", Embedded())
