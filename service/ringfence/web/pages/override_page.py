"""The big decision in two steps: what it would do, then the word itself. What waits for a second person, what is taken
back, released or ordered back is said at once."""

from __future__ import annotations

import json
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated, Any, Final
from uuid import uuid4

from fastapi import APIRouter, Depends, Path, Response
from starlette.datastructures import FormData
from starlette.requests import Request

from ringfence.app.once import Answer, Done, KeyUnknown
from ringfence.app.operator import NotOurs, Operator, OrderRefused, check_words
from ringfence.app.orders import Overtaken
from ringfence.app.ports import RingfenceError
from ringfence.app.second_person import PendingOrder, WordOrder
from ringfence.domain.override import PRECEDENCE_WORDS, OverrideKind, OverrideTarget
from ringfence.web.callers import caller
from ringfence.web.errors import status_of
from ringfence.web.oidc.next_page import next_page
from ringfence.web.once_only import MAX_KEY_CHARACTERS, in_time
from ringfence.web.order_models import MAX_ID_CHARACTERS
from ringfence.web.pages import people_words
from ringfence.web.pages.flash import back_to
from ringfence.web.pages.forms import sent, texts_of
from ringfence.web.pages.frame import Frame
from ringfence.web.pages.order_faults import LABELS, faults_of
from ringfence.web.pages.order_form import OrderForm
from ringfence.web.pages.page_route import page_router
from ringfence.web.pages.start_page import WORDS, order_context
from ringfence.web.ports import Services, WordsDoor

Sent = Annotated[FormData, Depends(sent)]


Id = Annotated[str, Path(alias="id", max_length=MAX_ID_CHARACTERS)]

START: Final = "/"


def routes(frame: Frame, services: Services, words: WordsDoor, default_country: str) -> APIRouter:
    router = page_router(frame)
    _decision(router, _Decision(frame, services, words, default_country))
    _standing(router, services.operator, words)
    _second_person(router, words)
    return router


class _Decision:
    """Shows what a word would do, and says it once."""

    def __init__(self, frame: Frame, services: Services, words: WordsDoor, default_country: str) -> None:
        self._frame, self._services, self._words, self._country = frame, services, words, default_country

    async def preview(self, request: Request, order: OrderForm, overtaken: Overtaken | None = None) -> Response:
        """The page to confirm on, or to put right what cannot be done. `overtaken`: somebody was faster."""
        frame, services = self._frame, self._services
        faults, error = self._faults(request, order)
        context: dict[str, Any] = order_context(services.operator.status(), services, order) | {
            "words": WORDS,
            "line_kinds": people_words.KINDS,
            "faults": faults,
            "labels": LABELS,
        }
        if error is not None:
            # What was written for a DID and is none may be somebody's private number: it does not come back.
            context["order"] = replace(order, dids="") if "dids" in faults else order
            return frame.page(request, "preview.html", status_of(error), preview=None, **context)
        until, lasts = order.end(frame.zone)
        preview = await self._words.preview.of(order.kind, self._target(order))
        return frame.page(
            request,
            "preview.html",
            200 if overtaken is None else 409,
            preview=preview,
            overtaken=overtaken,
            until=until if lasts is None else services.operator.now() + lasts,
            precedence=PRECEDENCE_WORDS,
            key=uuid4().hex,
            **context,
        )

    async def say(self, request: Request, order: OrderForm, expected: str, key: str) -> Response:
        """Says the word, unless somebody was faster: then what it would do is shown again."""

        async def act() -> str:
            until, lasts = order.end(self._frame.zone)
            word = WordOrder(order.kind, self._target(order), order.reason, until, lasts, expected or None)
            said = await self._words.desk.order(word, caller(request))
            return _flash(isinstance(said, PendingOrder))

        try:
            return back_to(START, await _once(request, self._words, key, repr(order), act))
        except Overtaken as error:
            return await self.preview(request, order, error)
        except (OrderRefused, NotOurs):
            if not self._faults(request, order)[0]:
                raise
            # It became wrong since it was shown: its time is over, a team is gone. What was written is kept.
            return await self.preview(request, order)

    def _faults(self, request: Request, order: OrderForm) -> tuple[dict[str, str], RingfenceError | None]:
        who, desk = caller(request).name, self._words.desk

        def end() -> None:
            # With what cannot be wrong in the other fields: theirs are faults of their own.
            until, lasts = order.end(self._frame.zone)
            desk.check(WordOrder(OverrideKind.NORMAL, OverrideTarget(), "-", until, lasts), who)

        def whole() -> None:
            until, lasts = order.end(self._frame.zone)
            desk.check(WordOrder(order.kind, self._target(order), order.reason, until, lasts), who)

        return faults_of(
            [
                lambda: desk.check_target(self._target(order)),
                lambda: order.kind,
                end,
                lambda: check_words(who, order.reason),
                whole,
            ]
        )

    def _target(self, order: OrderForm) -> OverrideTarget:
        """Raises OrderRefused, NotOurs."""
        return order.target(self._words.desk, self._country)


async def _once(request: Request, words: WordsDoor, key: str, asked: str, act: Callable[[], Awaitable[str]]) -> str:
    """What `act` says was done, one of `FLASHES`; a form that is sent twice acts once."""

    async def answer() -> Answer:
        return Answer(303, json.dumps(await act()))

    def again(led_to: Done) -> Answer:
        return Answer(303, json.dumps(_flash(led_to.pending is not None)))

    async with in_time(request):
        if not 0 < len(key) <= MAX_KEY_CHARACTERS:
            return await act()
        try:
            found = await words.once.answer(caller(request), key, f"page {request.url.path} {asked}", answer, again)
        except KeyUnknown:
            # A database that is away keeps nobody from ordering: the form says what stood when it was shown, and that
            # keeps it from acting twice as well.
            return await act()
    return str(json.loads(found.body))


def _flash(waits: bool) -> str:
    return "override-asked" if waits else "override-set"


def _decision(router: APIRouter, decision: _Decision) -> None:
    @router.post("/override/preview", operation_id="page_override_preview")
    async def preview(request: Request, fields: Sent) -> Response:
        """What the word would do; changes nothing."""
        return await decision.preview(request, OrderForm.of(texts_of(fields)))

    @router.post("/override", operation_id="page_override_set")
    async def say(request: Request, fields: Sent) -> Response:
        """Says the word that was shown."""
        texts = texts_of(fields)
        return await decision.say(request, OrderForm.of(texts), texts.get("expected", ""), texts.get("key", ""))


def _standing(router: APIRouter, operator: Operator, words: WordsDoor) -> None:
    desk = words.desk

    @router.post("/override/release", operation_id="page_override_release")
    async def release(request: Request, fields: Sent) -> Response:
        """Gives the target of a word that stands back to the automatic."""
        texts = texts_of(fields)
        back, why, who = next_page(texts.get("back", START)), texts.get("reason", "").strip(), caller(request).name
        check_words(who, why)
        # Found among the words: one about something that has left the directory since must not outlive it.
        standing = {str(word.target): word for word in desk.words()}
        word = standing.get(texts.get("target", ""))
        if word is None:
            return back_to(back, "override-was-not-set")
        async with in_time(request):
            released = await desk.release(word.target, who, why, texts.get("id") or None)
        return back_to(back, "override-released" if released else "override-was-not-set")

    @router.post("/override/undo", operation_id="page_override_undo")
    async def undo(request: Request, fields: Sent) -> Response:
        """Takes a word back: what stood before stands again."""
        texts = texts_of(fields)
        async with in_time(request):
            await desk.undo(texts.get("id", ""), caller(request).name, texts.get("reason", "").strip())
        return back_to(next_page(texts.get("back", START)), "override-undone")

    @router.post("/failback", operation_id="page_failback")
    async def failback(request: Request, fields: Sent) -> Response:
        """Ends the hold-down or the trial."""
        texts = texts_of(fields)
        async with in_time(request):
            await operator.order_failback(texts.get("scope", ""), caller(request).name, texts.get("reason", "").strip())
        return back_to(START, "failback-ordered")


def _second_person(router: APIRouter, words: WordsDoor) -> None:
    @router.post("/override/pending/{id}/approve", operation_id="page_override_approve")
    async def approve(request: Request, id_: Id, fields: Sent) -> Response:
        """Carries out what another person asked for."""
        async with in_time(request):
            await words.desk.approve(id_, caller(request))
        return back_to(START, "override-set")

    @router.post("/override/pending/{id}/reject", operation_id="page_override_reject")
    async def reject(request: Request, id_: Id, fields: Sent) -> Response:
        """It is not carried out."""
        who, why = caller(request).name, texts_of(fields).get("reason", "").strip()
        check_words(who, why)
        async with in_time(request):
            await words.desk.reject(id_, who, why)
        return back_to(START, "override-rejected")
