"""Every error as the same JSON, `{error, field, fix, problems}`, and its HTTP status: decided here and nowhere else."""

from __future__ import annotations

import logging
import math
import re
from collections.abc import Mapping, Sequence
from typing import Any, Final

from fastapi import FastAPI
from fastapi.exceptions import RequestValidationError
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse

from ringfence.app.access.ports import KeyRefused, NoSuchAccess, SealedAccountsFault, SignInRefused, TooManyAttempts
from ringfence.app.directory_change import NotPublishable
from ringfence.app.directory_import import MAX_TOLD_ERRORS, ImportRefused, counted
from ringfence.app.operator import NotNow, NotOurs, OrderRefused
from ringfence.app.ports import AsteriskError, RingfenceError, StoreError, VersionConflict

log = logging.getLogger(__name__)

RETRY_AFTER_SECONDS: Final = 2
MAX_NAME_CHARACTERS: Final = 64


class Error(BaseModel):
    """What went wrong and what to do."""

    error: str = Field(description="a sentence for people")
    field: str | None = Field(None, description="the part of the request that has to change")
    fix: str = Field("", description="what to do")
    problems: list[str] = Field([], description="every fault found, where there can be many (import)")


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
    (Conflict, 409),
    (VersionConflict, 409),
    (OrderRefused, 422),
    (ImportRefused, 422),
    (NotPublishable, 422),
    (KeyRefused, 422),
    (NotOurs, 404),
    (NoSuchAccess, 404),
    (TooManyAttempts, 429),
    (SignInRefused, 401),
    (SealedAccountsFault, 503),
    (NotPermitted, 403),
    (NotTakenYet, 503),
    (StoreError, 503),
    (AsteriskError, 503),
)

_WORDS: Final[Mapping[int, str]] = {
    400: "The request is not HTTP or JSON that can be read.",
    401: "No token, or not the right one.",
    403: "Whoever asks lacks the permission; docs/reference/permissions.md has the table.",
    404: "There is no such scope, DID, person, plan or source.",
    405: "This path knows other methods only.",
    409: "The state has changed, or has to be confirmed first.",
    413: "The body is too large.",
    422: "A value is refused; `field` names it.",
    429: "Too often; `Retry-After` says when to ask again.",
    503: "The database or Asterisk does not answer; nothing was changed.",
}


HOST_REFUSED: Final[dict[int | str, dict[str, Any]]] = {400: {"model": Error, "description": _WORDS[400]}}


def declared(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """The `responses` of an operation, for OpenAPI. Every guarded operation can also answer 400, 401, 403,
    422 (a parameter it does not know) and 429."""
    found: dict[int | str, dict[str, Any]] = {
        status: {"model": Error, "description": _WORDS[status]} for status in (400, 401, 403, *statuses, 422, 429)
    }
    found[401]["headers"] = {"WWW-Authenticate": {"schema": {"type": "string"}}}
    found[429]["headers"] = {"Retry-After": {"schema": {"type": "string"}}}
    return found


def status_of(error: RingfenceError) -> int:
    return next((status for kind, status in STATUSES if isinstance(error, kind)), 500)


def add_to(app: FastAPI) -> None:
    """Registers the handlers."""
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
    field = getattr(error, "field", None)
    body = Error(error=message, field=field, fix=error.fix, problems=problems[: 10 * MAX_TOLD_ERRORS])
    wait_seconds = getattr(error, "retry_after_seconds", RETRY_AFTER_SECONDS if error.retry else None)
    return _answer(status, body, None if wait_seconds is None else {"Retry-After": str(math.ceil(wait_seconds))})


async def _invalid(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)
    faults = [_fault(fault) for fault in error.errors()]
    first = error.errors()[0]
    if first["type"] == "json_invalid":
        body = Error(error="body: this is not JSON.", field="body", fix="Send a JSON object, encoded as UTF-8.")
        return _answer(400, body)
    # Pydantic repeats the input in its messages' context; a private number must not come back that way.
    message = "; ".join(f"{name}: {words}" for name, words in faults[:10])
    body = Error(error=f"{message}.", field=faults[0][0], fix="See the schema of this operation in /openapi.json.")
    return _answer(422, body)


async def _http(request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)
    words = _WORDS.get(error.status_code, str(error.detail))
    if error.status_code == 404:
        words = "There is no such path."
    headers = {"Allow": _methods(request)} if error.status_code == 405 else dict(error.headers or {})
    return _answer(error.status_code, Error(error=words, fix="See /openapi.json."), headers)


async def _unexpected(request: Request, error: Exception) -> JSONResponse:
    # Starlette raises it again after the answer, so the log has the traceback.
    return _answer(500, Error(error="Ringfence failed at this.", fix="Its log says how: `journalctl -u ringfence`."))


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


def _answer(status: int, body: Error, headers: Mapping[str, str] | None = None) -> JSONResponse:
    return JSONResponse(body.model_dump(), status, headers)
