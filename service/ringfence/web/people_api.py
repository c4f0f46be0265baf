"""People: what is known of them, and what the helpdesk enters for them by hand."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from operator import attrgetter
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query

from ringfence.app.hr.views import EntryField
from ringfence.app.operator import OrderRefused, check_words
from ringfence.domain.hr.provenance import PersonView
from ringfence.domain.hr.roster import NumberFacts, Origin
from ringfence.domain.numbers import NumberError, parse_did
from ringfence.web import people_entries as read
from ringfence.web.errors import declared
from ringfence.web.order_models import DidText, Why
from ringfence.web.order_targets import read_did
from ringfence.web.paging import BeforeText, Limit, asked_page, next_text
from ringfence.web.people_models import (
    MAX_KEY_CHARACTERS,
    AwayOrder,
    DidReleased,
    DidsOrder,
    EntryDone,
    EntryOrder,
    FactsOrder,
    Forgotten,
    LeavingOrder,
    NotesOut,
    NumbersOrder,
    OnCallOrder,
    PeopleOut,
    PersonOut,
    PersonText,
    TodayOrder,
)
from ringfence.web.people_view import note_out, person_out
from ringfence.web.ports import RosterDoor
from ringfence.web.security import who as stated_who

MAX_FOUND: Final = 100

Who = Annotated[str, Depends(stated_who)]
Key = Annotated[PersonText, Path(max_length=MAX_KEY_CHARACTERS)]
Reason = Annotated[Why, Query()]

_REFUSALS: Final = declared(404, 409, 413, 503)


def routes(door: RosterDoor, now: Callable[[], datetime]) -> APIRouter:
    router = APIRouter(tags=["people"])
    _questions(router, door)
    _numbers(router, door, now)
    _dids(router, door)
    _presence(router, door, now)
    _leaving(router, door, now)
    return router


def _questions(router: APIRouter, door: RosterDoor) -> None:
    @router.get("/people", responses=declared(503), operation_id="find_people")
    async def find(
        find: Annotated[str, Query(max_length=80, description="a key, a DID, or a part of the name")],
        limit: Annotated[int, Query(ge=1, le=MAX_FOUND)] = 20,
    ) -> PeopleOut:
        """People by key, DID or a part of their name."""
        return PeopleOut(people=[person_out(view) for view in await door.desk.find(_wanted(find, door), limit)])

    @router.get("/people/{key}", responses=declared(404, 503), operation_id="person")
    async def person(key: Key) -> PersonOut:
        """All that is known of one person: every origin's word, and which of them counts."""
        return person_out(await door.desk.person(key))

    @router.get("/people/{key}/history", responses=declared(404, 503), operation_id="person_history")
    async def history(key: Key, limit: Limit = 100, before: BeforeText = None) -> NotesOut:
        """What people decided about and entered for this person, newest first."""
        page = await asked_page(lambda rows, begin: door.desk.notes(rows, key, begin), limit, before, attrgetter("at"))
        return NotesOut(history=[note_out(note) for note in page.rows], next=next_text(page))


def _numbers(router: APIRouter, door: RosterDoor, now: Callable[[], datetime]) -> None:
    @router.put("/people/{key}/numbers", responses=_REFUSALS, operation_id="enter_numbers")
    async def enter_numbers(key: Key, order: NumbersOrder, who: Who) -> EntryDone:
        """Enter a person's default numbers, all of them, in the order in which they ring."""
        numbers, warnings = read.read_numbers(order.numbers, door)
        view = await _enter(door, key, EntryField.NUMBERS, numbers, who, order.reason)
        return EntryDone(person=person_out(view), warnings=warnings)

    @router.delete("/people/{key}/numbers", responses=_REFUSALS, operation_id="clear_numbers")
    async def clear_numbers(key: Key, reason: Reason, who: Who) -> EntryDone:
        """Give the default numbers back to the feeds."""
        return await _clear(door, key, EntryField.NUMBERS, who, reason)

    @router.put("/people/{key}/facts", responses=_REFUSALS, operation_id="enter_facts")
    async def enter_facts(key: Key, order: FactsOrder, who: Who) -> EntryDone:
        """Enter what is known of one default number: consent, hours, purpose, confirmation."""
        person = await door.desk.person(key)
        number = read.known_number(order, person, door)
        facts = read.read_facts(order, number.stated or NumberFacts(), read.zone_of(person, door), now())
        view = await _enter(door, key, EntryField.FACTS, facts, who, order.reason, number.e164)
        return EntryDone(person=person_out(view), warnings=[])

    @router.delete("/people/{key}/facts", responses=_REFUSALS, operation_id="clear_facts")
    async def clear_facts(
        key: Key, position: Annotated[int, Query(ge=1, le=1000)], reason: Reason, who: Who
    ) -> EntryDone:
        """Take back all that was entered of one default number."""
        number = read.number_at(position, await door.desk.person(key))
        return await _clear(door, key, EntryField.FACTS, who, reason, number.e164)


def _dids(router: APIRouter, door: RosterDoor) -> None:
    @router.put("/people/{key}/dids", responses=_REFUSALS, operation_id="enter_dids")
    async def enter_dids(key: Key, order: DidsOrder, who: Who) -> EntryDone:
        """Enter which DIDs a person owns, all of them."""
        dids = read.read_dids(order.dids, door)
        view = await _enter(door, key, EntryField.DIDS, dids, who, order.reason)
        return EntryDone(person=person_out(view), warnings=[])

    @router.delete("/people/{key}/dids", responses=_REFUSALS, operation_id="clear_dids")
    async def clear_dids(key: Key, reason: Reason, who: Who) -> EntryDone:
        """Give the DIDs back to the feeds."""
        return await _clear(door, key, EntryField.DIDS, who, reason)

    @router.post("/dids/{did}/release", responses=_REFUSALS, operation_id="release_did")
    async def release(did: Annotated[DidText, Path()], order: EntryOrder, who: Who) -> DidReleased:
        """End the quarantine of a DID: its owner's default numbers ring from now on."""
        check_words(who, order.reason)
        wanted = read_did(did, door.rules.default_country)
        return DidReleased(released=await door.desk.release_did(wanted, who, order.reason))


def _presence(router: APIRouter, door: RosterDoor, now: Callable[[], datetime]) -> None:
    @router.put("/people/{key}/away", responses=_REFUSALS, operation_id="enter_away")
    async def enter_away(key: Key, order: AwayOrder, who: Who) -> EntryDone:
        """Enter a long absence: the person's own numbers do not ring, the deputy's do."""
        away = await read.read_away(order, key, door, now())
        view = await _enter(door, key, EntryField.AWAY, away, who, order.reason)
        return EntryDone(person=person_out(view), warnings=[])

    @router.delete("/people/{key}/away", responses=_REFUSALS, operation_id="clear_away")
    async def clear_away(key: Key, reason: Reason, who: Who) -> EntryDone:
        """Take back an absence that was entered by hand."""
        return await _clear(door, key, EntryField.AWAY, who, reason)

    @router.put("/people/{key}/today", responses=_REFUSALS, operation_id="enter_today")
    async def enter_today(key: Key, order: TodayOrder, who: Who) -> EntryDone:
        """Say where a person is for the time being: that number rings before their others."""
        today, warnings = read.read_today(order, door, now())
        view = await _enter(door, key, EntryField.TODAY, today, who, order.reason)
        return EntryDone(person=person_out(view), warnings=warnings)

    @router.delete("/people/{key}/today", responses=_REFUSALS, operation_id="clear_today")
    async def clear_today(key: Key, reason: Reason, who: Who) -> EntryDone:
        """Back to the usual numbers before the end."""
        return await _clear(door, key, EntryField.TODAY, who, reason)

    @router.put("/people/{key}/on_call", responses=_REFUSALS, operation_id="enter_on_call")
    async def enter_on_call(key: Key, order: OnCallOrder, who: Who) -> EntryDone:
        """Put a person on call: private numbers ring at any hour until then."""
        end = read.read_moment("until", order.until, now(), now() + read.MAX_ON_CALL)
        view = await _enter(door, key, EntryField.ON_CALL_UNTIL, end, who, order.reason)
        return EntryDone(person=person_out(view), warnings=[])

    @router.delete("/people/{key}/on_call", responses=_REFUSALS, operation_id="clear_on_call")
    async def clear_on_call(key: Key, reason: Reason, who: Who) -> EntryDone:
        """End on-call duty that was entered by hand."""
        return await _clear(door, key, EntryField.ON_CALL_UNTIL, who, reason)


def _leaving(router: APIRouter, door: RosterDoor, now: Callable[[], datetime]) -> None:
    @router.put("/people/{key}/leaving", responses=_REFUSALS, operation_id="enter_leaving")
    async def enter_leaving(key: Key, order: LeavingOrder, who: Who) -> EntryDone:
        """Say that a person leaves, or has left. From that moment their numbers do not ring, whatever a feed says."""
        at = read.read_leaving(order, read.zone_of(await door.desk.person(key), door), now())
        view = await _enter(door, key, EntryField.LEFT_AT, at, who, order.reason)
        return EntryDone(person=person_out(view), warnings=[])

    @router.delete("/people/{key}/leaving", responses=_REFUSALS, operation_id="clear_leaving")
    async def clear_leaving(key: Key, reason: Reason, who: Who) -> EntryDone:
        """Take back a leaving that was entered by hand: the sources decide again."""
        return await _clear(door, key, EntryField.LEFT_AT, who, reason)

    @router.delete("/people/{key}", responses=_REFUSALS, operation_id="forget_person")
    async def forget(key: Key, reason: Reason, who: Who) -> Forgotten:
        """Erase the private numbers of somebody who has left, at once and everywhere. Cannot be taken back."""
        check_words(who, reason)
        await door.desk.forget(key, who, reason)
        return Forgotten(key=key)


async def _enter(
    door: RosterDoor, key: str, field: EntryField, value: Any, who: str, why: str, number: str | None = None
) -> PersonView:
    check_words(who, why)
    return await door.desk.enter(key, field, value, origin=Origin.HELPDESK, who=who, why=why, number=number)


async def _clear(
    door: RosterDoor, key: str, field: EntryField, who: str, why: str, number: str | None = None
) -> EntryDone:
    view = await _enter(door, key, field, None, who, why, number)
    return EntryDone(person=person_out(view), warnings=[])


def _wanted(text: str, door: RosterDoor) -> str:
    """A DID as people write it becomes E.164; everything else is looked for as it is. Raises OrderRefused."""
    wanted = text.strip()
    if not wanted:
        raise OrderRefused("find", "is empty", "Give a key, a DID or a part of a name.")
    if any(character.isalpha() for character in wanted):
        return wanted
    try:
        return parse_did(wanted, door.rules.default_country)
    except NumberError:
        return wanted
