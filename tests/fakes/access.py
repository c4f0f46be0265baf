"""A desk on a store in memory, with sealed accounts whose hashes are no hashes."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from dataclasses import replace

from ringfence.app.access.desk import AccessDesk
from ringfence.app.access.ports import AccessChange, KeyRow, SealedRow, SessionRow, StoredAccess
from ringfence.app.access.sessions import SessionLimits
from ringfence.app.ports import Clock
from ringfence.domain.access import EVERYTHING, Caller, Role, SignedInBy
from ringfence.domain.audit import AuditFact
from ringfence.domain.notice import Notice
from tests.fakes.stores import Faulty

ACCOUNT, OTHER_ACCOUNT = "break-glass-1", "break-glass-2"
PASSWORD = "open sesame"
SOMEWHERE = "192.0.2.7"
ADMIN = Caller("root", EVERYTHING, SignedInBy.SOCKET)


class FakeAccessStore(Faulty):
    """Implements `access.ports.AccessStore`."""

    def __init__(self) -> None:
        self.sessions: dict[str, SessionRow] = {}
        self.keys: dict[str, KeyRow] = {}
        self.sealed: dict[str, SealedRow] = {}
        self.facts: list[AuditFact] = []
        self.commits = 0

    async def load(self) -> StoredAccess:
        self._answer()
        return StoredAccess(tuple(self.sessions.values()), tuple(self.keys.values()), tuple(self.sealed.values()))

    async def commit(self, change: AccessChange) -> None:
        self._answer()
        self.commits += 1
        self.sessions |= {row.id: row for row in change.begun}
        self.keys |= {row.id: row for row in change.keys}
        self.sealed |= {row.name: row for row in change.sealed}
        for id_ in change.ended:
            self.sessions.pop(id_, None)
        for id_, at in change.seen.items():
            if id_ in self.sessions:
                self.sessions[id_] = replace(self.sessions[id_], seen=at)
        for id_, at in change.used.items():
            if id_ in self.keys:
                self.keys[id_] = replace(self.keys[id_], used=at)
        self.facts += change.facts

    def actions(self) -> list[str]:
        """What the audit record says was done, oldest first."""
        return [fact.action for fact in self.facts]


class FakeSealedAccounts(Faulty):
    """Implements `access.ports.SealedAccounts`."""

    def __init__(self) -> None:
        self.hashes = {ACCOUNT: f"hash of {_plain(PASSWORD)}", OTHER_ACCOUNT: "hash of another"}

    async def read(self) -> Mapping[str, str]:
        self._answer()
        return dict(self.hashes)


class FakeHasher:
    """Implements `access.ports.PasswordHasher`."""

    def __init__(self) -> None:
        self.asked = 0

    async def fits(self, hashed: str, password: str) -> bool:
        self.asked += 1
        await asyncio.sleep(0)
        return hashed == f"hash of {password}"


class FakeAccess:
    """The real desk, and everything around it."""

    def __init__(self, clock: Clock, limits: SessionLimits | None = None) -> None:
        self.clock = clock
        self.store, self.accounts, self.hasher = FakeAccessStore(), FakeSealedAccounts(), FakeHasher()
        self.notices: list[Notice] = []
        self.limits = limits
        self.desk = self.restarted()

    def restarted(self) -> AccessDesk:
        """Another desk on what is stored; it has not loaded it yet."""
        return AccessDesk(self.store, self.accounts, self.hasher, self.clock, self._tell, self.limits)

    async def signed_in(self, *roles: Role, name: str = "ada@example.org", person: str | None = None) -> str:
        """The token of a new session."""
        return (await self.desk.begin_session(name, frozenset(roles), SignedInBy.OIDC, person)).token

    async def _tell(self, notice: Notice) -> None:
        self.notices.append(notice)


def _plain(password: str) -> str:
    return password.replace(" ", "")
