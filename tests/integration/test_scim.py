"""The SCIM service as a whole: by the standard, for whom, how much, and what holds when something is in the way."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from ringfence.app.hr.scim_ports import ScimKind
from ringfence.domain.hr.guard import check_batch, hear
from ringfence.domain.hr.index import SourceIndex
from ringfence.domain.hr.roster import Roster, RosterPolicy
from ringfence.hr.scim.guard import MAX_BODY_BYTES
from ringfence.hr.scim.storage import MAX_MEMBERS
from tests.fakes.clock import NOON
from tests.fakes.doors import TOKEN as API_TOKEN
from tests.integration.scim_site import ENTERPRISE, GROUP, SCIM_TOKEN, SOURCE, USER, ScimSite, scim_settings, scim_site

MOBILE = "+447700900123"
BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"
ERROR = "urn:ietf:params:scim:api:messages:2.0:Error"


def _zone(site: str | None) -> str:
    return "Europe/London"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "ringfence.db"


@pytest.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ScimSite]:
    async with scim_site(tmp_path_factory.mktemp("scim") / "ringfence.db") as site:
        yield site


@pytest.fixture
async def site(running: ScimSite) -> ScimSite:
    return await running.empty()


async def test_every_check_of_the_compliance_run_passes(site: ScimSite) -> None:
    command = Path(sys.executable).parent / "scim2"
    running = await asyncio.create_subprocess_exec(
        command,
        *("--url", site.url, "--header", f"Authorization: Bearer {SCIM_TOKEN}", "test"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    output = (await running.communicate())[0].decode()
    checks = [line for line in output.splitlines() if line.startswith(("SUCCESS ", "ERROR ", "SKIPPED ", "CRITICAL "))]
    failed = [line for line in checks if not line.startswith("SUCCESS ")]
    print(f"{len(checks) - len(failed)} of {len(checks)} checks pass")
    assert (running.returncode, failed) == (0, []), output
    assert len(checks) >= 135


async def test_what_it_can_do_is_announced_and_true(site: ScimSite) -> None:
    told = (await site.client.get("/ServiceProviderConfig")).json()
    supported = ("patch", "bulk", "filter", "sort", "etag")
    assert [told[name]["supported"] for name in supported] == [True] * 5
    assert told["changePassword"] == {"supported": False}
    assert told["authenticationSchemes"][0]["type"] == "oauthbearertoken"
    types = (await site.client.get("/ResourceTypes")).json()["Resources"]
    assert [found["endpoint"] for found in types] == ["/Users", "/Groups"]
    schemas = (await site.client.get("/Schemas")).json()["Resources"]
    assert {USER, ENTERPRISE} < {found["id"] for found in schemas}


async def test_a_stranger_is_told_401_and_nothing_more(site: ScimSite) -> None:
    for given in ("", "Bearer", f"Bearer {SCIM_TOKEN}x", f"Basic {SCIM_TOKEN}", f"Bearer {API_TOKEN}"):
        for place in ("/Users", "/ServiceProviderConfig", "/no/such/place"):
            answer = await site.client.post(place, content=b"{ no JSON", headers={"Authorization": given})
            assert (answer.status_code, answer.json()["schemas"]) == (401, [ERROR]), (given, place)
            assert answer.headers["WWW-Authenticate"] == 'Bearer realm="ringfence scim"'
            assert answer.headers["Content-Type"] == "application/scim+json"
    assert site.door.heard_at is None


async def test_the_providers_token_opens_nothing_else(site: ScimSite) -> None:
    answer = await site.client.get(site.url.replace("/scim/v2", "/v1/status"))
    assert answer.status_code == 401


async def test_a_host_that_is_not_ours_is_turned_away_before_the_token_is_looked_at(site: ScimSite) -> None:
    answer = await site.client.get("/Users", headers={"Host": "evil.example"})
    assert (answer.status_code, answer.json()["field"]) == (400, "Host")


async def test_a_body_that_is_too_great_is_refused_whether_it_says_so_or_not(site: ScimSite) -> None:
    async def endless() -> AsyncIterator[bytes]:
        for _ in range(MAX_BODY_BYTES // 65_536 + 1):
            yield b" " * 65_536

    for content in (b" " * (MAX_BODY_BYTES + 1), endless()):
        try:
            answer = await site.client.post("/Users", content=content)
        except httpx.WriteError:
            continue  # the service has answered and closed, and does not wait for the rest
        assert (answer.status_code, answer.json()["schemas"]) == (413, [ERROR])
    assert (await site.client.get("/Users")).json()["totalResults"] == 0


async def test_a_body_above_the_limit_of_the_rest_of_the_api_is_taken(site: ScimSite) -> None:
    user = await site.user(title="x" * 100_000)
    assert len((await site.client.get(f"/Users/{user['id']}")).json()["title"]) == 100_000


async def test_what_scim_itself_calls_invalid_is_a_400(site: ScimSite) -> None:
    for attributes, reason in (
        ("", "invalidValue"),
        ('"userName":"ada","active":"perhaps"', "invalidValue"),
        (f'"userName":"{"x" * 301}"', "invalidValue"),
        (r'"userName":"a\u0000"', "invalidValue"),
        ('"userName":"ada",', "invalidSyntax"),
    ):
        body = f'{{"schemas":["{USER}"]{attributes and ","}{attributes}}}'
        answer = await site.client.post("/Users", content=body.encode())
        assert (answer.status_code, answer.json()["schemas"], answer.json()["scimType"]) == (400, [ERROR], reason), body
    assert site.roster.batches == []


async def test_a_question_longer_than_any_filter_is_refused_and_a_page_beyond_the_end_is_empty(site: ScimSite) -> None:
    await site.user()
    long = f'title eq "{"x" * 4096}"'
    asked = {"schemas": ["urn:ietf:params:scim:api:messages:2.0:SearchRequest"], "filter": f'title eq "{"x" * 70_000}"'}
    by_get = await site.client.get("/Users", params={"filter": long})
    by_post = await site.client.post("/Users/.search", json=asked)
    for answer in (by_get, by_post):
        assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidFilter")
    beyond = await site.client.get("/Users", params={"startIndex": str(10**30)})
    assert (beyond.status_code, beyond.json()["totalResults"]) == (200, 1)
    assert "Resources" not in beyond.json() or not beyond.json()["Resources"]


async def test_a_group_larger_than_any_is_refused_and_none_of_it_stored(site: ScimSite) -> None:
    many = {"schemas": [GROUP], "displayName": "All", "members": [{"value": "u"}] * (MAX_MEMBERS + 1)}
    answer = await site.client.post("/Groups", json=many, timeout=60)
    assert (answer.status_code, answer.json()["scimType"]) == (400, "invalidValue")
    assert (await site.client.get("/Groups")).json()["totalResults"] == 0


async def test_a_user_name_is_unique_whatever_its_case(site: ScimSite) -> None:
    await site.user()
    answer = await site.client.post("/Users", json={"schemas": [USER], "userName": "ADA@example.org"})
    assert (answer.status_code, answer.json()["scimType"]) == (409, "uniqueness")
    assert len(site.roster.batches) == 1


async def test_an_outdated_etag_is_a_412_and_a_current_one_a_304(site: ScimSite) -> None:
    user = await site.user()
    place, etag = f"/Users/{user['id']}", user["meta"]["version"]
    change = {"op": "replace", "path": "title", "value": "Clerk"}
    assert (await site.client.get(place, headers={"If-None-Match": etag})).status_code == 304
    assert (await site.patch(place, change, **{"If-Match": etag})).status_code == 204
    told = len(site.roster.batches)
    for method in ("PUT", "DELETE"):
        body = {"json": {"schemas": [USER], "userName": "other"}} if method == "PUT" else {}
        answer = await site.client.request(method, place, headers={"If-Match": etag}, **body)
        assert (answer.status_code, answer.json()["status"]) == (412, "412")
    assert (await site.patch(place, change, **{"If-Match": etag})).status_code == 412
    assert len(site.roster.batches) == told


async def test_pages_go_from_the_oldest_to_the_newest_and_count_all(site: ScimSite) -> None:
    for n in range(5):
        await site.user(userName=f"person{n}", externalId=f"E{n}")
    page = (await site.client.get("/Users", params={"startIndex": "2", "count": "2"})).json()
    assert (page["totalResults"], page["startIndex"], page["itemsPerPage"]) == (5, 2, 2)
    by_name = (await site.client.get("/Users", params={"sortBy": "userName", "sortOrder": "descending"})).json()
    assert [found["userName"] for found in by_name["Resources"]] == [f"person{n}" for n in (4, 3, 2, 1, 0)]
    everywhere: list[str] = []
    for start in range(1, 6):
        found = (await site.client.get("/Users", params={"startIndex": str(start), "count": "1"})).json()
        everywhere += [user["userName"] for user in found["Resources"]]
    assert everywhere == [f"person{n}" for n in range(5)]


async def test_a_bulk_request_creates_refers_and_reports_each(site: ScimSite) -> None:
    data = {"schemas": [USER], "userName": "boss", "externalId": "E1"}
    report = {"schemas": [USER, ENTERPRISE], "userName": "clerk", "externalId": "E2"}
    operations = [
        {"method": "POST", "path": "/Users", "bulkId": "b", "data": {**report, ENTERPRISE: {"manager": "bulkId:a"}}},
        {"method": "POST", "path": "/Users", "bulkId": "a", "data": data},
        {"method": "POST", "path": "/Users", "bulkId": "c", "data": data},
        {"method": "DELETE", "path": "/Users/no-such-id"},
    ]
    answer = await site.client.post("/Bulk", json={"schemas": [BULK], "Operations": operations})
    assert [done["status"] for done in answer.json()["Operations"]] == ["201", "201", "409", "404"]
    boss, clerk = (batch.records[0] for batch in site.roster.batches)
    assert (boss.key, clerk.key, clerk.manager) == ("E1", "E2", boss.id)


async def test_a_user_that_is_no_record_is_stored_and_the_admin_told(site: ScimSite) -> None:
    user = await site.user(externalId=None)
    batch = site.roster.batches[-1]
    (problem,) = batch.rejected
    assert (batch.records, batch.rows, problem.id, problem.field) == ((), 1, user["id"], "externalId")
    await site.patch(f"/Users/{user['id']}", {"op": "add", "path": "externalId", "value": "E7"})
    assert (site.roster.last.id, site.roster.last.key) == (user["id"], "E7")


async def test_a_leaver_is_gone_even_when_the_rest_cannot_be_read(site: ScimSite) -> None:
    numbers = [{"type": "mobile", "value": "ask reception"}]
    user = await site.user(active=True, phoneNumbers=numbers)
    assert (site.roster.batches[-1].records, site.roster.batches[-1].gone) == ((), frozenset())
    await site.patch(f"/Users/{user['id']}", {"op": "replace", "path": "active", "value": False})
    said = site.roster.batches[-1]
    assert (said.gone, [problem.id for problem in said.rejected]) == ({user["id"]}, [""]), "named, it would stay"
    assert (await site.door.keeper.everything()).gone == {user["id"]}


async def test_what_the_roster_does_not_take_is_not_stored_and_can_be_repeated(site: ScimSite) -> None:
    body = {"schemas": [USER], "userName": "ada", "externalId": "E1", "active": True}
    site.roster.refuses = 1
    refused = await site.client.post("/Users", json=body)
    assert (refused.status_code, refused.json()["schemas"], refused.headers["Retry-After"]) == (503, [ERROR], "10")
    assert (await site.client.get("/Users")).json()["totalResults"] == 0
    user = (await site.client.post("/Users", json=body)).json()
    place, leaves = f"/Users/{user['id']}", {"op": "replace", "path": "active", "value": False}
    site.roster.refuses = 1
    assert (await site.patch(place, leaves)).status_code == 503
    assert (await site.client.get(place)).json()["active"] is True
    assert (await site.patch(place, leaves)).status_code == 204
    assert site.roster.last.active is False
    site.roster.refuses = 1
    assert (await site.client.delete(place)).status_code == 503
    assert (await site.client.get(place)).status_code == 200
    assert (await site.client.delete(place)).status_code == 204
    assert site.roster.batches[-1].gone == {user["id"]}


async def test_what_a_fault_of_ours_left_untold_is_told_before_the_next_answer(
    site: ScimSite, caplog: pytest.LogCaptureFixture
) -> None:
    site.roster.breaks = "about ada.secret"
    answer = await site.client.post("/Users", json={"schemas": [USER], "userName": "ada", "externalId": "E1"})
    assert (answer.status_code, answer.json()["schemas"]) == (500, [ERROR])
    (logged,) = [record for record in caplog.records if record.levelname == "ERROR"]
    assert (logged.getMessage(), vars(logged)["error"]) == ("a SCIM request failed", "RuntimeError")
    assert "in take" in vars(logged)["where"], "where it came from"
    assert "secret" not in str(vars(logged)) + answer.text
    assert site.roster.batches == []
    assert (await site.client.get("/Users")).json()["totalResults"] == 1
    assert site.roster.last.key == "E1"


async def test_after_a_restart_everything_that_is_stored_is_said_again(file: Path) -> None:
    async with scim_site(file) as before:
        await before.user(phoneNumbers=[{"type": "mobile", "value": MOBILE}])
        await before.user(userName="bob", externalId="E2", active=False)
        said = [batch.records[0] for batch in before.roster.batches]
    async with scim_site(file) as after:
        batch = await after.door.keeper.everything()
        assert (list(batch.records), batch.complete, batch.rows) == (said, False, 2)


async def test_the_roster_itself_hears_each_of_them_and_lets_the_leaver_leave(site: ScimSite) -> None:
    no_number = [{"type": "mobile", "value": "none"}]
    for n in range(3):
        await site.user(userName=f"bad{n}", externalId=None, phoneNumbers=no_number)
    leaver = await site.user(active=True)
    wrong = {"op": "add", "path": "phoneNumbers", "value": no_number}
    await site.patch(f"/Users/{leaver['id']}", wrong, {"op": "replace", "path": "active", "value": "False"})
    batches = [*site.roster.batches, await site.door.keeper.everything()]
    policy, roster = RosterPolicy(), Roster()
    assert [check_batch(batch, 0, policy) for batch in batches] == [None] * len(batches)
    leavers = []
    for batch in batches:
        index = SourceIndex.of(roster, SOURCE, policy, _zone, NOON)
        heard = hear(roster, index, batch, policy, _zone, NOON, {})
        roster.apply(heard.change)
        leavers.append(heard.leavers)
    assert leavers == [0, 0, 0, 0, 1, 0]
    assert [state.said.active for state in roster.records.values()] == [False]


async def test_the_numbers_of_those_who_have_to_be_forgotten_are_erased(site: ScimSite) -> None:
    user = await site.user(phoneNumbers=[{"type": "mobile", "value": MOBILE}], title="Clerk")
    assert await site.door.keeper.erase_numbers([user["id"], "no-such-id"]) == 1
    (stored,) = await site.store.page([ScimKind.USER], 10)
    assert MOBILE not in str(stored.body)
    left = (await site.client.get(f"/Users/{user['id']}")).json()
    assert (left.get("phoneNumbers"), left["title"]) == (None, "Clerk")
    assert left["meta"]["version"] != user["meta"]["version"]


async def test_no_name_and_no_number_is_logged(site: ScimSite, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    private: dict[str, Any] = {"userName": "ada.secret", "phoneNumbers": [{"type": "mobile", "value": MOBILE}]}
    user = await site.user(**private)
    await site.client.post("/Users", json={"schemas": [USER], **private})
    await site.client.post("/Users", json={"schemas": [USER], **private, "active": MOBILE})
    site.roster.refuses = 1
    await site.patch(f"/Users/{user['id']}", {"op": "replace", "path": "active", "value": False})
    ours = [record for record in caplog.records if record.name.startswith(("ringfence", "scim2"))]
    assert {record.getMessage() for record in ours} >= {"a SCIM request is refused"}
    assert [record for record in ours if "secret" in str(record.__dict__) or MOBILE[-6:] in str(record.__dict__)] == []


async def test_the_address_told_is_the_public_one_where_it_is_set(file: Path) -> None:
    async with scim_site(file, scim_settings(public_url="https://hr.example.org/scim/v2")) as site:
        user = await site.user()
        assert user["meta"]["location"] == f"https://hr.example.org/scim/v2/Users/{user['id']}"
