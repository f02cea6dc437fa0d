"""What every type, field, argument and value of the schema must have, whoever adds it."""

import re
from datetime import date

import pytest
from graphql import (
    GraphQLEnumType,
    GraphQLInputObjectType,
    GraphQLInterfaceType,
    GraphQLObjectType,
    is_introspection_type,
    is_non_null_type,
    is_specified_directive,
    is_specified_scalar_type,
)

from api.schema import create_schema

SCHEMA = create_schema()._schema
TYPES = [
    one for one in SCHEMA.type_map.values() if not is_introspection_type(one) and not is_specified_scalar_type(one)
]
DEPRECATED = re.compile(r"\bsince (\d{4}-\d{2}-\d{2}), removed after (\d{4}-\d{2}-\d{2})\b")
SHORTEST_NOTICE_DAYS = 180
NEVER_REFUSED = {"Query.me"}
"""Of the living grant itself: a dead one is a 401 before GraphQL begins."""


def parts():
    """Every named thing of the schema that a description explains: its name and the thing."""
    for type_ in TYPES:
        yield type_.name, type_
        if isinstance(type_, GraphQLEnumType):
            yield from ((f"{type_.name}.{name}", value) for name, value in type_.values.items())
        if isinstance(type_, GraphQLObjectType | GraphQLInterfaceType | GraphQLInputObjectType):
            for name, field in type_.fields.items():
                yield f"{type_.name}.{name}", field
                arguments = getattr(field, "args", {})
                yield from ((f"{type_.name}.{name}({argument}:)", one) for argument, one in arguments.items())


def test_everything_has_a_description():
    assert [name for name, one in parts() if not (one.description or "").strip()] == []


def test_directives_have_a_description():
    ours = [one for one in SCHEMA.directives if not is_specified_directive(one)]
    assert [one.name for one in ours if not one.description] == []


def test_descriptions_fit_the_house():
    odd = [name for name, one in parts() if "\u2014" in (one.description or "")]
    assert odd == []


@pytest.mark.parametrize("root", [SCHEMA.query_type, SCHEMA.mutation_type])  # a refused subscription has no event
def test_what_may_be_refused_is_nullable_so_that_its_neighbours_stay(root):
    fields = root.fields.items() if root else ()
    certain = {f"{root.name}.{name}" for name, field in fields if is_non_null_type(field.type)}
    assert certain <= NEVER_REFUSED


def test_a_page_can_be_turned_the_way_relay_does_it():
    """GraphQL Cursor Connections 4: who takes `first` takes `after`, who takes `last` takes `before`."""
    for type_ in TYPES:
        for name, field in getattr(type_, "fields", {}).items():
            arguments = getattr(field, "args", {})
            assert ("first" in arguments) == ("after" in arguments), f"{type_.name}.{name}"
            assert ("last" in arguments) == ("before" in arguments), f"{type_.name}.{name}"


def dated(reason):
    """The two days of a deprecation; ValueError where it does not name them, or too little lies between."""
    match = DEPRECATED.search(reason)
    if not match:
        raise ValueError("a deprecation says `since YYYY-MM-DD, removed after YYYY-MM-DD`")
    since, until = (date.fromisoformat(day) for day in match.groups())
    if (until - since).days < SHORTEST_NOTICE_DAYS:
        raise ValueError(f"a deprecation gives {SHORTEST_NOTICE_DAYS} days of notice")
    return since, until


def test_every_deprecation_says_since_when_and_until_when():
    for name, one in parts():
        reason = getattr(one, "deprecation_reason", None)
        if reason is not None:
            assert dated(reason), name


@pytest.mark.parametrize(
    "reason",
    [
        "Use `other`.",
        "Use `other`; since 2027-01-01.",
        "since 2027-01-01, removed after 2027-03-01",
        "since 2027-13-01, removed after 2028-03-01",
        "since 2028-01-01, removed after 2027-01-01",
    ],
)
def test_a_deprecation_without_days_or_with_little_notice_is_refused(reason):
    with pytest.raises(ValueError, match=r"since YYYY|days of notice|month"):
        dated(reason)


def test_a_deprecation_with_both_days_is_taken():
    found = dated("Use `other`; since 2027-01-01, removed after 2027-07-01.")
    assert found == (date(2027, 1, 1), date(2027, 7, 1))
