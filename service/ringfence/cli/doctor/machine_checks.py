"""This machine itself: names that must resolve, a clock that must be right, a port that must be free."""

from __future__ import annotations

import asyncio
import errno
import ipaddress
import socket
from typing import Final

from ringfence.cli.doctor.finding import Finding, fail, ok, unknown, warn
from ringfence.cli.doctor.ground import Ground
from ringfence.cli.doctor.local_checks import NAME_DEADLINE_SECONDS, resolve
from ringfence.cli.programs import output_of
from ringfence.config import Settings

CLOCK_DEADLINE_SECONDS: Final = 3.0


async def far_end_names(ground: Ground) -> list[Finding]:
    """Every host name in the configuration resolves; a call to one that does not is lost before it is sent."""
    findings: list[Finding] = []
    for where, host_port in _addresses(ground.settings):
        host = host_port.rpartition(":")[0]
        if _is_address(host):
            continue
        try:
            async with asyncio.timeout(NAME_DEADLINE_SECONDS):
                await resolve(host)
        except (OSError, TimeoutError):
            fix = f"Correct host_port of {where} in ringfence.toml, or the name servers; an address needs neither."
            findings.append(fail(f"{host} of {where} does not resolve.", fix))
    return findings or [ok("Every host name in the configuration resolves, or is an address.")]


async def clock(ground: Ground) -> list[Finding]:
    """Opening hours, overrides that end and the order of events stand on it."""
    try:
        said = (await output_of(ground.clock_command, CLOCK_DEADLINE_SECONDS)).text.decode(errors="replace").strip()
    except OSError:
        said = ""
    if said == "yes":
        return [ok("The clock is synchronised.")]
    if said == "no":
        words = "The clock is not synchronised: opening hours and overrides begin and end at wrong times."
        return [warn(words, "`timedatectl set-ntp true`, or install chrony.")]
    return [unknown("Nobody here says whether the clock is synchronised.", "See that chrony or the like runs.")]


async def own_port(ground: Ground) -> list[Finding]:
    """Free for the daemon, or the daemon's."""
    http = ground.settings.http
    if not http.enabled or ground.daemon_status is not None:
        return [ok("The HTTP door is the daemon's, or off.")]
    family = socket.AF_INET6 if ":" in http.host else socket.AF_INET
    with socket.socket(family, socket.SOCK_STREAM) as door:
        door.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            door.bind((http.host, http.port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                words = f"Another program listens on {http.host}:{http.port}, where the daemon's HTTP door would be."
                return [fail(words, "Set another port under [http] in ringfence.toml (`ss -ltnp` says whose it is).")]
            return [fail(f"{http.host}:{http.port} cannot be used ({error.strerror}).", "Correct host under [http].")]
    return [ok(f"{http.host}:{http.port} is free for the daemon.")]


def _addresses(settings: Settings) -> list[tuple[str, str]]:
    found = [(f"platform {one.name!r}", one.host_port) for one in settings.platform]
    found += [(f"egress trunk {one.name!r}", one.host_port) for one in settings.egress_trunk]
    found += [(f"control {one.name!r}", one.host_port) for one in settings.control]
    return found + [(f"trunk {one.name!r}", one.host_port) for one in settings.trunk if one.host_port]


def _is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True
