"""What every page stands in: language, navigation by permission, the state in words, the headers, and a store of pages
rendered a moment ago, so that two hundred viewers cost little more than one."""

from __future__ import annotations

import asyncio
import secrets
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import cache
from gettext import NullTranslations
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import quote
from zoneinfo import ZoneInfo

from jinja2 import Environment, FileSystemLoader, StrictUndefined, pass_context
from jinja2.runtime import Context
from markupsafe import escape
from starlette.requests import Request
from starlette.responses import HTMLResponse, RedirectResponse, Response

from ringfence.app.operator import Operator
from ringfence.app.snapshot import Snapshot
from ringfence.domain.access import Caller, Permission
from ringfence.web.callers import known_caller
from ringfence.web.csrf import SCOPE_KEY, token_of
from ringfence.web.pages import time_words
from ringfence.web.pages.assets import address_of
from ringfence.web.pages.flash import FLASH_COOKIE, flash_words
from ringfence.web.pages.shadow_words import shadow_banner
from ringfence.web.pages.state_words import Said, banner_of
from ringfence.web.pages.texts import LANGUAGES, N_, language_of, texts_of
from ringfence.web.permissions import OPERATIONS
from ringfence.web.status_view import version_of

TEMPLATES: Final = Path(__file__).parent / "templates"
LIVE_HEADER: Final = "X-Ringfence-Live"
"""Sent by the script of an open page that asks for itself again."""
MAX_KEPT: Final = 256
KEPT_SECONDS: Final = 1.0

HEADERS: Final[Mapping[str, str]] = MappingProxyType(
    {
        "Content-Security-Policy": (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; connect-src 'self'; "
            "form-action 'self'; base-uri 'none'; frame-ancestors 'none'"
        ),
        "X-Content-Type-Options": "nosniff",
        "X-Frame-Options": "DENY",
        # A form's Origin would be "null" without any referrer, and could not be checked.
        "Referrer-Policy": "same-origin",
        "Cross-Origin-Opener-Policy": "same-origin",
        "Cross-Origin-Resource-Policy": "same-origin",
        "Permissions-Policy": "camera=(), geolocation=(), microphone=()",
        "Cache-Control": "no-store",
    }
)

NAVIGATION: Final = (
    ("page_me", "/me", N_("My numbers")),
    ("page_start", "/", N_("State")),
    ("page_calls", "/calls", N_("Calls")),
    ("page_people", "/people", N_("People")),
    ("page_teams", "/teams", N_("Teams")),
    ("page_plans", "/plans", N_("HR changes")),
    ("page_sources", "/sources", N_("HR sources")),
    ("page_coverage", "/coverage", N_("Coverage")),
    ("page_incidents", "/incidents", N_("Incidents")),
    ("page_audit", "/audit", N_("Audit")),
    ("page_notices", "/notices", N_("Notifications")),
    ("page_access", "/access", N_("Access")),
)
"""Operation, address, name: what a caller may see of it, and what is there, is shown."""


@dataclass(slots=True)
class _Kept:
    """One rendered page. `lock`: who comes while it is being made waits for it instead of making it too."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    text: str = ""
    until: float = 0.0


class Frame:
    """Renders pages. `there` holds the operations of the pages that exist: the navigation shows no others."""

    def __init__(self, operator: Operator, zone: str = "UTC", waiting: Callable[[], str] = lambda: "") -> None:
        """`zone` (IANA) is that of the times shown. `waiting` names what waits for somebody; it is shown with the
        state."""
        self.operator = operator
        self._waiting = waiting
        self.zone = ZoneInfo(zone)
        self.there: set[str] = set()
        self._kept: OrderedDict[tuple[object, ...], _Kept] = OrderedDict()
        # What differs from viewer to viewer is put in last. The names cannot be guessed, so nobody's text becomes them.
        mark = secrets.token_hex(8)
        self._token_mark, self._who_mark = f"token-{mark}", f"who-{mark}"
        self._environment = _environment(zone)

    def page(self, request: Request, template: str, status: int = 200, **context: Any) -> HTMLResponse:
        """A page rendered for this request alone."""
        return self._answer(request, self._render(request, template, context), status)

    async def shared(
        self, request: Request, template: str, context: Callable[[], Awaitable[Mapping[str, Any]]], version: object = ""
    ) -> HTMLResponse:
        """A page that is the same for all who have the same permissions and language: rendered once for each version
        of the state (and `version`, where there is more to it), and again when it is a second old. `context` is asked
        only when it has to be rendered. It must not hold anything of the caller's own."""
        asking = known_caller(request)
        permissions = frozenset() if asking is None else asking.permissions
        state = self.version(self.operator.status())
        place = (request.url.path, request.url.query)
        key = (template, place, state, version, language_of(request), permissions, request.cookies.get(FLASH_COOKIE))
        kept = self._kept.setdefault(key, _Kept())
        self._kept.move_to_end(key)
        self._drop_old(kept)
        async with kept.lock:
            now = asyncio.get_running_loop().time()
            if now >= kept.until:
                kept.text = self._render(request, template, await context())
                kept.until = now + KEPT_SECONDS
        return self._answer(request, kept.text, 200)

    def _drop_old(self, asked: _Kept) -> None:
        """Those that nobody would be shown any more: each takes some 30 kB. `asked` is the one asked for just now."""
        now = asyncio.get_running_loop().time()
        while (oldest := next(iter(self._kept.values()))) is not asked:
            if len(self._kept) <= MAX_KEPT and (oldest.lock.locked() or now < oldest.until):
                return
            self._kept.popitem(last=False)

    def forget(self) -> None:
        """Renders all shared pages anew: for whoever has changed something, and looks at it now."""
        self._kept.clear()

    def version(self, snapshot: Snapshot) -> str:
        """Changes with whatever of the state matters."""
        return version_of(snapshot) + self._waiting()

    def texts(self, request: Request) -> NullTranslations:
        """The request's language, for what is said outside of a template."""
        return texts_of(language_of(request))

    def sign_in(self, request: Request) -> Response:
        """Where whoever is not signed in is sent: to sign in, and back to here."""
        here = request.url.path + (f"?{request.url.query}" if request.url.query else "")
        return RedirectResponse(f"/sign-in?next={quote(here if request.method == 'GET' else '/')}", 303)

    def _render(self, request: Request, template: str, context: Mapping[str, Any]) -> str:
        language = language_of(request)
        asking = known_caller(request)
        snapshot = self.operator.status()
        common = {
            "texts": texts_of(language),
            "language": language,
            "languages": LANGUAGES,
            "caller": asking,
            "who": self._who_mark,
            "form_token": self._token_mark,
            "here": request.url.path,
            "home": _home(asking, self.there),
            "back_here": quote(request.url.path) if request.method == "GET" else quote("/"),
            # What answers a form cannot be asked for again, so such a page stays as it is.
            "alive": request.method == "GET" and asking is not None and asking.may(Permission.SEE),
            "node": snapshot.node,
            "at": snapshot.at.wall,
            "zone": self.zone.key,
            "version": self.version(snapshot),
            "there": self.there,
            "paths": {path for page, path, _ in NAVIGATION if page in self.there},
            "navigation": _navigation(asking, self.there),
            "banner": _banner(asking, snapshot),
            "flash": flash_words(request),
        }
        return self._environment.get_template(template).render({**common, **context})

    def _answer(self, request: Request, text: str, status: int) -> HTMLResponse:
        asking = known_caller(request)
        name = str(escape("" if asking is None else asking.name))
        token = token_of(request) if SCOPE_KEY in request.scope else ""
        answer = HTMLResponse(
            text.replace(self._who_mark, name).replace(self._token_mark, token), status, dict(HEADERS)
        )
        # An open page that asks for itself may be faster than the page that the words are for.
        if FLASH_COOKIE in request.cookies and LIVE_HEADER not in request.headers:
            answer.delete_cookie(FLASH_COOKIE, path="/", httponly=True, samesite="lax")
        return answer


@cache
def _environment(zone: str) -> Environment:
    """One for all doors: each compiles the templates it is asked for."""
    environment = Environment(
        loader=FileSystemLoader(TEMPLATES),
        autoescape=True,
        auto_reload=False,
        undefined=StrictUndefined,
        extensions=["jinja2.ext.i18n"],
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.install_gettext_callables(  # type: ignore[attr-defined]  # the extension's
        _gettext, _ngettext, newstyle=True
    )
    environment.filters |= time_words.filters(ZoneInfo(zone))
    environment.globals |= {"asset": address_of, "say": _say, "tr": _tr}
    environment.tests["allowed"] = _allowed
    return environment


@pass_context
def _gettext(context: Context, text: str) -> str:
    texts: NullTranslations = context["texts"]
    # The empty text is the catalogue's own header.
    return texts.gettext(text) if text else ""


@pass_context
def _ngettext(context: Context, one: str, many: str, number: int) -> str:
    texts: NullTranslations = context["texts"]
    return texts.ngettext(one, many, number)


@pass_context
def _tr(context: Context, text: str) -> str:
    """A text that is not written in the template, translated where it is known. Unlike what `_()` gives, it is escaped
    like any other: it may hold somebody's words."""
    return _gettext(context, text)


@pass_context
def _say(context: Context, said: Said) -> str:
    """A sentence with its gaps filled. What comes out is escaped like any other text."""
    texts: NullTranslations = context["texts"]
    translated = {name: texts.gettext(text) for name, text in said.translated.items()}
    return texts.gettext(said.text) % {**said.gaps, **translated}


def _allowed(caller: Caller | None, permission: str) -> bool:
    return caller is not None and caller.may(Permission(permission))


def _home(asking: Caller | None, there: Collection[str]) -> str:
    """The first page for the caller: their own where they may see no other."""
    own = asking is not None and asking.may(Permission.OWN) and not asking.may(Permission.SEE)
    return "/me" if own and "page_me" in there else "/"


def _navigation(asking: Caller | None, there: Collection[str]) -> list[tuple[str, str]]:
    """Address and name of what the caller may open."""
    if asking is None:
        return []
    return [
        (path, name)
        for page, path, name in NAVIGATION
        if page in there and (needed := OPERATIONS.get(page)) is not None and asking.may(needed)
    ]


def _banner(asking: Caller | None, snapshot: Snapshot) -> Any:
    """Only for those who may see the state."""
    if asking is None or not asking.may(Permission.SEE):
        return None
    return shadow_banner(snapshot) if snapshot.shadow else banner_of(snapshot)
