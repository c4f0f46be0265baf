"""What Asterisk's console says of itself: version, modules, endpoints by name. No call, no caller, no login."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Final

MAX_LINE_CHARACTERS: Final = 400

# Rows of `pjsip show endpoints`. Not among them: InAuth and OutAuth, Channel, Exten and CLCID, which are of calls.
_ENDPOINT: Final = re.compile(
    r"^ *Endpoint: +([^\s/<]+)\S*.*? {2,}(Not in use|In use|Unavailable|Invalid|Unknown|Busy)"
)
_PIECE: Final = re.compile(
    r"^ *(Aor|Contact|Transport|Identify|Match): +([^\s<]\S*)(?: .*?\b(Avail|Unavail|NonQual|Unknown))?"
)
_MODULE: Final = re.compile(r"^(\w+\.so) .* (Running|Not Running)\b")
_GLOBAL: Final = re.compile(r"^ *(RF_\w+)=(.*)$")
_REGISTRATION: Final = re.compile(r"^ *([\w-]+)/sips?:\S+ .*? (Registered|Unregistered|Rejected|Stopped)\b")
_COUNT: Final = re.compile(r"^\d+ (?:active|of|calls|call)\b")


@dataclass(frozen=True, slots=True)
class Question:
    """A line for the console, and what is taken of the answer."""

    line: str
    taken: Callable[[str], Iterator[str]]


def _lines(text: str) -> Iterator[str]:
    """As long as a console writes them: the patterns go back over a longer one for ever."""
    yield from (line[:MAX_LINE_CHARACTERS] for line in text.splitlines())


def _first(text: str) -> Iterator[str]:
    """`Asterisk 22.4.1 built by ...`: who built it where is nobody's business."""
    for line in _lines(text):
        if line.startswith("Asterisk "):
            yield line.partition(" built ")[0]


def _uptime(text: str) -> Iterator[str]:
    yield from (line for line in _lines(text) if line.startswith(("System uptime", "Last reload")))


def _counts(text: str) -> Iterator[str]:
    yield from (line for line in _lines(text) if _COUNT.match(line))


def _globals(text: str) -> Iterator[str]:
    for line in _lines(text):
        if (found := _GLOBAL.match(line)) is not None:
            yield f"{found[1]}={found[2]}"


def _modules(text: str) -> Iterator[str]:
    for line in _lines(text):
        if (found := _MODULE.match(line)) is not None:
            yield f"{found[1]} {found[2]}"


def _endpoints(text: str) -> Iterator[str]:
    """Names, addresses and states."""
    for line in _lines(text):
        if (found := _ENDPOINT.match(line)) is not None:
            yield f"Endpoint {found[1]}: {found[2]}"
        elif (piece := _PIECE.match(line)) is not None:
            yield f"  {piece[1]} {_host(piece[2])} {piece[3] or ''}".rstrip()


def _registrations(text: str) -> Iterator[str]:
    for line in _lines(text):
        if (found := _REGISTRATION.match(line)) is not None:
            yield f"{found[1]}: {found[2]}"


def _host(place: str) -> str:
    """`aor/sip:user@host:port` without the user, who is often a number."""
    before, at, host = place.rpartition("@")
    return f"{before.partition('/')[0]}/{host}" if at else place


QUESTIONS: Final = (
    Question("core show version", _first),
    Question("core show uptime", _uptime),
    Question("core show channels count", _counts),
    Question("dialplan show globals", _globals),
    Question("pjsip show endpoints", _endpoints),
    Question("pjsip show registrations", _registrations),
    Question("module show", _modules),
)
