"""What a document and its variables may be at most, checked before anything is planned or executed.

In the order of their price: the text (`text`: one pass of a regular expression), the tree before it is validated
(`shape`: validation compares fields pair by pair, so it is bounded first), then GraphQL's own rules. Variables are
bounded as JSON (`variables`). The cost of what is asked comes on top: `api.cost`.
"""

from graphql import DocumentNode, GraphQLError, GraphQLSchema, parse, validate

from api.limits.bounds import MOST_ERRORS, MOST_TOKENS
from api.limits.shape import wrong_shape
from api.limits.text import wrong_text

__all__ = ["checked_document"]


def checked_document(schema: GraphQLSchema, text: str) -> tuple[DocumentNode | None, list[GraphQLError]]:
    """The parsed document where it is valid and within the limits, and what is wrong otherwise."""
    if refusal := wrong_text(text):
        return None, [refusal]
    try:
        document = parse(text, max_tokens=MOST_TOKENS)
    except GraphQLError as error:
        return None, [error]
    if refusal := wrong_shape(document):
        return None, [refusal]
    return document, validate(schema, document, max_errors=MOST_ERRORS, hide_suggestions=True)
