"""One Asterisk with the shipped data plane, a carrier, a platform and two mobile networks. There is no daemon: records
are put into AstDB by hand, as `docs/reference/astdb.md` describes them."""

from __future__ import annotations

import asyncio
import json
import shutil
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from urllib.parse import unquote

import aiohttp

from ringfence.asterisk.connections import (
    Qualify,
    SitePjsip,
    TrunkSources,
    render_ari,
    render_http,
    render_manager,
    render_pjsip,
)
from ringfence.asterisk.dialplan import (
    Announcement,
    BareNumber,
    DidSource,
    Egress,
    EgressTrunk,
    Identity,
    NumberFormat,
    PrimaryPlatform,
    SiteDialplan,
    Trunk,
    render_dialplan,
)
from ringfence.asterisk.site_outbound import Outbound, OutboundSite
from ringfence.config.snippets import SHIPPED, shipped_dir
from tests.lab.asterisk import AsteriskInstance
from tests.lab.behaviour import Behaviour
from tests.lab.caller import CallerAgent
from tests.lab.far_end import MobileNetwork, Platform
from tests.lab.installation import Installation
from tests.lab.ports import Ports
from tests.lab.waiting import wait_until
from tests.scenarios.ami import Ami

MOBILE = "+447700900123"
FALLBACK = "+441135960999"
# Of trunk a: what its carrier knows it by, and what our identities end with.
TRUNK_NUMBER = "+441134969000"
IDENTITY_DOMAIN = "our.example"
PLAN = f"p:{MOBILE}:5,s:{FALLBACK}:5,a:unavailable:0"
NO_PRIVATE_NUMBER = f"s:{FALLBACK}:5,a:unavailable:0"

NO_PROGRESS_SECONDS = 1.5
PLATFORM_RING_SECONDS = 3
RING_BUDGET_SECONDS = 4
# As short as can still be told from one another in a trace.
QUICK = Behaviour(ring_delay_ms=10, answer_delay_ms=20)

DAEMON_SECRET = "lab-daemon-secret"

Event = dict[str, str]

# The trunk of most tests, then one for each other way a carrier may present the number. Calls are told
# apart by a header, because all of them come from this machine.
TRUNKS = (
    Trunk("carrier", "uc"),
    Trunk("by_to", "uc", did_source=DidSource.TO),
    Trunk("by_called_party", "uc", did_source=DidSource.P_CALLED_PARTY_ID),
    Trunk("by_diversion", "uc", did_source=DidSource.DIVERSION),
    Trunk("national", "uc", bare=BareNumber.NATIONAL),
    Trunk("extension", "uc", bare=BareNumber.EXTENSION, range_prefix="+4411349600", extension_length=2),
    Trunk("patient", "slow"),
    Trunk("exchange", "legacy"),
    Trunk("early", "uc", early_media=True),
    Trunk("german", "uc", language="de"),
)


# Two sites whose phones call out; told apart by the same header, as trunk `phone` and `german_phone`.
OUTBOUND = Outbound(
    sites=(
        OutboundSite(
            "north",
            main_number="+441134960900",
            emergency_numbers=("112", "999"),
            emergency_identity="+441134960999",
            extension_prefix="+4411349600",
            extension_length=2,
            short_numbers=("111",),
        ),
        OutboundSite("berlin", main_number="+493023125000", emergency_numbers=("110", "112"), country="49"),
    ),
    allowed_countries=("44", "49"),
    denied_prefixes=("+449",),
    ring_seconds=5,
)
PHONES = {"phone": "north", "german_phone": "berlin"}


@dataclass(frozen=True, slots=True)
class Caps:
    """Wide, because most scenarios place their calls at once."""

    channels_a: int = 200
    channels_b: int = 200
    max_calls: int = 300


def site_of(platform: Platform, network_a: MobileNetwork, network_b: MobileNetwork, caps: Caps) -> SiteDialplan:
    uc = PrimaryPlatform(
        "uc",
        "uc",
        platform.address,
        ring_seconds=PLATFORM_RING_SECONDS,
        no_progress_seconds=NO_PROGRESS_SECONDS,
    )
    return SiteDialplan(
        node="node1",
        trunks=TRUNKS,
        platforms=(
            uc,
            PrimaryPlatform("slow", "slow", platform.address, ring_seconds=20),
            replace(uc, name="legacy", endpoint="legacy", number_format=NumberFormat.NATIONAL),
        ),
        egress=Egress(
            trunks=(
                EgressTrunk(
                    "a",
                    "egress_a",
                    network_a.address,
                    channel_count=caps.channels_a,
                    no_progress_seconds=NO_PROGRESS_SECONDS,
                    identity=Identity(trunk_number=TRUNK_NUMBER, domain=IDENTITY_DOMAIN),
                ),
                EgressTrunk(
                    "b",
                    "egress_b",
                    network_b.address,
                    channel_count=caps.channels_b,
                    number_format=NumberFormat.NATIONAL,
                    no_progress_seconds=NO_PROGRESS_SECONDS,
                ),
            ),
            allowed_countries=("44",),
            denied_prefixes=("+449",),
            max_calls=caps.max_calls,
            max_call_seconds=3,
        ),
        announcements=(
            Announcement("unavailable", ("vm-goodbye", "vm-goodbye")),
            Announcement("missing", ("no/such/file",)),
            Announcement("spoken", ("ringfence/goodbye",)),
        ),
        ring_budget_seconds=RING_BUDGET_SECONDS,
    )


def write_configuration(instance: AsteriskInstance, site: SiteDialplan) -> None:
    """As `ringfence init` and an administrator would, but for the identification by header."""
    own = instance.etc / "ringfence"
    own.mkdir()
    for name in SHIPPED:
        shutil.copy(shipped_dir() / name, own / name)
    (own / "extensions_ringfence_site.conf").write_text(render_dialplan(site, OUTBOUND))
    pjsip = SitePjsip(
        trunks=(TrunkSources(site.trunks[0], "carrier", ("127.0.0.1",)),),
        platforms=site.platforms,
        egress_trunks=site.egress.trunks,
        qualify=Qualify(interval_seconds=60),
        transport_bind=f"127.0.0.1:{instance.ports.sip}",
    )
    (own / "pjsip_ringfence.conf").write_text(render_pjsip(pjsip))
    lines = ["[global]", "type=global", "endpoint_identifier_order=header,ip,username"]
    contexts = {trunk.name: f"ringfence-in-{trunk.name}" for trunk in site.trunks[1:]}
    contexts |= {phone: f"ringfence-outbound-{place}" for phone, place in PHONES.items()}
    for name, context in contexts.items():
        lines += [f"[{name}]", "type=endpoint", f"context={context}"]
        lines += ["disallow=all", "allow=alaw,ulaw", "direct_media=no"]
        lines += [f"[{name}_identify]", "type=identify", f"endpoint={name}"]
        lines += [f"match_header=X-Lab-Trunk: {name}"]
    lines += ["[bare]", "type=endpoint", "context=lab-bare", "disallow=all", "allow=alaw,ulaw"]
    lines += ["direct_media=no", "[bare_identify]", "type=identify", "endpoint=bare"]
    lines += [
        "match_header=X-Lab-Trunk: bare",
        "#include ringfence/pjsip_ringfence.conf",
        "#tryinclude own_pjsip.conf",
        "",
    ]
    (instance.etc / "pjsip.conf").write_text("\n".join(lines))
    bare = ["[lab-bare]"]
    bare += [f"exten => _[+0-9]!,1,Dial(PJSIP/uc/sip:${{EXTEN}}@{site.platforms[0].host_port},20)"]
    (own / "manager_ringfence.conf").write_text(render_manager(DAEMON_SECRET))
    (own / "ari_ringfence.conf").write_text(render_ari(DAEMON_SECRET))
    (own / "http_ringfence.conf").write_text(render_http(instance.ports.http))
    instance.prepare()
    for name in ("manager", "ari", "http"):
        with (instance.etc / f"{name}.conf").open("a") as file:
            file.write(f"#include ringfence/{name}_ringfence.conf\n")
    (instance.etc / "extensions.conf").write_text(
        "\n".join(["#include ringfence/extensions_ringfence.conf", "#tryinclude own_extensions.conf", *bare, ""])
    )


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
    _next_did: int = 0

    def did(self) -> str:
        """A DID of its own for each call, so that calls at once can be told apart."""
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

    async def trunk_down(self, *names: str) -> None:
        for name in names:
            await self.put("ringfence/egress", name, "1|down")

    async def reset(self) -> None:
        """Healthy far ends, an empty AstDB."""
        await self.ami.act("DBDelTree", Family="ringfence")
        for far_end in (self.platform, self.network_a, self.network_b):
            await far_end.healthy()

    async def event(self, name: str, did: str, deadline_seconds: float = 5.0) -> Event:
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
