"""What every answer of ours tells the browser: load nothing from elsewhere, run nothing that stands in a page, let
nobody frame it, keep nothing."""

from __future__ import annotations

from collections.abc import Collection
from typing import Final

from starlette.datastructures import MutableHeaders
from starlette.types import ASGIApp, Message, Receive, Scope, Send

STATIC: Final = "/static/"

_POLICY: Final = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
    "connect-src 'self'; form-action {forms}; frame-ancestors 'none'; base-uri 'none'"
)
_FIXED: Final = {
    "X-Content-Type-Options": "nosniff",
    # Not `no-referrer`: with that a browser sends `Origin: null` with our own forms, and nobody can tell them from
    # another site's. Nothing goes to other sites either way.
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}
_TLS_ONLY: Final = "max-age=31536000"


class SecurityHeaders:
    """ASGI middleware. A header that the answer has already is left as it is."""

    def __init__(self, app: ASGIApp, form_origins: Collection[str] = ()) -> None:
        """`form_origins`: where else a form may lead by a redirect, such as an identity provider."""
        self._app = app
        policy = _POLICY.format(forms=" ".join(("'self'", *sorted(form_origins))))
        self._headers = _FIXED | {"Content-Security-Policy": policy}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                self._add(MutableHeaders(scope=message), scope)
            await send(message)

        await self._app(scope, receive, send_with_headers)

    def _add(self, headers: MutableHeaders, scope: Scope) -> None:
        for name, text in self._headers.items():
            headers.setdefault(name, text)
        if scope.get("scheme") == "https":
            headers.setdefault("Strict-Transport-Security", _TLS_ONLY)
        if not str(scope["path"]).startswith(STATIC):
            headers.setdefault("Cache-Control", "no-store")
