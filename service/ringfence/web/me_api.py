"""What people see and set of their own: default numbers, consent, absence, where they are today. Nobody else's data."""

from __future__ import annotations

from collections.abc import Callable, Collection
from datetime import datetime
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query
from pydantic import BaseModel, Field

from ringfence.app.hr.views import EntryField
from ringfence.app.operator import NotOurs, Operator
from ringfence.domain.access import Caller
from ringfence.domain.hr.provenance import PersonView
from ringfence.domain.hr.roster import NumberFacts, Origin
from ringfence.domain.numbers import mask
from ringfence.domain.route_plan import PlannedStep, StepKind
from ringfence.web import people_entries as read
from ringfence.web.call_api import explanation_out
from ringfence.web.callers import caller
from ringfence.web.errors import declared
from ringfence.web.people_models import (
    AwayOrder,
    EntryDone,
    FactsOrder,
    NumbersOrder,
    PersonOut,
    TodayOrder,
)
from ringfence.web.people_view import person_out
from ringfence.web.ports import RosterDoor

OWN_REASON: Final = "by the person"
MAX_LINES: Final = 20

Asking = Annotated[Caller, Depends(caller)]
_REFUSALS: Final = declared(404, 409, 413, 503)


class OwnStepOut(BaseModel):
    """One step of what a caller would go through."""

    kind: str
    target: str = Field(description="one's own number masked, or a site's; empty for another person's")
    ring_seconds: int
    sentence: str


class OwnLineOut(BaseModel):
    """One of one's own DIDs, as a caller would experience it now."""

    did: str
    words: str
    steps: list[OwnStepOut] = Field(description="in order; in normal mode only where the platform fails the call")


class OwnOut(BaseModel):
    """All that is known of whoever asks, and what becomes of calls to them."""

    person: PersonOut
    lines: list[OwnLineOut]


def routes(door: RosterDoor, operator: Operator, now: Callable[[], datetime]) -> APIRouter:
    router = APIRouter(tags=["me"], prefix="/me")
    _seen(router, door, operator)
    _numbers(router, door, now)
    _presence(router, door, now)
    return router


def own_key(asking: Caller) -> str:
    """The key of whoever asks. Raises NotOurs for somebody the directory does not know."""
    if asking.person is None:
        raise NotOurs(
            f"person: {asking.name} is signed in as nobody in the directory.",
            "An admin sets `person_claim` of the sign-in to what HR calls you by.",
            "person",
        )
    return asking.person


async def own_lines(operator: Operator, view: PersonView) -> list[OwnLineOut]:
    """What a caller would experience now, by DID. May raise NotOurs."""
    snapshot, mine = operator.status(), {number.e164 for number in view.numbers}
    lines = []
    for held in view.dids[:MAX_LINES]:
        explanation = await operator.explain(held.did)
        plan = () if explanation.plan is None else explanation.plan.plan
        words = explanation_out(explanation, snapshot).decision_words
        lines.append(OwnLineOut(did=held.did, words=words, steps=[own_step(planned, mine) for planned in plan]))
    return lines


def own_step(planned: PlannedStep, mine: Collection[str]) -> OwnStepOut:
    """`mine`: the numbers (E.164) of whoever is shown it; of others nothing is told."""
    step = planned.step
    target = planned.name or step.target
    if step.kind is StepKind.PERSON:
        # A deputy's number is the deputy's.
        target = mask(target) if target in mine else ""
    return OwnStepOut(
        kind=step.kind.name.lower(), target=target, ring_seconds=step.ring_seconds, sentence=planned.reason.sentence
    )


def _seen(router: APIRouter, door: RosterDoor, operator: Operator) -> None:
    @router.get("", responses=declared(404, 503), operation_id="me")
    async def me(asking: Asking) -> OwnOut:
        """My default numbers and whose word they are, where I am today, what a caller to me would experience now."""
        view = await door.desk.person(own_key(asking))
        return OwnOut(person=person_out(view), lines=await own_lines(operator, view))


def _numbers(router: APIRouter, door: RosterDoor, now: Callable[[], datetime]) -> None:
    @router.put("/numbers", responses=_REFUSALS, operation_id="enter_my_numbers")
    async def numbers(order: NumbersOrder, asking: Asking) -> EntryDone:
        """Set my default numbers, all of them, in the order in which they ring."""
        given, warnings = read.read_numbers(order.numbers, door)
        return _done(await enter_own(door, asking, EntryField.NUMBERS, given, order.reason), warnings)

    @router.delete("/numbers", responses=_REFUSALS, operation_id="clear_my_numbers")
    async def clear_numbers(asking: Asking) -> EntryDone:
        """Back to the numbers that HR has."""
        return _done(await enter_own(door, asking, EntryField.NUMBERS, None))

    @router.put("/facts", responses=_REFUSALS, operation_id="enter_my_facts")
    async def facts(order: FactsOrder, asking: Asking) -> EntryDone:
        """Give or withdraw consent to one of my numbers, set its hours, confirm that it reaches me."""
        person = await door.desk.person(own_key(asking))
        number = read.known_number(order, person, door)
        stated = read.read_facts(order, number.stated or NumberFacts(), read.zone_of(person, door), now())
        return _done(await enter_own(door, asking, EntryField.FACTS, stated, order.reason, number.e164))

    @router.delete("/facts", responses=_REFUSALS, operation_id="clear_my_facts")
    async def clear_facts(position: Annotated[int, Query(ge=1, le=1000)], asking: Asking) -> EntryDone:
        """Take back all that was entered of one of my numbers."""
        number = read.number_at(position, await door.desk.person(own_key(asking)))
        return _done(await enter_own(door, asking, EntryField.FACTS, None, number=number.e164))


def _presence(router: APIRouter, door: RosterDoor, now: Callable[[], datetime]) -> None:
    @router.put("/today", responses=_REFUSALS, operation_id="enter_my_today")
    async def today(order: TodayOrder, asking: Asking) -> EntryDone:
        """Say where I am for the time being: that number rings before my others."""
        given, warnings = read.read_today(order, door, now())
        return _done(await enter_own(door, asking, EntryField.TODAY, given, order.reason), warnings)

    @router.delete("/today", responses=_REFUSALS, operation_id="clear_my_today")
    async def clear_today(asking: Asking) -> EntryDone:
        """Back to my usual numbers before the end."""
        return _done(await enter_own(door, asking, EntryField.TODAY, None))

    @router.put("/away", responses=_REFUSALS, operation_id="enter_my_away")
    async def away(order: AwayOrder, asking: Asking) -> EntryDone:
        """Enter a long absence: my own numbers do not ring, my deputy's do."""
        given = await read.read_away(order, own_key(asking), door, now())
        return _done(await enter_own(door, asking, EntryField.AWAY, given, order.reason))

    @router.delete("/away", responses=_REFUSALS, operation_id="clear_my_away")
    async def clear_away(asking: Asking) -> EntryDone:
        """I am back."""
        return _done(await enter_own(door, asking, EntryField.AWAY, None))


async def enter_own(
    door: RosterDoor, asking: Caller, field: EntryField, value: Any, why: str = OWN_REASON, number: str | None = None
) -> PersonView:
    """Raises NotOurs, OrderRefused, StoreError."""
    return await door.desk.enter(
        own_key(asking), field, value, origin=Origin.PERSON, who=asking.name, why=why, number=number
    )


def _done(view: PersonView, warnings: list[str] | None = None) -> EntryDone:
    return EntryDone(person=person_out(view), warnings=warnings or [])
