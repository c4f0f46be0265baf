"""One company's years under the roster's rules, step by step, asked at each step who may be rung."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, timedelta
from random import Random

from ringfence.domain.directory import Directory, PersonKey
from ringfence.domain.hr.decision import approve, reject
from ringfence.domain.hr.derivation import Effective, derive
from ringfence.domain.hr.employment import zones_of
from ringfence.domain.hr.guard import SourceIndex, hear
from ringfence.domain.hr.items import held_items
from ringfence.domain.hr.record import Batch, HrNumber
from ringfence.domain.hr.roster import (
    Away,
    Origin,
    PersonEntries,
    Roster,
    RosterChange,
    SourceState,
    Stated,
)
from ringfence.domain.numbers import Did
from ringfence.domain.policy import EgressGate, EgressPolicy
from ringfence.domain.route_plan import StepKind
from ringfence.domain.route_table import touched_by
from ringfence.domain.routing import plan_for
from ringfence.domain.routing_policy import RoutingPolicy
from tests.simulation.roster_oracle import Oracle, surely_left
from tests.simulation.roster_world import BEGAN, DAY, POLICY, Company, number, whose

YEARS = 3
SOURCES = ("payroll", "accounts")
ROUTING = RoutingPolicy(EgressGate(EgressPolicy(frozenset({"GB"}))))


class History:
    """One company under the roster's rules. `seed` makes the same one again."""

    def __init__(self, seed: int, size: int, days_between: int = 60, began: datetime = BEGAN) -> None:
        self.random = Random(seed)
        self.days_between = days_between
        self.company = Company(self.random, size, began)
        self.base = self.company.base
        self.zones = zones_of(self.base, POLICY)
        self.oracle = Oracle(self.base)
        self.roster = Roster()
        self.now = began
        self.indexes = self._indexes(self.roster)
        self.entered: dict[PersonKey, PersonEntries] = {}
        self.directory = Directory()
        self.next_change_at: datetime | None = None
        self.rung: dict[Did, set[str]] = {}

    def run(self) -> None:
        """First loads, then step by step."""
        self.load()
        while self.now < BEGAN + YEARS * 365 * DAY:
            later = self.now + timedelta(hours=self.random.randrange(24, self.days_between * 48))
            if self.next_change_at is not None and self.random.random() < 0.3:
                later = min(later, self.next_change_at)  # the very moment
            self.now = later
            self.something()
            if self.random.random() < 0.06:
                self.restart()
        self._replay()

    def load(self) -> None:
        """What both sources say first, approved."""
        self._hear(self.company.payroll())
        self._hear(self.company.all_accounts())
        self.look()
        for source in SOURCES:
            self._decide(source, approves=True)
        self.look()

    def something(self) -> None:
        """Whatever happens, is said and entered by `now`."""
        self.company.live(self.now)
        self._something_said()
        self._something_entered()
        self.look()

    def _something_said(self) -> None:
        company, chance = self.company, self.random.random()
        if self.company.unsaid and self.random.random() < 0.7:
            self._hear(company.pushes())
        if chance < 0.45:
            self._hear(company.payroll())
        elif chance < 0.55:
            self._hear(company.cut_short())
        elif chance < 0.6:
            self._hear(company.shifted())
        elif chance < 0.65:
            self._hear(company.all_accounts())
        if chance < 0.3:  # people decide by a good feed only
            for source in SOURCES:
                self._decide(source, approves=self.random.random() < 0.8)

    def _something_entered(self) -> None:
        random, company = self.random, self.company
        for _ in range(random.randrange(1 + company.size // 20)):
            someone = company.anybody()
            key = self.oracle.who(someone.key)
            entries = self.entered.get(key, PersonEntries())
            event = random.randrange(9)
            if event == 0:
                entries = replace(entries, numbers=self._stated((HrNumber(number(someone.index, 19)),)))
            elif event == 1:
                entries = replace(entries, numbers=None)
            elif event == 2:
                entries = replace(entries, dids=self._stated((random.choice(company.dids),)))
            elif event == 3:
                entries = replace(entries, dids=None)
            elif event == 4:
                entries = replace(entries, left_at=self._stated(self.now + random.randrange(-3, 30) * DAY))
            elif event == 5:
                entries = replace(entries, left_at=None)
            elif event == 6:
                until = self.now.date() + random.randrange(60) * DAY
                away = Away(self.now.date(), until, self.oracle.who(company.anybody().key))
                entries = replace(entries, away=self._stated(away))
            elif event == 7:
                entries = replace(entries, away=None)
            else:
                self.roster.apply(RosterChange(releases={random.choice(company.dids): self.now}))
            self.entered[key] = entries
            self.roster.apply(RosterChange(entries={key: entries or None}))

    def _stated(self, value: object) -> Stated[object]:  # type: ignore[misc]
        return Stated(value, Origin.HELPDESK, "h.help", "asked for", self.now)

    def _hear(self, batch: Batch) -> None:
        heard = hear(self.roster, self.indexes[batch.source], batch, POLICY, self.zones, self.now, {})
        self.roster.apply(heard.change)
        self.indexes[batch.source].update(heard.change, POLICY, self.zones, self.now)

    def _decide(self, source: str, *, approves: bool) -> None:
        if not self.indexes[source].held:
            return
        index = SourceIndex.of(self.roster, source, POLICY, self.zones, self.now)
        items = held_items(index, self.zones, self.now)
        if approves:
            change = approve(self.roster, index, items, self.zones, self.now)
        else:  # somebody rejects a part, the rest waits
            some = tuple(item for item in items if self.random.random() < 0.5)
            change = reject(index, some, self.zones, self.now)
        for old, new in change.aliases.items():
            if new is not None and self.oracle.who(old) != new:
                before = self.oracle.who(old)
                self.oracle.renamed(before, new)
                if before in self.entered:
                    self.entered[new] = self.entered.pop(before)
        self.roster.apply(change)
        self.roster.apply(RosterChange(sources={source: SourceState(source, loaded=True)}))
        self.indexes[source].update(change, POLICY, self.zones, self.now)

    def _indexes(self, roster: Roster) -> dict[str, SourceIndex]:
        return {source: SourceIndex.of(roster, source, POLICY, self.zones, self.now) for source in SOURCES}

    def look(self) -> None:
        """Derives as the daemon does, and asks the oracle of every DID that can have changed."""
        effective = derive(self.base, self.roster, POLICY, self.now)
        self.roster.apply(RosterChange(tenures=effective.tenures))
        assert effective.next_change_at is None or effective.next_change_at > self.now
        self.next_change_at = effective.next_change_at
        self.oracle.look(self.roster, self.now)
        self._plan(effective)
        self._check(effective)
        kept = {key: entries for key, entries in self.entered.items() if entries}
        assert self.roster.entries == kept, "what was entered by hand is gone"

    def _plan(self, effective: Effective) -> None:
        for did in touched_by(self.directory, effective.directory, ROUTING.gate.policy.ways).dids:
            compiled = plan_for(effective.directory.assignments[did], effective.directory, ROUTING)
            self.rung[did] = {p.step.target for p in compiled.plan if p.step.kind is StepKind.PERSON}
        self.directory = effective.directory

    def _check(self, effective: Effective) -> None:
        oracle, left = (
            self.oracle,
            {self.oracle.who(PersonKey(key)) for key in surely_left(self.company.told, self.now)},
        )
        for did, numbers in self.rung.items():
            owner = oracle.may_ring(did, self.now, self.roster)
            item = effective.directory.assignments[did]
            assert item.owner == oracle.owners.get(did), f"{did} has another owner"
            for e164 in numbers:
                person = oracle.who(PersonKey(f"p{whose(e164)}"))
                assert owner is not None, f"{did} is in quarantine or nobody's, and {person} is rung"
                assert person not in left, f"{person} has left, as was said, and is rung for {did}"
                assert person not in oracle.out, f"{person} is not employed and is rung for {did}"
                assert person == owner or person in self._deputies(owner), f"{person} does not have {did}, {owner} does"

    def _deputies(self, owner: PersonKey) -> set[PersonKey]:
        states = self.oracle.records.get(owner, {}).get("payroll", ())
        named = {state.accepted.deputy for state in states if state.accepted is not None}
        entries = self.roster.entries.get(owner)
        if entries is not None and entries.away is not None:
            entered, today = entries.away.value, self.now.date()
            # The day ends in the site's zone: on the days about it either may count.
            if entered.until is None or entered.until >= today - DAY:
                over_soon = entered.until is not None and entered.until <= today + DAY
                named = {entered.deputy} | (named if over_soon else set())
        return {self.oracle.who(key) for key in named if key is not None}

    def restart(self) -> None:
        """All that is kept is what is stored."""
        self.roster = self.roster.copy()
        self.indexes = self._indexes(self.roster)
        again = derive(self.base, self.roster, POLICY, self.now)
        assert again.directory == self.directory, "a restart changed the directory"
        assert not again.tenures, "a restart changed the tenures"

    def _replay(self) -> None:
        """What is said in the end, in other orders and other batches, everything approved."""
        first, *others = (self._in_another_order() for _ in range(2))
        assert all(other.assignments == first.assignments for other in others), "the order changed who has which DID"
        assert all(other.people == first.people for other in others), "the order changed the people"

    def _in_another_order(self) -> Directory:
        roster = replace(self.roster.copy(), records={})
        for source in SOURCES:
            said = [state.said for id_, state in self.roster.records.items() if id_.source == source]
            self.random.shuffle(said)
            index = SourceIndex.of(roster, source, POLICY, self.zones, self.now)
            while said:
                count = self.random.randrange(1, len(said) + 1)
                batch = Batch(source, tuple(said[:count]), complete=False, rows=count)
                del said[:count]
                heard = hear(roster, index, batch, POLICY, self.zones, self.now, {})
                roster.apply(heard.change)
                index.update(heard.change, POLICY, self.zones, self.now)
            index = SourceIndex.of(roster, source, POLICY, self.zones, self.now)
            items = held_items(index, self.zones, self.now)
            roster.apply(approve(roster, index, items, self.zones, self.now))
        return derive(self.base, roster, POLICY, self.now).directory
