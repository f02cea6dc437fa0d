"""Reads what a forecast needs through the planner like any other query, so that the decision, the log and row-level
security hold: birth and doses always, allergies and conditions where the token reaches them and somebody opened them.
"""

from functools import lru_cache
from typing import Annotated, Any

import orjson
import strawberry
from graphql import GraphQLSchema
from graphql.execution.values import VariableValues
from strawberry import Info

from api.context import Context
from api.dose_forecast.types import DoseForecast
from api.errors import SCOPES, not_found, refusal
from api.planner.documents import Document, Documents
from api.planner.plan import Plan
from api.planner.read import Answer
from api.purposes import PurposeOfUse
from domain.immunization.forecasting import forecast
from domain.immunization.records import dose_of, person_of, rows_of
from domain.immunization.schedule_files import versions
from domain.values import VIETNAM, utc_now

DOCUMENT = """
query ($patientId: ID, $purpose: PurposeOfUse, $allergies: Boolean!, $conditions: Boolean!) {
  healthRecord(patientId: $patientId, purpose: $purpose) {
    patientId
    demographics { birthDate sex isDeceased }
    immunizations { ...Given reports { ...Given } }
    allergies @include(if: $allergies) { codeSystem code display clinicalStatus verificationStatus isAbsence }
    conditions(first: 100) @include(if: $conditions) {
      nodes { icd10 occurred abatement clinicalStatus verificationStatus }
    }
  }
}
fragment Given on Immunization {
  id occurred status statusReason vaccineSystem vaccineCode vaccine antigens isSubpotent
}
"""
NEEDED, HELPFUL = ("demographics", "immunizations"), ("allergies", "conditions")
PATIENT_ID = "Whose doses; the caller's own unless told."
PURPOSE = "Why it is read; without it PATRQT for citizens and their apps, TREAT for facilities and clinicians."


async def _dose_forecast(
    info: Info,
    *,
    patient_id: Annotated[strawberry.ID | None, strawberry.argument(description=PATIENT_ID)] = None,
    purpose: Annotated[PurposeOfUse | None, strawberry.argument(description=PURPOSE)] = None,
) -> DoseForecast | None:
    answer, record = await _read(info, patient_id, purpose)
    today = utc_now().astimezone(VIETNAM).date()
    rows = rows_of(record)
    found = forecast(person_of(record, today), map(dose_of, rows.values()), today, versions())
    considered = [name for name in (*NEEDED, *HELPFUL) if answer.opens(name)]
    return DoseForecast.of(found, record["patientId"], considered, rows)


@strawberry.type
class DoseForecastQuery:
    dose_forecast: DoseForecast | None = strawberry.field(
        resolver=_dose_forecast,
        description=(
            "Which vaccine doses a person has had by the national schedule, and which come next. Not medical advice: "
            f"a station decides. Scopes: {' and '.join(SCOPES[name] for name in NEEDED)}; allergies and conditions "
            "are considered where they are open."
        ),
    )


async def _read(info: Info, patient_id: str | None, purpose: PurposeOfUse | None) -> tuple[Answer, dict[str, Any]]:
    """The answer and the record in it. Raises NotFound, InsufficientScope, ConsentRequired, Busy."""
    context: Context = info.context
    plan, variables = _plan(info.schema, context, patient_id, purpose)
    answer = await context.read(plan, variables)
    if answer.outcome != "ALLOWED" or answer.data is None:
        raise not_found()
    for name in NEEDED:
        if not answer.opens(name):
            raise refusal(name, context.caller.scopes)
    record: dict[str, Any] = orjson.loads(answer.data)
    return answer, record


def _plan(
    schema: strawberry.Schema, context: Context, patient_id: str | None, purpose: PurposeOfUse | None
) -> tuple[Plan, VariableValues]:
    """What the token does not reach is not asked for, so that the log shows no refusal of what nobody wanted."""
    document = _document(schema._schema)  # noqa: SLF001 -- no public way to it
    asked = {name: SCOPES[name] in context.caller.scopes for name in HELPFUL}
    told = {"patientId": patient_id, "purpose": purpose.name if purpose else None}
    variables = document.variables({name: value for name, value in (told | asked).items() if value is not None})
    if isinstance(variables, list):  # pragma: no cover -- the schema has read these very values
        raise variables[0]
    plan = document.plan(variables)
    assert plan is not None  # noqa: S101 -- every field of DOCUMENT is planned
    return plan, variables


@lru_cache(maxsize=4)
def _document(schema: GraphQLSchema) -> Document:
    document = Documents(schema, {}).get(DOCUMENT, None)
    assert isinstance(document, Document)  # noqa: S101 -- DOCUMENT is valid for the schema
    return document
