"""What people see and set of their own as a page: their numbers and nobody else's data, without JavaScript."""

from __future__ import annotations

import re
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import httpx
import pytest

from ringfence.domain.access import Role
from ringfence.domain.directory import Consent, PersonKey
from tests.fakes.doors import local_door, signed_in_door
from tests.fakes.node import DID, PRIVATE_NUMBERS
from tests.fakes.roster_node import RosterNode, ada, bob

FIRST, SECOND = PRIVATE_NUMBERS
ENTERED, E164 = "07700 900999", "+447700900999"
HOSTILE = '<script>alert("x")</script>'


@asynccontextmanager
async def staff(*roles: Role, person: str | None = "ada") -> AsyncIterator[tuple[RosterNode, httpx.AsyncClient]]:
    async with (
        RosterNode().running() as node,
        signed_in_door(node, *(roles or (Role.STAFF,)), person=person) as client,
    ):
        await node.load_first()
        yield node, client


def rung(node: RosterNode) -> list[str]:
    assert node.keeper.directory is not None
    return [number.e164 for number in node.keeper.directory.people[PersonKey("ada")].default_numbers]


async def about(client: httpx.AsyncClient, position: int) -> dict[str, str]:
    """The fields that say which number is meant, as the page has them."""
    page = (await client.get("/me")).text
    seen = re.search(r'name="seen" value="([^"]*)"', page)
    assert seen is not None
    return {"position": str(position), "seen": seen.group(1)}


async def post(client: httpx.AsyncClient, what: str, **fields: str) -> httpx.Response:
    return await client.post(f"/me/{what}", data=fields)


async def test_staff_see_their_own_and_nothing_of_anybody_else() -> None:
    async with staff() as (node, client):
        await node.platform(True)
        await node.platform(False, 3)
        node.refresh()
        page = (await client.get("/me")).text
        assert "Ada Example" in page
        assert page.count("+44*******123") >= 2
        assert f"Whoever calls {DID}:" in page
        assert "does not ring at the moment. Instead these do" in page
        for other in ("Bob", "bob", "+441134960124", 'href="/people', 'href="/calls', 'id="banner"', "data-events"):
            assert other not in page, other
        assert 'href="/me"' in page


async def test_a_deputy_stays_unnamed_in_what_a_caller_would_experience() -> None:
    async with staff() as (node, client):
        today = node.operator.now().date().isoformat()
        done = await post(client, "away", **{"from": today, "until": "", "deputy": "bob"})
        assert (done.status_code, done.headers["location"]) == (303, "/me")
        assert rung(node) == []
        page = (await client.get("/me")).text
        assert "your deputy's telephone" in page
        assert "777" not in page  # the end of the deputy's number
        assert (await post(client, "clear-away")).status_code == 303
        assert rung(node) == [FIRST, SECOND]


async def test_numbers_are_added_moved_and_removed() -> None:
    async with staff() as (node, client):
        assert (await post(client, "add", number=ENTERED, consent="yes")).status_code == 303
        assert rung(node) == [FIRST, SECOND, E164]
        view = await node.desk.person("ada")
        assert view.numbers[2].consent is Consent.GIVEN
        assert view.fields["numbers"][0].who == "grace@example.org"
        assert (await post(client, "up", **await about(client, 3))).status_code == 303
        assert (await post(client, "down", **await about(client, 1))).status_code == 303
        assert rung(node) == [E164, FIRST, SECOND]
        assert (await post(client, "remove", **await about(client, 2))).status_code == 303
        assert rung(node) == [E164, SECOND]
        assert (await post(client, "clear-numbers")).status_code == 303
        assert rung(node) == [FIRST, SECOND]


async def test_a_number_that_has_moved_meanwhile_is_not_taken_for_another() -> None:
    async with staff() as (node, client):
        old = await about(client, 1)
        assert (await post(client, "remove", **old)).status_code == 303
        again = await post(client, "remove", **old)
        assert (again.status_code, rung(node)) == (409, [SECOND])
        assert "they have changed since" in again.text


async def test_consent_hours_and_confirmation_are_said_of_one_number() -> None:
    async with staff() as (node, client):
        assert (await post(client, "consent", consent="withdrawn", **await about(client, 1))).status_code == 303
        assert rung(node) == [SECOND]
        assert (await post(client, "consent", consent="given", **await about(client, 1))).status_code == 303
        assert rung(node) == [FIRST, SECOND]
        assert (await post(client, "hours", hours="mon-fri 08:00-18:00", **await about(client, 2))).status_code == 303
        assert (await post(client, "confirm", **await about(client, 2))).status_code == 303
        number = (await node.desk.person("ada")).numbers[1]
        assert (number.hours, number.confirmed_on) == ("mon-fri 08:00-18:00", node.operator.now().date())
        assert "mon-fri 08:00-18:00" in (await client.get("/me")).text
        assert (await post(client, "press-one", press_one="asked", **await about(client, 2))).status_code == 303
        assert (await node.desk.person("ada")).numbers[1].press_one is True
        assert '<option value="asked" selected>' in (await client.get("/me")).text


async def test_where_i_am_today_rings_first_and_ends() -> None:
    async with staff() as (node, client):
        until = (node.operator.now() + timedelta(hours=6)).strftime("%Y-%m-%dT%H:%M")
        assert (await post(client, "today", number=ENTERED, until=until)).status_code == 303
        assert rung(node) == [E164, FIRST, SECOND]
        page = (await client.get("/me")).text
        assert "+44*******999 rings first" in page
        assert (await post(client, "down", **await about(client, 2))).status_code == 303
        assert rung(node) == [E164, SECOND, FIRST]
        refused = await post(client, "remove", **await about(client, 1))
        assert (refused.status_code, "for today only" in refused.text) == (422, True)
        assert (await post(client, "clear-today")).status_code == 303
        assert rung(node) == [SECOND, FIRST]


async def test_being_where_i_usually_am_loses_no_number() -> None:
    async with staff() as (node, client):
        until = (node.operator.now() + timedelta(hours=6)).strftime("%Y-%m-%dT%H:%M")
        assert (await post(client, "today", number=SECOND, until=until)).status_code == 303
        assert rung(node) == [SECOND, FIRST]
        assert (await post(client, "add", number=ENTERED)).status_code == 303
        assert (await post(client, "clear-today")).status_code == 303
        assert rung(node) == [FIRST, SECOND, E164]


@pytest.mark.parametrize(
    ("what", "fields", "words"),
    [
        ("add", {"number": "07700 900999 ext"}, "number"),
        ("add", {"number": ""}, "number"),
        ("add", {"number": FIRST}, "is one of yours already"),
        ("add", {"number": ENTERED, "ring_seconds": "9999"}, "is not understood"),
        ("today", {"number": ENTERED, "until": "soon"}, "is not a time"),
        ("today", {"number": ENTERED, "until": "2031-01-15T12:00"}, "too early or too late"),
        ("away", {"from": "2030-01-15", "deputy": "nobody"}, "nobody has this key"),
        ("away", {"from": ""}, "is not understood"),
        ("consent", {"consent": "perhaps", "position": "1"}, "is not understood"),
        ("hours", {"hours": "all day", "position": "1"}, "names no hours"),
        ("confirm", {"position": "7"}, "no number 7"),
        ("remove", {"position": "one"}, "does not name one number"),
    ],
)
async def test_what_is_wrong_is_said_without_the_number(what: str, fields: dict[str, str], words: str) -> None:
    async with staff() as (node, client):
        if "position" in fields:
            fields = await about(client, 1) | fields
        answer = await post(client, what, **fields)
        assert answer.status_code == 422
        assert words in answer.text
        assert "900999" not in answer.text.replace(" ", "")
        assert rung(node) == [FIRST, SECOND]


@pytest.mark.parametrize("role", [Role.VIEWER, Role.HELPDESK, Role.ADMIN, Role.AUDITOR])
async def test_whoever_is_not_staff_has_no_such_page(role: Role) -> None:
    async with staff(role) as (node, client):
        assert (await client.get("/me")).status_code == 403
        assert (await post(client, "clear-numbers")).status_code == 403
        assert (await post(client, "add", number=ENTERED)).status_code == 403
        assert rung(node) == [FIRST, SECOND]


async def test_a_form_from_elsewhere_enters_nothing() -> None:
    async with staff() as (node, client):
        for headers in ({"X-CSRF-Token": ""}, {"Sec-Fetch-Site": "cross-site"}):
            answer = await client.post("/me/add", data={"number": ENTERED}, headers=headers)
            assert answer.status_code == 403
        assert rung(node) == [FIRST, SECOND]


async def test_more_roles_show_more_and_change_only_ones_own() -> None:
    async with staff(Role.STAFF, Role.HELPDESK) as (node, client):
        page = (await client.get("/me")).text
        assert 'href="/people"' in page
        assert (await post(client, "add", number=ENTERED, key="bob", person="bob")).status_code == 303
        assert rung(node)[-1] == E164
        assert [number.masked[-3:] for number in (await node.desk.person("bob")).numbers] == ["777"]


@pytest.mark.parametrize("person", [None, "stranger"])
async def test_whoever_the_directory_does_not_know_reads_why(person: str | None) -> None:
    async with staff(person=person) as (_, client):
        page = await client.get("/me")
        assert page.status_code == 200
        assert "Nothing of your own is known here" in page.text
        assert "grace@example.org" in page.text
        assert "Ada" not in page.text
        assert (await post(client, "add", number=ENTERED)).status_code == 404
    async with RosterNode().running() as node, local_door(node) as client:
        assert "Nothing of your own is known here" in (await client.get("/me")).text


async def test_staff_who_may_not_see_a_page_are_led_back_to_their_own() -> None:
    async with staff() as (_, client):
        refused = await client.get("/people")
        assert (refused.status_code, 'href="/me"' in refused.text) == (403, True)
        assert 'href="/"' not in refused.text


async def test_hostile_names_are_text_and_the_page_speaks_german() -> None:
    async with staff() as (node, client):
        await node.say(ada(name=HOSTILE), bob())
        for view in await node.desk.plans():
            await node.desk.decide(view.row.id, True, "hr", "ok", fingerprint=view.fingerprint)
        page = await client.get("/me", headers={"Accept-Language": "de"})
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;" in page.text
        assert "Was jemand erlebt, der Sie jetzt anruft" in page.text
        assert "Nach unten" in page.text


async def test_an_unknown_form_is_none() -> None:
    async with staff() as (_, client):
        assert (await post(client, "leaving")).status_code == 404


@pytest.mark.parametrize(
    ("what", "fields", "place", "kept"),
    [
        ("add", {"number": "999", "consent": "yes", "ring_seconds": "33"}, "number-new", 'value="33"'),
        ("add", {"number": ENTERED, "ring_seconds": "1"}, "ring-new", 'name="consent" value="yes"'),
        ("hours", {"hours": "sometimes"}, "hours-1", 'value="sometimes"'),
        ("today", {"number": ENTERED, "until": "2029-01-01T10:00"}, "until-today", 'value="2029-01-01T10:00"'),
        ("away", {"from": "2030-02-01", "until": "2030-01-20"}, "until-away", 'value="2030-02-01"'),
        ("away", {"from": "2030-02-01", "deputy": "nobody"}, "deputy", 'value="nobody"'),
        ("away", {"from": "2030-02-01", "deputy": ENTERED}, "deputy", 'value="2030-02-01"'),
        ("hours", {"hours": ENTERED}, "hours-1", 'name="hours" value=""'),
    ],
)
async def test_a_fault_is_said_at_its_field_and_nothing_but_numbers_is_lost(
    what: str, fields: dict[str, str], place: str, kept: str
) -> None:
    async with staff() as (node, client):
        before = rung(node)
        answer = await post(client, what, **await about(client, 1), **fields)
        assert answer.status_code == 422
        assert f'<p class="fault" id="{place}-fault">' in answer.text
        assert f'id="{place}"' in answer.text
        assert answer.text.count(f'aria-describedby="{place}-fault" aria-invalid="true" autofocus="autofocus"') == 1
        assert kept in answer.text
        assert ENTERED not in answer.text
        assert E164 not in answer.text
        assert rung(node) == before
