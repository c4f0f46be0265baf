"""`/coverage`: how many DIDs end with somebody who is known to answer, drawn as charts here and told as tables too."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from typing import Any, Final

from fastapi import APIRouter, Response
from starlette.requests import Request

from ringfence.app.operator import NotNow
from ringfence.domain.coverage import percent_of
from ringfence.domain.directory import Directory
from ringfence.web.coverage_api import CoverageDayOut, coverage_out, day_out
from ringfence.web.pages.frame import Frame
from ringfence.web.pages.page_route import page_router
from ringfence.web.pages.same_directory import SameDirectory
from ringfence.web.ports import RosterDoor

MAX_DAYS: Final = 90
MAX_SHOWN: Final = 200
WIDTH: Final = 640
HEIGHT: Final = 220
MARGIN: Final = 40


@dataclass(frozen=True, slots=True)
class Curve:
    """Coverage day by day as coordinates in a chart of `WIDTH` times `HEIGHT`. `target_y` is None where none is set."""

    points: tuple[tuple[float, float], ...]
    target_y: float | None

    @property
    def line(self) -> str:
        """For an SVG polyline."""
        return " ".join(f"{x:.1f},{y:.1f}" for x, y in self.points)

    @property
    def area(self) -> str:
        """The same, closed along the axis."""
        if not self.points:
            return ""
        foot = HEIGHT - MARGIN
        return f"{self.points[0][0]:.1f},{foot} {self.line} {self.points[-1][0]:.1f},{foot}"


@dataclass(frozen=True, slots=True)
class SiteShare:
    """One site: its DIDs that have somebody's default number in force, of all its DIDs."""

    site: str
    dids: int
    reached: int

    @property
    def percent(self) -> float:
        return percent_of(self.reached, self.dids)


def routes(frame: Frame, door: RosterDoor) -> APIRouter:
    router = page_router(frame)

    @router.get("/coverage", operation_id="page_coverage")
    async def coverage(request: Request) -> Response:
        """Coverage now, why not more, by site, and the days before."""
        directory = door.directory()

        async def context() -> Mapping[str, Any]:
            measured = await door.coverage.current(patient=False)
            if measured is None and directory is not None:
                raise NotNow("coverage", "it is being measured", "Look again in a few seconds.")
            if measured is None:
                raise NotNow("coverage", "there is no directory yet", "Import one, or wait for the database.")
            days = [day_out(row) for row in await door.coverage.history(MAX_DAYS)]
            return {
                "coverage": coverage_out(measured, MAX_SHOWN),
                "days": days,
                "curve": curve_of(days, measured.target_percent),
                "sites": [] if directory is None else await asyncio.to_thread(_shares, SameDirectory(directory)),
                "width": WIDTH,
                "height": HEIGHT,
                "margin": MARGIN,
            }

        return await frame.shared(request, "coverage.html", context, id(directory))

    return router


def curve_of(days: list[CoverageDayOut], target_percent: float) -> Curve:
    """`days` newest first, as they are stored; drawn oldest first. One day alone is a point at the right."""
    inner_width, inner_height = WIDTH - 2 * MARGIN, HEIGHT - 2 * MARGIN
    oldest_first = list(reversed(days))
    step = inner_width / max(1, len(oldest_first) - 1)

    def y_of(percent: float) -> float:
        return MARGIN + inner_height * (1 - percent / 100)

    points = tuple((MARGIN + step * place, y_of(day.percent)) for place, day in enumerate(oldest_first))
    return Curve(points, y_of(target_percent) if target_percent else None)


@lru_cache(maxsize=1)
def _shares(same: SameDirectory) -> list[SiteShare]:
    return by_site(same.directory)


def by_site(directory: Directory | None) -> list[SiteShare]:
    """The least reached first."""
    if directory is None:
        return []
    all_, reached = Counter[str](), Counter[str]()
    for item in directory.assignments.values():
        all_[item.site] += 1
        owner = None if item.owner is None or item.hold is not None else directory.people.get(item.owner)
        reached[item.site] += owner is not None and bool(owner.default_numbers)
    shares = (SiteShare(site, count, reached[site]) for site, count in all_.items())
    return sorted(shares, key=lambda share: (share.percent, share.site))
