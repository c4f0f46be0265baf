"""Incidents: looking back, notes, the call-back list, the evidence to take along."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Path, Query
from starlette.responses import Response

from ringfence.app.incidents import Doer
from ringfence.domain.access import Caller
from ringfence.web.errors import declared
from ringfence.web.incident_models import (
    MAX_CALL_ID_CHARACTERS,
    CallBackOrder,
    IncidentDetailOut,
    IncidentsOut,
    MissedListOut,
    MissedOut,
    NoteOrder,
    NoteOut,
)
from ringfence.web.incident_view import detail_out, incident_out, missed_list_out, missed_out, note_out
from ringfence.web.order_models import MAX_SCOPE_CHARACTERS
from ringfence.web.ports import IncidentDoor
from ringfence.web.security import caller

ZIP: Final = "application/zip"
MAX_ID: Final = 2**31 - 1
MAX_ROWS: Final = 1_000

IncidentId = Annotated[int, Path(ge=1, le=MAX_ID, description="as `incidents` lists it")]
CallId = Annotated[str, Path(json_schema_extra={"maxLength": MAX_CALL_ID_CHARACTERS}, description="of `missed`")]
Limit = Annotated[int, Query(ge=1, le=MAX_ROWS, description="at most so many rows")]
Asking = Annotated[Caller, Depends(caller)]


def routes(door: IncidentDoor) -> APIRouter:
    router = APIRouter(tags=["incidents"], prefix="/incidents")
    _incidents(router, door)
    _missed(router, door)
    return router


def _incidents(router: APIRouter, door: IncidentDoor) -> None:
    @router.get("", responses=declared(503), operation_id="incidents")
    async def incidents(
        limit: Limit = 100,
        before: Annotated[int | None, Query(ge=1, le=MAX_ID, description="only older ones: `next` of a page")] = None,
        scope: Annotated[str | None, Query(max_length=MAX_SCOPE_CHARACTERS, description="only this platform's")] = None,
        is_open: Annotated[
            Literal["true", "false"] | None, Query(alias="open", description="only those that last, or not")
        ] = None,
    ) -> IncidentsOut:
        """Outages and how long they lasted, newest first."""
        wanted = None if is_open is None else is_open == "true"
        found = await door.desk.incidents(limit + 1, before, scope, wanted)
        following = found[limit - 1].id if len(found) > limit else None
        return IncidentsOut(incidents=[incident_out(one) for one in found[:limit]], next=following)

    @router.get("/{incident}", responses=declared(404, 503), operation_id="incident")
    async def incident(incident: IncidentId) -> IncidentDetailOut:
        """Its timeline and what became of the calls."""
        return detail_out(await door.desk.view(incident))

    @router.post("/{incident}/notes", responses=declared(404, 413, 503), operation_id="add_incident_note")
    async def add_note(incident: IncidentId, order: NoteOrder, asking: Asking) -> NoteOut:
        """Write into the timeline. A note is never changed."""
        return note_out(await door.desk.add_note(incident, order.text, _doer(asking)))

    @router.get(
        "/{incident}/evidence",
        responses={200: {"content": {ZIP: {"schema": {"type": "string", "format": "binary"}}}}, **declared(404, 503)},
        response_class=Response,
        operation_id="incident_evidence",
    )
    async def evidence(
        incident: IncidentId,
        asking: Asking,
        dids: Annotated[
            Literal["all", "without_people"], Query(description="`without_people`: a label in place of a person's DID")
        ] = "all",
    ) -> Response:
        """A zip file for the carrier or the vendor: report, CSV, JSON. It holds no caller and no private number."""
        pack = await door.evidence.pack(incident, _doer(asking), people_masked=dids == "without_people")
        name = f"incident-{incident}.zip"
        headers = {"Content-Disposition": f'attachment; filename="{name}"', "Cache-Control": "no-store"}
        return Response(pack, media_type=ZIP, headers=headers)


def _missed(router: APIRouter, door: IncidentDoor) -> None:
    @router.get("/{incident}/missed", responses=declared(404, 503), operation_id="missed_calls")
    async def missed(
        incident: IncidentId,
        limit: Limit = 500,
        offset: Annotated[int, Query(ge=0, le=1_000_000, description="leave out so many")] = 0,
        waiting: Annotated[Literal["true"] | None, Query(description="only those who still wait for a call")] = None,
    ) -> MissedListOut:
        """Who called and reached nobody, one line for each caller and DID, and who calls them back."""
        view = await door.desk.missed(incident)
        lines = [line for line in view.lines if waiting is None or line.waits]
        following = offset + limit if len(lines) > offset + limit else None
        return missed_list_out(view, lines[offset : offset + limit], following)

    @router.put("/{incident}/missed/{call}/state", responses=declared(404, 409, 413, 503), operation_id="set_call_back")
    async def set_call_back(incident: IncidentId, call: CallId, order: CallBackOrder, asking: Asking) -> MissedOut:
        """Say how far calling back is. 409 when somebody else has it: it says who, and since when."""
        line = await door.desk.call_back(incident, call, order.state, _doer(asking), order.note, order.take_over)
        return missed_out(line)


def _doer(asking: Caller) -> Doer:
    return Doer(asking.name, asking.by.value)
