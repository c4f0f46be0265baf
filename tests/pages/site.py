"""A fake node whose pages are served over real HTTP, and the people who open them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import replace
from datetime import timedelta
from typing import Any, Final

from playwright.async_api import Browser, Page

from ringfence.app.access.sessions import NewSession
from ringfence.app.incidents import Doer
from ringfence.domain.access import EVERYTHING, Caller, Permission, Role, SignedInBy
from ringfence.domain.audit import AuditFact, AuditKind
from ringfence.domain.calls import WITHHELD, AnsweredBy, CallRecord
from ringfence.domain.hr.record import HrNumber
from ringfence.domain.incident import Incident
from ringfence.domain.missed_calls import CallBack, CallBackState
from ringfence.domain.notice import Notice, NoticeKind, Severity
from ringfence.domain.reasons import Reason
from ringfence.web.app import create_app
from ringfence.web.security import BearerToken, SignIns
from ringfence.web.server import Door, listen_tcp
from ringfence.web.sessions import COOKIE
from tests.fakes.calls import a_call
from tests.fakes.clock import settle
from tests.fakes.doors import TOKEN
from tests.fakes.node import DID, OTHER_DID, SCOPE
from tests.fakes.roster_node import NEW_NUMBER, RosterNode, ada, bob
from tests.lab.browser import DESK, Visitor, visitor

CALLER: Final = "+447700900456"
AGENT: Final = frozenset({Role.HELPDESK, Role.ADMIN, Role.AUDITOR, Role.STAFF})

PAGES: Final[Mapping[str, str]] = {
    "start": "/",
    "calls": "/calls",
    "did": f"/did/{DID}",
    "people": "/people",
    "people-found": "/people?find=example",
    "person": "/people/ada",
    "plans": "/plans",
    "plan": "/plans/2",
    "sources": "/sources",
    "coverage": "/coverage",
    "me": "/me",
    "incidents": "/incidents",
    "incident": "/incidents/1",
    "missed": "/incidents/1/missed?show=all",
    "audit": "/audit?who=ada.agent",
    "notices": "/notices",
    "access": "/access",
    "not-found": "/did/+441134960777",
}
"""Name, which a screenshot gets -> address. Whatever the navigation leads to has to be in here."""


class Site:
    """A served node. `sign_in` makes a visitor's session, as a provider or a sealed account would."""

    def __init__(self, browser: Browser, node: RosterNode, place: str) -> None:
        self.node = node
        self.base_url = place.replace("127.0.0.1", "localhost")  # a Secure cookie is believed there without TLS
        self._browser = browser

    @asynccontextmanager
    async def visited(
        self, name: str = "ada.agent", roles: frozenset[Role] = AGENT, person: str | None = "ada", **options: Any
    ) -> AsyncIterator[Visitor]:
        """Somebody signed in, at an empty page. `options` are those of `browser.visitor`."""
        session = await self.node.access.desk.begin_session(name, roles, SignedInBy.OIDC, person)
        async with visitor(self._browser, self.base_url, **{"viewport": DESK, **options}) as somebody:
            await _carry(somebody, session)
            yield somebody


async def _carry(somebody: Visitor, session: NewSession) -> None:
    cookie = {"name": COOKIE, "value": session.token, "domain": "localhost", "path": "/", "secure": True}
    await somebody.context.add_cookies([{**cookie, "httpOnly": True, "sameSite": "Lax"}])


@asynccontextmanager
async def served(browser: Browser) -> AsyncIterator[Site]:
    """Ada and Bob are known, the platform is well, one call was routed, one HR change of both is held, and there was an
    incident."""
    node = RosterNode()
    async with node.running():
        await node.load_first()
        await node.platform(True)
        await node.say(ada(numbers=(HrNumber(NEW_NUMBER),)), bob(numbers=(HrNumber("+447700900778"),)))
        await node.coverage.current()
        node.journal.add(call(node, 1))
        await remembered(node)
        node.refresh()
        door = Door(
            create_app(node.services, SignIns(BearerToken(TOKEN), node.access.desk)), listen_tcp("127.0.0.1", 0)
        )
        serving = asyncio.create_task(door.run(), name="served pages")
        await door.open()
        try:
            yield Site(browser, node, door.place)
        finally:
            serving.cancel()
            await asyncio.wait([serving])


async def remembered(node: RosterNode) -> None:
    """An incident that is over and one that lasts, missed calls, a note, a notice on its way, a key, audit rows."""
    now, store = node.clock.now().wall, node.incidents.store
    began, ended = now - timedelta(hours=2), now - timedelta(hours=1)
    store.kept[1] = Incident(1, SCOPE, began, ended, Reason.SILENT, late=False, relapses=1)
    store.kept[2] = Incident(2, SCOPE, now - timedelta(minutes=5), None, Reason.REFUSING_CALLS, late=False, relapses=0)
    missed = replace(
        call(node, 2), path="inline", result="failure", platform_status=503, answered_by=AnsweredBy.ANNOUNCEMENT
    )
    for number, caller in enumerate((CALLER, CALLER, WITHHELD, "")):
        ended_at = began + timedelta(minutes=number + 1)
        node.journal_store.calls.append(replace(missed, call_id=f"m.{number}", ended_at=ended_at, caller=caller))
    await node.incidents.desk.add_note(1, "Vendor's ticket 4711.\nThey restart it.", Doer("bob.agent"))
    store.said[1] = {"m.2": CallBack(CallBackState.CALLING, "bob.agent", now, "engaged, again at four")}
    notice = Notice(
        "one", NoticeKind.ALARM, Severity.CRITICAL, now, "Coverage is low", "Only 40 %.\nLook at it.", SCOPE
    )
    await node.notices.notifier.tell(notice)
    made = Caller("ada.agent", EVERYTHING, SignedInBy.OIDC)
    await node.access.desk.create_key("monitoring", frozenset({Permission.SEE}), now + timedelta(days=90), made)
    fact = AuditFact(
        now, AuditKind.OVERRIDE, "override set", f"scope:{SCOPE}", "ada.agent", "vendor confirms", "sign-in"
    )
    await node.audit.auditor.note(replace(fact, detail={"until": "2030-01-15T13:00:00+00:00"}))


def call(node: RosterNode, number: int) -> CallRecord:
    """The n-th call: to Ada's DID, which the platform answered."""
    return a_call(
        call_id=f"node-1893500000.{number}",
        ended_at=node.clock.now().wall,
        did=DID,
        scope=SCOPE,
        caller=CALLER,
        duration_ms=42_000,
        ringing_after_ms=1_800,
    )


async def outage(site: Site) -> None:
    """The platform falls silent, and everybody sees it."""
    await site.node.platform(False, 3)
    site.node.refresh()
    await settle()


async def order(
    page: Page, what: str, mode: str = "dr", reason: str = "vendor confirms an outage", length: str = "1h"
) -> None:
    """Fills in the big decision and asks what it would do."""
    await page.goto("/")
    await page.locator("#decide #what").select_option(what)
    await page.locator(f"#decide input[name=mode][value={mode}]").check()
    await page.locator("#decide #length").select_option(length)
    await page.locator("#decide #reason").fill(reason)
    await page.locator("#decide").get_by_role("button", name="Show what it would do").click()


__all__ = ["AGENT", "CALLER", "DID", "OTHER_DID", "PAGES", "SCOPE", "Site", "call", "order", "outage", "served"]
