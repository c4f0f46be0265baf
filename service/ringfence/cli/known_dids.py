"""Which DIDs are ours: asked of the daemon, or read from a `dids.csv` that is still to be imported."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ringfence.bootstrap.values import csv_rules
from ringfence.cli.client import Daemon, NoDaemon, Refused
from ringfence.config import Settings
from ringfence.domain.csv_fields import DID_COLUMNS, Notes
from ringfence.domain.csv_range import BY_EXTENSION, DidRow, read_did_row
from ringfence.domain.csv_text import MAX_FILE_BYTES, read_sheet
from ringfence.domain.did_range import MAX_RANGED_DIDS, DidRange

PAGE_DIDS: Final = 10_000
MAX_PAGES: Final = 100

Owners = Mapping[str, str | None]
"""DID -> the owner's key; None: vacant."""


def of_daemon(daemon: Daemon) -> Owners | None:
    """None: no daemon answers."""
    owners: dict[str, str | None] = {}
    after: str | None = None
    try:
        for _ in range(MAX_PAGES):
            page = daemon.call("GET", "/v1/dids", {"after": after, "limit": str(PAGE_DIDS)})
            owners |= {item["did"]: item["owner"] for item in page["dids"]}
            after = page["next"]
            if after is None:
                break
    except NoDaemon:
        return None
    return owners


def of_file(path: Path, settings: Settings) -> Owners:
    """Raises Refused with every fault of the file."""
    rules = csv_rules(settings)
    notes = Notes(str(path))
    try:
        with path.open("rb") as file:
            rows = read_sheet(str(path), file.read(MAX_FILE_BYTES + 1), DID_COLUMNS, notes.problems)
    except OSError as error:
        raise Refused(0, f"{path}: {error.strerror}.") from None
    items: list[DidRow] = [item for row in rows if (item := read_did_row(row, rules, notes)) is not None]
    ranges = [item for item in items if isinstance(item, DidRange)]
    if notes.errors or sum(one.count for one in ranges) > MAX_RANGED_DIDS:
        problems = [str(problem) for problem in notes.problems]
        raise Refused(0, f"{path} cannot be read.", fix="Correct it, then try again.", problems=problems)
    owners: dict[str, str | None] = {}
    for one in ranges:
        owners |= dict.fromkeys(one.numbers, BY_EXTENSION if one.by_extension else one.owner)
    return owners | {item.did: item.owner for item in items if not isinstance(item, DidRange)}
