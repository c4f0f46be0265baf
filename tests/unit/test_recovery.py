"""What is in force when the daemon starts, from whoever knows."""

from __future__ import annotations

import asyncio
from dataclasses import replace

import pytest

from ringfence.app.ports import AsteriskUnavailable, StoreUnavailable
from ringfence.app.recovery import adopted, recover
from ringfence.domain.outage import Mode, OverrideKind, first_state
from ringfence.domain.reasons import Reason
from ringfence.domain.verdict import Cause
from tests.fakes.astdb import FakeAstDb
from tests.fakes.clock import FakeClock, settle
from tests.fakes.stores import FakeOutageStore

DIVERTED = "1|divert|0|FAILED_OVER|-|1893456000"


async def test_the_database_is_believed_before_asterisk() -> None:
    clock, store = FakeClock(), FakeOutageStore()
    store.states["uc"] = replace(first_state("uc", clock.now()), mode=Mode.HOLD_DOWN, version=3)
    states, _ = await recover(store, FakeAstDb({"mode/uc": DIVERTED}), ["uc"], clock)
    assert states["uc"].mode is Mode.HOLD_DOWN


@pytest.mark.parametrize("lost", [True, False])
async def test_a_lost_database_does_not_end_a_failover(lost: bool) -> None:
    clock, store = FakeClock(), FakeOutageStore()
    if not lost:
        store.fault = StoreUnavailable("locked")
    states, _ = await recover(store, FakeAstDb({"mode/uc": DIVERTED}), ["uc"], clock)
    assert (states["uc"].mode, states["uc"].cause) == (Mode.FAILED_OVER, Cause.REFUSING)
    assert states["uc"].reason is Reason.FOUND_IN_ASTERISK


async def test_nothing_is_decided_while_neither_answers() -> None:
    clock, store, astdb = FakeClock(), FakeOutageStore(), FakeAstDb({"mode/uc": DIVERTED})
    store.fault, astdb.fault = StoreUnavailable("locked"), AsteriskUnavailable("gone")
    waiting = asyncio.create_task(recover(store, astdb, ["uc"], clock))
    await settle()
    await clock.advance(60)
    assert not waiting.done()
    astdb.fault = None
    await clock.advance(1)
    states, _ = waiting.result()
    assert states["uc"].mode is Mode.FAILED_OVER


async def test_a_database_that_knows_of_no_outage_is_believed_while_asterisk_is_away() -> None:
    clock, astdb = FakeClock(), FakeAstDb()
    astdb.fault = AsteriskUnavailable("gone")
    waiting = asyncio.create_task(recover(FakeOutageStore(), astdb, ["uc"], clock))
    await settle()
    await clock.advance(9)
    assert not waiting.done()
    await clock.advance(2)
    assert waiting.result() == ({}, [])


async def test_a_persons_word_survives_a_lost_database() -> None:
    clock = FakeClock()
    astdb = FakeAstDb({"mode/uc": "1|divert|0|NORMAL|dr|1893456000"})
    states, overrides = await recover(FakeOutageStore(), astdb, ["uc"], clock)
    assert states["uc"].mode is Mode.NORMAL
    assert [(o.kind, o.target.scope) for o in overrides] == [(OverrideKind.DR, "uc")]


@pytest.mark.parametrize("text", [None, "", "2|divert|0|FAILED_OVER|-|1", "garbage", "1|divert"])
def test_what_cannot_be_read_is_a_first_start(text: str | None) -> None:
    state, override = adopted("uc", text, FakeClock().now())
    assert (state.mode, state.reason, override) == (Mode.NORMAL, Reason.FIRST_START, None)
