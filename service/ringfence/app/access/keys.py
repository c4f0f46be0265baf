"""API keys, in memory: looked up at every request, revoked at once."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Final

from ringfence.app.access.ports import KeyRefused, KeyRow, NoSuchAccess
from ringfence.app.access.tokens import digest_of, key_id, new_key, same
from ringfence.app.ports import Clock
from ringfence.domain.access import Caller, Permission, SignedInBy

MAX_KEYS: Final = 500
MAX_LIFETIME: Final = timedelta(days=731)
MAX_NAME_CHARACTERS: Final = 60


@dataclass(frozen=True, slots=True)
class NewKey:
    """`token` is shown once: only its SHA-256 is kept."""

    row: KeyRow
    token: str = field(repr=False)


class Keys:
    """`draft` makes one that is not valid until it was stored and put here."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._rows: dict[str, KeyRow] = {}
        self._used: dict[str, datetime] = {}

    def restore(self, rows: Iterable[KeyRow]) -> None:
        """Takes in what was stored. What was revoked meanwhile stays revoked."""
        for row in rows:
            self._rows.setdefault(row.id, row)

    def put(self, row: KeyRow) -> None:
        self._rows[row.id] = row

    def draft(self, name: str, permissions: frozenset[Permission], expires: datetime, creator: Caller) -> NewKey:
        """Raises KeyRefused."""
        now = self._clock.now().wall
        name = name.strip()
        if not name or len(name) > MAX_NAME_CHARACTERS or not name.isprintable():
            fix = f"Write 1 to {MAX_NAME_CHARACTERS} characters on one line: what is it for?"
            raise KeyRefused("name", "is not one", fix)
        if any(row.name == name and self._valid(row) for row in self._rows.values()):
            raise KeyRefused("name", "another valid key is called so", "Choose another, or revoke that one.")
        if not now < expires <= now + MAX_LIFETIME:
            raise KeyRefused("expires", "is past or too far away", f"At most {MAX_LIFETIME.days} days from now.")
        if sum(self._valid(row) for row in self._rows.values()) >= MAX_KEYS:
            raise KeyRefused("name", f"there are {MAX_KEYS} valid keys", "Revoke those that nobody uses.")
        _check_permissions(permissions, creator)
        made = new_key()
        return NewKey(KeyRow(made.id, made.digest, name, permissions, now, creator.name, expires), made.token)

    def find(self, token: str) -> Caller | None:
        """Whoever has this key; None when it is none, revoked or expired. Counts as use."""
        id_ = key_id(token)
        row = self._rows.get(id_) if id_ is not None else None
        # An unknown id is told by a faster answer: ids are no secret.
        if row is None or not same(digest_of(token), row.digest) or not self._valid(row):
            return None
        self._used[row.id] = self._clock.now().wall
        return Caller(f"{row.name} (key)", row.permissions, SignedInBy.KEY, made_by=row.made_by)

    def revoked(self, id_: str, who: str) -> KeyRow:
        """Ends it. One that was revoked before stays as it is. Raises NoSuchAccess."""
        row = self._rows.get(id_)
        if row is None:
            raise NoSuchAccess("There is no such key.", "See `ringfence access keys list`.")
        if row.revoked is None:
            row = self._rows[id_] = replace(row, revoked=self._clock.now().wall, revoked_by=who)
        return row

    def rows(self) -> list[KeyRow]:
        """Newest first, the revoked and expired ones among them."""
        found = [replace(row, used=self._used.get(row.id, row.used)) for row in self._rows.values()]
        return sorted(found, key=lambda row: (row.made, row.id), reverse=True)

    def used_since_stored(self) -> dict[str, datetime]:
        """Id -> last use, of those that were used since this was asked before."""
        found = {id_: at for id_, at in self._used.items() if at != self._rows[id_].used}
        for id_, at in found.items():
            self._rows[id_] = replace(self._rows[id_], used=at)
        return found

    def _valid(self, row: KeyRow) -> bool:
        return row.revoked is None and self._clock.now().wall < row.expires


def _check_permissions(permissions: frozenset[Permission], creator: Caller) -> None:
    if creator.by is SignedInBy.KEY:
        # Revoking it would leave those that it made.
        raise KeyRefused("permissions", "a key makes no keys", "Sign in, or use `ringfence access keys create`.")
    if not permissions:
        raise KeyRefused("permissions", "none is named", "Name what it may do.")
    if Permission.OWN in permissions:
        raise KeyRefused("permissions", "`own` is for people, and a key is nobody", "Leave it out.")
    if beyond := sorted(permissions - creator.permissions):
        raise KeyRefused("permissions", f"you lack {', '.join(beyond)} yourself", "Leave them out.")
