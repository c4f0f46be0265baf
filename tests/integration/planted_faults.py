"""Misconfigurations as they happen, planted one at a time into a sound site: what is done, which check must say so, and
which file or setting its words must name."""

from __future__ import annotations

import os
import socket
from collections.abc import Awaitable, Callable
from contextlib import closing

from ringfence.domain.route_table import did_path
from tests.integration.install_site import GENERATED
from tests.integration.plant import Ground, Plant
from tests.integration.test_doctor import RECORD

PJSIP_RELOAD = "module reload res_pjsip.so"
FALLBACK = "+441134960002"
OWN = "ringfence/pjsip_ringfence.conf"
# A console that knows nothing of the second timeout.
OLD_DIAL = r"""#!/bin/sh
case "$*" in
*"application Dial"*) printf '[Arguments]\ntimeout\n  How long.\noptions\n' ;;
*) exec {console} "$@" ;;
esac
"""


def _endpoint(name: str, line: str) -> Callable[[Ground], Awaitable[None]]:
    """One of our endpoints gets another setting, as by a hand in the generated file."""

    async def act(ground: Ground) -> None:
        ground.append(OWN, f"\n[{name}](+type=endpoint)\n{line}\n")
        await ground.cli(PJSIP_RELOAD)

    return act


def _secret(name: str) -> Callable[[Ground], None]:
    return lambda ground: (ground.site.config.parent / name).write_text("quite-another-secret\n") and None


async def _qualify_off(ground: Ground) -> None:
    ground.etc(OWN, r"(?s)(\[ringfence-uc_qualify\]\ntype=aor.*?)qualify_frequency=\d+", r"\1qualify_frequency=0")
    await ground.cli(PJSIP_RELOAD)


async def _second_identify(ground: Ground) -> None:
    ground.append("pjsip.conf", "[pstn]\ntype=endpoint\n[pstn]\ntype=identify\nendpoint=pstn\nmatch=127.0.0.0/8\n")
    await ground.cli(PJSIP_RELOAD)


async def _privilege(ground: Ground) -> None:
    ground.etc("ringfence/manager_ringfence.conf", "write=system,call", "write=call")
    await ground.cli("manager reload")


async def _not_included(ground: Ground) -> None:
    ground.etc("extensions.conf", "#include ringfence/.*\n", "")
    await ground.cli("dialplan reload")


async def _own_did(ground: Ground) -> None:
    await ground.cli(f'database put ringfence {did_path(FALLBACK)} "{RECORD}"')
    ground.toml(r'# fallback_number = "\+44\.\.\."', f'fallback_number = "{FALLBACK}"\n#')


def _port_taken(ground: Ground) -> None:
    taken = socket.create_server(("127.0.0.1", 0))
    ground.held.append(taken)
    ground.toml(r"\[\[platform\]\]", f"[http]\nport = {taken.getsockname()[1]}\n\n[[platform]]")
    ground.toml('socket = ".*"', f'socket = "{ground.home}/nobody.sock"')


def _foreign_database(ground: Ground) -> None:

    os.chown(ground.home / "state" / "ringfence.db", 12345, 12345)


def _mode(name: str, mode: int) -> Callable[[Ground], None]:
    return lambda ground: (ground.home / name).chmod(mode)


def _old_dial(ground: Ground) -> None:
    program = ground.home / "old-asterisk"
    with closing(program.open("w")) as file:
        file.write(OLD_DIAL.format(console=" ".join(ground.site.console)))
    program.chmod(0o755)
    ground.site.console = (str(program),)


def _unknown_clock(ground: Ground) -> None:
    ground.site.clock = ("echo", "no")


def _generated(ground: Ground) -> None:
    path = ground.site.asterisk.etc / "extensions.conf"
    path.write_text(GENERATED + path.read_text())


def _no_prompts(ground: Ground) -> None:
    (ground.home / "sounds").mkdir(exist_ok=True)
    ground.toml('sounds_dir = ".*"', f'sounds_dir = "{ground.home}/sounds"')


def _probing(line: str, table: str = "") -> Callable[[Ground], None]:
    """The platform is asked more."""

    def act(ground: Ground) -> None:
        ground.toml(r"(\[\[platform\]\]\n(?:[^\[\n].*\n|\n)*)", rf"\1{line}\n{table}\n\n")

    return act


def _probe_password(ground: Ground) -> None:
    path = ground.home / "probe-password"
    path.write_text("a-password-for-tests\n")
    path.chmod(0o644)
    _probing("", f'[platform.probe_register]\nuser = "probe"\npassword_file = "{path}"')(ground)


def _no_such_registration(ground: Ground) -> None:
    ground.toml(r"\[\[egress_trunk\]\]\n", '[[egress_trunk]]\nregistration = "voip"\n')


PLANTS = (
    Plant("another AMI secret", "ami login", ("manager reload", "manager.conf"), _secret("ami_secret")),
    Plant("another ARI secret", "ari login", ("ari.conf",), _secret("ari_secret")),
    Plant("an AMI user without `system`", "ami privileges", ("`system`", "manager.conf"), _privilege),
    Plant("a dialplan that nobody includes", "include", ("extensions.conf", "#include ringfence/"), _not_included),
    Plant("a dialplan that was not loaded", "dialplan", ("ringfence-inbound", "dialplan reload"), _not_included),
    Plant(
        "lines below our include",
        "include place",
        ("extensions.conf", "at the end"),
        lambda g: g.append("extensions.conf", "exten => 100,1,Hangup()\n"),
    ),
    Plant(
        "a context with a name of ours",
        "context names",
        ("[ringfence-inbound]", "extensions.conf", "Rename"),
        lambda g: g.etc("extensions.conf", "^", "[ringfence-inbound]\nexten => number,1,Hangup()\n"),
    ),
    Plant("our line where a program writes", "generated files", ("extensions_custom.conf",), _generated),
    Plant("a module unloaded", "modules", ("func_rand", "modules.conf"), lambda g: g.cli("module unload func_rand.so")),
    Plant(
        "AMI off", "doors", ("AMI is off", "manager.conf"), lambda g: g.etc("manager.conf", "enabled=yes", "enabled=no")
    ),
    Plant(
        "HTTP off",
        "doors",
        ("HTTP is off", "http.conf"),
        lambda g: g.etc("ringfence/http_ringfence.conf", "enabled=yes", "enabled=no"),
    ),
    Plant("ARI off", "doors", ("ARI is off", "ari.conf"), lambda g: g.etc("ari.conf", "enabled=yes", "enabled=no")),
    Plant(
        "AMI for everybody",
        "doors",
        ("bindaddr = 127.0.0.1", "manager.conf"),
        lambda g: g.etc("manager.conf", "bindaddr=127.0.0.1", "bindaddr=0.0.0.0"),
    ),
    Plant(
        "HTTP for everybody",
        "doors",
        ("bindaddr = 127.0.0.1", "http.conf"),
        lambda g: g.etc("ringfence/http_ringfence.conf", "bindaddr=127.0.0.1", "bindaddr=0.0.0.0"),
    ),
    Plant("another AMI port", "doors", ("ami_port",), lambda g: g.toml(r"ami_port = \d+", "ami_port = 1")),
    Plant("our port taken", "own port", ("[http]", "ringfence.toml"), _port_taken),
    Plant(
        "an endpoint that is not there",
        "endpoints",
        ("teams_sbc", "pjsip.conf"),
        lambda g: g.toml(r"\[\[platform\]\]\n", '[[platform]]\nendpoint = "teams_sbc"\n'),
    ),
    Plant("two endpoints by one address", "addresses", ("pstn", "[[trunk]]", "identify"), _second_identify),
    Plant(
        "a trunk that leads elsewhere",
        "endpoint guards",
        ("'default'", "context=ringfence-in-carrier"),
        _endpoint("ringfence-carrier", "context=default"),
    ),
    Plant("media past us", "endpoint guards", ("direct_media=no",), _endpoint("ringfence-uc", "direct_media=yes")),
    Plant("identities sent", "endpoint guards", ("send_pai=no",), _endpoint("ringfence-carrier", "send_pai=yes")),
    Plant(
        "withheld numbers told outside",
        "endpoint guards",
        ("trust_id_outbound=no", "ringfence-egress"),
        _endpoint("ringfence-egress", "trust_id_outbound=yes"),
    ),
    Plant("nobody asks the platform", "evidence", ("qualify_frequency", "ringfence-uc_qualify"), _qualify_off),
    Plant(
        "a name that does not resolve",
        "far end names",
        ("nowhere.invalid", "host_port", "egress trunk 'egress'"),
        lambda g: g.toml(r'(\[\[egress_trunk\]\]\n.*\nhost_port = )".*"', r'\1"nowhere.invalid:5060"'),
    ),
    Plant(
        "a snippet edited by hand",
        "snippets",
        ("pjsip_ringfence.conf", "ringfence snippets"),
        lambda g: g.append(OWN, "; mine\n"),
    ),
    Plant(
        "a dialplan of another version",
        "snippets",
        ("extensions_ringfence_plan.conf", "--shipped"),
        lambda g: g.append("ringfence/extensions_ringfence_plan.conf", "; older\n"),
    ),
    Plant("a secret for all to read", "secrets", ("ami_secret", "chmod"), _mode("ami_secret", 0o644)),
    Plant(
        "Asterisk's secret for all to read",
        "asterisk secrets",
        ("manager_ringfence.conf", "chmod"),
        lambda g: (g.site.asterisk.etc / "ringfence/manager_ringfence.conf").chmod(0o644),
    ),
    Plant("a database of somebody else's", "database", ("ringfence.db", "chown"), _foreign_database),
    Plant("a database nobody may write", "database", ("ringfence.db", "chmod u+w"), _mode("state/ringfence.db", 0o440)),
    Plant("a clock nobody sets", "clock", ("set-ntp",), _unknown_clock),
    Plant(
        "diverted calls through the platform",
        "configuration",
        ("only through the host of platform", "[[egress_trunk]]"),
        lambda g: None,  # on the loopback address all are one host
    ),
    Plant("no witness", "configuration", ("[[control]]", "ringfence.toml"), lambda g: None),
    Plant("a fallback that comes back", "fallback numbers", ("fallback_number", "'carrier'"), _own_did),
    Plant(
        "DIDs that no trunk brings",
        "deliverable",
        ("+441134960001", "range_prefix"),
        lambda g: g.toml(r'# bare = "e164".*', 'bare = "extension"\nrange_prefix = "+44131496"\nextension_length = 4'),
    ),
    Plant(
        "a CA file that is not there",
        "probe files",
        ("probe_tls", "nowhere.pem", "PEM"),
        _probing('probe_transport = "tls"', '[platform.probe_tls]\nca_file = "/nowhere.pem"'),
    ),
    Plant("a probe's password for all to read", "probe files", ("probe_register", "chmod 600"), _probe_password),
    Plant(
        "a port that is closed",
        "far ends asked",
        ("platform:uc, tcp", "port 1: refused"),
        _probing("probe_tcp_port = 1"),
    ),
    Plant("a registration of another name", "registrations", ("'voip'", "pjsip.conf"), _no_such_registration),
    Plant("no announcements", "prompts", ("ringfence voice build",), _no_prompts),
    Plant("a Dial without its second timeout", "second timeout", ("Asterisk 20",), _old_dial),
    Plant(
        "an Asterisk that lives dangerously",
        "asterisk options",
        ("live_dangerously = no", "asterisk.conf"),
        lambda g: g.append("asterisk.conf", "live_dangerously = yes\n"),
    ),
    Plant(
        "calls ignored in a burst of events",
        "asterisk options",
        ("taskprocessor_overload_trigger = pjsip_only", "pjsip.conf"),
        lambda g: g.etc("pjsip.conf", "taskprocessor_overload_trigger=pjsip_only", ""),
    ),
    Plant(
        "CEL with private numbers",
        "private logs",
        ("enable = no", "cel.conf"),
        lambda g: g.etc("cel.conf", "enable=no", "enable=yes"),
    ),
    Plant(
        "a verbose log",
        "private logs",
        ("verbose", "logger.conf"),
        lambda g: g.etc("logger.conf", "messages=", "full=verbose\nmessages="),
    ),
)
