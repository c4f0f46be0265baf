"""What Asterisk holds for its calls: the published table, its version, and whether all of it is there."""

from __future__ import annotations

import re
from datetime import UTC, datetime
from typing import Final

from ringfence.asterisk.needed_modules import VOICEMAIL_MODULES
from ringfence.asterisk.vocabulary import FAMILY
from ringfence.cli.doctor.asterisk_checks import modules_missing
from ringfence.cli.doctor.finding import Finding, fail, ok, unknown, warn
from ringfence.cli.doctor.ground import Ground, ask, variable
from ringfence.domain.record_text import SCHEMA_VERSION, RecordError
from ringfence.domain.records import TableRecord, decode_table
from ringfence.domain.route_table import BUCKET_COUNT

_VOICEMAIL_STEP: Final = re.compile(r"[|,]v:([0-9]{1,15}@[A-Za-z0-9_-]{1,32}):")
MAX_COUNTED_ROWS: Final = 20_000
"""Each bucket read scans all of AstDB while it is locked; with more rows calls would begin to feel it."""


async def table_published(ground: Ground) -> list[Finding]:
    """There, and of a version this program writes."""
    text = await _table_text(ground)
    if not text:
        return [
            warn(
                "AstDB holds no table: every call goes to the platform as if Ringfence were not there.",
                "On the first day: `ringfence import`, then `ringfence run`. Later: the running daemon mends it.",
            )
        ]
    schema = text.partition("|")[0][:20]
    if schema != SCHEMA_VERSION:
        words = f"The table in AstDB has schema {schema!r}; this version, and its dialplan, know {SCHEMA_VERSION!r}."
        return [fail(words, "One version for all: `ringfence snippets --shipped`, reload, restart the daemon.")]
    try:
        table = decode_table(text)
    except RecordError as error:
        return [fail(f"ringfence/table cannot be read: {error}.", "Restart the daemon: it publishes the table anew.")]
    verified = datetime.fromtimestamp(table.unix_time, UTC).isoformat(sep=" ", timespec="seconds")
    return [ok(f"Table {table.generation} with {table.rows} DIDs, verified {verified}.")]


async def table_complete(ground: Ground) -> list[Finding]:
    """Counts the records bucket by bucket. That each is the right one, the running daemon verifies."""
    try:
        table = decode_table(await _table_text(ground))
    except RecordError:
        return [unknown("There is no readable table to compare with.")]
    if table.rows > MAX_COUNTED_ROWS:
        words = f"Not counted: {table.rows} records are too many to read beside live calls."
        return [unknown(words, "`ringfence status` tells what the daemon last verified.")]
    found: dict[str, str] = {}
    for bucket in range(BUCKET_COUNT):
        found |= await _records(ground, bucket)
    ground.dids = list(found)
    return [_compared(len(found), table), *await _voicemail(ground, list(found.values()))]


def _compared(found: int, table: TableRecord) -> Finding:
    if found == table.rows:
        return ok(f"AstDB holds all {found} records of the table.")
    if not found:
        words = f"AstDB was emptied: the table has {table.rows} records, none is there. Calls go to the platform."
    else:
        words = f"AstDB holds {found} records, the table has {table.rows}."
    return fail(words, "The running daemon mends this by itself; start it, or look at its log.")


async def _table_text(ground: Ground) -> str:
    reply = await ask(ground.ami, "DBGet", {"Family": FAMILY, "Key": "table"})
    return next((row["val"] for row in reply.rows if "val" in row), "")


async def _voicemail(ground: Ground, records: list[str]) -> list[Finding]:
    boxes = {box for record in records for box in _VOICEMAIL_STEP.findall(record)}
    if not boxes:
        return []
    missing = await modules_missing(ground, VOICEMAIL_MODULES)
    if missing:
        return [
            warn(f"Plans have a voicemail step, and Asterisk has not loaded {module}.so: no message is taken.", fix)
            for module, fix in missing
        ]
    return [
        warn(
            f"Asterisk has no voicemail box {box}, which plans have as a step: callers hear the announcement instead.",
            "Add it to voicemail.conf and `asterisk -rx 'module reload app_voicemail.so'`, or correct `voicemail` in "
            "sites.csv.",
        )
        for box in sorted(boxes)
        if await variable(ground.ami, f"VM_INFO({box},exists)") != "1"
    ]


async def _records(ground: Ground, bucket: int) -> dict[str, str]:
    below = f"/{FAMILY}/did/{bucket}/"
    reply = await ask(ground.ami, "DBGetTree", {"Family": f"{FAMILY}/did/{bucket}"})
    rows = [(row.get("key", ""), row.get("val", "")) for row in reply.rows]
    return {key.removeprefix(below): value for key, value in rows if key.startswith(below)}
