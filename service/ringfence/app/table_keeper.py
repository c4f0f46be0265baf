"""Keeps the compiled table equal to the directory and to people's words about sites, teams and DIDs, and hands each new
one to the publisher."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass

from ringfence.app.mode_publisher import ModePublisher
from ringfence.domain.directory import Directory
from ringfence.domain.loop_proof import LoopProof, prove
from ringfence.domain.numbers import Did
from ringfence.domain.override import NarrowWords, Override, OverrideKind, OverrideTarget, covered, team_of
from ringfence.domain.records import Forced, with_forced
from ringfence.domain.route_plan import RoutePlan
from ringfence.domain.route_table import RouteTable, TableDiff, compile_table, did_path, update_table
from ringfence.domain.routing import TrunkFallback, plan_for
from ringfence.domain.routing_policy import RoutingPolicy
from ringfence.domain.routing_team import TeamLine, TeamLines

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class TeamView:
    """A team line as it is compiled, and the DIDs that are its lines."""

    line: TeamLine
    dids: tuple[Did, ...]


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
        self._words = NarrowWords()
        self._forced: dict[Did, Forced] = {}  # what the words make of each DID of the directory in force
        self._adopting = asyncio.Lock()
        self._prepared: _Prepared | None = None
        self._teams: tuple[Directory, list[TeamView]] | None = None
        self.directory: Directory | None = None
        self.table: RouteTable | None = None
        self.lost_scopes: frozenset[str] = frozenset()
        """Platforms that DIDs belong to and that are not configured: the dialplan passes those DIDs' plans over."""
        self.would_loop: tuple[str, ...] = ()
        """What was left out of the table because calls would come back, and by which way: sentences, at most 50."""

    def owns(self, did: str) -> bool:
        """Whether this DID has an owner, so that what becomes of its calls is evidence."""
        assignment = self.directory.assignment(did) if self.directory else None
        return assignment is not None and assignment.owner is not None

    def forced(self, did: str) -> Forced:
        """What people's words make of a DID, its platform's left out."""
        return self._forced.get(Did(did), Forced.NONE)

    def restore_words(self, overrides: Iterable[Override]) -> None:
        """What an earlier process stored, before the first compile."""
        self._words = NarrowWords.of(overrides)

    async def prepare(self, directory: Directory) -> RouteTable:
        """Compiles a directory without adopting it, and keeps the table until the next one is adopted, or `forget`.
        Raises TableError: such a table must not be published."""
        before, words = self.directory, self._words
        table, forced = await self._compiled(directory)
        self._prepared = _Prepared(directory, before, words, table, forced)
        return table

    def forget(self) -> None:
        """Lets go of a prepared table: its directory will not be adopted."""
        self._prepared = None

    async def adopt(self, directory: Directory) -> None:
        """Compiles and offers a directory. Raises TableError, and then nothing has changed."""
        async with self._adopting:
            words = self._words
            table, forced = await self._compiled(directory)
            scopes = await asyncio.to_thread(directory.scopes)
            proof = await asyncio.to_thread(prove, directory, self.policy, self._fallbacks)
            self.directory, self.table, self._forced = directory, table, forced
            self._look_for_lost_scopes(scopes)
            self._look_at_loops(proof)
            if self._words is not words:
                # Somebody has spoken while the table was compiled.
                now = _forced_by_words(self._words, directory)
                dids = {did for did in now.keys() | forced.keys() if now.get(did) is not forced.get(did)}
                self._patch({did: now.get(did, Forced.NONE) for did in dids})
            self._offer(self.table)

    async def _compiled(self, directory: Directory) -> tuple[RouteTable, dict[Did, Forced]]:
        """The table of a directory, and the forced modes in it. One that is compiled from the table in force takes over
        those of the DIDs that are not touched: nothing has changed that a word about them depends on."""
        before, table, words, prepared = self.directory, self.table, self._words, self._prepared
        self._prepared = None

        def work() -> tuple[RouteTable, dict[Did, Forced]]:
            # An import is proved publishable before it is stored: of 100,000 DIDs, five seconds' work that is there.
            if prepared is not None and prepared.counts(directory, before, words):
                return prepared.table, prepared.forced
            forced = _forced_by_words(words, directory)
            if before is None or table is None:
                return compile_table(directory, self.policy, forced, self._fallbacks), forced
            compiled, _ = update_table(table, before, directory, self.policy, forced, self._fallbacks)
            return compiled, forced

        return await asyncio.to_thread(work)

    def _look_for_lost_scopes(self, named: frozenset[str]) -> None:
        lost = named - self._scopes
        if lost - self.lost_scopes:
            log.error("DIDs belong to platforms that are not configured", extra={"scopes": sorted(lost)})
        self.lost_scopes = lost

    def _look_at_loops(self, proof: LoopProof) -> None:
        told = proof.words
        if told and told != self.would_loop:
            facts = {"numbers": len(proof.legs), "loops": len(proof.loops)}
            log.error("numbers would bring calls back to us and are left out of the plans", extra=facts)
        elif self.would_loop and not told:
            log.info("no number would bring calls back to us any more")
        self.would_loop = told

    def said(self, targets: Sequence[OverrideTarget], overrides: Iterable[Override]) -> None:
        """Words about these targets came or went, and `overrides` are those that stand now: the records they change are
        put at once on the mode connection, first of all those whose calls leave the platform.

        About 2 us a DID that it concerns, and as much for each DID there is where that is a site or a team."""
        self._words = words = NarrowWords.of(overrides)
        directory = self.directory
        if directory is None or self.table is None:
            return
        changed: dict[Did, Forced] = {}
        first: list[tuple[bool, bool, Did]] = []
        for target in targets:
            for item in covered(target, directory):
                forced = _forced_by(words.standing(item, team_of(item, directory)))
                if forced is not self.forced(item.did) and item.did not in changed:
                    changed[item.did] = forced
                    first.append((forced is not Forced.DIVERT, not item.critical, item.did))
        if changed:
            self._patch(changed)
            self._modes.put_records([did_path(did) for *_, did in sorted(first)], self._record)
            self._offer(self.table)

    def _patch(self, changed: Mapping[Did, Forced]) -> None:
        """Writes forced modes into the records of DIDs of the directory in force."""
        assert self.table is not None
        puts: dict[str, str] = {}
        for did, forced in changed.items():
            path = did_path(did)
            puts[path] = with_forced(self.table[path], forced)
            if forced is Forced.NONE:
                self._forced.pop(did, None)
            else:
                self._forced[did] = forced
        self.table = self.table.patched(TableDiff(puts))

    def plan_of(self, did: str) -> RoutePlan | None:
        """The compiled plan of one DID with its reasons; None when it is not ours."""
        assignment = self.directory.assignment(did) if self.directory else None
        if assignment is None or self.directory is None:
            return None
        return plan_for(assignment, self.directory, self.policy)

    def teams(self) -> list[TeamView]:
        """The team lines of the directory in force, by name. Once for each directory about a millisecond for each
        thousand people and DIDs."""
        directory = self.directory
        if directory is None:
            return []
        if self._teams is not None and self._teams[0] is directory:
            return self._teams[1]
        dids: dict[str, list[Did]] = {name: [] for name in directory.teams}
        for did, item in directory.assignments.items():
            if item.team in dids:
                dids[item.team].append(did)
        lines = TeamLines(directory, self.policy)
        found = [TeamView(lines.line(name), tuple(sorted(dids[name]))) for name in sorted(dids)]
        self._teams = (directory, found)
        return found

    def wanted_record(self, did: str) -> str | None:
        """The record this DID should have in AstDB."""
        return self._record(did_path(did))

    def _record(self, path: str) -> str | None:
        return self.table.get(path) if self.table is not None else None


@dataclass(frozen=True, slots=True)
class _Prepared:
    """A table that was compiled ahead. It counts as long as the directory in force and people's words are those that it
    was compiled beside."""

    directory: Directory
    before: Directory | None
    words: NarrowWords
    table: RouteTable
    forced: dict[Did, Forced]

    def counts(self, directory: Directory, before: Directory | None, words: NarrowWords) -> bool:
        """Of directories that share their parts, comparing all costs a few milliseconds."""
        return self.before is before and self.words is words and self.directory == directory


def _forced_by_words(words: NarrowWords, directory: Directory) -> dict[Did, Forced]:
    return {did: _forced_by(word) for did, word in words.winners(directory)}


def _forced_by(override: Override | None) -> Forced:
    if override is None or override.kind is OverrideKind.FREEZE:
        return Forced.NONE
    return Forced.DIVERT if override.kind is OverrideKind.DR else Forced.PINNED
