"""The DIDs that are ours, as a list: for programs that compare it with what carriers send."""

from __future__ import annotations

import asyncio
from bisect import bisect_right
from itertools import islice
from typing import Annotated, Final

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from ringfence.app.operator import Operator
from ringfence.domain.directory import DidAssignment, Directory, LineKind
from ringfence.web.errors import declared

MAX_DIDS: Final = 10_000
AFTER: Final = r"^\+[1-9][0-9]{1,14}$"


class DidOut(BaseModel):
    """One DID of the directory in force, also one of a range."""

    did: str
    owner: str | None = Field(description="a person's key; null: vacant")
    site: str
    scope: str
    kind: LineKind
    team: str = Field(description="the team whose line it is; empty: none")


class DidsOut(BaseModel):
    """In the order of their digits."""

    dids: list[DidOut]
    next: str | None = Field(description="where the next page begins, for `after`; null: there are no more")


def routes(operator: Operator) -> APIRouter:
    router = APIRouter(tags=["directory"])

    @router.get("/dids", responses=declared(503), operation_id="dids")
    async def dids(
        after: Annotated[str | None, Query(pattern=AFTER, description="only DIDs behind this one, in E.164")] = None,
        limit: Annotated[int, Query(ge=1, le=MAX_DIDS)] = 1_000,
    ) -> DidsOut:
        """The DIDs of the directory in force, with their owners."""
        items, more = await asyncio.to_thread(_page, operator.directory, after or "", limit)
        return DidsOut(dids=[_did(item) for item in items], next=items[-1].did if more else None)

    return router


def _page(directory: Directory, after: str, limit: int) -> tuple[list[DidAssignment], bool]:
    """At most so many DIDs, and whether there are more."""
    in_order = sorted(directory.assignments)
    first = bisect_right(in_order, after)
    page = [directory.assignments[did] for did in islice(in_order, first, first + limit)]
    return page, first + limit < len(in_order)


def _did(item: DidAssignment) -> DidOut:
    return DidOut(did=item.did, owner=item.owner, site=item.site, scope=item.scope, kind=item.kind, team=item.team)
