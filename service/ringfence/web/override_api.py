"""What people order: override, release, undo, the second person's word, failback."""

from __future__ import annotations

from typing import Annotated, Final, Literal

from fastapi import APIRouter, Depends, Path, Query
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from ringfence.app.once import HEADER, Done
from ringfence.app.operator import NotNow, Operator, check_words
from ringfence.app.second_person import PendingOrder, WordOrder
from ringfence.domain.access import Caller
from ringfence.domain.override import Override, OverrideKind, OverrideTarget
from ringfence.web.errors import declared
from ringfence.web.once_only import OnceKey, answered, in_time
from ringfence.web.order_models import (
    DidText,
    DidTexts,
    Expected,
    FailbackDone,
    FailbackOrder,
    OverrideAsked,
    OverrideDone,
    OverrideOrder,
    PendingList,
    PreviewMode,
    PreviewOrder,
    Rejected,
    ReleaseDone,
    ScopeName,
    SiteName,
    Targeted,
    TargetOut,
    TargetsOut,
    TeamName,
    UndoDone,
    UndoOrder,
    Why,
    WordId,
)
from ringfence.web.order_targets import read_end, read_target
from ringfence.web.order_view import pending_out
from ringfence.web.ports import WordsDoor
from ringfence.web.preview_models import PreviewOut
from ringfence.web.preview_view import preview_out
from ringfence.web.security import caller as who_asks
from ringfence.web.security import who as stated_who
from ringfence.web.status_models import ScopeOut
from ringfence.web.status_view import MODE_WORDS, override_out, status_out

Who = Annotated[str, Depends(stated_who)]
Asking = Annotated[Caller, Depends(who_asks)]
PendingId = Annotated[WordId, Path()]

OK: Final = 200
WAITS: Final = 202


def routes(operator: Operator, words: WordsDoor, default_country: str) -> APIRouter:
    """Everything about overrides."""
    router = APIRouter(tags=["orders"])
    _set_and_release(router, operator, words, default_country)
    _take_back(router, operator, words)
    _second_person(router, operator, words)

    @router.get("/override/targets", responses=declared(), operation_id="override_targets")
    async def targets() -> TargetsOut:
        """The platforms, sites and teams that an order may be about, each with how many DIDs that is."""
        found = await words.desk.targets()
        return TargetsOut(
            **{
                kind: [TargetOut(name=name, dids=dids) for name, dids in sorted(counted.items())]
                for kind, counted in found._asdict().items()
            }
        )

    @router.post("/override/preview", responses=declared(404, 413), operation_id="preview_override")
    async def preview(order: PreviewOrder) -> PreviewOut:
        """What an order would do: who moves, who would reach no person's number, how many calls that is at this hour,
        whether the trunks' channels suffice. Nothing changes."""
        target = read_target(order, words.desk, default_country)
        kind = None if order.mode is PreviewMode.AUTO else OverrideKind(order.mode)
        return preview_out(await words.preview.of(kind, target), operator.current.shadow)

    return router


def _set_and_release(router: APIRouter, operator: Operator, words: WordsDoor, default_country: str) -> None:
    desk = words.desk

    @router.put(
        "/override",
        response_model=OverrideDone,
        responses=declared(404, 409, 413, 503) | {WAITS: {"model": OverrideAsked, "description": "It waits."}},
        operation_id="set_override",
    )
    async def set_override(
        request: Request, order: OverrideOrder, asking: Asking, idempotency_key: OnceKey = None
    ) -> Response:
        """Force DR, force normal or freeze. Replaces an earlier override of the same target. Answers once it is
        decided and on its way to Asterisk; 202 when a second person has to approve it first."""

        async def act() -> tuple[int, BaseModel]:
            target = read_target(order, desk, default_country)
            until, lasts = read_end(order.until, order.for_)
            said = await desk.order(WordOrder(order.mode, target, order.reason, until, lasts, order.expected), asking)
            if isinstance(said, PendingOrder):
                return WAITS, OverrideAsked(pending=pending_out(said, desk))
            return OK, done(operator, said)

        def again(led_to: Done) -> tuple[int, BaseModel]:
            if led_to.pending is not None:
                return WAITS, OverrideAsked(pending=pending_out(led_to.pending, desk))
            return OK, done(operator, _said(led_to))

        return await answered(request, words.once, idempotency_key, repr(order), act, again)

    @router.delete(
        "/override", response_model=ReleaseDone, responses=declared(404, 409, 503), operation_id="release_override"
    )
    async def release_override(
        request: Request,
        who: Who,
        reason: Annotated[Why, Query()],
        scope: Annotated[ScopeName | None, Query()] = None,
        site: Annotated[SiteName | None, Query()] = None,
        team: Annotated[TeamName | None, Query()] = None,
        did: Annotated[DidText | None, Query()] = None,
        dids: Annotated[DidTexts | None, Query()] = None,
        everything: Annotated[Literal["true"] | None, Query()] = None,
        id_: Annotated[WordId | None, Query(alias="id")] = None,
        expected: Annotated[Expected | None, Query()] = None,
        idempotency_key: OnceKey = None,
    ) -> Response:
        """Give the target back to the automatic. `id` names the override itself; best for lists and ranges."""
        given = Targeted(scope=scope, site=site, team=team, did=did, dids=dids, everything=everything is not None)

        async def act() -> tuple[int, BaseModel]:
            target = read_target(given, desk, default_country) if id_ is None else desk.word(id_).target
            return OK, _released(operator, await desk.release(target, who, reason, expected), target)

        def again(led_to: Done) -> tuple[int, BaseModel]:
            return OK, _released(operator, True, _about(led_to))

        return await answered(request, words.once, idempotency_key, str(request.query_params), act, again)


def _take_back(router: APIRouter, operator: Operator, words: WordsDoor) -> None:
    @router.post(
        "/override/undo",
        response_model=UndoDone,
        responses=declared(404, 409, 413, 503),
        operation_id="undo_override",
    )
    async def undo(request: Request, order: UndoOrder, who: Who, idempotency_key: OnceKey = None) -> Response:
        """Take an override back: what stood for its target before stands again. Within 24 hours, and only while
        nobody has said anything else about the target since."""

        async def act() -> tuple[int, BaseModel]:
            return OK, _undone(operator, *await words.desk.undo(order.id, who, order.reason))

        def again(led_to: Done) -> tuple[int, BaseModel]:
            return OK, _undone(operator, _about(led_to), led_to.said)

        return await answered(request, words.once, idempotency_key, repr(order), act, again)


def _second_person(router: APIRouter, operator: Operator, words: WordsDoor) -> None:
    desk = words.desk

    @router.get("/override/pending", responses=declared(), operation_id="pending_overrides")
    async def pending() -> PendingList:
        """Orders that wait for a second person, oldest first."""
        return PendingList(pending=[pending_out(one, desk) for one in desk.pending()])

    @router.post(
        "/override/pending/{id}/approve",
        response_model=OverrideDone,
        responses=declared(404, 409, 503),
        operation_id="approve_override",
    )
    async def approve(
        request: Request,
        id_: Annotated[WordId, Path(alias="id")],
        asking: Asking,
        idempotency_key: OnceKey = None,
    ) -> Response:
        """Carry out what another person asked for. 409 for whoever asked, until they may do it alone."""

        async def act() -> tuple[int, BaseModel]:
            return OK, done(operator, await desk.approve(id_, asking))

        def again(led_to: Done) -> tuple[int, BaseModel]:
            return OK, done(operator, _said(led_to))

        return await answered(request, words.once, idempotency_key, id_, act, again)

    @router.post(
        "/override/pending/{id}/reject",
        response_model=Rejected,
        responses=declared(404, 503),
        operation_id="reject_override",
    )
    async def reject(
        request: Request,
        id_: Annotated[WordId, Path(alias="id")],
        who: Who,
        reason: Annotated[Why, Query()],
        idempotency_key: OnceKey = None,
    ) -> Response:
        """It is not carried out; whoever asked may take it back so, too."""

        async def act() -> tuple[int, BaseModel]:
            check_words(who, reason)
            return OK, Rejected(rejected=pending_out(await desk.reject(id_, who, reason), desk))

        def again(led_to: Done) -> tuple[int, BaseModel]:
            if led_to.pending is None:
                raise _answer_lost()
            return OK, Rejected(rejected=pending_out(led_to.pending, desk))

        return await answered(request, words.once, idempotency_key, f"{id_} {reason}", act, again)


def failback_routes(operator: Operator) -> APIRouter:
    router = APIRouter(tags=["orders"])

    @router.post("/failback", responses=declared(404, 409, 413, 503), operation_id="failback")
    async def failback(request: Request, order: FailbackOrder, who: Who) -> FailbackDone:
        """Go back earlier than the hold-down or the trial would. 409 when there is no failback to order."""
        async with in_time(request):
            mode = await operator.order_failback(order.scope, who, order.reason)
        shadow = operator.current.shadow
        return FailbackDone(scope=order.scope, mode=mode, mode_words=MODE_WORDS[mode], shadow=shadow)

    return router


def done(operator: Operator, word: Override) -> OverrideDone:
    scopes = touched(operator, word.target)
    return OverrideDone(override=override_out(word), scopes=scopes, shadow=operator.current.shadow)


def _released(operator: Operator, released: bool, target: OverrideTarget) -> ReleaseDone:
    return ReleaseDone(released=released, scopes=touched(operator, target), shadow=operator.current.shadow)


def _undone(operator: Operator, target: OverrideTarget, standing: Override | None) -> UndoDone:
    held = None if standing is None else override_out(standing)
    return UndoDone(about=target.words, override=held, scopes=touched(operator, target), shadow=operator.current.shadow)


def _said(led_to: Done) -> Override:
    if led_to.said is None:
        raise _answer_lost()
    return led_to.said


def _about(led_to: Done) -> OverrideTarget:
    return led_to.released if led_to.released is not None else _said(led_to).target


def _answer_lost() -> NotNow:
    """What is kept does not fit what is asked; should not happen."""
    return NotNow(HEADER, "came before and has acted; its answer is lost", "See `ringfence status`.")


def touched(operator: Operator, target: OverrideTarget) -> list[ScopeOut]:
    """The scopes an order is about, as they are after it. A narrower order moves no scope."""
    if not target.is_wide:
        return []
    scopes = status_out(operator.status()).scopes
    return [scope for scope in scopes if target.concerns(scope.scope)]
