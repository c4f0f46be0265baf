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
    ("order", "field", "words"),
    [
        ({"what": ""}, "what", "Choose what is to be moved"),
        ({"what": "team:Nobody"}, "what", "not there any more"),
        ({"what": "scope:elsewhere"}, "what", "not there any more"),
        ({"dids": "+447700900555 1234567890"}, "dids", "no DID of ours"),
        ({"dids": "07700 900555"}, "dids", "no DID of ours"),
        ({"dids": "0113 496 0700 to 0113 496 0710"}, "dids", "the range holds none"),
        ({"mode": "sideways"}, "mode", "Choose one of the others"),
        ({"mode": "freeze", "what": "site:Leeds"}, "mode", "Only platforms and everything can be frozen"),
        ({"length": "a while"}, "length", "Choose one of the lengths"),
        ({"until": "yesterday"}, "until", "This is no time"),
        ({"until": "2030-01-15T11:59"}, "until", "or it is over"),
        ({"reason": " "}, "reason", "Say in a few words why"),
        ({"reason": "x" * 301}, "reason", "at most 300 characters"),
    ],
)
async def test_what_cannot_be_done_is_said_at_its_field(order: dict[str, str], field: str, words: str) -> None:
    async with helpdesk() as (node, client):
        answer = await client.post("/override/preview", data=ORDER | order)
        assert answer.status_code in (404, 422)
        assert faults_in(answer.text).keys() == {field}
        assert words in faults_in(answer.text)[field]
        assert answer.text.count(" autofocus") == 1
        assert "07700 900555" not in answer.text
        assert "7700900555" not in answer.text
        assert node.failover.overrides == {}


async def test_all_faults_are_said_at_once_and_nothing_else_that_was_written_is_lost() -> None:
    async with helpdesk() as (_, client):
        written = {"what": "", "dids": "0113 496 0123", "mode": "normal", "until": "2030-01-15T11:59", "reason": ""}
        answer = await client.post("/override/preview", data=ORDER | written)
        assert faults_in(answer.text).keys() == {"until", "reason"}
        assert 'id="dids" name="dids" value="0113 496 0123"' in answer.text
        assert 'name="until" value="2030-01-15T11:59"' in answer.text
        assert 'value="normal" checked' in answer.text


async def test_what_becomes_wrong_before_it_is_confirmed_is_asked_for_again() -> None:
    async with helpdesk() as (node, client):
        shown = await previewed(client, until="2030-01-15T12:01", reason="until the vendor calls")
        await node.clock.advance(61)
        answer = await client.post("/override", data=shown)
        assert answer.status_code == 422
        assert faults_in(answer.text).keys() == {"until"}
        assert "until the vendor calls" in answer.text
        assert node.failover.overrides == {}


def faults_in(text: str) -> dict[str, str]:
    """What is said below each field, by the field's id; each is tied to the field."""
    found = dict(re.findall(r'<p class="fault" id="([a-z]+)-fault">(.*?)</p>', text))
    assert all(f'aria-describedby="{field}-fault' in text for field in found)
    return found


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
