"""Prints what a great directory and a great roster cost: `python -m tests.integration.measure_store 100000`. Measured,
never asserted."""

from __future__ import annotations

import asyncio
import gc
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import date
from pathlib import Path

from ringfence.app.directory_import import StoredDirectory
from ringfence.app.hr.ports import RosterCommit
from ringfence.domain.csv_fields import CsvRules
from ringfence.domain.directory import DefaultNumber, DidAssignment, Directory, Person, PersonKey, Site
from ringfence.domain.directory_csv import CsvFile, CsvFiles, read_directory, render_dids, render_people, render_sites
from ringfence.domain.hr.record import HrNumber, HrRecord, RecordId
from ringfence.domain.hr.roster import RecordState, RosterChange, Tenure
from ringfence.domain.numbers import Did
from ringfence.domain.policy import EgressGate, EgressPolicy
from ringfence.domain.route_table import compile_table
from ringfence.domain.routing_policy import RoutingPolicy
from ringfence.store.database import Database
from ringfence.store.directory_store import SqlDirectoryStore
from ringfence.store.roster_store import SqlRosterStore
from tests.integration.stores import NOW


@contextmanager
def measured(what: str) -> Iterator[None]:
    before, began = _megabytes(), time.perf_counter()
    yield
    seconds = time.perf_counter() - began
    gc.collect()
    print(f"{what:<42}{seconds:8.2f} s {_megabytes() - before:8.1f} MB more, {_megabytes():6.1f} MB in all")


def _megabytes() -> float:
    """Resident memory of this process now."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1024**2


def great_directory(did_count: int) -> Directory:
    people = (
        Person(PersonKey(f"p{n}"), f"Person {n}", "Leeds", (DefaultNumber(f"+447700{n:06d}"),))
        for n in range(did_count)
    )
    dids = (DidAssignment(Did(f"+441134{n:06d}"), PersonKey(f"p{n}"), "Leeds", "uc") for n in range(did_count))
    return Directory.of(people, dids, [Site("Leeds", "+442079460000")])


async def fill(file: Path, did_count: int) -> tuple[str, str, str]:
    database = await Database.open(file)
    directory = great_directory(did_count)
    began = time.perf_counter()
    await SqlDirectoryStore(database).replace(StoredDirectory(Directory(), 0), directory, "test", "", NOW.wall)
    print(f"{'store it for the first time':<42}{time.perf_counter() - began:8.2f} s")
    await database.close()
    return render_people(directory), render_dids(directory), render_sites(directory)


async def main(did_count: int) -> None:
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "ringfence.db"
        texts = await fill(file, did_count)
        gc.collect()
        with measured("open the database, check it"):
            database = await Database.open(file)
        with measured(f"load {did_count} DIDs"):
            directory = (await SqlDirectoryStore(database).load()).directory
        policy = RoutingPolicy(EgressGate(EgressPolicy(frozenset({"GB"}))))
        with measured("compile the table"):
            table = compile_table(directory, policy)
        with measured("compile it again"):
            table = compile_table(directory, policy)
        with measured("read the three CSV files"):
            names = ("people.csv", "dids.csv", "sites.csv")
            files = CsvFiles(*(CsvFile(name, text.encode()) for name, text in zip(names, texts, strict=True)))
            reading = read_directory(files, directory, CsvRules("GB", frozenset({"uc"}), policy.gate.policy))
        print(len(table), "records,", len(reading.errors), "errors, equal:", reading.directory == directory)
        await database.close()
        del directory, table, files, reading
        gc.collect()
        await roster(Path(folder) / "roster.db", did_count)


def great_roster(count: int) -> RosterChange:
    records = (
        HrRecord(
            f"{n:06d}",
            PersonKey(f"{n:06d}"),
            name=f"Person {n}",
            email=f"person.{n}@example.org",
            site=f"Site {n % 40}",
            department=f"Department {n % 300}",
            manager=f"{n % 2_000:06d}",
            dids=(Did(f"+441134{n:06d}"),),
            numbers=(HrNumber(f"+447700{n:06d}"),),
            starts=date(2024, 9, 1),
        )
        for n in range(count)
    )
    return RosterChange(
        records={RecordId("payroll", record.id, ""): RecordState(record, record, NOW.wall) for record in records},
        tenures={
            Did(f"+441134{n:06d}"): (Tenure(Did(f"+441134{n:06d}"), PersonKey(f"{n:06d}"), NOW.wall),)
            for n in range(count)
        },
    )


async def roster(file: Path, count: int) -> None:
    change = great_roster(count)
    database = await Database.open(file)
    with measured(f"store {count} records and tenures"):
        await SqlRosterStore(database).commit(RosterCommit(change))
    some = list(change.records.items())[:500]
    del change
    gc.collect()
    with measured("load them"):
        loaded = await SqlRosterStore(database).load()
    with measured(f"{len(some)} commits of one record"):
        for id_, state in some:
            # Another state, so that a row is really written.
            again = RosterChange(records={id_: replace(state, absent_since=NOW.wall)})
            await SqlRosterStore(database).commit(RosterCommit(again))
    with measured("wipe"):
        await SqlRosterStore(database).wipe()
    print(len(loaded.records), "records,", f"{file.stat().st_size / 1024**2:.0f} MB of file")
    await database.close()


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
