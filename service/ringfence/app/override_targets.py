"""What an order may be about: names and numbers looked up in the configuration and the directory in force."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Final, NamedTuple

from ringfence.app.failover import Failover
from ringfence.app.operator import NotOurs, OrderRefused
from ringfence.app.ports import StoreUnavailable
from ringfence.app.table_keeper import TableKeeper
from ringfence.domain.directory import Directory
from ringfence.domain.override import MAX_LISTED_DIDS, OverrideTarget, covered, team_of

MAX_NAMED: Final = 5


class Targets(NamedTuple):
    """What an order may be about besides everything and DIDs, with how many DIDs that is."""

    scopes: Mapping[str, int]
    sites: Mapping[str, int]
    teams: Mapping[str, int]


class OverrideTargets:
    """Looks only; changes nothing."""

    def __init__(self, failover: Failover, keeper: TableKeeper) -> None:
        self._failover = failover
        self._keeper = keeper

    def range_of(self, first: str, last: str) -> OverrideTarget:
        """Our DIDs from `first` to `last` (E.164), both included. Raises OrderRefused, NotOurs, StoreUnavailable."""
        if len(first) != len(last) or last < first:
            raise OrderRefused(
                "to", f"{last} does not follow {first}", "Give two numbers of the same length, in order."
            )
        found = [did for did in self._read().assignments if first <= did <= last and len(did) == len(first)]
        if not found:
            raise NotOurs(f"from: no DID of the directory lies between {first} and {last}.", "See the file dids.csv.")
        return self.list_of(found)

    def list_of(self, dids: Sequence[str]) -> OverrideTarget:
        """Raises OrderRefused."""
        if not dids:
            raise OrderRefused("dids", "is empty", "Name at least one DID.")
        if len(set(dids)) > MAX_LISTED_DIDS:
            message = f"are {len(set(dids))} DIDs; one override names at most {MAX_LISTED_DIDS}"
            raise OrderRefused("dids", message, "Order it for a site or a team, or in parts.")
        return OverrideTarget.of_dids(dids)

    def check_target(self, target: OverrideTarget) -> None:
        """Raises NotOurs for what is in neither the configuration nor the directory, StoreUnavailable while nobody has
        read the directory: what is unknown is not missing."""
        if target.scope is not None and target.scope not in self._failover.states:
            known = ", ".join(sorted(self._failover.states))
            raise NotOurs(f"scope: there is no platform {target.scope[:64]!r}.", f"Known: {known}.", "scope")
        if target.scope is not None or target.is_wide:
            return
        directory = self._read()
        unknown = [did for did in target.listed if directory.assignment(did) is None]
        if unknown:
            more = "" if len(unknown) <= MAX_NAMED else f" and {len(unknown) - MAX_NAMED} more"
            are = "is" if len(unknown) == 1 else "are"
            raise NotOurs(
                f"did: {', '.join(unknown[:MAX_NAMED])}{more} {are} not in the directory.",
                "See `ringfence explain` and `ringfence import`.",
            )
        if not target.listed and next(covered(target, directory), None) is None:
            what = "site" if target.site is not None else "team"
            name = target.site if target.site is not None else target.team
            raise NotOurs(
                f"{what}: no DID belongs to the {what} {(name or '')[:80]!r}.",
                "Look at how it is written in the directory; a DID belongs to its own site, and to the team whose line "
                "it is or to its owner's.",
                what,
            )

    async def targets(self) -> Targets:
        """Of the directory in force."""
        directory, scopes = self._directory(), dict.fromkeys(self._failover.states, 0)

        def work() -> Targets:
            items = directory.assignments.values()
            teams = Counter(team_of(item, directory) for item in items)
            del teams[""]
            known = Counter(item.scope for item in items)
            return Targets({scope: known[scope] for scope in scopes}, Counter(item.site for item in items), teams)

        return await asyncio.to_thread(work)

    def _read(self) -> Directory:
        directory = self._keeper.directory
        if directory is None:
            raise StoreUnavailable(
                "The directory has not been read from the database: nothing can be said of its DIDs, sites and teams.",
                "Order it for the platform (`scope`), or again when `ringfence status` says that the database is up.",
            )
        return directory

    def _directory(self) -> Directory:
        return self._keeper.directory or Directory()
