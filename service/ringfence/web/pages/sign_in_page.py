"""Signing in, by a provider or by a sealed account, and out. Nothing is fetched to show the page: it is there when the
provider is not."""

from __future__ import annotations

import logging
import math
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Form, Query
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import RedirectResponse, Response

from ringfence.app.access.ports import NoSuchAccess, SealedAccountsFault, SignInRefused, TooManyAttempts
from ringfence.app.access.sessions import NewSession
from ringfence.app.ports import StoreError
from ringfence.domain.access import Permission, SignedInBy, granted
from ringfence.domain.networks import counted_as
from ringfence.domain.numbers import mask_text
from ringfence.web.callers import known_caller
from ringfence.web.csrf import form_is_ours
from ringfence.web.oidc.binding import COOKIE, LIFETIME_SECONDS, Begun, NotBegunHere
from ringfence.web.oidc.claims import SignedIn
from ringfence.web.oidc.next_page import START, next_page
from ringfence.web.oidc.provider import Provider
from ringfence.web.oidc.refusal import OidcRefused, Refusal
from ringfence.web.pages.flash import FLASH_COOKIE, back_to
from ringfence.web.pages.frame import Frame
from ringfence.web.pages.page_route import open_router
from ringfence.web.pages.sign_in_words import REFUSALS
from ringfence.web.sessions import give_cookie, take_cookie
from ringfence.web.sign_in_door import SignInDoor

log = logging.getLogger(__name__)

SIGN_IN: Final = "/sign-in"
OWN_PAGE: Final = "/me"
SIGNED_OUT: Final = "signed-out"
KNOWN_AND_REFUSED: Final = frozenset({Refusal.NO_ROLE, Refusal.ROLES_LEFT_OUT, Refusal.HAS_LEFT, Refusal.NO_SESSION})
MAX_SHOWN_VALUES: Final = 20
MAX_NAME_CHARACTERS: Final = 64
MAX_PASSWORD_CHARACTERS: Final = 256

Next = Annotated[str, Query(alias="next", max_length=2048)]


def routes(frame: Frame, door: SignInDoor) -> APIRouter:
    router = open_router(frame)
    page = _Page(frame, door)

    @router.get(SIGN_IN)
    async def sign_in(request: Request, asked: Next = START) -> Response:
        if (asking := known_caller(request)) is not None and asking.session:
            return RedirectResponse(next_page(asked), 303)
        return page.show(request, next_page(asked))

    @router.post(f"{SIGN_IN}/break-glass", dependencies=[Depends(form_is_ours)])
    async def break_glass(
        request: Request,
        name: Annotated[str, Form(max_length=MAX_NAME_CHARACTERS)] = "",
        password: Annotated[str, Form(max_length=MAX_PASSWORD_CHARACTERS)] = "",
        asked: Annotated[str, Form(alias="next", max_length=2048)] = START,
    ) -> Response:
        to = next_page(asked)
        try:
            session = await door.desk.break_glass(name.strip(), password, _address(request))
        except TooManyAttempts as error:
            seconds = math.ceil(error.retry_after_seconds)
            return page.refused(request, to, OidcRefused(Refusal.LOCKED), typed_name=name, seconds=seconds)
        except SignInRefused:
            return page.refused(request, to, OidcRefused(Refusal.WRONG_PASSWORD), typed_name=name)
        except SealedAccountsFault as error:
            log.error("the break-glass accounts cannot be used", extra={"reason": str(error)})
            return page.refused(request, to, OidcRefused(Refusal.NO_ACCOUNTS), typed_name=name)
        return await page.let_in(request, session, to)

    @router.get("/oidc/{name}/begin")
    async def begin(request: Request, name: str, asked: Next = START) -> Response:
        provider, to = page.provider(name), next_page(asked)
        begun = door.binding.begin(name, to, door.clock.now().monotonic)
        try:
            page.count(request)
            answer: Response = RedirectResponse(await provider.begin_address(begun), 303)
        except OidcRefused as error:
            return page.refused(request, to, error, provider)
        answer.set_cookie(COOKIE, begun.browser, LIFETIME_SECONDS, path="/", secure=True, httponly=True, samesite="lax")
        return answer

    @router.get("/oidc/{name}/callback")
    async def callback(request: Request, name: str) -> Response:
        provider, to = page.provider(name), START
        try:
            page.count(request)
            begun = _taken(request, provider, door)
            to = begun.next_page
            found = await provider.came_back(begun, request.query_params)
            answer = await page.let_in(request, await _begin_session(request, found, door), to)
        except OidcRefused as error:
            if error.reason in KNOWN_AND_REFUSED:
                await door.desk.note_refused(error.facts.get("name", "unknown"), error.reason, _address(request))
            answer = page.refused(request, to, error, provider)
        answer.delete_cookie(COOKIE, path="/", secure=True, httponly=True, samesite="lax")
        return answer

    @router.post("/sign-out", operation_id="page_sign_out", dependencies=[Depends(form_is_ours)])
    async def sign_out(request: Request) -> Response:
        await page.end_session(request)
        answer = back_to(SIGN_IN, SIGNED_OUT)
        take_cookie(answer)
        return answer

    return router


class _Page:
    """What the handlers share."""

    def __init__(self, frame: Frame, door: SignInDoor) -> None:
        self._frame = frame
        self._door = door

    def provider(self, name: str) -> Provider:
        """Raises HTTPException."""
        if (found := self._door.provider(name)) is None:
            raise HTTPException(404)
        return found

    def count(self, request: Request) -> None:
        """Raises OidcRefused when too many come from one address: each may have the provider asked."""
        if wait_seconds := self._door.rates.wait_seconds(counted_as(_address(request))):
            raise OidcRefused(Refusal.TOO_MANY, facts={"seconds": str(math.ceil(wait_seconds))})

    def show(self, request: Request, to: str, status: int = 200, **context: Any) -> Response:
        providers = self._door.providers
        signed_out = request.cookies.get(FLASH_COOKIE) == SIGNED_OUT
        blank = {"error": "", "todo": "", "at_form": False, "typed_name": ""}
        return self._frame.page(
            request,
            "sign_in.html",
            status,
            providers=[(provider.settings.name, provider.settings.title) for provider in providers],
            ends=[(p.settings.title, address) for p in providers if signed_out and (address := p.sign_out_address())],
            next_page=to,
            **(blank | context),
        )

    def refused(
        self,
        request: Request,
        to: str,
        error: OidcRefused,
        provider: Provider | None = None,
        typed_name: str = "",
        seconds: int = 0,
    ) -> Response:
        """The sign-in page with what was wrong on top."""
        words, texts = REFUSALS[error.reason], self._frame.texts(request)
        gaps = {"seconds": str(seconds), **error.facts}
        if provider is not None:
            gaps |= {"provider": provider.settings.title, "values": _values(provider)}
            who = mask_text(error.facts.get("name", ""))
            extra = {
                "provider": provider.settings.name,
                "reason": str(error.reason),
                "detail": error.detail,
                "who": who,
            }
            log.warning("a sign-in was refused", extra=extra | {"address": _address(request)})
        answer = self.show(
            request,
            to,
            words.status,
            error=texts.gettext(words.text) % gaps,
            todo=texts.gettext(words.todo) % gaps,
            at_form=provider is None,
            typed_name=typed_name,
        )
        if words.status == 429:
            answer.headers["Retry-After"] = gaps["seconds"]
        return answer

    async def let_in(self, request: Request, session: NewSession, to: str) -> Response:
        """A new session for whoever signs in, and none left of those this browser had."""
        await self.end_session(request)
        may = granted(session.row.roles)
        if to == START and Permission.SEE not in may and Permission.OWN in may:
            to = OWN_PAGE
        answer = RedirectResponse(to, 303)
        give_cookie(answer, session)
        return answer

    async def end_session(self, request: Request) -> None:
        """That of the request's cookie, if there is one."""
        asking = known_caller(request)
        if asking is None or not asking.session:
            return
        try:
            await self._door.desk.end_session(asking.session)
        except NoSuchAccess:
            pass  # over already
        except StoreError as error:
            # It is over here, and the browser forgets it; the desk tries again to store that.
            log.error("a sign-out is not stored yet", extra={"session": asking.session, "reason": str(error)})


def _taken(request: Request, provider: Provider, door: SignInDoor) -> Begun:
    """What this browser had begun with this provider. Raises OidcRefused."""
    query = request.query_params
    if len(query) < len(query.multi_items()):
        raise OidcRefused(Refusal.NOT_BEGUN_HERE, "a parameter comes twice")
    browser, name = request.cookies.get(COOKIE, ""), provider.settings.name
    try:
        return door.binding.take(name, browser, query.get("state", ""), door.clock.now().monotonic)
    except NotBegunHere as error:
        raise OidcRefused(Refusal.NOT_BEGUN_HERE, str(error)) from error


async def _begin_session(request: Request, found: SignedIn, door: SignInDoor) -> NewSession:
    person = door.person_of(found.key) if found.key else None
    if person is not None and await door.left({person}):
        raise OidcRefused(Refusal.HAS_LEFT, facts={"name": found.name})
    try:
        return await door.desk.begin_session(
            found.name, found.roles, SignedInBy.OIDC, person, address=_address(request)
        )
    except SignInRefused as error:
        raise OidcRefused(Refusal.NO_SESSION, error.message, {"name": found.name}) from error


def _values(provider: Provider) -> str:
    """What the claim would have to hold, with the role that each gives."""
    pairs = [f"{value} ({role})" for value, role in provider.settings.role_map.items()]
    return ", ".join(pairs[:MAX_SHOWN_VALUES])


def _address(request: Request) -> str:
    return request.client.host if request.client is not None else ""
