"""People, plans, sources and coverage as pages: hostile names stay text, numbers stay masked, entries are the API's."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import httpx
import pytest

from ringfence.app.hr.ports import CoverageRow
from ringfence.domain.access import Role
from ringfence.domain.calls import AnsweredBy
from ringfence.domain.directory import PersonKey
from ringfence.web.coverage_api import CoverageDayOut
from ringfence.web.pages.coverage_page import HEIGHT, MARGIN, WIDTH, curve_of
from tests.fakes.calls import a_call
from tests.fakes.doors import local_door, signed_in_door
from tests.fakes.node import DID, PRIVATE_NUMBERS
from tests.fakes.roster_node import NEW_NUMBER, RosterNode, ada, bob

ENTERED = "07700 900999"
E164 = "+447700900999"
HOSTILE = '<script>alert("x")</script>'
PAGES = (
    "/",
    f"/did/{DID}",
    "/calls",
    "/people",
    "/people/ada",
    "/plans",
    "/plans?closed=true",
    "/sources",
    "/coverage",
    "/teams",
)
CALL = a_call(
    did=DID,
    caller=PRIVATE_NUMBERS[0],
    decision="divert",
    path="divert",
    reason="scope-divert",
    step=1,
    answered_by=AnsweredBy.PERSON,
)


@asynccontextmanager
async def helpdesk() -> AsyncIterator[tuple[RosterNode, httpx.AsyncClient]]:
    async with RosterNode().running() as node, signed_in_door(node, Role.HELPDESK) as client:
        await node.load_first()
        await node.coverage.current()  # its page would not wait for the first
        yield node, client


def rung(node: RosterNode) -> list[str]:
    assert node.keeper.directory is not None
    return [number.e164 for number in node.keeper.directory.people[PersonKey("ada")].default_numbers]


async def test_hostile_names_are_text_and_numbers_are_masked() -> None:
    async with RosterNode().running() as node, local_door(node) as client:
        await node.load_first()
        await node.coverage.current()
        node.journal.add(CALL)
        node.journal.add(replace(CALL, call_id="1.2", caller="", trunk=HOSTILE, did=HOSTILE))
        await node.say(ada(name=HOSTILE, department=HOSTILE), bob())
        for view in await node.desk.plans():
            await node.desk.decide(view.row.id, True, HOSTILE, HOSTILE, fingerprint=view.fingerprint)
        order = {"what": "everything", "mode": "freeze", "length": "1h", "reason": HOSTILE}
        shown = await client.post("/override/preview", data=order)
        for answer in (shown, *[await client.get(path) for path in PAGES]):
            assert answer.status_code == 200
            assert "<script>alert" not in answer.text
            squeezed = answer.text.replace(" ", "")
            assert not any(number in squeezed for number in (*PRIVATE_NUMBERS, NEW_NUMBER))


async def test_a_search_finds_people_and_repeats_no_number() -> None:
    async with helpdesk() as (_, client):
        one = await client.post("/find", data={"q": "bob"})
        assert (one.status_code, one.headers["location"]) == (303, "/did/+441134960124")
        both = await client.post("/find", data={"q": "example"})
        assert both.text.count('href="/people/') >= 2
        foreign = await client.post("/find", data={"q": ENTERED})
        assert "This is no DID of ours." in foreign.text
        assert "900999" not in foreign.text
        nothing = await client.get("/find", params={"q": HOSTILE})
        assert "Nothing was found." in nothing.text
        assert "<script>alert" not in nothing.text


async def test_numbers_are_entered_and_given_back() -> None:
    async with helpdesk() as (node, client):
        form = {"number_1": ENTERED, "use_1": "private", "ring_seconds_1": "25", "reason": "asked by telephone"}
        done = await client.post("/people/ada/numbers", data=form)
        assert (done.status_code, done.headers["location"]) == (303, "/people/ada")
        assert rung(node) == [E164]
        page = (await client.get("/people/ada")).text
        assert "+44*******999" in page
        assert "grace@example.org" in page
        assert "asked by telephone" in page
        assert (await client.post("/people/ada/clear-numbers", data={"reason": "a mistake"})).status_code == 303
        assert rung(node) == list(PRIVATE_NUMBERS)


async def test_facts_absence_duty_and_leaving_are_entered() -> None:
    async with helpdesk() as (node, client):
        facts = {"position": "2", "consent": "withdrawn", "reason": "asked"}
        assert (await client.post("/people/ada/facts", data=facts)).status_code == 303
        assert rung(node) == [PRIVATE_NUMBERS[0]]
        assert (await client.post("/people/ada/clear-facts", data={"position": "2", "reason": "x"})).status_code == 303
        assert len(rung(node)) == 2
        now = node.operator.now()
        duty = {"until": (now + timedelta(days=1)).strftime("%Y-%m-%dT%H:%M"), "reason": "week 5"}
        assert (await client.post("/people/ada/on-call", data=duty)).status_code == 303
        away = {"from": now.date().isoformat(), "until": "", "deputy": "bob", "reason": "ill"}
        assert (await client.post("/people/ada/away", data=away)).status_code == 303
        assert rung(node) == []
        assert "away" in (await client.get("/people/ada")).text
        assert (await client.post("/people/ada/clear-away", data={"reason": "well"})).status_code == 303
        assert (await client.post("/people/ada/leaving", data={"reason": "left"})).status_code == 303
        assert rung(node) == []


@pytest.mark.parametrize(
    ("what", "form", "words"),
    [
        ("numbers", {"number_1": "07700 900999 ext", "reason": "x"}, "numbers.0.number"),
        ("numbers", {"number_1": ENTERED, "ring_seconds_1": "9999", "reason": "x"}, "is not understood"),
        ("numbers", {"number_1": ENTERED, "reason": " "}, "is empty"),
        ("on-call", {"until": "soon", "reason": "x"}, "is not a time"),
        ("facts", {"position": "7", "consent": "given", "reason": "x"}, "no number 7"),
        ("away", {"reason": "x"}, "is not understood"),
        ("dids", {"dids": "07700 900999", "reason": "x"}, "no DID of ours"),
    ],
)
async def test_what_is_wrong_with_an_entry_is_said_without_the_number(
    what: str, form: dict[str, str], words: str
) -> None:
    async with helpdesk() as (node, client):
        answer = await client.post(f"/people/ada/{what}", data=form)
        assert answer.status_code == 422
        assert words in answer.text
        assert rung(node) == list(PRIVATE_NUMBERS)


@pytest.mark.parametrize("role", [Role.STAFF, Role.VIEWER, Role.AUDITOR])
async def test_whoever_may_not_enter_sees_no_form_and_changes_nothing(role: Role) -> None:
    async with RosterNode().running() as node, signed_in_door(node, role) as client:
        await node.load_first()
        assert 'action="/people/' not in (await client.get("/people/ada")).text
        answer = await client.post("/people/ada/leaving", data={"reason": "left"})
        assert answer.status_code == 403
        assert (await client.post("/plans/1", data={"decision": "approve", "reason": "x"})).status_code == 403
        assert rung(node) == list(PRIVATE_NUMBERS)


async def test_a_form_from_elsewhere_enters_nothing() -> None:
    async with helpdesk() as (node, client):
        for headers in ({"X-CSRF-Token": ""}, {"Sec-Fetch-Site": "cross-site"}):
            for path in ("/people/ada/leaving", "/plans/1"):
                answer = await client.post(path, data={"reason": "x", "decision": "approve"}, headers=headers)
                assert answer.status_code == 403
        assert rung(node) == list(PRIVATE_NUMBERS)


async def test_a_held_plan_is_decided_in_part() -> None:
    async with helpdesk() as (node, client):
        await node.say(bob())  # ada is missing
        (view,) = await node.desk.plans()
        page = await client.get(f"/plans/{view.row.id}")
        assert "missing from the feed" in page.text
        fields = dict(re.findall(r'name="(fingerprint)" value="([^"]*)"', page.text))
        none_ticked = fields | {"part": "some", "decision": "approve", "reason": "she left"}
        assert (await client.post(f"/plans/{view.row.id}", data=none_ticked)).status_code == 422
        item = re.search(r'name="item" value="([^"]*)"', page.text)
        assert item is not None
        done = await client.post(f"/plans/{view.row.id}", data=none_ticked | {"item": item.group(1)})
        assert (done.status_code, done.headers["location"]) == (303, "/plans")
        assert rung(node) == []
        assert "Nothing is held." in (await client.get("/plans")).text
        assert "she left" in (await client.get("/plans?closed=true")).text


async def test_calls_are_filtered_and_paged() -> None:
    async with helpdesk() as (node, client):
        for number in range(60):
            node.journal.add(replace(CALL, call_id=f"2.{number}", result="busy" if number % 2 else "answered"))
        first = (await client.get("/calls", params={"did": "0113 496 0123"})).text
        assert first.count("<tr>") == 51
        assert 'rel="next"' in first
        assert (await client.get("/calls", params={"page": 2})).text.count("<tr>") == 11
        busy = (await client.get("/calls", params={"outcome": "busy"})).text
        assert busy.count("<tr>") == 31
        assert "Somebody" not in busy
        assert "The platform was in DR mode." in busy
        assert (await client.get("/calls", params={"did": "nonsense"})).status_code == 422
        assert (await client.get("/calls", params={"page": 0})).status_code == 422


def test_a_curve_stays_within_its_chart() -> None:
    at = datetime(2030, 1, 15, tzinfo=UTC)
    days = [CoverageDayOut(at=at, dids=2, covered=1, percent=p, reasons=[]) for p in (0.0, 55.0, 100.0)]
    curve = curve_of(days, 95.0)
    assert [x for x, _ in curve.points] == sorted(x for x, _ in curve.points)
    assert all(MARGIN <= x <= WIDTH - MARGIN and MARGIN <= y <= HEIGHT - MARGIN for x, y in curve.points)
    assert curve.points[0][1] == MARGIN
    assert curve_of([], 0.0).area == ""
    assert curve_of([], 0.0).target_y is None


async def test_coverage_is_told_as_a_chart_and_as_a_table() -> None:
    async with helpdesk() as (node, client):
        for day, covered in ((14, 1), (15, 2)):
            at = datetime(2030, 1, day, tzinfo=UTC)
            await node.roster_store.add_coverage(CoverageRow(at, 2, covered, {"vacant": 2 - covered}))
        page = (await client.get("/coverage")).text
        assert "0.0 %" in page
        assert page.count("nobody ever confirmed that the number reaches the owner") >= 2
        assert '<th scope="row"><a href="/people?site=Leeds">' in page
        assert "Coverage from 50.0 % on 2030-01-14 to 100.0 % on 2030-01-15" in page
        assert page.count("<circle") == 2
        assert '<th scope="row">2030-01-14</th>' in page
