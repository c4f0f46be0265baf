"""What the scenarios' Asterisk is told: trunks, platforms, egress and announcements, as files of its configuration."""

from __future__ import annotations

import shutil
from dataclasses import dataclass, replace

from ringfence.asterisk.connections import (
    Qualify,
    SitePjsip,
    TrunkSources,
    render_ari,
    render_http,
    render_manager,
    render_pjsip,
)
from ringfence.asterisk.dialplan import render_dialplan
from ringfence.asterisk.site import (
    Announcement,
    Egress,
    EgressTrunk,
    Identity,
    NumberFormat,
    PrimaryPlatform,
    SiteDialplan,
    Trunk,
)
from ringfence.asterisk.site_outbound import Outbound, OutboundSite
from ringfence.config.snippets import SHIPPED, shipped_dir
from ringfence.domain.denied_starts import denied_starts
from ringfence.domain.policy import DENIED_BY_DEFAULT
from ringfence.domain.received_number import BareNumber, DidSource, NumberRules
from tests.lab.asterisk import AsteriskInstance
from tests.lab.far_end import MobileNetwork, Platform

# Of trunk a: what its carrier knows it by, and what our identities end with.
TRUNK_NUMBER = "+441134969000"
IDENTITY_DOMAIN = "our.example"

NO_PROGRESS_SECONDS = 1.5
PLATFORM_RING_SECONDS = 3
RING_BUDGET_SECONDS = 4

DAEMON_SECRET = "lab-daemon-secret"


EXTENSIONS = NumberRules(bare=BareNumber.EXTENSION, range_prefix="+4411349600", extension_length=2)

# The trunk of most tests, then one for each other way a carrier may present the number. Calls are told
# apart by a header, because all of them come from this machine.
TRUNKS = (
    Trunk("carrier", "uc"),
    Trunk("by_to", "uc", number=NumberRules(DidSource.TO)),
    Trunk("by_called_party", "uc", number=NumberRules(DidSource.P_CALLED_PARTY_ID)),
    Trunk("by_diversion", "uc", number=NumberRules(DidSource.DIVERSION)),
    Trunk("national", "uc", number=NumberRules(bare=BareNumber.NATIONAL)),
    Trunk("extension", "uc", number=EXTENSIONS),
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
    also_allowed_prefixes=("+1212555",),
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
            denied_prefixes=denied_starts(frozenset({"GB"}), DENIED_BY_DEFAULT),
            max_calls=caps.max_calls,
            max_call_seconds=60,
            loop_patience_seconds=2,
        ),
        announcements=(
            Announcement("unavailable", ("vm-goodbye", "vm-goodbye")),
            Announcement("missing", ("no/such/file",)),
            Announcement("spoken", ("ringfence/goodbye",)),
        ),
        ring_budget_seconds=RING_BUDGET_SECONDS,
        ask_seconds=0,
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
