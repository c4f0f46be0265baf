"""`/incidents/<id>/missed`: who called and reached nobody, and who calls them back."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Query, Response
from starlette.datastructures import FormData
from starlette.requests import Request

from ringfence.app.incident_ports import CallBackTaken
from ringfence.app.operator import OrderRefused
from ringfence.domain.calls import has_number
from ringfence.domain.incident import MAX_NOTE_CHARACTERS
from ringfence.domain.missed_calls import CallBackState
from ringfence.web.callers import caller
from ringfence.web.incident_models import MAX_CALL_ID_CHARACTERS
from ringfence.web.incident_view import missed_list_out
from ringfence.web.pages import record_words
from ringfence.web.pages.call_words import RESULTS
from ringfence.web.pages.flash import back_to
from ringfence.web.pages.forms import sent, texts_of
from ringfence.web.pages.frame import Frame
from ringfence.web.pages.incidents_page import IncidentId, doer_of
from ringfence.web.pages.page_route import page_router
from ringfence.web.ports import IncidentDoor

ROWS: Final = 50
MAX_PAGE: Final = 1_000


def routes(frame: Frame, door: IncidentDoor) -> APIRouter:
    router = page_router(frame)

    @router.get("/incidents/{incident}/missed", operation_id="page_missed_calls")
    async def missed(
        request: Request,
        incident: IncidentId,
        show: Annotated[Literal["", "all"], Query()] = "",
        page: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 1,
    ) -> Response:
        """Whoever has waited longest comes first; with `show` also those nobody has to call."""
        view = await door.desk.missed(incident)
        lines = [line for line in view.lines if show or line.waits]
        first = (page - 1) * ROWS
        return frame.page(
            request,
            "missed.html",
            shown=missed_list_out(view, lines[first : first + ROWS], None),
            with_number={line.id for line in lines[first : first + ROWS] if has_number(line.caller)},
            incident=incident,
            more=len(lines) > first + ROWS and page < MAX_PAGE,
            page=page,
            show=show,
            words=record_words,
            results=RESULTS,
            longest_note=MAX_NOTE_CHARACTERS,
        )

    @router.post("/incidents/{incident}/missed", operation_id="page_call_back")
    async def call_back(request: Request, incident: IncidentId, form: Annotated[FormData, Depends(sent)]) -> Response:
        """Says how far calling back is. Where somebody else has it, it asks whether to take it over."""
        texts = texts_of(form)
        call, note = texts.get("call", ""), texts.get("note", "").replace("\r\n", "\n")
        back = f"/incidents/{incident}/missed{'?show=all' if texts.get('show') else ''}"
        if texts.get("state") not in list(CallBackState) or len(call) > MAX_CALL_ID_CHARACTERS:
            raise OrderRefused("state", "is none of those there are", "Press one of the buttons.")
        state, take_over = CallBackState(texts["state"]), bool(texts.get("take_over"))
        try:
            await door.desk.call_back(incident, call, state, doer_of(caller(request)), note, take_over)
        except CallBackTaken as taken:
            return frame.page(
                request,
                "call_taken.html",
                409,
                held=taken.held,
                call=call,
                state=state,
                note=note,
                incident=incident,
                show=texts.get("show", ""),
                back=back,
                words=record_words,
            )
        return back_to(back, "call-back-said")

    return router
