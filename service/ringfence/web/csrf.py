"""Whether a change comes from a page of ours: a browser sends its cookie along whoever made the page.

Two things have to be right where a session's cookie is what lets somebody in: where the browser says that the request
comes from, and a token that only a page of ours knows. Programs with a key have no cookie and need neither.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from starlette.datastructures import Headers
from starlette.requests import Request

from ringfence.web.callers import known_caller
from ringfence.web.errors import NotPermitted

FIELD: Final = "csrf_token"
HEADER: Final = "X-CSRF-Token"
SAFE_METHODS: Final = frozenset({"GET", "HEAD", "OPTIONS"})
SCOPE_KEY: Final = "ringfence.csrf"

_FIX: Final = "Open the page again and repeat what you did."


class Csrf:
    """Makes the tokens of one installation: they outlive a restart, as the sessions do."""

    def __init__(self, secret: str) -> None:
        """`secret` is one of the installation's own; only what is derived from it is kept."""
        self._key = hashlib.sha256(b"ringfence csrf " + secret.encode()).digest()

    def token(self, session: str) -> str:
        """For the session of that id. Tells nothing of the session's own token."""
        return hmac.new(self._key, session.encode(), hashlib.sha256).hexdigest()

    def fits(self, session: str, token: str) -> bool:
        return hmac.compare_digest(self.token(session).encode(), token.encode(errors="replace"))


def token_of(request: Request) -> str:
    """What a form of this page has to carry in the field `csrf_token`, and a script in the header `X-CSRF-Token`; empty
    where nobody is signed in by a session."""
    csrf, session = request.scope[SCOPE_KEY], session_of(request)
    assert isinstance(csrf, Csrf)
    return csrf.token(session) if session else ""


async def form_is_ours(request: Request) -> None:
    """Dependency of every form's handler. Raises NotPermitted. The form has to be read by `await request.form()`, or by
    FastAPI; both are kept by Starlette."""
    if not comes_from_us(request.headers):
        raise NotPermitted("This form was sent from a page of another site.", _FIX)
    if not session_of(request):
        return
    given = request.headers.get(HEADER) or (await request.form()).get(FIELD)
    if not isinstance(given, str) or not _fits(request, given):
        raise NotPermitted("This form is not from the page you have open, or is older than your sign-in.", _FIX)


def header_fits(request: Request) -> bool:
    """For operations that take JSON: whether a request comes from a page of ours. True where no session's cookie let it
    in: nobody can make another's browser send a key."""
    if not session_of(request):
        return True
    return comes_from_us(request.headers) and _fits(request, request.headers.get(HEADER, ""))


def comes_from_us(headers: Headers) -> bool:
    """Whether the browser says so; True where it says nothing, as old browsers and programs do. `Sec-Fetch-Site` is
    believed first: no page can write it."""
    site = headers.get("sec-fetch-site")
    if site is not None:
        return site in ("same-origin", "none")
    origin = headers.get("origin")
    if origin is None:
        return True
    # A proxy in front may speak TLS where we do not, so the scheme is not compared. Letter by letter: what reads
    # addresses for people drops a tab within one, and fails over others.
    _, mark, place = origin.partition("://")
    return bool(mark) and place.lower() == headers.get("host", "").lower()


def session_of(request: Request) -> str:
    """The id of the session whose cookie the request carries, empty if none."""
    found = known_caller(request)
    return found.session if found is not None else ""


def _fits(request: Request, token: str) -> bool:
    csrf, session = request.scope[SCOPE_KEY], session_of(request)
    assert isinstance(csrf, Csrf)
    return bool(session) and csrf.fits(session, token)
