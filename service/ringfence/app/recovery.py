"""What is known when the daemon starts: from the database, else from what Asterisk holds, else not yet.

A daemon that knew nothing and said NORMAL would end a failover in the middle of an outage. So it asks the database,
then Asterisk, and goes on asking; until one of them has answered, the dialplan goes on with what was published last.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable
from dataclasses import replace

from ringfence.app.ports import AstDb, AsteriskError, Clock, OutageStore, StoreError
from ringfence.domain.moment import Moment
from ringfence.domain.outage import Mode, Override, OverrideKind, OverrideTarget, ScopeState, first_state
from ringfence.domain.reasons import Reason
from ringfence.domain.records import ModeRecord, RecordError, decode_mode
from ringfence.domain.verdict import Cause

log = logging.getLogger(__name__)

ASK_AGAIN_SECONDS = 0.5
PATIENCE_SECONDS = 10.0
FOUND_BY = "found in Asterisk"


async def recover(
    store: OutageStore, astdb: AstDb, scopes: Iterable[str], clock: Clock
) -> tuple[dict[str, ScopeState], list[Override]]:
    """States and overrides to start from: what the database knows, and for the rest what Asterisk holds.

    Returns when one of them has answered. A database without a word on a scope is believed after `PATIENCE_SECONDS`:
    most likely that scope has never failed, and less likely the database was begun anew in the middle of an outage.
    """
    wanted, began, told = tuple(scopes), clock.now(), False
    while True:
        states, overrides, read = await _stored(store, clock, tell=not told)
        told = told or not read
        missing = [scope for scope in wanted if scope not in states]
        if not missing:
            return states, overrides
        try:
            records = {scope: await astdb.get(f"mode/{scope}") for scope in missing}
        except AsteriskError:
            if read and (states or clock.now().since(began) >= PATIENCE_SECONDS):
                return states, overrides
            await clock.sleep(ASK_AGAIN_SECONDS)
            continue
        for scope, text in records.items():
            state, override = adopted(scope, text, clock.now())
            states[scope] = state
            if override is not None and not any(o.target == override.target for o in overrides):
                overrides.append(override)
        return states, overrides


async def _stored(store: OutageStore, clock: Clock, tell: bool) -> tuple[dict[str, ScopeState], list[Override], bool]:
    """What the database knows, and whether it could be read at all."""
    try:
        return await store.load_states(clock.now()), await store.load_overrides(), True
    except StoreError as error:
        if tell:
            log.error("the database cannot be read, asking asterisk what is in force", extra={"reason": str(error)})
        return {}, [], False


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
    why = "the database did not know who set it and until when"
    return Override(OverrideTarget(scope=scope), kind, FOUND_BY, why, now.wall)
