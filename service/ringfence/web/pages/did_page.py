"""`/did/<DID>`: why this number rings where it does. `/find`: from what somebody writes to the pages about it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Response
from starlette.datastructures import FormData
from starlette.requests import Request
from starlette.responses import RedirectResponse

from ringfence.domain.directory import Directory
from ringfence.domain.numbers import NumberError, parse_did
from ringfence.domain.outage import Decision
from ringfence.domain.override import team_of, words_about
from ringfence.web.call_api import explanation_out
from ringfence.web.order_models import MAX_DID_CHARACTERS
from ringfence.web.order_targets import read_did
from ringfence.web.pages.call_words import line_of
from ringfence.web.pages.forms import sent, texts_of
from ringfence.web.pages.frame import Frame
from ringfence.web.pages.order_form import choices_of
from ringfence.web.pages.page_route import page_router
from ringfence.web.pages.start_page import WORDS
from ringfence.web.pages.texts import N_
from ringfence.web.ports import Services

LAST_CALLS: Final = 10
MAX_FOUND: Final = 20
MAX_QUERY_CHARACTERS: Final = 80
MAX_TEAM_DIDS: Final = 200

WOULD: Final[Mapping[Decision | None, str]] = {
    Decision.NORMAL: N_("It rings on the platform. Should that fail on the call, its plan below rings on the spot."),
    Decision.PINNED: N_("It rings on the platform, whatever becomes of it there."),
    Decision.DIVERT: N_("Its plan below rings at once, one number after the other. The platform is not tried."),
    Decision.TRIAL: N_("It may be one of the few that try the platform; else its plan below rings at once."),
    None: N_("It goes to its trunk's platform as it comes: this DID has no plan that is used."),
}


def routes(frame: Frame, services: Services, default_country: str) -> APIRouter:
    router = page_router(frame)
    operator = services.operator

    @router.get("/did/{did}", operation_id="page_did")
    async def did_page(request: Request, did: Annotated[str, Path(max_length=MAX_DID_CHARACTERS)]) -> Response:
        """What a call to this DID would do now, and why."""
        number = read_did(did, default_country)
        snapshot = operator.status()

        async def context() -> Mapping[str, Any]:
            explanation = explanation_out(await operator.explain(number), snapshot)
            calls = [line_of(record) for record in await operator.calls(LAST_CALLS, number)]
            return {
                "did": number,
                "explanation": explanation,
                "would": WOULD[explanation.decision],
                "calls": calls,
                "words": WORDS,
                "scopes": snapshot.scopes,
            } | _ownership(services, number, snapshot.overrides)

        return await frame.shared(request, "did.html", context, operator.calls_seen)

    return router


def find_routes(frame: Frame, services: Services, default_country: str) -> APIRouter:
    router = page_router(frame)

    async def found(request: Request, text: str) -> Response:
        text = text.strip()[:MAX_QUERY_CHARACTERS]
        directory = None if services.roster is None else services.roster.directory()
        number = _number(text, default_country)
        if number is not None:
            # Whatever else was written may be somebody's private number: it gets into no address and on no page.
            known = directory is not None and directory.assignment(number) is not None
            if known:
                return RedirectResponse(f"/did/{number}", 303)
            return frame.page(request, "found.html", q="", people=[], teams=[], sites=[], foreign=True, asked=True)
        teams, sites = _named(directory, text)
        views = [] if services.roster is None or not text else await services.roster.desk.find(text, MAX_FOUND)
        if len(views) == 1 and not teams and not sites and len(views[0].dids) == 1:
            return RedirectResponse(f"/did/{views[0].dids[0].did}", 303)
        return frame.page(
            request, "found.html", q=text, people=views, teams=teams, sites=sites, foreign=False, asked=bool(text)
        )

    @router.get("/find", operation_id="page_find")
    async def look(request: Request, q: Annotated[str, Query(max_length=MAX_QUERY_CHARACTERS)] = "") -> Response:
        """DIDs, people, teams and sites by what somebody wrote."""
        return await found(request, q)

    @router.post("/find", operation_id="page_find")
    async def find(request: Request, fields: Annotated[FormData, Depends(sent)]) -> Response:
        """The same from a form: what is looked for is in no address then, for it may be a private number."""
        return await found(request, texts_of(fields).get("q", ""))

    return router


def _number(text: str, default_country: str) -> str | None:
    """None: it is a name, not a number."""
    if any(character.isalpha() for character in text) or not any(character.isdigit() for character in text):
        return None
    try:
        return parse_did(text, default_country)
    except NumberError:
        return "" if sum(character.isdigit() for character in text) > 6 else None


def _named(directory: Directory | None, text: str) -> tuple[list[tuple[str, list[str]]], list[str]]:
    """Teams with their DIDs, and sites, whose names hold the text."""
    wanted = text.casefold()
    if directory is None or not wanted:
        return [], []
    choices = choices_of(directory)
    teams = [team for team in choices.teams if wanted in team.casefold()][:MAX_FOUND]
    sites = [site for site in choices.sites if wanted in site.casefold()][:MAX_FOUND]
    members: dict[str, list[str]] = {team: [] for team in teams}
    if teams:
        for did, item in directory.assignments.items():
            listed = members.get(team_of(item, directory))
            if listed is not None and len(listed) < MAX_TEAM_DIDS:
                listed.append(did)
    return list(members.items()), sites


def _ownership(services: Services, number: str, overrides: Any) -> dict[str, Any]:
    """Whose DID it is, and which words of people are about it: the first is the one that counts."""
    directory = None if services.roster is None else services.roster.directory()
    item = None if directory is None else directory.assignment(number)
    if directory is None or item is None:
        return {"item": None, "owner": None, "team": "", "about": []}
    owner = None if item.owner is None else directory.people.get(item.owner)
    return {
        "item": item,
        "owner": owner,
        "team": team_of(item, directory),
        "about": words_about(overrides, item, directory),
    }
