"""One Asterisk with the shipped data plane, a carrier, a platform and two mobile networks. There is no daemon: records
are put into AstDB by hand, as `docs/reference/astdb.md` describes them."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from types import MappingProxyType
from urllib.parse import unquote

import aiohttp

from ringfence.asterisk.site import SiteDialplan
from tests.lab.asterisk import AsteriskInstance
from tests.lab.behaviour import Behaviour
from tests.lab.caller import CallerAgent
from tests.lab.far_end import MobileNetwork, Platform
from tests.lab.installation import Installation
from tests.lab.ports import Ports
from tests.lab.waiting import wait_until
from tests.scenarios.ami import Ami
from tests.scenarios.site_files import Caps, site_of, write_configuration

MOBILE = "+447700900123"
FALLBACK = "+441135960999"
PLAN = f"p:{MOBILE}:5,s:{FALLBACK}:5,a:unavailable:0"
NO_PRIVATE_NUMBER = f"s:{FALLBACK}:5,a:unavailable:0"

# As short as can still be told from one another in a trace.
QUICK = Behaviour(ring_delay_ms=10, answer_delay_ms=20)

Event = dict[str, str]


@dataclass(slots=True)
class CallSite:
    """What a scenario has in its hands."""

    asterisk: AsteriskInstance
    carrier: CallerAgent
    platform: Platform
    network_a: MobileNetwork
    network_b: MobileNetwork
    ami: Ami
    events: list[Event] = field(default_factory=list)
    dials: list[dict[str, object]] = field(default_factory=list)
    _next_did: int = 12

    def did(self) -> str:
        """A DID of its own for each call, so that calls at once can be told apart; none of those that tests name."""
        self._next_did += 1
        return f"+4411349{60000 + self._next_did}"

    async def record(
        self,
        did: str,
        *,
        plan: str = PLAN,
        undeliverable_plan: str = NO_PRIVATE_NUMBER,
        scope: str = "uc",
        forced: str = "-",
        critical: bool = False,
    ) -> None:
        value = f"1|{scope}|{forced}|voice|{int(critical)}|{plan}|{undeliverable_plan}"
        await self.raw_record(did, value)

    async def put(self, family: str, key: str, value: str) -> None:
        answer = await self.ami.act("DBPut", Family=family, Key=key, Val=value)
        assert "Success" in answer, answer

    async def raw_record(self, did: str, value: str) -> None:
        await self.put(f"ringfence/did/{int('1' + did[-3:]) % 500}", did, value)

    async def mode(self, decision: str, *, scope: str = "uc", one_in: int = 0) -> None:
        await self.put("ringfence/mode", scope, f"1|{decision}|{one_in}|NORMAL|-|1700000000")

    async def fallback(self, plan: str = NO_PRIVATE_NUMBER, trunk: str = "carrier") -> None:
        await self.put("ringfence/fallback", trunk, f"1|uc|-|voice|0|{plan}|{plan}")

    async def table(self) -> None:
        """As after a publish."""
        await self.put("ringfence", "table", "1|1|1700000000|0")

    async def no_table(self) -> None:
        """As in an AstDB that was lost."""
        await self.ami.act("DBDel", Family="ringfence", Key="table")

    async def trunk_down(self, *names: str) -> None:
        for name in names:
            await self.put("ringfence/egress", name, "1|down")

    async def reset(self) -> None:
        """Healthy far ends, an empty table: without a table calls would wait for one."""
        await self.ami.act("DBDelTree", Family="ringfence")
        await self.table()
        for far_end in (self.platform, self.network_a, self.network_b):
            await far_end.healthy()

    async def event(self, name: str, did: str, deadline_seconds: float = 20.0) -> Event:
        """The one event of this name for this DID."""
        await wait_until(
            lambda: self.events_of(name, did),
            what=f"{name} for {did}",
            deadline_seconds=deadline_seconds,
            diagnose=self.asterisk.log_tail,
        )
        (event,) = self.events_of(name, did)
        return event

    def events_of(self, name: str, did: str) -> list[Event]:
        return [event for event in self.events if event["eventname"] == name and event["did"] == did]

    async def free(self, platform: str, *, ringing: bool) -> float:
        """Takes the one leg that waits on this platform down, as the daemon's sweep does; returns when, in seconds of
        the monotonic clock. `ringing`: not before it rings."""
        legs: list[str] = []

        async def leg_is_up() -> bool:
            listing = await self.asterisk.cli("core show channels concise")
            legs[:] = [line.split("!")[0] for line in listing.splitlines() if line.startswith(f"PJSIP/{platform}-")]
            return bool(legs) and (not ringing or "Ringing" in listing)

        await wait_until(leg_is_up, what="the platform's leg", deadline_seconds=10)
        freed_at = time.monotonic()
        assert "Success" in await self.ami.act("Hangup", Channel=legs[0], Cause=34)
        return freed_at

    def heard_ringing(self, caller: str) -> bool:
        """Whether somebody's telephone rings for this caller, as Asterisk has heard it."""
        ringing = [dial["caller"] for dial in self.dials if dial.get("dialstatus") == "RINGING"]
        return any(channel["caller"]["number"] == caller for channel in ringing)  # type: ignore[index]

    def rang(self, far_end: Platform | MobileNetwork, *, caller: str) -> list[str]:
        """The numbers this far end was asked for by this caller."""
        return [call.number for call in far_end.calls() if call.caller == caller]


async def open_site(
    installation: Installation,
    ports: Ports,
    caps: Caps | None = None,
    own: Mapping[str, str] = MappingProxyType({}),
    change: Callable[[SiteDialplan], SiteDialplan] = lambda site: site,
) -> tuple[CallSite, Callable[[], Awaitable[None]]]:
    """A started site, and what closes it. `own`: files of Asterisk's configuration in place of the lab's;
    `change`: what this site's dialplan has otherwise."""
    platform = Platform(ports, healthy=QUICK)
    a, b = (MobileNetwork(ports, name=f"mobile-network-{name}", healthy=QUICK) for name in "ab")
    instance = AsteriskInstance(installation.asterisk, ports)
    for name, text in own.items():
        (instance.etc / name).write_text(text)
    write_configuration(instance, change(site_of(platform, a, b, caps or Caps())))
    for far_end in (platform, a, b):
        await far_end.start()
    await instance.start()
    carrier = CallerAgent(ports, instance.ports.sip)
    await carrier.start()
    ami = await Ami.login(instance, "lab", instance.secret)
    site = CallSite(instance, carrier, platform, a, b, ami)
    connected = asyncio.Event()
    reader = asyncio.create_task(_read_events(site, connected), name="read-ari-events")
    await asyncio.wait_for(connected.wait(), 10)

    async def close() -> None:
        reader.cancel()
        await asyncio.gather(reader, return_exceptions=True)
        ami.close()
        await carrier.close()
        await instance.close()
        for far_end in (platform, a, b):
            await far_end.close()

    return site, close


@asynccontextmanager
async def running_site(
    installation: Installation,
    caps: Caps | None = None,
    own: Mapping[str, str] = MappingProxyType({}),
    change: Callable[[SiteDialplan], SiteDialplan] = lambda site: site,
) -> AsyncIterator[CallSite]:
    """As `open_site`, with ports of its own, and closed whatever happens."""
    ports = Ports()
    try:
        site, close = await open_site(installation, ports, caps, own, change)
        try:
            yield site
        finally:
            await close()
    finally:
        ports.close()


async def _read_events(site: CallSite, connected: asyncio.Event) -> None:
    instance = site.asterisk
    base = f"http://127.0.0.1:{instance.ports.http}/ari"
    headers = {"Authorization": aiohttp.encode_basic_auth("lab", instance.secret)}
    wanted = {"allowed": [{"type": "ChannelUserevent"}, {"type": "Dial"}]}
    async with (
        aiohttp.ClientSession(headers=headers) as session,
        session.ws_connect(f"{base}/events?app=lab&subscribeAll=true") as socket,
    ):
        async with session.put(f"{base}/applications/lab/eventFilter", json=wanted) as answer:
            answer.raise_for_status()
        connected.set()
        async for message in socket:
            _note(site, json.loads(message.data))


def _note(site: CallSite, message: dict[str, object]) -> None:
    if message["type"] == "Dial":
        site.dials.append(message)
    elif message["type"] == "ChannelUserevent":
        fields = message["userevent"]
        assert isinstance(fields, dict)
        site.events.append({key: unquote(str(value)) for key, value in fields.items()})
