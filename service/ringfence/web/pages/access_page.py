"""`/access`: API keys, who is signed in, the break-glass accounts."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Path, Query, Response
from pydantic import ValidationError
from starlette.datastructures import FormData
from starlette.requests import Request

from ringfence.app.access.desk import AccessDesk
from ringfence.app.access.keys import MAX_LIFETIME, MAX_NAME_CHARACTERS
from ringfence.app.access.ports import SealedAccountsFault
from ringfence.app.operator import Operator, OrderRefused, check_words
from ringfence.domain.access import Caller, Permission
from ringfence.web.access_models import DEFAULT_DAYS, KeyOrder, key_out, sealed_out, session_out
from ringfence.web.callers import caller
from ringfence.web.pages import record_words
from ringfence.web.pages.flash import back_to
from ringfence.web.pages.forms import all_of, sent, texts_of
from ringfence.web.pages.frame import Frame
from ringfence.web.pages.page_route import page_router

MAX_KEYS: Final = 500
ROWS: Final = 30
MAX_PAGE: Final = 1_000
PAGE: Final = "/access"

Id = Annotated[str, Path(alias="id", max_length=64)]
Sent = Annotated[FormData, Depends(sent)]


def routes(frame: Frame, desk: AccessDesk, operator: Operator) -> APIRouter:
    router = page_router(frame)
    _shown(router, frame, desk, operator)
    _keys(router, frame, desk, operator)
    _ended(router, desk)
    return router


def _shown(router: APIRouter, frame: Frame, desk: AccessDesk, operator: Operator) -> None:
    @router.get(PAGE, operation_id="page_access")
    async def access(request: Request, page: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 1) -> Response:
        """Who and what is let in; `page` of those who are signed in, newest first."""
        now, asking = operator.now(), caller(request)
        accounts, fault = await _accounts(desk)
        keys, sessions = desk.keys(), desk.sessions()
        first = (page - 1) * ROWS
        return frame.page(
            request,
            "access.html",
            keys=[key_out(row, now) for row in keys[:MAX_KEYS]],
            sessions=[session_out(row) for row in sessions[first : first + ROWS]],
            signed_in=len(sessions),
            more=len(sessions) > first + ROWS,
            page=page,
            mine=asking.session,
            accounts=accounts,
            fault=fault,
            grantable=sorted(asking.permissions - {Permission.OWN}),
            days=DEFAULT_DAYS,
            most_days=MAX_LIFETIME.days,
            longest_name=MAX_NAME_CHARACTERS,
            words=record_words,
        )


async def _accounts(desk: AccessDesk) -> tuple[list[Any], str]:
    """The break-glass accounts, and why they cannot be told of."""
    try:
        return [sealed_out(view) for view in await desk.sealed_accounts()], ""
    except SealedAccountsFault as error:
        return [], str(error)


def _keys(router: APIRouter, frame: Frame, desk: AccessDesk, operator: Operator) -> None:
    @router.post("/access/keys", operation_id="page_key_create")
    async def create(request: Request, form: Sent) -> Response:
        """Makes a key, and shows it on the page that answers: it is on no other, and cannot be shown again."""
        texts = texts_of(form)
        order = _key_order(texts.get("name", ""), all_of(form, "permission"), texts.get("days", ""))
        expires = operator.now() + timedelta(days=order.days)
        new = await desk.create_key(order.name, frozenset(order.permissions), expires, caller(request))
        return frame.page(request, "key.html", key=key_out(new.row, operator.now()), token=new.token)

    @router.post("/access/keys/{id}/revoke", operation_id="page_key_revoke")
    async def revoke(request: Request, id_: Id, form: Sent) -> Response:
        """A key is of no use any more."""
        await desk.revoke_key(id_, *_why(request, form))
        return back_to(PAGE, "key-revoked")


def _ended(router: APIRouter, desk: AccessDesk) -> None:
    @router.post("/access/sessions/{id}/end", operation_id="page_session_end")
    async def end(request: Request, id_: Id, form: Sent) -> Response:
        """One session is over."""
        await desk.end_session(id_, *_why(request, form))
        return back_to(PAGE, "session-ended")

    @router.post("/access/sessions/end", operation_id="page_sessions_end")
    async def end_of(request: Request, form: Sent) -> Response:
        """All sessions of one name are over."""
        name = texts_of(form).get("name", "").strip()
        if not await desk.end_sessions_of(name, *_why(request, form)):
            raise OrderRefused("name", "nobody of this name is signed in", "Write it as the list has it.")
        return back_to(PAGE, "session-ended")

    @router.post("/access/break-glass/renewed", operation_id="page_accounts_renewed")
    async def renewed(request: Request, form: Sent) -> Response:
        """Somebody says that they renewed passwords."""
        found = await desk.note_renewed(caller(request))
        return back_to(PAGE, "accounts-renewed" if found else "accounts-not-renewed")


def _why(request: Request, form: FormData) -> tuple[Caller, str]:
    """Who asks, and why. Raises OrderRefused."""
    asking, reason = caller(request), texts_of(form).get("reason", "").strip()
    check_words(asking.name, reason)
    return asking, reason


def _key_order(name: str, permissions: list[str], days: str) -> KeyOrder:
    """Raises OrderRefused."""
    try:
        count = int(days) if days.isdecimal() and len(days) < 6 else days
        return KeyOrder.model_validate({"name": name.strip(), "permissions": permissions, "days": count})
    except ValidationError as error:
        field = str(error.errors()[0]["loc"][0])
        raise OrderRefused(field, "is missing or not understood", "Look at what stands in it.") from error
