"""What `requirements/` pins, and what of it is wrong by itself."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tests.tidy.tree import ROOT

LOCKS = tuple(ROOT / "requirements" / f"{name}.txt" for name in ("runtime", "build", "dev"))
RUNTIME, BUILD, DEV = LOCKS

_PIN = re.compile(r"^(?P<name>[A-Za-z0-9._-]+)(?:\[[^\]]*\])?==(?P<version>[^ ;\\]+)(?P<marker> *;[^\\]*)?")
_HASH = re.compile(r"--hash=sha256:[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Pin:
    """One package of a lock. `here`: whether this machine installs it; others are for other systems."""

    name: str
    version: str
    hashes: int
    here: bool


def pins(lock: Path) -> list[Pin]:
    """By canonical name; two of one name are for different systems. Raises ValueError for a line that pins nothing."""
    found = []
    for block in re.sub(r"\\\n", " ", lock.read_text(encoding="utf-8")).splitlines():
        if not block.strip() or block.lstrip().startswith("#"):
            continue
        pin = _PIN.match(block)
        if pin is None:
            raise ValueError(f"{lock.name}: {block[:60]!r} pins nothing")
        marker = (pin["marker"] or "").strip(" ;").split(" --hash")[0].strip()
        here = not marker or Requirement(f"x; {marker}").marker.evaluate()  # type: ignore[union-attr]
        found.append(Pin(canonicalize_name(pin["name"]), pin["version"], len(_HASH.findall(block)), here))
    return found


def digest(lock: Path) -> str:
    """Tells one lock from another."""
    return hashlib.sha256(lock.read_bytes()).hexdigest()[:16]


def faults() -> Iterator[str]:
    """A package without a hash, two locks that differ about one, one that is installed otherwise, one for nothing."""
    everything = pins(DEV)
    versions = {(pin.name, pin.version) for pin in everything}
    for lock in LOCKS:
        if re.search(r"^--?(?:extra-)?index|^-i |https?://", lock.read_text(encoding="utf-8"), re.MULTILINE):
            yield f"{lock.name} names a registry"
        for pin in pins(lock):
            if not pin.hashes:
                yield f"{lock.name}: {pin.name} has no hash"
            elif (pin.name, pin.version) not in versions:
                yield f"{lock.name}: {pin.name} {pin.version} is not what dev.txt has"
    for pin in everything:
        if pin.here and (there := _installed(pin.name)) != pin.version:
            yield f"{pin.name} {pin.version} is locked, {there or 'nothing'} is installed"
    for name in sorted({pin.name for pin in pins(RUNTIME)} - _needed()):
        yield f"runtime.txt: {name} is needed by nothing"


def _installed(name: str) -> str | None:
    try:
        return version(name)
    except PackageNotFoundError:
        return None


def _needed() -> set[str]:
    """What the program needs, and what that needs, on whatever system. Extras count only where they are asked for."""
    found: set[tuple[str, str]] = set()
    waiting = [("ringfence", "")]
    while waiting:
        asked = waiting.pop()
        if asked in found:
            continue
        found.add(asked)
        name, extra = asked
        try:
            lines = requires(name) or []
        except PackageNotFoundError:
            continue  # of another system: what it needs is its own
        for line in lines:
            needed = Requirement(line)
            in_extra = needed.marker is not None and "extra" in str(needed.marker)
            if in_extra and (not extra or f'"{extra}"' not in str(needed.marker)):
                continue
            waiting += [(canonicalize_name(needed.name), one) for one in ("", *needed.extras)]
    return {name for name, _ in found}
