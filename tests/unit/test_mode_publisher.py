"""What is wanted reaches Asterisk, also after a loss; what was put is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable

import pytest

from ringfence.app.mode_publisher import VERIFY_SECONDS, ModePublisher
from ringfence.app.ports import AsteriskUnavailable
from tests.fakes.astdb import FakeAstDb
from tests.fakes.clock import FakeClock, settle


class BusyAstDb(FakeAstDb):
    """Something else may happen between a value and its acknowledgement."""

    meanwhile: Callable[[], None] | None = None

    async def put(self, key: str, value: str) -> None:
        await super().put(key, value)
        if self.meanwhile:
            self.meanwhile()


class Stage:
    """A running publisher."""

    def __init__(self) -> None:
        self.clock, self.astdb = FakeClock(), BusyAstDb()
        self.publisher = ModePublisher(self.astdb, self.clock)
        self.told: list[str] = []
        self.publisher.on_put(self.told.append)
        self.task = asyncio.create_task(self.publisher.run())


@pytest.fixture
async def stage() -> AsyncIterator[Stage]:
    made = Stage()
    yield made
    made.task.cancel()


async def test_a_wanted_value_is_put_at_once_and_told(stage: Stage) -> None:
    stage.publisher.want("mode/uc", "x")
    assert not stage.publisher.published("mode/uc")
    await settle()
    assert stage.astdb.rows == {"mode/uc": "x"}
    assert stage.publisher.published("mode/uc")
    assert stage.told == ["mode/uc"]


async def test_the_same_value_is_not_put_again(stage: Stage) -> None:
    for _ in range(3):
        stage.publisher.want("mode/uc", "x")
        await settle()
    assert len(stage.astdb.puts) == 1


async def test_only_the_newest_value_is_put_after_a_loss(stage: Stage) -> None:
    stage.astdb.fault = AsteriskUnavailable("frozen")
    stage.publisher.want("mode/uc", "old")
    await settle()
    stage.publisher.want("mode/uc", "new")
    stage.astdb.fault = None
    await stage.clock.advance(1)
    assert [put.value for put in stage.astdb.puts] == ["new"]


async def test_a_value_that_was_superseded_while_it_was_put_is_not_told(stage: Stage) -> None:
    stage.astdb.meanwhile = lambda: stage.publisher.want("mode/uc", "new")
    stage.publisher.want("mode/uc", "old")
    await settle()
    assert [put.value for put in stage.astdb.puts] == ["old", "new"]
    assert stage.told == ["mode/uc"]


async def test_everything_is_put_again_when_asterisk_was_away(stage: Stage) -> None:
    stage.publisher.want("mode/uc", "x")
    stage.publisher.want("egress/a", "1|up")
    await settle()
    stage.astdb.rows.clear()
    stage.publisher.again()
    await settle()
    assert stage.astdb.rows == {"mode/uc": "x", "egress/a": "1|up"}


async def test_a_value_changed_behind_our_back_is_mended_at_the_next_comparison(stage: Stage) -> None:
    stage.publisher.want("mode/uc", "x")
    await settle()
    stage.astdb.rows["mode/uc"] = "somebody else's"
    await stage.clock.advance(VERIFY_SECONDS)
    assert stage.astdb.rows["mode/uc"] == "x"


async def test_a_forced_record_is_put_once_and_not_guarded_afterwards(stage: Stage) -> None:
    stage.publisher.put_records(["did/1/+44"], lambda _: "forced")
    await settle()
    stage.publisher.again()
    await settle()
    assert [put.value for put in stage.astdb.puts] == ["forced"]


async def test_a_record_that_had_to_wait_is_put_as_it_is_by_then() -> None:
    stage = Stage()
    records: dict[str, str | None] = {"did/1/+44": "with a private number", "did/2/+44": "old"}
    stage.astdb.fault = AsteriskUnavailable("away")
    stage.publisher.put_records(records, records.get)
    await settle()
    records["did/1/+44"], records["did/2/+44"] = None, "new"
    stage.astdb.fault = None
    await stage.clock.advance(1)
    assert stage.astdb.rows == {"did/2/+44": "new"}
    stage.task.cancel()


class Dialplan:
    """What Asterisk reads just now."""

    why = "it reads rows of schema 2"

    async def why_not(self, schema: str) -> str:
        return self.why


async def test_records_wait_for_a_dialplan_that_reads_them_and_modes_do_not() -> None:
    clock, astdb, dialplan = FakeClock(), FakeAstDb({"did/1/+44": "2|of a newer edition"}), Dialplan()
    publisher = ModePublisher(astdb, clock, reader=dialplan)
    task = asyncio.create_task(publisher.run())
    records = {"did/1/+44": "1|forced"}
    publisher.put_records(records, records.get)
    await settle()
    publisher.want("mode/uc", "x")
    await settle()
    await clock.advance(VERIFY_SECONDS * 2)
    assert astdb.rows == {"did/1/+44": "2|of a newer edition", "mode/uc": "x"}
    records["did/1/+44"], dialplan.why = "1|forced later", ""
    await clock.advance(VERIFY_SECONDS)
    assert astdb.rows == {"did/1/+44": "1|forced later", "mode/uc": "x"}
    task.cancel()


async def test_a_comparison_is_left_off_for_a_mode_and_made_again_later() -> None:
    class Asked(FakeAstDb):
        def __init__(self) -> None:
            super().__init__()
            self.asked: list[str] = []

        async def get(self, key: str) -> str | None:
            self.asked.append(key)
            await asyncio.sleep(0)
            if len(self.asked) == 3:
                publisher.want("mode/uc7", "y")
            return await super().get(key)

        async def put(self, key: str, value: str) -> None:
            self.asked.append(f"put {key}")
            await super().put(key, value)

    clock, astdb = FakeClock(), Asked()
    publisher = ModePublisher(astdb, clock)
    task = asyncio.create_task(publisher.run())
    for number in range(40):
        publisher.want(f"mode/uc{number}", "x")
    await settle(100)
    astdb.asked.clear()
    astdb.rows["mode/uc39"] = "somebody else's"
    await clock.advance(VERIFY_SECONDS)
    await settle(100)
    assert astdb.asked == ["mode/uc0", "mode/uc1", "mode/uc2", "put mode/uc7"]
    await clock.advance(VERIFY_SECONDS)
    await settle(100)
    assert astdb.asked[-1] == "put mode/uc39"
    task.cancel()
