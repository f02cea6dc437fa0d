"""What every section must have. A newcomer's section is complete when this passes (docs/adding-a-section.md)."""

import dataclasses
import inspect
import re
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

import pytest
from graphql import (
    GraphQLInterfaceType,
    GraphQLObjectType,
    get_named_type,
    is_introspection_type,
    is_list_type,
    is_non_null_type,
)
from sqlalchemy.dialects import postgresql

from api.pagination import keyset
from api.planner.sources import SOURCE, SectionChangesSource, SectionSource
from api.planner.sql import record_of
from api.schema import create_schema
from domain.database import Base, Item, Part
from domain.sections import SECTIONS
from domain.values import PARTIAL_DATE, new_id

ROOT = Path(__file__).parents[2]
SCHEMA = create_schema()._schema
RECORD = SCHEMA.type_map["HealthRecord"]
NOW = datetime(2026, 11, 21, 3, 0, tzinfo=UTC)

# Types of the API itself, which no FHIR resource has.
OF_THE_API = re.compile(r"Query|Me|HealthRecord|Changes|PageInfo|Node|\w+Connection|\w+Edge|\w+SectionChanges")
# Fields of ours: how one fact with several reports is shown.
OF_THE_BOOK = {"id", "occurred", "isContradicted", "supersededAt", "position"}

each_section = pytest.mark.parametrize("section", SECTIONS, ids=lambda section: section.name)


def types():
    for type_ in SCHEMA.type_map.values():
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType) and not is_introspection_type(type_):
            yield type_


def types_of_the_record():
    """Every type that a field of HealthRecord leads to."""
    reached, waiting = set(), [RECORD.name]
    while waiting:
        name = waiting.pop()
        type_ = SCHEMA.type_map[name]
        if name not in reached and isinstance(type_, GraphQLObjectType | GraphQLInterfaceType):
            reached.add(name)
            waiting += [get_named_type(field.type).name for field in type_.fields.values()]
    return [SCHEMA.type_map[name] for name in sorted(reached)]


def source_of(field):
    definition = field.extensions.get("strawberry-definition")
    return definition.metadata.get(SOURCE) if definition else None


def field_of(section, type_=RECORD):
    """The section's field of HealthRecord, or of another type that has one for each section."""
    words = section.name.split("_")
    return type_.fields[words[0] + "".join(word.title() for word in words[1:])]


def shown_type(section):
    """The GraphQL type of one item of the section: the list's, or that of the connection's nodes."""
    type_ = get_named_type(field_of(section).type)
    return get_named_type(type_.fields["nodes"].type) if type_.name.endswith("Connection") else type_


def folder_or_file(package, name):
    return (ROOT / package / "sections" / f"{name}.py").exists() or (
        ROOT / package / "sections" / name / "__init__.py"
    ).exists()


def sample(model):
    """A row of the model: what it needs, and nothing else."""
    values = {str: "x", int: 1, bool: False, UUID: new_id(), datetime: NOW}
    needed = [
        field
        for field in dataclasses.fields(model)
        if field.init and field.default is dataclasses.MISSING and field.default_factory is dataclasses.MISSING
    ]
    columns = model.__table__.columns
    row = model(**{field.name: values.get(columns[field.name].type.python_type, []) for field in needed})
    row.patient_id, row.source_id, row.organization_id, row.received_at = new_id(), new_id(), new_id(), NOW
    return row


@each_section
def test_name_is_the_name_of_its_two_files(section):
    module = inspect.getmodule(section.to_fhir).__name__.split(".")
    assert module[:3] == ["domain", "sections", section.name]
    assert folder_or_file("domain", section.name)
    assert folder_or_file("api", section.name)


@pytest.mark.parametrize("package", ["domain", "api"])
def test_no_file_is_left_out_of_the_list(package):
    files = {path.stem for path in (ROOT / package / "sections").iterdir() if not path.name.startswith("_")}
    assert files - {"section"} == {section.name for section in SECTIONS}


@each_section
def test_scope_is_well_formed_and_its_own(section):
    assert re.fullmatch(r"record:[a-z]+(_[a-z]+)*:read", section.scope)
    assert [other.name for other in SECTIONS if other.scope == section.scope] == [section.name]


def test_smart_scopes_open_one_section_each():
    """Two sections of one resource need a narrower alias each, or one consent would open both."""
    aliases = [alias for section in SECTIONS for alias in section.smart]
    assert sorted(aliases) == sorted(set(aliases))
    for alias in aliases:
        assert re.fullmatch(r"patient/[A-Z][A-Za-z]+\.rs(\?[a-z-]+=\S+)?", alias), alias


@each_section
def test_has_words_in_both_languages(section):
    assert section.vi.strip()
    assert section.en.strip()
    assert section.vi != section.en


@each_section
def test_a_field_of_the_record_shows_it_and_is_guarded_by_this_very_section(section):
    source = source_of(field_of(section))
    assert isinstance(source, SectionSource)
    assert source.section == section.name
    assert field_of(section).description.endswith(f"Scope: {section.scope}")


@each_section
def test_its_field_is_nullable_so_that_a_refusal_never_empties_the_screen(section):
    assert not is_non_null_type(field_of(section).type)


@each_section
def test_its_type_shows_its_own_table_and_is_opened_by_it_alone(section):
    record = record_of(shown_type(section))
    assert record.table == f"book.{section.model.__tablename__}"
    assert record.section == section.name
    assert "Item" in {one.name for one in shown_type(section).interfaces}


def test_the_record_holds_the_sections_in_their_order_and_nothing_beside():
    guarded = [
        source.section for field in RECORD.fields.values() if isinstance(source := source_of(field), SectionSource)
    ]
    assert guarded == [section.name for section in SECTIONS]
    assert [name for name, field in RECORD.fields.items() if not isinstance(source_of(field), SectionSource)] == [
        "patientId"
    ]


@each_section
def test_its_changes_are_guarded_by_this_very_section(section):
    field = field_of(section, SCHEMA.type_map["Changes"])
    assert source_of(field) == SectionChangesSource(section.name)
    assert not is_non_null_type(field.type)
    assert get_named_type(get_named_type(field.type).fields["items"].type) is shown_type(section)


def test_rows_of_a_section_are_reached_through_its_guard_only():
    """No type but the record's own parts leads to a record of another section."""
    for type_ in types():
        if type_ is RECORD or OF_THE_API.fullmatch(type_.name):
            continue
        origin = type_.extensions["strawberry-definition"].origin
        own = getattr(origin, "__record__", None)
        for name, field in type_.fields.items():
            led = get_named_type(field.type)
            if not isinstance(led, GraphQLObjectType):
                continue
            other = getattr(led.extensions["strawberry-definition"].origin, "__record__", None)
            assert other is None or (own is not None and other.section == own.section), f"{type_.name}.{name}"


def test_every_type_and_field_is_described():
    lacking = [type_.name for type_ in types() if not type_.description]
    lacking += [
        f"{type_.name}.{name}" for type_ in types() for name, field in type_.fields.items() if not field.description
    ]
    assert lacking == []


def test_fields_of_the_record_end_with_their_fhir_path():
    lacking = [
        f"{type_.name}.{name}"
        for type_ in types_of_the_record()
        if not OF_THE_API.fullmatch(type_.name)
        for name, field in type_.fields.items()
        if name not in OF_THE_BOOK and not re.search(r"FHIR: [A-Za-z][\w.\[\]():/|,' =-]*$", field.description)
    ]
    assert lacking == []


@each_section
def test_to_fhir_gives_the_resource_that_is_declared_first(section):
    made = section.to_fhir(sample(section.model))
    assert made["resourceType"] == section.holds[0]
    assert made["id"]


@each_section
def test_what_it_holds_are_resource_types_each_once(section):
    assert section.holds
    assert len(set(section.holds)) == len(section.holds)
    assert all(re.fullmatch(r"[A-Z][A-Za-z]+", name) for name in section.holds)


@each_section
def test_its_tables_are_a_patients_own(section):
    assert issubclass(section.model, Item)
    for model in section.models:
        assert issubclass(model, Item | Part)
        assert model.__table__.schema == "book"
        assert model.__table__.info["class"] == "patient"
        assert [column.name for column in model.__table__.primary_key] == ["patient_id", "id"]


@each_section
def test_what_is_shown_is_found_by_an_index_in_the_order_of_reading(section):
    indexes = {index.name: index for index in section.model.__table__.indexes}
    shown = indexes[f"ix_{section.model.__tablename__}_page"]
    assert [str(one) for one in shown.expressions] == [
        f"{section.model.__tablename__}.patient_id", "occurred desc nulls last", "id desc"
    ]  # fmt: skip
    assert keyset({}).sql("t") == "t.occurred desc nulls last, t.id desc"
    assert str(shown.dialect_options["postgresql"]["where"].compile(dialect=postgresql.dialect())) == "shown"


@each_section
def test_dates_of_the_record_are_partial_dates(section):
    """A column of type `date` would make a day of a year."""
    for model in section.models:
        for column in model.__table__.columns:
            assert column.type.python_type.__name__ != "date", f"{model.__tablename__}.{column.name}"
    occurred = [str(check.sqltext) for check in section.model.__table__.constraints if hasattr(check, "sqltext")]
    assert f"occurred ~ '{PARTIAL_DATE}'" in occurred


@each_section
def test_its_lists_hold_no_null(section):
    type_ = field_of(section).type
    if is_list_type(type_):
        assert is_non_null_type(type_.of_type)


FORECAST_FROM = {"allergies", "conditions", "demographics", "immunizations"}
"""What the worker judges doses by (docs/immunization.md)."""


@each_section
async def test_the_migrations_make_its_tables_and_a_policy_names_it(section, database):
    import asyncpg

    connection = await asyncpg.connect(database.owner)
    try:
        for model in section.models:
            policies = await connection.fetch(
                "select policyname, qual from pg_policies where schemaname = 'book' and tablename = $1",
                model.__tablename__,
            )
            found = {row["policyname"]: row["qual"] for row in policies}
            forecast = {"forecast"} if model.__tablename__ in FORECAST_FROM else set()
            assert set(found) == {"record", "intake"} | forecast, model.__tablename__
            assert f",{section.name}," in found["record"], model.__tablename__
    finally:
        await connection.close()


def test_no_table_of_the_book_belongs_to_no_section():
    known = {model.__tablename__ for section in SECTIONS for model in section.models} | {"patient", "removal"}
    assert {table.name for table in Base.metadata.tables.values() if table.schema == "book"} == known
