"""What Entra ID sends in the life of one person, request by request, and what the roster is told of each."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import httpx
import pytest

from ringfence.domain.hr.record import HrNumber, HrRecord, NumberUse
from tests.integration.scim_site import ENTERPRISE, GROUP, USER, ScimSite, scim_settings, scim_site

DID, OTHER_DID = "+441134960101", "+441134960102"
MOBILE, OTHER_MOBILE = "+447700900123", "+447700900124"
ADSCIM = "http://schemas.microsoft.com/2006/11/ResourceManagement/ADSCIM/2.0/Group"


def private(*numbers: str) -> tuple[HrNumber, ...]:
    return tuple(HrNumber(number, NumberUse.PRIVATE) for number in numbers)


def joiner(**more: Any) -> dict[str, Any]:
    """The first request about a new person; the manager comes in it as a plain id."""
    return {
        "schemas": [USER, ENTERPRISE],
        "externalId": "E1001",
        "userName": "Ada.Archer@example.org",
        "active": True,
        "addresses": [{"primary": False, "type": "work", "locality": "Leeds", "formatted": "1 Example Street"}],
        "displayName": "Ada Archer",
        "emails": [{"primary": True, "type": "work", "value": "ada.archer@example.org"}],
        "meta": {"resourceType": "User"},
        "name": {"formatted": "Ada Archer", "familyName": "Archer", "givenName": "Ada"},
        "phoneNumbers": [{"primary": True, "type": "work", "value": DID}],
        "roles": [],
        "title": "Clerk",
        ENTERPRISE: {"department": "Housing", "employeeNumber": "1001", "manager": "no-such-manager"},
        **more,
    }


@pytest.fixture(scope="module")
async def running(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[ScimSite]:
    settings = scim_settings(fields={"site": "addresses[work].locality"}, on_call_group="Duty Team")
    async with scim_site(tmp_path_factory.mktemp("scim") / "ringfence.db", settings) as site:
        yield site


@pytest.fixture
async def site(running: ScimSite) -> ScimSite:
    return await running.empty()


async def joined(site: ScimSite, **more: Any) -> tuple[str, HrRecord]:
    """The place of the one who has joined, and what the roster knows."""
    answer = await site.client.post("/Users", json=joiner(**more))
    assert answer.status_code == 201, answer.text
    return f"/Users/{answer.json()['id']}", site.roster.last


async def looked_up(site: ScimSite, scim_filter: str, place: str = "/Users", **more: str) -> list[dict[str, Any]]:
    answer = await site.client.get(place, params={"filter": scim_filter, **more})
    assert answer.status_code == 200, answer.text
    assert answer.json()["totalResults"] == len(answer.json().get("Resources", []))
    return list(answer.json().get("Resources", []))


def no_content(answer: httpx.Response) -> None:
    assert (answer.status_code, answer.content) == (204, b"")


async def test_the_connection_is_tested_with_a_look_up_of_nobody(site: ScimSite) -> None:
    assert await looked_up(site, 'userName eq "0f9e0f9c-8a2c-4a6f-9d7e-5d5d6f5a5a5a"') == []


async def test_a_joiner_is_looked_up_made_and_found_again(site: ScimSite) -> None:
    assert await looked_up(site, 'externalId eq "E1001"') == []
    place, record = await joined(site)
    assert record == HrRecord(
        id=place.removeprefix("/Users/"),
        key=record.key,
        name="Ada Archer",
        email="ada.archer@example.org",
        site="Leeds",
        department="Housing",
        manager="no-such-manager",
        dids=record.dids,
        numbers=(),
        active=True,
        on_call=False,
    )
    assert (record.key, record.dids) == ("E1001", (DID,))
    for scim_filter in (
        'externalId eq "E1001"',
        'userName eq "ada.archer@example.org"',
        'emails[type eq "work"].value eq "ada.archer@example.org"',
        f'id eq "{record.id}" and manager eq "no-such-manager"',
    ):
        assert [found["id"] for found in await looked_up(site, scim_filter)] == [record.id], scim_filter
    assert await looked_up(site, 'externalId eq "e1001"') == []


async def test_a_mobile_is_added_changed_and_removed_by_a_filtered_path(site: ScimSite) -> None:
    place, _ = await joined(site)
    path = 'phoneNumbers[type eq "mobile"].value'
    no_content(await site.patch(place, {"op": "Add", "path": path, "value": MOBILE}))
    assert (site.roster.last.dids, site.roster.last.numbers) == ((DID,), private(MOBILE))
    no_content(await site.patch(place, {"op": "Replace", "path": path, "value": OTHER_MOBILE}))
    assert site.roster.last.numbers == private(OTHER_MOBILE)
    no_content(await site.patch(place, {"op": "Remove", "path": path}))
    assert (site.roster.last.dids, site.roster.last.numbers) == ((DID,), ())


async def test_a_first_mobile_may_come_as_a_replacement(site: ScimSite) -> None:
    place, _ = await joined(site)
    path = 'phoneNumbers[type eq "mobile"].value'
    no_content(await site.patch(place, {"op": "Replace", "path": path, "value": MOBILE}))
    assert site.roster.last.numbers == private(MOBILE)


async def test_a_mover_comes_as_several_operations_with_dotted_paths(site: ScimSite) -> None:
    place, before = await joined(site)
    no_content(
        await site.patch(
            place,
            {"op": "Replace", "path": "displayName", "value": "Ada Baker"},
            {"op": "Replace", "path": "name.familyName", "value": "Baker"},
            {"op": "Add", "path": "name.givenName", "value": "Ada"},
            {"op": "Replace", "path": f"{ENTERPRISE}:department", "value": "Highways"},
            {"op": "Replace", "path": 'addresses[type eq "work"].locality', "value": "York"},
            {"op": "Replace", "path": 'phoneNumbers[type eq "work"].value', "value": OTHER_DID},
        )
    )
    now = site.roster.last
    assert (now.id, now.key) == (before.id, before.key)
    assert (now.name, now.department, now.site, now.dids) == ("Ada Baker", "Highways", "York", (OTHER_DID,))
    no_content(await site.patch(place, {"op": "Add", "value": {"name.familyName": "Cole", "displayName": "Ada Cole"}}))
    assert site.roster.last.name == "Ada Cole"
    assert (await site.client.get(place)).json()["name"]["familyName"] == "Cole"


@pytest.mark.parametrize(
    "operation",
    [
        {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": "m2"},
        {"op": "Replace", "path": f"{ENTERPRISE}:manager", "value": {"value": "m2"}},
        {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": [{"$ref": "http://old/scim/Users/m2", "value": "m2"}]},
        {"op": "Replace", "path": "manager", "value": "m2"},
        {"op": "Add", "value": {f"{ENTERPRISE}:manager": "m2"}},
        {"op": "Add", "value": {ENTERPRISE: {"manager": "m2"}}},
    ],
)
async def test_a_manager_may_come_in_any_of_its_forms(site: ScimSite, operation: dict[str, Any]) -> None:
    place, _ = await joined(site)
    no_content(await site.patch(place, operation))
    assert site.roster.last.manager == "m2"
    assert (await site.client.get(place)).json()[ENTERPRISE]["manager"]["value"] == "m2"


async def test_a_manager_who_is_taken_away_is_nobody(site: ScimSite) -> None:
    place, _ = await joined(site)
    removals = ({"op": "Remove"}, {"op": "Replace", "value": ""}, {"op": "Remove", "value": [{"value": "m2"}]})
    for removal in removals:
        await site.patch(place, {"op": "Add", "path": f"{ENTERPRISE}:manager", "value": "m2"})
        no_content(await site.patch(place, {"path": f"{ENTERPRISE}:manager", **removal}))
        assert (site.roster.last.manager, site.roster.last.department) == (None, "Housing"), removal


@pytest.mark.parametrize(
    "deactivation",
    [
        {"op": "Replace", "path": "active", "value": "False"},
        {"op": "Replace", "path": "active", "value": False},
        {"op": "Replace", "value": {"active": "False"}},
    ],
)
async def test_a_leaver_is_deactivated_reactivated_and_deleted(site: ScimSite, deactivation: dict[str, Any]) -> None:
    place, before = await joined(site, active="True")
    assert before.active is True
    no_content(await site.patch(place, deactivation))
    assert (site.roster.last.id, site.roster.last.active) == (before.id, False)
    assert (await site.client.get(place)).json()["active"] is False
    no_content(await site.patch(place, {"op": "Replace", "path": "active", "value": "True"}))
    assert site.roster.last == before
    no_content(await site.client.delete(place))
    assert (site.roster.batches[-1].gone, site.roster.batches[-1].records) == ({before.id}, ())
    assert (await site.client.get(place)).status_code == 404


async def test_what_changes_nothing_is_answered_and_not_told(site: ScimSite) -> None:
    place, _ = await joined(site)
    no_content(await site.patch(place, {"op": "Replace", "path": "displayName", "value": "Ada Archer"}))
    no_content(await site.patch(place, {"op": "Replace", "path": "urn:example:unknown:attribute", "value": "x"}))
    assert len(site.roster.batches) == 1


async def test_a_group_and_its_members_come_and_go_and_say_who_is_on_call(site: ScimSite) -> None:
    place, person = await joined(site)
    assert await looked_up(site, 'displayName eq "Duty Team"', "/Groups", excludedAttributes="members") == []
    body = {
        "schemas": [GROUP, ADSCIM],
        "externalId": "g1",
        "displayName": "Duty Team",
        "meta": {"resourceType": "Group"},
    }
    group = f"/Groups/{(await site.client.post('/Groups', json=body)).json()['id']}"
    assert len(site.roster.batches) == 1, "nobody has begun to be on call"
    no_content(await site.patch(group, {"op": "Add", "path": "members", "value": [{"$ref": None, "value": person.id}]}))
    assert (site.roster.last.id, site.roster.last.on_call) == (person.id, True)
    member = f'id eq "{group.removeprefix("/Groups/")}" and members eq "{person.id}"'
    assert len(await looked_up(site, member, "/Groups", attributes="id")) == 1
    found = (await site.client.get(group, params={"excludedAttributes": "members"})).json()
    assert (found["displayName"], "members" in found) == ("Duty Team", False)
    no_content(await site.patch(place, {"op": "Replace", "path": "title", "value": "Senior clerk"}))
    assert site.roster.last.on_call is True
    no_content(
        await site.patch(group, {"op": "Remove", "path": "members", "value": [{"$ref": None, "value": person.id}]})
    )
    assert site.roster.last.on_call is False
    assert await looked_up(site, member, "/Groups", attributes="id") == []


async def test_who_is_on_call_ends_with_the_groups_name_and_with_the_group(site: ScimSite) -> None:
    _, person = await joined(site)
    body = {"schemas": [GROUP], "displayName": "duty team", "members": [{"value": person.id}]}
    group = f"/Groups/{(await site.client.post('/Groups', json=body)).json()['id']}"
    assert site.roster.last.on_call is True
    no_content(await site.patch(group, {"op": "Replace", "path": "displayName", "value": "Former team"}))
    assert site.roster.last.on_call is False
    no_content(await site.patch(group, {"op": "Replace", "path": "displayName", "value": "Duty Team"}))
    assert site.roster.last.on_call is True
    no_content(await site.client.delete(group))
    assert site.roster.last.on_call is False
