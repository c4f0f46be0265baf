"""The roster's desk on the real database: a restart, a database that is gone, and what is left of an erased number."""

from __future__ import annotations

import asyncio
import tomllib
from collections.abc import AsyncIterator
from datetime import timedelta
from pathlib import Path

import pytest

from ringfence.app.hr.scim_ports import ScimKind, ScimResource
from ringfence.app.hr.views import EntryField
from ringfence.app.ports import StoreError
from ringfence.bootstrap.hr_side import HrSide
from ringfence.config import parse
from ringfence.domain.directory import DefaultNumber, DidAssignment, Directory, Person, PersonKey, Site
from ringfence.domain.hr.record import HrNumber
from ringfence.domain.hr.roster import Origin
from ringfence.store.database import Database
from ringfence.store.directory_store import SqlDirectoryStore
from ringfence.store.roster_store import SqlRosterStore
from tests.fakes.clock import NOON
from tests.fakes.roster_site import ACCOUNTS, RECEPTION, RosterSite, did, mobile, no_failover, post, push, whole
from tests.lab import new_database
from tests.unit.test_config import GOOD

OWN = "+447700900555"


class StoredSite(RosterSite):
    """A site on the stores of a database file."""

    def __init__(self, database: Database) -> None:
        self.database = database
        super().__init__()

    def begin(self, keepers: object = ()) -> None:
        self.directories = SqlDirectoryStore(self.database)  # type: ignore[assignment]
        self.store = _Store(self.database)  # type: ignore[assignment]
        super().begin()


class _Store(SqlRosterStore):
    prunes = 0

    async def prune(self, before: object) -> int:
        found = await super().prune(before)  # type: ignore[arg-type]
        self.prunes += 1
        return found


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    await new_database.lay(tmp_path / "ringfence.db")
    opened = await Database.open(tmp_path / "ringfence.db")
    directories = SqlDirectoryStore(opened)
    people = [Person(PersonKey(f"p{n}"), f"Person {n}", "Leeds", (DefaultNumber(mobile(n)),)) for n in range(3)]
    assignments = [DidAssignment(did(n), PersonKey(f"p{n}"), "Leeds", "uc") for n in range(3)]
    imported = Directory.of(people, assignments, [Site("Leeds", RECEPTION)])
    await directories.replace(await directories.load(), imported, "test", "import", NOON)
    yield opened
    await opened.close()


async def test_what_was_said_decided_and_entered_is_there_after_a_restart(database: Database) -> None:
    site = StoredSite(database)
    async with site.running():
        await site.load_first(3)
        await site.desk.enter(
            "p0", EntryField.NUMBERS, (HrNumber(OWN),), origin=Origin.PERSON, who="p0", why="my new mobile"
        )
        await site.hear(push(post(1, active=False), post(2, ends_at=NOON + timedelta(days=1))))
        run = await site.hear(whole(post(0), source=ACCOUNTS))
        before = site.rung(0), site.rung(1), site.rung(2)
    site.begin()
    async with site.running():
        assert (site.rung(0), site.rung(1), site.rung(2)) == before
        assert OWN in site.rung(0)
        assert [view.row.id for view in await site.desk.plans()] == [run.plan]
        await site.much_later(days=1)
        assert not site.rings(2)


async def test_a_database_that_goes_away_stops_no_leaver(database: Database, tmp_path: Path) -> None:
    site = StoredSite(database)
    async with site.running():
        await site.load_first(3)
        await site.hear(push(post(1, ends_at=NOON + timedelta(minutes=5))))
        file = tmp_path / "ringfence.db"
        file.rename(tmp_path / "elsewhere.db")
        with pytest.raises(StoreError):
            await site.desk.hear(push(post(2, active=False)))
        await site.later(minutes=5)
        await site.until(lambda: not site.rings(1))
        assert site.rings(2)
        (tmp_path / "elsewhere.db").rename(file)
        await site.hear(push(post(2, active=False)))
        assert not site.rings(2)


async def test_nothing_of_an_erased_number_is_left_in_the_files(database: Database, tmp_path: Path) -> None:
    site = StoredSite(database)
    async with site.running():
        await site.load_first(3)
        await site.desk.enter(
            "p1", EntryField.NUMBERS, (HrNumber(OWN),), origin=Origin.PERSON, who="p1", why="my new mobile"
        )
        await site.hear(push(post(1, active=False)))
        assert all(any(number in text for text in _files(tmp_path)) for number in (mobile(1), OWN))
        await site.much_later(days=31)
        assert not any(number in text for text in _files(tmp_path) for number in (mobile(1), OWN))
        assert any(mobile(0) in text for text in _files(tmp_path))


def _files(folder: Path) -> list[str]:
    return [file.read_bytes().decode("latin-1") for file in folder.iterdir() if file.is_file()]


async def test_what_was_pushed_and_not_taken_in_before_a_crash_is_taken_in(database: Database, tmp_path: Path) -> None:
    token = tmp_path / "scim_token"
    token.touch(mode=0o600)
    token.write_text("x" * 40)
    settings = parse(tomllib.loads(f'{GOOD}\n[[hr_source]]\ntype = "scim"\nname = "entra"\ntoken_file = "{token}"\n'))
    site = StoredSite(database)
    side = HrSide(settings, database, site.directories, site.keeper, site.clock, lambda: None, no_failover)
    assert side.scim is not None
    users = [
        ScimResource(
            ScimKind.USER,
            f"id{n}",
            "1",
            NOON,
            NOON,
            f"p{n}",
            "",
            {"userName": f"p{n}", "externalId": f"p{n}", "active": True},
        )
        for n in range(3)
    ]
    for user in users:
        await side.scim.keeper.store.add(user)
    for _ in range(2):  # as after a start, and after another one
        await side.desk.load()
        task = asyncio.create_task(side.tell_what_was_pushed())
        await site.until(lambda: side.desk.sources()[0].records == 3)
        task.cancel()
        await asyncio.wait([task])
    assert side.desk.sources()[0].last_good is None
    assert side.desk.active_ids("entra") == {"id0", "id1", "id2"}
    await side.scim.keeper.store.remove(users[2])
    task = asyncio.create_task(side.tell_what_was_pushed())
    await site.until(lambda: side.desk.active_ids("entra") == {"id0", "id1"})
    task.cancel()
    await asyncio.wait([task])
