"""Import and export of the directory."""

from __future__ import annotations

import asyncio
import base64
import binascii
from collections.abc import Callable
from datetime import datetime
from itertools import islice
from typing import Annotated, Final

from fastapi import APIRouter, Depends
from starlette.responses import Response

from ringfence.app.audit import Auditor
from ringfence.app.directory_import import ImportPlan, ImportRefused
from ringfence.app.operator import OrderRefused, check_words
from ringfence.domain.access import Caller
from ringfence.domain.audit import AuditFact, AuditKind
from ringfence.domain.directory_csv import CsvFile, CsvFiles
from ringfence.web.callers import caller
from ringfence.web.directory_models import CsvIn, ExportOut, ImportDone, ImportOrder
from ringfence.web.errors import Conflict, declared
from ringfence.web.ports import Importer
from ringfence.web.security import who as stated_who

MAX_IMPORT_BYTES: Final = 32 * 1024 * 1024  # 100,000 DIDs with their people are about 15 MB
MAX_LINES: Final = 1000

Who = Annotated[str, Depends(stated_who)]


def routes(importer: Importer, auditor: Auditor | None, now: Callable[[], datetime]) -> APIRouter:
    router = APIRouter(tags=["directory"])

    @router.post("/import", responses=declared(409, 413, 503), operation_id="import", max_body_size=MAX_IMPORT_BYTES)
    async def import_(order: ImportOrder, who: Who) -> ImportDone:
        """Replace people, DIDs, sites or teams by CSV files: all or nothing, every fault at once."""
        return await change_directory(importer, order, who)

    @router.get("/export", responses=declared(403, 503), operation_id="export")
    async def export(asking: Annotated[Caller, Depends(caller)], response: Response) -> ExportOut:
        """The whole directory as CSV, private numbers in clear. Noted in the audit record first."""
        if auditor is not None:
            await auditor.note(exported(now(), asking.name, asking.by))
        response.headers["Cache-Control"] = "no-store"
        files = await importer.export()
        return ExportOut(**{name.removesuffix(".csv"): text for name, text in files.items()})

    return router


def exported(at: datetime, who: str, by: str) -> AuditFact:
    return AuditFact(at, AuditKind.EXPORT, "directory exported", "directory, numbers in clear", who, by=by)


async def change_directory(importer: Importer, order: ImportOrder, who: str) -> ImportDone:
    """The import itself, for whoever holds an importer. Raises OrderRefused, ImportRefused, Conflict, StoreError."""
    check_words(who, order.reason)
    plan = await importer.plan(_files(order))
    if plan.diff is None:
        raise ImportRefused(plan.reading.errors)
    if order.dry_run or not plan.diff:
        return await asyncio.to_thread(_done, plan, False, plan.before.version)
    _refuse_surprises(order, plan)
    stored = await importer.apply(plan, who, order.reason)
    return await asyncio.to_thread(_done, plan, True, stored.version)


def _files(order: ImportOrder) -> CsvFiles:
    if order.people is None and order.dids is None and order.sites is None and order.teams is None:
        raise OrderRefused("people", "no file is given", "Give one or more of `people`, `dids`, `sites` and `teams`.")
    return CsvFiles(
        _file("people", order.people),
        _file("dids", order.dids),
        _file("sites", order.sites),
        _file("teams", order.teams),
    )


def _file(part: str, given: CsvIn | None) -> CsvFile | None:
    if given is None:
        return None
    if (given.text is None) == (given.base64 is None):
        raise OrderRefused(part, "needs its content once", "Give `text`, or `base64` with the file's bytes.")
    return CsvFile(_printable(given.name) or f"{part}.csv", _bytes(part, given))


def _bytes(part: str, given: CsvIn) -> bytes:
    if given.text is not None:
        return given.text.encode(errors="surrogatepass")
    try:
        return base64.b64decode(given.base64 or "", validate=True)
    except (binascii.Error, ValueError) as error:
        raise OrderRefused(f"{part}.base64", "is not base64", "Encode the file's bytes with `base64 -w0`.") from error


def _printable(text: str) -> str:
    return "".join(character for character in text if character.isprintable())


def _refuse_surprises(order: ImportOrder, plan: ImportPlan) -> None:
    if order.expected_version is not None and order.expected_version != plan.before.version:
        raise Conflict(
            "expected_version",
            f"the directory has changed since (it is version {plan.before.version} now)",
            "Look at a new dry run.",
        )
    if plan.cautions and not order.accept_cautions:
        raise Conflict("accept_cautions", "; ".join(plan.cautions), "Check the files, then accept the cautions.")


def _done(plan: ImportPlan, applied: bool, version: int) -> ImportDone:
    assert plan.diff is not None
    lines = list(islice(plan.diff.lines(), MAX_LINES))
    left_off = sum(1 for _ in plan.diff.lines()) - len(lines)
    return ImportDone(
        applied=applied,
        summary=plan.diff.summary(),
        lines=lines,
        lines_left_off=left_off,
        warnings=[str(problem) for problem in plan.reading.warnings[:MAX_LINES]],
        cautions=list(plan.cautions),
        version=version,
    )
