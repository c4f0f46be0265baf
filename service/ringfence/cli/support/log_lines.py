"""The daemon's own log lines, field by field: what a library or the machine wrote beside them is counted, no more."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, Final

from ringfence.cli.programs import output_of
from ringfence.cli.support.part import LEFT_OUT, names
from ringfence.domain.redaction import Redaction

MAX_LINES: Final = 5_000
MAX_BYTES: Final = 4 << 20
DEADLINE_SECONDS: Final = 20.0
JOURNAL: Final = ("journalctl", "--unit=ringfence", "--output=cat", "--no-pager", "--quiet", f"--lines={MAX_LINES}")

# Of `docs/reference/log.md`. Not among them: who, account, address, detail, folder, which are about people.
FIELDS: Final = names(
    "after age_seconds alarm application at before bytes calls connection count digest diverted doors dropped "
    "egress endpoint error evidence expires fix freed held incident key kind level limit lines logger loops marks mode "
    "modules node notices number numbers path people percent piece place plan port preempted provider reason "
    "records rescued result revision route rows rung scope scopes seconds sentence sessions signal since site "
    "source state status supersedes table target target_level target_percent task tasks timestamp trunk where "
    "words"
)
_FRAME: Final = re.compile(r'^ *File "[^"]*?([^"/]+/[^"/]+\.py)", line (\d+), in (\w+)$')
_RAISED: Final = re.compile(r"^([A-Za-z_][\w.]*(?:Error|Exception|Interrupt|Exit|Warning|Group|[A-Z]\w+))(?::.*)?$")


class NoLog(Exception):
    """There is none to be had. The text says why."""


async def journal() -> list[str]:
    """The newest lines of our unit. Raises NoLog."""
    try:
        status, output = await output_of(JOURNAL, DEADLINE_SECONDS)
    except TimeoutError:
        raise NoLog("journalctl did not answer in time.") from None
    except OSError:
        raise NoLog("There is no journalctl here; name the file with --log.") from None
    if status != 0 or not output:
        raise NoLog("The journal shows no line of ringfence; run as root, or name the file with --log.")
    return output[-MAX_BYTES:].decode(errors="replace").splitlines()[-MAX_LINES:]


def of_file(path: Path) -> list[str]:
    """The last lines of a file. Raises NoLog."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, file.seek(0, os.SEEK_END) - MAX_BYTES))
            return file.read(MAX_BYTES).decode(errors="replace").splitlines()[-MAX_LINES:]
    except OSError as error:
        raise NoLog(f"The log cannot be read ({error.strerror}).") from None


def told(lines: Iterable[str], redaction: Redaction) -> str:
    """One JSON object a line, the oldest first, and how many lines were not ours."""
    kept, foreign = [], 0
    for line in lines:
        entry = _entry(line)
        if entry is None:
            foreign += 1
        else:
            kept.append(json.dumps(dict(_fields(entry, redaction)), ensure_ascii=False))
    return "\n".join([*kept, json.dumps({"lines left out, not of the daemon": foreign})]) + "\n"


def _entry(line: str) -> dict[str, Any] | None:
    begin = line.find("{")  # a syslog file has its own words before it
    try:
        found = json.loads(line[begin:]) if begin >= 0 else None
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) and "event" in found else None


def _fields(entry: dict[str, Any], redaction: Redaction) -> Iterator[tuple[str, Any]]:
    ours = str(entry.get("logger", "")).startswith("ringfence")
    for name, value in entry.items():
        if name == "event":
            yield name, redaction.text(str(value)) if ours else LEFT_OUT
        elif name == "exception":
            yield name, [redaction.text(frame) for frame in _frames(str(value))]
        elif name in FIELDS and (ours or name in ("level", "logger", "timestamp")):
            plain = isinstance(value, int | float | bool)
            yield name, redaction.number(value) if plain else redaction.text(str(value))
        else:
            yield redaction.text(name), LEFT_OUT


def _frames(traceback: str) -> Iterator[str]:
    """Where, and of which kind; never what it said, for that may quote anything."""
    for line in traceback.splitlines():
        if (frame := _FRAME.match(line)) is not None:
            yield f"{frame[1]}:{frame[2]} {frame[3]}"
        elif (raised := _RAISED.match(line)) is not None:
            yield raised[1]
