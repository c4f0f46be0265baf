"""The JSON source against a real HTTPS server on loopback: every way of paging, and what becomes of the elements."""

from __future__ import annotations

import base64
from collections.abc import AsyncIterator, Callable
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from aiohttp import web

from ringfence.app.hr.ports import FeedRefused, SourceError
from ringfence.domain.hr.record import HrRecord
from tests.integration.rest_site import FIELDS, NOW, PEOPLE, TOKEN, Api, json_of, keys, person, running_api
from tests.lab.ports import Ports


@pytest_asyncio.fixture
async def api(ports: Ports, tmp_path: Path) -> AsyncIterator[Api]:
    async with running_api(ports, tmp_path) as api:
        yield api


async def test_a_plain_list_is_read_by_dotted_names_and_selectors(api: Api) -> None:
    api.answers([person(1, last_day="2026-11-30"), person(2, employed=False)])
    feed = await api.full()
    first, second = feed.batch.records
    assert first == HrRecord(
        id="p1",
        key=first.key,
        name="Person 1",
        dids=("+441134960001",),
        numbers=first.numbers,
        active=True,
        ends=date(2026, 11, 30),
    )
    assert [number.e164 for number in first.numbers or ()] == ["+447700900001"]
    assert second.active is False
    assert (feed.batch.complete, feed.batch.rows) == (True, 2)
    assert api.requests[0].headers["Authorization"] == f"Bearer {TOKEN}"


def numbered(request: web.Request) -> web.Response:
    page, size = int(request.query["page"]), int(request.query["limit"])
    return json_of({"data": {"people": PEOPLE[(page - 1) * size : page * size]}, "meta": {"total": len(PEOPLE)}})


def offset(request: web.Request) -> web.Response:
    """A server that gives ten at most, whatever it is asked for."""
    begin = int(request.query["offset"])
    return json_of({"data": {"people": PEOPLE[begin : begin + 10]}, "meta": {"total": len(PEOPLE)}})


def by_link(request: web.Request) -> web.Response:
    begin = int(request.query.get("from", "0"))
    after = begin + 10
    link = f"/people?from={after}" if after < len(PEOPLE) else None
    meta = {"total": len(PEOPLE), "cursor": str(after) if link else ""}
    headers = {"Link": f'</people?from={after}>; rel="next", </people>; rel="first"'} if link else {}
    people = {"people": PEOPLE[begin:after]}
    return json_of({"data": people, "meta": meta, "@odata.nextLink": link}, headers=headers)


STYLES: list[tuple[dict[str, Any], Callable[[web.Request], web.Response], int]] = [
    ({"style": "page", "page_size": 10}, numbered, 3),
    ({"style": "offset"}, offset, 3),
    ({"style": "next_link", "next": "@odata.nextLink"}, by_link, 3),
    ({"style": "link_header"}, by_link, 3),
    ({"style": "cursor", "next": "meta.cursor", "cursor_parameter": "from"}, by_link, 3),
]


@pytest.mark.parametrize("with_total", [True, False])
@pytest.mark.parametrize(("paging", "answer", "pages"), STYLES, ids=[style["style"] for style, _, _ in STYLES])
async def test_every_style_of_paging_gives_everybody(
    api: Api, paging: dict[str, Any], answer: Callable[[web.Request], web.Response], pages: int, with_total: bool
) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return answer(request)

    api.handler = handler
    counts: list[tuple[int, int | None]] = []
    source = api.source(paging=paging, items="data.people", total="meta.total" if with_total else "")
    feed = await source.read("", lambda done, total: counts.append((done, total)))
    assert feed is not None
    assert keys(feed) == [f"p{n}" for n in range(25)]
    total = len(PEOPLE) if with_total else None
    assert counts[:pages] == [(10, total), (20, total), (25, total)]
    # Without a total only a page without elements says that there is no more.
    more = 1 if not with_total and paging["style"] in ("page", "offset") else 0
    assert len(api.requests) == pages + more
    assert all(request.headers["Authorization"] == f"Bearer {TOKEN}" for request in api.requests)


@pytest.mark.parametrize("wrong", [24, 26])
async def test_a_total_that_does_not_agree_is_refused(api: Api, wrong: int) -> None:
    api.answers({"people": PEOPLE, "count": wrong})
    with pytest.raises(FeedRefused, match=f"25 elements and says that there are {wrong}"):
        await api.full(items="people", total="count")


async def test_a_total_that_is_missing_or_changes_is_refused(api: Api) -> None:
    api.answers({"people": PEOPLE})
    with pytest.raises(FeedRefused, match="no number at 'count'"):
        await api.full(items="people", total="count")

    async def growing(request: web.Request) -> web.StreamResponse:
        begin = int(request.query["offset"])
        return json_of({"people": PEOPLE[begin : begin + 10], "count": 25 + begin})

    api.handler = growing
    with pytest.raises(FeedRefused, match="said that there are 25 elements, and then 35"):
        await api.full(items="people", total="count", paging={"style": "offset"})


async def test_only_changes_are_asked_for_until_a_day_is_over(api: Api) -> None:
    api.answers(PEOPLE)
    feed = await api.full(changed_since="updatedAfter")
    assert "updatedAfter" not in api.requests[-1].query
    api.now += timedelta(hours=2)
    api.answers([person(3, name="Renamed")])
    changes = await api.read(feed.cursor, changed_since="updatedAfter")
    assert changes is not None
    assert (changes.batch.complete, keys(changes)) == (False, ["p3"])
    assert api.requests[-1].query["updatedAfter"] == "2026-11-22T08:00:00Z"

    api.answers([])
    assert await api.read(changes.cursor, changed_since="updatedAfter") is None
    api.answers(PEOPLE)
    whole = {
        "later": {},
        "mapping": {"fields": {**FIELDS, "department": "name"}},
        "no parameter": {"changed_since": ""},
    }
    for changed in whole.values():
        api.now += timedelta(hours=22 if not changed else 0)
        again = await api.read(changes.cursor, **({"changed_since": "updatedAfter"} | changed))
        assert again is not None
        assert again.batch.complete is True
        assert "updatedAfter" not in api.requests[-1].query
        api.now = NOW + timedelta(hours=2)


async def test_elements_that_cannot_be_read_are_named_and_present(api: Api) -> None:
    api.answers(
        [
            person(0),
            person(1, employed="perhaps"),
            person(2, work={"phone": {"area": "0113"}}),
            person(3, id=None),
            person(4),
            person(4, name="Another"),
            person(5, work={"phone": ["0113 4960005", "0113 4960555"]}),
            person(6, last_day=["2026-01-01", "2026-02-02"]),
            person(7, phones=[{"type": "mobile", "number": f"07700 90000{n}"} for n in range(3)]),
        ]
    )
    batch = (await api.full()).batch
    assert [record.key for record in batch.records] == ["p0", "p5", "p7"]
    assert batch.records[1].dids == ("+441134960005", "+441134960555")
    assert len(batch.records[2].numbers or ()) == 3
    assert batch.repeated == {"p4"}
    assert {(problem.where, problem.field, problem.id) for problem in batch.rejected} == {
        ("element 2", "employed", "p1"),
        ("element 3", "work.phone", "p2"),
        ("element 4", "id", ""),
        ("element 8", "last_day", "p6"),
    }


async def test_numbers_stay_as_they_are_written(api: Api) -> None:
    api.answers([person(1, id=4711, work={"phone": 441134960001})])
    (record,) = (await api.full()).batch.records
    assert (record.key, record.dids) == ("4711", ("+441134960001",))


async def test_ways_to_sign_in(api: Api) -> None:
    api.answers(PEOPLE)
    await api.full(header="X-API-Key", token_prefix="", headers={"X-Company": "42"})
    assert (api.requests[-1].headers["X-API-Key"], api.requests[-1].headers["X-Company"]) == (TOKEN, "42")
    assert "Authorization" not in api.requests[-1].headers
    await api.full(token_file=None, user="Jörg", password_file=api.token_file)
    sent = api.requests[-1].headers["Authorization"].removeprefix("Basic ")
    assert base64.b64decode(sent).decode() == f"Jörg:{TOKEN}"
    api.token_file.chmod(0o644)
    with pytest.raises(SourceError, match="others may read"):
        await api.full()
