"""What people do to the roster by hand: enter something, have somebody forgotten, release a DID from quarantine."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence, Set
from typing import Any

from ringfence.app.hr.book import RosterBook
from ringfence.app.hr.entries import entered, words_of
from ringfence.app.hr.force import InForce
from ringfence.app.hr.ports import RosterNote
from ringfence.app.hr.retention import Eraser
from ringfence.app.hr.search import found_keys
from ringfence.app.hr.views import EntryField
from ringfence.app.operator import NotNow, NotOurs, check_words
from ringfence.domain.audit import masked
from ringfence.domain.directory import Directory, NotRung, PersonKey
from ringfence.domain.hr.provenance import PersonView, Standing, people_views
from ringfence.domain.hr.roster import Origin, PersonEntries, Roster, RosterChange, Stated
from ringfence.domain.hr.undialled import with_what_is_not_dialled
from ringfence.domain.numbers import Did
from ringfence.domain.policy import EgressGate


class ByHand:
    """Every word is checked, stored, then routed by."""

    def __init__(self, book: RosterBook, force: InForce, eraser: Eraser, gate: EgressGate) -> None:
        self._gate = gate
        self._book = book
        self._force = force
        self._eraser = eraser

    async def person(self, key: str) -> PersonView:
        """Raises NotOurs."""
        views = await self._views((PersonKey(key),), self._book.roster.copy())
        if not views:
            raise NotOurs(f"person: nobody has the key {key[:64]!r}.", "Look for a part of the name.", "person")
        return views[0]

    async def find(self, text: str, limit: int) -> list[PersonView]:
        roster = self._book.roster.copy()
        keys = await asyncio.to_thread(found_keys, text, self._in_force, roster, limit)
        return await self._views(keys, roster) if keys else []

    async def left_among(self, keys: Set[str]) -> frozenset[str]:
        """Those of these people who have left. A leaving that is held is none yet."""
        roster = self._book.roster.copy()
        views = await self._views([roster.key_of(PersonKey(key)) for key in keys], roster)
        left = {view.key for view in views if view.standing is Standing.LEFT}
        return frozenset(key for key in keys if roster.key_of(PersonKey(key)) in left)

    async def enter(
        self, key: str, field: EntryField, value: Any, origin: Origin, who: str, why: str, number: str | None
    ) -> PersonView:
        """Raises OrderRefused, NotOurs, NotNow (of themselves, and they have left), StoreError."""
        check_words(who, why)
        why = masked(why)
        book = self._book
        async with book.lock:
            view = await self.person(key)
            person, now = view.key, book.now()
            if origin is Origin.PERSON and value is not None and view.standing is Standing.LEFT:
                # A sign-in that is still good must not bring back what has been erased.
                raise NotNow(
                    "person", f"{person} has left", "Whoever is back is told to us by HR or the helpdesk first."
                )
            stated = None if value is None else Stated(value, origin, who, why, now)
            before = book.roster.entries.get(person, PersonEntries())
            after = entered(before, field, stated, book.base.directory, number)
            note = RosterNote(now, who, why, words_of(field, value, number), person, origin)
            await book.commit(RosterChange(entries={person: after if after else None}), notes=[note])
        self._force.want(urgent=True)
        await self._force.catch_up()
        return await self.person(person)

    async def forget(self, key: str, who: str, why: str) -> None:
        """Raises OrderRefused, NotOurs, NotNow, StoreError."""
        check_words(who, why)
        why = masked(why)
        view = await self.person(key)
        if view.standing is Standing.NOT_STARTED:
            # Their feed goes on stating the numbers and would bring them back.
            raise NotNow(
                "person",
                f"{view.key} has not started yet",
                "Withdraw the consent to their numbers, or enter when they left first.",
            )
        if view.standing is not Standing.LEFT:
            raise NotNow(
                "person",
                f"{view.key} has not left, as far as is known",
                "Enter when they left first, or have their numbers cleared.",
            )
        await self._eraser.erase(frozenset((view.key,)), who, why)
        await self._force.catch_up()

    async def release_did(self, did: str, who: str, why: str) -> bool:
        """Raises OrderRefused, NotOurs, StoreError."""
        check_words(who, why)
        why = masked(why)
        book = self._book
        if book.base.directory.assignment(did) is None:
            raise NotOurs(f"did: {did} is not in the directory.", "See `ringfence explain` and `ringfence import`.")
        async with book.lock:
            held = self._in_force.assignment(did)
            if held is None or held.hold is not NotRung.QUARANTINE:
                return False
            now = book.now()
            note = RosterNote(now, who, why, f"{did} released from quarantine", held.owner or "")
            await book.commit(RosterChange(releases={Did(did): now}), notes=[note])
        self._force.want()
        await self._force.catch_up()
        return True

    @property
    def _in_force(self) -> Directory:
        effective = self._force.effective
        return Directory() if effective is None else effective.directory

    async def _views(self, keys: Sequence[PersonKey], roster: Roster) -> list[PersonView]:
        """In a thread: one person's view walks over everybody. `roster` is a copy."""
        book, effective = self._book, self._force.effective
        base, in_force = book.base.directory, None if effective is None else effective.directory
        own_dids, now = self._in_force.assignments, book.now()

        def work() -> list[PersonView]:
            views = people_views(base, roster, book.policy, keys, now, in_force)
            return [with_what_is_not_dialled(view, self._gate, own_dids) for view in views]

        return await asyncio.to_thread(work)
