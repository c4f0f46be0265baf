"""Lists come in pages: whoever follows `next` sees every row once, however many have the same moment."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import httpx
import pytest

from ringfence.app.hr.ports import CoverageRow, HrRun, RosterNote, RunOutcome
from ringfence.app.ports import OutageChange
from tests.fakes.clock import NOON, settle
from tests.fakes.doors import http_door
from tests.fakes.node import DID, SCOPE, SOURCE
from tests.fakes.roster_node import RosterNode
from tests.pages.site import call

ROWS = 7
AT = [NOON + timedelta(seconds=number // 3) for number in range(ROWS)]
"""Three at a time."""

LISTS = {
    "/v1/calls": "calls",
    "/v1/history": "history",
    "/v1/hr/runs": "runs",
    "/v1/hr/plans?closed=true": "plans",
    "/v1/people/ada/history": "history",
    "/v1/coverage/history": "history",
}


def _fill(node: RosterNode) -> None:
    """`ROWS` of each, besides what the first load has left; of the calls one half is stored and the other is not."""
    for number, at in enumerate(AT):
        one = replace(call(node, number), ended_at=at)
        if number < ROWS // 2:
            node.journal_store.calls.append(one)
        else:
            node.journal.add(one)
        node.roster_store.run_rows[100 + number] = HrRun(SOURCE, at, RunOutcome.UNCHANGED, id=100 + number)
        node.roster_store.note_rows.append(RosterNote(at, f"who-{number}", "why", "what", "ada"))
        node.roster_store.coverage_rows.append(CoverageRow(at, 2, number, {}))
        node.outage_store.changes.append(OutageChange(f"key-{number}", who=f"who-{number}", at=at))


async def _pages(client: httpx.AsyncClient, path: str, member: str, limit: int) -> list[Any]:
    found: list[Any] = []
    before: str | None = None
    for _ in range(100):
        query: dict[str, str | int] = {"limit": limit} | ({"before": before} if before else {})
        answer = (await client.get(path, params={**dict(httpx.URL(path).params), **query})).json()
        assert 0 < len(answer[member]) <= limit
        found += answer[member]
        before = answer["next"]
        if before is None:
            return found
    raise AssertionError(f"{path} has no end")


@pytest.mark.parametrize("path", LISTS)
async def test_whoever_follows_next_sees_every_row_once(path: str) -> None:
    node = RosterNode()
    async with node.running(), http_door(node) as client:
        await node.load_first()
        _fill(node)
        whole = (await client.get(path, params={**dict(httpx.URL(path).params), "limit": 1000})).json()
        assert whole["next"] is None
        rows = whole[LISTS[path]]
        assert len(rows) >= (1 if "plans" in path else ROWS)
        for limit in (1, 2, 3, ROWS, len(rows)):
            assert await _pages(client, path, LISTS[path], limit) == rows


async def test_what_is_added_meanwhile_moves_no_page() -> None:
    node = RosterNode()
    async with node.running(), http_door(node) as client:
        _fill(node)
        first = (await client.get("/v1/calls", params={"limit": 4, "did": DID})).json()
        node.journal.add(replace(call(node, 99), ended_at=NOON + timedelta(hours=1)))
        rest = (await client.get("/v1/calls", params={"limit": 4, "did": DID, "before": first["next"]})).json()
        seen = [row["call_id"].rpartition(".")[2] for row in first["calls"] + rest["calls"]]
        assert sorted(seen) == [str(number) for number in range(ROWS)]


@pytest.mark.parametrize("before", ["yesterday", "1-", "-1", "999999999999999999-1"])
async def test_a_page_that_nobody_gave_is_refused(before: str) -> None:
    node = RosterNode()
    async with node.running(), http_door(node) as client:
        for path in LISTS:
            answer = await client.get(path, params={**dict(httpx.URL(path).params), "before": before})
            assert (answer.status_code, answer.json()["field"]) == (422, "before"), path


async def test_the_history_of_one_thing_alone() -> None:
    node = RosterNode()
    async with node.running(), http_door(node) as client:
        for scope in ({"scope": SCOPE}, {"did": DID}):
            order = {"mode": "dr", "reason": "drill", **scope}
            assert (await client.put("/v1/override", json=order)).status_code == 200
        await settle(100)  # the history is stored behind
        told = {row["scope"] for row in (await client.get("/v1/history")).json()["history"]}
        assert len(told) == 2
        for scope in told:
            rows = (await client.get("/v1/history", params={"scope": scope})).json()["history"]
            assert rows and {row["scope"] for row in rows} == {scope}
        assert (await client.get("/v1/history", params={"scope": "unheard of"})).json()["history"] == []
