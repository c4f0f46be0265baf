"""Self-service: one's own data and nobody else's, and what one says of oneself beats every feed."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import httpx
from starlette.datastructures import Headers

from ringfence.domain.access import Caller, Role, SignedInBy, granted
from ringfence.domain.directory import PersonKey
from tests.fakes.doors import door, local_door
from tests.fakes.node import DID, PRIVATE_NUMBERS
from tests.fakes.roster_node import RosterNode

ENTERED = "+447700900999"


@dataclass(frozen=True)
class SignedIn:
    """Every request comes from this caller."""

    who: Caller

    def caller(self, headers: Headers, account: str | None = None) -> Caller | None:
        return self.who

    def knows_host(self, host: str) -> bool:
        return True


@asynccontextmanager
async def as_staff(person: str | None) -> AsyncIterator[tuple[RosterNode, httpx.AsyncClient]]:
    roles = frozenset({Role.STAFF})
    caller = Caller("Ada Example", granted(roles), SignedInBy.OIDC, roles, person)
    async with RosterNode().running() as node, door(node, SignedIn(caller), {}) as client:
        await node.load_first()
        yield node, client


def rung(node: RosterNode) -> list[str]:
    assert node.keeper.directory is not None
    return [number.e164 for number in node.keeper.directory.people[PersonKey("ada")].default_numbers]


async def test_a_person_sees_their_numbers_and_what_a_caller_would_experience() -> None:
    async with as_staff("ada") as (_, client):
        own = (await client.get("/v1/me")).json()
        assert [number["number"][-3:] for number in own["person"]["numbers"]] == ["123", "124"]
        (line,) = own["lines"]
        assert (line["did"], line["words"].startswith("calls go to the platform")) == (DID, True)
        assert [step["target"][-3:] for step in line["steps"] if step["kind"] == "person"] == ["123", "124"]
        assert not any(number in str(own) for number in PRIVATE_NUMBERS)


async def test_what_people_say_of_themselves_counts_and_is_theirs() -> None:
    async with as_staff("ada") as (node, client):
        order = {"numbers": [{"number": ENTERED}], "reason": "my new mobile"}
        done = await client.put("/v1/me/numbers", json=order)
        assert done.status_code == 200, done.text
        claims = done.json()["person"]["fields"]["numbers"]
        assert (claims[0]["origin"], claims[0]["who"]) == ("person", "Ada Example")
        assert rung(node) == [ENTERED]
        withdrawn = {"position": 1, "consent": "withdrawn", "reason": "not any more"}
        assert (await client.put("/v1/me/facts", json=withdrawn)).status_code == 200
        assert rung(node) == []
        assert (await client.delete("/v1/me/facts", params={"position": 1})).status_code == 200
        today = {"number": "07700 900777", "until": "2030-01-15T18:00:00+00:00", "reason": "at the depot"}
        assert (await client.put("/v1/me/today", json=today)).status_code == 200
        assert rung(node) == ["+447700900777", ENTERED]
        assert (await client.delete("/v1/me/today")).status_code == 200
        away = {"from": "2030-01-15", "deputy": "bob", "reason": "leave"}
        assert (await client.put("/v1/me/away", json=away)).json()["person"]["standing"] == "away"
        assert (await client.delete("/v1/me/away")).json()["person"]["standing"] == "employed"
        assert (await client.delete("/v1/me/numbers")).status_code == 200
        assert rung(node) == list(PRIVATE_NUMBERS)


async def test_staff_see_nobody_else_and_order_nothing() -> None:
    async with as_staff("ada") as (node, client):
        before = dict(node.desk.summary().__dict__) if hasattr(node.desk.summary(), "__dict__") else node.desk.summary()
        for path in ("/v1/people/bob", "/v1/status", "/v1/calls", f"/v1/explain/{DID}", "/v1/people?find=b"):
            assert (await client.get(path)).status_code == 403, path
        order = {"numbers": [], "reason": "mischief"}
        assert (await client.put("/v1/people/bob/numbers", json=order)).status_code == 403
        assert before == (dict(node.desk.summary().__dict__) if isinstance(before, dict) else node.desk.summary())


async def test_a_deputys_number_is_the_deputys() -> None:
    async with as_staff("bob") as (_, client):
        away = {"from": "2030-01-15", "deputy": "ada", "reason": "leave"}
        assert (await client.put("/v1/me/away", json=away)).status_code == 200
        (line,) = (await client.get("/v1/me")).json()["lines"]
        deputies = [step for step in line["steps"] if step["kind"] == "person"]
        assert len(deputies) == 2
        assert {step["target"] for step in deputies} == {""}


async def test_somebody_the_directory_does_not_know_is_told_so() -> None:
    async with as_staff(None) as (_, client):
        for answer in (await client.get("/v1/me"), await client.delete("/v1/me/today")):
            assert (answer.status_code, answer.json()["field"]) == (404, "person")


async def test_whoever_has_left_says_nothing_more_of_themselves() -> None:
    async with as_staff("ada") as (node, client), local_door(node) as helpdesk:
        order = {"numbers": [{"number": ENTERED}], "reason": "my new mobile"}
        assert await node.desk.left_among({"ada", "bob", "carol"}) == frozenset()
        left = await helpdesk.put("/v1/people/ada/leaving", json={"reason": "handed in the badge"})
        assert left.status_code == 200, left.text
        assert await node.desk.left_among({"ada", "bob", "carol"}) == {"ada"}
        assert (await helpdesk.delete("/v1/people/ada", params={"reason": "asked to be"})).status_code == 200
        refused = await client.put("/v1/me/numbers", json=order)
        assert (refused.status_code, refused.json()["field"]) == (409, "person")
        assert (await client.get("/v1/me")).json()["person"]["numbers"] == []
        entered = await helpdesk.put("/v1/people/ada/numbers", json=order)
        assert entered.status_code == 200, entered.text
