"""Keeps the compiled table equal to the directory and the forced DIDs, and hands each new one to the publisher."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping

from ringfence.app.mode_publisher import ModePublisher
from ringfence.domain.directory import Directory
from ringfence.domain.numbers import Did
from ringfence.domain.override import Override, OverrideKind, OverrideTarget
from ringfence.domain.records import Forced, encode_route, record_of
from ringfence.domain.route_plan import RoutePlan
from ringfence.domain.route_table import RouteTable, TableDiff, compile_table, did_path, update_table
from ringfence.domain.routing import RoutingPolicy, TrunkFallback, plan_for

log = logging.getLogger(__name__)


class TableKeeper:
    """The directory in force and the table compiled from it. None until the directory has been read: a table that
    is not known must not be published, Asterisk's last one is better."""

    def __init__(
        self,
        policy: RoutingPolicy,
        fallbacks: Iterable[TrunkFallback],
        modes: ModePublisher,
        offer: Callable[[RouteTable], None],
        scopes: frozenset[str],
    ) -> None:
        """`scopes`: the platforms that are configured."""
        self.policy = policy
        self._fallbacks = tuple(fallbacks)
        self._modes = modes
        self._offer = offer
        self._scopes = scopes
        self._forced: dict[Did, Forced] = {}
        self._adopting = asyncio.Lock()
        self.directory: Directory | None = None
        self.table: RouteTable | None = None
        self.lost_scopes: frozenset[str] = frozenset()
        """Platforms that DIDs belong to and that are not configured: the dialplan passes those DIDs' plans over."""

    def owns(self, did: str) -> bool:
        """Whether this DID has an owner, so that what becomes of its calls is evidence."""
        assignment = self.directory.assignment(did) if self.directory else None
        return assignment is not None and assignment.owner is not None

    def restore_forced(self, overrides: Mapping[OverrideTarget, Override]) -> None:
        """The DID overrides an earlier process stored, before the first compile."""
        self._forced = {Did(t.did): _forced_by(o) for t, o in overrides.items() if t.did is not None}

    async def prepare(self, directory: Directory) -> RouteTable:
        """Compiles a directory without adopting it. Raises TableError: such a table must not be published."""
        before, table, forced = self.directory, self.table, dict(self._forced)
        if before is None or table is None:
            return await asyncio.to_thread(compile_table, directory, self.policy, forced, self._fallbacks)
        compiled, _ = await asyncio.to_thread(
            update_table, table, before, directory, self.policy, forced, self._fallbacks
        )
        return compiled

    async def adopt(self, directory: Directory) -> None:
        """Compiles and offers a directory. Raises TableError, and then nothing has changed."""
        async with self._adopting:
            forced_before = dict(self._forced)
            table = await self.prepare(directory)
            self.directory, self.table = directory, table
            self._look_for_lost_scopes(await asyncio.to_thread(directory.scopes))
            # A person may have forced a DID while the table was compiled.
            for did in self._forced.keys() ^ forced_before.keys() | {
                d for d, f in self._forced.items() if forced_before.get(d) is not f
            }:
                self._patch(did)
            self._offer(self.table)

    def _look_for_lost_scopes(self, named: frozenset[str]) -> None:
        lost = named - self._scopes
        if lost - self.lost_scopes:
            log.error("DIDs belong to platforms that are not configured", extra={"scopes": sorted(lost)})
        self.lost_scopes = lost

    def force(self, did: str, override: Override | None) -> None:
        """A DID's override came or went: its record is put at once on the mode connection."""
        number, forced = Did(did), _forced_by(override)
        if forced is Forced.NONE:
            self._forced.pop(number, None)
        else:
            self._forced[number] = forced
        if self._patch(number) and self.table is not None:
            self._modes.put_soon(did_path(did), lambda: self.wanted_record(did))
            self._offer(self.table)

    def _patch(self, did: Did) -> bool:
        """Puts the DID's record into the table with what is forced now; False when it is not ours."""
        plan = self.plan_of(did)
        if plan is None or self.table is None:
            return False
        record = encode_route(record_of(plan, self._forced.get(did, Forced.NONE)))
        self.table = self.table.patched(TableDiff({did_path(did): record}))
        return True

    def plan_of(self, did: str) -> RoutePlan | None:
        """The compiled plan of one DID with its reasons; None when it is not ours."""
        assignment = self.directory.assignment(did) if self.directory else None
        if assignment is None or self.directory is None:
            return None
        return plan_for(assignment, self.directory, self.policy)

    def wanted_record(self, did: str) -> str | None:
        """The record this DID should have in AstDB."""
        return self.table.get(did_path(did)) if self.table is not None else None


def _forced_by(override: Override | None) -> Forced:
    if override is None or override.kind is OverrideKind.FREEZE:
        return Forced.NONE
    return Forced.DIVERT if override.kind is OverrideKind.DR else Forced.PINNED
