"""Asterisk's connection files for one site: PJSIP, and the daemon's own ARI, AMI and HTTP access.

Called by `ringfence init`. Pure: values in, text out. The files in `asterisk-conf/` are these
generators' output for an example site, which a unit test keeps equal.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from ringfence.asterisk.site import (
    TRUNK_ENDING,
    EgressTrunk,
    Identity,
    PrimaryPlatform,
    SiteValueError,
    Trunk,
    check,
    check_count,
    check_endpoint,
)
from ringfence.asterisk.site_outbound import OutboundPeer
from ringfence.asterisk.vocabulary import QUALIFY_SUFFIX

CLOSED_CONTEXT = "ringfence-closed"

_SECRET = re.compile(r"[A-Za-z0-9_-]{8,128}")
_CODECS = re.compile(r"[a-z0-9]{1,20}(,[a-z0-9]{1,20}){0,9}")
_SOURCE = re.compile(r"[A-Za-z0-9][A-Za-z0-9.:-]{0,250}(/[0-9]{1,3})?")
_BIND = re.compile(r"([0-9.]{7,15}|\[[0-9A-Fa-f:]{2,39}\]):[0-9]{1,5}")

# Private numbers must not reach a caller: no identity is sent on, none is taken from a callee. A
# transfer or redirect by the far end would run in its context: there is nothing in that one, and
# transfers are refused besides. A SIP MESSAGE would run the dialplan like a call. Media through Asterisk,
# so that a leg can be judged and replaced.
GUARDED = (
    f"message_context={CLOSED_CONTEXT}",
    "allow_transfer=no",
    "direct_media=no",
    "send_pai=no",
    "send_rpid=no",
    "send_connected_line=no",
    "send_history_info=no",
    "trust_id_inbound=no",
    "dtmf_mode=rfc4733",
)


@dataclass(frozen=True, slots=True)
class Qualify:
    """How Asterisk asks a far end for a sign of life. Evidence only: never what a call depends on."""

    interval_seconds: int = 2
    timeout_seconds: float = 1.0

    def __post_init__(self) -> None:
        check_count(self.interval_seconds, "qualify interval seconds", 1, 3600)
        check_count(self.timeout_seconds, "qualify timeout seconds", 0.1, 60)


@dataclass(frozen=True, slots=True)
class TrunkSources:
    """Which addresses an inbound trunk's calls come from; they are how it is told from strangers."""

    trunk: Trunk
    endpoint: str
    sources: tuple[str, ...]

    def __post_init__(self) -> None:
        check_endpoint(self.endpoint, f"endpoint of trunk {self.trunk.name}")
        if not self.sources:
            raise SiteValueError(f"trunk {self.trunk.name} has no source address")
        for source in self.sources:
            check(_SOURCE, source, f"source address of trunk {self.trunk.name}")


@dataclass(frozen=True, slots=True)
class SitePjsip:
    """Everything PJSIP takes from the configuration."""

    trunks: tuple[TrunkSources, ...]
    platforms: tuple[PrimaryPlatform, ...]
    egress_trunks: tuple[EgressTrunk, ...]
    qualify: Qualify = Qualify()
    codecs: str = "alaw,ulaw"
    transport_bind: str = ""
    """Written only if given: most sites have a transport of their own."""
    outbound_peers: tuple[OutboundPeer, ...] = ()

    def __post_init__(self) -> None:
        check(_CODECS, self.codecs, "codecs")
        if self.transport_bind:
            check(_BIND, self.transport_bind, "transport address")
        names = [trunk.endpoint for trunk in self.trunks] + [peer.endpoint for peer in self.outbound_peers]
        for far_end in self.far_ends:
            names += [far_end.endpoint, far_end.endpoint + QUALIFY_SUFFIX]
            names += [far_end.endpoint + TRUNK_ENDING] if isinstance(far_end, EgressTrunk) else []
        if twice := sorted({name for name in names if names.count(name) > 1}):
            raise SiteValueError(f"endpoint {twice[0]!r} is there twice; each needs a name of its own")

    @property
    def far_ends(self) -> tuple[PrimaryPlatform | EgressTrunk, ...]:
        """What calls are sent to."""
        return (*self.platforms, *self.egress_trunks)


def render_pjsip(site: SitePjsip) -> str:
    """The text of `pjsip_ringfence.conf`."""
    lines = [
        "; Written by `ringfence init`. Include it once in pjsip.conf.",
        "; Recommended in pjsip.conf's [global]: ignore_uri_user_options=yes, for carriers that append",
        "; `;user=phone` and the like to the number: Ringfence refuses a number that is not plain.",
        "; And there, too: taskprocessor_overload_trigger=pjsip_only. Otherwise a burst of events for AMI or",
        "; ARI, as an outage under load brings it, makes PJSIP ignore new calls until it is worked off.",
    ]
    if site.transport_bind:
        lines += _section("ringfence_udp", "transport", "protocol=udp", f"bind={site.transport_bind}")
    for trunk in site.trunks:
        lines += _trunk(trunk, site.codecs)
    for far_end in site.far_ends:
        lines += _far_end(far_end, site.codecs, site.qualify)
    for peer in site.outbound_peers:
        lines += _outbound_peer(peer, site.codecs)
    return "\n".join([*lines, ""])


def _outbound_peer(peer: OutboundPeer, codecs: str) -> Iterator[str]:
    yield from ("", f"; ---- calls that {peer.source} places itself; apart from the endpoint that is dialled, whose")
    yield "; context stays closed"
    yield from _section(
        peer.endpoint, "endpoint", f"context={peer.context}", "disallow=all", f"allow={codecs}", *GUARDED
    )
    yield from _section(f"{peer.endpoint}_identify", "identify", f"endpoint={peer.endpoint}", f"match={peer.source}")


def _trunk(trunk: TrunkSources, codecs: str) -> Iterator[str]:
    name = trunk.endpoint
    yield from ("", f"; ---- inbound trunk {trunk.trunk.name}")
    context = f"context=ringfence-in-{trunk.trunk.name}"
    yield from _section(name, "endpoint", context, "disallow=all", f"allow={codecs}", *GUARDED)
    matches = [f"match={source}" for source in trunk.sources]
    yield from _section(f"{name}_identify", "identify", f"endpoint={name}", *matches)


def _far_end(far_end: PrimaryPlatform | EgressTrunk, codecs: str, qualify: Qualify) -> Iterator[str]:
    name, probed = far_end.endpoint, far_end.endpoint + QUALIFY_SUFFIX
    kind = "egress trunk" if isinstance(far_end, EgressTrunk) else "primary platform"
    yield from ("", f"; ---- {kind} {far_end.name}: dialled by URI, so it has no AOR")
    context = f"context={CLOSED_CONTEXT}"
    # The dialplan sets Diversion itself; Asterisk would replace it by the one the caller came with.
    diversion = ("send_diversion=no",) if isinstance(far_end, EgressTrunk) else ()
    settings = (context, "disallow=all", f"allow={codecs}", *GUARDED, *diversion)
    identity = far_end.identity if isinstance(far_end, EgressTrunk) else Identity()
    if identity.domain:
        settings = (*settings, f"from_domain={identity.domain}")
    yield from _section(name, "endpoint", *settings)
    if identity.trunk_number:
        yield "; For calls that say nothing but whose trunk they come by."
        yield from _section(name + TRUNK_ENDING, "endpoint", *settings, f"from_user={identity.trunk_number}")
    yield "; Asked for signs of life apart from the calls: one lost OPTIONS must not divert any."
    yield from _section(probed, "endpoint", context, "disallow=all", f"allow={codecs}", f"aors={probed}")
    yield from _section(
        probed,
        "aor",
        f"contact=sip:{far_end.host_port}".replace(";", "\\;"),
        f"qualify_frequency={qualify.interval_seconds}",
        f"qualify_timeout={qualify.timeout_seconds:g}",
    )


def render_ari(secret: str) -> str:
    """The text of `ari_ringfence.conf`: the daemon observes and reconciles over ARI."""
    check(_SECRET, secret, "ARI secret")
    return "\n".join(
        [
            "; Written by `ringfence init`. Include it once in ari.conf, whose [general] needs enabled=yes.",
            *_section("ringfence", "user", "read_only=no", "password_format=plain", f"password={secret}"),
            "",
        ]
    )


def render_manager(secret: str) -> str:
    """The text of `manager_ringfence.conf`: the daemon publishes and sweeps over AMI.

    `system` for AstDB, `call` for hanging up a platform's leg; no `command`, `originate` or `config`.
    Asterisk has no finer grain: `system` alone can read configuration files and add extensions.
    """
    check(_SECRET, secret, "AMI secret")
    return "\n".join(
        [
            "; Written by `ringfence init`. Include it once in manager.conf, whose [general] needs",
            "; enabled=yes and bindaddr=127.0.0.1. `system` is what writing AstDB takes, and it can also read",
            "; configuration files and add extensions: guard the secret as you would Asterisk itself.",
            "[ringfence]",
            f"secret={secret}",
            "deny=0.0.0.0/0.0.0.0",
            "permit=127.0.0.1/255.255.255.255",
            "read=system,call",
            "write=system,call",
            "; A client that stops reading must not hold Asterisk's locks for long (milliseconds).",
            "writetimeout=1000",
            "",
        ]
    )


def render_http(port: int) -> str:
    """The text of `http_ringfence.conf`: ARI's port, on the loopback address only."""
    check_count(port, "HTTP port", 1, 65_535)
    return "\n".join(
        [
            "; Written by `ringfence init`. Include it under [general] in http.conf; it has no section of",
            "; its own, because a second [general] would be ignored.",
            "enabled=yes",
            "bindaddr=127.0.0.1",
            f"bindport={port}",
            "",
        ]
    )


def _section(name: str, kind: str, *settings: str) -> Iterator[str]:
    yield f"[{name}]"
    yield f"type={kind}"
    yield from settings
