"""`/audit`: what was done, by whom and why; whether the record still holds; the record as a file."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Annotated, Any, Final
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from fastapi import APIRouter, Depends, Query, Response
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import StreamingResponse

from ringfence.app.audit import AuditBook, AuditQuery
from ringfence.app.operator import Operator, OrderRefused, check_words
from ringfence.domain.audit import AuditFact, AuditKind
from ringfence.web.audit_api import MAX_NUMBER, MEDIA, NO_STORE, Format, written
from ringfence.web.audit_models import row_out, verified_out
from ringfence.web.callers import caller
from ringfence.web.pages import record_words
from ringfence.web.pages.forms import sent, texts_of
from ringfence.web.pages.frame import Frame
from ringfence.web.pages.page_route import page_router

ROWS: Final = 50
MAX_CHARACTERS: Final = 200

Sent = Annotated[FormData, Depends(sent)]


@dataclass(frozen=True, slots=True)
class AuditFilter:
    """As filled in. `since` and `until` are local times as browsers send them; empty: not given."""

    kind: str = ""
    who: str = ""
    about: str = ""
    since: str = ""
    until: str = ""

    @classmethod
    def of(cls, fields: Mapping[str, str]) -> AuditFilter:
        return cls(**{name: fields[name].strip()[:MAX_CHARACTERS] for name in cls.__slots__ if name in fields})

    def query(self, zone: ZoneInfo, before: int | None = None) -> AuditQuery:
        """Raises OrderRefused."""
        if self.kind and self.kind not in list(AuditKind):
            raise OrderRefused("kind", "is none of those there are", "Choose from the list.")
        return AuditQuery(
            before,
            AuditKind(self.kind) if self.kind else None,
            self.who or None,
            self.about or None,
            _moment("since", self.since, zone),
            _moment("until", self.until, zone),
        )

    @property
    def address(self) -> str:
        """Of the list with this filter, for a page number to be put behind."""
        given = {name: text for name in self.__slots__ if (text := getattr(self, name))}
        return f"/audit?{urlencode(given)}&" if given else "/audit?"


def routes(frame: Frame, book: AuditBook, operator: Operator) -> APIRouter:
    router = page_router(frame)
    shown = _Shown(frame, book)

    @router.get("/audit", operation_id="page_audit")
    async def audit(
        request: Request,
        kind: Annotated[str, Query(max_length=32)] = "",
        who: Annotated[str, Query(max_length=MAX_CHARACTERS)] = "",
        about: Annotated[str, Query(max_length=MAX_CHARACTERS)] = "",
        since: Annotated[str, Query(max_length=40)] = "",
        until: Annotated[str, Query(max_length=40)] = "",
        before: Annotated[int | None, Query(ge=1, le=MAX_NUMBER)] = None,
    ) -> Response:
        """The rows that were asked for, newest first."""
        wanted = AuditFilter.of({"kind": kind, "who": who, "about": about, "since": since, "until": until})
        return await frame.shared(request, "audit.html", lambda: shown.rows(wanted, before))

    @router.post("/audit/verify", operation_id="page_audit_verify")
    async def verify(request: Request, form: Sent) -> Response:
        """Reads the whole record, and says whether it holds; changes nothing."""
        return frame.page(request, "audit.html", **await shown.rows(AuditFilter(), None, verified=True))

    @router.post("/audit/export", operation_id="page_audit_export")
    async def export(request: Request, form: Sent) -> Response:
        """The record as a file. That it was taken, and why, is itself in the record."""
        texts, asking = texts_of(form), caller(request)
        reason = texts.get("reason", "").strip()
        check_words(asking.name, reason)
        if texts.get("format") not in list(Format):
            raise OrderRefused("format", "is none of those there are", "Choose from the list.")
        format_ = Format(texts["format"])
        query = AuditFilter.of(texts).query(frame.zone)
        now = operator.now()
        fact = AuditFact(now, AuditKind.EXPORT, "audit record exported", "audit", asking.name, reason, asking.by)
        portions = await book.export(query, fact)
        headers = {**NO_STORE, "Content-Disposition": f'attachment; filename="ringfence-audit.{format_}"'}
        return StreamingResponse(written(portions, format_), media_type=MEDIA[format_], headers=headers)

    return router


class _Shown:
    """The page with its rows, and with the result where the record was verified."""

    def __init__(self, frame: Frame, book: AuditBook) -> None:
        self._frame, self._book = frame, book

    async def rows(self, wanted: AuditFilter, before: int | None, *, verified: bool = False) -> Mapping[str, Any]:
        """Raises OrderRefused, StoreError."""
        report = verified_out(await self._book.verify()) if verified else None
        found = await self._book.page(wanted.query(self._frame.zone, before), ROWS)
        rows = [row_out(row, found.pseudonyms) for row in found.rows]
        return {
            "rows": rows,
            "moments": [datetime.fromisoformat(row.at) for row in rows],
            "older": rows[-1].number if found.more else None,
            "first": before is None,
            "wanted": wanted,
            "report": report,
            "formats": list(Format),
            "words": record_words,
        }


def _moment(field: str, text: str, zone: ZoneInfo) -> datetime | None:
    if not text:
        return None
    try:
        at = datetime.fromisoformat(text)
        return (at if at.tzinfo is not None else at.replace(tzinfo=zone)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise OrderRefused(field, "is not a time", "Write it as 2030-01-31T18:00.") from error
