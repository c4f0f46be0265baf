"""One number in clear, for a reason that is kept. Numbers are in answers' bodies only, never in an address."""

from __future__ import annotations

from typing import Annotated

from fastapi import APIRouter, Depends, Path
from pydantic import BaseModel, ConfigDict, Field
from starlette.responses import Response

from ringfence.app.reveal import Revealed, Revealer
from ringfence.domain.access import Caller
from ringfence.web.audit_api import NO_STORE
from ringfence.web.callers import caller
from ringfence.web.errors import declared
from ringfence.web.order_models import Why
from ringfence.web.people_models import MAX_KEY_CHARACTERS, PersonText

Asking = Annotated[Caller, Depends(caller)]


class RevealOrder(BaseModel):
    """Why it has to be seen."""

    model_config = ConfigDict(extra="forbid")

    reason: Why


class RevealNumberOrder(RevealOrder):
    """Which of a person's default numbers, as their page counts them."""

    position: int = Field(1, ge=1, le=1000, description="from 1, as `GET /v1/people/{key}` shows them")


class RevealedOut(BaseModel):
    """A number in clear. Not to be stored."""

    number: str = Field(description="in clear")
    what: str


def routes(revealer: Revealer) -> APIRouter:
    router = APIRouter(tags=["reveal"])

    @router.post("/people/{key}/reveal", responses=declared(404, 413, 503), operation_id="reveal_number")
    async def number(
        key: Annotated[PersonText, Path(max_length=MAX_KEY_CHARACTERS)],
        order: RevealNumberOrder,
        asking: Asking,
        response: Response,
    ) -> RevealedOut:
        """A person's default number in clear. Noted in the audit record first; so many an hour."""
        response.headers.update(NO_STORE)
        return _out(await revealer.number_of(asking, key, order.position, order.reason))

    @router.post("/calls/{id}/reveal", responses=declared(404, 413, 503), operation_id="reveal_caller")
    async def call(
        id_: Annotated[str, Path(alias="id", max_length=200)],
        order: RevealOrder,
        asking: Asking,
        response: Response,
    ) -> RevealedOut:
        """The number of whoever made a call. Whoever withheld it stays withheld."""
        response.headers.update(NO_STORE)
        return _out(await revealer.caller_of(asking, id_, order.reason))

    return router


def _out(revealed: Revealed) -> RevealedOut:
    return RevealedOut(number=revealed.number, what=revealed.what)
