"""Known faults of the locked versions, from a copy of an advisory database in OSV's form (the PyPA's, for one)."""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml
from packaging.utils import canonicalize_name
from packaging.version import InvalidVersion, Version

from tests.audit.locks import Pin

# A look that needs no parser: most records are about others.
_NAMES = re.compile(r"""(?:^|[\s{,"'])name["']?\s*:\s*["']?([A-Za-z0-9._-]+)""")
_MODIFIED = re.compile(r"""["']?modified["']?: *["']?(\d{4}-\d{2}-\d{2})""")


@dataclass(slots=True)
class Looked:
    """`newest`: the day of the newest record, which says how old the copy is. `about_ours`: records about packages that
    are locked, whatever their versions."""

    records: int = 0
    about_ours: int = 0
    newest: str = ""
    found: list[str] = field(default_factory=list)
    unreadable: list[str] = field(default_factory=list)


def look(folder: Path, pins: Collection[Pin]) -> Looked:
    """Every record below the folder. Raises OSError."""
    looked, names = Looked(), {pin.name for pin in pins}
    for path in sorted((*folder.rglob("*.yaml"), *folder.rglob("*.json"))):
        text = path.read_text(encoding="utf-8")
        day = _MODIFIED.search(text)
        if day is None:
            continue  # no record: a list, or something of the repository's own
        looked.records += 1
        looked.newest = max(looked.newest, day[1])
        if not {canonicalize_name(name) for name in _NAMES.findall(text)} & names:
            continue
        looked.about_ours += 1
        try:
            record = json.loads(text) if path.suffix == ".json" else yaml.safe_load(text)
            looked.found += _hits(record, pins)
        except (ValueError, TypeError, KeyError, AttributeError, yaml.YAMLError) as error:
            looked.unreadable.append(f"{path.name}: {type(error).__name__}")
    return looked


def _hits(record: Mapping[str, Any], pins: Collection[Pin]) -> Iterator[str]:
    if record.get("withdrawn"):
        return
    for affected in record.get("affected", ()):
        package = affected.get("package", {})
        name = canonicalize_name(package.get("name", ""))
        for pin in pins if package.get("ecosystem") == "PyPI" else ():
            if pin.name == name and _is_affected(pin.version, affected):
                aliases = ", ".join(record.get("aliases", ()))
                yield f"{pin.name} {pin.version}: {record['id']}{f' ({aliases})' if aliases else ''}"


def _is_affected(locked: str, affected: Mapping[str, Any]) -> bool:
    version = Version(locked)
    if version in _versions(affected.get("versions", ())):
        return True
    return any(_in_range(version, one["events"]) for one in affected.get("ranges", ()) if one["type"] == "ECOSYSTEM")


def _versions(texts: Collection[str]) -> set[Version]:
    """Those that are versions: of old releases some are not, and none of ours is such a one."""
    found = set()
    for text in texts:
        try:
            found.add(Version(str(text)))
        except InvalidVersion:
            continue
    return found


def _in_range(version: Version, events: Collection[Mapping[str, Any]]) -> bool:
    """As OSV has it: the last event at or below the version decides."""
    inside = False
    steps = sorted(((Version(str(at)), kind) for event in events for kind, at in event.items()), key=lambda one: one[0])
    for at, kind in steps:
        if kind == "introduced" and version >= at:
            inside = True
        elif (kind == "fixed" and version >= at) or (kind == "last_affected" and version > at):
            inside = False
    return inside
