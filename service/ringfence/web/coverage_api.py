"""Coverage: how many DIDs end with somebody who is known to answer, the others by reason, and the days before."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from operator import attrgetter
from typing import Annotated

from fastapi import APIRouter, Query
from pydantic import BaseModel, Field

from ringfence.app.coverage_watch import Measured
from ringfence.app.hr.ports import CoverageRow
from ringfence.app.operator import NotNow
from ringfence.domain.coverage import MAX_UNCOVERED, CoverageReason, percent_of
from ringfence.web.errors import declared
from ringfence.web.paging import BeforeText, Limit, Next, asked_page, next_text
from ringfence.web.ports import RosterDoor


class ReasonOut(BaseModel):
    """Why so many DIDs are not covered."""

    reason: str
    sentence: str
    dids: int


class UncoveredOut(BaseModel):
    """One DID that is not covered."""

    did: str
    reason: CoverageReason
    sentence: str


class CoverageOut(BaseModel):
    """Coverage at `at`, at most a minute old."""

    at: datetime
    dids: int = Field(description="those that count: fax and alarm lines do not")
    covered: int
    percent: float = Field(description="0 to 100, rounded down to a tenth")
    target_percent: float = Field(description="0: none is set")
    below_target: bool
    confirmed_days: int = Field(description="for so many days a confirmation counts")
    reasons: list[ReasonOut] = Field(description="the most frequent first")
    uncovered: list[UncoveredOut] = Field(description="as many as were asked for")


class CoverageDayOut(BaseModel):
    """One day."""

    at: datetime
    dids: int
    covered: int
    percent: float
    reasons: list[ReasonOut]


class CoverageHistoryOut(BaseModel):
    """Newest first, one row a day."""

    history: list[CoverageDayOut]
    next: Next


def routes(door: RosterDoor) -> APIRouter:
    router = APIRouter(tags=["coverage"])

    @router.get("/coverage", responses=declared(409, 503), operation_id="coverage")
    async def coverage(
        uncovered: Annotated[
            int, Query(ge=0, le=MAX_UNCOVERED, description="name at most so many DIDs that are not covered")
        ] = 0,
    ) -> CoverageOut:
        """The share of DIDs whose plan reaches a permitted, consented number that was confirmed lately."""
        measured = await door.coverage.current()
        if measured is None:
            raise NotNow("coverage", "there is no directory yet", "See `ringfence import`, or wait for the database.")
        return coverage_out(measured, uncovered)

    @router.get("/coverage/history", responses=declared(503), operation_id="coverage_history")
    async def history(limit: Limit = 100, before: BeforeText = None) -> CoverageHistoryOut:
        """Coverage day by day."""
        page = await asked_page(door.coverage.history, limit, before, attrgetter("at"))
        return CoverageHistoryOut(history=[day_out(row) for row in page.rows], next=next_text(page))

    return router


def coverage_out(measured: Measured, uncovered: int) -> CoverageOut:
    found = measured.coverage
    return CoverageOut(
        at=measured.at,
        dids=found.dids,
        covered=found.covered,
        percent=found.percent,
        target_percent=measured.target_percent,
        below_target=measured.below,
        confirmed_days=measured.confirmed_days,
        reasons=_reasons(found.reasons),
        uncovered=[
            UncoveredOut(did=did, reason=reason, sentence=reason.sentence)
            for did, reason in found.uncovered[:uncovered]
        ],
    )


def day_out(row: CoverageRow) -> CoverageDayOut:
    return CoverageDayOut(
        at=row.at,
        dids=row.dids,
        covered=row.covered,
        percent=percent_of(row.covered, row.dids),
        reasons=_reasons(row.reasons),
    )


def _reasons(counts: Mapping[str, int] | Mapping[CoverageReason, int]) -> list[ReasonOut]:
    """Most frequent first. A reason that an older version stored and nobody knows any more is its own sentence."""
    ordered = sorted(counts.items(), key=lambda item: (-item[1], item[0]))
    return [ReasonOut(reason=reason, sentence=_sentence(reason), dids=dids) for reason, dids in ordered]


def _sentence(reason: str) -> str:
    return CoverageReason(reason).sentence if reason in list(CoverageReason) else reason.replace("_", " ")
