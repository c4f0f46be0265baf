"""What is there: the kind of site, Asterisk's version, its doors, the endpoints calls come in by. Changes nothing."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Final

from ringfence.asterisk.conf_files import general, is_generated, is_true
from ringfence.cli.install.console import Console

MAX_ENDPOINTS: Final = 50
"""Of those that are told by address: trunks, not telephones."""
IDENTIFIES: Final = "pjsip show identifies"
FREEPBX_FILES: Final = ("freepbx.conf", "amportal.conf")

_VERSION: Final = re.compile(r"Asterisk (\S+)")
# The title of the list has its names in angle brackets.
_IDENTIFY: Final = re.compile(r"^\s*Identify:\s+[^<\s].*/(\S+)\s*$")
_MATCH: Final = re.compile(r"^\s*Match:\s+(\S+)\s*$")
_CONTEXT: Final = re.compile(r"^\s*context\s*:\s*(\S*)\s*$", re.MULTILINE)


class SiteKind(StrEnum):
    """Who writes Asterisk's files."""

    PLAIN = "plain"
    FREEPBX = "freepbx"
    """A program writes them, and includes `*_custom.conf` files that are the administrator's."""


@dataclass(frozen=True, slots=True)
class Door:
    """One of Asterisk's listeners, as its file says. `bind` is empty where the file says nothing."""

    enabled: bool
    bind: str
    port: int
    has_general: bool


@dataclass(frozen=True, slots=True)
class TrunkEndpoint:
    """An endpoint that is told by the address its calls come from."""

    name: str
    context: str
    matches: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Survey:
    """`version` and `endpoints` are empty where no console answered; `second_timeout` is then unknown."""

    etc: Path
    kind: SiteKind
    version: str
    second_timeout: bool | None
    manager: Door
    http: Door
    ari_enabled: bool
    ari_has_general: bool
    endpoints: tuple[TrunkEndpoint, ...]
    directories: dict[str, str]
    """Of asterisk.conf, as Asterisk sees them."""

    def endpoint_for(self, sources: Sequence[str]) -> TrunkEndpoint | None:
        """The one that takes calls from one of these addresses already; a second would be one too many."""
        return next((one for one in self.endpoints if any(overlap(a, b) for a in sources for b in one.matches)), None)

    @property
    def only_sources(self) -> str:
        """Where calls come from, if there is one trunk; empty: that is for a person to say."""
        return ", ".join(self.endpoints[0].matches) if len(self.endpoints) == 1 else ""

    def endpoint(self, name: str) -> TrunkEndpoint | None:
        return next((one for one in self.endpoints if one.name == name), None)

    def place(self, directory: str, below: str) -> Path | None:
        """A path below one of Asterisk's folders; None where asterisk.conf does not name that folder."""
        named = self.directories.get(directory)
        return Path(named) / below if named else None

    def words(self) -> list[str]:
        """For people: what was found, a line each."""
        if not self.version:
            return [f"{self.etc}: a {self.kind} site. No running Asterisk could be asked."]
        timeout = "has" if self.second_timeout else "lacks"
        return [
            f"{self.etc}: a {self.kind} site; Asterisk {self.version}, whose Dial {timeout} its second timeout.",
            f"AMI is {_door(self.manager)}; HTTP is {_door(self.http)}; ARI is {'on' if self.ari_enabled else 'off'}.",
            *(f"Endpoint {e.name}: context {e.context}, calls from {', '.join(e.matches)}." for e in self.endpoints),
        ]


def look(etc: Path, console: Console, kind: SiteKind | None = None) -> Survey:
    """Raises OSError for a file of Asterisk's that may not be read."""
    version = _VERSION.search(console.ask("core show version") or "")
    return Survey(
        etc=etc,
        kind=kind or _kind(etc),
        version=version[1] if version else "",
        second_timeout=_second_timeout(console) if version else None,
        manager=_read_door(etc, "manager.conf", "port", 5038),
        http=_read_door(etc, "http.conf", "bindport", 8088),
        ari_enabled=is_true(general(etc, "ari.conf").get("enabled", "yes" if (etc / "ari.conf").exists() else "no")),
        ari_has_general=bool(general(etc, "ari.conf")),
        endpoints=tuple(_endpoints(console)) if version else (),
        directories=general(etc, "asterisk.conf", "directories"),
    )


def context_of(console: Console, endpoint: str) -> str | None:
    """The context its calls arrive in; None when there is no such endpoint, or nobody to ask."""
    found = _CONTEXT.search(console.ask(f"pjsip show endpoint {endpoint}") or "")
    return found[1] if found else None


def _kind(etc: Path) -> SiteKind:
    if any((etc.parent / name).exists() for name in FREEPBX_FILES):
        return SiteKind.FREEPBX
    generated = any((etc / name).is_file() and is_generated(etc / name) for name in ("extensions.conf", "pjsip.conf"))
    return SiteKind.FREEPBX if generated else SiteKind.PLAIN


def _read_door(etc: Path, file: str, port_key: str, default_port: int) -> Door:
    found = general(etc, file)
    port = found.get(port_key, "")
    return Door(
        enabled=is_true(found.get("enabled")),
        bind=found.get("bindaddr", ""),
        port=int(port) if port.isdigit() else default_port,
        has_general=bool(found),
    )


def _door(door: Door) -> str:
    return f"on {door.bind or '0.0.0.0'}:{door.port}" if door.enabled else "off"  # noqa: S104 (said, not bound)


def _second_timeout(console: Console) -> bool | None:
    manual = console.ask("core show application Dial")
    if manual is None:
        return None
    timeout = manual.partition("[Arguments]")[2].partition("timeout")[2].partition("options")[0]
    return "progress" in timeout.lower()


def _endpoints(console: Console) -> list[TrunkEndpoint]:
    matches = identified(console.ask(IDENTIFIES) or "")
    names = list(matches)[:MAX_ENDPOINTS]
    return [TrunkEndpoint(name, context_of(console, name) or "", tuple(matches[name])) for name in names]


def identified(shown: str) -> dict[str, list[str]]:
    """Endpoint -> the addresses it is told by, as `pjsip show identifies` prints them."""
    matches: dict[str, list[str]] = {}
    current: list[str] = []
    for line in shown.splitlines():
        if identify := _IDENTIFY.match(line):
            current = matches.setdefault(identify[1], [])
        elif (match := _MATCH.match(line)) and not match[1].startswith("<"):
            current.append(match[1])
    return matches


def overlap(one: str, other: str) -> bool:
    try:
        return ipaddress.ip_network(one, strict=False).overlaps(ipaddress.ip_network(other, strict=False))
    except (ValueError, TypeError):
        return one == other  # a name, or the two kinds of address
