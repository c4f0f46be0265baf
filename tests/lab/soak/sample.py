"""One look at everything that could grow, at a quiet moment: no call is up, no page is open."""

from __future__ import annotations

import json
import os
import re
import signal
import sqlite3
from contextlib import closing
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from tests.lab.soak.judge import Kind, Measure
from tests.lab.soak.site import BACKUPS_KEPT, Site
from tests.lab.waiting import LabError, wait_until

ANSWER_SECONDS = 30.0
METRIC = re.compile(r"^(\w+) ([0-9.e+]+)$", re.MULTILINE)

DAILY_TABLES = frozenset(
    {"calls", "notices", "deliveries", "incidents", "incident_notes", "call_backs"}
    | {"call_gaps", "staff_messages", "order_answers"}
)
"""Kept for `keep_..._days`, which is one day here, or for a day in any case."""
KEPT_TABLES = frozenset(
    {"audit_rows", "transitions", "directory_changes", "roster_notes", "hr_runs", "hr_plans", "hr_records"}
    | {"tenures", "releases", "usual_hours", "coverage"}
)
"""Kept for 400 days, for weeks, or for ever."""

FILLING_TABLES = frozenset({"delivered"})
"""One row for each DID at most, as soon as it was called."""
USE_ROWS_A_DID = 3
"""Of AstDB: what limits have counted of the DID itself, and of the numbers that it rang."""

# Python keeps each helper thread that it ever needed at the same time, up to four and the number of cores.
MEASURES = (
    Measure("daemon rss", Kind.MEMORY, "kB"),
    Measure("daemon private", Kind.MEMORY, "kB"),
    Measure("daemon pss", Kind.TOLD, "kB"),
    Measure("daemon heap in use", Kind.TOLD, "kB"),
    Measure("daemon heap free", Kind.TOLD, "kB"),
    Measure("daemon sqlite", Kind.TOLD, "kB"),
    Measure("daemon python blocks", Kind.TOLD),
    Measure("daemon descriptors", Kind.COUNT),
    Measure("daemon threads", Kind.COUNT, limit=4),
    Measure("tasks", Kind.COUNT),
    Measure("timers", Kind.COUNT, limit=10),
    Measure("asterisk rss", Kind.TOLD, "kB"),
    Measure("asterisk pss", Kind.TOLD, "kB"),
    Measure("asterisk descriptors", Kind.COUNT),
    Measure("asterisk threads", Kind.COUNT),
    Measure("asterisk channels", Kind.EMPTY),
    Measure("astdb keys", Kind.COUNT),
    Measure("astdb content", Kind.MEMORY, "bytes"),
    Measure("astdb keys of limits", Kind.TOLD),
    Measure("astdb file", Kind.TOLD, "kB"),
    Measure("database file", Kind.TOLD, "kB"),
    Measure("database without journals", Kind.MEMORY, "kB"),
    Measure("database log", Kind.BOUNDED, "kB", limit=16 * 1024),
    Measure("spooled", Kind.EMPTY, "bytes"),
    Measure("unstored changes", Kind.EMPTY),
    Measure("files of the daemon", Kind.TOLD),
    Measure("backups", Kind.BOUNDED, "files", limit=BACKUPS_KEPT),
    Measure("daemon log", Kind.TOLD, "kB"),
    Measure("asterisk log", Kind.TOLD, "kB"),
    Measure("metrics", Kind.COUNT, "lines"),
)


@dataclass(frozen=True, slots=True)
class Sample:
    """`values` by measure; `rows` by table of the database; `tasks` by their names. `traced` is what the daemon tells
    of its memory in a run with `--trace`."""

    hour: float
    values: dict[str, float]
    rows: dict[str, int]
    tasks: dict[str, int]
    traced: dict[str, Any] = field(default_factory=dict)


def measures(dids: int, rows: dict[str, int]) -> list[Measure]:
    """All of them, for a site of this size whose database has these tables."""
    limits = {"astdb keys of limits": USE_ROWS_A_DID * dids}
    limits |= {f"rows of {name}": dids for name in FILLING_TABLES}
    tables = [Measure(f"rows of {name}", _kind_of(name), "rows") for name in sorted(rows)]
    return [
        replace(one, kind=Kind.BOUNDED, limit=limits[one.name]) if one.name in limits else one
        for one in (*MEASURES, *tables)
    ]


def _kind_of(table: str) -> Kind:
    if table in DAILY_TABLES:
        return Kind.DAILY
    return Kind.KEPT if table in KEPT_TABLES else Kind.COUNT


async def taken(site: Site, hour: float) -> Sample:
    """Raises LabError when the daemon does not tell."""
    daemon, asterisk = site.node.process.pid, site.lab.asterisk.process.pid
    counts = await _asked(site)
    text = await site.node.text("/metrics")
    metrics = {name: float(value) for name, value in METRIC.findall(text)}
    database = site.node.state_dir / "ringfence.db"
    rows, journals_kb, used_kb = _database(database)
    astdb = site.lab.asterisk.directory / "db" / "astdb.sqlite3"
    keys, content, use_rows = _astdb(astdb)
    state = site.node.state_dir
    files = [file for file in state.rglob("*") if file.is_file()]
    values = {
        "daemon descriptors": _entries(daemon, "fd"),
        "daemon threads": _entries(daemon, "task"),
        "tasks": metrics["ringfence_tasks"],
        "timers": float(counts["timers"]),
        "asterisk descriptors": _entries(asterisk, "fd"),
        "asterisk threads": _entries(asterisk, "task"),
        "asterisk channels": await _channels(site),
        "astdb keys": keys,
        "astdb content": content,
        "astdb keys of limits": use_rows,
        "astdb file": _kb(astdb),
        "database file": _kb(database),
        "database without journals": used_kb - journals_kb,
        "database log": _kb(database.with_name("ringfence.db-wal")),
        "spooled": float(sum(_written(file) for file in files if "spool" in str(file.relative_to(state)))),
        "unstored changes": metrics["ringfence_unstored_changes"],
        "files of the daemon": float(len(files)),
        "backups": float(len(list((site.node.directory / "backups").glob("*")))),
        "daemon log": _kb(site.node.process.log_path),
        "asterisk log": float(sum(_kb(file) for file in site.lab.asterisk.log_path.parent.glob("*") if file.is_file())),
        "metrics": float(text.count("\n")),
        **_memory("daemon", daemon),
        **{f"daemon {name}": value for name, value in counts["memory"].items()},
        **_memory("asterisk", asterisk),
    }
    traced: dict[str, Any] = {name: counts[name] for name in ("types", "held", "traced") if name in counts}
    return Sample(hour, values, rows, counts["tasks"], traced)


async def _asked(site: Site) -> dict[str, Any]:
    """What the daemon's process tells of itself."""
    place = site.node.counts
    place.unlink(missing_ok=True)
    site.node.process.send_signal(signal.SIGUSR2)
    await wait_until(
        place.exists,
        what="the daemon to tell of itself",
        deadline_seconds=ANSWER_SECONDS,
        diagnose=site.node.process.log_tail,
    )
    found = json.loads(place.read_text(encoding="utf-8"))
    assert isinstance(found, dict)
    return found


async def _channels(site: Site) -> float:
    said = await site.lab.asterisk.cli("core show channels count")
    found = re.search(r"(\d+) active channel", said)
    if found is None:
        raise LabError(f"Asterisk does not count its channels: {said}")
    return float(found[1])


def _memory(whose: str, pid: int) -> dict[str, float]:
    """Resident; with shared pages by halves, which goes up when another program that shares them ends; and what is
    nobody else's; kB."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]
    sizes = {name: float(rest.split()[0]) for name, _, rest in (line.partition(":") for line in lines)}
    private = sizes["Private_Clean"] + sizes["Private_Dirty"]
    return {f"{whose} rss": sizes["Rss"], f"{whose} pss": sizes["Pss"], f"{whose} private": private}


def _entries(pid: int, what: str) -> float:
    return float(len(os.listdir(f"/proc/{pid}/{what}")))


def _kb(file: Path) -> float:
    """0 for one that is not there."""
    return round(file.stat().st_size / 1024, 1) if file.exists() else 0.0


def _written(file: Path) -> int:
    """Bytes without the blanks that keep some room on the disk."""
    return len(file.read_bytes().strip(b"\0 "))


def _astdb(file: Path) -> tuple[float, float, float]:
    """Keys, and bytes of keys and values, without what limits have counted; and the keys of that: a row for each DID
    and number that was ever diverted, which is written over in place."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=10)) as connection:
        rows = connection.execute("SELECT key, length(key) + length(value) FROM astdb").fetchall()
    sizes = [size for key, size in rows if not key.startswith("/ringfence/use/")]
    return float(len(sizes)), float(sum(sizes)), float(len(rows) - len(sizes))


def _database(file: Path) -> tuple[dict[str, int], float, float]:
    """Rows by table; kB of the tables that are kept for a time, with their indexes; kB in use."""
    with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True, timeout=30)) as connection:
        tables = connection.execute("SELECT name, tbl_name FROM sqlite_master").fetchall()
        owner = dict(tables)
        names = [name for name, table in tables if name == table and not name.startswith("sqlite_")]
        rows = {name: connection.execute(f'SELECT count(*) FROM "{name}"').fetchone()[0] for name in names}
        sizes = connection.execute("SELECT name, sum(pgsize) FROM dbstat GROUP BY name").fetchall()
    journals = sum(size for name, size in sizes if owner.get(name) in DAILY_TABLES | KEPT_TABLES | FILLING_TABLES)
    return rows, journals / 1024, sum(size for _, size in sizes) / 1024
