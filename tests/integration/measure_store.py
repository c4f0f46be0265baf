"""Prints what a great directory costs: `python -m tests.integration.measure_store 100000`. Measured, never asserted."""

from __future__ import annotations

import asyncio
import gc
import resource
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from ringfence.app.directory_import import StoredDirectory
from ringfence.domain.csv_fields import CsvRules
from ringfence.domain.directory import DefaultNumber, DidAssignment, Directory, Person, PersonKey, Site
from ringfence.domain.directory_csv import CsvFile, CsvFiles, read_directory, render_dids, render_people, render_sites
from ringfence.domain.numbers import Did
from ringfence.domain.policy import EgressGate, EgressPolicy
from ringfence.domain.route_table import compile_table
from ringfence.domain.routing import RoutingPolicy
from ringfence.store.database import Database
from ringfence.store.directory_store import SqlDirectoryStore
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


if __name__ == "__main__":
    asyncio.run(main(int(sys.argv[1]) if len(sys.argv) > 1 else 10_000))
