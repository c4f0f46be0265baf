"""Which HTTP status every error has, and how it is told: decided here and nowhere else. The form is `problem`'s."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from ringfence.app.access.ports import KeyRefused, NoSuchAccess, SealedAccountsFault, SignInRefused, TooManyAttempts
from ringfence.app.directory_change import NotPublishable
from ringfence.app.directory_import import MAX_TOLD_ERRORS, ImportRefused, counted
from ringfence.app.incident_ports import CallBackTaken
from ringfence.app.operator import NotNow, NotOurs, OrderRefused
from ringfence.app.orders import Overtaken
from ringfence.app.ports import AsteriskError, RingfenceError, StoreError, VersionConflict
from ringfence.app.reveal import TooManyReveals
from ringfence.domain.notice_mask import masked_but_ours
from ringfence.web.problem import KINDS, described, problem

log = logging.getLogger(__name__)

RETRY_AFTER_SECONDS: Final = 2
MAX_NAME_CHARACTERS: Final = 64


class Conflict(RingfenceError):
    """What the caller saw is no longer so, or has to be confirmed first."""

    def __init__(self, field: str, message: str, fix: str) -> None:
        super().__init__(f"{field}: {message}.", fix)
        self.field = field


class NotPermitted(RingfenceError):
    """Whoever asks is known and lacks the permission."""


class NotTakenYet(RingfenceError):
    """An order waits for the one writer, which is still starting or very busy."""


# The first class that fits decides, so the narrower ones come first.
STATUSES: Final[Sequence[tuple[type[RingfenceError], int]]] = (
    (NotNow, 409),
    (Overtaken, 409),
    (CallBackTaken, 409),
    (Conflict, 409),
    (VersionConflict, 409),
    (OrderRefused, 422),
    (ImportRefused, 422),
    (NotPublishable, 422),
    (KeyRefused, 422),
    (NotOurs, 404),
    (NoSuchAccess, 404),
    (TooManyAttempts, 429),
    (TooManyReveals, 429),
    (SignInRefused, 401),
    (SealedAccountsFault, 503),
    (NotPermitted, 403),
    (NotTakenYet, 503),
    (StoreError, 503),
    (AsteriskError, 503),
)

HOST_REFUSED: Final[dict[int | str, dict[str, Any]]] = {400: described(400)}


def declared(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an operation, for OpenAPI. Every guarded operation can also answer 400, 401, 403,
    422 (a parameter it does not know) and 429."""
    found: dict[int | str, dict[str, Any]] = {
        status: described(status) for status in (400, 401, 403, *statuses, 422, 429)
    }
    found[401]["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    found[429]["headers"] = {"Retry-After": {"schema": {"type": "string"}}}
    return found


def told(request: Request, text: str) -> str:
    """A text about what somebody sent. What stands in the wrong place there may be a person's private number."""
    return masked_but_ours(text, request.app.state.is_our_did)


def status_of(error: RingfenceError) -> int:
    return next((status for kind, status in STATUSES if isinstance(error, kind)), 500)


def add_to(app: FastAPI, is_our_did: Callable[[str], bool]) -> None:
    """Registers the handlers. `is_our_did`: whether a number (E.164) may be told in an error."""
    app.state.is_our_did = is_our_did
    app.add_exception_handler(RingfenceError, _expected)
    app.add_exception_handler(RequestValidationError, _invalid)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(Exception, _unexpected)


async def _expected(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RingfenceError)
    status = status_of(error)
    if status == 500:
        log.error("an operation failed", extra={"path": request.url.path, "reason": error.message})
    problems = []
    if isinstance(error, ImportRefused):
        problems = [str(problem) for problem in error.errors]
        message = f"{counted(len(problems))}, nothing was imported."
    else:
        message = error.message
    named = getattr(error, "field", None)
    field = None if named is None else told(request, named)
    wait_seconds = getattr(error, "retry_after_seconds", RETRY_AFTER_SECONDS if error.retry else None)
    headers = None if wait_seconds is None else {"Retry-After": str(math.ceil(wait_seconds))}
    return problem(status, told(request, message), field, error.fix, problems[: 10 * MAX_TOLD_ERRORS], headers)


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    faults = [_fault(fault) for fault in error.errors()]
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        return problem(400, "body: this is not JSON.", "body", "Send a JSON object, encoded as UTF-8.")
    # Pydantic repeats the input in its messages' context; a private number must not come back that way.
    message = "; ".join(f"{name}: {words}" for name, words in faults[:10])
    return problem(
        422,
        told(request, f"{message}."),
        told(request, faults[0][0]),
        "See the schema of this operation in /openapi.json.",
    )


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    kind = KINDS.get(error.status_code)
    words = kind.title if kind else str(error.detail)
    if error.status_code == 404:
        words = "There is no such path."
    headers = {"Allow": _methods(request)} if error.status_code == 405 else dict(error.headers or {})
    return problem(error.status_code, words, fix="See /openapi.json.", headers=headers)


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    # Starlette raises it again after the answer, so the log has the traceback.
    return problem(500, KINDS[500].detail, fix=KINDS[500].fix)


def _methods(request: Request) -> str:
    """Every method this path knows: Starlette names only those of the first route that fits."""
    found: set[str] = set()
    for template, operations in request.app.openapi()["paths"].items():
        if re.fullmatch(re.sub(r"\{[^}]+\}", "[^/]+", template), request.url.path):
            found |= {method.upper() for method in operations}
    return ", ".join(sorted(found))


def _fault(fault: Mapping[str, Any]) -> tuple[str, str]:
    place = [str(part) for part in fault["loc"] if part not in ("body", "query", "path", "header")]
    # Names of unknown fields are the caller's own words.
    return ".".join(place)[:MAX_NAME_CHARACTERS] or "body", str(fault["msg"]).removeprefix("Value error, ")
