"""What turns one directory into another, and the lines in which people read it before and after it is applied.

`ringfence import --dry-run` prints the lines, the store writes the change and keeps the lines as its log. A private
number appears masked; where the mask hides the difference, the line says that there is one.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from ringfence.domain.did_range import DidRange
from ringfence.domain.directory import DidAssignment, Directory, Person, Site
from ringfence.domain.team import Team

K = TypeVar("K", bound=str)
T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Changes(Generic[T]):
    """`changed` holds pairs (before, after)."""

    added: tuple[T, ...] = ()
    changed: tuple[tuple[T, T], ...] = ()
    removed: tuple[T, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.added or self.changed or self.removed)

    def summary(self, what: str) -> str:
        return f"{what}: {len(self.added)} added, {len(self.changed)} changed, {len(self.removed)} removed"


@dataclass(frozen=True, slots=True)
class DirectoryDiff:
    """Empty (false) when both directories are equal."""

    people: Changes[Person]
    assignments: Changes[DidAssignment]
    sites: Changes[Site]
    teams: Changes[Team] = Changes()
    ranges: Changes[DidRange] = Changes()

    def __bool__(self) -> bool:
        return bool(self.people or self.assignments or self.sites or self.teams or self.ranges)

    def summary(self) -> str:
        """One line, as `people: 1 added, 0 changed, 0 removed; DIDs: ...`; teams and ranges, which few have, where they
        change."""
        parts = [self.people.summary("people"), self.assignments.summary("DIDs"), self.sites.summary("sites")]
        if self.teams:
            parts.append(self.teams.summary("teams"))
        if self.ranges:
            parts.append(self.ranges.summary("ranges of DIDs"))
        return "; ".join(parts)

    def lines(self) -> Iterator[str]:
        """One line a change: `+` added, `~` changed, `-` removed."""
        yield from _lines(self.sites, _site_name, _site_facts)
        yield from _lines(self.people, _person_name, _person_facts)
        yield from _lines(self.teams, _team_name, _team_facts)
        yield from _lines(self.ranges, _range_name, _range_facts)
        yield from _lines(self.assignments, _did_name, _did_facts)


def held_or_new(held: Mapping[K, T], key: K, new: T) -> T:
    """What is held under a key where that is equal: nearly everything in a directory is in the one after it too, and
    need not be in memory twice."""
    found = held.get(key)
    return new if found is None or found != new else found


def compare(before: Directory, after: Directory) -> DirectoryDiff:
    """What turns `before` into `after`."""
    return DirectoryDiff(
        people=_changes(before.people, after.people),
        assignments=_changes(before.rows, after.rows),
        sites=_changes(before.sites, after.sites),
        teams=_changes(before.teams, after.teams),
        ranges=_changes(before.ranges, after.ranges),
    )


def _changes(before: Mapping[K, T], after: Mapping[K, T]) -> Changes[T]:
    return Changes(
        added=tuple(value for key, value in after.items() if key not in before),
        changed=tuple((before[key], value) for key, value in after.items() if before.get(key, value) != value),
        removed=tuple(value for key, value in before.items() if key not in after),
    )


# A fact is what people see and what is compared: the same words may hide different private numbers. Facts that few have
# are there only where they are stated.
_Facts = dict[str, tuple[str, object]]
_UNSTATED: Final = ("none", None)


def _lines(changes: Changes[T], name: Callable[[T], str], facts: Callable[[T], _Facts]) -> Iterator[str]:
    for item in changes.added:
        yield f"+ {name(item)}: {_all(facts(item))}"
    for old, new in changes.changed:
        yield f"~ {name(new)}: {_differences(facts(old), facts(new))}"
    for item in changes.removed:
        yield f"- {name(item)}: {_all(facts(item))}"


def _all(facts: _Facts) -> str:
    return ", ".join(f"{label} {words}" for label, (words, _) in facts.items())


def _differences(old: _Facts, new: _Facts) -> str:
    parts = []
    for label in (*new, *(label for label in old if label not in new)):
        words, value = new.get(label, _UNSTATED)
        old_words, old_value = old.get(label, _UNSTATED)
        if value != old_value:
            hidden = " (the hidden digits differ)" if words == old_words else ""
            parts.append(f"{label} {old_words} -> {words}{hidden}")
    return ", ".join(parts)


def _person_name(person: Person) -> str:
    return f"person {person.key}"


def _person_facts(person: Person) -> _Facts:
    numbers = " then ".join(number.words for number in person.default_numbers) or "none"
    facts: _Facts = {
        "name": (person.name, person.name),
        "site": (person.site, person.site),
        "default numbers": (numbers, person.default_numbers),
    }
    if person.team:
        facts["team"] = (person.team, person.team)
    if person.extension:
        facts["extension"] = (person.extension, person.extension)
    if person.withheld:
        withheld = ", ".join(f"{number.words} ({why})" for number, why in person.withheld)
        facts["not rung"] = (withheld, person.withheld)
    if person.deputy is not None:
        facts["deputy"] = (person.deputy, person.deputy)
    return facts


def _range_name(one: DidRange) -> str:
    return f"range {one.key} of {one.count} DIDs"


def _range_facts(one: DidRange) -> _Facts:
    facts = _did_facts(one.assignment(one.first, one.owner))
    return facts | {"owner": ("by extension", True)} if one.by_extension else facts


def _did_name(assignment: DidAssignment) -> str:
    return f"DID {assignment.did}"


def _did_facts(assignment: DidAssignment) -> _Facts:
    owner = assignment.owner or "none (vacant)"
    critical = "yes" if assignment.critical else "no"
    facts: _Facts = {
        "owner": (owner, owner),
        "site": (assignment.site, assignment.site),
        "platform": (assignment.scope, assignment.scope),
        "kind": (assignment.kind, assignment.kind),
        "critical": (critical, critical),
    }
    if assignment.hold is not None:
        until = "" if assignment.hold_until is None else f" until {assignment.hold_until.isoformat()}"
        facts["held"] = (f"{assignment.hold}{until}", (assignment.hold, assignment.hold_until))
    if assignment.team:
        facts["team"] = (assignment.team, assignment.team)
    if assignment.divert_number is not None:
        facts["diverted to"] = (assignment.divert_number, assignment.divert_number)
    return facts


def _site_name(site: Site) -> str:
    return f"site {site.name}"


def _site_facts(site: Site) -> _Facts:
    fallback = site.fallback_number or "none"
    facts: _Facts = {"fallback number": (fallback, fallback), "announcement": (site.announcement, site.announcement)}
    if site.time_zone is not None:
        facts["time zone"] = (site.time_zone, site.time_zone)
    if site.opening:
        facts["open"] = ("; ".join(hours.words for hours in site.opening), site.opening)
    if site.holidays:
        facts["holidays"] = (" ".join(day.isoformat() for day in site.holidays), site.holidays)
    for label, words in (
        ("out-of-hours number", site.out_of_hours_number),
        ("out-of-hours announcement", site.out_of_hours_announcement),
        ("voicemail", site.voicemail),
    ):
        if words:
            facts[label] = (words, words)
    return facts


def _team_name(team: Team) -> str:
    return f"team {team.name}"


def _team_facts(team: Team) -> _Facts:
    members = " ".join(team.members) or "everybody HR has in it"
    facts: _Facts = {
        "site": (team.site, team.site),
        "strategy": (team.strategy, team.strategy),
        "members": (members, team.members),
        "rings": (f"{team.ring_seconds}s", team.ring_seconds),
        "waits": (f"{team.wait_seconds}s", team.wait_seconds),
        "waiting at most": (str(team.max_waiting), team.max_waiting),
        "floor": (str(team.floor), team.floor),
    }
    if team.backstop_number is not None:
        facts["backstop number"] = (team.backstop_number, team.backstop_number)
    return facts
