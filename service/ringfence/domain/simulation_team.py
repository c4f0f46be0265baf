"""A team's line in a simulated call: `asterisk-conf/extensions_ringfence_team.conf`, for a caller who is alone."""

from __future__ import annotations

import re
from typing import Any, Final

from ringfence.domain.record_text import RecordError
from ringfence.domain.route_plan import Step
from ringfence.domain.simulation_call import Call, open_at
from ringfence.domain.simulation_values import What, Why
from ringfence.domain.team import Strategy
from ringfence.domain.team_records import TeamRecord, decode_member, decode_team

ASKED_AGAIN_SECONDS: Final = 5.0
"""Nobody is rung twice within this time by the same caller."""
PLACE_SECONDS: Final = 3.0
"""About what saying the place in the line takes, however short the wait may be."""
LOOK_SECONDS: Final = 0.5
"""How often a caller who waits looks for somebody free."""

_TURN = re.compile(r"1\|((?:[0-9a-f]{8}-)+)")


class TeamRun:
    """The team's step of one call. `target` is `<bucket>/<id>`, `seconds` what all of its ringing may take."""

    def __init__(self, call: Call, target: str, seconds: float) -> None:
        self._call = call
        self._target = target
        self._ends = call.clock + seconds
        self._tried: set[str] = set()
        self._declined: set[str] = set()
        self._again_at = 0.0
        self._turn_key = f"turn/{target.rpartition('/')[2]}"
        self._turns: dict[str, list[str]] = {}

    def run(self) -> bool:
        """Whether somebody answered."""
        call = self._call
        record = self._record()
        if record is None:
            call.note(What.PASSED_OVER, self._target, why=Why.NO_SUCH_TEAM)
            return False
        reachable = [slot for slot in record.slots if self._member(slot) is not None]
        if len(reachable) < record.floor:
            call.note(What.PASSED_OVER, self._target, why=Why.BELOW_FLOOR)
            return False
        waited: float | None = None
        while call.clock < self._ends:
            if call.clock >= self._again_at:
                self._tried = set(self._declined)
            free = [slot for slot in self._line_up(record) if slot not in self._tried and self._member(slot)]
            if free:
                if self._attempt(record, free):
                    return True
                continue
            later = any(slot in self._tried and slot not in self._declined for slot in record.slots)
            if not record.wait_seconds or not later:
                return False
            waited = call.clock if waited is None else waited
            if not self._wait(waited, record.wait_seconds):
                return False
        return False

    def _wait(self, since: float, limit_seconds: int) -> bool:
        """Until somebody may be rung again; False: the time is up."""
        clock = self._call.clock
        until = min(max(self._again_at, clock + LOOK_SECONDS), self._ends, since + limit_seconds)
        if until <= clock:
            return False
        if clock == since:
            until = max(until, clock + PLACE_SECONDS)
        self._call.note(What.WAITS, self._target, seconds=until - clock)
        return True

    def _attempt(self, record: TeamRecord, free: list[str]) -> bool:
        call = self._call
        seconds = max(1.0, min(self._ends - call.clock, record.ring_seconds))
        rung = free if record.strategy is Strategy.ALL else free[:1]
        if record.strategy is Strategy.ROTATION:
            self._turns[self._turn_key] = [slot for slot in self._line_up(record) if slot != rung[0]] + rung
            self._turn_key = f"turn/{self._target.rpartition('/')[2]}.next"
        self._tried.update(rung)
        steps = [(slot, step) for slot in rung if (step := self._member(slot)) is not None]
        outcomes = [(slot, step, *call.outcome(step, seconds)) for slot, step in steps]
        self._declined.update(slot for slot, _, result, _ in outcomes if result == "declined")
        answered = any(result == "answered" for *_, result, _ in outcomes)
        refused = [step.target for _, step, result, _ in outcomes if result == "refused"]
        dialled = [step.target for _, step, result, _ in outcomes if result != "refused"]
        if refused:
            call.note(What.PASSED_OVER, *refused, private=True, team=self._target, why=Why.REFUSED)
        if dialled:
            ends = [lasted for *_, result, lasted in outcomes if result == "answered" or not answered]
            lasted = min(ends) if answered else max(ends)
            alone = outcomes[0][2] if len(outcomes) == 1 else "unanswered"
            result = "answered" if answered else alone
            how: dict[str, Any] = {"private": True, "team": self._target, "shows": call.shows(), "told": call.tells()}
            asked = any(call.asks(step) for _, step in steps)
            call.note(What.RINGS, *dialled, result=result, seconds=lasted, asked=asked, **how)
        self._again_at = call.clock + ASKED_AGAIN_SECONDS
        return answered

    def _line_up(self, record: TeamRecord) -> list[str]:
        """In which order members are considered. Those rung after a refusal have a turn of their own."""
        if record.strategy is not Strategy.ROTATION:
            return list(record.slots)
        turn = self._turn()
        new = [slot for slot in record.slots if slot not in turn]
        return [*new, *(slot for slot in turn if slot in record.slots)]

    def _turn(self) -> list[str]:
        """Who was rung longest ago first; empty: as listed."""
        if self._turn_key not in self._turns:
            found = _TURN.fullmatch(self._call.table(self._turn_key) or "")
            self._turns[self._turn_key] = found[1][:-1].split("-") if found else []
        return self._turns[self._turn_key]

    def _record(self) -> TeamRecord | None:
        try:
            record = decode_team(self._call.table(f"team/{self._target}") or "")
        except RecordError:
            return None
        return record if record.slots else None

    def _member(self, slot: str) -> Step | None:
        """The number at which a member may be rung now."""
        try:
            steps = decode_member(self._call.table(f"team/{self._target}.{slot}") or "")
        except RecordError:
            return None
        now = self._call.now
        return next((step for step in steps if step.hours is None or open_at(step.hours, now)), None)
