"""The evidence of an incident as one file for the carrier or the vendor: a page to read, CSV, JSON.

Left out entirely: callers, the numbers calls were diverted to, and on request which people were called. The same
incident gives the same bytes, but for when the pack was made, so two copies can be compared.
"""

from __future__ import annotations

import asyncio
import csv
import hashlib
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from datetime import UTC, datetime
from io import BytesIO, StringIO
from typing import Any, Final
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo
from zoneinfo import ZoneInfo

from ringfence.app.collector import resting
from ringfence.app.incident_report import about_shown, did_rows, render_report
from ringfence.app.incidents import Doer, IncidentDesk, IncidentView
from ringfence.domain.audit import AuditFact
from ringfence.domain.calls import CallRecord
from ringfence.domain.directory import Directory
from ringfence.domain.incident_calls import SERVED, started_at

SCHEMA: Final = "ringfence-incident/1"
MAX_CALLS: Final = 200_000
ZIP_TIME: Final = (1980, 1, 1, 0, 0, 0)  # the earliest a zip knows; the real one is inside
CALL_COLUMNS: Final = (
    "began_utc",
    "began_local",
    "did",
    "sip_status_of_platform",
    "answered_by",
    "result",
    "ringing_after_ms",
    "duration_ms",
)
TIMELINE_COLUMNS: Final = ("time_utc", "time_local", "kind", "what", "about", "by", "detail")

_FORMULA_STARTS: Final = "=+-@\t\r"


class EvidenceRoom:
    """Makes packs, and has the record say who took one."""

    def __init__(
        self,
        desk: IncidentDesk,
        directory: Callable[[], Directory | None],
        note: Callable[[AuditFact], Awaitable[None]],
    ) -> None:
        """`note`: `Auditor.note`. `directory` gives the directory in force."""
        self._desk = desk
        self._directory = directory
        self._note = note

    async def pack(self, number: int, doer: Doer, *, people_masked: bool) -> bytes:
        """`people_masked`: DIDs of people are left out. Nothing is given that the record does not have. Raises NotOurs,
        StoreError."""
        view = await self._desk.view(number)
        await self._note(self._desk.exported(view, doer, people_masked))
        directory = (self._directory() or Directory()) if people_masked else None
        names = await asyncio.to_thread(DidNames, directory, number, list(view.tally.dids))
        return await evidence_pack(view, self._desk.calls(view), names, self._desk.policy.zone, self._desk.now())


class DidNames:
    """A DID as the pack shows it. `directory` None: as it is. Else DIDs of people become `person-1` and so on: the same
    one always the same within a pack, in an order that tells nothing of the numbers."""

    def __init__(self, directory: Directory | None, incident: int, dids: Sequence[str]) -> None:
        mine = [did for did in dids if directory is not None and _is_persons(directory, did)]
        ordered = sorted(mine, key=lambda did: hashlib.sha256(f"{incident} {did}".encode()).digest())
        self._names = {did: f"person-{number}" for number, did in enumerate(ordered, 1)}
        self._directory = directory

    def __call__(self, did: str) -> str:
        known = self._names.get(did)
        if known is not None:
            return known
        # One that only an override names.
        return "a person" if self._directory is not None and _is_persons(self._directory, did) else did


def _is_persons(directory: Directory, did: str) -> bool:
    assignment = directory.assignment(did)
    # A DID that is not in the directory any more may have been somebody's.
    return assignment is None or assignment.owner is not None


async def evidence_pack(
    view: IncidentView,
    calls: AsyncIterator[Sequence[CallRecord]],
    names: Callable[[str], str],
    zone: str,
    generated_at: datetime,
) -> bytes:
    """A zip file. What `calls` raises passes through."""
    when, out = _clock_of(zone), BytesIO()
    left_out = 0
    with ZipFile(out, "w", ZIP_DEFLATED) as pack:
        with pack.open(_entry("calls.csv"), "w", force_zip64=True) as file:
            file.write(_rows([CALL_COLUMNS]))
            written = 0
            async for portion in calls:
                room = MAX_CALLS - written
                file.write(_rows(_call_row(call, names, when) for call in portion[:room]))
                written += min(room, len(portion))
                left_out += max(0, len(portion) - room)
                await asyncio.sleep(0)  # calls are looked after meanwhile
        # Ten thousand DIDs take 0.2 s.
        with resting():
            await asyncio.to_thread(_write_summaries, pack, view, names, when, generated_at, left_out)
    return out.getvalue()


def _write_summaries(
    pack: ZipFile,
    view: IncidentView,
    names: Callable[[str], str],
    when: Callable[[datetime], str],
    generated_at: datetime,
    left_out: int,
) -> None:
    """Everything but the single calls. Runs in a thread."""
    pack.writestr(_entry("timeline.csv"), _rows([TIMELINE_COLUMNS, *_timeline_rows(view, names, when)]))
    document = incident_document(view, names, generated_at) | {"calls_left_out_of_csv": left_out}
    pack.writestr(_entry("incident.json"), json.dumps(document, indent=2, ensure_ascii=False) + "\n")
    pack.writestr(_entry("report.html"), render_report(view, generated_at, names, when))


def incident_document(view: IncidentView, names: Callable[[str], str], generated_at: datetime) -> dict[str, Any]:
    """`incident.json`: additions keep the schema's number, everything else raises it."""
    incident, tally = view.incident, view.tally
    return {
        "schema": SCHEMA,
        "generated_at": _utc(generated_at),
        "id": incident.id,
        "scope": incident.scope,
        "opened_at": _utc(incident.opened_at),
        "opened_late": incident.late,
        "closed_at": _utc(incident.closed_at) if incident.closed_at else None,
        "reason": incident.reason,
        "sentence": incident.sentence,
        "relapses": incident.relapses,
        "calls_from": _utc(view.span.since),
        "calls_until": _utc(view.span.until) if incident.closed_at else None,
        "calls_complete": view.calls_kept and all(gap.covered for gap in view.gaps) and not tally.left_out,
        "unheard": [
            {
                "from": _utc(gap.began),
                "until": _utc(gap.ended) if gap.id else None,
                "reason": gap.reason.value,
                "covered": gap.covered,
                "words": gap.words,
            }
            for gap in view.gaps
        ],
        "calls": tally.calls,
        "calls_failed": tally.failed,
        "first_failed_at": _utc(tally.first_failed) if tally.first_failed else None,
        "last_failed_at": _utc(tally.last_failed) if tally.last_failed else None,
        "seconds_to_verdict": tally.seconds_to_verdict(incident.opened_at),
        "plan_tried": tally.plan_tried,
        "plan_in_vain": tally.plan_in_vain,
        "answered_by": {served.value: count for served, count in sorted(tally.served.items())},
        "results": dict(sorted(tally.results.items())),
        "status_portion_seconds": tally.bucket,
        "statuses": [
            {"from": _utc(at), "status": status, "calls": count}
            for (at, status), count in sorted(tally.statuses.items())
        ],
        "dids": [
            {"did": did, "calls": one.calls, "answered_by": {s.value: n for s, n in sorted(one.served.items())}}
            for did, one in did_rows(view, names)
        ],
        "timeline": [
            {
                "at": _utc(entry.at),
                "kind": entry.kind.value,
                "words": entry.words,
                "about": about_shown(entry.about, names),
                "who": entry.who,
                "detail": list(entry.detail),
            }
            for entry in view.entries
        ],
    }


def safe_cell(text: str) -> str:
    """A cell that no spreadsheet takes for a formula, the plus of a number included."""
    return f"'{text}" if text[:1] and text[0] in _FORMULA_STARTS else text


def _entry(name: str) -> ZipInfo:
    entry = ZipInfo(name, ZIP_TIME)
    entry.compress_type = ZIP_DEFLATED
    entry.external_attr = 0o600 << 16
    return entry


def _clock_of(zone: str) -> Callable[[datetime], str]:
    place = ZoneInfo(zone)
    return lambda at: at.astimezone(place).isoformat(timespec="milliseconds")


def _utc(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="milliseconds")


def _call_row(call: CallRecord, names: Callable[[str], str], when: Callable[[datetime], str]) -> tuple[str, ...]:
    begun = started_at(call)
    return (
        _utc(begun),
        when(begun),
        names(call.did),
        "" if call.platform_status is None else str(call.platform_status),
        SERVED[call.answered_by].value,
        call.result,
        "" if call.ringing_after_ms is None else str(call.ringing_after_ms),
        str(call.duration_ms),
    )


def _timeline_rows(
    view: IncidentView, names: Callable[[str], str], when: Callable[[datetime], str]
) -> list[tuple[str, ...]]:
    return [
        (
            _utc(entry.at),
            when(entry.at),
            entry.kind.value,
            entry.words,
            about_shown(entry.about, names),
            entry.who,
            "; ".join(entry.detail),
        )
        for entry in view.entries
    ]


def _rows(rows: Any) -> bytes:
    out = StringIO(newline="")
    writer = csv.writer(out, lineterminator="\r\n")
    for row in rows:
        writer.writerow([safe_cell(cell) for cell in row])
    return out.getvalue().encode()
