"""What every page has: a permission, headers that allow nothing inline, language, navigation, and no script to need."""

from __future__ import annotations

import re
from urllib.parse import quote

import httpx
import pytest
from fastapi.routing import iter_route_contexts
from starlette.requests import Request

from ringfence.domain.access import GRANTS, Permission, Role
from ringfence.web.pages.assets import assets
from ringfence.web.pages.texts import language_of
from ringfence.web.permissions import OPERATIONS
from ringfence.web.security import BearerToken
from tests.fakes.doors import TOKEN, door, local_door, signed_in_door
from tests.fakes.full_application import full_application
from tests.fakes.node import DID
from tests.fakes.roster_node import RosterNode

PAGES = (
    "/",
    f"/did/{DID}",
    "/find",
    "/calls",
    "/people",
    "/people/ada",
    "/plans",
    "/plans/1",
    "/sources",
    "/coverage",
    "/teams",
)


async def test_a_page_is_there_for_a_viewer_and_allows_nothing_inline() -> None:
    async with RosterNode().running() as node, signed_in_door(node, Role.VIEWER) as client:
        await node.load_first()
        await node.coverage.current()  # its page would not wait for the first
        for path in PAGES:
            answer = await client.get(path)
            assert answer.status_code == 200, path
            assert "unsafe" not in answer.headers["content-security-policy"]
            assert answer.headers["content-security-policy"].startswith("default-src 'none'")
            assert answer.headers["cache-control"] == "no-store"
            assert not re.search(r"<style|style=|<script(?! src=)| on[a-z]+=|javascript:", answer.text), path


async def test_a_page_has_landmarks_one_heading_and_named_fields() -> None:
    async with RosterNode().running() as node, local_door(node) as client:
        await node.load_first()
        await node.coverage.current()  # its page would not wait for the first
        for path in PAGES:
            _check_structure((await client.get(path)).text)


async def test_a_stranger_is_sent_to_sign_in_and_comes_back() -> None:
    async with RosterNode().running() as node, door(node, BearerToken(TOKEN), {}) as client:
        for path in PAGES:
            answer = await client.get(path)
            assert answer.status_code == 303
            assert answer.headers["location"] == f"/sign-in?next={quote(path)}"


async def test_whoever_lacks_the_permission_reads_why() -> None:
    async with RosterNode().running() as node, signed_in_door(node, Role.STAFF) as client:
        await node.load_first()
        for path in PAGES:
            answer = await client.get(path)
            assert answer.status_code == 403
            assert "You may not do this" in answer.text
            assert "Ada Example" not in answer.text


@pytest.mark.parametrize("role", list(Role))
async def test_the_navigation_shows_what_a_role_may_open(role: Role) -> None:
    async with RosterNode().running() as node, signed_in_door(node, role) as client:
        text = (await client.get("/", headers={"Accept-Language": "en"})).text
        assert ('href="/people"' in text) is (Permission.SEE in GRANTS[role])


def test_every_page_asks_for_a_permission_or_is_meant_for_strangers() -> None:
    app = full_application()
    pages = [route for route in iter_route_contexts(app.routes) if getattr(route, "include_in_schema", True) is False]
    named = {route.operation_id for route in pages if getattr(route, "operation_id", None)}
    assert len(named & OPERATIONS.keys()) > 10
    open_to_all = {route.path for route in pages if getattr(route, "operation_id", None) is None}
    assert open_to_all <= {"/static/{name}", "/language/{code}", "/openapi.json"}


async def test_the_state_stands_in_words_on_every_page() -> None:
    async with RosterNode().running() as node, local_door(node) as client:
        await node.platform(True)
        assert "Calls go to the platform." in (await client.get("/calls")).text
        await node.platform(False, 3)
        answer = (await client.get("/calls")).text
        assert "Calls of uc go to default numbers (DR mode)." in answer
        assert "<strong>Alarm:</strong>" in answer


async def test_the_language_is_the_browsers_or_the_chosen_one() -> None:
    async with RosterNode().running() as node, local_door(node) as client:
        german = await client.get("/", headers={"Accept-Language": "fr, de-AT;q=0.8, en;q=0.5"})
        assert '<html lang="de">' in german.text
        assert "Wohin Anrufe jetzt gehen" in german.text
        chosen = await client.get("/language/de", params={"next": "/calls"})
        assert (chosen.status_code, chosen.headers["location"]) == (303, "/calls")
        assert '<html lang="de">' in (await client.get("/calls", headers={"Accept-Language": "en"})).text


@pytest.mark.parametrize("elsewhere", ["//example.org", "https://example.org", "/\\example.org", "javascript:1"])
async def test_choosing_a_language_leads_nowhere_else(elsewhere: str) -> None:
    async with RosterNode().running() as node, local_door(node) as client:
        answer = await client.get("/language/de", params={"next": elsewhere})
        assert answer.headers["location"] == "/"


@pytest.mark.parametrize(
    ("wish", "language"),
    [("", "en"), ("de", "de"), ("de;q=0, en", "en"), ("en;q=0.1, de;q=0.2", "de"), ("tlh", "en"), ("de;q=x", "en")],
)
def test_a_wish_for_a_language_is_weighed(wish: str, language: str) -> None:
    request = Request({"type": "http", "headers": [(b"accept-language", wish.encode())]})
    assert language_of(request) == language


async def test_files_are_kept_for_ever_under_names_that_change_with_them() -> None:
    async with RosterNode().running() as node, door(node, BearerToken(TOKEN), {}) as client:
        for asset in assets().values():
            answer = await client.get(asset.address)
            assert answer.content == asset.content
            assert "immutable" in answer.headers["cache-control"]
            again = await client.get(asset.address, headers={"If-None-Match": answer.headers["etag"]})
            assert (again.status_code, again.content) == (304, b"")
        assert (await client.get("/static/ringfence.0123456789abcdef.css")).status_code == 404
        assert (await client.get("/static/..%2fframe.py")).status_code == 404


async def test_a_page_leads_only_to_pages_that_are_there() -> None:
    async with RosterNode().running() as node, local_door(node) as client:
        await node.load_first()
        await node.coverage.current()  # its page would not wait for the first
        for path in PAGES:
            found = set(re.findall(r'(?:href|src)="([^"#]+)"', (await client.get(path)).text))
            for link in found:
                assert link.startswith("/"), link
                assert (await _status(client, link.replace("&amp;", "&"))) in (200, 303), f"{path}: {link}"


def _check_structure(text: str) -> None:
    assert len(re.findall(r"<h1[ >]", text)) == len(re.findall(r"<main[ >]", text)) == 1
    assert '<html lang="en">' in text
    ids = re.findall(r'\bid="([^"]*)"', text)
    assert sorted(ids) == sorted(set(ids))
    labelled = set(re.findall(r'<label[^>]* for="([^"]*)"', text))
    for field in re.findall(r"<(?:input|select|textarea)\b[^>]*>", text):
        if 'type="hidden"' not in field and 'type="radio"' not in field:
            name = re.search(r'\bid="([^"]*)"', field)
            assert name is not None and name.group(1) in labelled, field


async def test_an_unknown_path_is_a_page_for_a_browser_and_a_problem_for_a_program() -> None:
    async with RosterNode().running() as node, local_door(node) as client:
        page = await client.get("/nowhere", headers={"Accept": "text/html,*/*"})
        assert (page.status_code, "There is no such page" in page.text) == (404, True)
        for path, accept in (("/nowhere", "*/*"), ("/v1/nowhere", "text/html")):
            problem = await client.get(path, headers={"Accept": accept})
            assert (problem.status_code, problem.json()["status"]) == (404, 404)


async def _status(client: httpx.AsyncClient, link: str) -> int:
    return (await client.get(link)).status_code
