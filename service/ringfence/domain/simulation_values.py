"""What a simulated call is asked with and what it gives: the values of `simulation`."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from typing import Final

from ringfence.domain.assumed import FarEnd, PlatformDoes
from ringfence.domain.calls import AnsweredBy
from ringfence.domain.identities import Rung

Table = Callable[[str], str | None]
"""A value of AstDB by its key below the family `ringfence`, as it is published; None: there is none."""


@dataclass(frozen=True, slots=True)
class PlatformRules:
    """One platform's two timeouts, in seconds."""

    ring_seconds: float
    no_progress_seconds: float


@dataclass(frozen=True, slots=True)
class TrunkRules:
    """An inbound trunk: where its unknown DIDs go, whether its callers hear announcements before an answer, and the
    site's own context that gets its calls in NORMAL."""

    platform: str
    early: bool = False
    language: str = ""
    normal_context: str = ""


@dataclass(frozen=True, slots=True)
class EgressRules:
    """A trunk that calls go out by. `rungs`: its ladder of identities from the first one down; what was learnt of it
    holds for `retry_seconds`."""

    name: str
    rungs: tuple[Rung, ...]
    retry_seconds: int


@dataclass(frozen=True, slots=True)
class SiteRules:
    """What the dialplan takes from the configuration. `allowed_codes` are calling codes without a plus, `denied_starts`
    beginnings of numbers in E.164. The first announcement is the default. `ask_seconds` of the
    budget are kept for whoever has to press 1."""

    ring_budget_seconds: int
    platforms: Mapping[str, PlatformRules]
    trunks: Mapping[str, TrunkRules]
    allowed_codes: tuple[str, ...]
    denied_starts: tuple[str, ...]
    announcements: tuple[str, ...]
    egress: tuple[EgressRules, ...] = ()
    ask_seconds: int = 10


@dataclass(frozen=True, slots=True)
class Assumptions:
    """What the far ends do: at step `answered_step` everybody answers, else by number, else `otherwise`. In a trial the
    call is one of those that go `to_platform`. `came_back`: its headers say that it has been out through us.
    `refused_rungs`: identities the carriers outside do not let through. `boxes`: voicemail boxes exist. Who is asked to
    press a key does so after `pressing_seconds`, or never, which takes `asking_seconds` to be known; who is told the
    caller's number hears it for `telling_seconds`."""

    platform: PlatformDoes = PlatformDoes.ANSWERS
    by_number: Mapping[str, FarEnd] = field(default_factory=dict)
    otherwise: FarEnd = FarEnd.UNANSWERED
    answered_step: int | None = None
    to_platform: bool = True
    came_back: bool = False
    refused_rungs: frozenset[str] = frozenset()
    boxes: bool = True
    pressing_seconds: float = 4.0
    asking_seconds: float = 8.0
    telling_seconds: float = 9.0

    def far_end(self, number: str, step: int) -> FarEnd:
        return FarEnd.ANSWERS if step == self.answered_step else self.by_number.get(number, self.otherwise)


@dataclass(frozen=True, slots=True)
class Question:
    """One call: to which DID (E.164), by which trunk, when (aware), by whom (as its carrier writes it; empty: the
    number is withheld)."""

    did: str
    trunk: str
    at: datetime
    assumed: Assumptions = field(default_factory=Assumptions)
    caller: str = ""


class What(StrEnum):
    """What happens at one point of a call."""

    PLATFORM = "platform"
    HANDED_OVER = "handed_over"
    RINGS = "rings"
    PASSED_OVER = "passed_over"
    OPEN = "open"
    CLOSED = "closed"
    WAITS = "waits"
    VOICEMAIL = "voicemail"
    ANNOUNCEMENT = "announcement"
    RETURNED = "returned"


class Shows(StrEnum):
    """Whom the telephone that rings shows."""

    CALLER = "caller"
    DID = "did"
    TRUNK = "trunk"
    NOBODY = "nobody"


class Why(StrEnum):
    """Why a step, or a member of a team, is passed over."""

    CLOSED_HOURS = "closed_hours"
    REFUSED = "refused"
    BELOW_FLOOR = "below_floor"
    NO_SUCH_TEAM = "no_such_team"
    MACHINE = "machine"
    NO_BOX = "no_box"
    BUDGET_SPENT = "budget_spent"

    @property
    def sentence(self) -> str:
        return _WHY[self]


_WHY: Final = {
    Why.CLOSED_HOURS: "it may not ring at this hour",
    Why.REFUSED: "the egress does not dial it",
    Why.BELOW_FLOOR: "fewer members can be reached than the team's floor asks for",
    Why.NO_SUCH_TEAM: "the team has no record that can be read",
    Why.MACHINE: "a machine leaves no message",
    Why.NO_BOX: "there is no such box",
    Why.BUDGET_SPENT: "the ring budget is spent",
}


@dataclass(frozen=True, slots=True)
class Happening:
    """One point of a simulated call. `at_seconds` counts from the call's arrival, `seconds` is how long it lasted.
    `step` is 0 for the platform. `targets`: the platform's name, numbers, a team's or site's id, a mailbox, an
    announcement; `private` when they are private numbers, `team` when they are members'. `result`: how it ended, in
    the dialplan's words. `shows`: of what rings. `asked`: whoever answers is asked to press 1; `told`: and told who
    calls. `language`: of an
    announcement and a voicemail's greeting."""

    at_seconds: float
    what: What
    step: int
    targets: tuple[str, ...]
    result: str = ""
    seconds: float = 0.0
    private: bool = False
    team: str = ""
    why: Why | None = None
    shows: Shows | None = None
    asked: bool = False
    told: bool = False
    language: str = ""


@dataclass(frozen=True, slots=True)
class Ending:
    """As the call's event would tell it."""

    at_seconds: float
    answered_by: AnsweredBy
    result: str
    decision: str
    path: str
    reason: str
    step: int


@dataclass(frozen=True, slots=True)
class Simulation:
    """All of one call."""

    happenings: tuple[Happening, ...]
    ending: Ending
    scope: str

    def numbers_rung(self) -> list[str]:
        """The numbers outside that were rung, in order; of a team that rings together in the order of its members."""
        return [number for happening in self.happenings if happening.what is What.RINGS for number in happening.targets]
