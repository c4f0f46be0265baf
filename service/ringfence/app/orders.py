"""A person's orders on their way to the one writer. Each carries a future, resolved when the writer has acted."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import uuid4

from ringfence.app.audit_facts import SIGNED_IN_BY
from ringfence.app.once_mark import ONCE_MARK, OnceMark
from ringfence.app.ports import OutageChange, RingfenceError
from ringfence.app.recovery import FOUND_BY
from ringfence.domain.audit import masked
from ringfence.domain.outage import ScopeState
from ringfence.domain.override import Override, OverrideTarget
from ringfence.domain.reasons import Reason

log = logging.getLogger(__name__)

NO_WORD: Final = "none"
"""What stands for a target about which nobody has said anything: in place of a word's id."""


class Overtaken(RingfenceError):
    """Somebody has spoken about the target since whoever orders now looked at it."""

    field = "expected"

    def __init__(self, target: OverrideTarget, standing: Override | None) -> None:
        if standing is None:
            since = f"the override of {target.words} that you saw has ended since"
        else:
            since = f"{standing.words} ({standing.why})"
        super().__init__(f"expected: {since}.", "Look at it again, and order anew if it is still wanted.")
        self.standing = standing


def _future() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


@dataclass(slots=True)
class _Awaited:
    """`signed_in_by`: how whoever orders had signed in; `once`: of their request, if it carries an idempotency key. The
    one writer is not in their request."""

    done: asyncio.Future[None] = field(default_factory=_future, kw_only=True)
    signed_in_by: str = field(default_factory=SIGNED_IN_BY.get, kw_only=True)
    once: OnceMark | None = field(default_factory=ONCE_MARK.get, kw_only=True)

    def fail(self, error: RingfenceError) -> None:
        """The order is refused, and nothing has changed; whoever waits is told why."""
        if not self.done.done():
            self.done.set_exception(error)

    def finish(self, safe: asyncio.Task[None] | None = None) -> None:
        """The order is carried out; whoever still waits may go on, once it is also `safe` (stored, or in the spool)."""
        if safe is not None and not safe.done():
            safe.add_done_callback(lambda _: self.finish())
        elif not self.done.done():
            self.done.set_result(None)


@dataclass(slots=True)
class SetOverride(_Awaited):
    """Force DR, force normal or freeze; replaces an earlier override of the same target. `expected`: the id of the word
    that stood when whoever orders looked (`NO_WORD`: none did); None: whatever stands. `instead_of`: a list that this
    word, a shorter one, takes the place of, and by whom and why."""

    override: Override
    expected: str | None = None
    instead_of: OverrideTarget | None = None
    by: str = ""
    because: str = ""

    @property
    def about(self) -> OverrideTarget:
        return self.override.target


@dataclass(slots=True)
class ReleaseOverride(_Awaited):
    """Give the target back to the automatic. `released`: whether there was a word when its turn came."""

    target: OverrideTarget
    who: str
    why: str
    expected: str | None = None
    released: bool = False

    @property
    def about(self) -> OverrideTarget:
        return self.target


@dataclass(slots=True)
class ForgetExpired(_Awaited):
    """An override reached its end."""

    override: Override

    @property
    def about(self) -> OverrideTarget:
        return self.override.target


@dataclass(slots=True)
class OrderFailback(_Awaited):
    """End the hold-down (go to trial), or end the trial (go to normal)."""

    scope: str
    who: str
    why: str


@dataclass(slots=True)
class AdoptStored(_Awaited):
    """The database could not be read at the start, and now it was: these are the words it holds, and the `states`, by
    scope. `found`: it was never written, and these were found in Asterisk. `known`: the targets about which more was
    known before it was read: what the database says about them is older."""

    overrides: tuple[Override, ...]
    found: bool = False
    known: Set[OverrideTarget] = frozenset()
    states: Mapping[str, ScopeState] = field(default_factory=dict)


Order = AdoptStored | SetOverride | ReleaseOverride | ForgetExpired | OrderFailback


def carried_out(
    order: SetOverride | ReleaseOverride | ForgetExpired, overrides: dict[OverrideTarget, Override], now: datetime
) -> OutageChange | None:
    """Changes `overrides` as ordered and returns what is to be stored; None when there is nothing to change. Raises
    Overtaken, and then nothing has changed."""
    match order:
        case SetOverride(override=word, instead_of=old):
            _check_seen(order.expected, word.target, overrides)
            if old is not None and overrides.pop(old, None) is None:
                return None
            # What people write is read by everybody who may see the state.
            word = order.override = replace(word, why=masked(word.why)).after(overrides.get(word.target))
            overrides[word.target] = word
            who, why = order.by or word.who, order.because or word.why
            said = OutageChange(uuid4().hex, override_set=word, override_released=old, at=now, who=who, why=why)
            return replace(said, by=order.signed_in_by, once=order.once)
        case ReleaseOverride(target=target, who=who, why=why):
            _check_seen(order.expected, target, overrides)
            if overrides.pop(target, None) is None:
                return None
            order.released = True
            released = OutageChange(uuid4().hex, override_released=target, at=now, who=who, why=masked(why))
            return replace(released, by=order.signed_in_by, once=order.once)
        case ForgetExpired(override=word):
            if overrides.get(word.target) != word:
                return None
            del overrides[word.target]
            return OutageChange(
                uuid4().hex, override_released=word.target, at=now, why="its time is over", expired=True
            )


def taking_out(
    overrides: Mapping[OverrideTarget, Override], dids: Set[str], who: str, why: str
) -> Iterator[SetOverride | ReleaseOverride]:
    """The orders after which no word names any of these DIDs: a list of several goes on without them."""
    for target, word in list(overrides.items()):
        if not target.listed or dids.isdisjoint(target.listed):
            continue
        rest = [did for did in target.listed if did not in dids]
        shorter = OverrideTarget.of_dids(rest) if rest else None
        if shorter is None or ((other := overrides.get(shorter)) is not None and other.set_at > word.set_at):
            yield ReleaseOverride(target, who, why)
        else:
            yield SetOverride(replace(word, target=shorter), instead_of=target, by=who, because=why)


def _check_seen(expected: str | None, target: OverrideTarget, overrides: Mapping[OverrideTarget, Override]) -> None:
    standing = overrides.get(target)
    if expected is not None and expected != (NO_WORD if standing is None else standing.id):
        raise Overtaken(target, standing)


def adopt(
    order: AdoptStored, overrides: dict[OverrideTarget, Override], now: datetime
) -> tuple[list[OverrideTarget], list[OutageChange]]:
    """Takes the words the database holds, except where somebody has spoken since, also if it was to end one; what was
    only found in Asterisk gives way to them, for it is their shadow, unless these were `found` there as well. Returns
    the targets that may have changed, and what is to be stored: all that was found, so that it has a history and the
    next start reads it as any other word."""
    ended = order.known - overrides.keys()
    shadows = [target for target, word in overrides.items() if word.who == FOUND_BY and not order.found]
    for target in shadows:
        del overrides[target]
    stored = {word.target: word for word in order.overrides}
    new = {target: word for target, word in stored.items() if target not in overrides and target not in ended}
    overrides.update(new)
    found = [word for word in overrides.values() if word.who == FOUND_BY] if order.found else []
    changes = [OutageChange(uuid4().hex, override_set=word, at=now, who=FOUND_BY, why=word.why) for word in found]
    return list(dict.fromkeys([*shadows, *new])), changes


def told(order: AdoptStored, states: Mapping[str, ScopeState]) -> list[ScopeState]:
    """The states that the database tells of scopes about which nothing has been decided since the start. Where Asterisk
    had lost the mode as well, whatever it is: the next start would find it there. Else what a mode's key does not say,
    if it is of the same mode; another one is older than what Asterisk was told."""
    found = []
    for scope, state in order.states.items():
        mine = states.get(scope)
        if mine is None or mine.reason not in (Reason.FIRST_START, Reason.FOUND_IN_ASTERISK):
            continue
        if state.mode is not mine.mode:
            if mine.reason is Reason.FOUND_IN_ASTERISK:
                continue
            log.warning("the database knows the mode after all", extra={"scope": scope, "mode": state.mode.value})
        found.append(replace(state, trial=mine.trial))
    return found
