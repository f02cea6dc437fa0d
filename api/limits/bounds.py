"""The bounds of a document, in one place, and the errors that name them.

They leave a phone's largest screen (benchmarks/record.graphql: 450 tokens, 175 fields, 5 levels) room to grow about
fivefold, and keep what one document can cost a worker before execution below a tenth of a second.
"""

from graphql import GraphQLError

LARGEST_DOCUMENT = 100_000  # characters
MOST_TOKENS = 3_000
DEEPEST_NESTING = 60  # brackets of any kind within each other
LONGEST_NAME = 200
LONGEST_NUMBER = 100
LONGEST_STRING = 10_000  # characters between the quotes
MOST_OPERATIONS = 20
MOST_FRAGMENTS = 100
MOST_VARIABLES = 100
DEEPEST = 15  # fields within each other
MOST_LEVELS = 40  # fields, spreads and inline fragments within each other
MOST_FIELDS = 1_500
MOST_SELECTIONS = 3_000  # fields, spreads and inline fragments, fragments spread out
MOST_ROOTS = 50  # each is a read of its own, with its log row
MOST_CHANGES = 10  # each is a transaction of its own
MOST_ALIASES = 250
MOST_ALIASES_OF_A_FIELD = 50
MOST_REPEATS = 3_000  # pairs of fields that must be compared because they share a place in the answer
MOST_DIRECTIVES = 200
MOST_DIRECTIVES_AT_ONE = 5
MOST_ITEMS = 1_000  # of one list, and members of one input object
MOST_ERRORS = 5
MOST_VALUES = 2_000  # in all variables together
DEEPEST_VALUE = 15


def too(how: str, what: str, found: int, allowed: int) -> GraphQLError:
    """DOCUMENT_TOO_LARGE, _DEEP or _WIDE: what there is too much of, how much, and how much may be."""
    extensions = {"code": f"DOCUMENT_TOO_{how}", "found": found, "allowed": allowed}
    return GraphQLError(f"The document has {found} {what}; {allowed} are allowed.", extensions=extensions)
