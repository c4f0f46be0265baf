"""The DIDs as a list: page by page, no more than is asked for, and those of a range as any others."""

from __future__ import annotations

from tests.fakes.doors import http_door
from tests.fakes.node import DID, OTHER_DID, FakeNode


async def test_dids_come_in_order_page_by_page() -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        everything = (await client.get("/v1/dids")).json()
        found = [item["did"] for item in everything["dids"]]
        assert found == sorted(found)
        assert {DID, OTHER_DID} <= set(found)
        assert everything["next"] is None
        paged: list[str] = []
        after = None
        for _ in found:
            page = (await client.get("/v1/dids", params={"limit": 1} | ({"after": after} if after else {}))).json()
            paged += [item["did"] for item in page["dids"]]
            after = page["next"]
        assert (paged, after) == (found, None)


async def test_more_than_a_page_may_hold_is_refused() -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        assert (await client.get("/v1/dids", params={"limit": 10_001})).status_code == 422


PEOPLE = "key,name,site,default_number_1,extension\nada,Ada Example,Leeds,+44 7700 900555,0311\nbob,Bob,Leeds,,\n"
RANGE = f"did,owner,site,platform\n{DID},ada,Leeds,uc\n+441134960300-+441134960349,by extension,Leeds,uc\n"


async def test_a_range_is_published_explained_and_counted_as_its_numbers() -> None:
    node = FakeNode()
    async with node.running(), http_door(node) as client:
        order = {"people": {"text": PEOPLE}, "dids": {"text": RANGE}, "dry_run": False, "accept_cautions": True}
        done = await client.post("/v1/import", json=order)
        assert done.status_code == 200, done.text
        rows = {key.rpartition("/")[2]: value for key, value in node.astdb.rows.items() if "did/" in key}
        assert sum(did.startswith("+4411349603") for did in rows) == 50
        assert "+447700900555" in rows["+441134960311"]
        assert "+447700900555" not in rows["+441134960312"]
        owned = (await client.get("/v1/explain/+441134960311")).json()
        vacant = (await client.get("/v1/explain/+441134960312")).json()
        assert owned["directory"]["plan"][0]["kind"] == "person"
        assert "person" not in [step["kind"] for step in vacant["directory"]["plan"]]
        assert (owned["equal"], vacant["equal"]) == (True, True)
        listed = (await client.get("/v1/dids", params={"after": "+441134960310", "limit": 1})).json()
        assert listed["dids"][0]["owner"] == "ada"
        assert (await client.get("/v1/status")).json()["table"]["rows"] == 51
