"""Who asks, as `Guard` found it; for the operations and pages behind it."""

from __future__ import annotations

from typing import Final

from starlette.requests import Request
from starlette.types import Scope

from ringfence.domain.access import Caller, SignedInBy
from ringfence.domain.networks import counted_as

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


def whose(asking: Caller | None, scope: Scope) -> str:
    """Whom a request counts for: a sign-in, a key, or an address. With the shared token everybody says who they are,
    and another name at each request would be another burst."""
    address = f"address {counted_as(str(scope['client'][0])) if scope.get('client') else ''}"
    if asking is None:
        return address
    return f"{asking.by} {address if asking.by is SignedInBy.TOKEN else asking.session or asking.name}"
