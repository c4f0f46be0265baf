"""A route whose faults are answered as pages, in the words the API answers with."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi import APIRouter, Depends
from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from ringfence.app.ports import RingfenceError
from ringfence.web.callers import known_caller
from ringfence.web.csrf import SAFE_METHODS
from ringfence.web.errors import status_of, told
from ringfence.web.pages.frame import Frame
from ringfence.web.pages.texts import N_
from ringfence.web.permissions import permitted

Handler = Callable[[Request], Coroutine[Any, Any, Response]]

MAX_FORM_BYTES = 64 * 1024

_TITLES = {
    403: N_("You may not do this"),
    404: N_("Not found"),
    409: N_("Not like this, now"),
    413: N_("Too much was sent"),
    422: N_("Something has to be changed"),
    429: N_("Too much was asked for"),
    503: N_("Not answering at the moment"),
}


class NotSignedIn(Exception):
    """Nobody is signed in who could be asked for a permission."""


def open_router(frame: Frame) -> APIRouter:
    """For pages that strangers may see, as that on which they sign in."""
    return APIRouter(route_class=_route_of(frame), include_in_schema=False, max_body_size=MAX_FORM_BYTES)


def page_router(frame: Frame) -> APIRouter:
    """For pages that ask for a permission: `operation_id` is `page_<name>`, with a row in `permissions.OPERATIONS`."""
    router = open_router(frame)
    router.dependencies = [Depends(signed_in), Depends(permitted)]
    return router


async def signed_in(request: Request) -> None:
    """Dependency. Raises NotSignedIn."""
    if known_caller(request) is None:
        raise NotSignedIn


def refusal(frame: Frame, request: Request, error: RingfenceError) -> HTMLResponse:
    """An expected error as a page: what is wrong, and what to do."""
    status = status_of(error)
    return frame.page(
        request,
        "error.html",
        status,
        title=_TITLES.get(status, N_("Ringfence failed at this")),
        message=told(request, error.message),
        fix=error.fix,
    )


def _route_of(frame: Frame) -> type[APIRoute]:
    class PageRoute(APIRoute):
        """Answers errors with a page."""

        def get_route_handler(self) -> Handler:
            handle = super().get_route_handler()

            async def answer(request: Request) -> Response:
                try:
                    return await _handled(frame, handle, request)
                except NotSignedIn:
                    return frame.sign_in(request)
                except RingfenceError as error:
                    return refusal(frame, request, error)
                except RequestValidationError:
                    return _plain(frame, request, 422)
                except HTTPException as error:
                    return _plain(frame, request, error.status_code)

            return answer

    return PageRoute


async def _handled(frame: Frame, handle: Handler, request: Request) -> Response:
    if request.method in SAFE_METHODS:
        return await handle(request)
    try:
        return await handle(request)
    finally:
        frame.forget()


def _plain(frame: Frame, request: Request, status: int) -> HTMLResponse:
    title = _TITLES.get(status, N_("This cannot be done"))
    return frame.page(request, "error.html", status, title=title, message="", fix="")
