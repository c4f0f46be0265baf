"""Who may come in to the SCIM service, and how much they may send: told in SCIM's own error form.

The Host header is looked at before, by the application in which the service is mounted.
"""

from __future__ import annotations

import hashlib
import hmac
from typing import Final

from starlette.datastructures import Headers
from starlette.responses import JSONResponse
from starlette.types import Message, Receive

MAX_BODY_BYTES: Final = 8 * 1024 * 1024
MAX_LENGTH_DIGITS: Final = 19

_MEDIA_TYPE: Final = "application/scim+json"
_ERROR: Final = "urn:ietf:params:scim:api:messages:2.0:Error"


class TooMuch(Exception):
    """The body is larger than allowed."""


class Token:
    """Kept as its digest: digests are of equal length, so that not even the token's length can be measured."""

    def __init__(self, token: str) -> None:
        self._digest = _digest(token)

    def is_in(self, headers: Headers) -> bool:
        scheme, _, given = headers.get("authorization", "").partition(" ")
        return scheme.lower() == "bearer" and hmac.compare_digest(_digest(given.strip()), self._digest)


def announced_too_much(headers: Headers) -> bool:
    length = headers.get("content-length", "")
    # More digits than any length has: `int` refuses thousands of them.
    return length.isdecimal() and (len(length) > MAX_LENGTH_DIGITS or int(length) > MAX_BODY_BYTES)


async def whole_body(receive: Receive) -> bytes | None:
    """None when the client has gone. Raises TooMuch for one that announced less, or nothing."""
    body = bytearray()
    while True:
        message: Message = await receive()
        if message["type"] == "http.disconnect":
            return None
        body += message.get("body", b"")
        if len(body) > MAX_BODY_BYTES:
            raise TooMuch
        if not message.get("more_body", False):
            return bytes(body)


def not_admitted() -> JSONResponse:
    return _refusal(401, "A valid bearer token is needed.", {"WWW-Authenticate": 'Bearer realm="ringfence scim"'})


def too_much() -> JSONResponse:
    return _refusal(413, f"The body has more than {MAX_BODY_BYTES} bytes.")


def no_place() -> JSONResponse:
    return _refusal(404, "There is no such place.")


def _refusal(status: int, detail: str, headers: dict[str, str] | None = None) -> JSONResponse:
    body = {"schemas": [_ERROR], "status": str(status), "detail": detail}
    return JSONResponse(body, status, headers, media_type=_MEDIA_TYPE)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode(errors="surrogateescape")).digest()
