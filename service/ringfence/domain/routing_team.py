"""Team lines in the table: who of a team can be reached, and what the dialplan is told of teams and of closed sites.

`routing` asks whether a team belongs in a plan; `route_table` writes the records.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass

from ringfence.domain.directory import Directory, Person, PersonKey, Site
from ringfence.domain.route_plan import Step, StepKind
from ringfence.domain.routing_policy import RoutingPolicy
from ringfence.domain.team import MAX_MEMBERS, Team, record_id
from ringfence.domain.team_records import (
    OpeningRecord,
    TeamRecord,
    encode_member,
    encode_opening,
    encode_team,
    member_path,
    site_path,
    team_path,
)


@dataclass(frozen=True, slots=True)
class Member:
    """Somebody in a team, and the numbers that a call to it may ring; none: the member is not reachable."""

    person: Person
    steps: tuple[Step, ...]


@dataclass(frozen=True, slots=True)
class TeamLine:
    """A team with its members of now, in the order in which they are rung. `left_off`: how many more HR has in it than
    can be rung."""

    team: Team
    members: tuple[Member, ...]
    left_off: int = 0

    @property
    def reachable(self) -> int:
        return sum(bool(member.steps) for member in self.members)

    @property
    def is_staffed(self) -> bool:
        """Whether enough members can be reached for the team to be rung at all."""
        return self.reachable >= self.team.floor


class TeamLines:
    """The team lines of one directory, each worked out once, when it is asked for. The first team without a list of
    its own costs a look at everybody: whoever compiles many plans keeps one of these."""

    def __init__(self, directory: Directory, policy: RoutingPolicy) -> None:
        self._directory = directory
        self._policy = policy
        self._lines: dict[str, TeamLine] = {}
        self._by_team: Mapping[str, list[Person]] | None = None

    def line(self, name: str) -> TeamLine:
        """Raises KeyError for a team that the directory does not have."""
        if name not in self._lines:
            self._lines[name] = self._line(self._directory.teams[name])
        return self._lines[name]

    def _line(self, team: Team) -> TeamLine:
        if team.members:
            # A leaver may be listed still: the list is the import's, who is there is HR's.
            people = [self._directory.people[key] for key in team.members if key in self._directory.people]
        else:
            people = self._people_of(team.name)
        rung = people[:MAX_MEMBERS]
        taken: set[tuple[object, ...]] = set()
        members = tuple(Member(person, self._steps(person, taken)) for person in rung)
        return TeamLine(team, members, len(people) - len(rung))

    def _people_of(self, name: str) -> list[Person]:
        if self._by_team is None:
            asked = {team.name for team in self._directory.teams.values() if not team.members}
            found: dict[str, list[Person]] = {team: [] for team in asked}
            for person in self._directory.people.values():
                if person.team in asked:
                    found[person.team].append(person)
            for people in found.values():
                people.sort(key=lambda person: person.key)
            self._by_team = found
        return self._by_team[name]

    def _steps(self, person: Person, taken: set[tuple[object, ...]]) -> tuple[Step, ...]:
        """A number that two of them share is rung as the first one's: not twice at once."""
        steps = []
        for number in person.default_numbers:
            known = (number.e164, number.hours)
            if known in taken or self._policy.gate.why_not(number.e164, self._directory.assignments) is not None:
                continue
            taken.add(known)
            asks = self._policy.press_one.asks(number)
            steps.append(Step(StepKind.PERSON, number.e164, number.ring_seconds, number.hours, asks))
        return tuple(steps)


def team_records(names: Iterable[str], lines: TeamLines) -> Iterator[tuple[str, str]]:
    """The members' records and then the team's own, of each of these teams."""
    for name in names:
        line = lines.line(name)
        team, slots = line.team, []
        for member in line.members:
            if member.steps:
                slot = record_id(member.person.key)
                slots.append(slot)
                yield member_path(name, slot), encode_member(member.steps)
        record = TeamRecord(
            team.strategy, team.ring_seconds, team.wait_seconds, team.max_waiting, team.floor, tuple(slots)
        )
        yield team_path(name), encode_team(record)


def site_records(names: Iterable[str], directory: Directory, policy: RoutingPolicy) -> Iterator[tuple[str, str]]:
    """The record of each of these sites that has opening hours."""
    for name in names:
        site = directory.sites[name]
        if site.opening:
            steps = closed_steps(site, directory, policy)
            yield site_path(name), encode_opening(OpeningRecord(site.opening, site.holidays, steps))


def closed_steps(site: Site, directory: Directory, policy: RoutingPolicy) -> tuple[Step, ...]:
    """What takes over when the site is closed."""
    steps = []
    number = site.out_of_hours_number
    if number is not None and policy.gate.why_not(number, directory.assignments) is None:
        steps.append(Step(StepKind.SITE, number, policy.site_ring_seconds))
    if site.voicemail:
        steps.append(Step(StepKind.VOICEMAIL, site.voicemail, 0))
    announcement = site.out_of_hours_announcement or site.announcement
    return (*steps, Step(StepKind.ANNOUNCEMENT, announcement, 0))


def touched_teams(before: Directory, after: Directory, people: Iterable[PersonKey]) -> set[str]:
    """The teams of `after` whose records may differ: their own row or one of these people, those who are gone
    included, changed."""
    changed = set(people)
    named = {directory.people[key].team for directory in (before, after) for key in changed if key in directory.people}
    return {
        name
        for name, team in after.teams.items()
        if before.teams.get(name) != team
        or (name in named and not team.members)
        or not changed.isdisjoint(team.members)
    }
