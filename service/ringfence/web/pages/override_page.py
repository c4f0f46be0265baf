"""The big decision in two steps: what it would do, then the word itself. Release and failback are said at once."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Annotated, Any, Final
from uuid import uuid4

from fastapi import APIRouter, Depends, Response
from starlette.datastructures import FormData
from starlette.requests import Request

from ringfence.app.operator import check_words
from ringfence.app.ports import RingfenceError
from ringfence.app.second_person import WordOrder
from ringfence.domain.directory import Directory
from ringfence.domain.override import Override, OverrideTarget, covered
from ringfence.web.callers import caller
from ringfence.web.errors import status_of
from ringfence.web.oidc.next_page import next_page
from ringfence.web.once_only import in_time
from ringfence.web.pages.flash import back_to
from ringfence.web.pages.forms import sent, texts_of
from ringfence.web.pages.frame import Frame
from ringfence.web.pages.order_form import OrderForm
from ringfence.web.pages.page_route import page_router
from ringfence.web.pages.start_page import WORDS, order_context
from ringfence.web.ports import Services

Sent = Annotated[FormData, Depends(sent)]

MAX_KEYS: Final = 1_000
MAX_KEY_CHARACTERS: Final = 64


@dataclass(frozen=True, slots=True)
class WouldDo:
    """What a word would be about."""

    dids: int
    without_number: int

    @classmethod
    def of(cls, target: OverrideTarget, directory: Directory | None) -> WouldDo:
        if directory is None:
            return cls(0, 0)
        owners = [item.owner for item in covered(target, directory)]
        reached = sum(
            1
            for key in owners
            if key is not None and (p := directory.people.get(key)) is not None and p.default_numbers
        )
        return cls(len(owners), len(owners) - reached)


def routes(frame: Frame, services: Services, default_country: str) -> APIRouter:
    router = page_router(frame)
    _decision(router, _Decision(frame, services, default_country))
    _at_once(router, services, default_country)
    return router


class _Decision:
    """Shows what a word would do, and says it once."""

    def __init__(self, frame: Frame, services: Services, default_country: str) -> None:
        self._frame, self._services, self._country = frame, services, default_country
        self._said: OrderedDict[str, None] = OrderedDict()

    def preview(self, request: Request, order: OrderForm, changed: tuple[Override, ...] | None = None) -> Response:
        """The page to confirm on. `changed`: the words that stand now, when they are others than were shown before."""
        services, frame = self._services, self._frame
        snapshot = services.operator.status()
        context: dict[str, Any] = order_context(snapshot, services, order) | {"words": WORDS}
        directory = None if services.roster is None else services.roster.directory()
        try:
            kind, target = order.kind, order.target(directory, self._country)
            check_words(caller(request).name, order.reason)
            until = order.end(services.operator.now(), frame.zone)
        except RingfenceError as error:
            return frame.page(
                request, "preview.html", status_of(error), error=error, target=None, changed=None, **context
            )
        return frame.page(
            request,
            "preview.html",
            200 if changed is None else 409,
            error=None,
            target=target,
            kind=kind,
            until=until,
            would=WouldDo.of(target, directory),
            standing=[word for word in snapshot.overrides if word.target == target],
            expected=words_version(snapshot.overrides),
            key=uuid4().hex,
            changed=changed,
            **context,
        )

    async def say(self, request: Request, order: OrderForm, expected: str, key: str) -> Response:
        """Says the word, unless somebody said another meanwhile: then it is shown again. The same key says it once."""
        services, words = self._services, self._services.words
        assert words is not None, "pages are only there with the orders"
        if key and key in self._said:
            return back_to("/", "override-set")
        directory = None if services.roster is None else services.roster.directory()
        target = order.target(directory, self._country)
        now = services.operator.status().overrides
        if words_version(now) != expected:
            return self.preview(request, order, now)
        until = order.end(services.operator.now(), self._frame.zone)
        async with in_time(request):
            await words.desk.order(WordOrder(order.kind, target, order.reason, until), caller(request))
        self._said[key[:MAX_KEY_CHARACTERS]] = None
        while len(self._said) > MAX_KEYS:
            self._said.popitem(last=False)
        return back_to("/", "override-set")


def words_version(words: Iterable[Override]) -> str:
    """Names exactly these words: whoever confirms must have seen them."""
    listed = sorted(f"{word.target} {word.kind} {word.who} {word.set_at} {word.until} {word.why}" for word in words)
    return blake2b("\n".join(listed).encode(), digest_size=8).hexdigest()


def _decision(router: APIRouter, decision: _Decision) -> None:
    @router.post("/override/preview", operation_id="page_override_preview")
    async def preview(request: Request, fields: Sent) -> Response:
        """What the word would do; changes nothing."""
        return decision.preview(request, OrderForm.of(texts_of(fields)))

    @router.post("/override", operation_id="page_override_set")
    async def say(request: Request, fields: Sent) -> Response:
        """Says the word that was shown."""
        texts = texts_of(fields)
        return await decision.say(request, OrderForm.of(texts), texts.get("expected", ""), texts.get("key", ""))


def _at_once(router: APIRouter, services: Services, default_country: str) -> None:
    operator, words = services.operator, services.words
    assert words is not None, "pages are only there with the orders"

    @router.post("/override/release", operation_id="page_override_release")
    async def release(request: Request, fields: Sent) -> Response:
        """Gives the target back to the automatic."""
        texts = texts_of(fields)
        order = OrderForm.of(texts)
        # A word about something that has left the directory since must not outlive it: it is found among the words.
        standing = {_named(word.target): word.target for word in operator.status().overrides}
        directory = None if services.roster is None else services.roster.directory()
        target = standing.get((order.what, order.dids)) or order.target(directory, default_country)
        async with in_time(request):
            released = await words.desk.release(target, caller(request).name, order.reason)
        return back_to(next_page(texts.get("back", "/")), "override-released" if released else "override-was-not-set")

    @router.post("/failback", operation_id="page_failback")
    async def failback(request: Request, fields: Sent) -> Response:
        """Ends the hold-down or the trial."""
        texts = texts_of(fields)
        async with in_time(request):
            await operator.order_failback(texts.get("scope", ""), caller(request).name, texts.get("reason", ""))
        return back_to("/", "failback-ordered")


def _named(target: OverrideTarget) -> tuple[str, str]:
    """As the form of a release names it."""
    if target.listed:
        return "", ",".join(target.listed)
    for level in ("team", "site", "scope"):
        if (name := getattr(target, level)) is not None:
            return f"{level}:{name}", ""
    return "everything", ""
