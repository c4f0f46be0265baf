"""Callers' numbers go when their time is over, whether calls come or not, and never before."""

from __future__ import annotations

import asyncio
import tomllib
from dataclasses import replace
from datetime import timedelta

import pytest

from ringfence.app.caller_retention import AGAIN_SECONDS, LOOK_SECONDS, CallerRetention
from ringfence.app.ports import StoreUnavailable
from ringfence.config import ConfigError, parse
from tests.fakes.clock import FakeClock, settle
from tests.fakes.stores import FakeJournalStore
from tests.unit.test_config import GOOD
from tests.unit.test_web_privacy import call

CALLER = "+441619960111"


async def test_they_are_blanked_on_the_hour_after_their_day() -> None:
    clock, store = FakeClock(), FakeJournalStore()
    now = clock.now().wall
    store.calls = [replace(call(CALLER), ended_at=now - timedelta(days=days)) for days in (31, 30, 29)]
    running = asyncio.create_task(CallerRetention((store,), clock, 30).run())
    await settle()
    assert [record.caller for record in store.calls] == ["", CALLER, CALLER]
    await clock.advance(LOOK_SECONDS)
    assert [record.caller for record in store.calls] == ["", "", CALLER]
    running.cancel()
    await asyncio.wait([running])


async def test_a_store_that_fails_is_told_once_and_asked_again(caplog: pytest.LogCaptureFixture) -> None:
    clock, store = FakeClock(), FakeJournalStore()
    store.calls = [replace(call(CALLER), ended_at=clock.now().wall - timedelta(days=31))]
    store.fault = StoreUnavailable("The database is locked.")
    running = asyncio.create_task(CallerRetention((store,), clock, 30).run())
    await settle()
    await clock.advance(2 * AGAIN_SECONDS)
    assert len(caplog.records) == 1
    store.fault = None
    await clock.advance(AGAIN_SECONDS)
    assert store.calls[0].caller == ""
    running.cancel()
    await asyncio.wait([running])


def test_callers_do_not_outlive_their_calls() -> None:
    assert parse(tomllib.loads(f"keep_calls_days = 10\n{GOOD}")).callers_days == 10
    assert parse(tomllib.loads(GOOD)).callers_days == 30
    with pytest.raises(ConfigError) as caught:
        parse(tomllib.loads(f"keep_calls_days = 10\nkeep_callers_days = 11\n{GOOD}"))
    assert "keep_callers_days" in "".join(caught.value.faults)
