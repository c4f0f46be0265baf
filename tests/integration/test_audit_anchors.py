"""Anchors on a real file, by the clock and by the number of rows."""

from __future__ import annotations

import asyncio
import json
import logging
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from ringfence.app.audit import verified
from ringfence.app.audit_anchors import ANCHOR_SECONDS, LOOK_SECONDS, AnchorKeeper
from ringfence.domain.audit import AuditFact, AuditKind
from ringfence.store.audit_anchors import FileAnchors
from tests.fakes.audit_store import FakeAuditStore
from tests.fakes.clock import FakeClock, settle


class Scene:
    def __init__(self, folder: Path) -> None:
        self.clock, self.store, self.path = FakeClock(), FakeAuditStore(), folder / "audit-anchors.jsonl"
        self.file = FileAnchors(self.path)
        self.keeper = AnchorKeeper(self.store, self.file, self.clock)

    async def note(self, rows: int) -> None:
        fact = AuditFact(self.clock.now().wall, AuditKind.MODE, "changed", "scope:uc", "ringfence")
        await self.store.append([fact] * rows)

    async def look(self, *, at_once: bool = False) -> int:
        """The number that was anchored, 0 for none."""
        anchor = await self.keeper.look(at_once=at_once)
        return 0 if anchor is None else anchor.number


@pytest.fixture
async def scene(tmp_path: Path) -> AsyncIterator[Scene]:
    yield Scene(tmp_path)


async def test_after_so_many_rows_or_so_long(scene: Scene) -> None:
    assert await scene.look() == 0
    await scene.note(99)
    assert await scene.look() == 0
    await scene.note(1)
    assert await scene.look() == 100
    await scene.note(1)
    await scene.clock.advance(ANCHOR_SECONDS - 1)
    assert await scene.look() == 0
    await scene.clock.advance(1)
    assert await scene.look() == 101
    await scene.clock.advance(10 * ANCHOR_SECONDS)
    assert await scene.look(at_once=True) == 0
    numbers = [anchor.number for anchor in await scene.file.read()]
    assert numbers == [100, 101]
    assert (await verified(scene.store, await scene.file.read())).faults == ()


async def test_each_is_a_line_of_the_log_as_well(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.INFO)
    await scene.note(1)
    await scene.look(at_once=True)
    (record,) = [record for record in caplog.records if record.message == "audit anchor"]
    (line,) = scene.path.read_text().splitlines()
    assert json.loads(line) == {name: getattr(record, name) for name in ("number", "digest", "at")}
    assert scene.path.stat().st_mode & 0o077 == 0


async def test_the_last_rows_are_anchored_at_the_stop(scene: Scene) -> None:
    await scene.note(2)
    running = asyncio.create_task(scene.keeper.run())
    await scene.clock.advance(LOOK_SECONDS)
    assert await scene.file.read() == []
    running.cancel()
    await asyncio.wait([running])
    assert [anchor.number for anchor in await scene.file.read()] == [2]


async def test_a_chain_that_became_shorter_is_not_anchored_over(scene: Scene) -> None:
    await scene.note(3)
    assert await scene.look(at_once=True) == 3
    del scene.store.rows[1:]
    assert await scene.look(at_once=True) == 0
    faults = (await verified(scene.store, await scene.file.read())).faults
    assert [fault.kind for fault in faults] == ["cut_off"]


async def test_a_restart_goes_on_and_a_torn_line_is_passed_over(scene: Scene, tmp_path: Path) -> None:
    await scene.note(3)
    await scene.look(at_once=True)
    with scene.path.open("a") as file:
        file.write('{"number": 4, "dig')
    again = AnchorKeeper(scene.store, scene.file, scene.clock)
    assert await again.look(at_once=True) is None
    await scene.note(1)
    assert await again.look(at_once=True) is not None
    assert [anchor.number for anchor in await scene.file.read()] == [3, 4]


async def test_a_disk_that_refuses_is_told_once(scene: Scene, caplog: pytest.LogCaptureFixture) -> None:
    scene.path.mkdir()
    running = asyncio.create_task(scene.keeper.run())
    for _ in range(3):
        await scene.clock.advance(LOOK_SECONDS)
        await settle(200)
    running.cancel()
    await asyncio.wait([running])
    told = [record for record in caplog.records if record.message == "the audit record cannot be anchored"]
    assert len(told) == 1
