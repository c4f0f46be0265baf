"""Stores what is pushed and passes it on, so that neither is ever without the other for long.

Two things are to be changed, the stored resource and the roster, and a crash or a locked database may come between
them. The resource comes first; where the roster does not take it, it is put back and the identity provider is asked to
repeat. Where not even that can be done it is remembered, and told before anything else is answered. After a crash
`everything` says it all again.
"""

from __future__ import annotations

import asyncio
import logging
import secrets
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Sequence
from dataclasses import replace
from typing import Final

from ringfence.app.hr.scim_ports import ScimKind, ScimNameTaken, ScimResource, ScimStore
from ringfence.app.ports import RingfenceError
from ringfence.domain.hr.record import Batch
from ringfence.hr.scim.records import RecordReader

log = logging.getLogger(__name__)

PAGE_ROWS: Final = 200

Inlet = Callable[[Batch], Awaitable[None]]
"""Takes in what was pushed: returns when it is stored. Raises StoreError when it is not."""


def new_version() -> str:
    """Never the same twice, so that an undone change cannot be taken for a later one."""
    return secrets.token_hex(8)


class ScimKeeper:
    """One for each source, in the daemon's own event loop."""

    def __init__(self, store: ScimStore, inlet: Inlet, reader: RecordReader, on_call_group: str = "") -> None:
        """`on_call_group`: the displayName, in the form in which names are compared; empty: none."""
        self.store = store
        self._inlet = inlet
        self._reader = reader
        self._on_call_group = on_call_group
        self._writing = asyncio.Lock()
        self._untold: set[str] = set()

    async def create(self, new: ScimResource) -> None:
        """Raises ScimNameTaken, and StoreError when it is not stored."""
        async with self._writing:
            self._doubt(new)
            try:
                await self.store.add(new)
            except ScimNameTaken:
                self._untold.discard(new.id)
                raise
            await self._told(None, new, lambda: self.store.remove(new))

    async def change(self, before: ScimResource, after: ScimResource) -> bool:
        """False when somebody else changed it in the meantime. Raises ScimNameTaken and StoreError."""
        async with self._writing:
            self._doubt(before)
            try:
                stored = await self.store.replace(after, before.version)
            except ScimNameTaken:
                self._untold.discard(before.id)
                raise
            if not stored:
                self._untold.discard(before.id)
                return False
            await self._told(before, after, lambda: self.store.replace(before, after.version))
            return True

    async def remove(self, before: ScimResource) -> bool:
        """False when somebody else changed it in the meantime. Raises StoreError."""
        async with self._writing:
            self._doubt(before)
            if not await self.store.remove(before):
                self._untold.discard(before.id)
                return False
            await self._told(before, None, lambda: self.store.add(before))
            return True

    @property
    def is_in_doubt(self) -> bool:
        """Whether there is something to `settle`."""
        return bool(self._untold)

    async def settle(self) -> None:
        """Tells what could be neither told nor undone. Called before every answer. Raises StoreError."""
        async with self._writing:
            for id_ in sorted(self._untold):
                user = await self.store.get(ScimKind.USER, id_)
                # Given up before it is tried: one that a fault of ours makes impossible must not stop all the others.
                self._untold.discard(id_)
                try:
                    await self._tell([user] if user else [], () if user else (id_,))
                except RingfenceError:
                    self._untold.add(id_)
                    raise

    async def everything(self) -> Batch:
        """All that is stored, as a delta: in SCIM nobody is absent. Who cannot be read is left out, and stays as they
        were: a batch with many such rows would be refused as a whole. May raise StoreError."""
        on_call = await self._on_call()
        users = [user async for user in self._users()]
        batch = await asyncio.to_thread(self._reader.batch, users, on_call)
        if batch.rejected:
            unreadable = {"source": batch.source, "count": len(batch.rejected), "rows": batch.rows}
            log.warning("users that were pushed cannot be read", extra=unreadable)
        return replace(batch, rejected=())

    async def erase_numbers(self, ids: Collection[str]) -> int:
        """Takes the telephone numbers of these users out of what is stored, and tells nobody; returns of how many. For
        those whose private numbers have to be erased; never from within the inlet. May raise StoreError."""
        erased = 0
        for id_ in ids:
            async with self._writing:  # for each anew: whoever pushes must not wait for thousands
                user = await self.store.get(ScimKind.USER, id_)
                if user is None or "phoneNumbers" not in user.body:
                    continue
                body = {name: value for name, value in user.body.items() if name != "phoneNumbers"}
                without = replace(user, body=body, version=new_version())
                erased += await self.store.replace(without, user.version)
        return erased

    def _doubt(self, resource: ScimResource) -> None:
        """From here to the end of `_told` it is not known whether the roster agrees with what is stored."""
        if resource.kind is ScimKind.USER:
            self._untold.add(resource.id)

    async def _told(
        self, before: ScimResource | None, after: ScimResource | None, undo: Callable[[], Awaitable[object]]
    ) -> None:
        changed = after or before
        assert changed is not None
        try:
            if changed.kind is ScimKind.GROUP:
                await self._tell_members(before, after)
            elif after is None:
                await self._tell([], (changed.id,))
            else:
                await self._tell([after])
        except RingfenceError as error:
            log.warning("what was pushed is not taken in and is put back", extra={"reason": type(error).__name__})
            await undo()
            self._untold.discard(changed.id)
            raise
        self._untold.discard(changed.id)

    async def _tell(self, users: Sequence[ScimResource], deleted: Sequence[str] = ()) -> None:
        for id_ in deleted:
            await self._inlet(self._reader.deletion(id_))
        if users:
            batch = self._reader.batch(users, await self._on_call())
            for problem in batch.rejected:
                # Not its text: that repeats what was in the field.
                unreadable = {"source": batch.source, "reason": f"{problem.where}: {problem.field}"}
                log.warning("a user that was pushed cannot be read", extra=unreadable)
            # The problem of one is no reason to refuse the others that came with it.
            await self._inlet(batch if len(users) == 1 else replace(batch, rejected=()))

    async def _tell_members(self, before: ScimResource | None, after: ScimResource | None) -> None:
        """Whoever begins or ends to be on call by a change of this group."""
        affected = self._members(before) ^ self._members(after)
        self._untold |= affected
        users = [await self.store.get(ScimKind.USER, id_) for id_ in sorted(affected)]
        if found := [user for user in users if user is not None]:
            await self._tell(found)
        self._untold -= affected

    async def _on_call(self) -> frozenset[str]:
        if not self._on_call_group:
            return frozenset()
        groups = await self.store.find(ScimKind.GROUP, name=self._on_call_group)
        return frozenset().union(*(self._members(group) for group in groups))

    def _members(self, group: ScimResource | None) -> frozenset[str]:
        """Of a group that says who is on call; nobody of any other."""
        if group is None or not self._on_call_group or group.name != self._on_call_group:
            return frozenset()
        return frozenset(str(member.get("value")) for member in group.body.get("members") or ())

    async def _users(self) -> AsyncIterator[ScimResource]:
        last: ScimResource | None = None
        while page := await self.store.page([ScimKind.USER], PAGE_ROWS, after=last):
            for user in page:
                yield user
            last = page[-1]
