"""The two sealed accounts, for when the identity provider or the database is what is down: checked, locked, loud."""

from __future__ import annotations

import asyncio
import hashlib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from ringfence.app.access.lockout import Lockout
from ringfence.app.access.ports import PasswordHasher, SealedAccounts, SealedRow, SignInRefused, TooManyAttempts
from ringfence.app.access.tokens import typed
from ringfence.app.ports import Clock
from ringfence.domain.networks import counted_as

MAX_AT_ONCE: Final = 8
MAX_PASSWORD_CHARACTERS: Final = 128

_WRONG: Final = "The account or the password is wrong."
_WRONG_FIX: Final = "Type the password as it stands in the envelope; after five wrong ones it is locked for a while."


class WrongPassword(SignInRefused):
    """`account` is empty where there is none of that name: people type their password into the wrong field, and it must
    end in no record. `locked` are the names of what is locked by it (the account, the address), with the seconds."""

    def __init__(self, account: str, locked: Mapping[str, float]) -> None:
        super().__init__(_WRONG, _WRONG_FIX)
        self.account = account
        self.locked = locked


@dataclass(frozen=True, slots=True)
class SealedView:
    """One account as it stands. `locked_seconds` 0: not locked."""

    name: str
    renewed: datetime | None
    used: datetime | None
    locked_seconds: float


class BreakGlass:
    """Passwords are hashed one after the other: each takes 19 MiB, and a queue of more than eight is turned away."""

    def __init__(self, accounts: SealedAccounts, hasher: PasswordHasher, clock: Clock) -> None:
        self._accounts = accounts
        self._hasher = hasher
        self._clock = clock
        self._lockout = Lockout()
        self._hashing = asyncio.Lock()
        self._asking = 0
        self._known: dict[str, SealedRow] = {}
        # Used before anything was known of them: the database may be what is down.
        self._used_early: dict[str, datetime] = {}

    @property
    def any_known(self) -> bool:
        """Whether any account was seen before, in this run or an earlier one."""
        return bool(self._known)

    def restore(self, rows: Iterable[SealedRow]) -> None:
        """Takes in what was stored; what was used meanwhile keeps its time."""
        for row in rows:
            if row.name not in self._known:
                self._known[row.name] = replace(row, used=self._used_early.pop(row.name, row.used))

    def renewed_at(self, name: str) -> datetime | None:
        """Since when the account has the password it has now, as far as it was seen."""
        known = self._known.get(name)
        return None if known is None else known.renewed

    async def check(self, name: str, password: str, address: str) -> SealedRow | None:
        """Returns when the password is the account's own: with what is now to be remembered of it. Raises
        WrongPassword, TooManyAttempts, SealedAccountsFault."""
        source = counted_as(address)
        self._refuse_locked(name, source)
        if self._asking >= MAX_AT_ONCE:
            raise TooManyAttempts("Too many sign-ins at once.", "Try again in a few seconds.", 5.0)
        self._asking += 1
        try:
            async with self._hashing:
                # Once more: those who asked before may have locked it while we waited.
                self._refuse_locked(name, source)
                account, fits = await self._fits(name, password)
        finally:
            self._asking -= 1
        now = self._clock.now()
        if not fits:
            locked = {key: self._lockout.wrong(key, now) for key in (account, source) if key}
            raise WrongPassword(account, {key: seconds for key, seconds in locked.items() if seconds})
        self._lockout.right(name)
        self._lockout.right(source)
        known = self._known.get(name)
        if known is None:
            self._used_early[name] = now.wall
            return None
        self._known[name] = replace(known, used=now.wall)
        return self._known[name]

    async def renewed(self) -> list[SealedRow]:
        """The accounts whose password is another than it was. Undoes all locks. Raises SealedAccountsFault."""
        now, found = self._clock.now(), []
        for name, hashed in (await self._accounts.read()).items():
            fingerprint = hashlib.sha256(hashed.encode()).hexdigest()
            known = self._known.get(name)
            if known is None or known.fingerprint != fingerprint:
                used = self._used_early.pop(name, None) if known is None else known.used
                self._known[name] = SealedRow(name, fingerprint, now.wall, used)
                found.append(self._known[name])
        if found:
            self._lockout.forget()
        return found

    async def views(self) -> list[SealedView]:
        """Raises SealedAccountsFault."""
        now = self._clock.now()
        found = []
        for name in sorted(await self._accounts.read()):
            known = self._known.get(name)
            early = (None, self._used_early.get(name))
            renewed, used = early if known is None else (known.renewed, known.used)
            found.append(SealedView(name, renewed, used, self._lockout.seconds_left(name, now)))
        return found

    def _refuse_locked(self, name: str, source: str) -> None:
        now = self._clock.now()
        seconds = max(self._lockout.seconds_left(name, now), self._lockout.seconds_left(source, now))
        if seconds:
            raise TooManyAttempts(
                f"Locked after wrong passwords, for {-(-seconds // 60):.0f} more minutes.",
                "Wait, use the other envelope from another machine, or `ringfence` on the node itself.",
                seconds,
            )

    async def _fits(self, name: str, password: str) -> tuple[str, bool]:
        """The account of that name, empty if there is none; whether the password is its own."""
        hashes = await self._accounts.read()
        # A name that is no account takes as long as one that is.
        hashed = hashes.get(name) or next(iter(hashes.values()), "")
        fits = await self._hasher.fits(hashed, typed(password[:MAX_PASSWORD_CHARACTERS]))
        return (name, fits) if name in hashes else ("", False)
