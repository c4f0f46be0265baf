"""What letting people in needs from the world, the rows it keeps, and why somebody is turned away."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from types import MappingProxyType
from typing import Protocol

from ringfence.app.ports import RingfenceError
from ringfence.domain.access import Permission, Role, SignedInBy
from ringfence.domain.audit import AuditFact
from ringfence.domain.notice import Notice


class SignInRefused(RingfenceError):
    """Not let in. The message does not tell what was wrong with what was given."""


class TooManyAttempts(SignInRefused):
    """Not even looked at: locked, or too many at once. `retry_after_seconds`: when it is worth trying again."""

    def __init__(self, message: str, fix: str, retry_after_seconds: float) -> None:
        super().__init__(message, fix)
        self.retry_after_seconds = retry_after_seconds


class KeyRefused(RingfenceError):
    """An API key that may not be made. `field` names what has to change."""

    def __init__(self, field: str, message: str, fix: str) -> None:
        super().__init__(f"{field}: {message}.", fix)
        self.field = field


class NoSuchAccess(RingfenceError):
    """There is no such session, key or sealed account."""


class SealedAccountsFault(RingfenceError):
    """The file of the sealed accounts cannot be read."""


@dataclass(frozen=True, slots=True)
class SessionRow:
    """One sign-in. `digest` is the SHA-256 of its token, in hexadecimal; the token itself is kept by nobody but the
    browser. `seen` is exact to a minute in the store. `until` is the end that no use puts off."""

    id: str
    digest: str = field(repr=False)
    name: str
    roles: frozenset[Role]
    by: SignedInBy
    person: str | None
    begun: datetime
    seen: datetime
    until: datetime


@dataclass(frozen=True, slots=True)
class KeyRow:
    """One API key. `digest` is the SHA-256 of the whole key, in hexadecimal. `used` is exact to a minute in the store,
    None: never. A revoked one is kept, so that the list tells what became of it."""

    id: str
    digest: str = field(repr=False)
    name: str
    permissions: frozenset[Permission]
    made: datetime
    made_by: str
    expires: datetime
    used: datetime | None = None
    revoked: datetime | None = None
    revoked_by: str = ""


@dataclass(frozen=True, slots=True)
class SealedRow:
    """What is remembered of a sealed account. `fingerprint` is the SHA-256 of the line in the file: another one means
    that the password was renewed."""

    name: str
    fingerprint: str
    renewed: datetime
    used: datetime | None = None


@dataclass(frozen=True, slots=True)
class AccessChange:
    """One commit. `ended` are ids of sessions whose rows go. `seen` and `used` only move the times of rows that are
    there: a session that has ended meanwhile does not come back by them. `facts` go into the audit record in the same
    transaction."""

    begun: tuple[SessionRow, ...] = ()
    ended: frozenset[str] = frozenset()
    keys: tuple[KeyRow, ...] = ()
    sealed: tuple[SealedRow, ...] = ()
    seen: Mapping[str, datetime] = field(default_factory=lambda: MappingProxyType({}))
    used: Mapping[str, datetime] = field(default_factory=lambda: MappingProxyType({}))
    facts: tuple[AuditFact, ...] = ()


@dataclass(frozen=True, slots=True)
class StoredAccess:
    """All that is stored; sessions that are over may be among them."""

    sessions: tuple[SessionRow, ...] = ()
    keys: tuple[KeyRow, ...] = ()
    sealed: tuple[SealedRow, ...] = ()


class AccessStore(Protocol):
    """May raise StoreError."""

    async def load(self) -> StoredAccess: ...

    async def commit(self, change: AccessChange) -> None:
        """One transaction. Rows that are there already are overwritten, so that it may be repeated."""
        ...


class SealedAccounts(Protocol):
    """The hashes of the sealed accounts' passwords, kept outside the database."""

    async def read(self) -> Mapping[str, str]:
        """Account -> hash; read afresh each time, so that a renewed password counts at once. Raises
        SealedAccountsFault."""
        ...


class PasswordHasher(Protocol):
    """Slow on purpose, and therefore not on the event loop."""

    async def fits(self, hashed: str, password: str) -> bool:
        """False also for a hash that cannot be read."""
        ...


Tell = Callable[[Notice], Awaitable[None]]
"""Tells people. Never raises, never waits for a channel."""
