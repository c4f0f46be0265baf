"""Calls made up at random for the simulation and for a real Asterisk: records, modes and far ends, all from one seed.

Every case has numbers of its own, so that a whole batch can be on its way at once.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from random import Random

from ringfence.asterisk.sip_status import classify
from ringfence.domain.ring_hours import RingHours
from ringfence.domain.route_table import did_path
from ringfence.domain.simulation_values import FarEnd, PlatformDoes
from ringfence.domain.step_text import encode_hours
from ringfence.domain.team import Strategy, record_id
from ringfence.domain.team_records import member_path, site_path, team_path, team_target
from tests.lab.behaviour import Behaviour, Manner
from tests.scenarios.site import QUICK

SCOPES = ("uc", "legacy")
PLATFORM_STATUSES = (200, 503, 500, 503, 480, 404, 486, 603)
KINDS = ("voice", "voice", "voice", "voice", "switchboard", "fax", "lift")
DECISIONS = ("normal", "divert", "divert", "pinned", "trial")
FAR_ENDS = (
    *[FarEnd.BUSY] * 3,
    *[FarEnd.OFF] * 3,
    *[FarEnd.DECLINED] * 2,
    *[FarEnd.ANSWERS] * 3,
    FarEnd.UNANSWERED,
    FarEnd.VOICEMAIL,
)

BEHAVIOURS: Mapping[FarEnd, Behaviour] = {
    # A key is pressed whether one is asked for or not: nobody but the prompt listens for it.
    FarEnd.ANSWERS: replace(QUICK, press="1"),
    FarEnd.UNANSWERED: replace(QUICK, manner=Manner.RING_FOR_EVER),
    FarEnd.BUSY: Behaviour(manner=Manner.REFUSE, status=486, ring_delay_ms=0),
    FarEnd.DECLINED: Behaviour(manner=Manner.REFUSE, status=603, ring_delay_ms=0),
    FarEnd.OFF: Behaviour(manner=Manner.REFUSE, status=480, ring_delay_ms=0),
    FarEnd.VOICEMAIL: QUICK,
}


@dataclass(slots=True)
class Case:
    """One call: what stands in AstDB for it, and what the far ends do."""

    did: str
    scope: str
    trunk: str
    status: int
    words: str = ""
    """What was made up, for whoever reads a failure."""
    records: dict[str, str] = field(default_factory=dict)
    far_ends: dict[str, FarEnd] = field(default_factory=dict)

    @property
    def platform(self) -> PlatformDoes:
        return PlatformDoes.ANSWERS if self.status == 200 else PlatformDoes(classify(self.status, rang=False).value)


def modes(random: Random) -> dict[str, str]:
    """A mode for every scope. A trial sends every call to the platform, for what it draws is nobody's to know."""
    return {scope: random.choice(DECISIONS) for scope in SCOPES}


def mode_records(decisions: Mapping[str, str]) -> dict[str, str]:
    return {
        f"mode/{scope}": f"1|{decision}|{int(decision == 'trial')}|NORMAL|-|1700000000"
        for scope, decision in decisions.items()
    }


def cases(random: Random, count: int, first: int) -> list[Case]:
    """So many, for one batch: at most 60, for each has up to ten mobiles of its own. `first` (1 to 9999) begins the
    DIDs, so that no two batches of a site share one."""
    mobiles = iter([f"+447700900{number:03}" for number in range(200, 1000)])
    return [_case(random, f"+44113497{number:04}", mobiles) for number in range(first, first + count)]


def _case(random: Random, did: str, mobiles: Iterator[str]) -> Case:
    case = Case(did, random.choice(SCOPES), "carrier", random.choice(PLATFORM_STATUSES))
    if case.scope == "uc" and random.random() < 0.2:
        case.trunk = "early"
    if random.random() < 0.1:  # nobody's
        case.scope = "uc"
        case.words = "unknown"
        return case
    forced = random.choice(("-", "-", "-", "divert", "pinned"))
    kind, critical = random.choice(KINDS), random.choice((0, 0, 1))
    plan = ",".join([*_plan(case, random, mobiles), "a:unavailable:0"])
    safe = f"s:{_number(case, random, site=did)}:5,a:unavailable:0"
    case.records[did_path(did)] = f"1|{case.scope}|{forced}|{kind}|{critical}|{plan}|{safe}"
    case.words = case.records[did_path(did)]
    return case


def _plan(case: Case, random: Random, mobiles: Iterator[str]) -> Iterator[str]:
    if random.random() < 0.35:
        yield _opening(case, random)
    if random.random() < 0.3:
        yield _team(case, random, mobiles)
    for _ in range(random.randrange(4)):
        number = random.choice(("+33123456789", "+449001234567")) if random.random() < 0.1 else None
        step = f"p:{number or _number(case, random, next(mobiles))}:5"
        hours = random.choice(("", "", "", _hours(random, open_now=True), _hours(random, open_now=False)))
        press = random.random() < 0.4
        yield step + (f":{hours}:1" if press else f":{hours}" if hours else "")
    if random.random() < 0.5:
        yield f"s:{_number(case, random, site=case.did)}:5"


def _number(case: Case, random: Random, number: str = "", site: str = "") -> str:
    """A number and what it does. A site's is one in another range, made of its DID."""
    number = number or f"+44115497{site[-4:]}"
    case.far_ends.setdefault(number, random.choice(FAR_ENDS))
    return number


def _hours(random: Random, *, open_now: bool) -> str:
    """All of these days, in some zone, of which today's neighbours are either all or none."""
    today = datetime.now(UTC).isoweekday()
    near = frozenset((today + shift - 1) % 7 + 1 for shift in (-1, 0, 1))
    days = frozenset(range(1, 8)) if open_now else frozenset(range(1, 8)) - near
    zone = random.choice(("Europe/London", "UTC", "America/New_York", "Asia/Tokyo"))
    return encode_hours(RingHours(0, 24 * 60, zone, days))


def _opening(case: Case, random: Random) -> str:
    name = f"Site {case.did}"
    spans = [_hours(random, open_now=random.random() < 0.5) for _ in range(random.randrange(1, 3))]
    plan = f"s:{_number(case, random, site=case.did)}:5,a:missing:0"
    case.records[site_path(name)] = f"1|{';'.join(spans)}||{plan}"
    return f"o:{record_id(name)}:0"


def _team(case: Case, random: Random, mobiles: Iterator[str]) -> str:
    name, strategy = f"Team {case.did}", random.choice(list(Strategy))
    slots = []
    for index in range(random.randrange(1, 4)):
        slot = f"{index:04}{case.did[-4:]}"
        steps = [f"p:{_number(case, random, next(mobiles))}:20"]
        if random.random() < 0.3:
            steps.insert(0, f"p:{_number(case, random, next(mobiles))}:20:{_hours(random, open_now=False)}")
        case.records[member_path(name, slot)] = f"1|{','.join(steps)}"
        slots.append(slot)
    floor = random.choice((1, 1, 1, 4))
    case.records[team_path(name)] = f"1|{strategy}|2|0|10|{floor}|{','.join(slots)}"
    return f"t:{team_target(name)}:5"
