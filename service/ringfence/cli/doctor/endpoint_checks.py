"""The PJSIP endpoints that the configuration names: there, guarded, and where qualified, asked for life."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Final

from ringfence.asterisk.connections import CLOSED_CONTEXT
from ringfence.asterisk.site import TRUNK_ENDING
from ringfence.asterisk.vocabulary import ContactState, contact_state
from ringfence.cli.doctor.finding import Finding, fail, ok, unknown, warn
from ringfence.cli.doctor.ground import Ground, ask
from ringfence.config import Settings
from ringfence.config.egress_settings import EgressTrunkSettings
from ringfence.config.settings import PlatformSettings
from ringfence.config.snippets import endpoint_of

# What keeps a private number from the caller's side, and a far end from sending calls on; as AMI spells it.
_GUARDS: Final = {
    "send_pai": "sendpai",
    "send_rpid": "sendrpid",
    "send_connected_line": "sendconnectedline",
    "send_history_info": "sendhistoryinfo",
    "trust_id_inbound": "trustidinbound",
    "allow_transfer": "allowtransfer",
}
_YES: Final = frozenset({"true", "yes", "1", "on"})
_RELOAD: Final = "then `asterisk -rx 'module reload res_pjsip.so'`."


@dataclass(frozen=True, slots=True)
class _Endpoint:
    """One that carries calls, and the context its own calls must arrive in."""

    name: str
    context: str
    whose: str


def _call_endpoints(settings: Settings) -> Iterator[_Endpoint]:
    inbound = {endpoint_of(trunk) for trunk in settings.trunk}
    for trunk in settings.trunk:
        yield _Endpoint(endpoint_of(trunk), f"ringfence-in-{trunk.name}", f"trunk {trunk.name!r}")
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
    for endpoint in _call_endpoints(ground.settings):
        detail = await _detail(ground, endpoint.name)
        if detail is None:
            findings.append(unknown(f"{endpoint.name} is not there to be looked at."))
            continue
        if detail.get("context") != endpoint.context:
            findings.append(
                fail(
                    f"Calls of {endpoint.whose} arrive in context {detail.get('context')!r}.",
                    f"Set context={endpoint.context} in endpoint {endpoint.name}, {_RELOAD}",
                )
            )
        if detail.get("messagecontext") != CLOSED_CONTEXT:
            findings.append(
                warn(
                    f"A SIP MESSAGE of {endpoint.whose} would come into the dialplan like a call.",
                    f"Set message_context={CLOSED_CONTEXT} in endpoint {endpoint.name}, {_RELOAD}",
                )
            )
        if loose := [option for option, key in _GUARDS.items() if detail.get(key, "").lower() in _YES]:
            findings.append(
                fail(
                    f"Endpoint {endpoint.name} of {endpoint.whose} has {', '.join(loose)} = yes: a private number may "
                    "reach a caller, or a far end may send calls on.",
                    f"Set {', '.join(f'{option}=no' for option in loose)}, {_RELOAD}",
                )
            )
    return findings or [ok("Every endpoint has its context, and none lets a private number out.")]


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
