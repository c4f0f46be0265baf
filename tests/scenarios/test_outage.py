"""Outages end to end: a real Asterisk, the real daemon, a few calls each. Counts and order, no times."""

from __future__ import annotations

import asyncio
import os
import sqlite3
from collections.abc import AsyncIterator
from contextlib import closing, suppress

import pytest_asyncio

from tests.lab.faults.stage import Stage, opened
from tests.lab.installation import Installation
from tests.lab.mode_watch import ModeWatch
from tests.scenarios.outage_steps import (
    ORGANISATION,
    PLATFORM,
    call,
    call_all,
    fail_over,
    modes_in_history,
    reach,
    status,
    until,
)

EVERYBODY = range(6)


@pytest_asyncio.fixture(scope="module")
async def shared(installation: Installation) -> AsyncIterator[Stage]:
    async with opened(installation, ORGANISATION, platform=PLATFORM) as stage:
        yield stage


@pytest_asyncio.fixture
async def stage(shared: Stage) -> Stage:
    """Healthy, in NORMAL, nothing overridden."""
    await shared.heal()
    return shared


def _decisions(watch: ModeWatch, since: int) -> list[str]:
    """What the mode key said one after another, without repeats."""
    said = [change.decision for change in watch.changes[since:]]
    return [word for number, word in enumerate(said) if not number or said[number - 1] != word]


async def test_from_frozen_platform_to_normal_again(stage: Stage) -> None:
    before = len(await modes_in_history(stage))
    assert await call(stage) == "platform"
    await stage.lab.platform.answer(503, number=ORGANISATION.did(1))
    assert await call(stage, 1) == "person", "inline, while the mode is NORMAL"
    assert await stage.node.mode() == "NORMAL"

    await stage.lab.platform.freeze()
    caught = asyncio.create_task(call(stage, 2))
    await reach(stage, "FAILED_OVER")
    assert await caught == "person", "only the sweep can have freed this caller"
    assert await call_all(stage, EVERYBODY) == ["person"] * 6

    await stage.lab.platform.thaw()
    await stage.lab.platform.healthy()
    await reach(stage, "TRIAL")
    assert await call_all(stage, range(3)) == ["platform"] * 3
    await reach(stage, "NORMAL")
    assert (await modes_in_history(stage))[before:] == ["FAILED_OVER", "HOLD_DOWN", "TRIAL", "NORMAL"]


async def test_480_to_everybody(stage: Stage) -> None:
    """Until the verdict nobody's private number is called; after it everybody's is."""
    assert await call_all(stage, EVERYBODY) == ["platform"] * 6
    await stage.lab.platform.answer(480)
    for person in range(3):
        assert await call(stage, person) == "site"
    await reach(stage, "FAILED_OVER")
    assert await call_all(stage, EVERYBODY) == ["person"] * 6
    evidence = (await status(stage))["scopes"][0]["verdict"]["evidence"]
    assert any("480" in line["words"] for line in evidence), evidence


async def test_an_override_of_one_did_moves_that_did_alone(stage: Stage) -> None:
    did = ORGANISATION.did(4)
    order = {"mode": "dr", "did": did, "reason": "at home today"}
    await stage.node.must("PUT", "/v1/override", order)
    family = f"ringfence/did/{int('1' + did[-3:]) % 500}"

    async def forced() -> bool:
        return "|divert|" in (await stage.lab.asterisk.db_get(family, did) or "")

    await until(stage, "the DID's record", forced)
    assert await call_all(stage, range(3, 6)) == ["platform", "person", "platform"]
    await stage.node.must("DELETE", f"/v1/override?did={did.replace('+', '%2B')}&reason=back")

    async def free() -> bool:
        return not await forced()

    await until(stage, "the DID's record", free)
    assert await call(stage, 4) == "platform"


async def test_the_sweep_leaves_the_callers_of_a_did_pinned_to_the_platform(stage: Stage) -> None:
    """Freed, they would have no plan to go on to and hear that nobody can be reached."""
    did = ORGANISATION.did(4)
    await stage.node.must("PUT", "/v1/override", {"mode": "normal", "did": did, "reason": "the vendor tests"})
    family = f"ringfence/did/{int('1' + did[-3:]) % 500}"

    async def pinned() -> bool:
        return "|pinned|" in (await stage.lab.asterisk.db_get(family, did) or "")

    await until(stage, "the DID's record", pinned)
    await stage.lab.platform.slow_ring(3)
    before = len(stage.lab.platform.calls())
    waiting = asyncio.create_task(call_all(stage, range(4, 6)))
    await stage.lab.platform.wait_calls(before + 2)
    await stage.order("dr")
    assert await waiting == ["platform", "person"]
    await stage.node.must("DELETE", f"/v1/override?did={did.replace('+', '%2B')}&reason=back")


async def test_a_killed_daemon_comes_back_with_mode_and_override(stage: Stage) -> None:
    await fail_over(stage)
    await stage.node.must("PUT", "/v1/override", {"mode": "freeze", "scope": "uc", "reason": "vendor works on it"})
    since = len(stage.watch.changes)
    await stage.node.process.kill()
    assert await call_all(stage, EVERYBODY) == ["person"] * 6, "by the last published mode"
    await stage.node.start()
    scope = (await status(stage))["scopes"][0]
    assert (scope["mode"], scope["decision"]) == ("FAILED_OVER", "divert")
    assert (scope["override"]["mode"], scope["override"]["reason"]) == ("freeze", "vendor works on it")
    assert set(_decisions(stage.watch, since)) <= {"divert"}, "no call was let to the dead platform in between"


async def test_a_locked_database_delays_nothing_and_gets_everything_later(stage: Stage) -> None:
    with closing(sqlite3.connect(stage.node.state_dir / "ringfence.db", isolation_level=None)) as locker:
        locker.execute("BEGIN EXCLUSIVE")
        await fail_over(stage)
        assert await call_all(stage, EVERYBODY) == ["person"] * 6
        found = await status(stage)
        assert not found["store"]["up"]
        assert found["unstored_changes"] >= 1

    async def stored() -> bool:
        found = await status(stage)
        return bool(found["store"]["up"]) and found["unstored_changes"] == 0

    await until(stage, "everything to be stored", stored)
    assert (await modes_in_history(stage))[-1] == "FAILED_OVER"


async def test_a_log_that_nobody_reads_delays_nothing(stage: Stage) -> None:
    """Standard error is a pipe that is full before the daemon starts: it cannot write its first line."""
    process = stage.node.process
    await process.stop()
    path, before = process.log_path, process.log_path.read_bytes()
    path.unlink()
    os.mkfifo(path)
    reader = os.open(path, os.O_RDWR | os.O_NONBLOCK)  # a FIFO that is open at both ends never makes its opener wait
    try:
        with suppress(BlockingIOError):
            while True:
                os.write(reader, b"\n" * 4096)
        await stage.node.start()
        await fail_over(stage)
        assert await call_all(stage, range(2)) == ["person"] * 2
        await stage.node.must("PUT", "/v1/override", {"mode": "normal", "scope": "uc", "reason": "nobody reads"})
        read = bytearray()

        async def told() -> bool:
            with suppress(BlockingIOError):
                while part := os.read(reader, 1 << 16):
                    read.extend(part)
            return b"mode changed" in read and b"override changed" in read

        await until(stage, "what was said meanwhile", told)
        assert b"lines of the log were lost" not in read
        await stage.node.process.stop()
        with suppress(BlockingIOError):
            while part := os.read(reader, 1 << 16):
                read.extend(part)
    finally:
        await stage.node.process.stop()
        os.close(reader)
        path.unlink()
    path.write_bytes(before + read.replace(b"\n\n", b""))
    await stage.node.start()


async def test_an_emptied_astdb_is_transparent_until_it_is_filled_again(stage: Stage) -> None:
    await stage.lab.asterisk.db_delete_tree("ringfence")
    assert await call_all(stage, EVERYBODY) == ["platform"] * 6

    async def filled() -> bool:
        rows = await stage.lab.asterisk.db_show("ringfence/did")
        return len(rows) == ORGANISATION.dids and await stage.published() == "normal"

    await until(stage, "every record to be back", filled)
    await fail_over(stage)
    assert await call_all(stage, EVERYBODY) == ["person"] * 6
