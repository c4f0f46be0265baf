"""A person's orders on their way to the one writer. Each carries a future, resolved when the writer has acted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Final
from uuid import uuid4

from ringfence.app.audit_facts import SIGNED_IN_BY
from ringfence.app.ports import OutageChange, RingfenceError
from ringfence.app.recovery import FOUND_BY
from ringfence.domain.audit import masked
from ringfence.domain.override import Override, OverrideTarget

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
    """`signed_in_by`: how whoever orders had signed in; the one writer is not in their request."""

    done: asyncio.Future[None] = field(default_factory=_future, kw_only=True)
    signed_in_by: str = field(default_factory=SIGNED_IN_BY.get, kw_only=True)

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
    """Give the target back to the automatic."""

    target: OverrideTarget
    who: str
    why: str
    expected: str | None = None

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
    """The database could not be read at the start, and now it was: these are the words it holds. `found`: it holds
    none, and these were found in Asterisk."""

    overrides: tuple[Override, ...]
    found: bool = False


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
            by = order.signed_in_by
            return OutageChange(uuid4().hex, override_set=word, override_released=old, at=now, who=who, why=why, by=by)
        case ReleaseOverride(target=target, who=who, why=why):
            _check_seen(order.expected, target, overrides)
            if overrides.pop(target, None) is None:
                return None
            by = order.signed_in_by
            return OutageChange(uuid4().hex, override_released=target, at=now, who=who, why=masked(why), by=by)
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
    stored: Iterable[Override], overrides: dict[OverrideTarget, Override], found: bool = False
) -> list[OverrideTarget]:
    """Takes the words the database holds, except where somebody has spoken since; what was only found in Asterisk gives
    way to them, for it is their shadow, unless these were `found` there as well. Returns the targets that may have
    changed."""
    shadows = [target for target, word in overrides.items() if word.who == FOUND_BY and not found]
    for target in shadows:
        del overrides[target]
    new = {word.target: word for word in stored if word.target not in overrides}
    overrides.update(new)
    return list(dict.fromkeys([*shadows, *new]))
