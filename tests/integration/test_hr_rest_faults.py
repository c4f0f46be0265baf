"""The JSON source against a real HTTPS server on loopback that fails, lies, hangs, or leads somewhere else."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web

from ringfence.app.hr.ports import FeedRefused, SourceError, SourceUnavailable
from tests.integration.rest_site import PEOPLE, TOKEN, Api, json_of, keys, person, running_api, served
from tests.lab.certificates import CertificateAuthority
from tests.lab.ports import HOST, Ports


@pytest_asyncio.fixture
async def api(ports: Ports, tmp_path: Path) -> AsyncIterator[Api]:
    async with running_api(ports, tmp_path) as api:
        yield api


@pytest.mark.parametrize(
    ("status", "error", "words"),
    [
        (500, SourceUnavailable, "fault of its own"),
        (503, SourceUnavailable, "fault of its own"),
        (401, SourceError, "refused us"),
        (403, SourceError, "refused us"),
        (404, SourceError, "answered 404"),
        (204, SourceError, "answered 204"),
        (206, SourceError, "answered 206"),
    ],
)
async def test_a_second_page_that_fails_takes_the_first_with_it(
    api: Api, status: int, error: type[SourceError], words: str
) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return json_of(PEOPLE[:10]) if request.query["page"] == "1" else web.Response(status=status)

    api.handler = handler
    with pytest.raises(error, match=words) as caught:
        await api.full(paging={"style": "page"})
    assert caught.value.retry is (error is SourceUnavailable)
    assert TOKEN not in str(caught.value)


async def test_a_server_that_is_asked_too_often_says_how_long_to_wait(api: Api) -> None:
    api.answers({}, status=429, headers={"Retry-After": "120"})
    with pytest.raises(SourceUnavailable, match="asks to wait 120 s"):
        await api.full()


async def test_a_list_that_leads_in_a_circle_is_refused(api: Api) -> None:
    async def circle(request: web.Request) -> web.StreamResponse:
        begin = 10 - int(request.query.get("from", "0"))
        return json_of({"people": PEOPLE[begin : begin + 10], "next": f"/people?from={begin}"})

    api.handler = circle
    with pytest.raises(FeedRefused, match="in a circle"):
        await api.full(items="people", paging={"style": "next_link", "next": "next"})

    api.answers({"people": PEOPLE})
    with pytest.raises(FeedRefused, match="same page twice"):
        await api.full(items="people", paging={"style": "page"})

    async def endless(request: web.Request) -> web.StreamResponse:
        return json_of([person(int(request.query["page"]))])

    api.handler = endless
    with pytest.raises(FeedRefused, match="more than 5 pages"):
        await api.full(paging={"style": "page", "max_pages": 5})
    with pytest.raises(FeedRefused, match="more than 3 elements"):
        await api.full(paging={"style": "page"}, max_elements=3)


async def test_the_token_goes_to_no_other_host(api: Api, ports: Ports) -> None:
    strangers: list[web.Request] = []

    async def stranger(request: web.Request) -> web.StreamResponse:
        strangers.append(request)
        return json_of(PEOPLE)

    port = ports.take()
    elsewhere = f"https://{HOST}:{port}/people"

    async def by_redirect(request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": elsewhere})

    async def by_body(request: web.Request) -> web.StreamResponse:
        return json_of({"people": PEOPLE, "next": elsewhere})

    async def to_plain(request: web.Request) -> web.StreamResponse:
        return web.Response(status=301, headers={"Location": api.base.replace("https", "http")})

    async with AsyncExitStack() as stack:
        await stack.enter_async_context(served(stranger, port, api.authority.certify(HOST).context()))
        for handler in (by_redirect, by_body, to_plain):
            api.handler = handler
            with pytest.raises(SourceError, match="leads to another host") as caught:
                await api.full(items="people", paging={"style": "next_link", "next": "next"})
            assert caught.value.retry is False
    assert strangers == []


@pytest.mark.parametrize("address", ["mailto:x@y", "file:///etc/passwd", "https://u:p@HOST/people", "http://[::1"])
@pytest.mark.parametrize("by", ["body", "header", "redirect"])
async def test_an_address_that_is_none_is_a_fault_of_the_source(api: Api, by: str, address: str) -> None:
    place = address.replace("HOST", f"{HOST}:{api.port}")

    async def handler(request: web.Request) -> web.StreamResponse:
        if by == "redirect":
            return web.Response(status=302, headers={"Location": place})
        body = {"people": PEOPLE, "next": place}
        return json_of(body, headers={"Link": f'<{place}>; rel="next"'})

    api.handler = handler
    paging = {"style": "link_header"} if by == "header" else {"style": "next_link", "next": "next"}
    with pytest.raises(SourceError) as caught:
        await api.full(items="people", paging=paging)
    assert "u:p" not in str(caught.value)
    assert len(api.requests) == 1


@pytest.mark.parametrize("total", ["\u00b2", "9" * 5000])
async def test_a_total_that_is_no_number_is_refused(api: Api, total: str) -> None:
    api.answers({"people": PEOPLE, "total": total})
    with pytest.raises(FeedRefused, match="has no number at 'total'"):
        await api.full(items="people", total="total")


async def test_a_redirect_on_the_same_host_is_followed_and_not_for_ever(api: Api) -> None:
    async def once(request: web.Request) -> web.StreamResponse:
        if request.path == "/people":
            return web.Response(status=307, headers={"Location": "/v2/people"})
        return json_of(PEOPLE)

    api.handler = once
    assert len(keys(await api.full())) == 25

    async def for_ever(request: web.Request) -> web.StreamResponse:
        return web.Response(status=302, headers={"Location": request.path + "x"})

    api.handler = for_ever
    with pytest.raises(SourceError, match="without end"):
        await api.full()


@pytest.mark.parametrize(
    "body",
    ["", "<html>Sign in</html>", '[{"id": "p1"', "[NaN]", "[" * 100_000, "\ud800".encode(errors="surrogatepass")],
)
async def test_what_is_no_json_is_refused_and_not_quoted(api: Api, body: str | bytes) -> None:
    async def handler(request: web.Request) -> web.StreamResponse:
        return web.Response(body=body.encode() if isinstance(body, str) else body, content_type="application/json")

    api.handler = handler
    with pytest.raises(FeedRefused, match="that are not JSON") as caught:
        await api.full()
    assert "Sign in" not in str(caught.value)


@pytest.mark.parametrize(
    ("body", "words"),
    [
        ({"people": []}, "the list is empty"),
        ({"other": []}, "has no list at 'people'"),
        ({"people": {}}, "has no list at 'people'"),
        ({"people": ["p1"]}, "no object"),
        ([], "has no list at 'people'"),
        ({"people": [{"id": "p1", "work": {"phone": "0113 4960001"}}]}, "mapped to `active`"),
    ],
)
async def test_what_is_no_list_of_people_is_refused(api: Api, body: object, words: str) -> None:
    api.answers(body)
    with pytest.raises(FeedRefused, match=words):
        await api.full(items="people")


async def test_a_slow_or_broken_body_is_given_up(api: Api) -> None:
    async def slow(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse()
        await response.prepare(request)
        await response.write(b"[")
        await asyncio.sleep(30)
        return response

    api.handler = slow
    with pytest.raises(SourceUnavailable, match=r"longer than 0\.3 s"):
        await api.full(answer_seconds=0.3)
    with pytest.raises(SourceUnavailable, match=r"longer than 0\.01 minutes"):
        await api.full(read_minutes=0.01)

    async def broken(request: web.Request) -> web.StreamResponse:
        response = web.StreamResponse(headers={"Content-Length": "1000"})
        await response.prepare(request)
        await response.write(json.dumps(PEOPLE[:1]).encode())
        assert request.transport is not None
        request.transport.abort()
        return response

    api.handler = broken
    with pytest.raises(SourceUnavailable, match="broke off"):
        await api.full()

    async def large(request: web.Request) -> web.StreamResponse:
        response = web.json_response([person(0, name="x" * 3_000_000)])
        response.enable_compression()
        return response

    api.handler = large
    with pytest.raises(FeedRefused, match="more than 2 MB"):
        await api.full(max_megabytes=2)


async def test_tls_is_verified(api: Api, ports: Ports, tmp_path: Path) -> None:
    api.answers(PEOPLE)
    other = CertificateAuthority(tmp_path / "other", name="another CA")
    with pytest.raises(SourceUnavailable, match=r"does not verify.*`ca_file`"):
        await api.full(ca_file=other.file)
    with pytest.raises(SourceUnavailable, match="does not verify"):
        await api.full(ca_file=None)
    with pytest.raises(SourceError, match="PEM"):
        await api.full(ca_file=api.token_file)
    assert api.requests == []
    port = ports.take()
    async with served(api.handle, port, api.authority.certify("hr.example.com").context()):
        with pytest.raises(SourceUnavailable, match=r"does not verify.*name that stands in the certificate"):
            await api.full(url=f"https://{HOST}:{port}/people")
    async with served(api.handle, port, None):
        with pytest.raises(SourceUnavailable, match="TLS cannot begin"):
            await api.full(url=f"https://{HOST}:{port}/people")
        assert len(keys(await api.full(url=f"http://{HOST}:{port}/people"))) == 25
    with pytest.raises(SourceUnavailable, match="not reachable"):
        await api.full(url=f"https://{HOST}:{port}/people")
