"""Notices as signed JSON by HTTP POST. `docs/reference/webhook.md` is the receiver's page."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import ssl
import time
from collections.abc import Callable
from email.utils import parsedate_to_datetime
from typing import Any, Final, NoReturn

import aiohttp
from yarl import URL

from ringfence.app.notify.ports import ChannelRefused, ChannelUnavailable
from ringfence.channels.certificates import certificate_fault, verifying_context
from ringfence.channels.channel_settings import words_of
from ringfence.channels.webhook_settings import WebhookSettings
from ringfence.domain.notice import Notice

SCHEMA: Final = "ringfence.notice/1"
MAX_BODY_BYTES: Final = 64 << 10
MAX_ANSWER_BYTES: Final = 4 << 10
MAX_SAID_CHARACTERS: Final = 200
MIN_SECRET_CHARACTERS: Final = 16
# Not refusals of this notice: the receiver is slow, early, or busy.
_TRY_AGAIN: Final = frozenset({408, 425, 429})


class WebhookChannel:
    """Implements `notify.ports.Channel`. `secret` signs; `now_seconds` gives Unix time."""

    def __init__(
        self, settings: WebhookSettings, secret: str, node: str, now_seconds: Callable[[], float] = time.time
    ) -> None:
        """Raises ChannelUnavailable for a secret under 16 characters: a receiver could not believe us."""
        if len(secret) < MIN_SECRET_CHARACTERS:
            raise ChannelUnavailable(
                f"notify {settings.name!r} has no secret of at least {MIN_SECRET_CHARACTERS} characters.",
                f"Write one to the file notify_{settings.name}_secret beside the configuration, and restart.",
            )
        self._settings = settings
        self._secret = secret.encode()
        self._node = node
        self._now_seconds = now_seconds
        self._tls: ssl.SSLContext | None = None

    async def send(self, notice: Notice, delivery_id: str) -> str:
        body = body_of(notice, delivery_id, self._node)
        timestamp = str(int(self._now_seconds()))
        headers = {
            "Content-Type": "application/json",
            "User-Agent": "ringfence",
            "Idempotency-Key": delivery_id,
            "X-Ringfence-Timestamp": timestamp,
            "X-Ringfence-Signature": signature(self._secret, timestamp, body),
        }
        try:
            async with (
                self._session(await self._context()) as session,
                # Redirects would take the signature to where nobody meant it to go.
                session.post(self._settings.url, data=body, headers=headers, allow_redirects=False) as answer,
            ):
                words = await answer.content.read(MAX_ANSWER_BYTES)
                said = f"{answer.status} {answer.reason or ''}".strip()
                if not 200 <= answer.status < 300:
                    self._not_taken(answer, said, words)
                return said
        except aiohttp.ClientConnectorCertificateError as error:
            cause = error.certificate_error
            raise certificate_fault(self._where, cause if isinstance(cause, ssl.SSLError) else ssl.SSLError()) from None
        except aiohttp.ClientSSLError:
            raise certificate_fault(self._where, ssl.SSLError()) from None
        except TimeoutError:
            raise ChannelUnavailable(
                f"{self._where} took longer than {self._settings.deadline_seconds:g} s.",
                "It has to answer at once and work afterwards, or raise `deadline_seconds`.",
            ) from None
        except (aiohttp.ClientError, OSError, ValueError) as error:
            raise ChannelUnavailable(
                f"{self._where} is not reachable, or broke off its answer ({type(error).__name__}).",
                "Does it run, and does a firewall let us out?",
            ) from None

    async def close(self) -> None:
        return None

    @property
    def _where(self) -> str:
        """Without the query: some put secrets there."""
        return str(URL(self._settings.url).with_query(None))

    async def _context(self) -> ssl.SSLContext:
        if self._tls is None:
            self._tls = await asyncio.to_thread(verifying_context, self._settings.ca_file)
        return self._tls

    def _session(self, context: ssl.SSLContext) -> aiohttp.ClientSession:
        return aiohttp.ClientSession(
            connector=aiohttp.TCPConnector(ssl=context, limit=1, force_close=True),
            timeout=aiohttp.ClientTimeout(total=self._settings.deadline_seconds),
            cookie_jar=aiohttp.DummyCookieJar(),
            # A proxy from the environment is nothing that the configuration speaks of.
            trust_env=False,
            # What is no HTTP must not fill our memory.
            max_line_size=8190,
            max_field_size=8190,
        )

    def _not_taken(self, answer: aiohttp.ClientResponse, said: str, words: bytes) -> NoReturn:
        if answer.status >= 500 or answer.status in _TRY_AGAIN:
            wait = retry_after_seconds(answer.headers.get("Retry-After", ""), self._now_seconds())
            raise ChannelUnavailable(f"{self._where} answered {said}{_plain(words)}.", "It is tried again.", wait)
        if 300 <= answer.status < 400:
            raise ChannelRefused(f"{self._where} redirects ({said}).", "Set `url` to the address it leads to.")
        raise ChannelRefused(
            f"{self._where} refused it: {said}{_plain(words)}.", "Look at `url` and at what the receiver expects."
        )


def body_of(notice: Notice, delivery_id: str, node: str) -> bytes:
    """The body, byte for byte what is signed."""
    fields: dict[str, Any] = {
        "schema": SCHEMA,
        "delivery": delivery_id,
        "node": node,
        "key": notice.key,
        "kind": notice.kind,
        "severity": notice.severity,
        "scope": notice.scope,
        "at": words_of(notice.at),
        "title": notice.title,
        "text": notice.text,
    }
    body = json.dumps(fields, ensure_ascii=False, separators=(",", ":")).encode(errors="replace")
    if len(body) > MAX_BODY_BYTES:
        raise ChannelRefused(f"The notice has {len(body)} bytes, more than {MAX_BODY_BYTES}.")
    return body


def signature(secret: bytes, timestamp: str, body: bytes) -> str:
    return "v1=" + hmac.new(secret, timestamp.encode() + b"." + body, hashlib.sha256).hexdigest()


def retry_after_seconds(text: str, now_seconds: float) -> float | None:
    """RFC 9110: seconds or a date. None: no wish that could be read."""
    text = text.strip()
    if text.isdecimal() and text.isascii():
        return float(text[:9])
    try:
        return max(0.0, parsedate_to_datetime(text).timestamp() - now_seconds)
    except (ValueError, TypeError, OverflowError):
        return None


def _plain(words: bytes) -> str:
    """What the receiver says, on one line, as far as people can read it."""
    text = " ".join("".join(c if c.isprintable() else " " for c in words.decode(errors="replace")).split())
    return f": {text[:MAX_SAID_CHARACTERS]}".rstrip(".") if text else ""
