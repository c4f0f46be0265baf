"""Who is let in, as one thing for all doors. Sessions, keys and the sealed accounts are looked up in memory, so that
signing in goes on while the database is down; what is ended has ended here before it is stored."""

from __future__ import annotations

import logging
from collections.abc import Callable, Set
from datetime import datetime
from typing import Final

from ringfence.app.access import telling
from ringfence.app.access.break_glass import BreakGlass, SealedView, WrongPassword
from ringfence.app.access.keys import Keys, NewKey
from ringfence.app.access.ports import (
    AccessChange,
    AccessStore,
    KeyRow,
    NoSuchAccess,
    PasswordHasher,
    SealedAccounts,
    SealedAccountsFault,
    SessionRow,
    Tell,
)
from ringfence.app.access.sessions import NewSession, SessionLimits, Sessions
from ringfence.app.access.storing import Storing
from ringfence.app.ports import Clock, StoreError
from ringfence.domain.access import Caller, Permission, Role, SignedInBy

log = logging.getLogger(__name__)

RUN_EVERY_SECONDS: Final = 60.0
LOAD_AGAIN_SECONDS: Final = 2.0
BREAK_GLASS_ROLES: Final = frozenset({Role.ADMIN})

# Whoever renewed a password while no daemon could be told.
_RENEWED: Final = "the password was renewed"
_FILE: Final = "whoever may write the file"


class AccessDesk:
    """`run` belongs among the daemon's supervised tasks; everything but what was stored before works without it."""

    def __init__(
        self,
        store: AccessStore,
        accounts: SealedAccounts,
        hasher: PasswordHasher,
        clock: Clock,
        tell: Tell,
        limits: SessionLimits | None = None,
    ) -> None:
        self._store = store
        self._clock = clock
        self._tell = tell
        self._storing = Storing(store)
        self._sessions = Sessions(clock, limits or SessionLimits())
        self._keys = Keys(clock)
        self._sealed = BreakGlass(accounts, hasher, clock)
        self._sealed_fault = ""
        self.loaded = False

    @property
    def unstored(self) -> int:
        """Changes that wait for the database."""
        return self._storing.waiting

    async def begin_session(
        self,
        name: str,
        roles: frozenset[Role],
        by: SignedInBy,
        person: str | None = None,
        minutes: float | None = None,
        address: str = "",
    ) -> NewSession:
        """A new session with a new token, also for somebody who has one. `name` is whom the history shows, `person` the
        key under which the directory knows them. `minutes`: how long at most; None: as configured. `address` is kept
        in the audit record alone. Raises SignInRefused."""
        new, crowded = self._sessions.begin(name, roles, by, person, minutes)
        fact = telling.session_begun(new.row, address)
        await self._storing.soon(AccessChange(begun=(new.row,), ended=crowded, facts=(fact,)))
        return new

    async def note_refused(self, name: str, why: str, address: str) -> None:
        """A provider proved who they are, and they are not let in. What cannot be stored is stored later."""
        fact = telling.sign_in_refused(name, why, address, self._clock.now().wall)
        await self._storing.soon(AccessChange(facts=(fact,)))

    def session(self, token: str) -> Caller | None:
        """Whoever has this token."""
        return self._sessions.find(token)

    def sessions(self) -> list[SessionRow]:
        """Those that live, newest first."""
        return self._sessions.rows()

    async def end_session(self, id_: str, by: Caller | None = None, why: str = "") -> None:
        """Over at once. `by` None: they sign out themselves. Raises NoSuchAccess; StoreError when it is over now and
        may come back at a restart."""
        ended = await self._end(lambda row: row.id == id_, by, why)
        if not ended:
            raise NoSuchAccess("There is no such session.", "See `ringfence access sessions list`.")

    async def end_sessions_of(self, name: str, by: Caller, why: str = "") -> int:
        """All of one name; how many there were. Raises StoreError as `end_session`."""
        return await self._end(lambda row: row.name == name, by, why)

    async def end_sessions_of_people(self, people: Set[str], why: str) -> int:
        """All of these people, by the keys of the directory; how many there were. What cannot be stored is stored
        later."""
        return await self._end(lambda row: row.person in people, None, why, must=False)

    async def create_key(
        self, name: str, permissions: frozenset[Permission], expires: datetime, creator: Caller
    ) -> NewKey:
        """One made in a break-glass session ends with it at the latest. Raises KeyRefused, StoreError; then there is no
        such key."""
        if creator.by is SignedInBy.BREAK_GLASS:
            ends = [row.until for row in self._sessions.rows() if row.id == creator.session]
            expires = min([expires, *ends])
        new = self._keys.draft(name, permissions, expires, creator)
        await self._storing.at_once(AccessChange(keys=(new.row,), facts=(telling.key_made(new.row, creator),)))
        self._keys.put(new.row)
        return new

    def key(self, token: str) -> Caller | None:
        """Whoever has this API key."""
        return self._keys.find(token)

    def keys(self) -> list[KeyRow]:
        """Newest first, with those that are no longer valid."""
        return self._keys.rows()

    async def revoke_key(self, id_: str, by: Caller, why: str = "") -> KeyRow:
        """Of no use any more at once. Raises NoSuchAccess; StoreError when it may be valid again after a restart."""
        before = next((row for row in self._keys.rows() if row.id == id_), None)
        row = self._keys.revoked(id_, by.name)
        if before is not None and before.revoked is None:
            fact = telling.key_revoked(row, self._clock.now().wall, by, why)
            await self._must(AccessChange(keys=(row,), facts=(fact,)), "The key is of no use any more")
        return row

    async def break_glass(self, name: str, password: str, address: str) -> NewSession:
        """Signs a sealed account in, and says so loudly. `address` is where from. Raises SignInRefused."""
        try:
            sealed = await self._sealed.check(name, password, address)
        except WrongPassword as wrong:
            await self._tell_of_wrong(wrong, address)
            raise
        new, crowded = self._sessions.begin(name, BREAK_GLASS_ROLES, SignedInBy.BREAK_GLASS, None, None)
        log.warning("a break-glass account signs in", extra={"account": name, "address": address})
        await self._tell(telling.used_notice(new.row, address))
        facts = (telling.session_begun(new.row, address),)
        remembered = () if sealed is None else (sealed,)
        await self._storing.soon(AccessChange(begun=(new.row,), ended=crowded, sealed=remembered, facts=facts))
        return new

    async def sealed_accounts(self) -> list[SealedView]:
        """Raises SealedAccountsFault."""
        return await self._sealed.views()

    async def note_renewed(self, by: Caller | None = None) -> list[str]:
        """Looks whether passwords were renewed: ends the sessions begun with the old ones, undoes locks, and tells.
        `by` None: nobody said that they did it. The names of the accounts. Raises SealedAccountsFault."""
        first = not self._sealed.any_known
        rows = await self._sealed.renewed()
        if not rows:
            return []
        who, how = (_FILE, "") if by is None else (by.name, str(by.by))
        made = first and by is None
        facts = tuple(telling.password_renewed(row, who, how, made) for row in rows)
        await self._storing.soon(AccessChange(sealed=tuple(rows), facts=facts))
        names = [row.name for row in rows]
        await self._end(lambda row: row.name in names and row.by is SignedInBy.BREAK_GLASS, by, _RENEWED, must=False)
        if not made:
            await self._tell(telling.renewed_notice(rows, who, self._clock.now().wall))
        return names

    async def run(self) -> None:
        """Loads what was stored, then keeps it true: what waits, what is over, what was used. Raises StoreError; then
        it is to be called again."""
        while not self.loaded:
            await self.load()
        while True:
            await self.tidy()
            await self._clock.sleep(RUN_EVERY_SECONDS)

    async def load(self) -> None:
        """Takes in what was stored. Raises StoreError."""
        stored = await self._store.load()
        self._keys.restore(stored.keys)
        self._sealed.restore(stored.sealed)
        over = self._sessions.restore(stored.sessions)
        self.loaded = True
        # A password may have been renewed while nothing was known of the sessions begun with the old one.
        await self._end(self._is_of_an_old_password, None, _RENEWED, must=False)
        if over:
            await self._storing.soon(AccessChange(ended=over))

    async def tidy(self) -> None:
        """What is due each minute. Raises StoreError."""
        await self._look_at_sealed()
        over = self._sessions.over()
        if over:
            await self._storing.soon(AccessChange(ended=over))
        await self._storing.again()
        seen, used = self._sessions.seen_since_stored(), self._keys.used_since_stored()
        if seen or used:
            await self._storing.at_once(AccessChange(seen=seen, used=used))

    async def _look_at_sealed(self) -> None:
        """A fault is said once, until it is another one."""
        before, self._sealed_fault = self._sealed_fault, ""
        try:
            await self.note_renewed()
        except SealedAccountsFault as fault:
            self._sealed_fault = str(fault)
        if self._sealed_fault and self._sealed_fault != before:
            log.error("the break-glass accounts cannot be used", extra={"reason": self._sealed_fault})
        elif before and not self._sealed_fault:
            log.info("the break-glass accounts can be used again")

    def _is_of_an_old_password(self, row: SessionRow) -> bool:
        renewed = self._sealed.renewed_at(row.name) if row.by is SignedInBy.BREAK_GLASS else None
        return renewed is not None and row.begun < renewed

    async def _end(self, chosen: Callable[[SessionRow], bool], by: Caller | None, why: str, must: bool = True) -> int:
        rows = [row for row in self._sessions.rows() if chosen(row)]
        if not rows:
            return 0
        ids = frozenset(row.id for row in rows)
        self._sessions.drop(ids)
        now = self._clock.now().wall
        change = AccessChange(ended=ids, facts=tuple(telling.session_ended(row, now, by, why) for row in rows))
        if must:
            await self._must(change, "The session is over")
        else:
            await self._storing.soon(change)
        return len(rows)

    async def _must(self, change: AccessChange, done: str) -> None:
        error = await self._storing.soon(change)
        if error is not None:
            raise StoreError(
                f"{done}, and that could not be stored: {error.message}",
                "It is tried again each minute; until then do not restart the daemon.",
            )

    async def _tell_of_wrong(self, wrong: WrongPassword, address: str) -> None:
        now, name = self._clock.now().wall, wrong.account or "an account that there is not"
        facts = [telling.wrong_password(name, address, now)]
        facts += [telling.locked(what, seconds, address, now) for what, seconds in wrong.locked.items()]
        if wrong.locked:
            log.warning("a break-glass sign-in is locked", extra={"account": name, "address": address})
            longest = max(wrong.locked.values())
            await self._tell(telling.locked_notice(wrong.locked, longest, name, address, now))
        await self._storing.soon(AccessChange(facts=tuple(facts)))
