"""`/people`: everybody in the directory. `/people/<key>`: what is known of one person, and what the helpdesk enters."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Response
from starlette.datastructures import FormData
from starlette.exceptions import HTTPException
from starlette.requests import Request

from ringfence.app.operator import Operator
from ringfence.domain.access import Permission
from ringfence.domain.directory import DEFAULT_RING_SECONDS, MAX_DEFAULT_NUMBERS, Directory, Person
from ringfence.web.callers import caller
from ringfence.web.pages import people_words
from ringfence.web.pages.flash import back_to
from ringfence.web.pages.forms import sent
from ringfence.web.pages.frame import Frame
from ringfence.web.pages.order_form import choices_of
from ringfence.web.pages.page_route import page_router
from ringfence.web.pages.person_forms import FORMS, Entry, enter, fields_of
from ringfence.web.pages.same_directory import SameDirectory
from ringfence.web.people_models import MAX_KEY_CHARACTERS
from ringfence.web.people_view import note_out, person_out
from ringfence.web.ports import RosterDoor

ROWS: Final = 50
MAX_PAGE: Final = 10_000
MAX_NOTES: Final = 50

Key = Annotated[str, Path(max_length=MAX_KEY_CHARACTERS)]


def routes(frame: Frame, door: RosterDoor, operator: Operator) -> APIRouter:
    router = page_router(frame)

    @router.get("/people", operation_id="page_people")
    async def people(
        request: Request,
        site: Annotated[str, Query(max_length=80)] = "",
        team: Annotated[str, Query(max_length=80)] = "",
        page: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 1,
    ) -> Response:
        """Everybody in the directory in force, by name."""
        directory = door.directory()

        async def context() -> Mapping[str, Any]:
            found = _listed(directory, site, team)
            first = (page - 1) * ROWS
            return {
                "people": found[first : first + ROWS],
                "count": len(found),
                "more": len(found) > first + ROWS,
                "page": page,
                "site": site,
                "team": team,
                "choices": choices_of(directory),
            }

        return await frame.shared(request, "people.html", context, id(directory))

    @router.get("/people/{key}", operation_id="page_person")
    async def person(request: Request, key: Key) -> Response:
        """All that is known of one person, numbers masked."""
        return await _person_page(frame, door, request, key)

    @router.post("/people/{key}/{what}", operation_id="page_person_enter")
    async def enter_for(
        request: Request, key: Key, what: Annotated[str, Path(max_length=16)], form: Annotated[FormData, Depends(sent)]
    ) -> Response:
        """Carries out one of the forms on the page."""
        if what not in FORMS:
            raise HTTPException(404)
        warned = await enter(Entry(door, key, fields_of(form), operator.now()), what, caller(request).name)
        done = "cleared" if what.startswith("clear-") else "entered-check" if warned else "entered"
        return back_to(f"/people/{key}", done)

    return router


async def _person_page(frame: Frame, door: RosterDoor, request: Request, key: str) -> Response:
    view = person_out(await door.desk.person(key))
    notes = [note_out(note) for note in await door.desk.notes(MAX_NOTES, key)]
    return frame.page(
        request,
        "person.html",
        person=view,
        notes=notes,
        words=people_words,
        places=range(1, MAX_DEFAULT_NUMBERS + 1),
        ring_seconds=DEFAULT_RING_SECONDS,
        may_enter=caller(request).may(Permission.PEOPLE),
    )


def _listed(directory: Directory | None, site: str, team: str) -> Sequence[Person]:
    if directory is None:
        return ()
    if not site and not team:
        return _by_name(SameDirectory(directory))
    return [p for p in _by_name(SameDirectory(directory)) if site in ("", p.site) and team in ("", p.team)]


@lru_cache(maxsize=1)
def _by_name(same: SameDirectory) -> tuple[Person, ...]:
    return tuple(sorted(same.directory.people.values(), key=lambda person: (person.name.casefold(), person.key)))
