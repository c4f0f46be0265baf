"""Moving everything into another database, and what one holds: for the command line, while no daemon writes."""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.app.ports import RingfenceError
from ringfence.bootstrap.restored_files import owned_like
from ringfence.bootstrap.storing import database_of, password_of, place_of
from ringfence.config import Settings
from ringfence.config.database_settings import SQLITE, on_server
from ringfence.domain.audit import AuditFact
from ringfence.domain.audit_kind import AuditKind
from ringfence.store.audit_rows import append
from ringfence.store.contents import Contents, Portion, Tally, load
from ringfence.store.database import Database
from ringfence.store.migrating import present_revision, revisions, upgrade

Told = Callable[[int, int], None]
"""Told how many rows have been copied, and how many there are."""


class CannotMove(RingfenceError):
    """The one cannot be moved into the other. Nothing was changed in either."""


@dataclass(frozen=True, slots=True)
class Moved:
    """`rows` and `digests` by table, found alike in both. `rehearsed`: all of it was done, and undone again."""

    schema: str
    rows: dict[str, int]
    digests: dict[str, str]
    rehearsed: bool


@dataclass(frozen=True, slots=True)
class Info:
    """`schema` is None for a database that has no tables yet; `owner` names the daemon that writes into one on a
    server, where one does."""

    engine: str
    place: str
    size_bytes: int
    schema: str | None
    newest_schema: str
    rows: dict[str, int]
    owner: str | None


@dataclass(frozen=True, slots=True)
class Order:
    """From the configuration's database to `to`, a checked address. `who` ordered it."""

    settings: Settings
    config: Path
    to: str
    rehearse: bool
    who: str


async def move(order: Order, told: Told = lambda done, in_all: None) -> Moved:
    """With the state directory's lock in hand. One transaction there: the tables, their rows, the comparison. The old
    database is only read. Raises CannotMove, StoreError."""
    settings, at = order.settings, datetime.now(UTC)
    place = place_of(settings)
    if isinstance(place, Path) and not place.exists():
        raise CannotMove(f"There is no database {place}.", "Name the right configuration with --config.")
    if order.to == (f"{SQLITE}{place}" if isinstance(place, Path) else place):
        raise CannotMove("That is the database that is used now.", "Name another one with --to.")
    password = password_of(order.to, order.config) if on_server(order.to) else ""
    source = database_of(settings, order.config, as_it_is=True)
    target = Database.at(order.to, as_it_is=True, password=password, sole=True)
    file = Path(order.to.removeprefix(SQLITE)) if order.to.startswith(SQLITE) else None
    new_file = file is not None and not file.exists()
    try:
        async with source.reading() as reading:
            contents = await _contents(reading)
            try:
                return await target.write(lambda writing: _move(order, contents, writing, at, told))
            except _Rehearsed as done:
                return done.moved
    finally:
        await source.close()
        await target.close()
        if file is not None and new_file and file.exists():
            if order.rehearse:
                file.unlink()
            else:
                owned_like(file, settings.state_dir)


async def info(settings: Settings, config: Path) -> Info:
    """Only looks; a daemon may run. Raises CannotMove when there is none, StoreError."""
    place = place_of(settings)
    if isinstance(place, Path) and not place.exists():
        raise CannotMove(f"There is no database {place}.", "`ringfence import` or `ringfence run` makes it.")
    database = database_of(settings, config, as_it_is=True)
    try:
        async with database.reading() as connection:
            schema = await present_revision(connection)
            rows = {} if schema is None else await (await Contents.of(connection)).counts()
            about = await database.about(connection)
    finally:
        await database.close()
    return Info(about.engine, str(place), about.size_bytes, schema, revisions()[-1], rows, about.owner)


class _Rehearsed(Exception):
    """Ends a rehearsal's transaction, which undoes all of it."""

    def __init__(self, moved: Moved) -> None:
        self.moved = moved


async def _contents(reading: AsyncConnection) -> Contents:
    contents = await Contents.of(reading)
    if contents.revision != revisions()[-1]:
        raise CannotMove(
            f"The database is of schema {contents.revision}, this program's is {revisions()[-1]}.",
            "Start the daemon once: it brings the database up to date, a copy made first. Then stop it and move.",
        )
    return contents


async def _move(order: Order, contents: Contents, writing: AsyncConnection, at: datetime, told: Told) -> Moved:
    there = await present_revision(writing)
    if there is None:
        await upgrade(writing)
    before, counts = Counted(contents, told, sum((await contents.counts()).values())), {}
    await load(writing, contents.revision, before.portions())
    after = await (await Contents.of(writing)).tallies()
    for name, tally in after.items():
        expected = before.tallies[name]
        if (tally.rows, tally.digest) != (expected.rows, expected.digest):
            raise CannotMove(
                f"Table {name} is not the same there: {expected.rows} rows here, {tally.rows} rows there.",
                "Nothing was moved. Please report this.",
            )
        counts[name] = tally.rows
    moved = Moved(contents.revision, counts, {name: tally.digest for name, tally in after.items()}, order.rehearse)
    if order.rehearse:
        raise _Rehearsed(moved)
    detail = {"from": _engine(place_of(order.settings)), "to": _engine(order.to), "rows": str(sum(counts.values()))}
    fact = AuditFact(at, AuditKind.BACKUP, "database moved", "everything", order.who, by="command line", detail=detail)
    await append(writing, [fact])
    return moved


class Counted:
    """Contents on their way, counted by table."""

    def __init__(self, contents: Contents, told: Told, in_all: int) -> None:
        self._contents = contents
        self._told = told
        self._in_all = in_all
        self.tallies = {name: Tally() for name in contents.tables}

    async def portions(self) -> AsyncIterator[Portion]:
        done = 0
        async for portion in self._contents.portions():
            self.tallies[portion.table].add(portion.rows)
            done += len(portion.rows)
            self._told(done, self._in_all)
            yield portion


def _engine(place: Path | str) -> str:
    return "postgresql" if isinstance(place, str) and on_server(place) else "sqlite"
