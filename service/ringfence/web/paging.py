"""Pages of lists over the API, the same everywhere: `limit` rows at most; `next` of an answer is the `before` of the
page after it, and null where that was the last."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Annotated, Final, TypeVar

from fastapi import Query
from pydantic import Field

from ringfence.app.operator import OrderRefused
from ringfence.app.paging import Before, Page, page_of

T = TypeVar("T")

MAX_ROWS: Final = 1000
PATTERN: Final = r"^[0-9]{1,18}-[0-9]{1,6}$"
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)
_MICROSECOND: Final = timedelta(microseconds=1)

Limit = Annotated[int, Query(ge=1, le=MAX_ROWS, description="at most so many rows")]
BeforeText = Annotated[str | None, Query(pattern=PATTERN, description="`next` of the page before")]
Next = Annotated[str | None, Field(description="`before` of the next page; null: there are no older ones")]


async def asked_page(
    ask: Callable[[int, Before | None], Awaitable[Sequence[T]]],
    limit: int,
    before: str | None,
    moment: Callable[[T], datetime],
) -> Page[T]:
    """`ask` gets how many rows are wanted, and from where on. Raises OrderRefused for a `before` that none of our
    answers has given."""
    begin = _read(before)
    return page_of(await ask(limit + 1, begin), limit, moment, begin)


def next_text(page: Page[T]) -> str | None:
    return None if page.next is None else f"{(page.next.at - _EPOCH) // _MICROSECOND}-{page.next.skip}"


def _read(text: str | None) -> Before | None:
    if text is None:
        return None
    at, _, skip = text.partition("-")
    try:
        return Before(_EPOCH + int(at) * _MICROSECOND, int(skip))
    except (OverflowError, ValueError):
        raise OrderRefused("before", "is no page of this list", "Begin without it, and go on with `next`.") from None
