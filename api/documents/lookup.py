"""Which document a request means: by its text, by the name it was published under, or by a hash brought before."""

from graphql import GraphQLError

from api.documents.automatic import SHA256, AutomaticQueries, digest, not_met, offered_hash, other_hash
from api.documents.published import Operations, TrustedDocuments
from api.http.refusals import request_error, request_errors
from api.http.requests import GraphQLRequest
from api.http.toll import Toll
from api.planner.documents import Document, Documents
from auth.tokens.bearer import Caller

PREFIX = "sha256:"


class DocumentLookup:
    def __init__(
        self, documents: Documents, trusted: TrustedDocuments, automatic: AutomaticQueries, toll: Toll
    ) -> None:
        self._documents, self._trusted, self._automatic, self._toll = documents, trusted, automatic, toll

    async def find(self, asked: GraphQLRequest, caller: Caller) -> Document:
        """The operation to execute. Refused where there is none, or where this client may not send its own."""
        client_id = caller.client_id
        if asked.document_id is not None:
            return _operation(await self._published(client_id, asked.document_id), asked)
        sha256 = offered_hash(asked.extensions)
        if sha256 is not None:
            return await self._hashed(asked, caller, sha256)
        text = asked.query or ""
        if self._trusted.are_all_for(client_id):
            return await self._only_trusted(asked, client_id, digest(text))
        return await self._own(asked, caller, text)

    async def _published(self, client_id: str, document_id: str) -> Operations:
        """By `sha256:<hex>` (GraphQL over HTTP, appendix A) or the hexadecimal alone."""
        sha256 = document_id.removeprefix(PREFIX)
        found = await self._trusted.find(client_id, sha256) if SHA256.fullmatch(sha256) else None
        if found is None:
            message = "There is no document of this id for this client."
            raise request_error(message, "PERSISTED_DOCUMENT_NOT_FOUND")
        return found

    async def _hashed(self, asked: GraphQLRequest, caller: Caller, sha256: str) -> Document:
        client_id = caller.client_id
        if asked.query is not None and digest(asked.query) != sha256:
            raise other_hash()
        known = self._trusted.known(client_id, sha256)
        if known is not None:
            return _operation(known, asked)
        if self._trusted.are_all_for(client_id):
            return await self._only_trusted(asked, client_id, sha256)
        text = asked.query if asked.query is not None else self._automatic.find(client_id, sha256)
        if text is None:
            raise not_met()
        document = await self._own(asked, caller, text)
        self._automatic.remember(client_id, sha256, text)
        return document

    async def _only_trusted(self, asked: GraphQLRequest, client_id: str, sha256: str) -> Document:
        known = await self._trusted.find(client_id, sha256)
        if known is None:
            message = "This client may only use documents that were published for it."
            raise request_error(message, "DOCUMENT_NOT_TRUSTED", status=403)
        return _operation(known, asked)

    async def _own(self, asked: GraphQLRequest, caller: Caller, text: str) -> Document:
        """A document of the client's own; one that nobody sent lately is paid for before it is parsed."""
        if not self._documents.knows(text, asked.operation_name):
            await self._toll.read(caller, text)
        return _valid(self._documents.get(text, asked.operation_name))


def _operation(known: Operations, asked: GraphQLRequest) -> Document:
    return _valid(known.get(asked.operation_name))


def _valid(document: Document | list[GraphQLError] | None) -> Document:
    if isinstance(document, list):
        raise request_errors(document)
    if document is None:
        message = "`operationName` names no operation of the document, or is needed to choose one."
        raise request_error(message, "OPERATION_RESOLUTION_FAILURE")
    return document
