"""Asterisk's own call records: whether what ends while the daemon is away could be completed from them."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path
from typing import Final

from ringfence.asterisk.call_records import OUR_CONTEXTS, read_row
from ringfence.cli.doctor.finding import Finding, ok, warn
from ringfence.cli.doctor.ground import Ground

END_BYTES: Final = 256 << 10
FIX: Final = "docs/howto/after-an-outage.md says how Asterisk writes them; `cdr_csv` in [asterisk] says where."
LOST: Final = "Calls that end while the daemon is away will be missing in incidents and call-back lists."


async def call_records(ground: Ground) -> list[Finding]:
    """There, readable, and with the columns that tell of our calls."""
    path = ground.settings.asterisk.cdr_csv
    try:
        lines = await asyncio.to_thread(_last_lines, path)
    except OSError as error:
        return [warn(f"Asterisk's call records, {path}, cannot be read ({error.strerror}). {LOST}", FIX)]
    if any(read_row(line) is not None for line in lines):
        return [ok(f"Asterisk's call records, {path}, tell what became of calls.")]
    if any(f'"{OUR_CONTEXTS}' in line for line in lines):
        return [warn(f"Asterisk's call records, {path}, do not tell what became of calls. {LOST}", FIX)]
    return [ok(f"Asterisk's call records, {path}, can be read; no call of ours is at their end yet.")]


def _last_lines(path: Path) -> list[str]:
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        file.seek(max(0, end - END_BYTES))
        return file.read(END_BYTES).decode(errors="replace").split("\n")
