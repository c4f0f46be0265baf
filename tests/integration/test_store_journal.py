"""Call records and what outlives a restart, on a real file."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from sqlalchemy import text

from ringfence.app.ports import JournalStore, MemoryStore, Passed
from ringfence.domain.calls import AnsweredBy, CallRecord
from ringfence.domain.health import EvidenceKind, TargetId, TargetRole
from ringfence.store.database import Database
from ringfence.store.journal_store import SqlJournalStore
from ringfence.store.memory_store import SqlMemoryStore
from tests.fakes.calls import a_call
from tests.integration.stores import later, only_sqlite


def call(number: int, did: str = "+441134960123") -> CallRecord:
    return a_call(
        call_id=f"box-{number}.1", ended_at=later(number), did=did, answered_by=AnsweredBy.PERSON, platform_status=None
    )


async def test_records_come_back_newest_first(database: Database) -> None:
    journal: JournalStore = SqlJournalStore(database)
    calls = [call(n, f"+44113496012{n % 2}") for n in range(6)]
    await journal.append(calls)
    await journal.append([])
    assert await journal.recent(4) == calls[:1:-1]
    assert await journal.recent(10, "+441134960121") == [calls[5], calls[3], calls[1]]


async def test_a_record_told_twice_is_kept_once(database: Database) -> None:
    journal = SqlJournalStore(database)
    await journal.append([call(1), call(1), call(2)])
    await journal.append([call(2), call(3)])
    assert [record.call_id for record in await journal.recent(10)] == ["box-3.1", "box-2.1", "box-1.1"]


async def test_old_records_are_pruned(database: Database) -> None:
    journal = SqlJournalStore(database)
    await journal.append([call(n) for n in range(5_000)])
    assert await journal.prune(later(4_990)) == 4_990
    assert await journal.prune(later(4_990)) == 0
    assert [record.call_id for record in await journal.recent(100)] == [f"box-{n}.1" for n in range(4_999, 4_989, -1)]


async def test_the_journal_is_bounded_in_number_too(database: Database) -> None:
    journal = SqlJournalStore(database, max_rows=100)
    await journal.append([call(n) for n in range(250)])
    assert await journal.prune(later(-1)) == 150
    assert len(await journal.recent(1_000)) == 100


async def test_a_hostile_caller_costs_nothing_but_the_end_of_his_number(database: Database) -> None:
    journal = SqlJournalStore(database)
    await journal.append([replace(call(1), caller="'; DROP TABLE calls; --" + "1" * 1_000, did="\ud800\x00\r\n")])
    (record,) = await journal.recent(10)
    assert (len(record.caller), record.did) == (100, "??\r\n")


async def test_memory_survives_and_is_overwritten(database: Database) -> None:
    memory: MemoryStore = SqlMemoryStore(database)
    platform, trunk = TargetId(TargetRole.PLATFORM, "uc"), TargetId(TargetRole.TRUNK, "carrier")
    sip, contact = EvidenceKind.SIP_OPTIONS, EvidenceKind.CONTACT_STATUS
    old, new = "192.0.2.10:5060", "192.0.2.11:5060"
    await memory.save_passed({(platform, sip): Passed(later(1), old), (trunk, sip): Passed(later(2), old)})
    await memory.save_passed({(platform, sip): Passed(later(3), new), (platform, contact): Passed(later(4), new)})
    await memory.save_passed({})
    held = {
        (platform, sip): Passed(later(3), new),
        (trunk, sip): Passed(later(2), old),
        (platform, contact): Passed(later(4), new),
    }
    assert await memory.load_passed(later(0)) == held
    del held[(trunk, sip)]
    assert await memory.load_passed(later(3)) == held
    await memory.save_delivered({"+441134960123": later(1), "+441134960124": later(2)})
    await memory.save_delivered({"+441134960123": later(5)})
    assert await memory.load_delivered(later(3)) == {"+441134960123": later(5)}


async def test_a_kind_of_evidence_from_a_newer_version_is_passed_over(database: Database) -> None:
    memory = SqlMemoryStore(database)
    await memory.save_passed({(TargetId(TargetRole.PLATFORM, "uc"), EvidenceKind.SIP_OPTIONS): Passed(later(1), "")})
    await database.write(lambda connection: connection.execute(text("UPDATE passed SET kind = 'canary_call'")))
    assert await memory.load_passed(later(0)) == {}


@only_sqlite
async def test_callers_are_blanked_for_good_and_their_calls_stay(database: Database, tmp_path: Path) -> None:
    journal = SqlJournalStore(database)
    old, young = "+447700900321", "+447700900654"
    await journal.append([replace(call(number), caller=old) for number in range(1, 500)])
    await journal.append([replace(call(number), caller=young) for number in range(500, 600)])
    assert old.encode() in _bytes_of(tmp_path)
    assert await journal.forget_callers(later(500)) == 499
    assert old.encode() not in _bytes_of(tmp_path)
    assert young.encode() in _bytes_of(tmp_path)
    assert await journal.forget_callers(later(500)) == 0
    kept = await journal.recent(1000)
    assert [record.caller for record in kept] == [young] * 100 + [""] * 499
    found = await journal.find("box-7.1")
    assert found is not None
    assert (found.caller, found.did) == ("", "+441134960123")
    assert await journal.find("never") is None


def _bytes_of(folder: Path) -> bytes:
    return b"".join(file.read_bytes() for file in folder.iterdir())
