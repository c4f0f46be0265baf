"""What the probes of the configuration stand on: their files, and whether what they ask answers as it should."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path
from typing import Final

from ringfence.app.monitor import Scheduled
from ringfence.asterisk.registrations import ACTION
from ringfence.bootstrap.probing import probes_of
from ringfence.bootstrap.values import registrations
from ringfence.cli.doctor.finding import Finding, fail, ok, unknown, warn
from ringfence.cli.doctor.ground import Ground
from ringfence.cli.doctor.local_checks import open_to_others
from ringfence.config import Settings
from ringfence.config.asked import AskedTarget, asked_targets
from ringfence.domain.health import EvidenceKind
from ringfence.probes.secret_file import SecretUnusable, secret_line
from ringfence.probes.tls import Tls, TlsConfig, TlsUnusable

ANSWER_SECONDS: Final = 5.0
_ELSEWHERE: Final = frozenset({EvidenceKind.CONTACT_STATUS, EvidenceKind.CALL_OUTCOMES})


async def probe_files(ground: Ground) -> list[Finding]:
    """There, usable, and nobody else's where they are secret. A probe without its file tells nothing."""
    findings = []
    for asked in asked_targets(ground.settings):
        tls = asked.how.probe_tls
        config = TlsConfig(asked.host, tls.ca_file, tls.certificate, tls.private_key)
        try:
            if config.files:
                await Tls(config).context(verified=True)
        except TlsUnusable as error:
            findings.append(fail(f"probe_tls of {asked.target}: {error}.", "Give the path of a PEM file."))
        if asked.register is not None and asked.register.password_file is not None:
            findings += _password(asked, asked.register.password_file)
        key = tls.private_key
        if key is not None and key.exists() and (readable := open_to_others(key)) is not None:
            findings.append(readable)
    return findings or [ok("The probes have the files that they need.")]


async def far_ends_asked(ground: Ground) -> list[Finding]:
    """Everything but plain OPTIONS over UDP is asked once; Asterisk is asked about that elsewhere."""
    targets = [asked for asked in asked_targets(ground.settings) if _asks_more(asked)]
    found = await asyncio.gather(*(_ask(asked) for asked in targets))
    bad = [finding for findings in found for finding in findings]
    return bad or [ok("Every far end answers the probes that are configured besides OPTIONS over UDP.")]


async def registrations_there(ground: Ground) -> list[Finding]:
    """Each registration that is named is one of Asterisk's."""
    wanted = registrations(ground.settings)
    if not wanted:
        return [ok("No registration of Asterisk's is named as evidence.")]
    rows = (await ground.ami.ask(ACTION, {})).rows
    states = {row["objectname"]: row.get("status", "") for row in rows if row.get("objectname")}
    return list(_registered(ground.settings, states)) or [ok("Every registration that is named is in force.")]


def _registered(settings: Settings, states: dict[str, str]) -> Iterator[Finding]:
    for name, target in registrations(settings).items():
        if name not in states:
            known = ", ".join(sorted(states)) or "none"
            words = f"Asterisk has no registration {name!r}, which {target} names as evidence; it has: {known}."
            yield fail(words, "Correct `registration` in ringfence.toml, or the name of the section in pjsip.conf.")
        elif states[name].lower() != "registered":
            words = f"Asterisk's registration {name!r} is {states[name].lower()}: no call of {target} may come in."
            yield warn(words, f"`asterisk -rx 'pjsip show registration {name}'`; ask the carrier.")


def _password(asked: AskedTarget, path: Path) -> list[Finding]:
    try:
        secret_line(path)
    except SecretUnusable as error:
        words = f"probe_register of {asked.target}: {error}."
        return [fail(words, f"Write the password into it, then `chmod 600 {path}`.")]
    return []


def _asks_more(asked: AskedTarget) -> bool:
    plain = {EvidenceKind.SIP_OPTIONS} if asked.how.probe_transport == "udp" else set[EvidenceKind]()
    return bool(set(asked.kinds) - _ELSEWHERE - plain)


async def _ask(asked: AskedTarget) -> list[Finding]:
    probes = list(probes_of(asked))
    # What the others saw of certificates comes last.
    others = [one for one in probes if one.probe.kind is not EvidenceKind.CERTIFICATE]
    said = await asyncio.gather(*(one.probe.probe(ANSWER_SECONDS) for one in others))
    findings = [found for one, answer in zip(others, said, strict=True) if (found := _finding(one, answer))]
    for one in probes:
        if one not in others:
            seen = await one.probe.probe(ANSWER_SECONDS)
            findings += [found for found in (_finding(one, seen),) if found and seen[0] is False]
    return findings


def _finding(one: Scheduled, answer: tuple[bool | None, str]) -> Finding | None:
    passed, words = answer
    what = f"{one.probe.target}, {one.probe.kind.replace('_', ' ')}: {words}."
    if passed is None:
        return unknown(what, "Correct it: until then this probe tells nothing.")
    return None if passed else warn(what, "Mend it there, or the `probe_` settings in ringfence.toml.")
