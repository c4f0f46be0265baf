"""Scope states, overrides and transitions on a real database: what the one writer relies on."""

from __future__ import annotations

import asyncio
from dataclasses import replace
from pathlib import Path

import pytest
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.app.ports import OutageChange, OutageStore, StoreCorrupt, StoreUnavailable, VersionConflict
from ringfence.domain.outage import Mode, ScopeState, Signal, Transition, TrialTally, first_state
from ringfence.domain.override import Override, OverrideKind, OverrideTarget
from ringfence.domain.reasons import Reason
from ringfence.domain.verdict import Cause
from ringfence.store.database import Database
from ringfence.store.outage_store import SqlOutageStore
from tests.integration.stores import NOW, later, locked_by_another, only_sqlite, opened_at

EVERYTHING, UC, DID = OverrideTarget(), OverrideTarget(scope="uc"), OverrideTarget(did="+441134960123")


@pytest.fixture
def store(database: Database) -> OutageStore:
    return SqlOutageStore(database)


def moved(before: ScopeState, after: Mode, key: str) -> OutageChange:
    state = replace(
        before, mode=after, since=NOW, reason=Reason.SILENT, cause=Cause.SILENCE, version=before.version + 1
    )
    transition = Transition(
        before.scope, before.mode, after, Signal.OUTAGE, Reason.SILENT, NOW, ("sip: against: silent",), state.version
    )
    return OutageChange(key, state, transition, at=NOW.wall)


def word(kind: OverrideKind, target: OverrideTarget, key: str, seconds: float = 0) -> OutageChange:
    override = Override(target, kind, "ada", "drill", later(seconds), later(3600))
    return OutageChange(key, override_set=override, at=later(seconds), who="ada", why="drill")


async def test_a_state_and_its_transition_are_read_back_as_they_were(store: OutageStore) -> None:
    first = moved(first_state("uc", NOW), Mode.FAILED_OVER, "k1")
    assert first.state is not None
    trial = replace(first.state, mode=Mode.TRIAL, bad_trials=2, trial=TrialTally(1, 0), version=2)
    await store.commit(first)
    await store.commit(replace(first, key="k2", state=trial))
    assert await store.load_states(NOW) == {"uc": trial}
    row = (await store.history(10))[-1]
    assert (row.scope, row.before, row.after, row.reason) == ("uc", "NORMAL", "FAILED_OVER", "silent")
    assert (row.evidence, row.who, row.at) == (("sip: against: silent",), "ringfence", NOW.wall)


async def test_a_stale_version_is_refused_and_nothing_of_it_stored(store: OutageStore) -> None:
    start = first_state("uc", NOW)
    await store.commit(moved(start, Mode.FAILED_OVER, "k1"))
    with pytest.raises(VersionConflict, match="uc is version 1, and version 1 cannot follow"):
        await store.commit(moved(start, Mode.HOLD_DOWN, "k2"))
    with pytest.raises(VersionConflict):
        await store.commit(moved(replace(start, version=5), Mode.HOLD_DOWN, "k3"))
    assert [row.after for row in await store.history(10)] == ["FAILED_OVER"]
    assert (await store.load_states(NOW))["uc"].mode is Mode.FAILED_OVER


async def test_of_two_writers_exactly_one_follows(place: Path | str) -> None:
    async with opened_at(place) as one, opened_at(place) as other:
        start = first_state("uc", NOW)
        for version in range(10):
            rivals = [
                SqlOutageStore(database).commit(
                    moved(replace(start, version=version), Mode.FAILED_OVER, f"{n}-{version}")
                )
                for n, database in enumerate((one, other))
            ]
            results = await asyncio.gather(*rivals, return_exceptions=True)
            assert [result for result in results if result is None] == [None]
            assert [type(result) for result in results if result is not None] == [VersionConflict]


async def test_the_same_change_is_stored_once(store: OutageStore) -> None:
    change = moved(first_state("uc", NOW), Mode.FAILED_OVER, "k1")
    for _ in range(3):
        await store.commit(change)
        await store.commit(word(OverrideKind.DR, UC, "k2"))
    assert len(await store.history(10)) == 2
    bare = OutageChange("k3", replace(first_state("teams", NOW), version=1))
    await store.commit(bare)
    await store.commit(bare)
    assert (await store.load_states(NOW))["teams"].version == 1


async def test_overrides_are_set_replaced_released_and_told(store: OutageStore) -> None:
    await store.commit(word(OverrideKind.DR, UC, "k1", 1))
    await store.commit(word(OverrideKind.FREEZE, UC, "k2", 2))
    await store.commit(word(OverrideKind.NORMAL, EVERYTHING, "k3", 3))
    await store.commit(word(OverrideKind.DR, DID, "k4", 4))
    held = await store.load_overrides()
    assert [(o.target, o.kind, o.who, o.why, o.set_at, o.until) for o in held] == [
        (UC, OverrideKind.FREEZE, "ada", "drill", later(2), later(3600)),
        (EVERYTHING, OverrideKind.NORMAL, "ada", "drill", later(3), later(3600)),
        (DID, OverrideKind.DR, "ada", "drill", later(4), later(3600)),
    ]
    await store.commit(OutageChange("k5", override_released=UC, at=later(5), who="bo", why="done"))
    await store.commit(OutageChange("k6", override_released=DID, at=later(6), why="its time is over", expired=True))
    assert [o.target for o in await store.load_overrides()] == [EVERYTHING]
    told = [(row.scope, row.before, row.after, row.reason, row.who) for row in await store.history(10)]
    assert told == [
        ("did:+441134960123", "dr", "-", "override_expired", "ringfence"),
        ("uc", "freeze", "-", "person_released", "bo"),
        ("did:+441134960123", "-", "dr", "person_forced_dr", "ada"),
        ("everything", "-", "normal", "person_forced_normal", "ada"),
        ("uc", "dr", "freeze", "person_froze", "ada"),
        ("uc", "-", "dr", "person_forced_dr", "ada"),
    ]
    assert len(await store.history(2)) == 2
    assert [row.who for row in await store.history(10, None, "did:+441134960123")] == ["ringfence", "ada"]


async def test_an_admin_called_as_we_are_is_a_person(store: OutageStore) -> None:
    await store.commit(word(OverrideKind.DR, UC, "k1"))
    await store.commit(OutageChange("k2", override_released=UC, at=later(5), who="ringfence", why="done"))
    assert [row.reason for row in await store.history(1)] == ["person_released"]


@only_sqlite
async def test_a_row_edited_by_hand_is_corrupt_and_nothing_else(store: OutageStore, database: Database) -> None:
    await store.commit(moved(first_state("uc", NOW), Mode.FAILED_OVER, "k1"))
    await store.commit(word(OverrideKind.DR, UC, "k2"))

    async def edit(connection: AsyncConnection) -> None:
        await connection.execute(text("UPDATE scope_states SET since = 'yesterday'"))
        await connection.execute(text("UPDATE overrides SET set_at = 'yesterday'"))
        await connection.execute(text("UPDATE transitions SET at = 'yesterday'"))

    await database.write(edit)
    for reading in (store.load_states(NOW), store.load_overrides(), store.history(10)):
        with pytest.raises(StoreCorrupt, match="cannot be understood"):
            await reading


async def test_a_restart_keeps_how_long_a_mode_has_lasted(store: OutageStore) -> None:
    await store.commit(moved(first_state("uc", NOW), Mode.FAILED_OVER, "k1"))
    restarted = replace(NOW.plus(60), monotonic=5.0)
    assert restarted.since((await store.load_states(restarted))["uc"].since) == 60


async def test_a_locked_database_gives_up_within_the_writers_deadline(store: OutageStore, place: Path | str) -> None:
    change = moved(first_state("uc", NOW), Mode.FAILED_OVER, "k1")
    with locked_by_another(place), pytest.raises(StoreUnavailable):
        async with asyncio.timeout(1.0):
            await store.commit(change)
    await store.commit(change)
    assert len(await store.history(10)) == 1


async def test_words_about_sites_teams_and_lists_come_back_as_they_were(store: OutageStore) -> None:
    dids = OverrideTarget.of_dids(f"+4411349601{n:02d}" for n in range(100))
    before = Override(dids, OverrideKind.NORMAL, "bob", "pinned", later(0), later(60), "a1")
    said = [
        Override(OverrideTarget(site="Leeds, north"), OverrideKind.DR, "ada", "flood", later(1), id="b1", alone=True),
        Override(OverrideTarget(team="x" * 80), OverrideKind.NORMAL, "ada", "drill", later(2), id="c1"),
        Override(dids, OverrideKind.DR, "ada", "drill", later(3), later(90), "d1", before, approved_by="bob"),
    ]
    for number, override in enumerate(said):
        await store.commit(OutageChange(f"k{number}", override_set=override, at=later(number), who="ada", why="drill"))
    assert await store.load_overrides() == said
    newest, *_, oldest = await store.history(10)
    assert newest.evidence[:2] == (f"about {dids.words}", "approved by bob")
    assert (oldest.scope, oldest.evidence) == (
        "site:Leeds, north",
        ("carried out alone: a second person was asked for and did not come",),
    )
    shorter = replace(said[2], target=OverrideTarget.of_dids(dids.dids[1:]))
    await store.commit(OutageChange("k9", override_set=shorter, override_released=dids, at=later(9), who="ringfence"))
    assert await store.load_overrides() == [*said[:2], shorter]
