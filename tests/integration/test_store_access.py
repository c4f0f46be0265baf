"""Sessions, keys and sealed accounts, stored: what every store of them has to do, on SQLite and on a server."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text

from ringfence.app.access.desk import AccessDesk
from ringfence.app.access.ports import AccessChange, AccessStore, KeyRow, SealedRow, SessionRow, StoredAccess
from ringfence.app.audit import AuditQuery, verified
from ringfence.app.ports import StoreError, StoreUnavailable
from ringfence.domain.access import Permission, Role, SignedInBy
from ringfence.domain.audit import AuditFact, AuditKind
from ringfence.store.access_store import SqlAccessStore
from ringfence.store.audit_store import SqlAuditStore
from ringfence.store.database import Database
from tests.fakes.access import FakeAccessStore, FakeHasher, FakeSealedAccounts
from tests.fakes.clock import FakeClock
from tests.integration.stores import NOW, STORES, empty_database, later, locked_by_another, opened_at

SESSION = SessionRow(
    "abc",
    "0" * 64,
    "Zo\u00eb <zoe@example.org>",
    frozenset({Role.STAFF, Role.VIEWER}),
    SignedInBy.OIDC,
    "zoe",
    NOW.wall,
    NOW.wall,
    later(3600),
)
KEY = KeyRow("k", "1" * 64, "monitoring", frozenset({Permission.SEE, Permission.AUDIT}), NOW.wall, "root", later(86400))
SEALED = SealedRow("break-glass-1", "2" * 64, NOW.wall)
FACT = AuditFact(NOW.wall, AuditKind.ACCESS, "session_begun", "zoe", "zoe")


@asynccontextmanager
async def access_store(kind: str, file: Path) -> AsyncIterator[AccessStore]:
    if kind == "memory":
        yield FakeAccessStore()
        return
    async with empty_database(kind, file) as database:
        yield SqlAccessStore(database)


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[AccessStore]:
    async with access_store(request.param, tmp_path / "ringfence.db") as store:
        yield store


async def test_what_was_stored_is_read_again(store: AccessStore) -> None:
    assert await store.load() == StoredAccess()
    change = AccessChange(begun=(SESSION,), keys=(KEY,), sealed=(SEALED,))
    await store.commit(change)
    await store.commit(change)
    assert await store.load() == StoredAccess((SESSION,), (KEY,), (SEALED,))


async def test_what_ended_is_gone_and_what_was_revoked_is_kept(store: AccessStore) -> None:
    await store.commit(AccessChange(begun=(SESSION, replace(SESSION, id="other", digest="9" * 64)), keys=(KEY,)))
    revoked = replace(KEY, revoked=later(5), revoked_by="root")
    await store.commit(AccessChange(ended=frozenset({"abc", "unknown"}), keys=(revoked,)))
    stored = await store.load()
    assert [row.id for row in stored.sessions] == ["other"]
    assert stored.keys == (revoked,)


async def test_a_last_use_moves_a_row_and_makes_none(store: AccessStore) -> None:
    await store.commit(AccessChange(begun=(SESSION,), keys=(KEY,)))
    await store.commit(AccessChange(seen={"abc": later(9), "gone": later(9)}, used={"k": later(8), "gone": later(8)}))
    stored = await store.load()
    assert stored.sessions == (replace(SESSION, seen=later(9)),)
    assert stored.keys == (replace(KEY, used=later(8)),)


async def test_a_role_of_a_newer_version_grants_nothing_here(place: Path | str) -> None:
    async with opened_at(place) as database:
        store = SqlAccessStore(database)
        await store.commit(AccessChange(begun=(SESSION,), keys=(KEY,)))
        await database.write(lambda c: c.execute(text("UPDATE sessions SET roles = 'emperor,viewer'")))
        await database.write(lambda c: c.execute(text("UPDATE api_keys SET permissions = 'rule'")))
        stored = await store.load()
        assert stored.sessions[0].roles == {Role.VIEWER}
        assert stored.keys[0].permissions == frozenset()


async def test_the_audit_record_has_it_in_the_same_transaction(place: Path | str) -> None:
    async with opened_at(place) as database:
        store, audit = SqlAccessStore(database), SqlAuditStore(database)
        await store.commit(AccessChange(begun=(SESSION,), facts=(FACT, FACT)))
        report = await verified(audit, [])
        assert (report.rows, report.faults) == (2, ())
        await database.write(lambda c: c.execute(text("DROP TABLE audit_rows")))
        with pytest.raises(StoreError):
            await store.commit(AccessChange(ended=frozenset({"abc"}), facts=(FACT,)))
        assert len((await store.load()).sessions) == 1


async def test_a_database_that_another_holds_keeps_nobody_out(place: Path | str) -> None:
    clock = FakeClock()

    async def tell(_: object) -> None:
        pass

    database = await Database.open(place, patience_seconds=0.05)
    try:
        desk = AccessDesk(SqlAccessStore(database), FakeSealedAccounts(), FakeHasher(), clock, tell)
        with locked_by_another(place):
            new = await desk.begin_session("zoe", frozenset({Role.HELPDESK}), SignedInBy.OIDC)
            assert desk.session(new.token) is not None
            with pytest.raises(StoreUnavailable):
                await desk.tidy()
        await desk.tidy()
        assert [row.id for row in (await SqlAccessStore(database).load()).sessions] == [new.row.id]
        facts = [row.action for row in await SqlAuditStore(database).page(AuditQuery(), 10)]
        assert facts.count("session_begun") == 1
    finally:
        await database.close()
