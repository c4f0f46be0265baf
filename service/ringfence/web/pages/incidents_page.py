"""`/incidents`: outages, those that last first. `/incidents/<id>`: what happened, what became of the calls, notes, and
the evidence to take along."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Response
from starlette.datastructures import FormData
from starlette.requests import Request

from ringfence.app.incidents import Doer
from ringfence.domain.access import Caller
from ringfence.domain.incident import MAX_NOTE_CHARACTERS
from ringfence.web.callers import caller
from ringfence.web.incident_api import MAX_ID, ZIP
from ringfence.web.incident_models import IncidentCallsOut
from ringfence.web.incident_view import detail_out, incident_out
from ringfence.web.pages import record_words
from ringfence.web.pages.call_words import RESULTS
from ringfence.web.pages.flash import back_to
from ringfence.web.pages.forms import sent, texts_of
from ringfence.web.pages.frame import Frame
from ringfence.web.pages.page_route import page_router
from ringfence.web.ports import IncidentDoor

ROWS: Final = 50
MAX_OPEN: Final = 100

IncidentId = Annotated[int, Path(ge=1, le=MAX_ID)]
Sent = Annotated[FormData, Depends(sent)]


def routes(frame: Frame, door: IncidentDoor) -> APIRouter:
    router = page_router(frame)

    @router.get("/incidents", operation_id="page_incidents")
    async def incidents(request: Request, before: Annotated[int | None, Query(ge=1, le=MAX_ID)] = None) -> Response:
        """Those that last, then those that are over, newest first."""

        async def context() -> Mapping[str, Any]:
            lasting = [] if before is not None else await door.desk.incidents(MAX_OPEN, is_open=True)
            over = await door.desk.incidents(ROWS + 1, before, is_open=False)
            return {
                "lasting": [incident_out(one) for one in lasting],
                "over": [incident_out(one) for one in over[:ROWS]],
                "older": over[ROWS - 1].id if len(over) > ROWS else None,
                "first": before is None,
            }

        return await frame.shared(request, "incidents.html", context)

    @router.get("/incidents/{incident}", operation_id="page_incident")
    async def incident(request: Request, incident: IncidentId) -> Response:
        """All that is known of one."""

        async def context() -> Mapping[str, Any]:
            shown = detail_out(await door.desk.view(incident))
            return {
                "shown": shown,
                "incident": shown.incident,
                "statuses": statuses_of(shown.calls),
                "words": record_words,
                "results": RESULTS,
                "longest_note": MAX_NOTE_CHARACTERS,
            }

        return await frame.shared(request, "incident.html", context)

    @router.post("/incidents/{incident}/notes", operation_id="page_incident_note")
    async def note(request: Request, incident: IncidentId, form: Sent) -> Response:
        """Writes into the timeline."""
        # Browsers end lines as the telegraph did.
        text = texts_of(form).get("text", "").replace("\r\n", "\n")
        await door.desk.add_note(incident, text, doer_of(caller(request)))
        return back_to(f"/incidents/{incident}", "note-written")

    @router.post("/incidents/{incident}/evidence", operation_id="page_incident_evidence")
    async def evidence(request: Request, incident: IncidentId, form: Sent) -> Response:
        """The pack as a file. That it was taken is noted, so a link alone does not do it."""
        masked = texts_of(form).get("dids", "") != "all"
        pack = await door.evidence.pack(incident, doer_of(caller(request)), people_masked=masked)
        name = f"incident-{incident}.zip"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return Response(pack, media_type=ZIP, headers=headers)

    return router


def doer_of(asking: Caller) -> Doer:
    return Doer(asking.name, asking.by.value)


def statuses_of(calls: IncidentCallsOut) -> list[dict[str, Any]]:
    """Each SIP status with its calls, the first and the last portion of time in which it came; most calls first."""
    counts: Counter[int] = Counter()
    for one in calls.statuses:
        counts[one.status] += one.calls
    began = {status: [one.began for one in calls.statuses if one.status == status] for status in counts}
    return [
        {"status": status, "calls": count, "first": min(began[status]), "last": max(began[status])}
        for status, count in counts.most_common()
    ]
