"""Ranges of DIDs in the database: stored as ranges, read back as the numbers they are."""

from __future__ import annotations

from ringfence.app.directory_import import DirectoryImport
from ringfence.domain.directory import Directory
from ringfence.domain.directory_csv import CsvFile, CsvFiles
from ringfence.store.database import Database
from ringfence.store.directory_store import SqlDirectoryStore
from tests.integration.test_store_directory import FixedClock
from tests.unit.test_did_ranges import HEAD, PEOPLE, RANGE, RULES, SITES


async def test_ranges_are_stored_as_such(database: Database) -> None:
    store = SqlDirectoryStore(database)
    files = {"people": PEOPLE, "dids": f"{HEAD}{RANGE},by extension,Leeds,uc,,\n", "sites": SITES}
    importing = DirectoryImport(store, FixedClock(), RULES)

    async def imported(**changed: str) -> Directory:
        given = {part: CsvFile(part, text.encode()) for part, text in (files | changed).items()}
        plan = await importing.plan(CsvFiles(**given))
        stored = await importing.apply(plan, "ada", "test")
        assert (await store.load()).directory == stored.directory == plan.reading.directory
        return stored.directory

    assert len((await imported()).assignments) == 100
    assert len((await imported(dids=f"{HEAD}{RANGE},,York,uc,,\n")).rows) == 0
    plan = await importing.plan(CsvFiles(dids=CsvFile("dids", f"{HEAD}0113 496 0101,p1,York,uc,,\n".encode())))
    assert plan.cautions == ("removes 99 of 100 DIDs: is the file whole?",)
    assert not (await imported(dids=f"{HEAD}0113 496 0101,p1,York,uc,,\n")).ranges
