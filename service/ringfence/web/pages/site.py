"""All pages on one application: whoever adds a page adds it here."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated

from fastapi import APIRouter, FastAPI, Path, Query, Response
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse

from ringfence.web.oidc.next_page import next_page
from ringfence.web.pages import (
    assets,
    calls_page,
    coverage_page,
    did_page,
    more_pages,
    override_page,
    people_page,
    plans_page,
    sign_in_page,
    start_page,
    teams_page,
)
from ringfence.web.pages.frame import Frame
from ringfence.web.pages.live import Broadcaster, events
from ringfence.web.pages.page_route import open_router, page_router
from ringfence.web.pages.texts import LANGUAGE_COOKIE, LANGUAGES, N_
from ringfence.web.ports import Services
from ringfence.web.security import GUARDED

_A_YEAR = 365 * 86_400


def add_to(app: FastAPI, services: Services, default_country: str) -> Frame:
    """`default_country` (ISO 3166) is that of numbers written without a plus."""
    zone = "UTC" if services.roster is None else services.roster.zone
    frame = Frame(services.operator, zone, _waiting(services))
    app.include_router(assets.routes())
    for router in [*_sign_in(frame, services), *_pages(frame, services, default_country)]:
        app.include_router(router)
        frame.there |= {
            route.operation_id for route in router.routes if isinstance(route, APIRoute) and route.operation_id
        }
    app.add_exception_handler(404, _unknown_path(frame))
    return frame


def _unknown_path(frame: Frame) -> Callable[[Request, Exception], Awaitable[Response]]:
    """A browser is answered with a page, a program with what the API says."""

    async def answer(request: Request, error: Exception) -> Response:
        if "text/html" in request.headers.get("accept", "") and not request.url.path.startswith(f"{GUARDED}/"):
            fix = N_("Look at the address, or begin at the start page.")
            return frame.page(request, "error.html", 404, title=N_("There is no such page"), message="", fix=fix)
        handle = request.app.exception_handlers[HTTPException]
        told: Response = await handle(request, error)
        return told

    return answer


def _waiting(services: Services) -> Callable[[], str]:
    """Names what waits for a second person, which is no part of the state's version."""
    words = services.words
    return lambda: "" if words is None else "".join(f"-{pending.id}" for pending in words.desk.pending())


def _pages(frame: Frame, services: Services, default_country: str) -> list[APIRouter]:
    found = [
        _language(frame),
        _events(frame, services),
        start_page.routes(frame, services),
        did_page.routes(frame, services, default_country),
        did_page.find_routes(frame, services, default_country),
        calls_page.routes(frame, services, default_country),
        teams_page.routes(frame, services.operator),
    ]
    if services.words is not None:
        found.append(override_page.routes(frame, services, services.words, default_country))
    found += more_pages.routes(frame, services)
    if services.roster is not None:
        found.append(people_page.routes(frame, services.roster, services.operator))
        found.append(plans_page.routes(frame, services.roster))
        found.append(coverage_page.routes(frame, services.roster))
    return found


def _sign_in(frame: Frame, services: Services) -> list[APIRouter]:
    return [] if services.sign_in is None else [sign_in_page.routes(frame, services.sign_in)]


def _language(frame: Frame) -> APIRouter:
    router = open_router(frame)

    @router.get("/language/{code}")
    async def language(
        request: Request, code: Annotated[str, Path(max_length=8)], next_: Annotated[str, Query(alias="next")] = "/"
    ) -> Response:
        """Keeps the choice in a cookie, and goes back."""
        answer = RedirectResponse(next_page(next_), 303)
        if code in LANGUAGES:
            answer.set_cookie(
                LANGUAGE_COOKIE,
                code,
                _A_YEAR,
                path="/",
                secure=request.url.scheme == "https",
                httponly=True,
                samesite="lax",
            )
        return answer

    return router


def _events(frame: Frame, services: Services) -> APIRouter:
    router = page_router(frame)
    broadcaster = Broadcaster(services.operator, frame.version)

    @router.get("/events", operation_id="page_events")
    async def live(request: Request) -> Response:
        """Server-sent events: the state's version and the number of calls, each time one of them changes."""
        return events(request, broadcaster)

    return router
