"""The sessions that live, in memory: looked up at every request, ended at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from ringfence.app.access.ports import SessionRow, SignInRefused
from ringfence.app.access.tokens import digest_of, new_session_token
from ringfence.app.ports import Clock
from ringfence.domain.access import Caller, Role, SignedInBy, granted
from ringfence.domain.moment import Moment

MAX_SESSIONS: Final = 20_000
MAX_OF_ONE_NAME: Final = 20


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """Minutes. `idle`: how long a session lives unused. The others: how long it lives at most."""

    lifetime: float = 720.0
    idle: float = 60.0
    break_glass: float = 120.0

    def minutes(self, by: SignedInBy) -> float:
        return self.break_glass if by is SignedInBy.BREAK_GLASS else self.lifetime


@dataclass(frozen=True, slots=True)
class NewSession:
    """`token` is for the cookie, and for nobody else: it is not kept here."""

    row: SessionRow
    token: str = field(repr=False)


@dataclass(slots=True)
class _Living:
    row: SessionRow
    caller: Caller
    seen: Moment
    stored_seen: datetime
    ends_monotonic: float


class Sessions:
    """By the digest of their token, so that a look-up compares nothing that could be measured."""

    def __init__(self, clock: Clock, limits: SessionLimits) -> None:
        self._clock = clock
        self._limits = limits
        self._living: dict[str, _Living] = {}
        # Until what was stored is known: it may have been read before one of them was ended.
        self._dropped: set[str] | None = set()

    def restore(self, rows: Iterable[SessionRow]) -> frozenset[str]:
        """Takes in what was stored, once, beside those that have begun meanwhile; what has ended meanwhile stays ended.
        Gives the ids of those that are over."""
        now, dropped = self._clock.now(), self._dropped or set()
        self._dropped = None
        for row in rows:
            if row.id not in dropped:
                self._living.setdefault(row.digest, self._of(row, now))
        return self.over()

    def begin(
        self, name: str, roles: frozenset[Role], by: SignedInBy, person: str | None, minutes: float | None
    ) -> tuple[NewSession, frozenset[str]]:
        """The new session, and the ids of older ones of that name that had to make room. Raises SignInRefused."""
        if not roles:
            raise SignInRefused(f"{name} has no role here.", "Ask an admin for one.")
        if len(self._living) >= MAX_SESSIONS and by is not SignedInBy.BREAK_GLASS:
            raise SignInRefused("Too many people are signed in.", "Try again later.")
        now, made = self._clock.now(), new_session_token()
        until = now.wall + timedelta(minutes=self._limits.minutes(by) if minutes is None else minutes)
        row = SessionRow(made.id, made.digest, name, roles, by, person, now.wall, now.wall, until)
        # Somebody whose provider calls them `break-glass-1` must not end that account's sessions by signing in often.
        own = [one for one in self._living.values() if (one.row.name, one.row.by) == (name, by)]
        own.sort(key=lambda one: one.seen.monotonic)
        crowded = frozenset(one.row.id for one in own[: max(0, len(own) - MAX_OF_ONE_NAME + 1)])
        self.drop(crowded)
        self._living[made.digest] = self._of(row, now)
        return NewSession(row, made.token), crowded

    def find(self, token: str) -> Caller | None:
        """Whoever has this token; None when it is nobody's, or over. Counts as use."""
        living = self._living.get(digest_of(token))
        now = self._clock.now()
        if living is None or self._is_over(living, now):
            return None
        living.seen = now
        return living.caller

    def rows(self) -> list[SessionRow]:
        """Those that live, newest first."""
        now = self._clock.now()
        found = [replace(one.row, seen=one.seen.wall) for one in self._living.values() if not self._is_over(one, now)]
        return sorted(found, key=lambda row: (row.begun, row.id), reverse=True)

    def drop(self, ids: frozenset[str]) -> None:
        if self._dropped is not None:
            self._dropped |= ids
        for digest in [digest for digest, one in self._living.items() if one.row.id in ids]:
            del self._living[digest]

    def over(self) -> frozenset[str]:
        """Forgets those whose time is over; gives their ids."""
        now = self._clock.now()
        found = frozenset(one.row.id for one in self._living.values() if self._is_over(one, now))
        self.drop(found)
        return found

    def seen_since_stored(self) -> dict[str, datetime]:
        """Id -> last use, of those that were used since this was asked before."""
        found = {}
        for one in self._living.values():
            if one.seen.wall != one.stored_seen:
                found[one.row.id] = one.stored_seen = one.seen.wall
        return found

    def _of(self, row: SessionRow, now: Moment) -> _Living:
        caller = Caller(row.name, granted(row.roles), row.by, row.roles, row.person, row.id)
        left = (row.until - now.wall).total_seconds()
        return _Living(row, caller, now.at_wall(row.seen), row.seen, now.monotonic + left)

    def _is_over(self, one: _Living, now: Moment) -> bool:
        return now.monotonic >= one.ends_monotonic or now.since(one.seen) >= self._limits.idle * 60
