"""HR sources over the API, on the real desk: reading, what is held, a person's decision, and nothing private in it."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, date, datetime
from typing import Any

import httpx
import pytest

from ringfence.app.hr.ports import CoverageRow, FeedRefused, SourceUnavailable
from ringfence.domain.hr.record import HrNumber
from tests.fakes.clock import settle
from tests.fakes.doors import http_door
from tests.fakes.node import DID, OTHER_DID, PRIVATE_NUMBERS, SOURCE
from tests.fakes.roster_node import NEW_NUMBER, RosterNode, ada, bob, complete

OTHER_NUMBERS = ("+447700900555", "+447700900556")


@asynccontextmanager
async def loaded() -> AsyncIterator[tuple[RosterNode, httpx.AsyncClient]]:
    """Ada and Bob come from HR, and their first load is approved."""
    async with RosterNode().running() as node, http_door(node) as client:
        await node.load_first()
        yield node, client


def new_numbers() -> tuple[Any, Any]:
    """Both numbers change: too many for two people, so they are held."""
    return ada(numbers=(HrNumber(OTHER_NUMBERS[0]),)), bob(numbers=(HrNumber(OTHER_NUMBERS[1]),))


async def the_plan(client: httpx.AsyncClient) -> Any:
    (plan,) = (await client.get("/v1/hr/plans")).json()["plans"]
    return (await client.get(f"/v1/hr/plans/{plan['id']}")).json()


async def decide(client: httpx.AsyncClient, plan: Any, approve: bool = True, **more: Any) -> httpx.Response:
    order = {"approve": approve, "fingerprint": plan["fingerprint"], "reason": "HR confirms"} | more
    return await client.post(f"/v1/hr/plans/{plan['id']}/decision", json=order)


async def test_a_dry_run_shows_and_changes_nothing() -> None:
    async with loaded() as (node, client):
        node.source.batch = complete(ada(name="Ada Newname"), bob(active=False))
        commits = node.roster_store.commits
        (seen,) = (await client.post("/v1/hr/sync", json={"dry_run": True})).json()["runs"]
        assert (seen["run"]["rows"], seen["run"]["leavers"], seen["run"]["accepted"]) == (2, 1, {"detail": 1})
        assert any("Ada Newname" in line for line in seen["lines"])
        assert node.roster_store.commits == commits


async def test_the_record_names_whoever_had_a_source_read() -> None:
    async with loaded() as (node, client):
        before = len(node.audit.store.facts)
        await client.post("/v1/hr/sync", json={"source": SOURCE, "dry_run": False}, headers={"X-Ringfence-Who": "pat"})
        await client.post("/v1/hr/sync", json={"dry_run": True})
        assert [(fact.kind, fact.action, fact.about, fact.who) for fact in node.audit.store.facts[before:]] == [
            ("hr", "sync asked for", f"source {SOURCE}", "pat (http)"),
            ("hr", "dry run asked for", "all sources", "http"),
        ]


async def test_what_is_held_waits_in_a_plan_and_an_approval_routes_it() -> None:
    async with loaded() as (node, client):
        node.source.batch = complete(*new_numbers())
        (done,) = (await client.post("/v1/hr/sync", json={"source": SOURCE, "dry_run": False})).json()["runs"]
        assert (done["run"]["outcome"], done["run"]["held"]) == ("held", {"number_change": 2})
        plan = await the_plan(client)
        assert (plan["id"], plan["status"], plan["counts"]) == (done["run"]["plan"], "open", {"number_change": 2})
        assert [item["person"] for item in plan["items"]] == ["ada", "bob"]
        assert "+44*******123" in plan["items"][0]["lines"][0]
        source = (await client.get("/v1/hr/sources")).json()["sources"][0]
        assert (source["held"], source["open_plan"], source["age_seconds"]) == (2, plan["id"], 0.0)
        closed = (await decide(client, plan)).json()
        assert (closed["status"], closed["who"], closed["reason"]) == ("approved", "http", "HR confirms")
        assert node.keeper.directory is not None
        rung = node.keeper.directory.people["ada"].default_numbers  # type: ignore[index]
        assert [number.e164 for number in rung] == [OTHER_NUMBERS[0]]
        assert (await client.get("/v1/hr/plans")).json()["plans"] == []
        everything = (await client.get("/v1/hr/plans", params={"closed": "true"})).json()["plans"]
        assert [one["status"] for one in everything] == ["approved", "approved"]


async def test_a_part_is_approved_and_the_rest_stays_open() -> None:
    async with loaded() as (node, client):
        await node.say(*new_numbers())
        plan = await the_plan(client)
        closed = (await decide(client, plan, items=[plan["items"][0]["id"]])).json()
        rest = await the_plan(client)
        assert (closed["status"], closed["superseded_by"]) == ("partly", rest["id"])
        assert [item["person"] for item in rest["items"]] == ["bob"]
        rejected = (await decide(client, rest, approve=False, categories=["number_change"])).json()
        assert rejected["status"] == "rejected"
        assert (await client.get("/v1/hr/plans")).json()["plans"] == []


async def test_one_category_alone_can_be_seen() -> None:
    async with loaded() as (node, client):
        await node.say(*new_numbers())
        plan = await the_plan(client)
        alone = (await client.get(f"/v1/hr/plans/{plan['id']}", params={"category": "joiner"})).json()
        assert (alone["items"], alone["counts"], alone["fingerprint"]) == ([], plan["counts"], plan["fingerprint"])


async def test_nobody_approves_what_came_in_since() -> None:
    async with loaded() as (node, client):
        await node.say(*new_numbers())
        plan = await the_plan(client)
        await node.say(ada(numbers=(HrNumber("+447700900888"),)), new_numbers()[1])
        newer = await the_plan(client)
        assert newer["fingerprint"] != plan["fingerprint"]
        # By its own number it is closed; by the newer one's it is not what was looked at.
        for attempt in (plan, newer | {"fingerprint": plan["fingerprint"]}):
            refused = await decide(client, attempt)
            assert refused.status_code == 409, refused.text
        assert (await decide(client, newer)).status_code == 200


REFUSED: dict[str, tuple[dict[str, Any], int, str]] = {
    "no such item": ({"items": ["joiner:77:"]}, 422, "items"),
    "no item of this category": ({"categories": ["joiner"]}, 422, "items"),
    "no item at all": ({"items": []}, 422, "items"),
    "no such category": ({"categories": ["leaver"]}, 422, "categories.0"),
    "no reason": ({"reason": " "}, 422, "reason"),
    "misspelt": ({"item": ["x"]}, 422, "item"),
    "no fingerprint": ({"fingerprint": None}, 422, "fingerprint"),
}


async def test_a_decision_that_is_refused_names_the_field() -> None:
    async with loaded() as (node, client):
        await node.say(*new_numbers())
        plan = await the_plan(client)
        for name, (more, status, field) in REFUSED.items():
            refused = await decide(client, plan, **more)
            assert (refused.status_code, refused.json()["field"]) == (status, field), (name, refused.text)
            assert await the_plan(client) == plan, name


async def test_a_plan_or_source_that_does_not_exist() -> None:
    async with loaded() as (_, client):
        for answer in (
            await client.get("/v1/hr/plans/77"),
            await decide(client, {"id": 77, "fingerprint": "x"}),
            await client.post("/v1/hr/sync", json={"source": "other", "dry_run": True}),
        ):
            assert answer.status_code == 404, answer.text


async def test_one_sync_at_a_time_and_everybody_sees_how_far_it_is() -> None:
    async with loaded() as (node, client):
        assert (await client.get("/v1/hr/sources")).json()["reading"] is None
        node.source.batch = complete(ada(), bob())
        node.source.gate.clear()
        syncing = asyncio.create_task(client.post("/v1/hr/sync", json={"dry_run": False}))
        await settle()
        assert (await client.get("/v1/hr/sources")).json()["reading"] == {"rows_done": 1, "rows_in_all": 2}
        again = await client.post("/v1/hr/sync", json={"dry_run": False})
        assert (again.status_code, again.json()["fix"]) == (409, "Wait for its end: see `ringfence hr sources`.")
        node.source.gate.set()
        assert (await syncing).json()["runs"][0]["run"]["outcome"] == "unchanged"
        assert (await client.get("/v1/hr/sources")).json()["reading"] is None


async def test_a_source_that_fails_says_so_in_the_run_and_in_its_state() -> None:
    async with loaded() as (node, client):
        for fault, outcome in (
            (SourceUnavailable("The folder cannot be read.", "Mount it."), "failed"),
            (FeedRefused("The file is empty.", "Export it again."), "refused"),
        ):
            node.source.fault = fault
            (seen,) = (await client.post("/v1/hr/sync", json={"dry_run": False})).json()["runs"]
            assert seen["run"]["outcome"] == outcome
            source = (await client.get("/v1/hr/sources")).json()["sources"][0]
            assert fault.message in source["fault"]
        runs = (await client.get("/v1/hr/runs", params={"source": SOURCE, "limit": 1})).json()["runs"]
        assert [run["outcome"] for run in runs] == ["refused"]
        assert (await client.get("/v1/hr/runs", params={"source": "other"})).json()["runs"] == []


async def test_a_did_that_two_people_claim_is_a_conflict() -> None:
    async with loaded() as (node, client):
        assert (await client.get("/v1/hr/conflicts")).json() == {"conflicts": [], "unknown_dids": []}
        await node.say(ada(), bob(dids=(OTHER_DID, DID)))
        assert (await client.get("/v1/hr/conflicts")).json()["conflicts"] == [
            {"did": DID, "holder": "ada", "claimants": ["ada", "bob"]}
        ]


async def test_coverage_now_and_before() -> None:
    async with loaded() as (node, client):
        rows = [CoverageRow(datetime(2030, 1, day, tzinfo=UTC), 4, day, {"vacant": 4 - day}) for day in (1, 2)]
        node.roster_store.coverage_rows += rows
        seen = (await client.get("/v1/coverage", params={"uncovered": 1})).json()
        assert (seen["dids"], seen["covered"], seen["below_target"], len(seen["uncovered"])) == (2, 0, True, 1)
        assert seen["reasons"] == [
            {
                "reason": "never_confirmed",
                "sentence": "nobody ever confirmed that the number reaches the owner",
                "dids": 2,
            }
        ]
        assert (await client.get("/v1/coverage")).json()["uncovered"] == []
        days = (await client.get("/v1/coverage/history")).json()["history"]
        assert [(day["percent"], day["reasons"][0]["sentence"]) for day in days] == [
            (50.0, "nobody owns the DID"),
            (25.0, "nobody owns the DID"),
        ]


async def test_before_there_is_a_directory_nothing_is_measured() -> None:
    node = RosterNode()
    async with http_door(node) as client:
        answer = await client.get("/v1/coverage")
        assert (answer.status_code, answer.json()["field"]) == (409, "coverage")


async def test_no_answer_and_no_log_line_holds_a_private_number(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    seen = []
    async with loaded() as (node, client):
        for dry_run in (True, False):
            node.source.batch = complete(*new_numbers(), bob(id="3", key="cy", numbers=(HrNumber(NEW_NUMBER),)))
            seen.append(await client.post("/v1/hr/sync", json={"dry_run": dry_run}))
        plan = await the_plan(client)
        paths = ("sources", "runs", "plans", "plans?closed=true", f"plans/{plan['id']}", "conflicts")
        seen += [await client.get(f"/v1/hr/{path}") for path in paths]
        seen.append(await decide(client, plan, approve=False))
        seen += [await client.get(path) for path in (f"/v1/hr/plans/{plan['id']}", "/v1/status", "/metrics")]
    logged = "\n".join(f"{r.getMessage()} {vars(r)}" for r in caplog.records if r.name.startswith("ringfence"))
    assert all(answer.status_code == 200 for answer in seen)
    for number in (*PRIVATE_NUMBERS, *OTHER_NUMBERS, NEW_NUMBER):
        for answer in seen:
            assert number[3:] not in answer.text, answer.url
        assert number[3:] not in logged
    assert date(2030, 1, 15).isoformat() in seen[0].text


async def test_the_status_and_metrics_tell_the_age_of_what_the_table_is_made_of() -> None:
    async with loaded() as (node, client):
        before = (await client.get("/v1/status")).json()
        assert before["roster"]["sources"][0]["late"] is False
        assert before["roster"]["coverage"] is None
        assert before["alarms"] == []
        await client.get("/v1/coverage")
        await node.say(*new_numbers())
        node.clock.step_wall(3 * 86_400)
        seen = (await client.get("/v1/status")).json()
        assert seen["version"] != before["version"]
        assert seen["roster"]["coverage"]["below_target"] is True
        for words in ("payroll is late: its last good run was 72.0 h ago", "are held", "coverage is 0.0 %"):
            assert any(words in alarm for alarm in seen["alarms"]), seen["alarms"]
        lines = (await client.get("/metrics")).text.splitlines()
        for line in (
            'ringfence_hr_source_age_seconds{source="payroll"} 259200.0',
            'ringfence_hr_source_late{source="payroll"} 1.0',
            'ringfence_hr_source_failing{source="payroll"} 0.0',
            'ringfence_hr_held{source="payroll"} 2.0',
            "ringfence_hr_open_plans 1.0",
            "ringfence_did_conflicts 0.0",
            "ringfence_coverage_ratio 0.0",
            "ringfence_coverage_target_ratio 0.95",
        ):
            assert line in lines


async def test_a_did_that_nobody_has_imported_is_told_with_who_claims_it() -> None:
    async with loaded() as (node, client):
        await node.say(ada(), bob(dids=(OTHER_DID, "+441134960999")))
        assert (await client.get("/v1/hr/conflicts")).json()["unknown_dids"] == [
            {"did": "+441134960999", "person": "bob"}
        ]
