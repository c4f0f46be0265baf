"""What is known when the daemon starts: from the database, else from what Asterisk holds, else not yet.

A daemon that knew nothing and said NORMAL would end a failover in the middle of an outage. So it asks the database,
then Asterisk, and goes on asking; until one of them has answered, the dialplan goes on with what was published last.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from uuid import uuid4

from ringfence.app.ports import AstDb, AsteriskError, Clock, OutageChange, OutageStore, StoreError
from ringfence.domain.moment import Moment
from ringfence.domain.outage import Mode, ScopeState, first_state
from ringfence.domain.override import MAX_LISTED_DIDS, Override, OverrideKind, OverrideTarget
from ringfence.domain.reasons import Reason
from ringfence.domain.record_text import RecordError
from ringfence.domain.records import Forced, ModeRecord, decode_mode, decode_route
from ringfence.domain.route_table import shelves
from ringfence.domain.verdict import Cause

log = logging.getLogger(__name__)

ASK_AGAIN_SECONDS = 0.5
PATIENCE_SECONDS = 10.0
FOUND_BY = "found in Asterisk"
_UNKNOWN = "the database did not know who set it and until when"


@dataclass(frozen=True, slots=True)
class Recovered:
    """What the daemon starts from. `read`: the database has answered; else its overrides are still to be asked for.
    `blank`: it has, and was never written."""

    states: dict[str, ScopeState]
    overrides: list[Override]
    read: bool
    blank: bool = False


async def recover(
    store: OutageStore, astdb: AstDb, scopes: Iterable[str], clock: Clock, waiting: Sequence[OutageChange] = ()
) -> Recovered:
    """What the database knows; if it cannot be read, or was never written, what Asterisk holds. On top of either what
    is `waiting` to be stored, which is newer than both.

    Returns when one of them has answered. An empty database is believed after `PATIENCE_SECONDS` without Asterisk: most
    likely nothing has ever happened here, and less likely the database was begun anew in the middle of an outage.
    """
    began, told = clock.now(), False
    while True:
        states, overrides, read, blank = await _stored(store, clock, tell=not told)
        told = told or not read
        # A backup that was put back brings words and no modes: those of its day would be wrong about today.
        unknown = [scope for scope in scopes if scope not in states]
        if blank or not read or unknown:
            found = await _held(astdb, scopes if blank or not read else unknown, clock.now())
            if found is None and (not read or clock.now().since(began) < PATIENCE_SECONDS):
                await clock.sleep(ASK_AGAIN_SECONDS)
                continue
            if found is not None and (blank or not read):
                states, overrides = found
            elif found is not None:
                states = {**states, **found[0]}
        return _overlaid(Recovered(states, overrides, read, blank), waiting)


async def _stored(
    store: OutageStore, clock: Clock, tell: bool
) -> tuple[dict[str, ScopeState], list[Override], bool, bool]:
    """What the database knows, whether it could be read at all, and whether it was never written."""
    try:
        states, overrides = await store.load_states(clock.now()), await store.load_overrides()
        blank = not states and not overrides and not await store.history(1)
    except StoreError as error:
        if tell:
            log.error("the database cannot be read, asking asterisk what is in force", extra={"reason": str(error)})
        return {}, [], False, False
    return states, overrides, True, blank


async def _held(
    astdb: AstDb, scopes: Iterable[str], now: Moment
) -> tuple[dict[str, ScopeState], list[Override]] | None:
    """What Asterisk was told last; None when it does not answer."""
    try:
        found = [adopted(scope, await astdb.get(f"mode/{scope}"), now) for scope in scopes]
    except AsteriskError:
        return None
    return {state.scope: state for state, _ in found}, [word for _, word in found if word is not None]


def _overlaid(found: Recovered, waiting: Sequence[OutageChange]) -> Recovered:
    states, by_target = dict(found.states), {word.target: word for word in found.overrides}
    for change in waiting:
        if change.state is not None:
            states[change.state.scope] = change.state
        if change.override_set is not None:
            by_target[change.override_set.target] = change.override_set
        if change.override_released is not None:
            by_target.pop(change.override_released, None)
    return replace(found, states=states, overrides=list(by_target.values()))


def adopted(scope: str, text: str | None, now: Moment) -> tuple[ScopeState, Override | None]:
    """A scope's state and override as its mode key tells them; the first state when there is none to read."""
    state = first_state(scope, now)
    if text is None:
        return state, None
    try:
        record = decode_mode(text)
    except RecordError:
        return state, None
    # What it was decided on is not in the key. Calls are the stricter cause: only a trial ends it.
    cause = None if record.mode is Mode.NORMAL else Cause.REFUSING
    return replace(state, mode=record.mode, cause=cause, reason=Reason.FOUND_IN_ASTERISK), _override(scope, record, now)


def _override(scope: str, record: ModeRecord, now: Moment) -> Override | None:
    if record.override is None:
        return None
    kind = OverrideKind(record.override)
    return Override(OverrideTarget(scope=scope), kind, FOUND_BY, _UNKNOWN, now.wall, id=uuid4().hex[:12])


async def forced_in_asterisk(astdb: AstDb, now: Moment) -> list[Override]:
    """The words that the DIDs' records carry, for a database that was begun anew: who set them, until when, and whether
    they were about a site or a team is not in there, so that they come back as lists of DIDs. Raises AsteriskError."""
    found: dict[OverrideKind, list[str]] = {OverrideKind.DR: [], OverrideKind.NORMAL: []}
    for shelf in (shelf for shelf in shelves() if shelf.startswith("did/")):
        for path, text in (await astdb.read_tree(shelf)).items():
            try:
                forced = decode_route(text).forced
            except RecordError:
                continue
            if forced is not Forced.NONE:
                kind = OverrideKind.DR if forced is Forced.DIVERT else OverrideKind.NORMAL
                found[kind].append(path.rpartition("/")[2])
    return [
        Override(OverrideTarget.of_dids(part), kind, FOUND_BY, _UNKNOWN, now.wall, id=uuid4().hex[:12])
        for kind, dids in found.items()
        for part in _parts(sorted(dids))
    ]


def _parts(dids: list[str]) -> Iterator[list[str]]:
    for start in range(0, len(dids), MAX_LISTED_DIDS):
        yield dids[start : start + MAX_LISTED_DIDS]
