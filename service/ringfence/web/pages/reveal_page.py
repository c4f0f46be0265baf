"""One number in clear, on the page that answers the form and on no other: noted in the audit record first. Numbers are
in no address."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path, Response
from starlette.datastructures import FormData
from starlette.requests import Request

from ringfence.app.operator import OrderRefused
from ringfence.app.reveal import Revealed, Revealer
from ringfence.web.callers import caller
from ringfence.web.oidc.next_page import next_page
from ringfence.web.pages.forms import sent, texts_of
from ringfence.web.pages.frame import Frame
from ringfence.web.pages.page_route import page_router
from ringfence.web.people_models import MAX_KEY_CHARACTERS

Sent = Annotated[FormData, Depends(sent)]


def routes(frame: Frame, revealer: Revealer) -> APIRouter:
    router = page_router(frame)

    def shown(request: Request, revealed: Revealed, back: str) -> Response:
        return frame.page(request, "revealed.html", number=revealed.number, back=next_page(back))

    @router.post("/people/{key}/reveal", operation_id="page_reveal_number")
    async def number(
        request: Request, key: Annotated[str, Path(max_length=MAX_KEY_CHARACTERS)], form: Sent
    ) -> Response:
        """A person's default number in clear, this once."""
        texts = texts_of(form)
        position = texts.get("position", "")
        if not position.isdecimal() or len(position) > 4:
            raise OrderRefused("position", "does not name one number", "Open the page again.")
        revealed = await revealer.number_of(caller(request), key, int(position), texts.get("reason", "").strip())
        return shown(request, revealed, f"/people/{key}")

    @router.post("/calls/reveal", operation_id="page_reveal_caller")
    async def call(request: Request, form: Sent) -> Response:
        """The number of whoever made a call, this once."""
        texts = texts_of(form)
        revealed = await revealer.caller_of(caller(request), texts.get("call", ""), texts.get("reason", "").strip())
        return shown(request, revealed, texts.get("back", "/calls"))

    return router
