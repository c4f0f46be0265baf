"""Every change is in the audit record, with the change itself, and no private number ever is."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from ringfence.app.audit import AuditQuery
from ringfence.app.hr.views import EntryField
from ringfence.app.ledger import Ledger
from ringfence.app.ports import StoreUnavailable
from ringfence.domain.audit import AuditKind
from ringfence.domain.audit_chain import AuditRow
from ringfence.domain.directory import DefaultNumber, DidAssignment, Directory, Person, PersonKey, Site
from ringfence.domain.hr.record import HrNumber
from ringfence.domain.hr.roster import Origin
from ringfence.domain.outage import Mode, first_state
from ringfence.domain.override import Override, OverrideKind, OverrideTarget
from ringfence.store.audit_store import SqlAuditStore
from ringfence.store.database import Database
from ringfence.store.directory_store import SqlDirectoryStore
from ringfence.store.outage_store import SqlOutageStore
from ringfence.store.spool import FileSpool
from tests.fakes.clock import NOON, FakeClock
from tests.fakes.roster_site import RECEPTION, did, mobile, post, push, whole
from tests.integration.stores import NOW, later
from tests.integration.test_roster_stored import StoredSite
from tests.integration.test_store_outage import moved, word
from tests.lab.number_scanner import found_in


async def rows(database: Database) -> list[AuditRow]:
    """Oldest first."""
    found = list(reversed(await SqlAuditStore(database).page(AuditQuery(), 1000)))
    assert found_in(repr(found)) == []
    return found


def said(row: AuditRow) -> tuple[str, str, str, str]:
    return row.kind, row.action, row.about, row.who


async def test_modes_and_words(database: Database) -> None:
    store = SqlOutageStore(database)
    first = first_state("uc", NOW)
    change = moved(first, Mode.FAILED_OVER, "k1")
    await store.commit(change)
    await store.commit(change)  # a repetition is one change
    target = OverrideTarget.of_dids(["+441134960123", "+441134960124"])
    told = Override(target, OverrideKind.DR, "ada", "rang from 07700 900123", later(1), later(60), alone=True)
    await store.commit(replace(word(OverrideKind.DR, target, "k2", 1), override_set=told, why="rang from 07700 900123"))
    await store.commit(
        replace(word(OverrideKind.DR, target, "k3", 2), override_set=None, override_released=target, expired=True)
    )
    found = await rows(database)
    assert [said(row) for row in found] == [
        ("mode", "NORMAL -> FAILED_OVER", "scope:uc", "ringfence"),
        ("override", "override dr set", str(target), "ada"),
        ("override", "override expired", str(target), "ada"),
    ]
    assert "silent" in found[0].detail
    assert found[1].why == "rang from ***** ***123"
    for words in ("dids:+441134960123,+441134960124", "no second person came", later(60).isoformat()):
        assert words in found[1].detail


async def test_a_change_that_cannot_be_stored_is_noted_when_it_is_with_its_own_time(
    database: Database, tmp_path: Path
) -> None:
    store, clock = _Busy(database), FakeClock()
    ledger = Ledger(store, FileSpool(tmp_path / "spool.jsonl"), clock)
    store.fault = StoreUnavailable("The disk is full.")
    spooled = await ledger.commit(moved(first_state("uc", NOW), Mode.FAILED_OVER, "k1"))
    assert spooled is not None
    await spooled
    assert await rows(database) == []
    store.fault = None
    again = Ledger(store, FileSpool(tmp_path / "spool.jsonl"), clock)
    await again.recover()
    (row,) = await rows(database)
    assert row.at == NOW.wall.isoformat(timespec="microseconds")


class _Busy(SqlOutageStore):
    fault: StoreUnavailable | None = None

    async def commit(self, change: object) -> None:
        if self.fault is not None:
            raise self.fault
        await super().commit(change)  # type: ignore[arg-type]


async def test_import_feeds_plans_entries_and_erasures(database: Database) -> None:
    directories = SqlDirectoryStore(database)
    people = [Person(PersonKey(f"p{n}"), f"Person {n}", "Leeds", (DefaultNumber(mobile(n)),)) for n in range(3)]
    assignments = [DidAssignment(did(n), PersonKey(f"p{n}"), "Leeds", "uc") for n in range(3)]
    imported = Directory.of(people, assignments, [Site("Leeds", RECEPTION)])
    await directories.replace(await directories.load(), imported, "grace", f"call {mobile(1)}", NOON)
    site = StoredSite(database)
    async with site.running():
        await site.load_first(3)
        numbers = (HrNumber("+447700900555"),)
        for origin, who in ((Origin.PERSON, "p0"), (Origin.HELPDESK, "heidi")):
            await site.desk.enter("p0", EntryField.NUMBERS, numbers, origin=origin, who=who, why="my new 07700900555")
        before = len(await rows(database))
        await site.hear(whole(post(0), post(1), post(2)))
        unchanged = len(await rows(database))
        await site.hear(push(post(1, active=False)))
        await site.desk.forget("p1", "heidi", "asked to be")
        pseudonyms = await SqlAuditStore(database).pseudonyms(["p0", "p1"])
    assert unchanged == before, "a feed that says the same again is no change"
    found = [said(row) for row in await rows(database)]
    assert found[0] == ("directory", "directory changed", "directory version 1", "grace")
    kinds = [kind for kind, _, _, _ in found]
    for kind in (AuditKind.HR, AuditKind.SELF_SERVICE, AuditKind.PERSON):
        assert kind in kinds
    assert any(kind == "hr" and action == "plan approved" for kind, action, _, _ in found)
    by_name = {name: key for key, name in pseudonyms.items()}
    assert ("self_service", "p0") in [(kind, who) for kind, _, about, who in found if about == by_name["p0"]]
    assert ("person", "heidi") in [(kind, who) for kind, _, about, who in found if about == by_name["p0"]]
    erased = [who for _, action, about, who in found if about == by_name["p1"] and "erased" in action]
    assert erased == ["heidi"]
