"""Parts of a request by themselves: a form, cookies, a page's token, a sign-in on its way."""

from __future__ import annotations

import asyncio
import json
from datetime import UTC, datetime
from typing import Final
from urllib.parse import parse_qsl

from starlette.datastructures import Headers

from ringfence.app.operator import NotOurs, OrderRefused
from ringfence.hr.scim.lenient import put_filter_right, put_right
from ringfence.web.csrf import comes_from_us
from ringfence.web.durations import parse_duration
from ringfence.web.oidc.binding import Binding, NotBegunHere
from ringfence.web.oidc.claims import is_left_out, signed_in
from ringfence.web.oidc.link import _object
from ringfence.web.oidc.next_page import next_page
from ringfence.web.oidc.refusal import OidcRefused, UnknownKey
from ringfence.web.oidc.settings import SignInSettings
from ringfence.web.oidc.tokens import Expected, verified
from ringfence.web.pages.order_form import OrderForm
from ringfence.web.paging import _read as read_before
from ringfence.web.sessions import COOKIE, token_in
from tests.fakes.roster_node import RosterNode
from tests.fuzz.target import Target, Try, hides, holds, shape


def targets() -> tuple[Target, ...]:
    return (
        Target(
            "scim-lenient",
            "a SCIM body and filter, put right before the library reads them",
            "hr.scim.lenient",
            _lenient,
        ),
        Target(
            "order-form",
            "an order as a form of a page brings it",
            "web.pages.order_form web.order_targets web.durations",
            _order_form,
            max_bytes=40000,
        ),
        Target("cookies", "cookies, and where a request comes from", "web.sessions web.csrf", _cookies),
        Target(
            "page-token",
            "`before` of a list, a duration, where to go after signing in",
            "web.paging web.durations web.oidc.next_page",
            _page_token,
        ),
        Target(
            "oidc-state",
            "the state of a sign-in that comes back",
            "web.oidc.binding web.oidc.claims web.oidc.tokens web.oidc.next_page",
            _oidc_state,
            made=_states,
        ),
        Target(
            "oidc-token",
            "ID tokens, keys and claims of a provider",
            "web.oidc.binding web.oidc.claims web.oidc.tokens web.oidc.next_page web.oidc.link",
            _oidc_token,
        ),
    )


def _lenient() -> Try:
    def attempt(data: bytes) -> str:
        righted = put_right(data)
        again = put_right(righted)
        try:
            holds(
                json.dumps(json.loads(again)) == json.dumps(json.loads(righted)),
                "put right twice is otherwise",
                data[:100],
            )
        except (ValueError, RecursionError):
            pass
        text = data.decode("utf-8", "replace")
        holds(len(put_filter_right(text)) <= 80 * len(text) + 80, "a filter without an end")
        return f"{righted == data} {put_filter_right(text) == text}"

    return attempt


def _order_form() -> Try:
    node = RosterNode()
    loop = asyncio.new_event_loop()

    async def begin() -> None:
        async with node.running():
            pass

    loop.run_until_complete(begin())
    from zoneinfo import ZoneInfo

    zone = ZoneInfo("Europe/London")

    def attempt(data: bytes) -> str:
        form, told = OrderForm.of(dict(parse_qsl(data.decode("utf-8", "replace"), keep_blank_values=True))), []
        for read in (lambda: form.kind, lambda: form.end(zone), lambda: form.target(node.words_desk, "GB")):
            try:
                told.append(type(read()).__name__)
            except OrderRefused as error:
                hides(error, "+447700900123")
                told.append(shape(error)[:40])
            except NotOurs as error:
                told.append(shape(error)[:40])
        return " | ".join(told)

    return attempt


def _cookies() -> Try:
    def attempt(data: bytes) -> str:
        cookie, _, origin = data.partition(b"\n")
        headers = Headers(raw=[(b"host", b"localhost"), (b"cookie", cookie), (b"origin", origin)])
        token = token_in(headers)
        holds(token is None or cookie.count(COOKIE.encode()) >= 1, "a token that nobody sent", token)
        ours = comes_from_us(headers)
        holds(not ours or b"localhost" in origin.lower(), "another site's request is taken for ours", origin)
        return f"{token is not None} {ours}"

    return attempt


def _page_token() -> Try:
    def attempt(data: bytes) -> str:
        text, told = data.decode("utf-8", "replace"), []
        page = next_page(text)
        holds(
            page.startswith("/") and not page.startswith(("//", "/\\")) and page.isprintable(), "leads elsewhere", page
        )
        try:
            read_before(text)
            told.append("a page")
        except OrderRefused as error:
            told.append(shape(error)[:30])
        try:
            told.append(str(parse_duration(text).days > 0))
        except (ValueError, OverflowError) as error:
            told.append(shape(error)[:30])
        return f"{page == '/'} {told}"

    return attempt


_BINDING: Final = Binding()


def _states() -> tuple[bytes, ...]:
    begun = _BINDING.begin("entra", "/people", 10.0)
    return (f"{begun.browser}\n{begun.state}".encode(),)


def _oidc_state() -> Try:
    def attempt(data: bytes) -> str:
        browser, _, state = data.decode("utf-8", "replace").partition("\n")
        _BINDING._taken.clear()
        try:
            begun = _BINDING.take("entra", browser, state, 20.0)
        except NotBegunHere as error:
            return shape(error)
        holds(data == _states_of(begun.browser, begun.state), "a state that was changed is taken", data)
        return "taken"

    return attempt


def _states_of(browser: str, state: str) -> bytes:
    return f"{browser}\n{state}".encode()


def _oidc_token() -> Try:
    settings = SignInSettings.model_validate(
        {
            "name": "entra",
            "issuer": "https://login.example.org",
            "client_id": "ringfence",
            "roles_claim": "roles.a.b",
            "role_map": {"telephony-admin": "admin"},
        }
    )
    expected = Expected("https://login.example.org", "ringfence", "n", "", datetime(2030, 1, 1, tzinfo=UTC))

    def attempt(data: bytes) -> str:
        first, _, token = data.partition(b"\n")
        try:
            found = _object(first)
        except ValueError:
            return "no object"
        told = []
        try:
            verified(token.decode("latin-1"), found, expected)
            holds(False, "a token that nobody signed is taken", data[:100])
        except UnknownKey:
            told.append("unknown key")
        except OidcRefused as error:
            told.append(shape(error.detail if hasattr(error, "detail") else error)[:40])
        if "sub" in found:
            who = signed_in(found, settings)
            holds(who.name.isprintable() and len(who.name) <= 200 and who.key.isprintable(), "an odd name", who.name)
            told.append(f"{sorted(who.roles)} {is_left_out(found, 'roles')}")
        return " ".join(told)

    return attempt
