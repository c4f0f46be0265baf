"""A number that would bring calls back to us: refused where a person writes it, left out and told where HR says it."""

from __future__ import annotations

import base64
from typing import Any

import httpx
import pytest

from ringfence.app.notify.alarms import alarms_of
from ringfence.domain.csv_fields import CsvRules
from ringfence.domain.directory_csv import CsvFile, CsvFiles, read_directory
from ringfence.domain.hr.record import HrNumber
from ringfence.domain.known_ways import KnownWays
from ringfence.domain.policy import EgressPolicy
from tests.fakes.clock import settle
from tests.fakes.doors import http_door
from tests.fakes.node import DID, FORWARDED, IN_RANGE, RECEPTION, WAYS, FakeNode, small_directory
from tests.fakes.roster_node import NEW_NUMBER, RosterNode, ada, bob

MASKED = "+44*******955"
WAY = f"{MASKED}, which is forwarded to {DID}, which is one of our own DIDs"
PEOPLE = "key,name,site,default_number_1\nada,Ada Example,Leeds,{number}\nbob,Bob Example,Leeds,\n"


async def status(client: httpx.AsyncClient) -> dict[str, Any]:
    return dict((await client.get("/v1/status")).json())


async def test_what_hr_says_does_not_stop_anything_and_is_told_until_it_is_mended(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with RosterNode().running() as node, http_door(node) as client:
        await node.platform(True)
        await node.load_first()
        before = (await status(client))["version"]
        for _ in range(2):
            await node.say(ada(numbers=(HrNumber(FORWARDED),)), bob())
            await settle()
        node.refresh()
        seen = await status(client)
        assert seen["version"] != before
        (told,) = seen["table"]["would_loop"]
        assert told == f"a loop: {DID} rings the owner's default number, {WAY}"
        assert any(told in alarm for alarm in seen["alarms"])
        assert "loops" in {alarm.name for alarm in alarms_of(node.holder.current)}
        explained = await client.get(f"/v1/explain/{DID}")
        assert '"would_loop"' in explained.text and WAY in explained.text
        assert FORWARDED not in explained.text
        assert FORWARDED not in str(node.keeper.wanted_record(DID))
        (number,) = (await client.get("/v1/people/ada")).json()["numbers"]
        assert not number["rings"] and WAY in number["why_not"]
        order = {"numbers": [{"number": NEW_NUMBER}], "reason": "asked by telephone"}
        assert (await client.put("/v1/people/ada/numbers", json=order)).status_code == 200
        node.refresh()
        assert (await status(client))["table"]["would_loop"] == []
        assert (await client.get("/v1/people/ada")).json()["numbers"][0]["rings"]
        assert not any("come back" in alarm for alarm in (await status(client))["alarms"])
    assert len([record for record in caplog.records if "calls back" in record.getMessage()]) == 1


@pytest.mark.parametrize(("number", "words"), [(FORWARDED, WAY), (IN_RANGE, "a range of one of our platforms")])
async def test_a_person_who_enters_it_is_told_why_not(number: str, words: str) -> None:
    async with RosterNode().running() as node, http_door(node) as client:
        await node.load_first()
        order = {"numbers": [{"number": number}], "reason": "asked by telephone"}
        refused = await client.put("/v1/people/ada/numbers", json=order)
        assert (refused.status_code, refused.json()["field"]) == (422, "numbers.0.number")
        assert words in refused.text and number not in refused.text


@pytest.mark.parametrize(("number", "words"), [(FORWARDED, WAY), (IN_RANGE, "in a range of platform uc")])
async def test_an_import_that_holds_it_changes_nothing(number: str, words: str) -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        file = {"name": "people.csv", "base64": base64.b64encode(PEOPLE.format(number=number).encode()).decode()}
        refused = await client.post("/v1/import", json={"people": file, "dry_run": False, "reason": "test"})
        assert refused.status_code == 422
        assert "line 2" in refused.text and "default_number_1" in refused.text
        assert words in refused.text and number not in refused.text
        assert "write a number that leads outside" in refused.text
        assert node.directory_store.stored.version == 1


PUBLIC_WAY = f"would bring the call back to us: {WAY}"


@pytest.mark.parametrize(
    ("part", "column", "text"),
    [
        ("sites", "fallback_number", "name,fallback_number\nLeeds,{}\n"),
        ("sites", "out_of_hours_number", "name,fallback_number,out_of_hours_number\nLeeds,,{}\n"),
        ("teams", "backstop_number", "name,site,backstop_number\nSales,Leeds,{}\n"),
        ("dids", "divert_number", f"did,owner,site,platform,divert_number\n{DID},ada,Leeds,uc,{{}}\n"),
    ],
)
def test_every_column_that_holds_a_number_is_looked_at(part: str, column: str, text: str) -> None:
    rules = CsvRules("GB", frozenset({"uc"}), EgressPolicy(frozenset({"GB"}), ways=WAYS))
    for number, words in ((FORWARDED, PUBLIC_WAY), (IN_RANGE, "in a range of platform uc"), (DID, "our own DIDs")):
        file = CsvFile(f"{part}.csv", text.format(number).encode())
        reading = read_directory(CsvFiles(**{part: file}), small_directory(), rules)
        (error,) = reading.errors
        assert (error.file, error.line, error.column) == (f"{part}.csv", 2, column)
        assert words in error.message
        assert reading.directory is None
    file = CsvFile(f"{part}.csv", text.format("+442079460123").encode())
    assert not read_directory(CsvFiles(**{part: file}), small_directory(), rules).errors


def test_a_did_that_is_new_makes_a_fault_of_what_is_stored() -> None:
    """The number was right when it was stored; the file that makes it ours is at fault, and nothing is imported."""
    rules = CsvRules("GB", frozenset({"uc"}), EgressPolicy(frozenset({"GB"}), ways=KnownWays((), {})))
    dids = f"did,owner,site,platform\n{RECEPTION},,Leeds,uc\n"
    reading = read_directory(CsvFiles(dids=CsvFile("dids.csv", dids.encode())), small_directory(), rules)
    (error,) = reading.errors
    assert (error.file, error.column) == ("the stored directory", "fallback_number")
    assert "of Leeds is one of our own DIDs" in error.message
