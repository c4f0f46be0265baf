"""People over the API, on the real desk: entered by hand, checked as at an import, masked in every answer."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx
import pytest

from ringfence.domain.directory import Consent, PersonKey
from ringfence.domain.hr.record import HrNumber
from ringfence.domain.hr.roster import NumberFacts
from ringfence.domain.ring_hours import RingHours
from tests.fakes.doors import http_door
from tests.fakes.node import DID, OTHER_DID, PRIVATE_NUMBERS
from tests.fakes.roster_node import NEW_NUMBER, RosterNode, ada, bob

ENTERED = "+447700900999"
WHY = {"reason": "asked by telephone"}
DAY_SECONDS = 86_400.0


@asynccontextmanager
async def loaded() -> AsyncIterator[tuple[RosterNode, httpx.AsyncClient]]:
    async with RosterNode().running() as node, http_door(node) as client:
        await node.load_first()
        yield node, client


def rung(node: RosterNode, key: str = "ada") -> list[str]:
    """What rings for this person, as it is routed by."""
    assert node.keeper.directory is not None
    return [number.e164 for number in node.keeper.directory.people[PersonKey(key)].default_numbers]


async def put(client: httpx.AsyncClient, field: str, key: str = "ada", **order: Any) -> httpx.Response:
    return await client.put(f"/v1/people/{key}/{field}", json=order | {"reason": order.get("reason", WHY["reason"])})


async def clear(client: httpx.AsyncClient, field: str, **query: Any) -> httpx.Response:
    return await client.delete(f"/v1/people/ada/{field}", params=WHY | query)


async def test_a_person_shows_every_origin_and_which_counts() -> None:
    async with loaded() as (_, client):
        assert (await put(client, "numbers", numbers=[{"number": ENTERED}])).status_code == 200
        person = (await client.get("/v1/people/ada")).json()
        assert (person["standing"], person["dids"][0]["did"]) == ("employed", DID)
        claims = [(one["origin"], one["who"], one["in_force"]) for one in person["fields"]["numbers"]]
        assert claims == [("helpdesk", "http", True), ("payroll", "", False), ("import", "", False)]


async def test_people_are_found_by_key_did_and_name() -> None:
    async with loaded() as (_, client):
        for text, keys in (
            ("ada", ["ada"]),
            ("0113 496 0124", ["bob"]),
            (OTHER_DID, ["bob"]),
            ("example", ["ada", "bob"]),
            ("nobody", []),
            ("0113 496 0777", []),
        ):
            found = (await client.get("/v1/people", params={"find": text})).json()["people"]
            assert [one["key"] for one in found] == keys, text
        assert (await client.get("/v1/people", params={"find": " "})).status_code == 422
        assert (await client.get("/v1/people/nobody")).status_code == 404


async def test_numbers_ring_in_the_order_given_and_no_feed_overwrites_them() -> None:
    async with loaded() as (node, client):
        numbers = [{"number": "07700 900999", "ring_seconds": 30}, {"number": "0113 496 0777", "use": "work"}]
        done = (await put(client, "numbers", numbers=numbers)).json()
        shown = [(n["number"], n["use"], n["ring_seconds"]) for n in done["person"]["numbers"]]
        assert shown == [("+44*******999", "private", 30), ("+44*******777", "work", 20)]
        assert done["warnings"] == ["number 1 is in no range the numbering plan knows; check the digits"]
        assert rung(node) == [ENTERED, "+441134960777"]
        await node.say(ada(numbers=(HrNumber(NEW_NUMBER),)), bob())
        assert rung(node) == [ENTERED, "+441134960777"]
        assert (await put(client, "numbers", numbers=[])).json()["person"]["numbers"] == []
        assert rung(node) == []
        assert (await clear(client, "numbers")).status_code == 200
        assert rung(node) == [NEW_NUMBER]


async def test_what_is_known_of_a_number_is_kept_beside_what_is_said_now() -> None:
    async with loaded() as (node, client):
        assert (await put(client, "facts", position=2, consent="given", hours="07:00-22:00")).status_code == 200
        done = await put(client, "facts", number="07700 900124", confirmed_on="2030-01-10", purpose="outages only")
        number = done.json()["person"]["numbers"][1]
        assert (number["consent"], number["consent_on"], number["confirmed_on"]) == (
            "given",
            "2030-01-15",
            "2030-01-10",
        )
        assert node.roster_store.roster.entries[PersonKey("ada")].facts[PRIVATE_NUMBERS[1]].value == NumberFacts(
            consent=Consent.GIVEN,
            consent_on=node.clock.now().wall.date(),
            purpose="outages only",
            hours=RingHours(7 * 60, 22 * 60, "Europe/London"),
            confirmed_on=node.clock.now().wall.date().replace(day=10),
        )
        assert (await put(client, "facts", position=2, hours="")).json()["person"]["numbers"][1]["hours"] == ""
        cleared = (await clear(client, "facts", position=2)).json()["person"]["numbers"][1]
        assert (cleared["consent"], cleared["confirmed_on"]) == ("not_stated", None)


async def test_a_persons_number_may_be_asked_for_1_or_not() -> None:
    async with loaded() as (_, client):
        for word, answer in (("asked", True), ("not_asked", False), ("as_configured", None)):
            done = await put(client, "facts", position=1, press_one=word)
            assert done.json()["person"]["numbers"][0]["press_one"] is answer
        assert (await put(client, "facts", position=1, press_one="sometimes")).status_code == 422


async def test_withdrawn_consent_stops_a_number_at_once_and_a_confirmation_covers() -> None:
    async with loaded() as (node, client):
        await put(client, "facts", position=1, consent="withdrawn")
        assert rung(node) == [PRIVATE_NUMBERS[1]]
        await put(client, "facts", position=1, consent="given", confirmed_on="2030-01-15")
        assert rung(node) == list(PRIVATE_NUMBERS)
        covered = (await client.get("/v1/coverage")).json()
        assert (covered["covered"], covered["dids"]) == (1, 2)


async def test_an_absence_hands_over_to_the_deputy_until_the_person_is_back() -> None:
    async with loaded() as (node, client):
        away = {"from": "2030-01-15", "until": "2030-01-31", "deputy": "bob"}
        assert (await put(client, "away", **away)).json()["person"]["standing"] == "away"
        assert rung(node) == []
        assert node.keeper.directory is not None
        assert node.keeper.directory.people[PersonKey("ada")].deputy == "bob"
        assert (await clear(client, "away")).json()["person"]["standing"] == "employed"
        assert rung(node) == list(PRIVATE_NUMBERS)


async def test_on_call_lasts_until_its_end() -> None:
    async with loaded() as (_, client):
        await put(client, "facts", position=1, hours="08:00-09:00")
        assert (await client.get("/v1/people/ada")).json()["numbers"][0]["rings"] is False
        done = await put(client, "on_call", until="2030-01-16T08:00:00+00:00")
        assert done.json()["person"]["numbers"][0]["rings"] is True
        assert (await clear(client, "on_call")).json()["person"]["numbers"][0]["rings"] is False


async def test_where_somebody_is_today_rings_first_and_ends_by_itself() -> None:
    async with loaded() as (node, client):
        done = (await put(client, "today", number=ENTERED, until="2030-01-15T18:00:00+00:00")).json()["person"]
        assert (done["numbers"][0]["number"][-3:], done["today_until"]) == ("999", "2030-01-15T18:00:00Z")
        assert rung(node) == [ENTERED, *PRIVATE_NUMBERS]
        await node.clock.advance(DAY_SECONDS)
        await put(client, "on_call", until="2030-01-17T08:00:00+00:00")  # whatever it is, it has people derived anew
        assert rung(node) == list(PRIVATE_NUMBERS)
        await put(client, "today", number=ENTERED, until="2030-01-17T18:00:00+00:00")
        assert (await clear(client, "today")).json()["person"]["today_until"] is None
        assert rung(node) == list(PRIVATE_NUMBERS)
        refused = await put(client, "today", number=OTHER_DID, until="2030-01-17T18:00:00+00:00")
        assert (refused.status_code, refused.json()["field"]) == (422, "number")


async def test_a_leaver_stops_ringing_whatever_the_feed_says_and_can_be_forgotten() -> None:
    async with loaded() as (node, client):
        early = await client.delete("/v1/people/ada", params=WHY)
        assert (early.status_code, early.json()["field"]) == (409, "person")
        done = (await put(client, "leaving", last_day="2030-01-14")).json()["person"]
        assert (done["standing"], done["until"]) == ("left", "2030-01-15T00:00:00Z")
        await node.say(ada(), bob())
        assert not [one for one in node.keeper.directory.assignments.values() if one.owner == "ada"]  # type: ignore[union-attr]
        assert (await clear(client, "leaving")).json()["person"]["standing"] == "employed"
        assert (await put(client, "leaving")).json()["person"]["standing"] == "left"
        assert (await client.delete("/v1/people/ada", params=WHY)).json() == {"key": "ada"}
        assert (await client.get("/v1/people/ada")).json()["numbers"] == []


async def test_a_last_day_ends_at_midnight_of_the_site() -> None:
    async with loaded() as (_, client):
        done = (await put(client, "leaving", last_day="2030-06-30")).json()["person"]
        assert (done["standing"], done["until"]) == ("employed", "2030-06-30T23:00:00Z")


async def test_a_did_is_given_by_hand_and_released_from_quarantine() -> None:
    async with loaded() as (node, client):
        await put(client, "leaving", last_day="2030-01-14")
        given = (await put(client, "dids", key="bob", dids=["0113 496 0123", OTHER_DID])).json()["person"]
        holds = {held["did"]: held["hold"] for held in given["dids"]}
        assert "quarantine" in holds[DID]
        assert holds[OTHER_DID] == ""
        assert node.keeper.directory is not None
        released = await client.post("/v1/dids/0113%20496%200123/release", json=WHY)
        assert released.json() == {"released": True}
        assert (await client.post(f"/v1/dids/{DID}/release", json=WHY)).json() == {"released": False}
        person = (await client.get("/v1/people/bob")).json()
        assert [held["hold"] for held in person["dids"]] == ["", ""]
        assert (await client.post("/v1/dids/+441134960777/release", json=WHY)).status_code == 404


async def test_the_history_names_who_and_why() -> None:
    async with loaded() as (_, client):
        await put(client, "numbers", numbers=[{"number": ENTERED}])
        (note, *_) = (await client.get("/v1/people/ada/history", params={"limit": 1})).json()["history"]
        assert (note["who"], note["reason"], note["what"]) == (
            "http",
            WHY["reason"],
            "numbers: +44*******999 (private)",
        )


REFUSED: dict[str, tuple[str, dict[str, Any], str]] = {
    "no number": ("numbers", {"numbers": [{"number": "reception"}]}, "numbers.0.number"),
    "emergency": ("numbers", {"numbers": [{"number": ENTERED}, {"number": "999"}]}, "numbers.1.number"),
    "premium rate": ("numbers", {"numbers": [{"number": "0845 123 4567"}]}, "numbers.0.number"),
    "abroad": ("numbers", {"numbers": [{"number": "+31 10 123 4567"}]}, "numbers.0.number"),
    "our own DID": ("numbers", {"numbers": [{"number": OTHER_DID}]}, "numbers.0.number"),
    "twice": ("numbers", {"numbers": [{"number": ENTERED}, {"number": "07700 900999"}]}, "numbers.1.number"),
    "six": ("numbers", {"numbers": [{"number": f"077009001{n:02d}"} for n in range(6)]}, "numbers"),
    "rings too long": ("numbers", {"numbers": [{"number": ENTERED, "ring_seconds": 300}]}, "numbers.0.ring_seconds"),
    "not ours": ("dids", {"dids": ["0113 496 0777"]}, "dids.0"),
    "no DID": ("dids", {"dids": ["reception"]}, "dids.0"),
    "nothing said": ("facts", {"position": 1}, "consent"),
    "no number named": ("facts", {"consent": "given"}, "position"),
    "named twice": ("facts", {"consent": "given", "position": 1, "number": ENTERED}, "position"),
    "no such place": ("facts", {"consent": "given", "position": 3}, "position"),
    "somebody else's number": ("facts", {"consent": "given", "number": ENTERED}, "number"),
    "no hours": ("facts", {"hours": "at night", "position": 1}, "hours"),
    "confirmed tomorrow": ("facts", {"confirmed_on": "2030-01-17", "position": 1}, "confirmed_on"),
    "long purpose": ("facts", {"purpose": "x" * 81, "position": 1}, "purpose"),
    "back before away": ("away", {"from": "2030-01-15", "until": "2030-01-14"}, "until"),
    "away for ever": ("away", {"from": "2030-01-15", "until": "9999-12-31"}, "until"),
    "her own deputy": ("away", {"from": "2030-01-15", "deputy": "ada"}, "deputy"),
    "unknown deputy": ("away", {"from": "2030-01-15", "deputy": "nobody"}, "deputy"),
    "on call in the past": ("on_call", {"until": "2030-01-14T00:00:00+00:00"}, "until"),
    "without a zone": ("on_call", {"until": "2030-01-16T00:00:00"}, "until"),
    "on call for ever": ("on_call", {"until": "2099-01-01T00:00:00+00:00"}, "until"),
    "two ends": ("leaving", {"at": "2030-01-16T00:00:00+00:00", "last_day": "2030-01-15"}, "last_day"),
    "no time": ("leaving", {"at": "soon"}, "at"),
    "a wrong century": ("leaving", {"last_day": "2130-01-15"}, "last_day"),
    "no reason": ("leaving", {"reason": "\n"}, "reason"),
}


async def test_a_refused_entry_names_the_field_and_changes_nothing() -> None:
    async with loaded() as (node, client):
        commits = node.roster_store.commits
        for name, (field, order, wrong) in REFUSED.items():
            refused = await put(client, field, **order)
            assert (refused.status_code, refused.json()["field"]) == (422, wrong), (name, refused.text)
            assert refused.json()["fix"], name
            assert node.roster_store.commits == commits, name
            for number in (ENTERED, "07700900999", "123 4567"):
                assert number not in refused.text, name


async def test_whoever_is_not_known_gets_no_entry() -> None:
    async with loaded() as (_, client):
        for field, order in (
            ("numbers", {"numbers": []}),
            ("facts", {"position": 1, "consent": "given"}),
            ("leaving", {}),
            ("dids", {"dids": []}),
        ):
            assert (await put(client, field, key="nobody", **order)).status_code == 404
        assert (await client.delete("/v1/people/nobody", params=WHY)).status_code == 404


async def test_no_answer_and_no_log_line_holds_a_private_number(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with loaded() as (_, client):
        seen = [
            await put(client, "numbers", numbers=[{"number": ENTERED}, {"number": "+447700900998"}]),
            await put(client, "numbers", numbers=[{"number": ENTERED}, {"number": f"{ENTERED} or so"}]),
            await put(client, "facts", number=ENTERED, consent="given", purpose="outages"),
            await put(client, "facts", number="+447700900997", consent="given"),
            await put(client, "facts", number=[ENTERED], consent="given"),
            await client.get("/v1/people/ada"),
            await client.get("/v1/people", params={"find": "ada"}),
            await client.get("/v1/people/ada/history"),
            await clear(client, "facts", position=1),
            await clear(client, "numbers"),
            await client.get("/v1/status"),
            await client.get("/metrics"),
        ]
    logged = "\n".join(f"{r.getMessage()} {vars(r)}" for r in caplog.records if r.name.startswith("ringfence"))
    for number in (*PRIVATE_NUMBERS, NEW_NUMBER, ENTERED, "+447700900998", "+447700900997"):
        for answer in seen:
            assert number[3:] not in answer.text, answer.url
        assert number[3:] not in logged
