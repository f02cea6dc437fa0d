"""What this API can show: its table of contents. One base class a section, in the order of the book."""

from collections.abc import Mapping
from typing import Annotated, Any, cast

import orjson
import strawberry
from graphql import GraphQLInterfaceType, GraphQLObjectType, GraphQLSchema
from graphql.execution.values import VariableValues
from strawberry import Info
from strawberry.schema.config import StrawberryConfig

from api.access_log import AccessLogField, AccessLogMutations
from api.appointments import AppointmentMutations, AppointmentQueries
from api.changes import PAGE, Limit, Since, changes_of
from api.consents.mutations import ConsentMutations
from api.consents.queries import ConsentQueries
from api.context import Context
from api.dose_forecast import DoseForecastQuery
from api.emergencies.mutations import EmergencyMutations
from api.emergencies.queries import EmergencyQueries
from api.errors import graphql_error, not_found, refusal, refused_gates
from api.facilities import FacilityMutations, FacilityQueries
from api.guard import by_response_key
from api.item import Node
from api.notifications.devices import DeviceMutations, DeviceQueries
from api.notifications.inbox import InboxMutations, InboxQueries
from api.notifications.settings import SettingsMutations, SettingsQueries
from api.organizations import Organization, OrganizationsField
from api.planner.plan import Plan, compile_root
from api.planner.selection import Selection
from api.planner.sources import SOURCE, Expr, RootSource, field
from api.planner.sql import short
from api.purposes import PurposeOfUse
from api.representation.mutations import RepresentationMutations
from api.representation.queries import RepresentationQueries
from api.scalars import SCALARS
from api.sections.allergies import AllergiesField
from api.sections.conditions import ConditionsField
from api.sections.demographics import DemographicsField
from api.sections.documents import DocumentsField
from api.sections.encounters import EncountersField
from api.sections.family_history import FamilyHistoryField
from api.sections.follow_ups import FollowUpsField
from api.sections.imaging import ImagingField
from api.sections.immunizations import ImmunizationsField
from api.sections.insurance import InsuranceField
from api.sections.labs import LabsField
from api.sections.prescriptions import PrescriptionsField
from api.sections.procedures import ProceduresField
from api.sections.referrals import ReferralsField
from api.sections.social_history import SocialHistoryField
from api.sections.vitals import VitalsField
from api.subscriptions.fields import Subscription
from domain.errors import HealthbookError


@strawberry.type(
    description=(
        "One person's health book, whole. A section that may not be read is null with an error of code "
        "INSUFFICIENT_SCOPE or CONSENT_REQUIRED at its path; the others are not touched by it. "
        "FHIR: Patient/$everything"
    )
)
class HealthRecord(
    DemographicsField,
    AllergiesField,
    ConditionsField,
    FamilyHistoryField,
    SocialHistoryField,
    ImmunizationsField,
    EncountersField,
    ProceduresField,
    LabsField,
    ImagingField,
    VitalsField,
    PrescriptionsField,
    ReferralsField,
    FollowUpsField,
    InsuranceField,
    DocumentsField,
):
    patient_id: strawberry.ID = field("The patient whose book this is. FHIR: Patient.id", Expr("{t}.patient_id"))


@strawberry.type(description="A patient whose book the citizen may open.")
class PatientAccess:
    patient_id: strawberry.ID = strawberry.field(description="For `healthRecord(patientId:)`. FHIR: Patient.id")
    relation: str = strawberry.field(description="self, parent, guardian or delegate. FHIR: RelatedPerson.relationship")


@strawberry.type(description="Who is calling.")
class Me:
    id: strawberry.ID | None = strawberry.field(description="The citizen (`sub`); null for a facility. FHIR: Person.id")
    client_id: str = strawberry.field(description="The application that asks. RFC 6749 2.2")
    scopes: list[str] = strawberry.field(description="What the token reaches. RFC 6749 3.3")
    patients: list[PatientAccess] = strawberry.field(description="Whose books this citizen may open, himself first.")


PATIENT_ID = "Whose book; the caller's own unless told."
PURPOSE = "Why it is read; without it PATRQT for citizens and their apps, TREAT for facilities and clinicians."


async def _health_record(
    root: Any,
    info: Info,
    *,
    patient_id: Annotated[strawberry.ID | None, strawberry.argument(description=PATIENT_ID)] = None,
    purpose: Annotated[PurposeOfUse | None, strawberry.argument(description=PURPOSE)] = None,
) -> Any:
    del root, patient_id, purpose
    return await read_root(info)


async def _node(
    root: Any,
    info: Info,
    *,
    id: Annotated[strawberry.ID, strawberry.argument(description="The `id` of an item.")],  # noqa: A002 -- Relay's name
    purpose: Annotated[PurposeOfUse | None, strawberry.argument(description=PURPOSE)] = None,
) -> Any:
    del root, id, purpose
    return await read_root(info)


Changes = changes_of(HealthRecord)


async def _changes(
    root: Any,
    info: Info,
    *,
    patient_id: Annotated[strawberry.ID | None, strawberry.argument(description=PATIENT_ID)] = None,
    since: Since = None,
    limit: Limit = PAGE,
    purpose: Annotated[PurposeOfUse | None, strawberry.argument(description=PURPOSE)] = None,
) -> Any:
    del root, patient_id, since, limit, purpose
    return await read_root(info)


for _resolver in (_health_record, _changes, _node):
    del _resolver.__annotations__["return"]  # the field's own annotation is its type


async def _me(info: Info) -> Me:
    me = info.context.me
    own = [PatientAccess(patient_id=me["patient_id"], relation="self")] if me["patient_id"] else []
    others = [PatientAccess(patient_id=one["patient_id"], relation=one["relation"]) for one in me["patients"]]
    return Me(
        id=me["citizen_id"], client_id=me["client_id"], scopes=sorted(me["scope"].split()), patients=[*own, *others]
    )


@strawberry.type(description="Everything that can be read.")
class Query(
    OrganizationsField,
    ConsentQueries,
    RepresentationQueries,
    EmergencyQueries,
    AccessLogField,
    FacilityQueries,
    DoseForecastQuery,
    AppointmentQueries,
    InboxQueries,
    DeviceQueries,
    SettingsQueries,
):
    me: Me = strawberry.field(resolver=_me, description="Who is calling, and whose books are open to him.")
    health_record: HealthRecord | None = strawberry.field(
        resolver=_health_record,
        description="A health book: the caller's own, or that of a patient he may act for.",
        metadata={SOURCE: RootSource("record")},
    )
    changes: Changes | None = strawberry.field(  # type: ignore[valid-type]  # made of the record's sections
        resolver=_changes,
        description="What changed in a book since a phone last asked: its copy becomes what a download would give.",
        metadata={SOURCE: RootSource("changes")},
    )
    node: Node | None = strawberry.field(
        resolver=_node,
        description="One item by its id (Relay Global Object Identification).",
        metadata={SOURCE: RootSource("node")},
    )


@strawberry.type(description="Everything that can be changed. One transaction a field; they run one after another.")
class Mutation(
    ConsentMutations,
    RepresentationMutations,
    EmergencyMutations,
    AccessLogMutations,
    FacilityMutations,
    AppointmentMutations,
    InboxMutations,
    DeviceMutations,
    SettingsMutations,
):
    pass


async def read_root(info: Info) -> Any:
    """Exit 2: the same statement as exit 1, as dictionaries that graphql-core completes."""
    raw, context = info._raw_info, info.context  # noqa: SLF001 -- Strawberry offers no other way to the AST
    variables = VariableValues({}, cast("dict[str, Any]", raw.variable_values))
    selection = Selection(raw.schema, raw.operation, dict(raw.fragments), variables)
    root = next(one for one in selection.roots(raw.parent_type) if one.key == raw.path.key)
    try:
        plan = compile_root(selection, root, records_of(raw.schema))
        answer = await context.read(plan, variables)
    except HealthbookError as error:
        raise graphql_error(error) from None
    if answer.outcome != "ALLOWED":
        raise graphql_error(not_found())
    return opened_record(plan, answer.data, refused_gates(plan, answer), context)


def opened_record(plan: Plan, data: bytes | None, refused: list[Any], context: Context) -> Any:
    """The answer as a dictionary; refused sections hold their error, which graphql-core tells at their path."""
    if data is None:
        raise graphql_error(not_found())
    record = orjson.loads(data)
    for gate in refused:
        if not gate.path:
            raise graphql_error(not_found())
        record[short(gate.path[0])] = graphql_error(refusal(gate.section, context.caller.scopes))
    return Typed(record, plan.type_name)


class Typed(dict[str, Any]):
    """A record that knows its type, so that the interface `Node` finds it."""

    def __init__(self, values: dict[str, Any], type_name: str) -> None:
        super().__init__(values)
        self.type_name = type_name


def records_of(schema: GraphQLSchema) -> Mapping[str, GraphQLObjectType]:
    """The type that a node id of each section leads to."""
    known: dict[str, GraphQLObjectType] = {}
    for type_ in schema.type_map.values():
        if isinstance(type_, GraphQLObjectType) and any(one.name == "Node" for one in type_.interfaces):
            record = getattr(type_.extensions["strawberry-definition"].origin, "__record__", None)
            if record is not None:
                known[record.section] = type_
    return known


class Schema(strawberry.Schema):
    def process_errors(self, errors: Any, execution_context: Any = None) -> None:
        """Nothing: a refusal is no fault, and faults are logged once, without words, where they are masked."""


def create_schema() -> strawberry.Schema:
    schema = Schema(
        query=Query,
        mutation=Mutation,
        subscription=Subscription,
        types=[Organization],
        config=StrawberryConfig(auto_camel_case=True, scalar_map=SCALARS),
    )
    for type_ in schema._schema.type_map.values():  # noqa: SLF001 -- no public way to the GraphQL schema
        if isinstance(type_, GraphQLObjectType):
            _read_planned_fields(type_)
        if isinstance(type_, GraphQLInterfaceType):
            type_.resolve_type = _type_name
    return schema


def _type_name(value: Any, *_: Any) -> str:
    return str(value.type_name)


def _read_planned_fields(type_: GraphQLObjectType) -> None:
    """Planned fields are read from the answer by response key; their objects are dictionaries of no Python class."""
    for one in type_.fields.values():
        definition = one.extensions.get("strawberry-definition")
        if definition is not None and SOURCE in definition.metadata and not definition.base_resolver:
            one.resolve = by_response_key
            type_.is_type_of = None
