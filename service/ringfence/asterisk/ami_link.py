"""A lasting connection to AMI: logs in, pings, and comes back by itself after every loss.

`run` belongs to a supervised task; everybody else uses `ask`, `send` and `answers`, which fail at once while the link
is down. Nothing is ever sent again after a loss: whoever wrote knows best what is still wanted.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping, Sequence
from random import Random
from typing import Final

import structlog

from ringfence.app.ports import AsteriskError, AsteriskLoginRefused, AsteriskUnavailable
from ringfence.asterisk.ami import ACTION_DEADLINE_SECONDS, AmiSession, AmiSettings, Reply, Sent
from ringfence.asterisk.backoff import BackOff

log = structlog.get_logger(__name__)

PING_INTERVAL_SECONDS: Final = 1.0
PING_DEADLINE_SECONDS: Final = 1.5  # with the interval: a frozen Asterisk is noticed within 2.5 s

LinkListener = Callable[[bool, str], None]


class AmiLink:
    """One named AMI connection. Listeners are told up or down with words, once per edge; they must not block."""

    def __init__(
        self,
        settings: AmiSettings,
        name: str,
        listeners: Sequence[LinkListener] = (),
        back_off: BackOff | None = None,
    ) -> None:
        self.name = name
        self._settings = settings
        self._listeners = list(listeners)
        self._back_off = back_off or BackOff()
        self._random = Random()  # noqa: S311  jitter needs no secrecy
        self._session: AmiSession | None = None
        self._why_down: AsteriskError = AsteriskUnavailable(f"AMI ({name}) is not connected yet.")
        self._told = ""
        self._changed = asyncio.Event()

    @property
    def up(self) -> bool:
        return self._session is not None and self._session.is_open

    def listen(self, listener: LinkListener) -> None:
        """Tells this one, too, from the next edge on."""
        self._listeners.append(listener)

    async def run(self) -> None:
        """Keeps the link up until cancelled."""
        failures = 0
        while True:
            try:
                session = await AmiSession.open(self._settings)
            except AsteriskError as error:
                failures += 1
                self._down(error)
                await asyncio.sleep(self._delay_seconds(error, failures))
                continue
            try:
                failures = 0
                self._up(session)
                fault = await self._keep(session)
            finally:
                self._session = None
                session.close()
            self._down(fault)
            await asyncio.sleep(self._delay_seconds(fault, 1))

    async def wait_up(self) -> None:
        """Returns when the link is up; a deadline is the caller's."""
        while not self.up:
            changed = self._changed
            await changed.wait()

    async def ask(
        self, name: str, fields: Mapping[str, str], deadline_seconds: float = ACTION_DEADLINE_SECONDS
    ) -> Reply:
        """One action and its answer. May raise any AsteriskError."""
        return await self._living().ask(name, fields, deadline_seconds)

    def session(self) -> AmiSession:
        """The session of this moment, for many actions in a row that must not straddle a reconnect."""
        return self._living()

    def send(self, name: str, fields: Mapping[str, str]) -> Sent:
        """See `AmiSession.send`."""
        return self._living().send(name, fields)

    def _living(self) -> AmiSession:
        session = self._session
        if session is None or not session.is_open:
            # A fresh one each time: an exception that is raised again grows its traceback for ever.
            raise type(self._why_down)(self._why_down.message, self._why_down.fix)
        return session

    async def _keep(self, session: AmiSession) -> AsteriskError:
        """Pings until something is wrong, and says what."""
        while True:
            try:
                async with asyncio.timeout(PING_INTERVAL_SECONDS):
                    await session.ended()
            except TimeoutError:
                pass
            try:
                await session.ask("Ping", {}, PING_DEADLINE_SECONDS)
            except AsteriskError as error:
                return error

    def _delay_seconds(self, error: AsteriskError, failures: int) -> float:
        if isinstance(error, AsteriskLoginRefused):
            return self._back_off.refused_seconds
        return self._back_off.delay_seconds(failures, self._random)

    def _up(self, session: AmiSession) -> None:
        self._session = session
        if self._told:
            log.info("ami is back", connection=self.name)
        self._told = ""
        self._tell(True, "connected")

    def _down(self, error: AsteriskError) -> None:
        self._session = None
        self._why_down = error
        if self._told == error.message:
            return
        first = not self._told
        self._told = error.message
        if first or isinstance(error, AsteriskLoginRefused):
            log.error("ami is down", connection=self.name, reason=error.message, fix=error.fix)
            self._tell(False, str(error))

    def _tell(self, up: bool, words: str) -> None:
        self._changed.set()
        self._changed = asyncio.Event()
        for listener in self._listeners:
            listener(up, words)
