"""Notices by mail, through the organisation's own SMTP server. The same server writes to single people."""

from __future__ import annotations

import asyncio
import smtplib
import ssl
from contextlib import ExitStack
from datetime import UTC
from email.errors import MessageError
from email.headerregistry import Address
from email.message import EmailMessage
from email.policy import SMTP
from email.utils import format_datetime
from typing import Any, Final

from ringfence.app.notify.ports import ChannelRefused, ChannelUnavailable
from ringfence.channels.certificates import certificate_fault, verifying_context
from ringfence.channels.channel_settings import words_of
from ringfence.channels.email_settings import EmailSettings, is_address
from ringfence.domain.notice import Notice

MAX_SAID_CHARACTERS: Final = 200


class EmailChannel:
    """Implements `notify.ports.Channel` and `notify.staff_ports.StaffMail`."""

    def __init__(self, settings: EmailSettings, secret: str, node: str) -> None:
        """Raises ChannelUnavailable for a user without a password."""
        if settings.user and not secret:
            raise ChannelUnavailable(
                f"notify {settings.name!r} has a user and no password.",
                f"Write it to the file notify_{settings.name}_secret beside the configuration, and restart.",
            )
        self._settings = settings
        self._password = secret
        self._node = node
        self._hanging: asyncio.Future[Any] | None = None

    async def send(self, notice: Notice, delivery_id: str) -> str:
        if not self._settings.to:
            raise ChannelRefused(f"notify {self._settings.name!r} has no `to`.", "Name somebody to write to.")
        message = self._message(f"[{notice.severity}] {notice.title}", _text(notice, self._node), delivery_id)
        message["To"] = [_header(address) for address in self._settings.to]
        message["Date"] = format_datetime(notice.at.astimezone(UTC))
        if notice.severity == "critical":
            message["Importance"] = "high"
        return await self._hand_over(message)

    async def write(self, address: str, subject: str, text: str, delivery_id: str) -> str:
        if not is_address(address):
            raise ChannelRefused("That is no mail address.", "Correct it where HR keeps it.")
        message = self._message(subject, text, delivery_id)
        message["To"] = _header(address)
        return await self._hand_over(message)

    async def close(self) -> None:
        return None

    def _message(self, subject: str, text: str, delivery_id: str) -> EmailMessage:
        """A mail program that gets it twice knows it by its Message-ID; no out-of-office answers it."""
        message = EmailMessage(policy=SMTP)
        try:
            # A line break in a header would let a text write headers of its own.
            message["Subject"] = " ".join("".join(c if c.isprintable() else " " for c in subject).split())[:200]
            message["From"] = _header(self._settings.sender)
            message["Message-ID"] = f"<{delivery_id}@{self._settings.sender.rpartition('@')[2]}>"
            message["Auto-Submitted"] = "auto-generated"
            message["X-Auto-Response-Suppress"] = "All"
            message.set_content("".join(c for c in text if c.isprintable() or c == "\n"))
        except (MessageError, ValueError) as error:
            raise ChannelRefused(f"The mail cannot be written ({type(error).__name__}).") from None
        return message

    async def _hand_over(self, message: EmailMessage) -> str:
        """A thread cannot be ended from outside: as long as one hangs, no other begins."""
        if self._hanging is not None and not self._hanging.done():
            raise ChannelUnavailable(f"{self._where}: the attempt before this one still hangs.")
        self._hanging = asyncio.get_running_loop().run_in_executor(None, self._sent, message)
        said: str = await asyncio.shield(self._hanging)
        return said

    @property
    def _where(self) -> str:
        return f"{self._settings.host}:{self._settings.port}"

    def _sent(self, message: EmailMessage) -> str:
        """Runs in a thread."""
        try:
            with self._connected() as server:
                # The envelope without its own words: those of `data` say what became of the mail.
                refused = server.send_message(message)
                count = len(message["To"].addresses)
                return f"taken for {count - len(refused)} of {count}" if refused else "taken by the mail server"
        except ssl.SSLError as error:
            raise certificate_fault(self._where, error) from None
        except smtplib.SMTPRecipientsRefused as error:
            raise self._answered(*max(error.recipients.values())) from None
        except smtplib.SMTPNotSupportedError as error:
            raise ChannelRefused(
                f"{self._where} lacks what is set: {error}.", "Look at `security` and `user`."
            ) from None
        except smtplib.SMTPResponseException as error:
            raise self._answered(error.smtp_code, error.smtp_error) from None
        except (smtplib.SMTPException, OSError, ValueError) as error:
            raise ChannelUnavailable(
                f"{self._where} is not reachable, or broke off ({type(error).__name__}).",
                "Does it run, and does a firewall let us out?",
            ) from None

    def _connected(self) -> smtplib.SMTP:
        settings, seconds = self._settings, self._settings.deadline_seconds
        context = verifying_context(settings.ca_file)
        if settings.security == "tls":
            server: smtplib.SMTP = smtplib.SMTP_SSL(settings.host, settings.port, timeout=seconds, context=context)
        else:
            server = smtplib.SMTP(settings.host, settings.port, timeout=seconds)
        with ExitStack() as unless_ready:
            unless_ready.callback(server.close)
            if settings.security == "starttls":
                server.starttls(context=context)
            if settings.user:
                server.login(settings.user, self._password)
            unless_ready.pop_all()
        return server

    def _answered(self, code: int, words: bytes | str) -> ChannelUnavailable | ChannelRefused:
        text = words.decode(errors="replace") if isinstance(words, bytes) else str(words)
        said = " ".join("".join(c if c.isprintable() else " " for c in text).split())[:MAX_SAID_CHARACTERS]
        message = f"{self._where} answered {code} {said}".rstrip(". ") + "."
        if 500 <= code < 600:
            return ChannelRefused(message, "Look at `user`, `sender` and `to`.")
        return ChannelUnavailable(message, "It is tried again.")


def _text(notice: Notice, node: str) -> str:
    about = f"\nPlatform: {notice.scope}" if notice.scope else ""
    return f"{notice.text}\n\nAt: {words_of(notice.at)}{about}\nSeverity: {notice.severity}\nNode: {node}\n"


def _header(address: str) -> Address:
    name, _, host = address.rpartition("@")
    return Address(username=name, domain=host)
