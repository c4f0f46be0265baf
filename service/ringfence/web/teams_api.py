"""Team lines: who is in them, and whether enough of them can be reached."""

from __future__ import annotations

from enum import StrEnum
from typing import Final

from fastapi import APIRouter
from pydantic import BaseModel, Field

from ringfence.app.operator import Operator
from ringfence.app.table_keeper import TeamView
from ringfence.domain.team import Strategy
from ringfence.web.errors import declared

MAX_DIDS: Final = 100


class MemberOut(BaseModel):
    """One member. No numbers: `GET /v1/people/{key}` says which there are."""

    key: str
    name: str
    reachable: bool = Field(description="whether a number of this person's would be rung now, its hours left out")


class TeamState(StrEnum):
    """Whether a team line is rung at all."""

    STAFFED = "staffed"
    BELOW_FLOOR = "below floor"
    """Passed over: its backstop takes over."""


class TeamOut(BaseModel):
    """One team line, as it is compiled now."""

    name: str
    site: str
    strategy: Strategy
    state: TeamState = Field(description="`below floor`: it is passed over, and its backstop takes over")
    reachable: int = Field(description="how many members can be rung")
    floor: int = Field(description="with fewer the team is passed over")
    members: list[MemberOut] = Field(description="in the order in which they are rung, at most 60")
    left_off: int = Field(description="how many more HR has in the team than can be rung")
    dids: list[str] = Field(description="its lines, at most 100")


class TeamsOut(BaseModel):
    """Every team line, by name."""

    teams: list[TeamOut]


def routes(operator: Operator) -> APIRouter:
    router = APIRouter(tags=["directory"])

    @router.get("/teams", responses=declared(503), operation_id="teams")
    async def teams() -> TeamsOut:
        """The team lines with their members, how many of them can be reached, and whether that is enough."""
        return TeamsOut(teams=[team_out(view) for view in await operator.teams()])

    return router


def team_out(view: TeamView) -> TeamOut:
    """As people see it."""
    line = view.line
    members = [
        MemberOut(key=member.person.key, name=member.person.name, reachable=bool(member.steps))
        for member in line.members
    ]
    return TeamOut(
        name=line.team.name,
        site=line.team.site,
        strategy=line.team.strategy,
        state=TeamState.STAFFED if line.is_staffed else TeamState.BELOW_FLOOR,
        reachable=line.reachable,
        floor=line.team.floor,
        members=members,
        left_off=line.left_off,
        dids=list(view.dids[:MAX_DIDS]),
    )
