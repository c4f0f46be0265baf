"""The audit record: read, verified, exported."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from datetime import UTC, datetime
from enum import StrEnum
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query
from pydantic import AwareDatetime, BeforeValidator
from starlette.responses import StreamingResponse

from ringfence.app.audit import MAX_PAGE_ROWS, AuditBook, AuditQuery
from ringfence.app.operator import check_words
from ringfence.domain.access import Caller
from ringfence.domain.audit import AuditFact, AuditKind
from ringfence.domain.audit_chain import AuditRow
from ringfence.web.audit_models import COLUMNS, AuditOut, AuditVerified, csv_text, json_lines, row_out, verified_out
from ringfence.web.callers import caller
from ringfence.web.errors import declared
from ringfence.web.order_models import Why

NO_STORE: Final = {"Cache-Control": "no-store"}
MAX_NUMBER: Final = (1 << 63) - 1


def _plainly_a_moment(text: object) -> object:
    """Pydantic takes any number for a moment."""
    if isinstance(text, str) and "-" not in text[1:]:
        raise ValueError("write it as 2030-01-31T18:00:00+00:00")
    return text


class Format(StrEnum):
    """What an export is written as."""

    CSV = "csv"
    JSONL = "jsonl"


MEDIA: Final = {Format.CSV: "text/csv; charset=utf-8", Format.JSONL: "application/x-ndjson"}

Asking = Annotated[Caller, Depends(caller)]
Kind = Annotated[AuditKind | None, Query(description="only rows about this")]
Name = Annotated[str | None, Query(max_length=200, description="only what this person did")]
About = Annotated[
    str | None,
    Query(max_length=200, description="only what was done to this: `scope:uc`, `did:+44...`, a person's key"),
]
Moment = Annotated[AwareDatetime, BeforeValidator(_plainly_a_moment)]
Since = Annotated[Moment | None, Query(description="from this moment on, with its time zone")]
Until = Annotated[Moment | None, Query(description="before this moment, with its time zone")]


def routes(book: AuditBook, now: Callable[[], datetime]) -> APIRouter:
    router = APIRouter(tags=["audit"], prefix="/audit")

    @router.get("", responses=declared(503), operation_id="audit")
    async def audit(
        limit: Annotated[int, Query(ge=1, le=MAX_PAGE_ROWS, description="at most so many rows")] = 100,
        before: Annotated[int | None, Query(ge=1, le=MAX_NUMBER, description="rows with smaller numbers")] = None,
        kind: Kind = None,
        who: Name = None,
        about: About = None,
        since: Since = None,
        until: Until = None,
    ) -> AuditOut:
        """What was done, by whom and why, newest first."""
        query = AuditQuery(before, kind, who, about, _utc(since), _utc(until))
        page = await book.page(query, limit)
        older = page.rows[-1].number if page.more else None
        return AuditOut(rows=[row_out(row, page.pseudonyms) for row in page.rows], next=older)

    @router.get("/verify", responses=declared(503), operation_id="verify_audit")
    async def verify() -> AuditVerified:
        """Reads the whole record, and says whether any row was changed, removed, moved or put in."""
        return verified_out(await book.verify())

    @router.get(
        "/export",
        responses={**declared(503), 200: {"content": {media: {} for media in MEDIA.values()}}},
        response_class=StreamingResponse,
        operation_id="export_audit",
    )
    async def export(
        asking: Asking,
        reason: Annotated[Why, Query()],
        format: Annotated[Format, Query()] = Format.JSONL,
        kind: Kind = None,
        since: Since = None,
        until: Until = None,
    ) -> StreamingResponse:
        """The record as a file, newest first. The export is itself in the record."""
        check_words(asking.name, reason)
        query = AuditQuery(kind=kind, since=_utc(since), until=_utc(until))
        fact = AuditFact(now(), AuditKind.EXPORT, "audit record exported", "audit", asking.name, reason, asking.by)
        portions = await book.export(query, fact)
        headers = {**NO_STORE, "Content-Disposition": f'attachment; filename="ringfence-audit.{format}"'}
        return StreamingResponse(written(portions, format), media_type=MEDIA[format], headers=headers)

    return router


async def written(portions: AsyncIterator[tuple[AuditRow, ...]], format: Format) -> AsyncIterator[str]:
    """The rows as a file, piece by piece."""
    if format is Format.CSV:
        yield ",".join(COLUMNS) + "\r\n"
    async for rows in portions:
        yield csv_text(rows) if format is Format.CSV else json_lines(rows)


def _utc(moment: datetime | None) -> datetime | None:
    try:
        return None if moment is None else moment.astimezone(UTC)
    except OverflowError:  # at either end of time
        return datetime.max.replace(tzinfo=UTC) if moment and moment.year > 1 else datetime.min.replace(tzinfo=UTC)
