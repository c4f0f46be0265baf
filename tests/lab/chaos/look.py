"""Reads the database, AstDB and the audit record beside the daemon, which is not asked for anything."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence import config
from ringfence.app.directory_import import StoredDirectory
from ringfence.bootstrap import values
from ringfence.bootstrap.storing import database_of
from ringfence.config import Settings
from ringfence.domain.audit_chain import FIRST_DIGEST, AuditRow, digest_of
from ringfence.domain.hr.derivation import derive
from ringfence.domain.hr.record import HrRecord
from ringfence.domain.hr.roster import Roster
from ringfence.domain.moment import Moment
from ringfence.domain.outage import ScopeState, effective
from ringfence.domain.override import NarrowWords, Override, OverrideKind, standing_override
from ringfence.domain.records import Forced
from ringfence.domain.route_table import compile_table
from ringfence.store.database import Database
from ringfence.store.directory_store import SqlDirectoryStore
from ringfence.store.order_store import SqlOrderStore
from ringfence.store.outage_store import NO_OVERRIDE, SqlOutageStore
from ringfence.store.roster_store import SqlRosterStore
from ringfence.store.tables import directory_changes, transitions
from ringfence.store.tables_audit import audit_head, audit_rows
from ringfence.store.tables_roster import hr_plans, hr_runs, roster_notes
from tests.lab.asterisk import AsteriskInstance
from tests.lab.chaos.check import Found
from tests.lab.chaos.orders import NOTHING, is_tag
from tests.lab.node import RingfenceNode

TABLE = ("did/", "fallback/", "team/", "site/")


@dataclass(slots=True)
class Histories:
    """Counted so far: each look reads only what is new. Rows that vanish later are seen by the audit's digests, which
    are checked from the first to the last at the end."""

    traces: Counter[str] = field(default_factory=Counter)
    after: dict[str, int] = field(default_factory=dict)
    digest: str = FIRST_DIGEST
    modes: dict[str, tuple[str, int]] = field(default_factory=dict)
    """By scope, where the last transition led and its version."""
    passing: Counter[str] = field(default_factory=Counter)
    """By target, how many words were said less those that ended."""


class Looker:
    """`close` it."""

    def __init__(self, node: RingfenceNode, asterisk: AsteriskInstance, passing: Iterable[str]) -> None:
        """`passing`: DIDs about which words are said that end by themselves."""
        self._spool = node.state_dir / "spool.jsonl"
        self._passing = frozenset(f"did:{did}" for did in passing)
        self._asterisk = asterisk
        self._settings: Settings = config.load(node.config_path)
        self._database: Database = database_of(self._settings, node.config_path, as_it_is=True)
        self._policy = values.roster_policy(self._settings)
        self._histories = Histories()

    async def close(self) -> None:
        await self._database.close()

    async def look(self) -> Found:
        """Everything, as it is now."""
        outages = SqlOutageStore(self._database)
        words, states = await outages.load_overrides(), await outages.load_states(Moment(datetime.now(UTC), 0.0))
        stored = await SqlDirectoryStore(self._database).load()
        roster = await SqlRosterStore(self._database).load()
        waiting = await SqlOrderStore(self._database).load_pending()
        audit, own = await self._read_histories(states)
        held = await self._held()
        scope = next(iter(states.values()), None)
        return Found(
            cells={
                **{f"override {word.target}": word.why for word in words if str(word.target) not in self._passing},
                **{f"waiting {one.order.target}": one.order.why for one in waiting},
                **{f"entry {key}": _entered(entries) for key, entries in roster.entries.items()},
            },
            said={id_.id: _number(state.said) for id_, state in roster.records.items()},
            accepted={id_.id: _number(state.accepted) for id_, state in roster.records.items() if state.accepted},
            imported=_imported(stored),
            traces=Counter(self._histories.traces),
            astdb={key: value for key, value in held.items() if key.startswith(TABLE)},
            compiled=self._compiled(stored, roster, words),
            mode="" if scope is None else _mode(scope, words),
            held_mode="" if scope is None else _without_time(held.get(f"mode/{scope.scope}", "")),
            audit_faults=tuple(audit),
            own_faults=tuple(own),
            late=tuple(self._late(words)),
        )

    def _late(self, words: list[Override]) -> Iterator[str]:
        spooled = sum(bool(line.strip()) for line in self._spool.read_text(errors="replace").splitlines())
        if spooled:
            yield f"the spool holds {spooled} changes that are not stored"
        stand = {str(word.target) for word in words} & self._passing
        for target in stand:
            yield f"the word about {target} stands, which was to end by itself"
        for target, standing in self._histories.passing.items():
            if standing != (target in stand):
                yield f"the history of {target} says {standing} words stand, and {int(target in stand)} do"

    async def published(self) -> bool:
        """Whether AstDB holds the table that the database makes."""
        stored = await SqlDirectoryStore(self._database).load()
        roster = await SqlRosterStore(self._database).load()
        words = await SqlOutageStore(self._database).load_overrides()
        held = {key: value for key, value in (await self._held()).items() if key.startswith(TABLE)}
        return held == self._compiled(stored, roster, words)

    async def diverts(self) -> bool:
        """Whether AstDB sends the scope's calls away from the platform."""
        return (await self._held()).get("mode/uc", "").split("|")[1:2] == ["divert"]

    async def _held(self) -> dict[str, str]:
        rows = await self._asterisk.db_show("ringfence")
        return {key.removeprefix("/ringfence/"): value for key, value in rows.items()}

    def _compiled(self, stored: StoredDirectory, roster: Roster, words: list[Override]) -> dict[str, str]:
        directory = derive(stored.directory, roster, self._policy, datetime.now(UTC)).directory
        forced = {
            did: Forced.DIVERT if word.kind is OverrideKind.DR else Forced.PINNED
            for did, word in NarrowWords.of(words).winners(directory)
        }
        policy, fallbacks = values.routing_policy(self._settings), values.trunk_fallbacks(self._settings)
        return dict(compile_table(directory, policy, forced, fallbacks))

    async def _read_histories(self, states: Mapping[str, ScopeState]) -> tuple[list[str], list[str]]:
        known = self._histories
        async with self._database.reading() as connection:
            for row in await self._new(connection, transitions, "id"):
                known.traces[f"history {row.why}"] += is_tag(row.why)
                if row.scope in self._passing:
                    known.passing[row.scope] += 1 if row.after != NO_OVERRIDE else -1
                if row.version is not None:
                    known.modes[row.scope] = (row.after, row.version)
            for row in await self._new(connection, directory_changes, "version"):
                known.traces[f"directory {row.why}"] += is_tag(row.why)
            for row in await self._new(connection, roster_notes, "id"):
                # A decision has a note of its own and one for each person.
                one_of_many = row.what.startswith("plan") and row.person
                known.traces[f"note {row.why}"] += is_tag(row.why) and not one_of_many
            for row in await self._new(connection, hr_runs, "id"):
                known.traces[f"run {row.label}"] += 1
            # A plan is closed in the row that it was opened with.
            closed = (await connection.execute(select(hr_plans.c.why).where(hr_plans.c.why != ""))).scalars()
            for why, count in Counter(closed).items():
                known.traces[f"plan {why}"] = count
            audit = await self._read_audit(connection)
        known.traces = +known.traces
        own = [
            f"scope {scope}: the state is {state.mode} version {state.version}, its history ends with {after}"
            for scope, state in states.items()
            if (after := known.modes.get(scope)) is not None and after != (state.mode.value, state.version)
        ]
        return audit, own

    async def _new(self, connection: AsyncConnection, table: Any, column: str) -> list[Any]:
        """The rows after those that were read before, by their number."""
        number = table.c[column]
        newer = select(table).where(number > self._histories.after.get(table.name, 0)).order_by(number)
        rows = list((await connection.execute(newer)).all())
        if rows:
            self._histories.after[table.name] = getattr(rows[-1], column)
        return rows

    async def _read_audit(self, connection: AsyncConnection) -> list[str]:
        known, told = self._histories, list[str]()
        last = known.after.get(audit_rows.name, 0)
        for raw in await self._new(connection, audit_rows, "number"):
            row = AuditRow(**raw._mapping)
            if row.number != last + 1 or row.digest != digest_of(row, row.number, known.digest):
                told.append(f"the audit chain breaks at row {row.number}")
            last, known.digest = row.number, row.digest
            if trace := _audit_trace(row):
                known.traces[trace] += 1
        head = (await connection.execute(select(audit_head))).one()
        if (head.number, head.digest) != (last, known.digest):
            told.append(f"the audit record ends at row {last}, its head says {head.number}")
        return told


def _audit_trace(row: AuditRow) -> str:
    if row.kind == "hr" and row.action == "feed taken in":
        return f"audit {row.action} {json.loads(row.detail).get('from', '')}"
    if not is_tag(row.why):
        return ""
    what = "entry" if row.kind == "person" else row.action
    return f"audit {what} {row.why}"


def _entered(entries: Any) -> str:
    return NOTHING if entries.numbers is None else str(entries.numbers.why)


def _number(record: HrRecord | None) -> str:
    return record.numbers[0].e164 if record is not None and record.numbers else ""


def _imported(stored: StoredDirectory) -> dict[str, str]:
    """One person's number, and whether their DID is critical: what an import changes."""
    directory = stored.directory
    critical = {item.owner for item in directory.assignments.values() if item.critical}
    return {
        key: f"{person.default_numbers[0].e164}{' critical' if key in critical else ''}"
        for key, person in directory.people.items()
    }


def _mode(state: ScopeState, words: list[Override]) -> str:
    word = standing_override(words, state.scope)
    said = word.kind.value if word else "-"
    return f"{effective(state, word).value}|{state.mode.value}|{said}"


def _without_time(value: str) -> str:
    fields = value.split("|")
    return f"{fields[1]}|{fields[3]}|{fields[4]}" if len(fields) > 4 else value
