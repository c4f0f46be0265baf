"""One AMI session over panoramisk, fenced: it lives from one login to its first fault, and is never repaired.

panoramisk does the wire format and matches answers to actions. What it does when things go wrong is kept out here:
its reconnect replays actions nobody waits for any more, a pending action is never told that its connection is gone,
a multi-byte character at the edge of a read is lost, and its log holds whole actions, private numbers included.
The connection that comes back is `ami_link.AmiLink`'s business.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import Any, Final

from panoramisk.actions import Action
from panoramisk.message import Message

from ringfence.app.ports import AsteriskLoginRefused, AsteriskRefused, AsteriskUnavailable
from ringfence.asterisk import vocabulary
from ringfence.asterisk.ami_wire import ENCODING, FencedManager, FencedProtocol, Plain, Row

CONNECT_DEADLINE_SECONDS: Final = 2.0
ACTION_DEADLINE_SECONDS: Final = 2.0
MAX_LINE_BYTES: Final = 1015  # AMI refuses a line from 1,024 bytes, "Key: value" and its end included


@dataclass(frozen=True, slots=True)
class AmiSettings:
    """Where AMI listens and who we are there."""

    username: str
    secret: str = field(repr=False)
    host: str = "127.0.0.1"
    port: int = 5038


@dataclass(frozen=True, slots=True)
class Sent:
    """An action on its way. `answer` gets panoramisk's message, a list of them, or None when the connection is lost."""

    name: str
    action_id: str
    answer: asyncio.Future[Any]


@dataclass(frozen=True, slots=True)
class Reply:
    """Asterisk's answer: whether it did it, in its words, and the rows of a list."""

    success: bool
    message: str
    rows: Sequence[Mapping[str, str]] = ()


class AmiSession:
    """One logged-in connection. Every method may raise AsteriskUnavailable; a broken session stays broken."""

    def __init__(self, settings: AmiSettings, manager: FencedManager, protocol: FencedProtocol) -> None:
        self._settings = settings
        self._manager = manager
        self._protocol = protocol
        self._ended = asyncio.Event()
        protocol.on_closed = self._ended.set
        if protocol.closed:
            self._ended.set()

    @classmethod
    async def open(cls, settings: AmiSettings) -> AmiSession:
        """Connects and logs in, with events off. Raises AsteriskUnavailable or AsteriskLoginRefused."""
        loop = asyncio.get_running_loop()
        try:
            async with asyncio.timeout(CONNECT_DEADLINE_SECONDS):
                made = await loop.create_connection(FencedProtocol, settings.host, settings.port)
        except OSError as error:
            words = "no answer" if isinstance(error, TimeoutError) else error.strerror or type(error).__name__
            raise AsteriskUnavailable(
                f"AMI cannot be reached on {settings.host}:{settings.port} ({words}).",
                "Is Asterisk running, and is manager.conf enabled on this address?",
            ) from None
        manager = FencedManager(loop)
        connected: asyncio.Future[Any] = loop.create_future()
        connected.set_result(made)
        protocol = made[1]
        if protocol.closed:
            raise _lost(settings)
        manager.connection_made(connected)
        session = cls(settings, manager, protocol)
        with ExitStack() as unless_ready:
            unless_ready.callback(session.close)
            await session._login()
            unless_ready.pop_all()
        return session

    async def _login(self) -> None:
        reply = await self.ask(
            "Login", {"Username": self._settings.username, "Secret": self._settings.secret, "Events": "off"}
        )
        if reply.success:
            return
        if reply.message.lower() == vocabulary.AMI_LOGIN_FAILED:
            raise AsteriskLoginRefused(
                f"AMI on {self._settings.host}:{self._settings.port} refused the login of user "
                f"'{self._settings.username}'.",
                "Make the secret in Asterisk's manager.conf and in Ringfence's configuration the same, then run "
                "`asterisk -rx 'manager reload'`.",
            )
        raise AsteriskUnavailable(f"AMI did not let us in: {reply.message[:100]}")

    @property
    def is_open(self) -> bool:
        return not self._protocol.closed

    async def ended(self) -> None:
        """Returns when the connection is gone."""
        await self._ended.wait()

    def close(self) -> None:
        self._manager.close()
        self._protocol.close()

    async def ask(
        self, name: str, fields: Mapping[str, str], deadline_seconds: float = ACTION_DEADLINE_SECONDS
    ) -> Reply:
        """One action and its answer. May raise AsteriskRefused (a value that must not be sent, too long a line)."""
        return (await self.answers([self.send(name, fields)], deadline_seconds))[0]

    def send(self, name: str, fields: Mapping[str, str]) -> Sent:
        """Puts one action on the wire, in the order of calls, without waiting. Raises AsteriskRefused."""
        wire = {key: _wire(name, key, value) for key, value in fields.items()}
        if self._protocol.closed:
            raise _lost(self._settings)
        action = Action({"Action": name, **wire})
        # None: panoramisk finds out from the answer whether rows follow. Elsewhere it would guess by the wording, and
        # wait for ever for rows of an answer that has none.
        self._protocol.send(action, as_list=None if name in vocabulary.LIST_ACTIONS else False)
        return Sent(name, action.id, action.future)

    def send_all(self, name: str, many: Sequence[Mapping[str, str]]) -> list[Sent]:
        """As `send` of each, in one write; none of them is an action with a list. Raises AsteriskRefused, and then
        nothing was sent."""
        actions = [Plain(name, {key: _wire(name, key, value) for key, value in fields.items()}) for fields in many]
        if self._protocol.closed:
            raise _lost(self._settings)
        self._protocol.send_all(actions)
        return [Sent(name, action.id, action.future) for action in actions]

    async def answers(self, sent: Sequence[Sent], deadline_seconds: float = ACTION_DEADLINE_SECONDS) -> list[Reply]:
        """The answers to actions sent in this order; one deadline for all of them."""
        try:
            # Not wait_for: after a stall of our own an answer that is already here counts.
            await asyncio.wait([one.answer for one in sent], timeout=deadline_seconds)
        finally:
            for one in sent:
                self._protocol.responses.pop(one.action_id, None)
        return [self._reply(one) for one in sent]

    def _reply(self, sent: Sent) -> Reply:
        if not sent.answer.done():
            raise AsteriskUnavailable(f"AMI did not answer {sent.name} in time.", "Is Asterisk frozen or overloaded?")
        answer = sent.answer.result()
        if answer is None:
            raise _lost(self._settings)
        messages = answer if isinstance(answer, list) else [answer]
        head = messages[0]
        words = str(head.get("message", ""))
        if not head.success and words.lower().startswith(vocabulary.AMI_NO_PRIVILEGE):
            raise AsteriskLoginRefused(
                f"AMI user '{self._settings.username}' may not {sent.name}.",
                "Give it read and write = system,call in Asterisk's manager.conf, then `manager reload`.",
            )
        return Reply(bool(head.success), words, [_row(message) for message in messages[1:]])


def _wire(action: str, key: str, value: str) -> str:
    """A value as it may be sent. A line break would begin a header of its own: an injected action."""
    try:
        wire = value.encode().decode(ENCODING)
    except UnicodeEncodeError:
        raise AsteriskRefused(f"{action}: {key} is not text.") from None
    if any(control in value for control in "\r\n\0"):
        raise AsteriskRefused(f"{action}: {key} holds a line break or a null character.")
    if len(key) + len(wire) > MAX_LINE_BYTES:
        raise AsteriskRefused(f"{action}: {key} is longer than AMI takes ({len(wire)} bytes).")
    return wire


def _row(message: Message | Row) -> dict[str, str]:
    """One row's plain headers by lower-case name. A repeated header is left out: nobody can say which is meant."""
    if isinstance(message, Row) and message["key"].isascii() and message["val"].isascii():
        return message
    return {
        key.lower(): value.encode(ENCODING, "replace").decode(errors="replace")
        for key, value in message.items()
        if isinstance(value, str)
    }


def _lost(settings: AmiSettings) -> AsteriskUnavailable:
    return AsteriskUnavailable(f"The AMI connection to {settings.host}:{settings.port} was lost.")
