"""Who asks, as `Guard` found it; for the operations and pages behind it."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request

from ringfence.domain.access import Caller

CALLER_KEY: Final = "ringfence.caller"


def known_caller(request: Request) -> Caller | None:
    """Who asks; None: a stranger, on a path that is open to them."""
    found = request.scope.get(CALLER_KEY)
    return found if isinstance(found, Caller) else None


def caller(request: Request) -> Caller:
    """Dependency: who asks. Only for operations that no stranger reaches."""
    found = request.scope[CALLER_KEY]
    assert isinstance(found, Caller)
    return found


def who(request: Request) -> str:
    """Dependency: whom the history shall name."""
    return caller(request).name
