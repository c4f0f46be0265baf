"""Files of our own that somebody, or a crash, may have changed: spools, anchors, backups, secrets, rows of JSON."""

from __future__ import annotations

import asyncio
import logging
from typing import Any, Final

from ringfence.app.ports import OutageChange
from ringfence.domain.calls import CallRecord
from ringfence.domain.directory import PersonKey
from ringfence.domain.hr.record import HrRecord
from ringfence.store.audit_anchors import read_anchors
from ringfence.store.call_spool import FileCallSpool
from ringfence.store.roster_json import counts_of, entries_of, entries_text, lines_of, record_of, record_text
from ringfence.store.spool import FileSpool, _from_json, _to_json
from tests.fuzz.folder import new_folder
from tests.fuzz.target import Target, Try, hides, holds, shape
from tests.fuzz.targets.wire import NOW

MOBILE: Final = "+447700900123"


def targets() -> tuple[Target, ...]:
    return (
        Target(
            "spool",
            "decisions that the database did not have yet",
            "store.spool store.override_json",
            _spool,
            max_bytes=16384,
        ),
        Target("call-spool", "calls that the database did not have yet", "store.call_spool", _call_spool),
        Target(
            "audit-anchors", "anchors of the record, ours and those kept elsewhere", "store.audit_anchors", _anchors
        ),
        Target(
            "roster-rows", "rows of the roster in the database", "store.roster_json store.json_fields", _roster_rows
        ),
    )


def _spool() -> Try:
    logging.getLogger("ringfence.store").setLevel(logging.CRITICAL + 1)
    path, loop = new_folder() / "spool", asyncio.new_event_loop()

    async def waiting(data: bytes) -> list[OutageChange]:
        path.write_bytes(data)
        spool = FileSpool(path)
        # The file's own work goes through a thread, where no line is seen: read as it reads.
        spool._in_thread = _at_once  # type: ignore[method-assign]
        return await spool.waiting(NOW)

    def attempt(data: bytes) -> str:
        changes = loop.run_until_complete(waiting(data))
        for change in changes:
            holds(_from_json(_to_json(change), NOW) == change, "read otherwise after writing", change)
            for moment in (change.at, change.override_set.set_at if change.override_set else None):
                holds(moment is None or moment.tzinfo is not None, "a moment without a zone", moment)
        kinds = [f"{bool(one.state)}{bool(one.override_set)}{bool(one.override_released)}" for one in changes[:3]]
        return f"{len(kinds)} {kinds}"

    return attempt


async def _at_once(work: Any) -> Any:
    return work()


def _call_spool() -> Try:
    logging.getLogger("ringfence.store").setLevel(logging.CRITICAL + 1)
    folder, loop = new_folder(), asyncio.new_event_loop()

    def attempt(data: bytes) -> str:
        (folder / "0000000001.jsonl").write_bytes(data)
        spool = FileCallSpool(folder)
        calls = spool._oldest() or ()
        for call in calls:
            holds(
                isinstance(call, CallRecord) and call.ended_at.tzinfo is not None,
                "a moment without a zone",
                call.ended_at,
            )
            for name in ("call_id", "did", "caller", "trunk", "scope", "path", "reason"):
                holds(isinstance(getattr(call, name), str), "a field of another kind", name)
            holds(
                isinstance(call.duration_ms, int) and isinstance(call.step, int), "a figure of another kind", call.step
            )
        loop.stop()
        return f"{min(len(calls), 3)} calls"

    return attempt


def _anchors() -> Try:
    path = new_folder() / "anchors"

    def attempt(data: bytes) -> str:
        path.write_bytes(data)
        return f"{min(len(read_anchors(path)), 3)} anchors"

    return attempt


def _roster_rows() -> Try:
    row = HrRecord("1", PersonKey("ada"))

    def attempt(data: bytes) -> str:
        text, told = data.decode("utf-8", "replace"), []
        for read in (
            lambda: record_of(text, row),
            lambda: entries_of(text),
            lambda: counts_of(text),
            lambda: lines_of(text),
        ):
            try:
                found: Any = read()
            except ValueError as error:
                hides(error, MOBILE)
                told.append(shape(error)[:40])
                continue
            if isinstance(found, HrRecord):
                holds(record_of(record_text(found, row), row) == found, "read otherwise after writing", text)
            elif type(found).__name__ == "PersonEntries":
                holds(entries_of(entries_text(found)) == found, "read otherwise after writing", text)
            told.append(type(found).__name__)
        return " | ".join(told)

    return attempt
