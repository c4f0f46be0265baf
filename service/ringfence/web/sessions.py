"""The cookie that carries a session's token. `__Host-`: a browser takes it from this very host alone, over TLS (or on
this machine), for all paths; no other host of the domain can plant one."""

from __future__ import annotations

from typing import Final

from starlette.datastructures import Headers
from starlette.responses import Response

from ringfence.app.access.sessions import NewSession

COOKIE: Final = "__Host-ringfence"


def token_in(headers: Headers) -> str | None:
    """The session's token that a request carries. Two cookies of that name are none."""
    found = [
        value
        for header in headers.getlist("cookie")
        for name, _, value in (part.strip().partition("=") for part in header.split(";"))
        if name == COOKIE
    ]
    return found[0] if len(found) == 1 and found[0] else None


def give_cookie(response: Response, session: NewSession) -> None:
    """Lasts as long as the browser is open; how long it is good for, only we know."""
    response.set_cookie(COOKIE, session.token, path="/", secure=True, httponly=True, samesite="lax")


def take_cookie(response: Response) -> None:
    """At signing out."""
    response.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")
