"""The dialplan's part that differs from site to site: `extensions_ringfence_site.conf`.

Called by `ringfence init`, which writes the text beside the shipped files;
`asterisk-conf/extensions_ringfence.conf` includes it. Pure: values in, text out.
"""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator

from ringfence.asterisk.caps import NO_CAP
from ringfence.asterisk.site import Egress, Identity, NumberFormat, SiteDialplan, Trunk
from ringfence.asterisk.site_outbound import NO_OUTBOUND, Outbound, entrance, outbound_contexts, outbound_values
from ringfence.asterisk.site_ranges import range_context, ranges_of
from ringfence.domain.received_number import BareNumber, DidSource


def render_dialplan(site: SiteDialplan, outbound: Outbound = NO_OUTBOUND) -> str:
    """The text of `extensions_ringfence_site.conf`.

    The values become global variables, set by the first call that finds them older than this file:
    a `[globals]` section in an included file would be ignored, or would hide the site's own one.
    """
    given = [*_values(site), *outbound_values(outbound), *_values_in_normal(site)]
    values = [f"Set(GLOBAL({name})={value.replace(';', chr(92) + ';')})" for name, value in given]
    as_received = {one.name for one in site.platforms if one.number_format is NumberFormat.AS_RECEIVED}
    contexts = [line for trunk in site.trunks for line in _context(trunk, "@EDITION@", trunk.platform in as_received)]
    contexts += [line for trunk in site.trunks for line in range_context(trunk)]
    contexts += outbound_contexts(outbound, "@EDITION@")
    edition = hashlib.sha256("\n".join([*values, *contexts]).encode()).hexdigest()[:12]
    steps = [*values, f"Set(GLOBAL(RF_SITE)={edition})", "Return()"]
    return "\n".join(
        [
            "; Written by `ringfence init`; do not edit. Included by extensions_ringfence.conf.",
            "",
            "[ringfence-site]",
            f"exten => s,1,{steps[0]}",
            *(f" same => n,{step}" for step in steps[1:]),
            "; For whoever does not come in by one of the contexts below.",
            f'exten => current,1,GotoIf($["${{RF_SITE}}" = "{edition}"]?:s,1)',
            " same => n,Return()",
            *(line.replace("@EDITION@", edition) for line in contexts),
            "",
        ]
    )


def _context(trunk: Trunk, edition: str, as_received: bool) -> Iterator[str]:
    """`as_received`: its platform takes numbers as they come."""
    yield from ("", f"[ringfence-in-{trunk.name}]")
    source = trunk.number.source
    named = f"Set(RF_TRUNK={trunk.name})"
    steps = [named]
    # The others would pay for a question whose answer is always no.
    with_a_plus = source is DidSource.REQUEST_URI and trunk.number.bare is BareNumber.E164
    if with_a_plus and as_received and not trunk.normal_context:
        steps = [*_plain(trunk, edition), f"(otherwise),{named}"]
    # Any first character, for a refusal tells the caller more than "no such extension" would tell us.
    yield f"exten => _[!-~]!,1,{steps[0]}"
    yield from (f" same => n{step}" if step.startswith("(") else f" same => n,{step}" for step in steps[1:])
    if source is DidSource.REQUEST_URI:
        yield " same => n,Set(RF_RAW=${EXTEN})"
    if trunk.normal_context:
        # Two lines that no other trunk's calls pay for.
        yield " same => n,Set(RF_OWN_DIAL=site)"
        yield " same => n,Set(RF_ENTERED=${EXTEN})"
    entry = "number" if source is DidSource.REQUEST_URI else source.value
    yield from entrance(edition, f"ringfence-inbound,{entry},1")
    # Asterisk runs this one by itself when a caller goes; the pattern above would match it. Hangup ends it: for its
    # second line the pattern's would be taken. 1 is 404, for who dials an h.
    yield "exten => h,1,Hangup(1)"


def _plain(trunk: Trunk, edition: str) -> Iterator[str]:
    """Nearly every call, in as few lines and variables as can be: Asterisk tells whoever listens of each, which costs
    as much again as running it.

    First of all what may stand in an expression or a key: a plain number, on a channel that has headers, with this
    file's values. A label is put together before the condition is looked at, so none may hold a number before that.
    The row of the DID is in no variable of ours: it holds private numbers.
    """
    did = "ringfence/did/$[1${EXTEN:-3} % 500]/${EXTEN}"
    tests = (
        f'${{REGEX("^1[|]{trunk.platform}[|]-[|]" ${{DB({did})}})}}',
        '${REGEX("ID|USER|HEADER" ${TOUPPER(${PJSIP_HEADER(read,Privacy)})})}',
        f'${{REGEX("^1[|]normal[|]" ${{DB(ringfence/mode/{trunk.platform})}})}}',
    )
    number = '${REGEX("^[+][0-9]{1,15}$" ${EXTEN})}'
    yield f'GotoIf($["${{RF_SITE}}${{CHANNEL:0:6}}{number}" = "{edition}PJSIP/1"]?:otherwise)'
    yield "Set(RF_DID=${EXTEN})"
    yield f"MSet(RF_TRUNK={trunk.name},RF_SCOPE={trunk.platform},RF_STARTED=${{STRFTIME(,,%s%3q)}})"
    yield "Set(CHANNEL(hangup_handler_push)=ringfence-ended,s,1)"
    # A record, no word of a person on this DID, a caller who withholds nothing, and a scope that is normal.
    yield f'GotoIf($["{"".join(tests)}" = "101"]?ringfence-route,${{RF_DID}},plain:ringfence-inbound,read,1)'


def _values(site: SiteDialplan) -> Iterator[tuple[str, str]]:
    egress = site.egress
    yield "RF_NODE", site.node
    yield "RF_RING_BUDGET", str(site.ring_budget_seconds)
    yield "RF_ASK_SECONDS", str(site.ask_seconds)
    yield "RF_LANGUAGE", site.language
    yield "RF_EGRESS_TRUNKS", ",".join(route.name for route in egress.trunks)
    yield (
        "RF_EGRESS_ALLOW",
        f"^[+]({'|'.join(egress.allowed_countries)})" if egress.allowed_countries else "^$",
    )
    yield "RF_EGRESS_DENY", _any_start(prefix[1:] for prefix in egress.denied_prefixes)
    yield "RF_EGRESS_MAX_CALLS", str(egress.max_calls)
    yield "RF_EGRESS_MAX_SECONDS", str(egress.max_call_seconds)
    yield "RF_LOOP_PATIENCE", str(egress.loop_patience_seconds)
    yield from _caps(egress)
    for route in egress.trunks:
        start = f"RF_E_{route.name}"
        yield f"{start}_ENDPOINT", route.endpoint
        yield f"{start}_HOSTPORT", route.host_port
        yield f"{start}_CHANNELS", str(route.channel_count)
        yield f"{start}_FORMAT", route.number_format.value
        yield f"{start}_NOPROGRESS", f"{route.no_progress_seconds:g}"
        yield f"{start}_COUNTRY", route.country
        yield f"{start}_NATIONAL", route.national_prefix
        yield f"{start}_NUMBER", route.identity.trunk_number
        yield f"{start}_DOMAIN", route.asserted_domain
        yield from _identity(start, route.identity)
        yield f"{start}_RESERVED", str(min(route.reserved_count, route.channel_count - 1))
        yield f"{start}_CALLS", str(route.cap.calls)
        yield f"{start}_MINUTES", str(route.cap.minutes)
    for trunk in site.trunks:
        if trunk.normal_context:
            yield f"RF_T_{trunk.name}_NORMAL", trunk.normal_context
    for announcement in site.announcements:
        yield f"RF_SOUND_{announcement.name}", "&".join(announcement.sounds)
    yield "RF_DEFAULT_ANNOUNCEMENT", site.announcements[0].name if site.announcements else ""


def _values_in_normal(site: SiteDialplan) -> Iterator[tuple[str, str]]:
    """Asterisk looks for a global variable from the one set last to the one set first: what every call asks for, on the
    way to a healthy platform too, is set last."""
    for trunk in site.trunks:
        start, number = f"RF_T_{trunk.name}", trunk.number
        yield f"{start}_PLATFORM", trunk.platform
        yield f"{start}_DIDSOURCE", number.source.value
        yield f"{start}_COUNTRY", number.country
        yield f"{start}_NATIONAL", number.national_prefix
        yield f"{start}_INTERNATIONAL", number.international_prefix
        yield f"{start}_BARE", number.bare.value
        yield f"{start}_RANGES", "1" if ranges_of(number) else ""
        yield f"{start}_RANGE_PREFIX", number.range_prefix
        yield f"{start}_EXT_LENGTH", str(number.extension_length)
        yield f"{start}_LANGUAGE", trunk.language
        yield f"{start}_ANNOUNCE", "early" if trunk.early_media else "answered"
    for platform in site.platforms:
        start = f"RF_P_{platform.name}"
        yield f"{start}_ENDPOINT", platform.endpoint
        yield f"{start}_HOSTPORT", platform.host_port
        yield f"{start}_FORMAT", platform.number_format.value
        yield f"{start}_RING", f"{platform.ring_seconds:g}"
        yield f"{start}_NOPROGRESS", f"{platform.no_progress_seconds:g}"


def _caps(egress: Egress) -> Iterator[tuple[str, str]]:
    caps = {"DID": egress.caps.did, "TEAM": egress.caps.team, "PERSON": egress.caps.person, "TOTAL": egress.caps.total}
    for name, cap in caps.items():
        yield f"RF_CAP_{name}_CALLS", str(cap.calls)
        yield f"RF_CAP_{name}_MINUTES", str(cap.minutes)
    counted = any(cap != NO_CAP for cap in (*caps.values(), *(route.cap for route in egress.trunks)))
    yield "RF_CAPS", "1" if counted else ""
    # The limit over all trunks would otherwise use up what the trunks keep.
    reserved = max((route.reserved_count for route in egress.trunks), default=0)
    yield "RF_EGRESS_RESERVED", str(min(reserved, egress.max_calls - 1))
    yield "RF_WAIT_SECONDS", str(egress.wait_seconds)


def _identity(start: str, identity: Identity) -> Iterator[tuple[str, str]]:
    yield f"{start}_RUNGS", ",".join(rung.value for rung in identity.rungs)
    # An empty expression would match every status, and also none.
    statuses = "|".join(map(str, identity.refused_statuses))
    yield f"{start}_REFUSED", f"^({statuses or '-'})$"
    yield f"{start}_RETRY", str(identity.retry_seconds)


def _any_start(starts: Iterable[str]) -> str:
    """Matches numbers with one of these starts. An empty expression would match every number."""
    digits = "|".join(starts)
    return f"^[+]({digits})" if digits else "^$"
