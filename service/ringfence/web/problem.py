"""An error as problem details (RFC 9457): the one form in which every door of the API says what went wrong.

Called by `errors`, which knows what an exception means, and by `security`, which stands before the application.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any, Final, NamedTuple

from pydantic import BaseModel, Field
from starlette.responses import JSONResponse

MEDIA_TYPE: Final = "application/problem+json"
TYPE_PREFIX: Final = "urn:ringfence:problem:"


class Problem(BaseModel):
    """What went wrong and what to do: problem details as in RFC 9457, and four members of ours."""

    type: str = Field(description="the kind of problem, for programs; docs/reference/http-api.md lists them")
    title: str = Field(description="the kind of problem in words, the same for all of its type")
    status: int = Field(description="the HTTP status")
    detail: str = Field(description="what went wrong this time, a sentence for people")
    error: str = Field(description="the same as `detail`")
    field: str | None = Field(None, description="the part of the request that has to change")
    fix: str = Field("", description="what to do")
    problems: list[str] = Field([], description="every fault found, where there can be many (import)")


class Kind(NamedTuple):
    """All that is the same for every problem of one status. `detail` and `fix` are an example of what is not."""

    name: str
    title: str
    detail: str
    fix: str


KINDS: Final[Mapping[int, Kind]] = MappingProxyType(
    {
        400: Kind(
            "unreadable",
            "The request is not HTTP or JSON that can be read.",
            "body: this is not JSON.",
            "Send a JSON object, encoded as UTF-8.",
        ),
        401: Kind(
            "not-signed-in",
            "No token, no API key and no sign-in, or not the right one.",
            "Authorization: a valid token, API key or sign-in is needed.",
            "Send `Authorization: Bearer <key>`.",
        ),
        403: Kind(
            "not-permitted",
            "Whoever asks lacks the permission; docs/reference/permissions.md has the table.",
            "set_override: ada lacks the permission `order`.",
            "Ask an admin for a role that has it.",
        ),
        404: Kind(
            "not-found",
            "There is no such scope, DID, person, plan, source or path.",
            "+44*******777 is not a DID of ours.",
            "Look it up: `ringfence explain`.",
        ),
        405: Kind(
            "other-method", "This path knows other methods only.", "This path knows other methods only.", "See Allow."
        ),
        409: Kind(
            "not-now",
            "The state has changed, or has to be confirmed first.",
            "The plan has changed since.",
            "Look at it again.",
        ),
        413: Kind("too-large", "The body is too large.", "The body is too large.", "Send at most 65536 bytes."),
        422: Kind(
            "refused-value",
            "A value is refused; `field` names it.",
            "until: lies in the past.",
            "Give a time ahead, with its time zone.",
        ),
        429: Kind("too-often", "You ask too often.", "rate: you ask too often.", "Ask again in 2 s, and more slowly."),
        500: Kind(
            "failed",
            "Ringfence failed at this.",
            "Ringfence failed at this.",
            "Its log says how: `journalctl -u ringfence`.",
        ),
        503: Kind(
            "not-answering",
            "The database or Asterisk does not answer; nothing was changed.",
            "The database does not answer.",
            "See `ringfence doctor`.",
        ),
    }
)


def problem(
    status: int,
    detail: str,
    field: str | None = None,
    fix: str = "",
    problems: Sequence[str] = (),
    headers: Mapping[str, str] | None = None,
) -> JSONResponse:
    """The answer. A status that is in no table is told as RFC 9457 tells those that say no more than HTTP does."""
    kind = KINDS.get(status)
    body = Problem(
        type=f"{TYPE_PREFIX}{kind.name}" if kind else "about:blank",
        title=kind.title if kind else detail,
        status=status,
        detail=detail,
        error=detail,
        field=field,
        fix=fix,
        problems=list(problems),
    )
    return JSONResponse(body.model_dump(), status, headers, MEDIA_TYPE)


def described(status: int) -> dict[str, Any]:
    """The problems of this status, as an operation's `responses` take them. By name and not as a model: FastAPI makes
    two validators of each model that an operation names, and with these that was 6 MB and most of the start."""
    return {
        "description": KINDS[status].title,
        "content": {MEDIA_TYPE: {"schema": {"$ref": f"#/components/schemas/{Problem.__name__}"}}},
    }


def example(status: int) -> dict[str, Any]:
    """One of this status, as the schema shows it."""
    kind = KINDS[status]
    named = status in (400, 401, 422, 429)
    return Problem(
        type=f"{TYPE_PREFIX}{kind.name}",
        title=kind.title,
        status=status,
        detail=kind.detail,
        error=kind.detail,
        field=kind.detail.partition(":")[0] if named else None,
        fix=kind.fix,
    ).model_dump()
