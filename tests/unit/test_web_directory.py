"""Import and export over HTTP."""

from __future__ import annotations

import base64
from typing import Any

from ringfence.domain.team import record_id
from ringfence.domain.team_records import team_path
from tests.fakes.doors import http_door, local_door
from tests.fakes.node import DID, OTHER_DID, PRIVATE_NUMBERS, FakeNode

PEOPLE = "key,name,site,default_number_1\nada,Ada Example,Leeds,+44 7700 900555\nbob,Bob Example,Leeds,\n"


def _order(**more: Any) -> dict[str, Any]:
    return {"people": {"name": "staff.csv", "text": PEOPLE}, "dry_run": True} | more


async def test_a_dry_run_shows_and_changes_nothing() -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        answer = await client.post("/v1/import", json=_order())
        shown = answer.json()
        assert answer.status_code == 200, shown
        assert (shown["applied"], shown["version"]) == (False, 1)
        assert shown["summary"].startswith("people: 0 added, 1 changed")
        assert "555" in shown["lines"][0]
        assert "900555" not in answer.text
        assert node.directory_store.stored.version == 1


async def test_an_import_reaches_asterisk() -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        done = (await client.post("/v1/import", json=_order(dry_run=False, expected_version=1))).json()
        assert (done["applied"], done["version"]) == (True, 2)
        assert next(value for key, value in node.astdb.rows.items() if key.endswith(DID)).count("+447700900555") == 1
        again = (await client.post("/v1/import", json=_order(dry_run=False))).json()
        assert (again["applied"], again["lines"]) == (False, [])


TEAMS = "name,site,members,floor\nSales,Leeds,bob ada,{floor}\n"
LINES = f"did,owner,site,platform,team\n{DID},ada,Leeds,uc,\n{OTHER_DID},,Leeds,uc,Sales\n"


async def test_a_team_is_imported_published_and_shown() -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        assert (await client.get("/v1/teams")).json() == {"teams": []}
        order = _order(dry_run=False, dids={"text": LINES}, teams={"text": TEAMS.format(floor=1)})
        done = await client.post("/v1/import", json=order)
        assert "teams: 1 added" in done.json()["summary"], done.text
        head, *_ = (key for key in node.astdb.rows if key.startswith(team_path("Sales")) and "." not in key)
        assert node.astdb.rows[head].endswith(record_id("ada")), "Bob has no number, so no slot"
        (team,) = (await client.get("/v1/teams")).json()["teams"]
        assert (team["name"], team["state"], team["reachable"], team["dids"]) == ("Sales", "staffed", 1, [OTHER_DID])
        assert [(one["key"], one["reachable"]) for one in team["members"]] == [("bob", False), ("ada", True)]
        plan = (await client.get(f"/v1/explain/{OTHER_DID}")).json()["directory"]["plan"]
        assert (plan[0]["kind"], plan[0]["target"]) == ("team", "Sales")
        assert all(number not in str(team) for number in PRIVATE_NUMBERS)


async def test_a_team_below_its_floor_says_so_where_people_look() -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        order = _order(dry_run=False, dids={"text": LINES}, teams={"text": TEAMS.format(floor=2)})
        await client.post("/v1/import", json=order)
        (team,) = (await client.get("/v1/teams")).json()["teams"]
        assert (team["state"], team["reachable"], team["floor"]) == ("below floor", 1, 2)
        plan = (await client.get(f"/v1/explain/{OTHER_DID}")).json()["directory"]
        assert [step["kind"] for step in plan["plan"]] == ["site", "announcement"]
        assert [(left["target"], left["omission"]) for left in plan["left_out"]] == [("Sales", "team_below_floor")]


async def test_a_number_in_an_imports_reason_is_not_kept() -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        done = await client.post("/v1/import", json=_order(dry_run=False, reason="rang from 07700 900666"))
        assert (done.status_code, node.directory_store.whys) == (200, ["rang from ***** ***666"])


async def test_what_changed_meanwhile_has_to_be_looked_at_again() -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        answer = await client.post("/v1/import", json=_order(dry_run=False, expected_version=7))
        assert (answer.status_code, answer.json()["field"]) == (409, "expected_version")
        assert node.directory_store.stored.version == 1


async def test_every_fault_comes_at_once_and_nothing_is_imported() -> None:
    node = FakeNode()
    bad = "key,name,site,default_number_1\nada,Ada,York,4.47911E+11\nbob,Bob,Leeds,999\n"
    async with node.running(), http_door(node) as client:
        for dry_run in (True, False):
            answer = await client.post("/v1/import", json={"people": {"text": bad}, "dry_run": dry_run})
            body = answer.json()
            assert (answer.status_code, len(body["problems"])) == (422, 3), body
            assert body["problems"][0].startswith("people.csv, line 2")
        assert node.directory_store.stored.version == 1


async def test_bytes_in_another_encoding_are_named() -> None:
    node = FakeNode()
    latin = base64.b64encode("key,name,site\nada,Zo\u00eb,Leeds\n".encode("latin-1")).decode()
    async with node.running(), http_door(node) as client:
        answer = await client.post("/v1/import", json={"people": {"base64": latin}, "dry_run": True})
        assert answer.status_code == 422
        assert "CSV UTF-8" in answer.text
        for people, field in (
            ({"base64": "%%%"}, "people.base64"),
            ({"text": "a", "base64": "YQ=="}, "people"),
            ({}, "people"),
        ):
            wrong = await client.post("/v1/import", json={"people": people, "dry_run": True})
            assert (wrong.status_code, wrong.json()["field"]) == (422, field)
        nothing = await client.post("/v1/import", json={"dry_run": True})
        assert (nothing.status_code, nothing.json()["error"]) == (422, "people: no file is given.")


async def test_very_many_removals_have_to_be_accepted() -> None:
    node = FakeNode()
    header, kept = "key,name,site,default_number_1\n", "ada,Ada,Leeds,\nbob,Bob,Leeds,\n"
    many, few = header + kept + "".join(f"p{i},Person {i},Leeds,\n" for i in range(20)), header + kept
    async with node.running(), http_door(node) as client:
        first = await client.post("/v1/import", json={"people": {"text": many}, "dry_run": False})
        assert first.status_code == 200, first.text
        order = {"people": {"text": few}, "dry_run": False}
        refused = await client.post("/v1/import", json=order)
        assert (refused.status_code, refused.json()["field"]) == (409, "accept_cautions"), refused.text
        accepted = await client.post("/v1/import", json=order | {"accept_cautions": True})
        assert accepted.json()["applied"] is True


async def test_the_export_is_not_for_the_token() -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as http, local_door(node) as local:
        refused = await http.get("/v1/export")
        assert refused.status_code == 403
        assert "lacks the permission `export`" in refused.json()["error"]
        files = (await local.get("/v1/export")).json()
        assert set(files) == {"people", "dids", "sites", "teams"}
        assert PRIVATE_NUMBERS[0] in files["people"].replace(" ", "")
        order = {part: {"text": files[part]} for part in files} | {"dry_run": True}
        assert (await local.post("/v1/import", json=order)).json()["lines"] == []


async def test_a_did_that_leaves_takes_the_words_about_it_along() -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        for did in (DID, OTHER_DID):
            await client.put("/v1/override", json={"mode": "dr", "did": did, "reason": "drill"})
        dids = f"did,owner,site,platform\n{OTHER_DID},bob,Leeds,uc\n"
        done = await client.post("/v1/import", json={"dids": {"text": dids}, "dry_run": False})
        assert done.status_code == 200, done.text
        assert [target.did for target in node.failover.overrides] == [OTHER_DID]
        history = (await client.get("/v1/history", params={"limit": 1})).json()["history"]
        assert history[0]["why"] == "the DID has left the directory"
