"""A person's orders on their way to the one writer. Each carries a future, resolved when the writer has acted."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass, field

from ringfence.domain.outage import Override, OverrideTarget


def _future() -> asyncio.Future[None]:
    return asyncio.get_running_loop().create_future()


@dataclass(slots=True)
class _Awaited:
    done: asyncio.Future[None] = field(default_factory=_future, kw_only=True)

    def finish(self) -> None:
        """The order is carried out; whoever still waits may go on."""
        if not self.done.done():
            self.done.set_result(None)


@dataclass(slots=True)
class SetOverride(_Awaited):
    """Force DR, force normal or freeze; replaces an earlier override of the same target."""

    override: Override


@dataclass(slots=True)
class ReleaseOverride(_Awaited):
    """Give the target back to the automatic."""

    target: OverrideTarget
    who: str
    why: str


@dataclass(slots=True)
class ForgetExpired(_Awaited):
    """An override reached its end."""

    override: Override


@dataclass(slots=True)
class OrderFailback(_Awaited):
    """End the hold-down (go to trial), or end the trial (go to normal)."""

    scope: str
    who: str
    why: str


Order = SetOverride | ReleaseOverride | ForgetExpired | OrderFailback
