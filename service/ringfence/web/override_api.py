"""What people order: override, release, failback."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import datetime
from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Query
from starlette.requests import Request

from ringfence.app.operator import Operator, OrderRefused
from ringfence.domain.numbers import Did, NumberError, parse_did
from ringfence.domain.override import OverrideTarget
from ringfence.web.closing import ended_by_the_door, is_closing
from ringfence.web.durations import parse_duration
from ringfence.web.errors import NotTakenYet, declared
from ringfence.web.order_models import (
    DidText,
    FailbackDone,
    FailbackOrder,
    OverrideDone,
    OverrideOrder,
    ReleaseDone,
    ScopeName,
    Why,
)
from ringfence.web.security import who as stated_who
from ringfence.web.status_models import ScopeOut
from ringfence.web.status_view import MODE_WORDS, override_out, status_out

Who = Annotated[str, Depends(stated_who)]

ORDER_SECONDS: Final = 3.0
_ONE_TARGET_FIX: Final = "Give one of `scope`, `did` and `everything`."


def routes(operator: Operator, default_country: str) -> APIRouter:
    router = APIRouter(tags=["orders"])

    @router.put("/override", responses=declared(404, 413, 503), operation_id="set_override")
    async def set_override(request: Request, order: OverrideOrder, who: Who) -> OverrideDone:
        """Force DR, force normal or freeze. Replaces an earlier override of the same target. Answers once it is
        decided and on its way to Asterisk."""
        target = _target(order.scope, order.did, order.everything, default_country)
        until = _end(order.until, order.for_, operator.now())
        async with in_time(request):
            override = await operator.set_override(order.mode, target, who, order.reason, until)
        return OverrideDone(override=override_out(override), scopes=_touched(operator, target))

    @router.delete("/override", responses=declared(404, 503), operation_id="release_override")
    async def release_override(
        request: Request,
        who: Who,
        reason: Annotated[Why, Query()],
        scope: Annotated[ScopeName | None, Query()] = None,
        did: Annotated[DidText | None, Query()] = None,
        everything: Annotated[Literal["true"] | None, Query()] = None,
    ) -> ReleaseDone:
        """Give the target back to the automatic."""
        target = _target(scope, did, everything is not None, default_country)
        async with in_time(request):
            released = await operator.release_override(target, who, reason)
        return ReleaseDone(released=released, scopes=_touched(operator, target))

    @router.post("/failback", responses=declared(404, 409, 413, 503), operation_id="failback")
    async def failback(request: Request, order: FailbackOrder, who: Who) -> FailbackDone:
        """Go back earlier than the hold-down or the trial would. 409 when there is no failback to order."""
        async with in_time(request):
            mode = await operator.order_failback(order.scope, who, order.reason)
        return FailbackDone(scope=order.scope, mode=mode, mode_words=MODE_WORDS[mode])

    return router


def read_did(text: str, default_country: str) -> Did:
    """A DID as a person writes it. Raises OrderRefused."""
    try:
        return parse_did(text, default_country)
    except NumberError as error:
        wrong, _, fix = str(error).partition("; ")
        raise OrderRefused("did", wrong, f"{fix[:1].upper()}{fix[1:]}." if fix else "") from error


@asynccontextmanager
async def in_time(request: Request) -> AsyncIterator[None]:
    """While the daemon starts, nobody takes orders yet. They are kept, and whoever waits is told."""
    try:
        async with asyncio.timeout(ORDER_SECONDS) as wait:
            with ended_by_the_door(request, wait):
                yield
    except TimeoutError as error:
        if is_closing(request):
            raise NotTakenYet("the daemon is stopping and has not taken the order.", "Give it again.") from error
        raise NotTakenYet(
            "the order is in the queue and has not been taken yet; it will be.", "See `ringfence status`."
        ) from error


def _target(scope: str | None, did: str | None, everything: bool, default_country: str) -> OverrideTarget:
    given = [name for name, there in (("scope", scope), ("did", did), ("everything", everything)) if there is not None]
    given = [name for name in given if name != "everything" or everything]
    if len(given) != 1:
        wrong = f"{' and '.join(given)} are given together" if given else "it is not said what this is about"
        raise OrderRefused(given[-1] if given else "scope", wrong, _ONE_TARGET_FIX)
    return OverrideTarget(scope, None if did is None else read_did(did, default_country))


def _end(until: str | None, for_: str | None, now: datetime) -> datetime | None:
    if until is not None and for_ is not None:
        raise OrderRefused("for", "is given together with `until`", "Give one of them.")
    if for_ is not None:
        try:
            return now + parse_duration(for_)
        except ValueError as error:
            wrong, _, fix = str(error).partition("; ")
            raise OrderRefused("for", wrong, f"{fix[:1].upper()}{fix[1:]}.") from error
        except OverflowError as error:
            raise OrderRefused("for", f"{for_} is longer than 31 days", "Choose another end.") from error
    if until is None:
        return None
    try:
        return datetime.fromisoformat(until)
    except ValueError as error:
        raise OrderRefused("until", "is not a time", "Write it as 2030-01-31T18:00:00+00:00.") from error


def _touched(operator: Operator, target: OverrideTarget) -> list[ScopeOut]:
    """The scopes an order is about, as they are after it. A DID's order moves no scope."""
    if target.did is not None:
        return []
    scopes = status_out(operator.status()).scopes
    return [scope for scope in scopes if target.scope in (None, scope.scope)]
