"""One number in clear, for a reason that is kept: noted first, given afterwards, and only so many an hour."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Protocol

from ringfence.app.audit import Auditor
from ringfence.app.operator import NotOurs, OrderRefused, check_words
from ringfence.app.ports import Clock, RingfenceError
from ringfence.domain.access import Caller, SignedInBy
from ringfence.domain.audit import PERSON, AuditFact, AuditKind
from ringfence.domain.calls import CallRecord, has_number
from ringfence.domain.hr.provenance import PersonView
from ringfence.domain.notice import Notice, NoticeKind, Severity

log = logging.getLogger(__name__)

WINDOW: Final = timedelta(hours=1)


class TooManyReveals(RingfenceError):
    """This person has had as many numbers as one may have in an hour."""

    def __init__(self, per_hour: int, retry_after_seconds: float) -> None:
        super().__init__(
            f"{per_hour} numbers were revealed within an hour, which is the limit.",
            "Wait, or ask somebody else; the setting is reveals_per_hour.",
        )
        self.retry_after_seconds = retry_after_seconds


@dataclass(frozen=True, slots=True)
class Revealed:
    """A number in clear. `what` says which it is."""

    number: str
    what: str

    def __repr__(self) -> str:
        return f"Revealed({self.what})"


class People(Protocol):
    async def person(self, key: str) -> PersonView:
        """Raises NotOurs."""
        ...


class Calls(Protocol):
    async def find(self, call_id: str) -> CallRecord | None:
        """Raises StoreError."""
        ...


class Revealer:
    """The one way to a number in clear, besides the export."""

    def __init__(
        self,
        people: People,
        calls: Calls,
        auditor: Auditor,
        clock: Clock,
        tell: Callable[[Notice], Awaitable[None]],
        per_hour: int = 20,
    ) -> None:
        self._people = people
        self._calls = calls
        self._auditor = auditor
        self._clock = clock
        self._tell = tell
        self._per_hour = per_hour
        self._given: dict[str, deque[datetime]] = {}

    async def number_of(self, caller: Caller, key: str, position: int, why: str) -> Revealed:
        """A person's default number; `position` is from 1, as their page shows them. Raises OrderRefused, NotOurs,
        TooManyReveals, and StoreError: then it could not be noted."""
        check_words(caller.name, why)
        view = await self._people.person(key)
        if not 1 <= position <= len(view.numbers):
            known = f"They are 1 to {len(view.numbers)}." if view.numbers else "There is none."
            raise OrderRefused("position", f"this person has no number {position}", known)
        what = f"default number {position}"
        await self._note(caller, f"{PERSON}{view.key}", what, why)
        return Revealed(view.numbers[position - 1].e164, what)

    async def caller_of(self, caller: Caller, call_id: str, why: str) -> Revealed:
        """The number of whoever made a call. Raises as `number_of`; NotOurs where there is nothing to reveal."""
        check_words(caller.name, why)
        record = await self._calls.find(call_id)
        if record is None:
            raise NotOurs("call: no call with this id is kept.", "`ringfence calls --json` has the ids.", "call")
        if not has_number(record.caller):
            raise NotOurs(
                "call: there is no number to reveal.",
                "The caller withheld it, or it is older than keep_callers_days.",
                "call",
            )
        await self._note(caller, f"call {record.call_id}", "the caller's number", why)
        return Revealed(record.caller, "the caller's number")

    async def _note(self, caller: Caller, about: str, what: str, why: str) -> None:
        now = self._clock.now().wall
        given = self._given_to(caller, now)
        if len(given) >= self._per_hour:
            await self._tell(_too_many(caller, self._per_hour, now, given[0]))
            raise TooManyReveals(self._per_hour, (given[0] + WINDOW - now).total_seconds())
        # Counted before it is noted: many at once must not all find room.
        given.append(now)
        await self._auditor.note(
            AuditFact(now, AuditKind.REVEAL, "number revealed", about, caller.name, why, caller.by, {"what": what})
        )

    def _given_to(self, caller: Caller, now: datetime) -> deque[datetime]:
        # Over the socket and by the shared token people say themselves who they are: another name is no other person.
        shared = caller.by in (SignedInBy.SOCKET, SignedInBy.TOKEN)
        # Nor is a key another person than whoever made it.
        self._forget(now)
        return self._given.setdefault(caller.by if shared else f"name:{caller.made_by or caller.name}", deque())

    def _forget(self, now: datetime) -> None:
        """Those who have had nothing within the hour, too: else whoever ever asked would be kept."""
        for given in self._given.values():
            while given and now - given[0] >= WINDOW:
                given.popleft()
        self._given = {who: given for who, given in self._given.items() if given}


def _too_many(caller: Caller, per_hour: int, now: datetime, since: datetime) -> Notice:
    log.warning("the limit of revealed numbers is reached", extra={"who": caller.name})
    return Notice(
        # The same for as long as the limit lasts: told once.
        key=f"reveals:{caller.name}:{since.isoformat()}",
        kind=NoticeKind.ACCESS,
        severity=Severity.WARNING,
        at=now,
        title=f"{caller.name} has reached the limit of revealed numbers",
        text=f"{caller.name} ({caller.by}) has had {per_hour} numbers revealed within an hour and asked for more, "
        "which was refused. The audit record says which and why: `ringfence audit list --kind reveal`.",
    )
