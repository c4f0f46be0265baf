"""What telling staff needs from the world: a way to write to single people, and who is still to be told."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from ringfence.domain.directory import PersonKey


@dataclass(frozen=True, slots=True)
class StaffRun:
    """One change of which staff are told. `diverted`: calls go elsewhere; else they have come back."""

    change: str
    scope: str
    diverted: bool
    changed_at: datetime


@dataclass(frozen=True, slots=True)
class StaffRow:
    """One person to be told of one change."""

    change: str
    person: str
    scope: str
    diverted: bool
    changed_at: datetime
    tries: int


class StaffMail(Protocol):
    """Writes to single people. `channels.email` is one."""

    async def write(self, address: str, subject: str, text: str, delivery_id: str) -> str:
        """The mail server's own words. Raises ChannelUnavailable, ChannelRefused."""
        ...


class StaffStore(Protocol):
    """Who is to be told of what. May raise StoreError."""

    async def last_runs(self) -> dict[str, StaffRun]:
        """Platform -> the last change that its staff were told of."""
        ...

    async def begin(
        self, run: StaffRun, people: Collection[PersonKey] | None, last: StaffRun | None, at: datetime
    ) -> int:
        """These people are to be told; None: those who were told of the `last` change. What waits of this platform's
        changes before is dropped. How many there are. Beginning the same again does nothing."""
        ...

    async def due(self, at: datetime, limit: int) -> list[StaffRow]: ...

    async def done(self, row: StaffRow, state: str, at: datetime) -> None:
        """Whatever became of it, it is not tried again."""
        ...

    async def put_off(self, row: StaffRow, next_at: datetime) -> None: ...

    async def prune(self, before: datetime) -> None:
        """Deletes older ones; each platform's last change stays."""
        ...
