"""The facilities that send and read: shown, suspended, their particulars written from a file."""

import json
from pathlib import Path
from typing import Any

import typer
from sqlalchemy import select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from cli.operating.work import in_registry, refusal, table
from domain import organizations
from domain.changes_feed import tell_rights
from domain.errors import Invalid, NotFound
from domain.organizations import KINDS, Organization

LARGEST_FILE = 64 * 1024 * 1024
TEXTS = ("name", "name_en", "province", "commune", "address")
LONGEST_CODE, LONGEST_TEXT = 20, 500


def show_all(status: str | None) -> None:
    async def work(connection: AsyncConnection) -> list[Any]:
        columns = (Organization.code, Organization.status, Organization.kind, Organization.name)
        query = select(*columns).order_by(Organization.code)
        return list(await connection.execute(query.where(Organization.status == status) if status else query))

    rows = [(found.code, found.status, found.kind or "", found.name or "") for found in in_registry(work)]
    table(("CODE", "STATUS", "KIND", "NAME"), rows)


def show(code: str) -> None:
    async def work(connection: AsyncConnection) -> dict[str, Any]:
        found = (await connection.execute(select(Organization).where(Organization.code == code))).mappings().first()
        if found is None:
            raise NotFound("no such organization")
        return dict(found)

    for name, value in in_registry(work).items():
        if value is not None:
            typer.echo(f"{name}: {value}")


def save(file: Path) -> None:
    try:
        found = _read(file)
    except Invalid as invalid:
        raise refusal(invalid) from None

    async def work(connection: AsyncConnection) -> None:
        await organizations.save(connection, found)

    in_registry(work)
    typer.echo(f"{len(found)} facilities saved.")


def set_status(code: str, status: str) -> None:
    async def work(connection: AsyncConnection) -> None:
        change = update(Organization).where(Organization.code == code).values(status=status)
        organization_id = await connection.scalar(change.returning(Organization.id))
        if organization_id is None:
            raise NotFound("no such organization")
        await connection.run_sync(tell_rights, organizations=[organization_id])

    in_registry(work)
    typer.echo(f"{code} is {status}.")


def _read(file: Path) -> list[dict[str, Any]]:
    """The facilities of a file; Invalid names the first entry that is wrong, counted from 1."""
    try:
        with file.open("rb") as stream:
            found = json.loads(stream.read(LARGEST_FILE + 1))
    except (ValueError, RecursionError):
        found = None
    if not isinstance(found, list):
        raise Invalid("file", f"{file.name} is not a JSON list")
    for place, facility in enumerate(found, start=1):
        if not _is_facility(facility):
            raise Invalid(f"entry {place}", "needs a code, and texts; kind is one of " + ", ".join(KINDS))
    return found


def _is_facility(facility: object) -> bool:
    if not isinstance(facility, dict) or not isinstance(facility.get("code"), str):
        return False
    texts = [facility[name] for name in TEXTS if facility.get(name) is not None]
    return (
        0 < len(facility["code"]) <= LONGEST_CODE
        and facility["code"].isalnum()
        and facility.get("kind") in (None, *KINDS)
        and all(isinstance(text, str) and len(text) <= LONGEST_TEXT and text.isprintable() for text in texts)
    )
