"""Who may come in: on TCP whoever knows the token or an API key, or has signed in; on the local socket whoever may open
its file.

`Guard` stands before everything else, so that a stranger is told 401 and nothing more: not whether a DID exists, not
what is wrong with a body. The token is never logged and never compared in a way whose duration tells something of it.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Final, Protocol

from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from ringfence.app.access.desk import AccessDesk
from ringfence.app.audit_facts import SIGNED_IN_BY
from ringfence.domain.access import EVERYTHING, Caller, Permission, SignedInBy
from ringfence.domain.audit import MACHINE
from ringfence.web import csrf
from ringfence.web.callers import CALLER_KEY, whose
from ringfence.web.callers import caller as caller
from ringfence.web.callers import known_caller as known_caller
from ringfence.web.callers import who as who
from ringfence.web.csrf import Csrf
from ringfence.web.near import Near
from ringfence.web.patience import HELD
from ringfence.web.peer import account_in
from ringfence.web.problem import problem
from ringfence.web.rates import Rates
from ringfence.web.sessions import token_in

MAX_LENGTH_DIGITS: Final = 19
GUARDED: Final = "/v1"
WHO_HEADER: Final = "X-Ringfence-Who"
LOOPBACK_NAMES: Final = frozenset({"localhost", "127.0.0.1", "[::1]"})
MIN_TOKEN_CHARACTERS: Final = 16
HOLD_SECONDS: Final = 0.5
"""How long a refusal is kept back from who asks too often: at once, it would bring the next request at once."""

# One token for many people and programs: it neither shows nor gives out a number.
_TOKEN_MAY: Final = EVERYTHING - {Permission.REVEAL, Permission.EXPORT, Permission.OWN}


class Auth(Protocol):
    """One way in."""

    def caller(self, headers: Headers, account: str | None = None) -> Caller | None:
        """Who asks; None: a stranger. `stated_who` names them where the sign-in cannot. `account`: whose process is at
        the other end of the local socket, None for those that are believed and where nobody knows."""
        ...

    def knows_host(self, host: str) -> bool:
        """Whether the Host header names us; a web page that had its own name point at us is turned away."""
        ...


@dataclass(frozen=True, slots=True)
class LocalSocket:
    """The local socket: permission on its file is the sign-in, and the CLI says who sits at the keyboard. Only root and
    our own account are simply believed: another's name stands beside what it says."""

    def caller(self, headers: Headers, account: str | None = None) -> Caller | None:
        stated = stated_who(headers) or account or str(SignedInBy.SOCKET)
        if account is not None and account != stated:
            return Caller(f"{stated} (account {account})", EVERYTHING, SignedInBy.SOCKET)
        # The account that we run as is called so: what somebody does with it was not done by the machine.
        who = f"{stated} ({SignedInBy.SOCKET})" if stated.casefold() == MACHINE else stated
        return Caller(who, EVERYTHING, SignedInBy.SOCKET)

    def knows_host(self, host: str) -> bool:
        return True


@dataclass(frozen=True, slots=True, init=False)
class BearerToken:
    """`Authorization: Bearer <token>`. One token for many people, so what a caller says of themselves is shown as
    said over HTTP. Private numbers stay masked: who may switch need not know everybody's mobile."""

    _digest: bytes = field(repr=False)
    _hosts: frozenset[str]

    def __init__(self, token: str, hosts: Iterable[str] = ()) -> None:
        """`hosts`: names under which this API may be asked for, besides those of loopback, without a port.

        A token under 16 characters raises ValueError."""
        if len(token) < MIN_TOKEN_CHARACTERS:
            raise ValueError(f"the HTTP token has fewer than {MIN_TOKEN_CHARACTERS} characters")
        object.__setattr__(self, "_digest", _digest(token))
        object.__setattr__(self, "_hosts", LOOPBACK_NAMES | {host.lower() for host in hosts})

    def caller(self, headers: Headers, account: str | None = None) -> Caller | None:
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


@dataclass(frozen=True, slots=True)
class SignIns:
    """The token, an API key in its place (`Authorization: Bearer rf_...`), or the cookie of a session. A request that
    has the header is judged by it alone."""

    token: BearerToken
    desk: AccessDesk

    def caller(self, headers: Headers, account: str | None = None) -> Caller | None:
        if "authorization" in headers:
            scheme, _, given = headers["authorization"].partition(" ")
            key = self.desk.key(given.strip()) if scheme.lower() == "bearer" else None
            return key or self.token.caller(headers)
        session = token_in(headers)
        return self.desk.session(session) if session is not None else None

    def knows_host(self, host: str) -> bool:
        return self.token.knows_host(host)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogateescape")).digest()


class Guard:
    """ASGI middleware: Host, then sign-in, then how often this caller asks, then whether a page of ours asks, then the
    body's announced length."""

    def __init__(
        self,
        app: ASGIApp,
        auth: Auth,
        max_body_bytes: Callable[[str], int | None],
        forms: Csrf,
        rates: Rates | None = None,
        near: Near | None = None,
    ) -> None:
        """`max_body_bytes` gives the limit for a path; None: whatever is mounted there has its own. A body that
        announces no length is cut off by FastAPI. `rates` None: anybody may ask as often as they like. `near`: who
        reads the metrics without a sign-in; None: this machine."""
        self._app = app
        self._auth = auth
        self._max_body_bytes = max_body_bytes
        self._forms = forms
        self._rates = rates
        self._near = near or Near()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return  # no WebSockets here
        headers = Headers(scope=scope)
        refusal = self._refusal(scope, headers)
        if refusal is not None:
            if refusal.status_code == 429:
                scope.get("state", {})[HELD] = True
                await asyncio.sleep(HOLD_SECONDS)
            await refusal(scope, receive, send)
            return
        await self._app(scope, receive, send)

    def _refusal(self, scope: Scope, headers: Headers) -> JSONResponse | None:
        if not self._auth.knows_host(headers.get("host", "")):
            return _refuse(
                400, "Host", "this is not the name of this service.", "Ask for 127.0.0.1, or name it in [http] host."
            )
        path: str = scope["path"]
        asking = scope[CALLER_KEY] = self._auth.caller(headers, account_in(scope))
        SIGNED_IN_BY.set("" if asking is None else asking.by)
        scope[csrf.SCOPE_KEY] = self._forms
        limit = self._max_body_bytes(path)
        # What is mounted has a guard of its own; an identity provider pushes hundreds of people a second.
        if self._rates is not None and limit is not None:
            wait_seconds = self._rates.wait_seconds(whose(asking, scope))
            if wait_seconds:
                return too_often(wait_seconds)
        guarded = path == GUARDED or path.startswith(f"{GUARDED}/")
        far = self._near.refuses(scope, headers, asking)
        if (guarded or far) and asking is None:
            return _not_admitted()
        if far:
            return _refuse(403, "role", "yours does not let you read this.", "Ask an admin for a role that may see.")
        if guarded and scope["method"] not in csrf.SAFE_METHODS and not csrf.header_fits(Request(scope)):
            return _not_ours()
        length = headers.get("content-length", "")
        # More digits than any length has: `int` refuses thousands of them.
        if limit is not None and length.isdecimal() and (len(length) > MAX_LENGTH_DIGITS or int(length) > limit):
            return _refuse(413, "body", f"it has {length[:MAX_LENGTH_DIGITS]} bytes.", f"Send at most {limit}.")
        return None


def _not_admitted() -> JSONResponse:
    return _refuse(
        401,
        "Authorization",
        "a valid token, API key or sign-in is needed.",
        "Send `Authorization: Bearer <key>`; an admin makes one with `ringfence access keys create`. `ringfence init` "
        "wrote a token to the file http_token. Metrics are read without one from this machine, and from what "
        "`metrics_from` in [http] names.",
        {"WWW-Authenticate": 'Bearer realm="ringfence"'},
    )


def too_often(wait_seconds: float) -> JSONResponse:
    seconds = str(max(1, math.ceil(wait_seconds)))
    return _refuse(
        429, "rate", "you ask too often.", f"Ask again in {seconds} s, and more slowly.", {"Retry-After": seconds}
    )


def _not_ours() -> JSONResponse:
    return _refuse(
        403,
        csrf.HEADER,
        "this change does not come from a page of ours.",
        f"Open the page again; a script sends its csrf token in the header {csrf.HEADER}. Programs use an API key.",
    )


def stated_who(headers: Headers) -> str:
    """What a caller says of themselves, empty if nothing."""
    # Header values arrive as Latin-1; the CLI writes UTF-8.
    return headers.get(WHO_HEADER, "").encode("latin-1").decode(errors="replace").strip()


def _refuse(
    status: int, field_name: str, message: str, fix: str, headers: dict[str, str] | None = None
) -> JSONResponse:
    return problem(status, f"{field_name}: {message}", field_name, fix, headers=headers)
