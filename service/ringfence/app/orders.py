"""A person's orders on their way to the one writer. Each carries a future, resolved when the writer has acted."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4

from ringfence.app.ports import OutageChange
from ringfence.app.recovery import FOUND_BY
from ringfence.domain.override import Override, OverrideTarget


def _future() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


@dataclass(slots=True)
class _Awaited:
    done: asyncio.Future[None] = field(default_factory=_future, kw_only=True)

    def finish(self, safe: asyncio.Task[None] | None = None) -> None:
        """The order is carried out; whoever still waits may go on, once it is also `safe` (stored, or in the spool)."""
        if safe is not None and not safe.done():
            safe.add_done_callback(lambda _: self.finish())
        elif not self.done.done():
            self.done.set_result(None)


@dataclass(slots=True)
class SetOverride(_Awaited):
    """Force DR, force normal or freeze; replaces an earlier override of the same target."""

    override: Override

    @property
    def about(self) -> OverrideTarget:
        return self.override.target


@dataclass(slots=True)
class ReleaseOverride(_Awaited):
    """Give the target back to the automatic."""

    target: OverrideTarget
    who: str
    why: str

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
    """The database could not be read at the start, and now it was: these are the words it holds."""

    overrides: tuple[Override, ...]


Order = AdoptStored | SetOverride | ReleaseOverride | ForgetExpired | OrderFailback


def carried_out(
    order: SetOverride | ReleaseOverride | ForgetExpired, overrides: dict[OverrideTarget, Override], now: datetime
) -> OutageChange | None:
    """Changes `overrides` as ordered and returns what is to be stored; None when there is nothing to change."""
    match order:
        case SetOverride(override=word):
            overrides[word.target] = word
            return OutageChange(uuid4().hex, override_set=word, at=now, who=word.who, why=word.why)
        case ReleaseOverride(target=target, who=who, why=why):
            if overrides.pop(target, None) is None:
                return None
            return OutageChange(uuid4().hex, override_released=target, at=now, who=who, why=why)
        case ForgetExpired(override=word):
            if overrides.get(word.target) != word:
                return None
            del overrides[word.target]
            return OutageChange(
                uuid4().hex, override_released=word.target, at=now, why="its time is over", expired=True
            )


def adopt(stored: Iterable[Override], overrides: dict[OverrideTarget, Override]) -> list[OverrideTarget]:
    """Takes the words the database holds, except where somebody has spoken since; what was only found in Asterisk gives
    way to them, for it is their shadow. Returns the targets that may have changed."""
    shadows = [target for target, word in overrides.items() if word.who == FOUND_BY]
    for target in shadows:
        del overrides[target]
    new = {word.target: word for word in stored if word.target not in overrides}
    overrides.update(new)
    return list(dict.fromkeys([*shadows, *new]))
