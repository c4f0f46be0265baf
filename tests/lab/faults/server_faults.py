"""The database on a PostgreSQL server that goes away under calls: none is lost, and all is recorded once it is back."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from urllib.parse import quote

from tests.lab.faults import measuring
from tests.lab.faults.measuring import Fault, Kind, Load
from tests.lab.faults.result import Bound, Row, guarded
from tests.lab.faults.stage import Stage, now, opened
from tests.lab.installation import Installation
from tests.lab.node import RingfenceNode
from tests.lab.ports import Ports
from tests.lab.postgres import PostgresServer
from tests.lab.waiting import WaitTimeoutError, wait_until

LOAD = Load(count=220, per_second=10.0, before_seconds=2.0)
AWAY_SECONDS = 15.0
RECORDED_SECONDS = 30.0
COMMIT_SECONDS = 2


@dataclass(frozen=True, slots=True)
class _Going:
    what: str
    go: Callable[[PostgresServer, str], Awaitable[None]]
    come_back: Callable[[PostgresServer, str], Awaitable[None]]
    """Both are told which database it is about."""


async def _stop(server: PostgresServer, _: str) -> None:
    await server.stop()


async def _start(server: PostgresServer, _: str) -> None:
    await server.start()


async def _freeze(server: PostgresServer, _: str) -> None:
    await server.freeze()


async def _thaw(server: PostgresServer, _: str) -> None:
    server.thaw()


async def _slow_down(server: PostgresServer, database: str) -> None:
    """As on a disk that is slow to sync: whoever has written waits at the end of the transaction, once."""
    server.run(SLEEPS, database)
    for table in _tables(server, database):
        server.run(
            f"CREATE CONSTRAINT TRIGGER lab_sleeps AFTER INSERT OR UPDATE OR DELETE ON {table} "
            "DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION lab_sleep()",
            database,
        )


async def _speed_up(server: PostgresServer, database: str) -> None:
    for table in _tables(server, database):
        server.run(f"DROP TRIGGER lab_sleeps ON {table}", database)


def _tables(server: PostgresServer, database: str) -> list[str]:
    return [str(row[0]) for row in server.run("SELECT tablename FROM pg_tables WHERE schemaname = 'public'", database)]


SLEEPS = f"""
CREATE OR REPLACE FUNCTION lab_sleep() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF current_setting('lab.slept', true) IS DISTINCT FROM txid_current()::text THEN
    PERFORM set_config('lab.slept', txid_current()::text, true), pg_sleep({COMMIT_SECONDS});
  END IF;
  RETURN NULL;
END $$
"""

SERVER = {
    "PostgreSQL stopped": _Going("it is stopped for 15 s", _stop, _start),
    "PostgreSQL frozen": _Going("it is frozen for 15 s", _freeze, _thaw),
    "PostgreSQL slow": _Going(f"each commit takes {COMMIT_SECONDS} s, for 15 s", _slow_down, _speed_up),
}


async def server_rows(
    installation: Installation, wanted: Sequence[str], doing: Callable[[str], None]
) -> AsyncIterator[Row]:
    """Those wanted, on one stage of their own."""
    if not wanted:
        return
    async with _server() as server:
        database = server.create()

        def prepare(node: RingfenceNode) -> None:
            node.database = server.url(database)

        async with opened(installation, prepare=prepare) as stage:
            for name in wanted:
                doing(name)
                yield await guarded(name, _row(name, stage, server, database))


@asynccontextmanager
async def _server() -> AsyncIterator[PostgresServer]:
    ports = Ports()
    server = PostgresServer(ports)
    try:
        await server.start()
        yield server
    finally:
        await server.close()
        ports.close()


async def _row(name: str, stage: Stage, server: PostgresServer, database: str) -> Row:
    going = SERVER[name]
    what = f"{going.what}, and the platform is killed at the same moment; a person's order in between"
    fault = Fault(name, what, Kind.SILENT, _inject(going, server, database), verdict_seconds=2, load=LOAD)
    began_at = now()
    row = await measuring.run(fault, stage)
    with suppress(WaitTimeoutError):  # the bounds then say what is missing
        await wait_until(
            lambda: _everything_stored(stage, row, server, database, began_at),
            what="everything to be stored",
            deadline_seconds=RECORDED_SECONDS,
        )
    return replace(row, bounds=(*row.bounds, *_recorded(row, server, database, began_at)))


def _inject(going: _Going, server: PostgresServer, database: str) -> measuring.Act:
    async def act(stage: Stage) -> None:
        await going.go(server, database)
        await stage.lab.platform.kill()
        await stage.node.must("PUT", "/v1/override", {"mode": "dr", "did": stage.dids[0], "reason": "while it is away"})
        carrier = stage.lab.carrier
        away = round(AWAY_SECONDS * LOAD.per_second)
        await carrier.wait_records(len(carrier.records()) + away, deadline_seconds=AWAY_SECONDS * 3)
        await stage.node.must("DELETE", f"/v1/override?did={quote(stage.dids[0])}&reason=it+is+back")
        await going.come_back(server, database)

    return act


async def _everything_stored(stage: Stage, row: Row, server: PostgresServer, database: str, began_at: float) -> bool:
    status = await stage.node.must("GET", "/v1/status")
    stored = bool(status["store"]["up"]) and status["unstored_changes"] == 0
    return stored and all(bound.ok for bound in _recorded(row, server, database, began_at))


def _recorded(row: Row, server: PostgresServer, database: str, began_at: float) -> list[Bound]:
    """What the tables hold of this row's time, against what happened: neither more nor less."""
    since = datetime.fromtimestamp(began_at, UTC).isoformat()

    def count(query: str) -> int:
        return int(str(server.run(query.format(since=f"'{since}'"), database)[0][0]))

    assert row.tally is not None
    calls = count("SELECT count(DISTINCT call_id) FROM calls WHERE ended_at >= {since}")
    moves = count("SELECT count(*) FROM transitions WHERE at >= {since} AND after = 'FAILED_OVER'")
    words = count("SELECT count(*) FROM transitions WHERE at >= {since} AND signal = 'override' AND scope LIKE '%+44%'")
    audited = count("SELECT count(*) FROM audit_rows WHERE at >= {since} AND kind IN ('mode', 'override')")
    told = count("SELECT count(*) FROM transitions WHERE at >= {since}")
    return [
        Bound("calls not recorded", abs(row.tally.offered - calls), 0),
        Bound("failovers not recorded once", abs(moves - 1), 0),
        Bound("orders not recorded once", abs(words - 2), 0),
        Bound("changes not audited", max(0, told - audited), 0),
    ]
