"""Orders that carry an `Idempotency-Key`: repeated, they are answered the same and act once."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Annotated, Final

from fastapi import Header
from pydantic import BaseModel
from starlette.requests import Request
from starlette.responses import Response

from ringfence.app.once import Answer, Done, Once
from ringfence.web.closing import ended_by_the_door, is_closing
from ringfence.web.errors import NotTakenYet
from ringfence.web.security import caller

ORDER_SECONDS: Final = 3.0
MAX_KEY_CHARACTERS: Final = 200

OnceKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=1,
        max_length=MAX_KEY_CHARACTERS,
        description="any text of your own, a UUID for example: the same order with the same key acts once, and is "
        "answered the same for 24 hours",
    ),
]


async def answered(
    request: Request,
    once: Once,
    key: str | None,
    asked: str,
    act: Callable[[], Awaitable[tuple[int, BaseModel]]],
    again: Callable[[Done], tuple[int, BaseModel]],
) -> Response:
    """What `act` answers, or has answered; what `again` answers where only what was done is known. `asked`: all that
    was asked, to know it again. Raises OrderRefused for a key that came with another order, KeyUnknown, NotTakenYet,
    and what `act` raises."""

    async def answer() -> Answer:
        return _told(await act())

    async with in_time(request):
        if key is None:
            found = await answer()
        else:
            asked = f"{request.method} {request.url.path} {asked}"
            found = await once.answer(caller(request), key, asked, answer, lambda done: _told(again(done)))
    return Response(found.body, found.status, media_type="application/json")


@asynccontextmanager
async def in_time(request: Request) -> AsyncIterator[None]:
    """While the daemon starts, nobody takes orders yet. They are kept, and whoever waits is told: NotTakenYet."""
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


def _told(answer: tuple[int, BaseModel]) -> Answer:
    status, body = answer
    return Answer(status, body.model_dump_json())
