"""panoramisk's protocol and manager as `ami` uses them: nothing is repaired, replayed or logged, and the rows of AstDB,
of which there are many, take a short way there and back."""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import count
from typing import ClassVar, Final

from panoramisk.actions import Action
from panoramisk.ami_protocol import AMIProtocol
from panoramisk.manager import Manager
from panoramisk.message import Message

MAX_PARTIAL_CHARS: Final = 1_000_000  # one message of Asterisk's is a few kilobytes
MAX_ROWS: Final = 20_000  # of one list; what we write never comes near

# panoramisk reads and writes text. Bytes go through it one for one and are UTF-8 outside of it, so that a character
# split between two reads survives.
ENCODING: Final = "latin-1"
# Keys panoramisk calls string methods on: a repeated header would arrive as a list and break it.
_SINGLE: Final = ("event", "response", "message", "actionid", "commandid", "subevent", "eventlist")

_EOL: Final = "\r\n"
_END: Final = _EOL * 2
_ROW: Final = ("Event: DBGetTreeResponse", "Key: ", "Val: ", "ActionID: ")  # as Asterisk writes it
_ROW_BEGINS: Final = _ROW[0] + _EOL

_DONE: Final = ("Response: Success", "ActionID: ", "Message: ")
_DONE_BEGINS: Final = _DONE[0] + _EOL

_SILENT: Final = logging.Logger("panoramisk, silenced", logging.CRITICAL + 1)


class Row(dict[str, str]):
    """A row that did not go through panoramisk; its text is still as the wire's bytes."""


class Done(dict[str, str]):
    """A plain action's success that did not go through panoramisk."""

    success: Final = True


class Plain:
    """An action with one answer and no list, written once: a third of what panoramisk takes for one. The caller vouches
    for the fields: no line of them ends before its end."""

    __slots__ = ("future", "id", "responses", "text")
    _numbers: ClassVar[Iterator[int]] = count(1)

    def __init__(self, name: str, fields: Mapping[str, str]) -> None:
        self.id = f"plain/{next(self._numbers)}"
        lines = "".join(f"{key}: {value}{_EOL}" for key, value in fields.items())
        self.text = f"Action: {name}{_EOL}ActionID: {self.id}{_EOL}{lines}{_EOL}"
        self.responses: tuple[Message, ...] = ()
        self.future: asyncio.Future[Message | Done | None] = asyncio.get_running_loop().create_future()

    @property
    def action_id(self) -> str:
        """As panoramisk's actions have it."""
        return self.id

    def add_message(self, message: Message | Done) -> bool:
        """As panoramisk's: whether that was all."""
        if not self.future.done():
            self.future.set_result(message)
        return True


class FencedProtocol(AMIProtocol):  # type: ignore[misc]
    """panoramisk's protocol, except that a loss is told to whoever waits and nothing is queued for later."""

    def __init__(self) -> None:
        self.closed = False
        self.factory = None
        self.responses: dict[str, Action | Plain] = {}
        self.queue: deque[str] = deque()
        self.on_closed: Callable[[], None] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        super().connection_made(transport)
        self.log = _SILENT
        self.encoding = ENCODING

    def data_received(self, data: bytes) -> None:
        if self.version is None:
            super().data_received(data)  # the greeting
        else:
            *whole, rest = (self.queue.popleft() + data.decode(ENCODING)).split(_END)
            self.queue.append(rest)
            for text in whole:
                row = text.startswith(_ROW_BEGINS) and self._take_row(text)
                if not row and not (text.startswith(_DONE_BEGINS) and self._take_done(text)):
                    self._take(text.strip())
        if self.queue and len(self.queue[0]) > MAX_PARTIAL_CHARS:
            self.close()

    def _take(self, text: str) -> None:
        message = Message.from_line(text)
        if message is not None:
            self.handle_message(message)

    def _take_row(self, text: str) -> bool:
        """A row of AstDB as Asterisk writes it, of which a table has 100,000: a tenth of what panoramisk takes for it.
        False: it is of any other form."""
        lines = text.split(_EOL)
        if len(lines) != len(_ROW) or not all(map(str.startswith, lines, _ROW)):
            return False
        key, value, action_id = (line[len(begins) :] for line, begins in zip(lines[1:], _ROW[1:], strict=True))
        action = self.responses.get(action_id)
        if not isinstance(action, Action) or not 0 < len(action.responses) <= MAX_ROWS:
            return False
        action.responses.append(Row(key=key, val=value))
        return True

    def _take_done(self, text: str) -> bool:
        """The answer to a plain action that succeeded, as Asterisk writes it. False: it is anything else."""
        lines = text.split(_EOL)
        if len(lines) != len(_DONE) or not all(map(str.startswith, lines, _DONE)):
            return False
        action = self.responses.get(lines[1].removeprefix(_DONE[1]))
        if not isinstance(action, Plain):
            return False
        del self.responses[action.id]
        return action.add_message(Done(message=lines[2].removeprefix(_DONE[2])))

    def send_all(self, actions: Sequence[Plain]) -> None:
        """In one write: the operating system takes as long for one action as for fifty."""
        self.responses.update((action.id, action) for action in actions)
        self.transport.write("".join(action.text for action in actions).encode(ENCODING))

    def handle_message(self, message: Message) -> None:
        for key in _SINGLE:
            value = message.get(key)
            if isinstance(value, list):
                message[key] = value[0]
        action = self.responses.get(message.id)
        if action is not None and len(action.responses) > MAX_ROWS:
            self.close()
            return
        super().handle_message(message)

    def connection_lost(self, exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Also panoramisk's way out after a `Shutdown` event. Nobody is left waiting, nothing is replayed."""
        if self.closed:
            return
        self.closed = True
        pending = list(self.responses.values())
        self.responses.clear()
        for action in pending:
            if not action.future.done():
                action.future.set_result(None)
        # Not close(): what Asterisk has not read yet must not reach it later, behind newer values.
        self.transport.abort()
        if self.on_closed is not None:
            self.on_closed()


class FencedManager(Manager):  # type: ignore[misc]
    """panoramisk's manager without its reconnect, its replay, its own ping and its log."""

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop=loop, encoding=ENCODING, log=_SILENT)

    def connect(self, *_: object, **__: object) -> None:
        raise AssertionError("a session connects once, in AmiSession.open")

    def connection_lost(self, exc: object) -> None:
        self._connected = False

    async def send_awaiting_actions(self, *_: object) -> None:
        self.awaiting_actions.clear()

    def ping(self) -> None:
        self.pinger = None
