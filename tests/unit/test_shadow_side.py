"""Shadow mode as the daemon wires it: what it leaves undone, what pages say, and the order of going live."""

from __future__ import annotations

import asyncio
import tomllib
from dataclasses import replace
from pathlib import Path
from typing import cast

from pydantic import SecretStr

from ringfence.app.mode_publisher import ModePublisher
from ringfence.app.notify.staff import StaffMessages
from ringfence.app.operator import Operator
from ringfence.app.ports import AsteriskUnavailable
from ringfence.app.publisher import TablePublisher, TableState
from ringfence.app.snapshot import Snapshot
from ringfence.app.table_keeper import TableKeeper
from ringfence.bootstrap.fastagi_side import FastAgiSide
from ringfence.bootstrap.notice_side import NoticeSide
from ringfence.bootstrap.shadow_side import TABLE_FIRST_SECONDS, ShadowSide
from ringfence.config import Secrets, Settings, parse
from ringfence.domain.access import Role
from ringfence.domain.calls import AnsweredBy
from ringfence.domain.shadow import Would
from ringfence.store.database import Database
from ringfence.store.outage_store import SqlOutageStore
from tests.fakes.astdb import FakeAstDb
from tests.fakes.calls import a_call
from tests.fakes.clock import FakeClock, settle
from tests.fakes.doors import signed_in_door
from tests.fakes.node import FakeNode
from tests.fakes.roster_node import RosterNode
from tests.unit.test_config import GOOD

SHADOW_ROW = {"mode/uc": "1|pinned|0|NORMAL|-|1700000000|shadow"}
LIVE_ROW = {"mode/uc": "1|normal|0|NORMAL|-|1700000000"}
TELLING = """
[fastagi]
enabled = true

[staff_messages]
enabled = true
by = "mail"

[[notify]]
name = "mail"
type = "email"
host = "127.0.0.1"
sender = "ringfence@example.org"
to = ["desk@example.org"]
security = "none"
"""


def settings_of(shadow: bool) -> Settings:
    return parse(tomllib.loads(f"shadow = {str(shadow).lower()}\n{GOOD}{TELLING}"))


def shadow_side(settings: Settings, place: Path, clock: FakeClock) -> ShadowSide:
    database, now = Database.at(place / "ringfence.db"), clock.now()
    modes = ModePublisher(FakeAstDb(), clock)
    keeper, history = cast(TableKeeper, None), SqlOutageStore(database)
    return ShadowSide(settings, database, clock, keeper, modes, history, dict, lambda: Snapshot("node", now, now))


class Going:
    """Live, over what an AstDB holds."""

    def __init__(self, place: Path, rows: dict[str, str], shadow: bool = False) -> None:
        self.clock, self.astdb = FakeClock(), FakeAstDb(rows)
        self.publisher = TablePublisher(self.astdb, self.clock)
        side = shadow_side(settings_of(shadow), place, self.clock)
        self.task = asyncio.create_task(side.table_first(self.astdb, self.publisher))

    async def after(self, seconds: float) -> bool:
        await settle()
        await self.clock.advance(seconds)
        return self.task.done()


async def test_after_shadow_the_whole_table_comes_before_any_mode(tmp_path: Path) -> None:
    going = Going(tmp_path, SHADOW_ROW)
    assert not await going.after(30)
    going.publisher.view = replace(going.publisher.view, state=TableState.PUBLISHING)
    assert not await going.after(30)
    going.publisher.view = replace(going.publisher.view, state=TableState.EQUAL)
    assert await going.after(1)


async def test_a_table_that_cannot_be_had_does_not_hold_up_failovers_for_ever(tmp_path: Path) -> None:
    assert await Going(tmp_path, SHADOW_ROW).after(TABLE_FIRST_SECONDS + 1)


async def test_an_asterisk_that_was_live_waits_for_nothing(tmp_path: Path) -> None:
    assert await Going(tmp_path, LIVE_ROW).after(0)
    assert await Going(tmp_path, {}).after(0)
    assert await Going(tmp_path, SHADOW_ROW, shadow=True).after(0)


async def test_an_asterisk_that_does_not_answer_is_asked_again_soon(tmp_path: Path) -> None:
    going = Going(tmp_path, LIVE_ROW)
    going.astdb.fault = AsteriskUnavailable("not connected")
    assert not await going.after(5)
    going.astdb.fault = None
    assert await going.after(1)


def _told(shadow: bool, place: Path) -> tuple[StaffMessages | None, list[str]]:
    """Who tells staff, and what the door needs to run."""
    word, clock, settings = SecretStr("lab-secret-0123456789abcdef"), FakeClock(), settings_of(shadow)
    secrets = Secrets(ari_secret=word, ami_secret=word, http_token=word, notify={"mail": word})
    now = clock.now()
    database, roster = Database.at(place / "ringfence.db"), RosterNode()
    side = NoticeSide(
        settings, secrets, database, clock, roster.keeper, roster.desk, lambda: Snapshot("node", now, now), tuple
    )
    door = FastAgiSide(settings, cast(Operator, None), FakeAstDb(), clock, asyncio.Event())
    return side.staff, [name for name, _ in door.parts()]


def test_staff_are_told_nothing_and_no_dialplan_is_answered(tmp_path: Path) -> None:
    staff, parts = _told(False, tmp_path)
    assert staff is not None and parts == ["fastagi door", "fastagi sign"]
    assert _told(True, tmp_path) == (None, [])


async def test_every_page_says_so_and_each_call_what_would_have_become_of_it() -> None:
    async with RosterNode().running() as node, signed_in_door(node, Role.VIEWER) as client:
        node.holder.swap(replace(node.holder.current, shadow=True))
        would = Would("divert", "scope-divert", AnsweredBy.PERSON, 1)
        node.journal.add(a_call(decision="shadow", reason="shadow", would=would.text))
        assert "SHADOW MODE: everything is decided and shown" in (await client.get("/")).text
        page = (await client.get("/calls")).text
        assert "Live, a default number would have been rung (step 1)" in page
        assert "Shadow mode: nothing is done to calls." in page
        german = (await client.get("/calls", headers={"Accept-Language": "de"})).text
        assert "SCHATTENBETRIEB" in german and "Ersatznummer geklingelt (Schritt 1)" in german


async def test_the_metric_tells_it() -> None:
    node = FakeNode()
    async with node.running(), signed_in_door(node, Role.VIEWER) as client:
        assert "\nringfence_shadow 0.0" in (await client.get("/metrics")).text
        node.holder.swap(replace(node.holder.current, shadow=True))
        assert "\nringfence_shadow 1.0" in (await client.get("/metrics")).text
