"""Illnesses and diagnoses, each once however often it was treated; every visit with it is one of its sources.

FHIR R4 Condition (problem list and visit diagnoses). QĐ 4750 XML1 MA_BENH_CHINH, MA_BENH_KT (ICD-10, Vietnam's
edition) and MA_BENH_YHCT (traditional medicine). Senders that code in SNOMED CT often add ICD-10: then that code
decides which reports are of one illness.
"""

from collections.abc import Iterable, Iterator
from typing import Any
from uuid import UUID

from sqlalchemy.orm import Mapped, mapped_column

from domain.database import Base, Item
from domain.exchange import fhir_out as out
from domain.exchange import fhir_systems as systems
from domain.exchange import labels
from domain.exchange.extensions import Extensions
from domain.exchange.fhir import Resource
from domain.exchange.histories import diagnosis, diagnosis_key, icd10_of, says_nothing_known, when, when_fields
from domain.exchange.qd4750 import Visit
from domain.sections.section import Section
from domain.values import PartialDate

TRADITIONAL = "urn:qd4750:MA_BENH_YHCT"
EXTENSIONS = Extensions("condition", {"rank": "valueCode"})
VISIT_DIAGNOSIS = "encounter-diagnosis"
_CATEGORIES = ("problem-list-item", VISIT_DIAGNOSIS, "health-concern")


class Condition(Item, Base):
    __tablename__ = "conditions"

    encounter_id: Mapped[UUID | None] = mapped_column(default=None)
    category: Mapped[str | None] = mapped_column(default=None)
    rank: Mapped[str | None] = mapped_column(default=None)
    clinical_status: Mapped[str | None] = mapped_column(default=None)
    verification_status: Mapped[str | None] = mapped_column(default=None)
    is_absence: Mapped[bool] = mapped_column(default=False)
    severity: Mapped[str | None] = mapped_column(default=None)
    code_system: Mapped[str | None] = mapped_column(default=None)
    code: Mapped[str | None] = mapped_column(default=None)
    icd10: Mapped[str | None] = mapped_column(default=None)
    display: Mapped[str | None] = mapped_column(default=None)
    body_site: Mapped[str | None] = mapped_column(default=None)
    stage: Mapped[str | None] = mapped_column(default=None)
    onset: Mapped[PartialDate | None] = mapped_column(default=None)
    onset_text: Mapped[str | None] = mapped_column(default=None)
    abatement: Mapped[PartialDate | None] = mapped_column(default=None)
    abatement_text: Mapped[str | None] = mapped_column(default=None)
    recorded_on: Mapped[PartialDate | None] = mapped_column(default=None)
    recorder: Mapped[str | None] = mapped_column(default=None)
    asserter: Mapped[str | None] = mapped_column(default=None)
    note: Mapped[str | None] = mapped_column(default=None)

    def fact(self) -> tuple[str | None, ...]:
        """The diagnosis, whichever visit it was made in."""
        return (diagnosis_key(self.icd10 or self.code, self.display),)

    def content(self) -> tuple[object, ...]:
        """Only a refuted diagnosis contradicts: an illness that ended, or came back, does not."""
        return (self.verification_status == "refuted",)


def from_fhir(resource: Resource) -> Iterable[Condition]:
    if resource.type != "Condition":
        return
    code = resource.concept("code")
    if not code:
        resource.warn("code", "names no condition", "required")
        return
    onset, abatement = when(resource, "onset"), when(resource, "abatement")
    recorded_on = resource.date("recordedDate")
    yield Condition(
        id=resource.row_id,
        document="Condition",
        sensitivity=labels.of_resource(resource),
        occurred=onset.date or recorded_on or _visit_start(resource),
        encounter_id=resource.encounter_id(),
        category=_category(resource),
        clinical_status=_status(resource, "clinicalStatus"),
        verification_status=_status(resource, "verificationStatus"),
        is_absence=says_nothing_known(code),
        severity=_words(resource, "severity"),
        code_system=code.system,
        code=code.code,
        icd10=icd10_of(code),
        display=code.display,
        body_site=_words(resource, "bodySite"),
        stage=_stage(resource),
        onset=onset.date,
        onset_text=onset.text,
        abatement=abatement.date,
        abatement_text=abatement.text,
        recorded_on=recorded_on,
        recorder=resource.name_of("recorder"),
        asserter=resource.name_of("asserter"),
        note=resource.notes(),
        **EXTENSIONS.read(resource),
    )


def _visit_start(resource: Resource) -> PartialDate | None:
    encounter = resource.linked("encounter", "Encounter")
    return encounter.period("period")[0] if encounter else None


def _category(resource: Resource) -> str | None:
    codes = {code for concept in resource.concepts("category") for _, code in concept.codings}
    return next((known for known in _CATEGORIES if known in codes), None)


def _status(resource: Resource, name: str) -> str | None:
    status = resource.concept(name)
    return status.code or status.display


def _words(resource: Resource, name: str) -> str | None:
    concept = resource.concept(name)
    return concept.display or concept.code


def _stage(resource: Resource) -> str | None:
    summaries = (node.concept("summary") for node in resource.children("stage"))
    return next((summary.display or summary.code for summary in summaries if summary), None)


def from_qd4750(visit: Visit) -> Iterable[Condition]:
    summary = visit.summary
    if summary is None:
        return
    for rank, system, code, words in _diagnoses(visit):
        is_icd10 = system == systems.ICD10
        yield Condition(
            document="XML1",
            sensitivity=labels.of_words(words, icd10=(code,) if code else ()),
            occurred=summary.arrived_at,
            encounter_id=visit.encounter_id,
            category=VISIT_DIAGNOSIS,
            rank=rank,
            code_system=system if code else None,
            code=code,
            icd10=code if is_icd10 else None,
            display=words,
            recorded_on=summary.ended_at,
        )


def _diagnoses(visit: Visit) -> Iterator[tuple[str, str, str | None, str | None]]:
    """(rank, system, code, words) of a visit's diagnoses, each code once, the main one first."""
    summary = visit.summary
    if summary is None:
        return
    words = dict(zip(_icd10_codes(visit), _words_of(visit), strict=True))
    for index, code in enumerate(words):
        is_main = index == 0 and bool(summary.main_icd10)
        yield "main" if is_main else "secondary", systems.ICD10, code, words[code]
    for code in dict.fromkeys(summary.traditional_codes):
        yield "traditional", TRADITIONAL, code, None
    if not words and summary.final_diagnosis:
        yield "main", "", None, summary.final_diagnosis


def _icd10_codes(visit: Visit) -> list[str]:
    summary = visit.summary
    given = (summary.main_icd10, *summary.other_icd10) if summary else ()
    return list(dict.fromkeys(code for code in given if code))


def _words_of(visit: Visit) -> list[str | None]:
    """The parts of CHAN_DOAN_RV where there is one for each code; a text that cannot be divided is nobody's.

    Words that name two illnesses must not stand with one of them: the other may be a sensitive one.
    """
    codes = _icd10_codes(visit)
    text = visit.summary.final_diagnosis if visit.summary else None
    parts = [part.strip() for part in text.split(";")] if text else []
    if len(parts) == len(codes):
        return [part or None for part in parts]
    return [text] if len(codes) == 1 else [None] * len(codes)


def to_fhir(row: Condition) -> dict[str, Any]:
    return out.resource(
        "Condition",
        row,
        extension=EXTENSIONS.write(row),
        clinicalStatus=out.concept(systems.CONDITION_CLINICAL, row.clinical_status, None),
        verificationStatus=out.concept(systems.CONDITION_VERIFICATION, row.verification_status, None),
        category=out.category(systems.CONDITION_CATEGORY, row.category) if row.category else None,
        severity=out.concept(None, None, row.severity),
        code=diagnosis(row.code_system, row.code, row.icd10, row.display),
        bodySite=out.listed([out.concept(None, None, row.body_site)]),
        subject=out.subject(row),
        encounter=out.reference("Encounter", row.encounter_id),
        **when_fields("onset", row.onset, row.onset_text),
        **when_fields("abatement", row.abatement, row.abatement_text),
        recordedDate=row.recorded_on,
        recorder=out.named(row.recorder),
        asserter=out.named(row.asserter),
        stage=out.listed([out.filled({"summary": out.concept(None, None, row.stage)})]),
        note=out.annotations(row.note),
    )


SECTION = Section(
    name="conditions",
    vi="Bệnh và chẩn đoán",
    en="Conditions and diagnoses",
    holds=("Condition",),
    smart=("patient/Condition.rs",),
    model=Condition,
    from_fhir=from_fhir,
    from_qd4750=from_qd4750,
    to_fhir=to_fhir,
)
