"""New results (labs, imaging, documents) are news to the citizen whose book they came into, told in the transaction
of their import.

A result is news where it is not older than NEWS_DAYS, can be read, and neither its fact nor its words were in the book
before, in a version that was replaced either. So a first load of old years, a re-send, a correction that changes
nothing shown and a second sender of the same result tell nothing. Whom it concerns, and whether a representative may
know of it, is decided by `notify.results_came` (migrations/versions/0017_producers.py), with rights that an import
does not have.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from functools import cache
from typing import Any
from uuid import UUID

from sqlalchemy import TextClause, text
from sqlalchemy.ext.asyncio import AsyncConnection

from domain.database import Item, Part
from domain.sections import SECTIONS
from domain.values import VIETNAM

NEWS_DAYS = 30
"""A stay is sent after it has ended; what is older than a month is history that is loaded."""
RESULTS = {section.model: section.name for section in SECTIONS if section.name in ("labs", "imaging", "documents")}
_UNREADABLE = "('registered', 'cancelled', 'entered-in-error')"

# Rows of this batch that are shown, and of which the book had nothing: no report of the same fact in the same words.
NEW = f"""
select r.patient_id, '{{section}}' as section, r.sensitivity
  from {{table}} r
 where r.patient_id = any(cast(:patients as uuid[])) and r.occurred >= :since and r.shown
   and r.source_id = any(cast(:sources as uuid[])) and r.status not in {_UNREADABLE}
   and not exists (select from {{table}} e
                    where e.patient_id = r.patient_id and e.fact_key = r.fact_key and e.content_key = r.content_key
                      and e.source_id <> all(cast(:sources as uuid[])) and e.status not in {_UNREADABLE})
"""
TELL = """
select notify.results_came(array_agg(n.patient_id), array_agg(n.section), array_agg(n.sensitivity), :now)
  from ({news}) n having count(*) > 0
"""


async def tell_of_results(
    connection: AsyncConnection,
    rows: Mapping[type[Item | Part], Sequence[Mapping[str, Any]]],
    sources: Iterable[UUID],
    now: datetime,
) -> None:
    """Tell of what is news among the rows that were just written and settled: one statement, none for old results."""
    since = (now.astimezone(VIETNAM).date() - timedelta(days=NEWS_DAYS)).isoformat()
    recent = dict(_recent(rows, since))
    if not recent:
        return
    patients = sorted(set().union(*recent.values()))
    told = {"patients": patients, "sources": sorted(sources), "since": since, "now": now}
    await connection.execute(_statement(frozenset(recent)), told)


def _recent(
    rows: Mapping[type[Item | Part], Sequence[Mapping[str, Any]]], since: str
) -> Iterator[tuple[Any, set[UUID]]]:
    """The patients with recent results, by kind. A date that is not exact counts as its first day."""
    for model in RESULTS:
        patients = {row["patient_id"] for row in rows.get(model, ()) if (row["occurred"] or "") >= since}
        if patients:
            yield model, patients


@cache
def _statement(models: frozenset[type[Item]]) -> TextClause:
    parts = [NEW.format(section=RESULTS[one], table=one.table()) for one in RESULTS if one in models]
    return text(TELL.format(news=" union ".join(parts)))
