"""Who may come in: on TCP whoever knows the token, on the local socket whoever may open its file.

`Guard` stands before everything else, so that a stranger is told 401 and nothing more: not whether a DID exists, not
what is wrong with a body. The token is never logged and never compared in a way whose duration tells something of it.
"""

from __future__ import annotations

import hashlib
import hmac
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Final, Protocol

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ringfence.domain.access import EVERYTHING, Caller, Permission, SignedInBy

GUARDED: Final = "/v1"
WHO_HEADER: Final = "X-Ringfence-Who"
LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
MIN_TOKEN_CHARACTERS: Final = 16

_CALLER_KEY: Final = "ringfence.caller"
# One token for many people and programs: it neither shows nor gives out a number.
_TOKEN_MAY: Final = EVERYTHING - {Permission.REVEAL, Permission.EXPORT, Permission.OWN}


class Auth(Protocol):
    """One way in."""

    def caller(self, headers: Headers) -> Caller | None:
        """Who asks; None: a stranger. `stated_who` names them where the sign-in cannot."""
        ...

    def knows_host(self, host: str) -> bool:
        """Whether the Host header names us; a web page that had its own name point at us is turned away."""
        ...


@dataclass(frozen=True, slots=True)
class LocalSocket:
    """The local socket: permission on its file is the sign-in, and the CLI says who sits at the keyboard."""

    def caller(self, headers: Headers) -> Caller | None:
        return Caller(stated_who(headers) or "local socket", EVERYTHING, SignedInBy.SOCKET)

    def knows_host(self, host: str) -> bool:
        return True


@dataclass(frozen=True, slots=True, init=False)
class BearerToken:
    """`Authorization: Bearer <token>`. One token for many people, so what a caller says of themselves is shown as
    said over HTTP. Private numbers stay masked: who may switch need not know everybody's mobile."""

    _digest: bytes = field(repr=False)
    _hosts: frozenset[str]

    def __init__(self, token: str, hosts: Collection[str] = ()) -> None:
        """`hosts`: names under which this API may be asked for, besides those of loopback, without a port.

        A token under 16 characters raises ValueError."""
        if len(token) < MIN_TOKEN_CHARACTERS:
            raise ValueError(f"the HTTP token has fewer than {MIN_TOKEN_CHARACTERS} characters")
        object.__setattr__(self, "_digest", _digest(token))
        object.__setattr__(self, "_hosts", LOOPBACK_NAMES | {host.lower() for host in hosts})

    def caller(self, headers: Headers) -> Caller | None:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        # Digests are of equal length, so not even the token's length can be measured.
        if scheme.lower() != "bearer" or not hmac.compare_digest(_digest(given.strip()), self._digest):
            return None
        stated = stated_who(headers)
        return Caller(f"{stated} (http)" if stated else "http", _TOKEN_MAY, SignedInBy.TOKEN)

    def knows_host(self, host: str) -> bool:
        name = host.lower()
        without_port = name[: name.rfind(":")] if ":" in name and not name.endswith("]") else name
        return without_port in self._hosts


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogateescape")).digest()


class Guard:
    """ASGI middleware: Host, then sign-in, then the body's announced length, then whose name the history will show."""

    def __init__(self, app: ASGIApp, auth: Auth, max_body_bytes: Callable[[str], int | None]) -> None:
        """`max_body_bytes` gives the limit for a path; None: whatever is mounted there has its own. A body that
        announces no length is cut off by FastAPI."""
        self._app = app
        self._auth = auth
        self._max_body_bytes = max_body_bytes

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return  # no WebSockets here
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> JSONResponse | None:
        if not self._auth.knows_host(headers.get("host", "")):
            return _refuse(
                400, "Host", "this is not the name of this service.", "Ask for 127.0.0.1, or name it in [http] host."
            )
        path: str = scope["path"]
        scope[_CALLER_KEY] = self._auth.caller(headers)
        guarded = path == GUARDED or path.startswith(f"{GUARDED}/")
        if guarded and scope[_CALLER_KEY] is None:
            return _not_admitted()
        length, limit = headers.get("content-length", ""), self._max_body_bytes(path)
        if limit is not None and length.isdecimal() and int(length) > limit:
            return _refuse(413, "body", f"it has {int(length)} bytes.", f"Send at most {limit}.")
        return None


def _not_admitted() -> JSONResponse:
    return _refuse(
        401,
        "Authorization",
        "a valid bearer token is needed.",
        "Send `Authorization: Bearer <token>`; `ringfence init` wrote the token to the file http_token.",
        {"WWW-Authenticate": 'Bearer realm="ringfence"'},
    )


def caller(request: Request) -> Caller:
    """Dependency: who asks. Only for operations that no stranger reaches."""
    found = request.scope[_CALLER_KEY]
    assert isinstance(found, Caller)
    return found


def who(request: Request) -> str:
    """Dependency: whom the history shall name."""
    return caller(request).name


def stated_who(headers: Headers) -> str:
    """What a caller says of themselves, empty if nothing."""
    # Header values arrive as Latin-1; the CLI writes UTF-8.
    return headers.get(WHO_HEADER, "").encode("latin-1").decode(errors="replace").strip()


def _refuse(
    status: int, field_name: str, message: str, fix: str, headers: dict[str, str] | None = None
) -> JSONResponse:
    body = {"error": f"{field_name}: {message}", "field": field_name, "fix": fix, "problems": []}
    return JSONResponse(body, status, headers)
