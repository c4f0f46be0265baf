"""What stands in the site's own files of Asterisk: its doors, our lines' places, and what spoils or leaks."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from pathlib import Path
from typing import Final

from ringfence.asterisk.conf_files import Line, general, is_generated, is_true, lines, sections
from ringfence.cli.doctor.finding import Finding, fail, ok, unknown, warn
from ringfence.cli.doctor.ground import Ground
from ringfence.cli.install.include_plan import CUSTOM_FILES
from ringfence.config import Settings
from ringfence.config.snippets import INCLUDE_DIR, INCLUDES
from ringfence.domain.loopback import is_loopback

EVERYWHERE: Final = "every address"
_PREFIX: Final = "ringfence-"
_CHATTY: Final = frozenset({"verbose", "debug", "dtmf"})
_TRIGGER: Final = "taskprocessor_overload_trigger"
_OWN_TRIGGER: Final = "pjsip_only"
_SEEN_BY_ALL: Final = frozenset({"console"})

_Look = Callable[[Path, Settings], Iterator[Finding]]


def _check(look: _Look, sound: str) -> Callable[[Ground], Awaitable[list[Finding]]]:
    """One that reads files. What may not be read is no failure."""

    async def run(ground: Ground) -> list[Finding]:
        def found() -> list[Finding]:
            return list(look(ground.asterisk_etc, ground.settings))

        try:
            return await asyncio.to_thread(found) or [ok(sound)]
        except OSError as error:
            return [unknown(f"{error.filename} cannot be read ({error.strerror}).", "Run as root.")]

    return run


def _doors(etc: Path, settings: Settings) -> Iterator[Finding]:
    yield from _door(etc, "manager.conf", "AMI", "port", settings.asterisk.ami_port, "manager reload", EVERYWHERE)
    yield from _door(etc, "http.conf", "HTTP", "bindport", settings.asterisk.ari_port, "module reload http", "")
    if (etc / "ari.conf").exists() and not is_true(general(etc, "ari.conf").get("enabled", "yes")):
        fix = (
            f"Set enabled = yes under [general] in {etc / 'ari.conf'}, then `asterisk -rx 'module reload res_ari.so'`."
        )
        yield fail("ARI is off.", fix)


def _door(etc: Path, name: str, what: str, port_key: str, port: int, reload: str, unsaid: str) -> Iterator[Finding]:
    path = etc / name
    if not path.exists():
        return  # then Asterisk's files are elsewhere, and logging in tells
    found = general(etc, name)
    then = f"then `asterisk -rx '{reload}'`."
    if not is_true(found.get("enabled")):
        yield fail(f"{what} is off.", f"Set enabled = yes under [general] in {path}, {then}")
        return
    bind = found.get("bindaddr", unsaid)
    if bind and not is_loopback(bind):
        words = f"{what} listens on {bind}: other machines may try its users' secrets."
        yield warn(words, f"Set bindaddr = 127.0.0.1 under [general] in {path}, {then}")
    said = found.get(port_key, "")
    if said.isdigit() and int(said) != port:
        key = "ami_port" if what == "AMI" else "ari_port"
        yield fail(
            f"{what} listens on port {said}, and the configuration says {port}.",
            f"Set {key} = {said} under [asterisk] in ringfence.toml, or {port_key} = {port} in {path}, {then}",
        )


def _places(etc: Path, settings: Settings) -> Iterator[Finding]:
    """Lines below an include belong to the last section of what was included."""
    for include in INCLUDES:
        ours: Line | None = None
        for line in lines(etc, include.asterisk_file):
            if line.path.parent == settings.asterisk_conf_dir:
                continue
            text = line.text.strip()
            if text.startswith("#") and f"{INCLUDE_DIR}/" in text:
                ours = line
            elif ours is not None and text.startswith("["):
                ours = None
            elif ours is not None and not text.startswith("#"):
                yield fail(
                    f"{line.path}:{line.number} stands below {ours.text.strip()} and now belongs to a section of it.",
                    f"Put that #include at the end of {ours.path}, then `asterisk -rx '{include.reload}'`.",
                )
                ours = None


def _names(etc: Path, settings: Settings) -> Iterator[Finding]:
    for section in sections(etc, "extensions.conf"):
        if section.name.startswith(_PREFIX) and section.path.parent != settings.asterisk_conf_dir:
            yield fail(
                f"{section.path}:{section.line} has a context [{section.name}], which mixes with Ringfence's own.",
                f"Rename it in {section.path}, then `asterisk -rx 'dialplan reload'`.",
            )


def _generated(etc: Path, settings: Settings) -> Iterator[Finding]:
    for include in INCLUDES:
        for line in lines(etc, include.asterisk_file):
            if line.path.parent == settings.asterisk_conf_dir or f"{INCLUDE_DIR}/" not in line.text:
                continue
            if is_generated(line.path):
                custom = CUSTOM_FILES[include.asterisk_file][0]
                yield fail(
                    f"{line.path} is written by a program: the line `{line.text.strip()}` will be gone one day.",
                    f"Move it to {etc / custom}, then `asterisk -rx '{include.reload}'`.",
                )


def _options(etc: Path, settings: Settings) -> Iterator[Finding]:
    if is_true(general(etc, "asterisk.conf", "options").get("live_dangerously")):
        yield fail(
            "live_dangerously is on: whoever logs in to AMI or ARI can run programs on this machine.",
            f"Set live_dangerously = no under [options] in {etc / 'asterisk.conf'}, and restart Asterisk.",
        )
    made = [dict(section.settings) for section in sections(etc, "pjsip.conf")]
    triggers = [found.get(_TRIGGER) for found in made if found.get("type") == "global"]
    if made and _OWN_TRIGGER not in triggers:
        yield warn(
            "PJSIP ignores new calls while Asterisk works off a burst of events, as an outage under load brings one.",
            f"Set {_TRIGGER} = {_OWN_TRIGGER} in the section of type=global in {etc / 'pjsip.conf'}, "
            "then `asterisk -rx 'module reload res_pjsip.so'`.",
        )


def _logs(etc: Path, settings: Settings) -> Iterator[Finding]:
    """Measured: see docs/howto/protect-private-numbers.md."""
    if is_true(general(etc, "cel.conf").get("enable")):
        yield warn(
            "CEL is on: its appdata holds the private numbers that diverted calls go to.",
            f"Set enable = no in {etc / 'cel.conf'}, or use columns without appdata and cid_num; "
            "docs/howto/protect-private-numbers.md.",
        )
    for name, kinds in general(etc, "logger.conf", "logfiles").items():
        chatty = sorted(_CHATTY & {kind.strip().partition("(")[0] for kind in kinds.split(",")})
        if chatty and name not in _SEEN_BY_ALL:
            yield warn(
                f"Asterisk's log {name!r} has {', '.join(chatty)}: private numbers may be printed to it.",
                f"Take {', '.join(chatty)} out of `{name}` in {etc / 'logger.conf'}, "
                "then `asterisk -rx 'logger reload'`.",
            )


doors = _check(_doors, "AMI, HTTP and ARI are on, for this machine alone.")
include_place = _check(_places, "No line of the site's stands below an include of ours.")
context_names = _check(_names, "No context of the site's has a name of ours.")
generated_files = _check(_generated, "No line of ours is in a file that a program writes.")
asterisk_options = _check(_options, "Asterisk does not live dangerously, and takes calls in a burst of events.")
private_logs = _check(_logs, "Neither CEL nor a verbose log keeps private numbers.")
