"""The directory in force: what the imported directory, the roster and the time make of each other.

A pure function, so that the same facts give the same table in whatever order they came.
`docs/explanation/joiners-movers-leavers.md` has every rule with its reason.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from types import MappingProxyType

from ringfence.domain.did_range import flat
from ringfence.domain.directory import MAX_NAME_LENGTH, DidAssignment, Directory, NotRung, Person, PersonKey
from ringfence.domain.hr.ownership import Claims, Ownership
from ringfence.domain.hr.person_facts import NOTHING_ENTERED, Everybody, Facts
from ringfence.domain.hr.roster import Roster, RosterPolicy, Tenure
from ringfence.domain.hr.rung_numbers import known_numbers, rung, withheld
from ringfence.domain.hr.standing import Employment, earliest
from ringfence.domain.numbers import Did
from ringfence.domain.team import Team


@dataclass(frozen=True, slots=True)
class Conflict:
    """Two or more people with equal claims to one DID, by key. `holder`, one of them, has it and keeps it; None:
    nobody's numbers ring."""

    did: Did
    holder: PersonKey | None
    claimants: tuple[PersonKey, ...]


@dataclass(frozen=True, slots=True)
class Effective:
    """What is routed by. Before `next_change_at` the same facts give the same directory; None: for ever. `tenures` has
    only those DIDs whose stored tenures must change. `unknown_dids`: claimed by an employed person and not in the
    imported directory. `employed`: how many of the directory's people are."""

    directory: Directory
    next_change_at: datetime | None
    tenures: Mapping[Did, tuple[Tenure, ...]]
    conflicts: tuple[Conflict, ...]
    unknown_dids: tuple[tuple[PersonKey, Did], ...]
    employed: int


def derive(base: Directory, roster: Roster, policy: RosterPolicy, now: datetime) -> Effective:
    """The directory in force at `now`, without ranges. Without anything in the roster it is `base` itself, where no
    consent is required.

    About 15 µs a person or DID. Whoever differs in nothing is the same object as in `base`.
    """
    if not (roster.records or roster.entries or roster.tenures or roster.releases or policy.require_consent):
        return Effective(flat(base), None, MappingProxyType({}), (), (), len(base.people))
    everybody = Everybody(base, roster, policy, now)
    census = _Census(policy, now, Claims(now, policy))
    for facts in everybody:
        if facts.is_known:
            census.count(facts)
    census.appoint_deputies(everybody)
    ownership = Ownership(census.claims, roster, census.people, census.out, everybody.key_of)
    dids = _Dids(now, ownership)
    for item in base.assignments.values():
        dids.settle(item)
    for did in roster.tenures:
        if did not in base.assignments:
            dids.forget(did)
    return Effective(
        directory=replace(
            flat(base),
            people=MappingProxyType(census.people),
            assignments=MappingProxyType(dids.assignments),
            teams=MappingProxyType({name: _known_by(team, everybody) for name, team in base.teams.items()}),
        ),
        next_change_at=earliest((*census.moments, *dids.moments)),
        tenures=MappingProxyType(dids.tenures),
        conflicts=tuple(dids.conflicts),
        unknown_dids=tuple(sorted(_unknown(census.claims, base))),
        employed=len(census.people) - len(census.out),
    )


def changed_owners(effective: Effective, roster: Roster) -> frozenset[Did]:
    """DIDs whose last owner has left or lost them, by the tenures that must change. Two people with equal claims take
    a DID from nobody until one of them has it; nor does a quarantine."""
    return frozenset(
        did
        for did, tenures in effective.tenures.items()
        if (stored := roster.tenures.get(did)) and _has_changed(effective, did, stored[-1], tenures, roster)
    )


def _has_changed(effective: Effective, did: Did, last: Tenure, tenures: tuple[Tenure, ...], roster: Roster) -> bool:
    lasting = next((tenure for tenure in tenures if tenure.until is None), None)
    if lasting is not None:
        return lasting.person != roster.key_of(last.person)
    item = effective.directory.assignments.get(did)
    return last.until is None and (item is None or item.hold is not NotRung.CLAIMED_TWICE)


@dataclass(slots=True)
class _Census:
    """The first pass: over people. `out` is who is known and not employed, `away` who is on a long absence, with the
    deputy."""

    policy: RosterPolicy
    now: datetime
    claims: Claims
    people: dict[PersonKey, Person] = field(default_factory=dict)
    out: dict[PersonKey, Employment] = field(default_factory=dict)
    away: dict[PersonKey, PersonKey | None] = field(default_factory=dict)
    moments: list[datetime] = field(default_factory=list)

    def count(self, facts: Facts) -> None:
        key, employment = facts.key, facts.employment
        if not employment.employed:
            self.out[key] = employment
        if employment.changes_at is not None:
            self.moments.append(employment.changes_at)
        self.claims.add(facts)
        nothing_said = not facts.posts and facts.entries is NOTHING_ENTERED and not self.policy.require_consent
        if facts.imported is not None and nothing_said:
            self.people[key] = _under_key(facts.imported, key)
        else:
            self.people[key] = self._person(facts)

    def appoint_deputies(self, everybody: Everybody) -> None:
        """Once it is known who is employed and not away."""
        for key, named in self.away.items():
            deputy = None if named is None else everybody.key_of(named)
            if deputy in self.people and deputy not in self.out and deputy not in self.away:
                self.people[key] = replace(self.people[key], deputy=deputy)

    def _person(self, facts: Facts) -> Person:
        key, imported, posts = facts.key, facts.imported, facts.current
        absence = facts.absence(posts, self.now)
        away = absence is not None and absence.covers(self.now)
        if absence is not None:
            self.moments.extend(m for m in (absence.begins, absence.ends) if m is not None and self.now < m)
            if away and facts.employment.employed:
                self.away[key] = absence.deputy
        until = facts.entries.on_call_until
        if until is not None and self.now < until.value:
            self.moments.append(until.value)
        today = facts.entries.today
        if today is not None and self.now < today.value.until:
            self.moments.append(today.value.until)
        known = known_numbers(facts, posts, away, self.policy, self.now)
        name = facts.value("name", posts, None if imported is None else imported.name) or key
        site = facts.value("site", posts, None if imported is None else imported.site) or ""
        team = facts.value("department", posts, None if imported is None else imported.team or None) or ""
        team = team[:MAX_NAME_LENGTH]
        extension = "" if imported is None else imported.extension
        person = Person(key, name, site, rung(known), withheld(known), team=team, extension=extension)
        return imported if imported is not None and imported == person else person


@dataclass(slots=True)
class _Dids:
    """The second pass: over DIDs."""

    now: datetime
    ownership: Ownership
    assignments: dict[Did, DidAssignment] = field(default_factory=dict)
    tenures: dict[Did, tuple[Tenure, ...]] = field(default_factory=dict)
    conflicts: list[Conflict] = field(default_factory=list)
    moments: list[datetime] = field(default_factory=list)

    def settle(self, item: DidAssignment) -> None:
        did = item.did
        imported = None if item.owner is None else self.ownership.key_of(item.owner)
        owner, hold, until, tenures, claimants = self.ownership.settle(did, imported)
        if owner != item.owner or hold is not None:
            item = _held(item, owner, hold, until)
        self.assignments[did] = item
        self._note(did, tenures)
        if claimants:
            self.conflicts.append(Conflict(did, owner, claimants))
        if until is not None:
            self.moments.append(until)

    def forget(self, did: Did) -> None:
        """A DID that is none of ours any more has no owner, and what it remembers of the last one passes."""
        self._note(did, self.ownership.without_owner(did))

    def _note(self, did: Did, tenures: tuple[Tenure, ...]) -> None:
        if tenures != self.ownership.roster.tenures.get(did, ()):
            self.tenures[did] = tenures


def _held(item: DidAssignment, owner: PersonKey | None, hold: NotRung | None, until: datetime | None) -> DidAssignment:
    return replace(item, owner=owner, hold=hold, hold_until=until)


def _known_by(team: Team, everybody: Everybody) -> Team:
    """The team whose members are listed by the keys that HR calls them by."""
    members = tuple(everybody.key_of(member) for member in team.members)
    return team if members == team.members else replace(team, members=members)


def _under_key(person: Person, key: PersonKey) -> Person:
    return person if person.key == key else replace(person, key=key)


def _unknown(claims: Claims, base: Directory) -> Iterator[tuple[PersonKey, Did]]:
    for did in claims.running:
        if did not in base.assignments:
            for claim in claims.of(did):
                yield claim.person, did
