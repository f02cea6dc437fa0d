"""What can be refused by a look at the text, before a parser builds a tree of it: one pass, linear, stopped early."""

import re

from graphql import GraphQLError

from api.limits.bounds import (
    DEEPEST_NESTING,
    LARGEST_DOCUMENT,
    LONGEST_NAME,
    LONGEST_NUMBER,
    LONGEST_STRING,
    MOST_TOKENS,
    too,
)

# GraphQL's lexical grammar (2.1), coarsely: what no rule takes is one character, and the parser's to refuse.
_TOKEN = re.compile(
    r"""
    (?:[\s,\ufeff]|\#[^\n\r]*+)*+
    (?:(?P<name>[A-Za-z_][A-Za-z0-9_]*+)
      |(?P<open>[{\[(])
      |(?P<close>[}\])])
      |(?P<string>\"{3}(?:[^"\\]|\\\"{3}|\\|"(?!""))*+\"{3}|"(?:[^"\\\n\r]|\\.)*+")
      |(?P<number>-?[0-9][0-9.eE+-]*+)
      |(?P<other>\.\.\.|.))
    """,
    re.VERBOSE | re.DOTALL,
)
_LONGEST = {"name": LONGEST_NAME, "number": LONGEST_NUMBER, "string": LONGEST_STRING}
_NUL = re.compile(r"\\u(?:0000|\{0+\})|\x00")


def wrong_text(text: str) -> GraphQLError | None:
    """Too long, of too many tokens, nested too deep, or with a token that is too long or holds NUL."""
    if len(text) > LARGEST_DOCUMENT:
        return too("LARGE", "characters", len(text), LARGEST_DOCUMENT)
    depth = 0
    for number, token in enumerate(_TOKEN.finditer(text), 1):
        if number > MOST_TOKENS:
            return too("LARGE", "tokens", number, MOST_TOKENS)
        kind = token.lastgroup
        if kind == "open":
            depth += 1
            if depth > DEEPEST_NESTING:
                return too("DEEP", "brackets within each other", depth, DEEPEST_NESTING)
        elif kind == "close":
            depth -= 1
        elif kind in _LONGEST and (refusal := _wrong_token(kind, token[kind])):
            return refusal
    return None


def _wrong_token(kind: str, token: str) -> GraphQLError | None:
    if len(token) > _LONGEST[kind]:
        return too("LARGE", f"characters of one {kind}", len(token), _LONGEST[kind])
    if kind == "string" and _NUL.search(token):
        return GraphQLError("A string must not hold the character NUL.", extensions={"code": "INVALID"})
    return None
