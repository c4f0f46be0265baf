"""`/me`: what people see and set of their own. Nobody else's data: whoever is only staff sees no other page."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Response
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request

from ringfence.app.operator import NotOurs, Operator, OrderRefused
from ringfence.domain.directory import DEFAULT_RING_SECONDS, MAX_DEFAULT_NUMBERS
from ringfence.domain.hr.provenance import PersonView
from ringfence.domain.numbers import Did
from ringfence.domain.outage import Decision
from ringfence.web.call_api import explanation_out
from ringfence.web.callers import caller
from ringfence.web.errors import status_of, told
from ringfence.web.me_api import MAX_LINES, OWN_REASON, OwnStepOut, enter_own, own_key, own_step
from ringfence.web.pages import people_words
from ringfence.web.pages.flash import back_to
from ringfence.web.pages.forms import sent, texts_of
from ringfence.web.pages.frame import Frame
from ringfence.web.pages.own_faults import own_fault
from ringfence.web.pages.own_forms import OWN_FORMS, OwnEntry, seen_of
from ringfence.web.pages.page_route import page_router
from ringfence.web.pages.person_forms import Entry
from ringfence.web.pages.texts import N_
from ringfence.web.people_entries import zone_of
from ringfence.web.people_view import person_out
from ringfence.web.ports import RosterDoor

EXPERIENCES: Final[Mapping[Decision | None, str]] = {
    Decision.NORMAL: N_(
        "Your telephone at work rings as always. Only if the telephone system fails do these ring, one after the other:"
    ),
    Decision.PINNED: N_(
        "Your telephone at work rings. Should it fail, nothing else does, for somebody decided so. These do not ring:"
    ),
    Decision.DIVERT: N_(
        "Your telephone at work does not ring at the moment. Instead these do, one after the other, until one answers:"
    ),
    Decision.TRIAL: N_(
        "The telephone system is being tried again: a few calls ring your telephone at work, for the others these ring:"
    ),
    None: N_("The call goes to the telephone system as it comes. These do not ring:"),
}


@dataclass(frozen=True, slots=True)
class OwnLine:
    """One DID as a caller would experience it now. `words` is translated where it is shown."""

    did: Did
    words: str
    steps: list[OwnStepOut]


def routes(frame: Frame, door: RosterDoor, operator: Operator) -> APIRouter:
    router = page_router(frame)

    @router.get("/me", operation_id="page_me")
    async def me(request: Request) -> Response:
        """My numbers, where I am, and what a caller to me would experience now."""
        try:
            view = await door.desk.person(own_key(caller(request)))
        except NotOurs:
            return frame.page(request, "me_unknown.html")
        return frame.page(request, "me.html", **await _own(door, operator, view))

    @router.post("/me/{what}", operation_id="page_me_enter")
    async def enter(
        request: Request, what: Annotated[str, Path(max_length=16)], form: Annotated[FormData, Depends(sent)]
    ) -> Response:
        """Carries out one of the forms on the page."""
        if what not in OWN_FORMS:
            raise HTTPException(404)
        asking = caller(request)
        fields = {**texts_of(form), "reason": OWN_REASON}
        entry = Entry(door, own_key(asking), fields, operator.now())
        warned = False
        try:
            for entered in await OWN_FORMS[what](OwnEntry(entry, await door.desk.person(entry.key))):
                await enter_own(door, asking, entered.field, entered.value, OWN_REASON, entered.number)
                warned = warned or entered.warned
        except OrderRefused as error:
            wrong = own_fault(what, error, fields, lambda text: told(request, text))
            if wrong is None:
                raise
            shown = await _own(door, operator, await door.desk.person(entry.key)) | {"wrong": wrong}
            return frame.page(request, "me.html", status_of(error), **shown)
        return back_to("/me", "entered-check" if warned else "own-entered")

    return router


async def _own(door: RosterDoor, operator: Operator, view: PersonView) -> dict[str, Any]:
    """What the template shows, numbers masked."""
    usual = [number.e164 for number in view.usual]
    return {
        "person": person_out(view),
        "wrong": None,
        "zone": zone_of(view, door),  # what is entered is meant in the zone of the person's own site
        "lines": [await _line(operator, held.did, view) for held in view.dids[:MAX_LINES]],
        # Of each number its place among the usual ones, None for today's alone.
        "places": [usual.index(number.e164) if number.e164 in usual else None for number in view.numbers],
        "usual": len(usual),
        "seen": seen_of(view),
        "words": people_words,
        "ring_seconds": DEFAULT_RING_SECONDS,
        "most": MAX_DEFAULT_NUMBERS,
    }


async def _line(operator: Operator, did: Did, view: PersonView) -> OwnLine:
    explanation = await operator.explain(did)
    mine = {number.e164 for number in view.numbers}
    plan = () if explanation.plan is None else explanation.plan.plan
    decision = explanation_out(explanation, operator.status()).decision
    return OwnLine(did, EXPERIENCES[decision], [own_step(planned, mine) for planned in plan])
