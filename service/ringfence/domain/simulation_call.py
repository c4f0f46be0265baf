"""One simulated call on its way: its clock, what has happened, and what a number does that is rung."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

from ringfence.domain.assumed import FarEnd
from ringfence.domain.calls import AnsweredBy
from ringfence.domain.identities import Rung
from ringfence.domain.line_kinds import SPOKEN
from ringfence.domain.outage import Decision
from ringfence.domain.records import RouteRecord
from ringfence.domain.ring_hours import RingHours
from ringfence.domain.route_plan import Step, StepKind
from ringfence.domain.route_table import did_path
from ringfence.domain.simulation_values import Ending, Happening, Question, Shows, SiteRules, Table, What, Why

_KNOWN = re.compile(r"\+?[0-9]{3,15}")
_LEARNT = re.compile(r"1\|(did|trunk)\|([0-9]{9,11})\|.*")
_DIALLED = re.compile(r"\+[1-9][0-9]{7,14}")


class Call:
    """`clock` is in seconds since the call came in. The other fields are the call's variables in the dialplan."""

    def __init__(self, question: Question, table: Table, rules: SiteRules) -> None:
        self.question = question
        self.table = table
        self.rules = rules
        self.clock = 0.0
        self.happenings: list[Happening] = []
        self.record: RouteRecord | None = None
        self.scope = ""
        self.decision: Decision = Decision.NORMAL
        self.path = ""
        self.reason = ""
        self.step = 0
        self.plan_ends = 0.0

    @property
    def now(self) -> datetime:
        return self.question.at + timedelta(seconds=self.clock)

    @property
    def is_machine(self) -> bool:
        return self.record is not None and self.record.kind not in SPOKEN

    def note(self, what: What, *targets: str, seconds: float = 0.0, result: str = "", **more: Any) -> None:
        """Something happens now and lasts so long."""
        happening = Happening(self.clock, what, self.step, targets, result, seconds)
        self.happenings.append(replace(happening, **more))
        self.clock += seconds

    def end(self, answered_by: AnsweredBy, result: str = "answered") -> Ending:
        """`ringfence-ended`."""
        known = self.record is not None
        path = self.path or ("platform" if known else "transparent")
        reason = self.reason or ("scope-normal" if known else "no-record")
        return Ending(self.clock, answered_by, result, self.decision, path, reason, self.step)

    def ring(self, item: Step, seconds: float, team: str = "") -> str:
        """`ringfence-egress`: one number is dialled; how it ended."""
        result, lasted = self.outcome(item, seconds)
        private = item.kind is StepKind.PERSON
        if result == "refused":
            self.note(What.PASSED_OVER, item.target, result=result, private=private, team=team, why=Why.REFUSED)
        elif self._too_late(item):
            self.note(What.PASSED_OVER, item.target, private=private, team=team, why=Why.BUDGET_SPENT)
        else:
            how: dict[str, Any] = {"private": private, "team": team, "shows": self.shows(), "asked": self.asks(item)}
            how["told"] = self.tells()
            self.note(What.RINGS, item.target, result=result, seconds=lasted, **how)
        return result

    def asks(self, item: Step) -> bool:
        """Whether whoever answers is asked to press 1."""
        return item.press_one and item.kind is not StepKind.SITE and not self.is_machine

    def tells(self) -> bool:
        """`ringfence-introduce`: whether whoever answers is told who calls, because the telephone does not show it."""
        return self.shows() in (Shows.DID, Shows.TRUNK) and not self.is_machine

    def shows(self) -> Shows | None:
        """`ringfence-identity`: whom a leg shows that goes out now, by the first trunk that is not down."""
        trunks = self.rules.egress
        trunk = next((one for one in trunks if self.table(f"egress/{one.name}") != "1|down"), next(iter(trunks), None))
        if trunk is None:
            return None
        hidden, rungs, place = not self.question.caller, trunk.rungs, 0
        if hidden and rungs[:2] == (Rung.CALLER, Rung.DID):
            rungs = (Rung.CALLER, *rungs[2:])
        elif not _KNOWN.fullmatch(self.question.caller) and rungs[:2] == (Rung.CALLER, Rung.DID):
            place = 1
        learnt = _LEARNT.fullmatch(self.table(f"identity/{trunk.name}") or "")
        age = self.now.timestamp() - int(learnt[2]) if learnt is not None else -1.0
        if learnt is not None and Rung(learnt[1]) in rungs and 0 <= age < trunk.retry_seconds:
            place = max(place, rungs.index(Rung(learnt[1])))
        while rungs[place] in self.question.assumed.refused_rungs and place + 1 < len(rungs):
            place += 1
        shows = Shows(rungs[place])
        return Shows.NOBODY if hidden and shows is not Shows.TRUNK else shows

    def outcome(self, item: Step, seconds: float) -> tuple[str, float]:
        """How a leg to this number ends, in the dialplan's word, and after how many seconds."""
        if not self._dialled(item.target):
            return "refused", 0.0
        if self._too_late(item):
            return "unanswered", 0.0
        if self.asks(item):
            seconds = min(seconds, self._left_for_asking)
        assumed = self.question.assumed
        does, asked = assumed.far_end(item.target, self.step), self.asks(item)
        match does:
            case FarEnd.UNANSWERED:
                return "unanswered", seconds
            case FarEnd.OFF:
                return "undeliverable", 0.0
            case FarEnd.VOICEMAIL if asked:
                return "unaccepted", assumed.asking_seconds
            case FarEnd.REFUSES if asked:
                return "declined", assumed.pressing_seconds
            case FarEnd.ANSWERS | FarEnd.VOICEMAIL | FarEnd.REFUSES:
                return "answered", assumed.pressing_seconds * asked + assumed.telling_seconds * self.tells()
        return does.value, 0.0

    @property
    def _left_for_asking(self) -> int:
        """How long a leg may ring so that whoever answers can still be asked within the plan."""
        return int(self.plan_ends) - int(self.clock) - self.rules.ask_seconds

    def _too_late(self, item: Step) -> bool:
        return self.asks(item) and self._left_for_asking < 1

    def _dialled(self, number: str) -> bool:
        allowed = _DIALLED.fullmatch(number) and number[1:].startswith(self.rules.allowed_codes)
        return bool(allowed) and not number.startswith(self.rules.denied_starts) and not self.table(did_path(number))


def open_at(hours: RingHours, now: datetime) -> bool:
    """As the dialplan asks it: Asterisk takes a zone it does not know for UTC."""
    try:
        return hours.open_at(now)
    except (KeyError, ValueError):
        return replace(hours, zone="UTC").open_at(now)
