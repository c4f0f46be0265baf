"""The audit record as JSON and CSV. Its rows hold no private number."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from typing import Final

from pydantic import BaseModel, Field

from ringfence.domain.audit_chain import AuditReport, AuditRow

COLUMNS: Final = ("number", "at", "kind", "action", "about", "who", "why", "by", "detail", "digest")

# A spreadsheet takes a cell that begins with one of these for a formula.
_FORMULA: Final = ("=", "+", "-", "@", "\t", "\r")


class AuditRowOut(BaseModel):
    """One thing that was done."""

    number: int = Field(description="without a gap, from 1")
    at: str = Field(description="UTC, ISO 8601")
    kind: str
    action: str
    about: str = Field(description="a scope, a DID as `did:+44...`, a person's pseudonym, a plan, a call")
    person: str | None = Field(description="whose pseudonym `about` is; null: nobody's, or nobody's who is still known")
    who: str = Field(description="`ringfence` for what the machine did by itself")
    why: str
    by: str = Field(description="how they had signed in; empty where that is not known")
    detail: dict[str, str]
    digest: str = Field(description="SHA-256 over the digest before it and all of this row")


class AuditOut(BaseModel):
    """Newest first."""

    rows: list[AuditRowOut]
    next: int | None = Field(description="`before` of the next page; null: there are no older ones")


class AuditFaultOut(BaseModel):
    """What was done to the record, and the first row concerned."""

    kind: str = Field(description="changed, removed, moved, inserted, cut_off or rewritten")
    number: int
    words: str


class AuditVerified(BaseModel):
    """Whether the chain holds."""

    holds: bool
    rows: int
    anchors: int = Field(description="with how many anchors it was compared")
    head_number: int
    head_digest: str
    faults: list[AuditFaultOut]


def row_out(row: AuditRow, people: Mapping[str, str]) -> AuditRowOut:
    return AuditRowOut(
        number=row.number,
        at=row.at,
        kind=row.kind,
        action=row.action,
        about=row.about,
        person=people.get(row.about),
        who=row.who,
        why=row.why,
        by=row.by,
        detail=_detail(row.detail),
        digest=row.digest,
    )


def verified_out(report: AuditReport) -> AuditVerified:
    return AuditVerified(
        holds=not report.faults,
        rows=report.rows,
        anchors=report.anchors,
        head_number=report.head.number,
        head_digest=report.head.digest,
        faults=[AuditFaultOut(kind=fault.kind, number=fault.number, words=fault.words) for fault in report.faults],
    )


def json_lines(rows: Iterable[AuditRow]) -> str:
    """A JSON object a line."""
    return "".join(f"{json.dumps({name: getattr(row, name) for name in COLUMNS})}\n" for row in rows)


def csv_text(rows: Iterable[AuditRow]) -> str:
    """Without the header (`COLUMNS`)."""
    out = io.StringIO()
    writer = csv.writer(out, quoting=csv.QUOTE_ALL, lineterminator="\r\n")
    for row in rows:
        writer.writerow([_cell(str(getattr(row, name))) for name in COLUMNS])
    return out.getvalue()


def _cell(text: str) -> str:
    return f"'{text}" if text.startswith(_FORMULA) else text


def _detail(text: str) -> dict[str, str]:
    """What somebody changed by hand is shown as it lies there."""
    try:
        found = json.loads(text)
    except ValueError:
        return {"unreadable": text}
    return {str(name): str(value) for name, value in found.items()} if isinstance(found, dict) else {"unreadable": text}
