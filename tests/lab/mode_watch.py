"""Watches the published mode key as a call would see it, every 10 ms, over an AMI connection of its own.

Time to verdict is measured here and not at the daemon: what counts is when Asterisk has been told.
"""

from __future__ import annotations

import asyncio
import time
from dataclasses import dataclass

from tests.lab.asterisk import AsteriskInstance
from tests.lab.waiting import wait_until

INTERVAL_SECONDS = 0.01


@dataclass(frozen=True, slots=True)
class ModeChange:
    """A value of the key `ringfence/mode/<scope>`, and when it was first seen (seconds since 1970)."""

    at: float
    value: str

    @property
    def decision(self) -> str:
        fields = self.value.split("|")
        return fields[1] if len(fields) > 1 else ""

    @property
    def mode(self) -> str:
        fields = self.value.split("|")
        return fields[3] if len(fields) > 3 else ""


class ModeWatch:
    """`async with ModeWatch(asterisk)`: `changes` grows; a lost Asterisk is waited for."""

    def __init__(self, asterisk: AsteriskInstance, scope: str = "uc", family: str = "ringfence/mode") -> None:
        """Another family's key will do as well: an egress trunk's says `up` or `down` where a mode has its decision."""
        self._asterisk = asterisk
        self._scope = scope
        self._family = family
        self._task: asyncio.Task[None] | None = None
        self.changes: list[ModeChange] = []

    async def __aenter__(self) -> ModeWatch:
        self._task = asyncio.create_task(self._run(), name="mode watch")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    @property
    def mode(self) -> str:
        return self.changes[-1].mode if self.changes else ""

    def first(self, decision: str, since: float) -> ModeChange | None:
        """The first change to that decision after a time."""
        return next((c for c in self.changes if c.at >= since and c.decision == decision), None)

    async def wait(self, decision: str, since: float, deadline_seconds: float) -> ModeChange:
        """Waits for it."""
        await wait_until(
            lambda: self.first(decision, since),
            what=f"the mode key to say {decision}",
            deadline_seconds=deadline_seconds,
            diagnose=self._asterisk.log_tail,
            interval_seconds=0.005,
        )
        found = self.first(decision, since)
        assert found is not None
        return found

    async def _run(self) -> None:
        while True:
            try:
                await self._watch()
            except (OSError, asyncio.IncompleteReadError):
                await asyncio.sleep(INTERVAL_SECONDS * 5)

    async def _watch(self) -> None:
        reader, writer = await asyncio.open_connection(self._asterisk.host, self._asterisk.ports.ami)
        try:
            await reader.readuntil(b"\r\n")
            await _ask(
                reader, writer, f"Action: Login\r\nUsername: lab\r\nSecret: {self._asterisk.secret}\r\nEvents: off"
            )
            while True:
                answer = await _ask(reader, writer, f"Action: DBGet\r\nFamily: {self._family}\r\nKey: {self._scope}")
                if b"Success" in answer:
                    self._note(await reader.readuntil(b"\r\n\r\n"))  # DBGetResponse
                    await reader.readuntil(b"\r\n\r\n")  # DBGetComplete
                await asyncio.sleep(INTERVAL_SECONDS)
        finally:
            writer.close()

    def _note(self, event: bytes) -> None:
        for line in event.decode(errors="replace").splitlines():
            if line.startswith("Val: ") and (not self.changes or self.changes[-1].value != line[5:]):
                self.changes.append(ModeChange(time.time(), line[5:]))


async def _ask(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, action: str) -> bytes:
    writer.write(f"{action}\r\n\r\n".encode())
    return await reader.readuntil(b"\r\n\r\n")
