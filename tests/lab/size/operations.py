"""What a change costs in operations on Asterisk's database, counted and not timed: the same on every machine.

The real compiler, publishers and judge, on an AstDB in memory that counts."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from ringfence.app.mode_publisher import ModePublisher
from ringfence.app.ports import Put
from ringfence.app.publisher import TablePublisher
from ringfence.app.table_keeper import TableKeeper
from ringfence.domain.csv_fields import CsvRules
from ringfence.domain.directory import Directory
from ringfence.domain.directory_csv import CsvFile, CsvFiles, read_directory
from ringfence.domain.override import Override, OverrideKind, OverrideTarget
from ringfence.domain.policy import EgressGate, EgressPolicy
from ringfence.domain.route_table import shelves
from ringfence.domain.routing_policy import RoutingPolicy
from tests.fakes.clock import FakeClock
from tests.lab.size.organisation import LargeOrganisation

CHANGED_ROWS = 10
_SHELVES = shelves()
POLICY = RoutingPolicy(EgressGate(EgressPolicy(frozenset({"GB"}))))


@dataclass
class CountingAstDb:
    """Implements `ports.AstDb`."""

    rows: dict[str, dict[str, str]] = field(default_factory=dict)
    written: list[str] = field(default_factory=list)
    shelves_read: int = 0
    records_read: int = 0

    async def put(self, key: str, value: str) -> None:
        self.rows.setdefault(key.rpartition("/")[0], {})[key] = value
        self.written.append(key)

    async def get(self, key: str) -> str | None:
        self.records_read += 1
        return self.rows.get(key.rpartition("/")[0], {}).get(key)

    async def write(self, puts: Sequence[Put], deletes: Sequence[str]) -> None:
        await asyncio.sleep(0)
        for put in puts:
            await self.put(put.key, put.value)
        for key in deletes:
            self.rows.get(key.rpartition("/")[0], {}).pop(key, None)
            self.written.append(key)

    async def read_tree(self, key: str) -> dict[str, str]:
        await asyncio.sleep(0)
        self.shelves_read += 1
        return {path: value for family in _SHELVES[key] for path, value in self.rows.get(family, {}).items()}

    def reset(self) -> None:
        self.written, self.shelves_read, self.records_read = [], 0, 0


@dataclass(frozen=True, slots=True)
class Cost:
    """Records written (the table's own is one of them); shelves of the table read back, and records by themselves."""

    written: int
    shelves_read: int
    records_read: int


@dataclass(frozen=True, slots=True)
class Operations:
    """Of one size."""

    dids: int
    first: Cost
    unchanged: Cost
    ten_changed: Cost
    team: Cost
    flip: Cost


async def operations(dids: int) -> Operations:
    """Publishes an organisation of this size, and changes it."""
    organisation = LargeOrganisation.of(dids)
    whole = _read(organisation, Directory(), organisation.people_csv(), everything=True)
    clock, astdb = FakeClock(), CountingAstDb()
    modes = ModePublisher(astdb, clock)
    publisher = TablePublisher(astdb, clock, give_way=modes.calm)
    keeper = TableKeeper(POLICY, (), modes, publisher.want, frozenset(organisation.scope_names))
    async with _running(modes, publisher):

        async def cost() -> Cost:
            await publisher.wait_equal()
            await modes.calm()
            found = Cost(len(astdb.written), astdb.shelves_read, astdb.records_read)
            astdb.reset()
            return found

        await keeper.adopt(whole)
        first = await cost()
        publisher.again()
        unchanged = await cost()
        await keeper.adopt(_read(organisation, whole, organisation.renumbered(range(CHANGED_ROWS))))
        ten = await cost()
        modes.want("mode/uc", "1|divert|0|FAILED_OVER|-|0")
        await asyncio.sleep(0.01)
        flip = await cost()
        target = OverrideTarget(team=organisation.teams[0])
        keeper.said([target], [Override(target, OverrideKind.DR, "somebody", "a reason", clock.now().wall, id="1")])
        team = await cost()
    return Operations(dids, first, unchanged, ten, team, flip)


def _read(organisation: LargeOrganisation, before: Directory, people: str, *, everything: bool = False) -> Directory:
    rules = CsvRules("GB", frozenset(organisation.scope_names), POLICY.gate.policy)
    files = CsvFiles(CsvFile("people.csv", people.encode()))
    if everything:
        files = CsvFiles(
            files.people,
            CsvFile("dids.csv", organisation.dids_csv().encode()),
            CsvFile("sites.csv", organisation.sites_csv().encode()),
            CsvFile("teams.csv", organisation.teams_csv().encode()),
        )
    reading = read_directory(files, before, rules)
    assert reading.directory is not None, reading.errors[:3]
    return reading.directory


@asynccontextmanager
async def _running(modes: ModePublisher, publisher: TablePublisher) -> AsyncIterator[None]:
    tasks = [asyncio.create_task(modes.run()), asyncio.create_task(publisher.run())]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
