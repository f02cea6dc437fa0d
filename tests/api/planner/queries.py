"""Hypothesis strategies for GraphQL documents that are valid for our schema, whatever it has grown into."""

from graphql import GraphQLObjectType, get_named_type
from hypothesis import strategies as st

from api.schema import create_schema

SCHEMA = create_schema()._schema
DEEPEST = 4


@st.composite
def documents(draw):
    """A query of one health record: aliases, merged fields, fragments, paging, directives and variables."""
    fragments = []
    body = draw(selection_set(SCHEMA.type_map["HealthRecord"], 0, fragments))
    variables = {"yes": True, "no": False, "few": draw(st.integers(0, 3))}
    head = "query ($yes: Boolean!, $no: Boolean!, $few: Int)"
    used = "yes: __typename @include(if: $yes) no: __typename @skip(if: $no) few: labs(first: $few) { __typename }"
    root = f"healthRecord {{ {used} {body} }}"
    return head, root, " ".join(fragments), variables


@st.composite
def selection_set(draw, type_, depth, fragments):
    names = [name for name, one in type_.fields.items() if depth < DEEPEST or not _is_object(one)]
    chosen = draw(st.lists(st.sampled_from([*names, "__typename"]), min_size=1, max_size=6, unique=True))
    parts = [draw(selection(type_, name, depth, fragments)) for name in chosen]
    if draw(st.booleans()):
        text = " ".join(parts)
        if draw(st.booleans()):
            return f"... on {type_.name} {{ {text} }}"
        fragments.append(f"fragment F{len(fragments)} on {type_.name} {{ {text} }}")
        return f"...F{len(fragments) - 1}"
    return " ".join(parts)


@st.composite
def selection(draw, type_, name, depth, fragments):
    if name == "__typename":
        return name
    one = type_.fields[name]
    arguments = draw(paging()) if "first" in one.args else draw(versions()) if "includeSuperseded" in one.args else ""
    alias = draw(st.sampled_from(["", f"{name}2: ", f"{'long' * 20}_{name}: "])) if draw(st.integers(0, 3)) == 0 else ""
    if arguments and not alias:
        alias = f"{name}{abs(hash(arguments)) % 1000}: "
    directive = draw(st.sampled_from(["", "", "", " @include(if: $yes)", " @skip(if: $yes)", " @include(if: $no)"]))
    inner = ""
    if _is_object(one):
        inner = f" {{ __typename {draw(selection_set(get_named_type(one.type), depth + 1, fragments))} }}"
    return f"{alias}{name}{arguments}{directive}{inner}"


def paging():
    """Arguments of a connection: either direction, from nothing to more than there is."""
    return st.sampled_from(
        [
            "(first: 2)",
            "(first: 0)",
            "(first: 500)",
            "(last: 3)",
            "(first: $few)",
            "(first: 3, includeSuperseded: true)",
            "",
        ]
    )


def versions():
    return st.sampled_from(["", "(includeSuperseded: true)", "(includeSuperseded: $no)"])


def _is_object(field):
    return isinstance(get_named_type(field.type), GraphQLObjectType)
