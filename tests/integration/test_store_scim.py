"""What every store of pushed resources has to do: in memory, on SQLite, and on PostgreSQL."""

from __future__ import annotations

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import text

from ringfence.app.hr.scim_ports import ScimKind, ScimNameTaken, ScimResource, ScimStore
from ringfence.app.ports import StoreCorrupt
from ringfence.store.scim_store import SqlScimStore
from tests.fakes.clock import NOON
from tests.fakes.scim_store import FakeScimStore
from tests.integration.stores import STORES, empty_database, opened_at

USER, GROUP = ScimKind.USER, ScimKind.GROUP


def resource(id_: str, kind: ScimKind = USER, created: datetime = NOON, **more: Any) -> ScimResource:
    values = {
        "name": f"name of {id_}",
        "external_id": f"E-{id_}",
        "body": {"userName": id_, "a": [{"b": True}]},
        **more,
    }
    return ScimResource(kind=kind, id=id_, version="1", created=created, modified=created, **values)


@pytest.fixture(params=STORES)
async def store(request: pytest.FixtureRequest, tmp_path: Path) -> AsyncIterator[ScimStore]:
    if request.param == "memory":
        yield FakeScimStore()
        return
    async with empty_database(request.param, tmp_path / "ringfence.db") as database:
        yield SqlScimStore(database, "entra")


async def test_what_is_added_is_found_by_each_of_its_names(store: ScimStore) -> None:
    one, two = resource("a"), resource("b", created=NOON + timedelta(microseconds=1))
    await store.add(one)
    await store.add(two)
    assert (await store.get(USER, "a"), await store.get(GROUP, "a"), await store.get(USER, "c")) == (one, None, None)
    assert await store.find(USER, name="name of b") == [two]
    assert await store.find(USER, external_id="E-a") == [one]
    assert await store.find(USER, external_id="E-a", name="name of b") == []
    assert await store.find(GROUP, name="name of b") == []


async def test_a_users_name_is_taken_once_and_a_groups_as_often_as_one_likes(store: ScimStore) -> None:
    await store.add(resource("a", name="ada"))
    await store.add(resource("b", name="bob"))
    with pytest.raises(ScimNameTaken):
        await store.add(resource("c", name="ada"))
    with pytest.raises(ScimNameTaken):
        await store.replace(resource("b", name="ada"), "1")
    for id_ in ("g", "h"):
        await store.add(resource(id_, GROUP, name="ada"))
    assert await store.count([USER]) == await store.count([GROUP]) == 2
    assert (await store.get(USER, "b")) == resource("b", name="bob")


async def test_only_the_version_that_was_seen_is_replaced_or_removed(store: ScimStore) -> None:
    first = resource("a")
    await store.add(first)
    second = replace(first, version="2", body={"userName": "other"}, modified=NOON + timedelta(hours=1))
    assert await store.replace(second, "0") is False
    assert await store.replace(second, "1") is True
    assert await store.get(USER, "a") == second
    assert await store.remove(first) is False
    assert await store.remove(second) is True
    assert await store.remove(second) is False
    assert await store.replace(first, "1") is False
    assert await store.count([USER, GROUP]) == 0


async def test_pages_go_from_the_oldest_on(store: ScimStore) -> None:
    rows = [resource(f"u{n}", created=NOON + timedelta(seconds=n // 2)) for n in range(6)]
    for row in reversed(rows):
        await store.add(row)
    await store.add(resource("g", GROUP, created=NOON - timedelta(days=1)))
    assert await store.page([USER], 100) == rows
    assert await store.page([USER], 2, offset=3) == rows[3:5]
    assert [row.id for row in await store.page([USER, GROUP], 2)] == ["g", "u0"]
    walked: list[ScimResource] = []
    while page := await store.page([USER], 4, after=walked[-1] if walked else None):
        walked += page
    assert walked == rows


async def test_sources_see_nothing_of_each_other(place: Path | str) -> None:
    async with opened_at(place) as database:
        entra, okta = SqlScimStore(database, "entra"), SqlScimStore(database, "okta")
        await entra.add(resource("a"))
        await okta.add(resource("a", external_id="of okta"))
        assert await okta.remove(resource("b")) is False
        assert (await entra.find(USER, external_id="E-a"))[0].id == "a"
        assert await okta.find(USER, external_id="E-a") == []
        assert (await entra.count([USER]), await okta.count([USER])) == (1, 1)


async def test_a_row_that_somebody_changed_by_hand_is_named_and_not_guessed(place: Path | str) -> None:
    async with opened_at(place) as database:
        store = SqlScimStore(database, "entra")
        await store.add(resource("a"))
        spoil = text("UPDATE scim_resources SET body = '[]'")
        await database.write(lambda connection: connection.execute(spoil))
        with pytest.raises(StoreCorrupt, match="A SCIM resource"):
            await store.get(USER, "a")


def test_nothing_private_is_in_a_repr() -> None:
    row = resource("a", name="ada.secret", external_id="secret", body={"phoneNumbers": [{"value": "+447700900123"}]})
    assert "secret" not in repr(row)
    assert "900123" not in repr(row)
