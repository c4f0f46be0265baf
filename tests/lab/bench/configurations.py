"""What each contestant is configured with. These texts run, and they are what is printed: there are no others."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from tests.lab.unlimited import UNLIMITED

FALLBACK_NUMBER: Final = "+441314960000"
RING_SECONDS: Final = 30
USUAL_QUALIFY: Final = "qualify_frequency=60"
TUNED_QUALIFY: Final = "qualify_frequency=1\nqualify_2xx_only=yes"

LOGGER: Final = "[general]\ndateformat=%F %T.%3q\n[logfiles]\nmessages=notice,warning,error\n"
"""As Asterisk is shipped: no line per dialplan step."""

GLOBAL: Final = "[global]\ntype=global\ntaskprocessor_overload_trigger=pjsip_only\n"

PJSIP: Final = (
    GLOBAL
    + """\
[udp]
type=transport
protocol=udp
bind={bind}
[carrier]
type=endpoint
context=from-carrier
disallow=all
allow=alaw,ulaw
direct_media=no
[carrier]
type=identify
endpoint=carrier
match={carrier}
[platform]
type=endpoint
aors=platform
disallow=all
allow=alaw,ulaw
direct_media=no
[platform]
type=aor
contact=sip:{platform}
{qualify}
[fallback]
type=endpoint
aors=fallback
disallow=all
allow=alaw,ulaw
direct_media=no
[fallback]
type=aor
contact=sip:{fallback}
{qualify}
"""
)

# The next destination is tried on the two statuses that everybody's dialplan looks for.
NEXT: Final = """\
 same => n,GotoIf($["${DIALSTATUS}" = "CHANUNAVAIL" | "${DIALSTATUS}" = "CONGESTION"]?:end)
 same => n,Dial(%(second)s,%(ring)s)
 same => n(end),Hangup()
"""
DIAL: Final = "[from-carrier]\nexten => _[+0-9]!,1,Dial(%(first)s,%(ring)s)\n" + NEXT
AGI: Final = "[from-carrier]\nexten => _[+0-9]!,1,AGI(route.py)\n same => n,Dial(${FIRST},%(ring)s)\n" + NEXT
STASIS: Final = "[from-carrier]\nexten => _[+0-9]!,1,Stasis(bench)\n same => n,Hangup()\n"
TO_PLATFORM: Final = "PJSIP/${EXTEN}@platform"
TO_FALLBACK: Final = f"PJSIP/{FALLBACK_NUMBER}@fallback"

KAMAILIO: Final = """\
debug=0
log_stderror=yes
children=4
auto_aliases=no
listen=udp:{bind}
loadmodule "tm.so"
loadmodule "tmx.so"
loadmodule "sl.so"
loadmodule "pv.so"
loadmodule "rr.so"
loadmodule "textops.so"
loadmodule "siputils.so"
loadmodule "dispatcher.so"
modparam("tm", "fr_timer", 1500)
modparam("tm", "fr_inv_timer", 30000)
modparam("dispatcher", "list_file", "{directory}/dispatcher.list")
modparam("dispatcher", "ds_ping_interval", 1)
modparam("dispatcher", "ds_probing_mode", 1)

request_route {{
    if (is_method("CANCEL")) {{
        if (t_check_trans()) t_relay();
        exit;
    }}
    if (has_totag()) {{
        if (loose_route()) t_relay();
        else if (is_method("ACK") && t_check_trans()) t_relay();
        exit;
    }}
    if (!is_method("INVITE")) {{
        sl_send_reply("200", "OK");
        exit;
    }}
    t_check_trans();
    record_route();
    if (!ds_select_dst("1", "4")) {{
        route(FALLBACK);
        exit;
    }}
    t_on_failure("NEXT");
    if (!t_relay()) sl_reply_error();
}}

failure_route[NEXT] {{
    if (t_is_canceled()) exit;
    if (t_check_status("408|403|404|5[0-9][0-9]")) route(FALLBACK);
}}

route[FALLBACK] {{
    $ru = "sip:{number}@{fallback}";
    $du = $null;
    t_relay();
}}
"""
DISPATCHER_LIST: Final = "1 sip:{platform}\n"

RINGFENCE: Final = (
    """\
{asterisk}
[http]
port = {http}

[egress]
max_calls = 400

"""
    + UNLIMITED
    + """
[[platform]]
name = "uc"
host_port = "{platform}"

[[trunk]]
name = "carrier"
platform = "uc"
sources = ["{carrier}"]
fallback_number = "{number}"

[[egress_trunk]]
name = "a"
host_port = "{fallback}"
channels = 400
"""
)


@dataclass(frozen=True, slots=True)
class Peers:
    """The far ends that all contestants share, as host:port; `carrier` is an address alone."""

    carrier: str
    platform: str
    fallback: str


def asterisk_files(name: str, peers: Peers, bind: str) -> dict[str, str]:
    """File name -> text, of one of the contestants that are an Asterisk without us."""
    tuned = name == "tuned"
    ring = f"{RING_SECONDS}^1.5" if tuned else str(RING_SECONDS)
    words = {"first": TO_PLATFORM, "second": TO_FALLBACK, "ring": ring}
    dialplan = {"agi": AGI, "stasis": STASIS}.get(name, DIAL)
    qualify = TUNED_QUALIFY if tuned else USUAL_QUALIFY
    return {
        "logger.conf": LOGGER,
        "pjsip.conf": PJSIP.format(
            bind=bind, carrier=peers.carrier, platform=peers.platform, fallback=peers.fallback, qualify=qualify
        ),
        "extensions.conf": dialplan % (words | {"second": "${SECOND}"} if name == "agi" else words),
    }


def agi_script() -> str:
    """The program that AGI() runs for each call."""
    return Path(__file__).with_name("agi_route.py").read_text(encoding="utf-8")


def kamailio_files(peers: Peers, bind: str, directory: str) -> dict[str, str]:
    """File name -> text."""
    return {
        "kamailio.cfg": KAMAILIO.format(
            bind=bind, directory=directory, number=FALLBACK_NUMBER, fallback=peers.fallback
        ),
        "dispatcher.list": DISPATCHER_LIST.format(platform=peers.platform),
    }


EXAMPLE: Final = Peers(carrier="192.0.2.1", platform="192.0.2.10:5060", fallback="192.0.2.20:5060")
EXAMPLE_BIND: Final = "192.0.2.2:5060"


def printed() -> str:
    """All of it, with example addresses in the place of the run's own."""
    parts = []
    for name in ("usual", "tuned", "agi", "stasis"):
        files = asterisk_files(name, EXAMPLE, EXAMPLE_BIND)
        wanted = files if name == "usual" else {file: files[file] for file in ("pjsip.conf", "extensions.conf")}
        if name in ("agi", "stasis"):
            wanted.pop("pjsip.conf")
        parts += [f"# {name}: {file}\n{text}" for file, text in wanted.items()]
    kamailio = kamailio_files(EXAMPLE, EXAMPLE_BIND, "/etc/kamailio")
    parts += [f"# kamailio: {file}\n{text}" for file, text in kamailio.items()]
    ringfence = RINGFENCE.format(
        asterisk="", http=8090, platform=EXAMPLE.platform, carrier=EXAMPLE.carrier, number=FALLBACK_NUMBER,
        fallback=EXAMPLE.fallback,
    )  # fmt: skip
    return "\n".join([*parts, f"# ringfence: ringfence.toml{ringfence}"])
