"""What stands around an application, from the outside in: the proxy that is believed, the headers of every answer, and
the guard."""

from __future__ import annotations

import secrets
from collections.abc import Callable, Collection
from dataclasses import dataclass, field
from typing import Any

from starlette.types import ASGIApp
from uvicorn.middleware.proxy_headers import ProxyHeadersMiddleware

from ringfence.web.csrf import Csrf
from ringfence.web.headers import SecurityHeaders
from ringfence.web.near import Near
from ringfence.web.rates import Rates
from ringfence.web.security import Auth, Guard


@dataclass(frozen=True, slots=True)
class Protection:
    """`csrf`: without one of the installation's, forms that are open over a restart have to be opened again. `rates`
    None: anybody may ask as often as they like. `trusted_proxies`: addresses or networks whose X-Forwarded-For and
    X-Forwarded-Proto are believed. `form_origins`: of identity providers, as https://login.example.org. `metrics_from`:
    addresses or networks that read the metrics without a sign-in, besides this machine."""

    csrf: Csrf = field(default_factory=lambda: Csrf(secrets.token_hex()))
    rates: Rates | None = None
    trusted_proxies: Collection[str] = ()
    form_origins: Collection[str] = ()
    metrics_from: Collection[str] = ()

    def around(self, app: ASGIApp, auth: Auth, max_body_bytes: Callable[[str], int | None]) -> ASGIApp:
        """The application with all of it."""
        guarded: Any = Guard(app, auth, max_body_bytes, self.csrf, self.rates, Near(self.metrics_from))
        if self.trusted_proxies:
            guarded = ProxyHeadersMiddleware(guarded, trusted_hosts=list(self.trusted_proxies))
        return SecurityHeaders(guarded, self.form_origins)
