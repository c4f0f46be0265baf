"""Our pages over TLS, a real OpenID provider, and a browser that goes between them."""

from __future__ import annotations

import asyncio
import re
import ssl
from collections.abc import AsyncIterator, Iterator, Set
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx

from ringfence.bootstrap.clock import SystemClock
from ringfence.domain.access import Caller
from ringfence.domain.moment import Moment
from ringfence.web.app import create_app
from ringfence.web.oidc.provider import Provider
from ringfence.web.oidc.settings import SignInSettings
from ringfence.web.security import BearerToken, SignIns
from ringfence.web.server import Door, listen_tcp
from ringfence.web.sessions import COOKIE
from ringfence.web.sign_in_door import SignInDoor
from tests.fakes.access import FakeAccess
from tests.fakes.doors import TOKEN
from tests.fakes.node import FakeNode
from tests.lab import oidc_site
from tests.lab.certificates import CertificateAuthority, ServerCertificate
from tests.lab.oidc_site import CLIENT_ID, CLIENT_SECRET, Faults, OidcSite, User
from tests.lab.ports import HOST

ROLE_MAP = {
    "telephony-staff": "staff",
    "telephony-viewer": "viewer",
    "telephony-helpdesk": "helpdesk",
    "telephony-admin": "admin",
    "telephony-auditor": "auditor",
}
NAME = "company"


def user(sub: str, *groups: str, **claims: Any) -> User:
    named = {"name": f"{sub.title()} Example", "preferred_username": f"{sub}@example.org"}
    return User(sub=sub, claims={**named, "realm_access": {"roles": list(groups)}, **claims})


USERS = (
    *(user(group.removeprefix("telephony-"), group, "everybody") for group in ROLE_MAP),
    user("nobody", "everybody"),
    user("ada", "telephony-staff", employee_number="ada"),
    user("evil", "everybody", name="<script>alert(1)</script>"),
    user("both", "telephony-viewer", "telephony-auditor"),
)


class ShiftedClock:
    """The machine's clock, moved by `shift_seconds`, or `stopped`."""

    def __init__(self) -> None:
        self.shift_seconds = 0.0
        self.stopped: Moment | None = None

    def now(self) -> Moment:
        return self.stopped or SystemClock().now().plus(self.shift_seconds)

    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)


@dataclass
class House:
    """Everything of one test. `base` is our own address; `gone`: people who have left."""

    base: str
    site: OidcSite
    access: FakeAccess
    clock: ShiftedClock
    door: SignInDoor
    authority: CertificateAuthority
    gone: set[str]

    def browser(self, **headers: str) -> Browser:
        context = ssl.create_default_context(cafile=self.authority.file)
        return Browser(self, httpx.AsyncClient(verify=context, base_url=self.base, headers=headers))

    def provider(self) -> Provider:
        return self.door.providers[0]


class Browser:
    """Keeps cookies and goes where it is sent."""

    def __init__(self, house: House, client: httpx.AsyncClient) -> None:
        self._house = house
        self.client = client

    async def __aenter__(self) -> Browser:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.client.aclose()

    async def begun(self, next_page: str | None = None) -> httpx.Response:
        """The answer of the button."""
        params = {} if next_page is None else {"next": next_page}
        return await self.client.get(f"/oidc/{NAME}/begin", params=params)

    async def agreed(self, begun: httpx.Response, sub: str) -> str:
        """Signs in at the provider; gives the address it sends the browser back to."""
        assert begun.status_code == 303, begun.text
        answer = await self.client.post(begun.headers["location"], data={"sub": sub})
        assert answer.status_code == 302, answer.text
        return str(answer.headers["location"])

    async def sign_in(self, sub: str, next_page: str | None = None) -> httpx.Response:
        """The answer of our callback."""
        return await self.client.get(await self.agreed(await self.begun(next_page), sub))

    async def break_glass(self, name: str, password: str, **form: str) -> httpx.Response:
        return await self.client.post("/sign-in/break-glass", data={"name": name, "password": password, **form})

    def caller(self) -> Caller | None:
        """As whom its cookie lets it in."""
        token = self.client.cookies.get(COOKIE)
        return None if token is None else self._house.access.desk.session(token)


def settings_of(site: OidcSite, authority: CertificateAuthority, **changes: Any) -> SignInSettings:
    values = {
        "name": NAME,
        "label": "Example Ltd",
        "issuer": site.issuer,
        "client_id": CLIENT_ID,
        "roles_claim": "realm_access.roles",
        "role_map": ROLE_MAP,
        "person_claim": "employee_number",
        "ca_file": authority.file,
    }
    return SignInSettings.model_validate(values | changes)


@dataclass(frozen=True, slots=True)
class Lab:
    """What all tests of a module share: the provider, and the certificate that it and we show."""

    site: OidcSite
    authority: CertificateAuthority
    certificate: ServerCertificate


@contextmanager
def lab_in(folder: Path) -> Iterator[Lab]:
    authority = CertificateAuthority(folder)
    certificate = authority.certify(HOST)
    with oidc_site.running(USERS, certificate) as site:
        yield Lab(site, authority, certificate)


@asynccontextmanager
async def house(lab: Lab, secret: str | None = CLIENT_SECRET, **changes: Any) -> AsyncIterator[House]:
    """Ours, and the provider without a fault. `changes`: of the `[[sign_in]]` settings."""
    clock, site, authority = ShiftedClock(), lab.site, lab.authority
    site.faults, site.client_secret = Faults(), secret
    site.asked.clear()
    node = FakeNode()
    async with node.running():
        node.refresh()
        access = FakeAccess(clock)
        listener = listen_tcp(HOST, 0, tls=True)
        base = f"https://{HOST}:{listener.sock.getsockname()[1]}"
        provider = Provider(settings_of(site, authority, **changes), secret, base, clock)
        known = node.directory_store.stored.directory
        gone: set[str] = set()

        async def left(people: Set[str]) -> frozenset[str]:
            return frozenset(people & gone)

        door = SignInDoor(access.desk, clock, [provider], lambda key: key if known.person(key) else None, left)
        app = create_app(replace(node.services, sign_in=door), SignIns(BearerToken(TOKEN), access.desk))
        served = Door(app, listener, lab.certificate.context())
        task = asyncio.create_task(served.run())
        await served.open()
        try:
            yield House(base, site, access, clock, door, authority, gone)
        finally:
            task.cancel()
            await asyncio.wait([task])


def said(answer: httpx.Response) -> str:
    """The page's text, as people read it."""
    return " ".join(re.sub(r"<[^>]+>", " ", answer.text).split())
