"""The PJSIP endpoints that the configuration names: there, guarded, and where qualified, asked for life."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ringfence.asterisk.connections import CLOSED_CONTEXT
from ringfence.asterisk.site import TRUNK_ENDING
from ringfence.asterisk.vocabulary import ContactState, contact_state
from ringfence.cli.doctor.asterisk_checks import console
from ringfence.cli.doctor.finding import Finding, fail, ok, unknown, warn
from ringfence.cli.doctor.ground import Ground, ask
from ringfence.cli.install import manifest
from ringfence.cli.install.survey import IDENTIFIES, identified, overlap
from ringfence.config import Settings
from ringfence.config.egress_settings import EgressTrunkSettings
from ringfence.config.platform_settings import PlatformSettings
from ringfence.config.snippets import endpoint_of

# What keeps a private number from the caller's side, and a far end from sending calls on; as AMI spells it.
_GUARDS: Final = {
    "send_pai": "sendpai",
    "send_rpid": "sendrpid",
    "send_connected_line": "sendconnectedline",
    "send_history_info": "sendhistoryinfo",
    "trust_id_inbound": "trustidinbound",
    "allow_transfer": "allowtransfer",
    "direct_media": "directmedia",
}
_ASKS: Final = re.compile(r"Gosub\(ringfence-(decide|ask),")
_BELIEVED: Final = "trust_id_inbound"
_WHY_NOT: Final = "a private number may reach a caller, a far end may send calls on, or a dead leg may go unnoticed"
_YES: Final = frozenset({"true", "yes", "1", "on"})
_RELOAD: Final = "then `asterisk -rx 'module reload res_pjsip.so'`."


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """One that carries calls, and the context its own calls must arrive in."""

    name: str
    context: str
    whose: str
    inbound: bool = False
    trunk: str = ""
    """Of an inbound one that is the site's own."""


def _call_endpoints(settings: Settings) -> Iterator[_Endpoint]:
    inbound = {endpoint_of(trunk) for trunk in settings.trunk}
    for trunk in settings.trunk:
        own = trunk.name if trunk.endpoint else ""
        yield _Endpoint(endpoint_of(trunk), f"ringfence-in-{trunk.name}", f"trunk {trunk.name!r}", True, own)
    for platform in settings.platform:
        yield _Endpoint(platform.dial_endpoint, CLOSED_CONTEXT, f"platform {platform.name!r}")
    for egress in settings.egress_trunk:
        if egress.trunk_number is not None:
            yield _Endpoint(
                f"{egress.dial_endpoint}{TRUNK_ENDING}", CLOSED_CONTEXT, f"the lowest identity of {egress.name!r}"
            )
        if egress.dial_endpoint in inbound:
            continue  # one registered endpoint for both ways: its calls come in by the inbound trunk's context
        yield _Endpoint(egress.dial_endpoint, CLOSED_CONTEXT, f"egress trunk {egress.name!r}")


def _far_ends(settings: Settings) -> Iterator[PlatformSettings | EgressTrunkSettings]:
    yield from settings.platform
    yield from settings.egress_trunk


async def endpoints_exist(ground: Ground) -> list[Finding]:
    """Asked over ARI, as the daemon does it."""
    names = {endpoint.name: endpoint.whose for endpoint in _call_endpoints(ground.settings)}
    for far_end in _far_ends(ground.settings):
        names[far_end.evidence_endpoint] = f"the evidence about {far_end.name!r}"
    missing = [name for name in names if await ground.ari.endpoint_state(name) is None]
    if not missing:
        return [ok(f"All {len(names)} endpoints named in the configuration exist.")]
    return [
        fail(
            f"Asterisk has no endpoint {name}, needed for {names[name]}.",
            f"Is pjsip_ringfence.conf included in pjsip.conf, or is the name wrong? Correct it, {_RELOAD}",
        )
        for name in missing
    ]


async def endpoints_guarded(ground: Ground) -> list[Finding]:
    """Contexts lead where they must, and nothing that leaks a private number is switched on."""
    findings: list[Finding] = []
    egress = {trunk.dial_endpoint for trunk in ground.settings.egress_trunk}
    for endpoint in _call_endpoints(ground.settings):
        detail = await _detail(ground, endpoint.name)
        if detail is None:
            findings.append(unknown(f"{endpoint.name} is not there to be looked at."))
            continue
        led_in = detail.get("context") == endpoint.context
        if not led_in and endpoint.trunk and (said := await _on_its_own(ground, endpoint, detail.get("context", ""))):
            findings.append(said)
            continue
        if not led_in:
            findings.append(
                fail(
                    f"Calls of {endpoint.whose} arrive in context {detail.get('context')!r}.",
                    f"Set context={endpoint.context} in endpoint {endpoint.name}, {_RELOAD}"
                    + (f" Or: `ringfence handover {endpoint.trunk}`." if endpoint.trunk else ""),
                )
            )
        findings += _loose(endpoint, detail, told_outside=endpoint.name in egress)
    return findings or [ok("Every endpoint has its context, and none lets a private number out.")]


def _loose(endpoint: _Endpoint, detail: Mapping[str, str], *, told_outside: bool) -> Iterator[Finding]:
    """What one endpoint lets out or in that it must not. An inbound trunk may be believed who calls."""
    guards = {option: key for option, key in _GUARDS.items() if not (endpoint.inbound and option == _BELIEVED)}
    if detail.get("messagecontext") != CLOSED_CONTEXT:
        yield warn(
            f"A SIP MESSAGE of {endpoint.whose} would come into the dialplan like a call.",
            f"Set message_context={CLOSED_CONTEXT} in endpoint {endpoint.name}, {_RELOAD}",
        )
    if loose := [option for option, key in guards.items() if detail.get(key, "").lower() in _YES]:
        yield fail(
            f"Endpoint {endpoint.name} of {endpoint.whose} has {', '.join(loose)} = yes: {_WHY_NOT}.",
            f"Set {', '.join(f'{option}=no' for option in loose)} in endpoint {endpoint.name}, {_RELOAD}",
        )
    if told_outside and detail.get("trustidoutbound", "").lower() in _YES:
        yield warn(
            f"Endpoint {endpoint.name} of {endpoint.whose} has trust_id_outbound = yes: it is told withheld numbers.",
            f"Set trust_id_outbound=no in endpoint {endpoint.name} unless its carrier must be told, {_RELOAD}",
        )


async def addresses(ground: Ground) -> list[Finding]:
    """No two endpoints are told by one address of a trunk: which of them a call finds is chance."""
    shown = await console(ground.console, IDENTIFIES) if ground.console else None
    if shown is None:
        return [unknown("Not asked: Asterisk's console did not let us in.", f"By hand: `asterisk -rx '{IDENTIFIES}'`.")]
    found = identified(shown)
    findings = []
    for trunk in ground.settings.trunk:
        own = endpoint_of(trunk)
        others = {
            name: address
            for name, told_by in found.items()
            for address in told_by
            if name != own and any(overlap(address, source) for source in trunk.sources)
        }
        for name, address in others.items():
            findings.append(
                fail(
                    f"Endpoint {name} is told by {address}, an address of trunk {trunk.name!r}, as {own} is.",
                    f'Set endpoint = "{name}" under [[trunk]] {trunk.name!r} in ringfence.toml and run `ringfence '
                    f"snippets`, or take match={address} out of its identify section, {_RELOAD}",
                )
            )
    return findings or [ok("No address of a trunk leads to two endpoints.")]


async def _on_its_own(ground: Ground, endpoint: _Endpoint, context: str) -> Finding | None:
    """Whether it is right that its calls do not arrive with us: the site asks us itself, or has yet to hand it over."""
    shown = await console(ground.console, "dialplan show") if ground.console else None
    if shown is not None and any(
        block.lstrip(" '").startswith(context + "'") and _ASKS.search(block) for block in shown.split("[ Context ")
    ):
        return ok(f"Calls of {endpoint.whose} ask Ringfence from {context}.")
    try:
        known = manifest.read(manifest.place_beside(ground.config_path))
    except manifest.ManifestFault:
        return None
    if known is None or any(one.trunk == endpoint.trunk for one in known.handed_over):
        return None
    words = f"Calls of {endpoint.whose} do not pass Ringfence yet: they arrive in {context!r}."
    return warn(words, f"`ringfence handover {endpoint.trunk}`, when everything else is well.")


async def evidence(ground: Ground) -> list[Finding]:
    """The qualified endpoints: really qualified, and what Asterisk says of them just now."""
    findings: list[Finding] = []
    for far_end in _far_ends(ground.settings):
        name = far_end.evidence_endpoint
        reply = await ask(ground.ami, "PJSIPShowEndpoint", {"Endpoint": name})
        aors = [row for row in reply.rows if row.get("event") == "AorDetail"]
        if not any(_number(row.get("qualifyfrequency", "")) > 0 for row in aors):
            findings.append(
                fail(
                    f"No AOR of endpoint {name} is qualified: Asterisk gives no evidence about {far_end.name!r}.",
                    f"Set qualify_frequency and qualify_timeout in its AOR, {_RELOAD}",
                )
            )
            continue
        state = contact_state(await ground.ari.endpoint_state(name) or "")
        if state is ContactState.UNREACHABLE:
            words = f"{far_end.name!r} at {far_end.host_port} does not answer Asterisk's OPTIONS."
            findings.append(warn(words, "Is it down, or does it refuse OPTIONS from this address?"))
        elif state is not ContactState.REACHABLE:
            findings.append(unknown(f"Asterisk has not heard of {far_end.name!r} at {far_end.host_port} yet."))
    return findings or [ok("Every platform and egress trunk answers Asterisk's OPTIONS.")]


async def _detail(ground: Ground, name: str) -> Mapping[str, str] | None:
    reply = await ask(ground.ami, "PJSIPShowEndpoint", {"Endpoint": name})
    return next((row for row in reply.rows if row.get("event") == "EndpointDetail"), None)


def _number(text: str) -> int:
    return int(text) if text.isdigit() else 0
