"""Scope states, overrides and transitions. A transition's row is history and outbox in one (`ports.OutageStore`)."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import Any, Final

from sqlalchemy import Row, delete, insert, select, update
from sqlalchemy.ext.asyncio import AsyncConnection

from ringfence.app.audit_facts import facts_of_outage
from ringfence.app.once import Done
from ringfence.app.paging import Before
from ringfence.app.ports import OutageChange, VersionConflict
from ringfence.domain.history import HistoryRow
from ringfence.domain.moment import Moment
from ringfence.domain.outage import Mode, ScopeState, Transition, TrialTally
from ringfence.domain.override import Override, OverrideKind, OverrideTarget
from ringfence.domain.reasons import Reason
from ringfence.domain.verdict import Cause
from ringfence.store.audit_rows import append
from ringfence.store.database import QUICK_SECONDS, Database, understood, upsert
from ringfence.store.incident_rows import follow
from ringfence.store.once_rows import mark_done
from ringfence.store.override_json import override_json, read_override
from ringfence.store.paging import from_here
from ringfence.store.tables import overrides, scope_states, transitions
from ringfence.store.tables_orders import pending_orders

MAX_HISTORY: Final = 10_000  # rows in one answer
NO_OVERRIDE: Final = "-"

_REASONS: Final = {
    OverrideKind.DR: Reason.PERSON_FORCED_DR,
    OverrideKind.NORMAL: Reason.PERSON_FORCED_NORMAL,
    OverrideKind.FREEZE: Reason.PERSON_FROZE,
}


class SqlOutageStore:
    """Implements `ports.OutageStore`."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def load_states(self, now: Moment) -> dict[str, ScopeState]:
        async with self._database.reading() as connection:
            # The read itself is inside as well: a time that was edited by hand is turned into a value there.
            with understood("A scope's state"):
                rows = (await connection.execute(select(scope_states))).all()
                return {row.scope: _state(row, now) for row in rows}

    async def load_overrides(self) -> list[Override]:
        async with self._database.reading() as connection:
            with understood("An override"):
                rows = (await connection.execute(select(overrides).order_by(overrides.c.set_at))).all()
                return [_override(row) for row in rows]

    async def commit(self, change: OutageChange) -> None:
        async def work(connection: AsyncConnection) -> None:
            known = select(transitions.c.id).where(transitions.c.key == change.key)
            if (await connection.execute(known)).first() is not None:
                return
            if change.state is not None:
                await _store_state(connection, change.state)
            await follow(connection, change)
            for row in await _rows(connection, change):
                await connection.execute(insert(transitions).values(row))
            if change.override_released is not None:
                target = str(change.override_released)
                await connection.execute(delete(overrides).where(overrides.c.target == target))
            if change.override_set is not None:
                await upsert(connection, overrides, [_override_row(change.override_set)])
                # What waited for a second person waits no longer: it has the id of what was said.
                approved = pending_orders.c.id == change.override_set.id
                await connection.execute(delete(pending_orders).where(approved))
            await append(connection, list(facts_of_outage(change)))
            if change.once is not None and change.at is not None:
                done = Done(change.override_set, change.override_released)
                await mark_done(connection, change.once, done, change.at)

        await self._database.write(work, QUICK_SECONDS)

    async def history(self, limit: int, before: Before | None = None, scope: str | None = None) -> list[HistoryRow]:
        newest = select(transitions).order_by(transitions.c.at.desc(), transitions.c.id.desc())
        newest = from_here(newest, transitions.c.at, before)
        if scope is not None:
            newest = newest.where(transitions.c.scope == scope)
        async with self._database.reading() as connection:
            with understood("The history"):
                rows = (await connection.execute(newest.limit(min(limit, MAX_HISTORY)))).all()
                return [history_row(row) for row in rows]


async def _store_state(connection: AsyncConnection, state: ScopeState) -> None:
    """Compare and swap: exactly one writer can follow a version."""
    values = {
        "mode": state.mode,
        "since": state.since.wall,
        "reason": state.reason,
        "cause": state.cause,
        "bad_trials": state.bad_trials,
        "trial_good": state.trial.good,
        "trial_bad": state.trial.bad,
        "version": state.version,
    }
    mine = scope_states.c.scope == state.scope
    stored = (await connection.execute(select(scope_states.c.version).where(mine))).scalar_one_or_none()
    # A scope nobody has stored yet counts as version 0 (`outage.first_state`).
    if (stored or 0) != state.version - 1:
        raise _conflict(state, stored)
    if stored is None:
        await connection.execute(insert(scope_states).values(scope=state.scope, **values))
        return
    swap = update(scope_states).where(mine, scope_states.c.version == stored).values(**values)
    if (await connection.execute(swap)).rowcount != 1:
        raise _conflict(state, stored)


def _conflict(state: ScopeState, stored: int | None) -> VersionConflict:
    return VersionConflict(
        f"The stored state of scope {state.scope} is version {stored or 0}, and version {state.version} cannot follow.",
        "Another daemon writes here, or a backup was restored: restart Ringfence so that it reads the state anew.",
    )


async def _rows(connection: AsyncConnection, change: OutageChange) -> list[dict[str, Any]]:
    """The history rows of one change. The first carries the key by which a repetition is known."""
    rows: list[dict[str, Any]] = []
    if change.transition is not None:
        rows.append(_mode_row(change, change.transition))
    released, set_now = change.override_released, change.override_set
    if released is not None:
        before = await _standing(connection, released)
        reason = Reason.OVERRIDE_EXPIRED if change.expired else Reason.PERSON_RELEASED
        rows.append(_word_row(change, released, before, NO_OVERRIDE, reason, change.at))
    if set_now is not None:
        before = await _standing(connection, set_now.target)
        when = change.at or set_now.set_at
        row = _word_row(change, set_now.target, before, set_now.kind, _REASONS[set_now.kind], when)
        rows.append(row | {"evidence": list(_about_word(set_now))})
    if not rows and change.state is not None:
        rows.append(_silent_row(change, change.state))
    for number, row in enumerate(rows):
        row["key"] = change.key if number == 0 else f"{change.key}#{number}"
    return rows


async def _standing(connection: AsyncConnection, target: OverrideTarget) -> str:
    found = select(overrides.c.kind).where(overrides.c.target == str(target))
    return (await connection.execute(found)).scalar_one_or_none() or NO_OVERRIDE


def _mode_row(change: OutageChange, transition: Transition) -> dict[str, Any]:
    return {
        "at": transition.at.wall,
        "scope": transition.scope,
        "before": transition.before,
        "after": transition.after,
        "signal": transition.signal,
        "reason": transition.reason,
        "evidence": list(transition.evidence),
        "version": transition.version,
        "who": change.who,
        "why": change.why,
    }


def _about_word(word: Override) -> Iterator[str]:
    """What the row does not say otherwise."""
    if word.target.dids:
        yield f"about {word.target.words}"
    if word.approved_by:
        yield f"approved by {word.approved_by}"
    if word.alone:
        yield "carried out alone: a second person was asked for and did not come"
    if word.until is not None:
        yield f"until {word.until.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def _word_row(
    change: OutageChange, target: OverrideTarget, before: str, after: str, reason: Reason, at: datetime | None
) -> dict[str, Any]:
    assert at is not None, "a change made by a person has a time"
    return {
        "at": at,
        "scope": target.scope or str(target),
        "before": before,
        "after": after,
        "signal": "override",
        "reason": reason,
        "evidence": [],
        "version": None,
        "who": change.who,
        "why": change.why,
    }


def _silent_row(change: OutageChange, state: ScopeState) -> dict[str, Any]:
    """A state stored without a mode change (the first one): kept in history, so that its key is known."""
    return {
        "at": change.at or state.since.wall,
        "scope": state.scope,
        "before": state.mode,
        "after": state.mode,
        "signal": "stored",
        "reason": state.reason,
        "evidence": [],
        "version": state.version,
        "who": change.who,
        "why": change.why,
    }


def _override_row(override: Override) -> dict[str, Any]:
    return {
        "target": str(override.target),
        "scope": override.target.scope,
        "did": override.target.did,
        "site": override.target.site,
        "team": override.target.team,
        "dids": list(override.target.dids) or None,
        "kind": override.kind,
        "who": override.who,
        "why": override.why,
        "set_at": override.set_at,
        "until": override.until,
        "id": override.id,
        "replaced": None if override.replaced is None else override_json(override.replaced),
        "approved_by": override.approved_by,
        "alone": override.alone,
    }


def _state(row: Row[Any], now: Moment) -> ScopeState:
    return ScopeState(
        scope=row.scope,
        mode=Mode(row.mode),
        since=now.at_wall(row.since),
        reason=Reason(row.reason),
        cause=None if row.cause is None else Cause(row.cause),
        bad_trials=row.bad_trials,
        trial=TrialTally(row.trial_good, row.trial_bad),
        version=row.version,
    )


def _override(row: Row[Any]) -> Override:
    return Override(
        target=OverrideTarget(row.scope, row.did, row.site, row.team, tuple(row.dids or ())),
        kind=OverrideKind(row.kind),
        who=row.who,
        why=row.why,
        set_at=row.set_at,
        until=row.until,
        id=row.id,
        replaced=None if row.replaced is None else read_override(row.replaced),
        approved_by=row.approved_by,
        alone=row.alone,
    )


def history_row(row: Row[Any]) -> HistoryRow:
    """Of a row of `transitions`."""
    return HistoryRow(
        at=row.at,
        scope=row.scope,
        before=row.before,
        after=row.after,
        reason=row.reason,
        evidence=tuple(row.evidence),
        who=row.who,
        why=row.why,
    )
