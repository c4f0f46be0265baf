"""What a caller would experience: the dialplan's rules, run over the very records that are published.

`ringfence simulate` shows it to people; a test places real calls and compares. The rules are those of
`asterisk-conf/extensions_ringfence*.conf`, section by section and under their names. Not simulated, because it depends
on other calls: the caps of the egress, full trunks, busy members of a team, calls that come back to us.
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final
from zoneinfo import ZoneInfo

from ringfence.domain.assumed import PlatformDoes
from ringfence.domain.calls import AnsweredBy
from ringfence.domain.outage import Decision
from ringfence.domain.record_text import RecordError
from ringfence.domain.records import Forced, ModeRecord, decode_mode, decode_route
from ringfence.domain.route_plan import Step, StepKind
from ringfence.domain.route_table import did_path, fallback_path
from ringfence.domain.simulation_call import Call, open_at
from ringfence.domain.simulation_team import TeamRun
from ringfence.domain.simulation_values import Ending, Question, Simulation, SiteRules, Table, What, Why
from ringfence.domain.team_records import OpeningRecord, decode_opening

_ANSWERED_BY: Final = {StepKind.PERSON: AnsweredBy.PERSON, StepKind.SITE: AnsweredBy.SITE}


def simulate(question: Question, table: Table, rules: SiteRules) -> Simulation:
    """The whole call, from its arrival to its end."""
    return _Whole(question, table, rules).run()


class _Whole(Call):
    """From the look-up to the announcement."""

    def run(self) -> Simulation:
        self._look_up()
        ending = self._platform() if self._choose() else self._full()
        return Simulation(tuple(self.happenings), ending, self.scope)

    def _look_up(self) -> None:
        """`ringfence-route`: what cannot be read, or names a platform that is not there, is no record."""
        try:
            self.record = decode_route(self.table(did_path(self.question.did)) or "")
        except RecordError:
            self.record = None
        if self.record is not None and self.record.scope not in self.rules.platforms:
            self.record = None
        trunk = self.rules.trunks.get(self.question.trunk)
        self.scope = self.record.scope if self.record else trunk.platform if trunk else ""

    def _choose(self) -> bool:
        """`ringfence-choose`: whether the platform is dialled. A person's word for the DID beats the scope's."""
        mode = self._mode()
        if mode is not None:
            self.decision = mode.decision
            self.reason = f"scope-{mode.decision}"
        forced = self.record.forced if self.record else Forced.NONE
        if forced is not Forced.NONE:
            self.decision = Decision(forced.value)
            self.reason = f"forced-{forced}"
        if self.decision is Decision.NORMAL:
            self.reason = ""
        if self.decision is Decision.DIVERT:
            self.path = "divert"
            return False
        if self.decision is Decision.TRIAL:
            self.path = "trial"
            critical = self.record is not None and self.record.critical
            return self.question.assumed.to_platform and not critical
        return True

    def _mode(self) -> ModeRecord | None:
        try:
            return decode_mode(self.table(f"mode/{self.scope}") or "")
        except RecordError:
            return None

    def _platform(self) -> Ending:
        """`ringfence-platform-ended`."""
        does, timeouts = self.question.assumed.platform, self.rules.platforms.get(self.scope)
        trunk = self.rules.trunks.get(self.question.trunk)
        if trunk is not None and trunk.normal_context:
            return self._hand_over(trunk.normal_context, does)
        if does is PlatformDoes.ANSWERS:
            self.note(What.PLATFORM, self.scope, result="answered")
            return self.end(AnsweredBy.PLATFORM)
        result, seconds = does.value, 0.0
        if does is PlatformDoes.SILENT:
            result, seconds = PlatformDoes.FAILURE.value, timeouts.no_progress_seconds if timeouts else 0.0
        elif does is PlatformDoes.UNANSWERED and timeouts:
            seconds = timeouts.ring_seconds
        self.note(What.PLATFORM, self.scope, result=result, seconds=seconds)
        if self.decision is not Decision.PINNED:
            if result == PlatformDoes.FAILURE:
                self.path, self.reason = "inline", "platform-failure"
                return self._full()
            if result == PlatformDoes.UNDELIVERABLE and self.record is not None:
                self.path, self.reason = "undeliverable", "platform-undeliverable"
                return self._full()
        return self.end(AnsweredBy.NOBODY, result)

    def _hand_over(self, context: str, does: PlatformDoes) -> Ending:
        """`ringfence-own`: what the site's own dialplan makes of the call is not ours to foretell."""
        self.path = self.path or "site"
        answered = does is PlatformDoes.ANSWERS
        self.note(What.HANDED_OVER, context, result="answered" if answered else "unknown")
        return self.end(AnsweredBy.DIALPLAN) if answered else self.end(AnsweredBy.NOBODY, "unknown")

    def _full(self) -> Ending:
        """`ringfence-full`: the DID's own plan, else its trunk's."""
        if self.record is None:
            try:
                self.record = decode_route(self.table(fallback_path(self.question.trunk)) or "")
            except RecordError:
                return self._plan(())
        return self._plan(self.record.undeliverable if self.path == "undeliverable" else self.record.plan)

    def _plan(self, steps: tuple[Step, ...]) -> Ending:
        """`ringfence-plan`: the steps in order until one is answered."""
        started, closed = self.clock, False
        self.plan_ends = started + self.rules.ring_budget_seconds
        if self.question.assumed.came_back:
            self.reason = "looped"
            self.note(What.RETURNED)
            return self._announce(steps[-1] if steps else None)
        while True:
            self.step += 1
            item = steps[self.step - 1] if self.step <= len(steps) else None
            if item is None or item.kind is StepKind.ANNOUNCEMENT:
                return self._announce(item)
            if item.kind is StepKind.OPENING:
                plan = None if closed else self._opening(item)
                if plan is not None:
                    steps, closed, self.step = plan, True, 0
                continue
            if item.kind is StepKind.VOICEMAIL:
                if not self.is_machine and self.question.assumed.boxes:
                    self.note(What.VOICEMAIL, item.target, result="answered", language=self._language)
                    return self.end(AnsweredBy.VOICEMAIL)
                self.note(What.PASSED_OVER, item.target, why=Why.MACHINE if self.is_machine else Why.NO_BOX)
                continue
            if item.hours is not None and not open_at(item.hours, self.now):
                self.note(What.PASSED_OVER, item.target, private=item.kind is StepKind.PERSON, why=Why.CLOSED_HOURS)
                continue
            left = self.rules.ring_budget_seconds - int(self.clock - started)
            if left < 1:
                self.note(What.PASSED_OVER, item.target, private=item.kind is StepKind.PERSON, why=Why.BUDGET_SPENT)
                return self._announce(steps[-1])
            answered = self._ring_step(item, min(item.ring_seconds, left))
            if answered is not None:
                return self.end(answered)

    def _ring_step(self, item: Step, seconds: float) -> AnsweredBy | None:
        if item.kind is StepKind.TEAM:
            return AnsweredBy.TEAM if TeamRun(self, item.target, seconds).run() else None
        result = self.ring(item, seconds)
        return _ANSWERED_BY[item.kind] if result == "answered" else None

    def _opening(self, item: Step) -> tuple[Step, ...] | None:
        """`ringfence-opening`: the plan that holds because the site is closed; None: it is open."""
        try:
            opening = decode_opening(self.table(f"site/{item.target}") or "")
        except RecordError:
            return None
        closed = why_closed(opening, self.now)
        if closed is None:
            self.note(What.OPEN, item.target)
            return None
        self.reason = closed
        self.note(What.CLOSED, item.target, result=closed)
        return opening.plan

    def _announce(self, item: Step | None) -> Ending:
        """`ringfence-announce`: never silence, never a bare hang-up."""
        known = item is not None and item.kind is StepKind.ANNOUNCEMENT and item.target in self.rules.announcements
        name = item.target if known and item is not None else next(iter(self.rules.announcements), "")
        trunk = self.rules.trunks.get(self.question.trunk)
        early = self.is_machine or (trunk is not None and trunk.early)
        self.note(What.ANNOUNCEMENT, name, result="early" if early else "answered", language=self._language)
        return self.end(AnsweredBy.ANNOUNCEMENT, "unanswered" if early else "answered")

    @property
    def _language(self) -> str:
        """`ringfence-language`."""
        trunk = self.rules.trunks.get(self.question.trunk)
        return trunk.language if trunk is not None else ""


def why_closed(opening: OpeningRecord, now: datetime) -> str | None:
    """`holiday`, `out-of-hours`, or None while the site is open."""
    if _local(now, opening.spans[0].zone).date() in opening.holidays:
        return "holiday"
    return None if any(open_at(span, now) for span in opening.spans) else "out-of-hours"


def _local(now: datetime, zone: str) -> datetime:
    try:
        return now.astimezone(ZoneInfo(zone))
    except (KeyError, ValueError):
        return now.astimezone(UTC)
