"""Publishing trusted documents, as the owner of the database: no login of the running service may add one."""

import json
from collections.abc import Iterator
from pathlib import Path

import typer
from sqlalchemy.orm import Session

from api.documents.automatic import SHA256, digest
from api.documents.lookup import PREFIX
from api.documents.published import operation_names
from api.planner.documents import Documents
from api.schema import create_schema, records_of
from auth.tables import OAuthClient
from cli.operating.owner import as_owner
from cli.operating.work import refusal, table
from domain import trusted_documents
from domain.errors import Invalid, NotFound
from domain.trusted_documents import Publication, TrustedDocument
from domain.values import utc_now

LARGEST_FILE = 8 * 1024 * 1024
HEADINGS = ("DOCUMENT", "CLIENT", "PUBLISHED", "OPERATIONS")


def publish(files: list[Path], client_id: str | None) -> None:
    try:
        found = {one.sha256: one for one in _checked(files)}
    except Invalid as wrong:
        raise refusal(wrong) from None

    def work(db: Session) -> set[str]:
        _known(db, client_id)
        return trusted_documents.publish(db, list(found.values()), client_id, utc_now())

    fresh = as_owner(work)
    for one in found.values():
        state = "published" if one.sha256 in fresh else "unchanged"
        typer.echo(f"{PREFIX}{one.sha256}  {state}  {one.name}")


def show_all() -> None:
    published, restricted = as_owner(lambda db: (trusted_documents.published(db), trusted_documents.restricted(db)))
    table(HEADINGS, [_row(one) for one in published])
    for client_id in restricted:
        typer.echo(f"only published documents: {client_id}")


def withdraw(document: str, client_id: str | None) -> None:
    def work(db: Session) -> None:
        if not trusted_documents.withdraw(db, document.removeprefix(PREFIX), client_id, utc_now()):
            raise NotFound("no such document is published for this client; `list` tells which are")

    as_owner(work)
    typer.echo(f"{document} is withdrawn.")


def restrict(client_id: str) -> None:
    def work(db: Session) -> None:
        _known(db, client_id)
        trusted_documents.restrict(db, client_id, utc_now())

    as_owner(work)
    typer.echo(f"{client_id} may use published documents only.")


def release(client_id: str) -> None:
    was = as_owner(lambda db: trusted_documents.release(db, client_id))
    typer.echo(f"{client_id} may send documents of its own." if was else f"{client_id} was not restricted.")


def _known(db: Session, client_id: str | None) -> None:
    if client_id is not None and db.get(OAuthClient, client_id) is None:
        raise NotFound("no such client")


def _row(one: TrustedDocument) -> tuple[str, ...]:
    return (f"{PREFIX}{one.sha256}", one.client_id or "all", one.published_at.isoformat(timespec="minutes"), one.name)


def _checked(files: list[Path]) -> list[Publication]:
    """The documents of some files that clients could use. Invalid says what is wrong with which."""
    graphql_schema = create_schema()._schema  # noqa: SLF001 -- no public way to the GraphQL schema
    documents = Documents(graphql_schema, records_of(graphql_schema))
    return [_publication(documents, place, text) for path in files for place, text in _texts(path)]


def _publication(documents: Documents, place: str, text: str) -> Publication:
    names = operation_names(text)
    for name in (None, *names) if len(names) <= 1 else names:
        found = documents.get(text, name)
        if isinstance(found, list):
            raise Invalid(place, found[0].message)
        if found is None:
            raise Invalid(place, "it holds no operation")
    return Publication(digest(text), " ".join(names), text)


def _texts(path: Path) -> Iterator[tuple[str, str]]:
    """Each document of a file, with the words that say where it stands."""
    raw = path.read_bytes()
    if len(raw) > LARGEST_FILE:
        raise Invalid(path.name, f"it is longer than {LARGEST_FILE} bytes")
    try:
        text = raw.decode()
        if path.suffix != ".json":
            yield path.name, text
            return
        listed = json.loads(text)
    except (ValueError, RecursionError):
        raise Invalid(path.name, "it is neither a document nor a list of persisted documents, in UTF-8") from None
    if not isinstance(listed, dict) or not all(isinstance(one, str) for one in listed.values()):
        raise Invalid(path.name, "persisted documents are an object of texts by hash")
    for key, document in listed.items():
        yield _place(path, key, document), document


def _place(path: Path, key: str, text: str) -> str:
    """A name of 64 hexadecimal digits is what an app will send, so it must be the text's. Shorter ones mean nothing."""
    place, named = f"{path.name} {key[:80]!a}", key.removeprefix(PREFIX)
    if SHA256.fullmatch(named) and named != digest(text):
        raise Invalid(place, "its name is not the SHA-256 of its text")
    return place
