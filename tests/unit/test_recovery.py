"""What is in force when the daemon starts, from whoever knows."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from ringfence.app.orders import AdoptStored, SetOverride, adopt
from ringfence.app.ports import AsteriskUnavailable, OutageChange, StoreUnavailable
from ringfence.app.recovery import FOUND_BY, Recovered, adopted, forced_in_asterisk, recover
from ringfence.bootstrap.loading import Loading
from ringfence.domain.outage import Mode, ScopeState, first_state
from ringfence.domain.override import Override, OverrideKind, OverrideTarget
from ringfence.domain.reasons import Reason
from ringfence.domain.route_table import did_path
from ringfence.domain.verdict import Cause
from tests.fakes.astdb import FakeAstDb
from tests.fakes.clock import FakeClock, settle
from tests.fakes.node import DID, OTHER_DID, FakeNode
from tests.fakes.stores import FakeOutageStore

DIVERTED = "1|divert|0|FAILED_OVER|-|1893456000"


UC = OverrideTarget(scope="uc")
TARGET = OverrideTarget(did=DID)
FORCED = "1|divert|0|NORMAL|dr|1893456000"


def word(kind: OverrideKind, target: OverrideTarget) -> Override:
    return Override(target, kind, "ann", "drill", FakeClock().now().wall)


async def test_the_database_is_believed_before_asterisk() -> None:
    clock, store = FakeClock(), FakeOutageStore()
    store.states["uc"] = replace(first_state("uc", clock.now()), mode=Mode.HOLD_DOWN, version=3)
    found = await recover(store, FakeAstDb({"mode/uc": DIVERTED}), ["uc"], clock)
    assert found.states["uc"].mode is Mode.HOLD_DOWN


@pytest.mark.parametrize("lost", [True, False])
async def test_a_lost_database_does_not_end_a_failover(lost: bool) -> None:
    clock, store = FakeClock(), FakeOutageStore()
    if not lost:
        store.fault = StoreUnavailable("locked")
    found = await recover(store, FakeAstDb({"mode/uc": DIVERTED}), ["uc"], clock)
    state = found.states["uc"]
    assert (state.mode, state.cause, state.reason) == (Mode.FAILED_OVER, Cause.REFUSING, Reason.FOUND_IN_ASTERISK)
    assert found.read is lost


async def test_the_mode_after_a_restore_is_asterisks() -> None:
    clock, store = FakeClock(), FakeOutageStore()
    store.overrides[TARGET] = word(OverrideKind.DR, TARGET)
    found = await recover(store, FakeAstDb({"mode/uc": DIVERTED}), ["uc"], clock)
    assert (found.states["uc"].mode, [one.target for one in found.overrides]) == (Mode.FAILED_OVER, [TARGET])


async def test_nothing_is_decided_while_neither_answers() -> None:
    clock, store, astdb = FakeClock(), FakeOutageStore(), FakeAstDb({"mode/uc": DIVERTED})
    store.fault, astdb.fault = StoreUnavailable("locked"), AsteriskUnavailable("gone")
    waiting = asyncio.create_task(recover(store, astdb, ["uc"], clock))
    await settle()
    await clock.advance(60)
    assert not waiting.done()
    astdb.fault = None
    await clock.advance(1)
    assert waiting.result().states["uc"].mode is Mode.FAILED_OVER


async def test_an_empty_database_is_believed_after_a_while_without_asterisk() -> None:
    clock, astdb = FakeClock(), FakeAstDb()
    astdb.fault = AsteriskUnavailable("gone")
    waiting = asyncio.create_task(recover(FakeOutageStore(), astdb, ["uc"], clock))
    await settle()
    await clock.advance(9)
    assert not waiting.done()
    await clock.advance(2)
    assert waiting.result() == Recovered({}, [], True, blank=True)


async def test_a_persons_word_survives_a_lost_database() -> None:
    found = await recover(FakeOutageStore(), FakeAstDb({"mode/uc": FORCED}), ["uc"], FakeClock())
    assert found.states["uc"].mode is Mode.NORMAL
    assert [(o.kind, o.target) for o in found.overrides] == [(OverrideKind.DR, UC)]


@pytest.mark.parametrize("released", [False, True])
async def test_a_word_the_database_knows_is_not_found_a_second_time_in_asterisk(released: bool) -> None:
    clock, store = FakeClock(), FakeOutageStore()
    said = word(OverrideKind.DR, OverrideTarget())
    await store.commit(OutageChange("1", override_set=said, at=clock.now().wall))
    if released:
        await store.commit(OutageChange("2", override_released=said.target, at=clock.now().wall))
    found = await recover(store, FakeAstDb({"mode/uc": FORCED}), ["uc"], clock)
    assert found.overrides == ([] if released else [said])


async def test_what_is_still_to_be_stored_is_newer_than_what_is_stored() -> None:
    clock, store = FakeClock(), FakeOutageStore()
    now = clock.now()
    store.states["uc"] = replace(first_state("uc", now), version=3)
    store.overrides[UC] = word(OverrideKind.NORMAL, UC)
    failed_over = replace(first_state("uc", now), mode=Mode.FAILED_OVER, version=4)
    did = word(OverrideKind.DR, OverrideTarget(did="+441134960001"))
    waiting = [
        OutageChange("1", state=failed_over),
        OutageChange("2", override_set=did),
        OutageChange("3", override_released=UC),
    ]
    found = await recover(store, FakeAstDb(), ["uc"], clock, waiting)
    assert (found.states["uc"].mode, found.overrides) == (Mode.FAILED_OVER, [did])


async def test_words_read_late_replace_their_shadows_and_no_later_word() -> None:
    shadow = replace(word(OverrideKind.DR, UC), who=FOUND_BY)
    everything = word(OverrideKind.DR, OverrideTarget())
    did = word(OverrideKind.DR, OverrideTarget(did="+441134960001"))
    later = replace(did, kind=OverrideKind.NORMAL, who="bob")
    held = {UC: shadow, did.target: later}
    changed, kept = adopt(AdoptStored((everything, did)), held, FakeClock().now().wall)
    assert held == {did.target: later, everything.target: everything}
    assert (changed, kept) == ([UC, everything.target], [])


async def test_words_read_late_leave_out_those_that_somebody_has_ended_since() -> None:
    """Here before it was read, or with the spool that an earlier process left; a shadow is no word of anybody."""
    shadow, did = replace(word(OverrideKind.DR, UC), who=FOUND_BY), word(OverrideKind.DR, TARGET)
    everything, stored_uc = word(OverrideKind.DR, OverrideTarget()), word(OverrideKind.DR, UC)
    held = {UC: shadow}
    known = frozenset({UC, TARGET})
    changed, kept = adopt(AdoptStored((everything, did, stored_uc), known=known), held, FakeClock().now().wall)
    assert held == {everything.target: everything, UC: stored_uc}
    assert (changed, kept) == ([UC, everything.target], [])


async def test_what_an_earlier_process_left_in_the_spool_is_not_undone_by_a_database_that_answers_late() -> None:
    node = FakeNode()
    stored = word(OverrideKind.DR, TARGET)
    await node.outage_store.commit(OutageChange("1", override_set=stored, at=node.clock.now().wall))
    await node.spool.append(OutageChange("2", override_released=TARGET, at=node.clock.now().wall))
    node.outage_store.fault = StoreUnavailable("slow")
    await node.ledger.recover()
    node.outage_store.fault = None  # and is read before the ledger tries again
    async with node.running():
        loading = Loading(node.outage_store, node.failover, node.desk, node.astdb, node.clock, node.ledger)
        task = asyncio.create_task(loading.run())
        await settle()
        await node.ledger.recover()
        task.cancel()
        assert (loading.words_read, node.outage_store.overrides, node.failover.overrides) == (True, {}, {})
        assert node.keeper.forced(DID) == "-"


@pytest.mark.parametrize("text", [None, "", "2|divert|0|FAILED_OVER|-|1", "garbage", "1|divert"])
def test_what_cannot_be_read_is_a_first_start(text: str | None) -> None:
    state, override = adopted("uc", text, FakeClock().now())
    assert (state.mode, state.reason, override) == (Mode.NORMAL, Reason.FIRST_START, None)


async def test_forced_dids_come_back_from_asterisk_when_the_database_was_begun_anew() -> None:
    node = FakeNode()
    async with node.running():
        for target, kind in ((OverrideTarget(site="Leeds"), OverrideKind.DR), (TARGET, OverrideKind.NORMAL)):
            await node.failover.order(SetOverride(word(kind, target)))
        await settle()
        found = await forced_in_asterisk(node.astdb, node.clock.now())
        assert [(one.target, one.kind, one.who) for one in found] == [
            (OverrideTarget(did=OTHER_DID), OverrideKind.DR, FOUND_BY),
            (TARGET, OverrideKind.NORMAL, FOUND_BY),
        ]
    again = FakeNode()
    again.outage_store.overrides = {}
    async with again.running():
        mode = replace(word(OverrideKind.DR, UC), who=FOUND_BY)
        again.failover.overrides[UC] = mode
        await again.failover.order(AdoptStored(tuple(found), found=True))
        assert (again.keeper.forced(DID), again.keeper.forced(OTHER_DID)) == ("pinned", "divert")
        assert again.failover.overrides[UC] == mode
        assert again.outage_store.overrides == again.failover.overrides, "the next start reads them as any other word"
        # What the database turns out to hold after all counts instead of everything that was only found.
        await again.failover.order(AdoptStored((word(OverrideKind.DR, TARGET),)))
        assert list(again.failover.overrides) == [TARGET]
        assert (again.keeper.forced(DID), again.keeper.forced(OTHER_DID)) == ("divert", "-")


async def test_many_forced_dids_come_back_in_parts_and_unreadable_records_are_passed_over() -> None:
    rows = {}
    for number in range(2_100):
        did = f"+4411349{number:05}"
        rows[did_path(did)] = "1|uc|divert|voice|0|a:unavailable:0|a:unavailable:0"
    rows["did/1/+441134969001"] = "nonsense"
    found = await forced_in_asterisk(FakeAstDb(rows), FakeClock().now())
    assert [len(one.target.dids) for one in found] == [1_000, 1_000, 100]


HELD = first_state("uc", FakeClock().now())
FOUND = replace(HELD, mode=Mode.FAILED_OVER, cause=Cause.REFUSING, reason=Reason.FOUND_IN_ASTERISK)
STORED = replace(FOUND, cause=Cause.SILENCE, reason=Reason.SILENT, bad_trials=2, version=9)


@pytest.mark.parametrize(
    ("held", "stored", "mode", "version"),
    [
        # Asterisk had lost its AstDB as well: what was in force is in force again, and the next start finds the same.
        (HELD, STORED, Mode.FAILED_OVER, 9),
        # How often it was tried in vain, and that silence alone had brought it here, the mode's key does not say.
        (FOUND, STORED, Mode.FAILED_OVER, 9),
        (FOUND, replace(STORED, mode=Mode.NORMAL), Mode.FAILED_OVER, 0),
        (replace(HELD, reason=Reason.SILENT, mode=Mode.FAILED_OVER, version=1), STORED, Mode.FAILED_OVER, 1),
    ],
)
async def test_a_database_that_is_read_later_tells_the_mode_where_nothing_was_decided_since(
    held: ScopeState, stored: ScopeState, mode: Mode, version: int
) -> None:
    node = FakeNode()
    async with node.running():
        scope = next(iter(node.failover.states))
        node.failover.states[scope] = replace(held, scope=scope)
        await node.failover.order(AdoptStored((), states={scope: replace(stored, scope=scope)}))
        await settle()
        state = node.failover.states[scope]
        assert (state.mode, state.version) == (mode, version)
        assert (node.astdb.rows[f"mode/{scope}"].split("|")[1] == "divert") == (version == 9)


async def test_the_database_is_asked_for_the_modes_when_it_is_read_later() -> None:
    node = FakeNode()
    async with node.running():
        scope = next(iter(node.failover.states))
        node.outage_store.states[scope] = replace(STORED, scope=scope)
        node.outage_store.overrides[TARGET] = word(OverrideKind.DR, TARGET)
        loading = Loading(node.outage_store, node.failover, node.desk, node.astdb, node.clock, node.ledger)
        task = asyncio.create_task(loading.run())
        await settle()
        task.cancel()
        assert node.failover.states[scope].version == 9
