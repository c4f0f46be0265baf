"""Calls made up at random for the simulation and for a real Asterisk: records, modes and far ends, all from one seed.

Every case has numbers of its own, so that a whole batch can be on its way at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from itertools import count
from random import Random

from ringfence.asterisk.sip_status import classify
from ringfence.domain.assumed import FarEnd, PlatformDoes
from ringfence.domain.ring_hours import RingHours
from ringfence.domain.route_table import did_path, fallback_path
from ringfence.domain.step_text import encode_hours
from ringfence.domain.team import Strategy, record_id
from ringfence.domain.team_records import member_path, site_path, team_path, team_target
from tests.lab.behaviour import Behaviour, Manner
from tests.scenarios.site import QUICK

SCOPES = ("uc", "legacy")
# By which trunk a call comes, and the scope of an unknown DID by it.
TRUNKS = {"carrier": "uc", "early": "uc", "german": "uc", "exchange": "legacy"}
SILENT = 0
"""In place of a status: nothing comes from the platform."""
PLATFORM_STATUSES = (200, 503, 500, 503, 480, 404, 486, 603, SILENT)
KINDS = (*["voice"] * 6, "switchboard", "safeguarding", "fax", "alarm", "lift", "telecare", "door")
DECISIONS = ("normal", "divert", "divert", "pinned", "trial")
QUICK_ENDS = (
    *[FarEnd.BUSY] * 3,
    *[FarEnd.OFF] * 3,
    *[FarEnd.DECLINED] * 2,
    *[FarEnd.ANSWERS] * 2,
    FarEnd.REFUSES,
)
RING_SECONDS = 5
SLOW_ENDS = (FarEnd.UNANSWERED, FarEnd.VOICEMAIL)

BEHAVIOURS: Mapping[FarEnd, Behaviour] = {
    # A key is pressed whether one is asked for or not: nobody but a prompt listens for it. The second one ends what is
    # told of the caller.
    FarEnd.ANSWERS: replace(QUICK, press="11"),
    FarEnd.REFUSES: replace(QUICK, press="2"),
    FarEnd.UNANSWERED: replace(QUICK, manner=Manner.RING_FOR_EVER),
    FarEnd.BUSY: Behaviour(manner=Manner.REFUSE, status=486, ring_delay_ms=0),
    FarEnd.DECLINED: Behaviour(manner=Manner.REFUSE, status=603, ring_delay_ms=0),
    FarEnd.OFF: Behaviour(manner=Manner.REFUSE, status=480, ring_delay_ms=0),
    FarEnd.VOICEMAIL: QUICK,
}
RETURNED: Sequence[tuple[tuple[str, str], ...]] = (
    (("X-Ringfence-Hop", "node2"),),
    (("Diversion", "<sip:1@lab>, <sip:2@lab>"), ("Diversion", "<sip:3@lab>")),
    (("History-Info", "<sip:1@lab>;index=1, <sip:2@lab>;index=2, <sip:3@lab>;index=3, <sip:4@lab>;index=4"),),
)


@dataclass(frozen=True, slots=True)
class Setting:
    """What holds for all calls of a batch. The dialplan counts in whole seconds, and nothing here may hang on a part of
    one: a number that rings uses up the budget at once, or never does; a team's `waits` end well before its members
    would be rung again, or well after."""

    budget_seconds: int
    waits: tuple[int, ...] = (0,)
    voicemails: bool = False
    """Whether numbers may have one: to ask it for a key, or to tell it who calls, takes its eight seconds."""
    learnt: str = ""
    """The rung that trunk a is known to take."""
    refused: frozenset[str] = frozenset()
    """The rungs that its carrier does not take. `caller` alone: else what one call learns changes the next one."""
    a_is_down: bool = False

    def records(self, now: datetime) -> dict[str, str]:
        identity = {"identity/a": f"1|{self.learnt}|{int(now.timestamp()) - 60}|403"} if self.learnt else {}
        return identity | ({"egress/a": "1|down"} if self.a_is_down else {})


@dataclass(slots=True)
class Case:
    """One call: what stands in AstDB for it, and what the far ends do."""

    did: str
    caller: str
    """As it stands in From; empty: withheld."""
    scope: str
    trunk: str
    status: int
    came_back: tuple[tuple[str, str], ...] = ()
    """The headers that tell of it."""
    words: str = ""
    """What was made up, for whoever reads a failure."""
    records: dict[str, str] = field(default_factory=dict)
    far_ends: dict[str, FarEnd] = field(default_factory=dict)

    @property
    def platform(self) -> PlatformDoes:
        if self.status == SILENT:
            return PlatformDoes.SILENT
        return PlatformDoes.ANSWERS if self.status == 200 else PlatformDoes(classify(self.status, rang=False).value)

    @property
    def headers(self) -> tuple[tuple[str, str], ...]:
        trunk = () if self.trunk == "carrier" else (("X-Lab-Trunk", self.trunk),)
        return (*trunk, *(() if self.caller else (("Privacy", "id"),)), *self.came_back)

    def behaviour(self, number: str, setting: Setting, trunk_number: str) -> Behaviour:
        """On trunk a."""
        behaviour = BEHAVIOURS[self.far_ends[number]]
        if not setting.refused:
            return behaviour
        # Those that refuse do it with their own status: taken for a refusal of the identity, they would look alike.
        if behaviour.manner is Manner.REFUSE:
            return behaviour
        return replace(behaviour, status=403, takes_from=(self.did, trunk_number))


def modes(random: Random) -> dict[str, str]:
    """A mode for every scope. A trial sends every call to the platform, for what it draws is nobody's to know."""
    return {scope: random.choice(DECISIONS) for scope in SCOPES}


def mode_records(decisions: Mapping[str, str]) -> dict[str, str]:
    return {
        f"mode/{scope}": f"1|{decision}|{int(decision == 'trial')}|NORMAL|-|1700000000"
        for scope, decision in decisions.items()
    }


class Inventor:
    """Makes up the cases of one batch: each has a DID, a caller and numbers outside of its own, so that all of them can
    be on their way at once. `first` (0 to 900) begins the DIDs and callers."""

    def __init__(self, random: Random, setting: Setting, first: int) -> None:
        self._random = random
        self._setting = setting
        self._next = count(first)
        self._mobiles = iter([f"+447700900{number:03}" for number in range(1000)])
        self._fallbacks = [trunk for trunk in TRUNKS if trunk != "carrier"]

    def case(self) -> Case:
        random, number = self._random, next(self._next)
        did = f"+44113497{number:04}"
        caller = random.choice((f"+441632960{number:03}", f"01632960{number:03}", "", f"desk{number:03}"))
        trunk = random.choice((*["carrier"] * 6, *TRUNKS))
        case = Case(did, caller, random.choice(SCOPES), trunk, random.choice(PLATFORM_STATUSES))
        if random.random() < 0.1:
            return self._unknown(case)
        if random.random() < 0.08:
            case.came_back = random.choice(RETURNED)
        forced = random.choice(("-", "-", "-", "divert", "pinned"))
        kind, critical = random.choice(KINDS), random.choice((0, 0, 1))
        plan = ",".join([*self._plan(case, kind), f"a:{random.choice(('unavailable', 'spoken', 'gone'))}:0"])
        safe = f"s:{self._number(case, site=did)}:{RING_SECONDS},a:unavailable:0"
        case.records[did_path(did)] = f"1|{case.scope}|{forced}|{kind}|{critical}|{plan}|{safe}"
        case.words = f"{trunk}, {caller or 'withheld'}: {case.records[did_path(did)]}"
        return case

    def _unknown(self, case: Case) -> Case:
        """Nobody's DID. One a trunk has that trunk's plan, and all by `carrier` have none."""
        case.trunk = self._fallbacks.pop() if self._fallbacks else "carrier"
        case.scope = TRUNKS[case.trunk]
        if case.trunk != "carrier":
            plan = f"s:{self._number(case, site=case.did)}:{RING_SECONDS},a:unavailable:0"
            case.records[fallback_path(case.trunk)] = f"1|{case.scope}|-|voice|0|{plan}|{plan}"
        case.words = f"unknown, by {case.trunk}, {case.caller or 'withheld'}"
        return case

    def _plan(self, case: Case, kind: str) -> Iterator[str]:
        random = self._random
        if random.random() < 0.35:
            yield self._opening(case)
        if random.random() < 0.35:
            yield self._team(case)
        for _ in range(random.randrange(4)):
            press = random.random() < 0.5
            number = random.choice(("+33123456789", "+449001234567")) if random.random() < 0.1 else None
            step = f"p:{number or self._number(case, next(self._mobiles))}:{RING_SECONDS}"
            hours = random.choice(("", "", "", self._hours(open_now=True), self._hours(open_now=False)))
            yield step + (f":{hours}:1" if press else f":{hours}" if hours else "")
        if random.random() < 0.5:
            yield f"s:{self._number(case, site=case.did)}:{RING_SECONDS}"
        if random.random() < 0.3:
            yield "v:600@nowhere:0"

    def _number(self, case: Case, number: str = "", site: str = "") -> str:
        """A number and what it does; of those that take their time there is one a case. A site's is one in another
        range, made of its DID."""
        number = number or f"+44115497{site[-4:]}"
        slow = SLOW_ENDS if self._setting.voicemails else SLOW_ENDS[:1]
        ends = QUICK_ENDS if set(case.far_ends.values()) & set(SLOW_ENDS) else (*QUICK_ENDS, *slow)
        case.far_ends.setdefault(number, self._random.choice(ends))
        return number

    def _hours(self, *, open_now: bool) -> str:
        """All of these days, in some zone, of which today's neighbours are either all or none."""
        today = datetime.now(UTC).isoweekday()
        near = frozenset((today + shift - 1) % 7 + 1 for shift in (-1, 0, 1))
        days = frozenset(range(1, 8)) if open_now else frozenset(range(1, 8)) - near
        zone = self._random.choice(("Europe/London", "UTC", "America/New_York", "Asia/Tokyo"))
        return encode_hours(RingHours(0, 24 * 60, zone, days))

    def _opening(self, case: Case) -> str:
        name = f"Site {case.did}"
        spans = [self._hours(open_now=self._random.random() < 0.5) for _ in range(self._random.randrange(1, 3))]
        plan = f"s:{self._number(case, site=case.did)}:{RING_SECONDS},a:spoken:0"
        case.records[site_path(name)] = f"1|{';'.join(spans)}||{plan}"
        return f"o:{record_id(name)}:0"

    def _team(self, case: Case) -> str:
        random = self._random
        name, strategy = f"Team {case.did}", random.choice(list(Strategy))
        slots = []
        for index in range(random.randrange(1, 4)):
            slot, press = f"{index:04}{case.did[-4:]}", random.random() < 0.5
            number = "+33123456789" if random.random() < 0.1 else self._number(case, next(self._mobiles))
            steps = [f"p:{number}:20" + ("::1" if press else "")]
            if random.random() < 0.3:
                steps.insert(0, f"p:{self._number(case, next(self._mobiles))}:20:{self._hours(open_now=False)}")
            case.records[member_path(name, slot)] = f"1|{','.join(steps)}"
            slots.append(slot)
        floor, wait = random.choice((1, 1, 1, 1, 4)), random.choice(self._setting.waits)
        ring = RING_SECONDS if self._setting.budget_seconds < RING_SECONDS else 2
        case.records[team_path(name)] = f"1|{strategy}|{ring}|{wait}|10|{floor}|{','.join(slots)}"
        for ending in ("", ".next"):
            if turn := random.sample(slots, random.randrange(len(slots) + 1)):
                case.records[f"turn/{record_id(name)}{ending}"] = f"1|{'-'.join(turn)}-"
        return f"t:{team_target(name)}:25"
