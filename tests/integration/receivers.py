"""Real receivers of notices on loopback: a webhook that fails and recovers, an SMTP server with TLS and a sign-in."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from email import message_from_bytes
from email.message import EmailMessage
from email.policy import default
from typing import Any

from aiohttp import web
from aiosmtpd.smtp import SMTP, AuthResult, Envelope, LoginPassword, Session

SECRET = "a-secret-for-the-webhook-tests"


@dataclass
class Webhook:
    """What came, and what is answered. `answers` are used up first, then `status`."""

    url: str = ""
    status: int = 202
    answers: list[tuple[int, dict[str, str], str]] = field(default_factory=list)
    came: list[tuple[dict[str, str], bytes]] = field(default_factory=list)
    taken: list[tuple[dict[str, str], bytes]] = field(default_factory=list)

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        seen = (dict(request.headers), body)
        self.came.append(seen)
        status, headers, words = self.answers.pop(0) if self.answers else (self.status, {}, "words of the receiver")
        if 200 <= status < 300:
            self.taken.append(seen)
        return web.Response(status=status, headers=headers, text=words)

    @staticmethod
    def believes(headers: dict[str, str], body: bytes) -> bool:
        """As docs/reference/webhook.md tells a receiver to check."""
        signed = headers["X-Ringfence-Timestamp"].encode() + b"." + body
        wanted = "v1=" + hmac.new(SECRET.encode(), signed, hashlib.sha256).hexdigest()
        return hmac.compare_digest(wanted, headers["X-Ringfence-Signature"])


@asynccontextmanager
async def webhook(tls: ssl.SSLContext | None = None, host: str = "127.0.0.1") -> AsyncIterator[Webhook]:
    receiver = Webhook()
    app = web.Application()
    app.router.add_route("*", "/{rest:.*}", receiver.handle)
    runner = web.AppRunner(app, handle_signals=False, access_log=None)
    await runner.setup()
    site = web.TCPSite(runner, host, 0, ssl_context=tls)
    await site.start()
    port = runner.addresses[0][1]
    receiver.url = f"{'https' if tls else 'http'}://{host}:{port}/hook"
    try:
        yield receiver
    finally:
        await runner.cleanup()


@dataclass
class MailServer:
    """Mails that came. `refuse`: answered to the mail itself, once each."""

    host: str = "127.0.0.1"
    port: int = 0
    over_tls: bool = False
    refuse: list[str] = field(default_factory=list)
    envelopes: list[Envelope] = field(default_factory=list)
    signed_in: list[str] = field(default_factory=list)
    encrypted: list[bool] = field(default_factory=list)

    async def handle_DATA(self, server: SMTP, session: Session, envelope: Envelope) -> str:
        if self.refuse:
            return self.refuse.pop(0)
        self.envelopes.append(envelope)
        self.encrypted.append(self.over_tls or session.ssl is not None)
        return "250 2.0.0 taken"

    async def handle_RCPT(
        self, server: SMTP, session: Session, envelope: Envelope, address: str, options: list[str]
    ) -> str:
        if address.startswith("nobody@"):
            return "550 5.1.1 no such mailbox"
        envelope.rcpt_tos.append(address)
        return "250 OK"

    def sign_in(self, server: SMTP, session: Session, envelope: Envelope, mechanism: str, data: Any) -> AuthResult:
        assert isinstance(data, LoginPassword)
        good = data == LoginPassword(b"ringfence", b"secret of the mail server")
        if good:
            self.signed_in.append(data.login.decode())
        # Not handled: the server says 535 itself.
        return AuthResult(success=good, handled=False)

    @property
    def mails(self) -> list[EmailMessage]:
        return [_mail(envelope) for envelope in self.envelopes]


def _mail(envelope: Envelope) -> EmailMessage:
    assert isinstance(envelope.content, bytes)
    found = message_from_bytes(envelope.content, policy=default)
    assert isinstance(found, EmailMessage)
    return found


@asynccontextmanager
async def mail_server(
    tls: ssl.SSLContext | None = None, *, from_the_first_byte: bool = False
) -> AsyncIterator[MailServer]:
    """On the test's own loop: mails are sent from a thread."""
    server = MailServer(over_tls=from_the_first_byte)

    def protocol() -> SMTP:
        if tls is None:
            return SMTP(server, hostname="mail.example.org")
        starttls = None if from_the_first_byte else tls
        return SMTP(
            server,
            hostname="mail.example.org",
            tls_context=starttls,
            require_starttls=starttls is not None,
            authenticator=server.sign_in,
            auth_require_tls=not from_the_first_byte,
        )

    loop = asyncio.get_running_loop()
    listening = await loop.create_server(protocol, server.host, 0, ssl=tls if from_the_first_byte else None)
    server.port = listening.sockets[0].getsockname()[1]
    try:
        yield server
    finally:
        listening.close()
        await listening.wait_closed()
