"""What Okta sends in the life of one person, request by request, and what the roster is told of each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest

from ringfence.app.hr.scim_ports import ScimKind
from ringfence.domain.hr.record import HrNumber
from tests.integration.scim_site import ENTERPRISE, GROUP, USER, ScimSite, scim_site

DID = "+441134960103"
MOBILE, OTHER_MOBILE = "+447700900125", "+447700900126"
PASSWORD = "1mz050nq"


@pytest.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ScimSite]:
    async with scim_site(tmp_path_factory.mktemp("scim") / "ringfence.db") as site:
        yield site


@pytest.fixture
async def site(running: ScimSite) -> ScimSite:
    return await running.empty()


def profile(**more: Any) -> dict[str, Any]:
    return {
        "schemas": [USER, ENTERPRISE],
        "userName": "bob.baker@example.org",
        "externalId": "00ujl29u0le5T6Aj10h7",
        "name": {"givenName": "Bob", "middleName": "", "familyName": "Baker"},
        "emails": [{"primary": True, "value": "bob.baker@example.org", "type": "work"}],
        "phoneNumbers": [
            {"primary": False, "value": MOBILE, "type": "mobile"},
            {"primary": True, "value": DID, "type": "work"},
        ],
        "displayName": "Bob Baker",
        "locale": "en-GB",
        "groups": [],
        "password": PASSWORD,
        "active": True,
        ENTERPRISE: {
            "employeeNumber": "1002",
            "department": "Housing",
            "manager": {"value": "m1", "displayName": "Max"},
        },
        **more,
    }


async def assigned(site: ScimSite) -> dict[str, Any]:
    """Looks for the user, and makes it."""
    query = {"filter": 'userName eq "bob.baker@example.org"', "startIndex": "1", "count": "100"}
    found = (await site.client.get("/Users", params=query)).json()
    assert (found["totalResults"], found["startIndex"], found["itemsPerPage"]) == (0, 1, 0)
    answer = await site.client.post("/Users", json=profile())
    assert (answer.status_code, answer.headers["Location"]) == (201, answer.json()["meta"]["location"])
    again = (await site.client.get("/Users", params=query)).json()
    assert [user["id"] for user in again["Resources"]] == [answer.json()["id"]]
    return dict(answer.json())


async def test_who_is_assigned_joins_and_the_password_is_nowhere(site: ScimSite) -> None:
    user = await assigned(site)
    record = site.roster.last
    assert (record.id, record.key, record.name) == (user["id"], "00ujl29u0le5T6Aj10h7", "Bob Baker")
    assert (record.dids, record.numbers, record.active) == ((DID,), (HrNumber(MOBILE),), True)
    assert (record.department, record.manager) == ("Housing", "m1")
    (stored,) = await site.store.page([ScimKind.USER], 10)
    assert "password" not in user
    assert PASSWORD not in str(stored.body)


async def test_a_changed_profile_comes_as_a_put_of_the_full_object(site: ScimSite) -> None:
    user = await assigned(site)
    place = f"/Users/{user['id']}"
    whole = (await site.client.get(place)).json()
    whole["name"]["familyName"], whole["displayName"], whole["password"] = "Cole", "Bob Cole", PASSWORD
    whole["phoneNumbers"] = [{"value": OTHER_MOBILE, "type": "mobile"}]
    whole["groups"] = [{"value": "g1", "display": "Housing"}]
    answer = await site.client.put(place, json=whole)
    assert (answer.status_code, answer.json()["id"], answer.json()["displayName"]) == (200, user["id"], "Bob Cole")
    assert answer.json()["meta"]["version"] != user["meta"]["version"]
    record = site.roster.last
    assert (record.name, record.dids, record.numbers) == ("Bob Cole", (), (HrNumber(OTHER_MOBILE),))
    (stored,) = await site.store.page([ScimKind.USER], 10)
    assert PASSWORD not in str(stored.body)


async def test_who_is_unassigned_is_deactivated_and_comes_back(site: ScimSite) -> None:
    user = await assigned(site)
    place, before = f"/Users/{user['id']}", site.roster.last
    answer = await site.patch(place, {"op": "replace", "value": {"active": False}})
    assert answer.status_code in (200, 204)
    assert (site.roster.last.id, site.roster.last.active) == (user["id"], False)
    answer = await site.client.put(place, json=profile(active=True))
    assert (answer.status_code, answer.json()["active"]) == (200, True)
    assert site.roster.last == before


async def test_a_put_of_the_full_object_can_deactivate(site: ScimSite) -> None:
    user = await assigned(site)
    answer = await site.client.put(f"/Users/{user['id']}", json=profile(active=False))
    assert (answer.status_code, site.roster.last.active) == (200, False)


async def test_a_group_is_pushed_renamed_filled_and_emptied(site: ScimSite) -> None:
    user = await assigned(site)
    query = {"filter": 'displayName eq "Housing"', "startIndex": "1", "count": "100"}
    assert (await site.client.get("/Groups", params=query)).json()["totalResults"] == 0
    answer = await site.client.post("/Groups", json={"schemas": [GROUP], "displayName": "Housing", "members": []})
    assert answer.status_code == 201
    id_ = answer.json()["id"]
    place, member = f"/Groups/{id_}", {"value": user["id"], "display": "bob.baker@example.org"}
    for operations, name, members in (
        ([{"op": "replace", "value": {"id": id_, "displayName": "Homes"}}], "Homes", []),
        ([{"op": "add", "path": "members", "value": [member]}], "Homes", [user["id"]]),
        ([{"op": "remove", "path": f'members[value eq "{user["id"]}"]'}], "Homes", []),
        ([{"op": "replace", "path": "members", "value": [member]}], "Homes", [user["id"]]),
    ):
        assert (await site.patch(place, *operations)).status_code in (200, 204), operations
        found = (await site.client.get(place)).json()
        assert found["displayName"] == name
        assert [one["value"] for one in found.get("members", [])] == members, operations
    whole = {"schemas": [GROUP], "id": id_, "displayName": "Homes", "members": []}
    assert (await site.client.put(place, json=whole)).status_code == 200
    assert (await site.client.delete(place)).status_code == 204
    assert len(site.roster.batches) == 1, "a group that says nothing of who is on call is no news"


async def test_an_import_into_okta_reads_page_by_page(site: ScimSite) -> None:
    await assigned(site)
    await site.user(userName="cy", externalId="E3")
    pages = [
        (await site.client.get("/Users", params={"startIndex": str(start), "count": "1"})).json() for start in (1, 2, 3)
    ]
    names = [[user["userName"] for user in page["Resources"]] for page in pages]
    assert (names, pages[0]["totalResults"]) == ([["bob.baker@example.org"], ["cy"], []], 2)
