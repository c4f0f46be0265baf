"""The big decision on the page: shown before, confirmed once, refused from elsewhere, never over somebody's head."""

from __future__ import annotations

import html
import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import pytest

from ringfence.app.second_person import SecondPersonPolicy
from ringfence.domain.access import Role
from ringfence.domain.outage import Decision
from ringfence.domain.override import Level, OverrideKind
from tests.fakes.doors import local_door, signed_in_door
from tests.fakes.node import DID, OTHER_DID, SCOPE
from tests.fakes.roster_node import RosterNode, ada, bob

ORDER = {"what": f"scope:{SCOPE}", "mode": "dr", "length": "1h", "reason": "the vendor confirms an outage"}


@asynccontextmanager
async def helpdesk() -> AsyncIterator[tuple[RosterNode, httpx.AsyncClient]]:
    async with RosterNode().running() as node, signed_in_door(node, Role.HELPDESK) as client:
        await node.load_first()
        await node.platform(True)
        yield node, client


def hidden(text: str, action: str) -> dict[str, str]:
    """The hidden fields of the form that is sent there."""
    form = text[text.index(f'action="{action}"') :]
    form = form[: form.index("</form>")]
    pairs = re.findall(r'type="hidden" name="([^"]*)" value="([^"]*)"', form)
    return {name: html.unescape(value) for name, value in pairs}


async def previewed(client: httpx.AsyncClient, **order: str) -> dict[str, str]:
    answer = await client.post("/override/preview", data=ORDER | order)
    assert answer.status_code == 200, answer.text
    return hidden(answer.text, "/override")


async def test_a_decision_is_shown_confirmed_and_told() -> None:
    async with helpdesk() as (node, client):
        shown = await client.post("/override/preview", data=ORDER)
        assert "From the platform to default numbers:" in shown.text
        assert node.failover.overrides == {}
        done = await client.post("/override", data=hidden(shown.text, "/override"))
        assert (done.status_code, done.headers["location"]) == (303, "/")
        assert node.failover.decision(SCOPE) is Decision.DIVERT
        page = (await client.get("/")).text
        assert "the vendor confirms an outage" in page
        assert "grace@example.org" in page


async def test_what_was_done_is_said_once() -> None:
    async with RosterNode().running() as node, local_door(node) as client:
        await client.post("/override", data=await previewed(client))
        assert "the decision is on its way" in (await client.get("/")).text
        assert "the decision is on its way" not in (await client.get("/")).text
        nothing = await client.post("/override/release", data={"target": "team:Nobody", "reason": "over"})
        assert nothing.status_code == 303
        assert "nothing has changed" in (await client.get("/")).text
        client.cookies.set("ringfence-done", "<script>alert(1)</script>")
        assert "<script>alert" not in (await client.get("/")).text


async def test_one_confirmation_sent_twice_acts_once() -> None:
    async with helpdesk() as (node, client):
        fields = await previewed(client)
        for _ in range(2):
            assert (await client.post("/override", data=fields)).status_code == 303
        (word,) = node.failover.overrides.values()
        rows = [row for row in await node.operator.history(10) if row.who == word.who]
        assert len(rows) == 1


async def test_two_agents_at_once_see_each_other() -> None:
    async with helpdesk() as (node, client):
        late = await previewed(client, reason="second")
        early = await previewed(client, reason="first", mode="freeze")
        assert (await client.post("/override", data=early)).status_code == 303
        refused = await client.post("/override", data=late)
        assert refused.status_code == 409
        assert "somebody has decided something" in refused.text
        assert "first" in refused.text
        (word,) = node.failover.overrides.values()
        assert word.kind is OverrideKind.FREEZE
        again = await client.post("/override", data=hidden(refused.text, "/override"))
        assert again.status_code == 303
        (word,) = node.failover.overrides.values()
        assert word.why == "second"


async def test_a_team_moves_by_the_search_in_three_actions() -> None:
    async with helpdesk() as (node, client):
        await node.say(ada(department="Housing"), bob(department="Parking"))
        await _approve_all(node)
        found = await client.post("/find", data={"q": "housing"})
        assert 'value="team:Housing"' in found.text
        order = hidden(found.text, "/override/preview") | {"what": "team:Housing", "reason": "fire alarm"}
        shown = await client.post("/override/preview", data=order)
        done = await client.post("/override", data=hidden(shown.text, "/override"))
        assert done.status_code == 303
        (word,) = node.failover.overrides.values()
        assert word.target.team == "Housing"
        assert word.until is not None


async def test_why_a_number_rings_there_is_two_actions_away() -> None:
    async with helpdesk() as (_, client):
        found = await client.post("/find", data={"q": "0113 496 0123"})
        assert (found.status_code, found.headers["location"]) == (303, f"/did/{DID}")
        page = (await client.get(found.headers["location"])).text
        assert "It rings on the platform. Should that fail" in page
        assert "because it is:" in page
        assert "This DID to DR for an hour" in page


async def test_several_dids_and_ranges_are_understood() -> None:
    async with helpdesk() as (node, client):
        for dids in (f"{DID}, 0113 496 0124", "0113 496 0100 to 0113 496 0199", "+441134960123 - +441134960124"):
            fields = await previewed(client, dids=dids, what="")
            assert (await client.post("/override", data=fields)).status_code == 303
            (word,) = node.failover.overrides.values()
            assert word.target.listed == (DID, OTHER_DID)


@pytest.mark.parametrize(
    ("order", "words"),
    [
        ({"what": ""}, "it is not said what this is about"),
        ({"reason": " "}, "is empty"),
        ({"dids": "+447700900555 1234567890"}, "no DID"),
        ({"dids": "07700 900555"}, "no DID of ours"),
        ({"mode": "sideways"}, "none of dr, normal and freeze"),
        ({"what": "team:Nobody"}, "no DID belongs"),
        ({"until": "yesterday"}, "is not a time"),
    ],
)
async def test_what_cannot_be_done_is_said_beside_the_form(order: dict[str, str], words: str) -> None:
    async with helpdesk() as (node, client):
        answer = await client.post("/override/preview", data=ORDER | order)
        assert answer.status_code in (404, 422)
        assert words in answer.text
        assert 'action="/override/preview"' in answer.text
        assert node.failover.overrides == {}


async def test_a_word_is_released_and_taken_back() -> None:
    async with helpdesk() as (node, client):
        await client.post("/override", data=await previewed(client))
        await client.post("/override", data=await previewed(client, mode="normal"))
        box = hidden((await client.get("/")).text, "/override/release")
        undone = await client.post("/override/undo", data=box | {"reason": "wrong button"})
        assert undone.status_code == 303
        (word,) = node.failover.overrides.values()
        assert word.kind is OverrideKind.DR
        box = hidden((await client.get("/")).text, "/override/release")
        assert (await client.post("/override/release", data=box | {"reason": "over"})).status_code == 303
        assert node.failover.overrides == {}


async def test_a_second_person_approves_on_the_page() -> None:
    async with helpdesk() as (node, grace), local_door(node) as ada_door:
        node.second_person.policy = SecondPersonPolicy(frozenset({Level.PLATFORM}))
        fields = await previewed(grace)
        assert (await grace.post("/override", data=fields)).status_code == 303
        assert node.failover.overrides == {}
        page = (await ada_door.get("/")).text
        assert "Waits for a second person" in page
        assert "the vendor confirms an outage" in page
        (waiting,) = node.words_desk.pending()
        assert f"-{waiting.id}" in page  # whoever watches is told
        own = await grace.post(f"/override/pending/{waiting.id}/approve")
        assert own.status_code == 409
        assert (await ada_door.post(f"/override/pending/{waiting.id}/approve")).status_code == 303
        (word,) = node.failover.overrides.values()
        assert (word.who, word.approved_by) == ("grace@example.org", "ada")
        assert "Approved by ada." in (await grace.get("/")).text
        assert (await ada_door.post(f"/override/pending/{waiting.id}/reject", data={"reason": "x"})).status_code == 404


async def test_a_form_from_elsewhere_changes_nothing() -> None:
    async with helpdesk() as (node, client):
        fields = await previewed(client)
        for headers, given in (
            ({"X-CSRF-Token": ""}, fields | {"csrf_token": "0" * 64}),
            ({"X-CSRF-Token": ""}, {k: v for k, v in fields.items() if k != "csrf_token"}),
            ({"Sec-Fetch-Site": "cross-site"}, fields),
            ({"Origin": "https://elsewhere.example"}, fields),
        ):
            answer = await client.post("/override", data=given, headers=headers)
            assert answer.status_code == 403
        assert node.failover.overrides == {}
        assert (await client.post("/override", data=fields, headers={"X-CSRF-Token": ""})).status_code == 303


@pytest.mark.parametrize("role", [Role.STAFF, Role.VIEWER, Role.AUDITOR])
async def test_whoever_may_not_order_sees_no_form_and_changes_nothing(role: Role) -> None:
    async with RosterNode().running() as node, signed_in_door(node, role) as client:
        await node.load_first()
        for path in ("/override/preview", "/override", "/override/release", "/override/undo", "/failback"):
            assert (await client.post(path, data=ORDER)).status_code == 403
        assert "/override" not in (await client.get("/")).text
        assert "/override" not in (await client.get(f"/did/{DID}")).text
        assert node.failover.overrides == {}


async def _approve_all(node: RosterNode) -> None:
    for view in await node.desk.plans():
        await node.desk.decide(view.row.id, True, "hr", "as asked", fingerprint=view.fingerprint)
