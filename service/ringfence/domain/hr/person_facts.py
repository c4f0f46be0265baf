"""Everything that is known of each person, brought together from the roster and the imported directory.

`derivation` asks it of everybody, `provenance` of one. Nothing here decides between people: that is `ownership`.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence, Set
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Final, NamedTuple

from ringfence.domain.directory import Directory, Person, PersonKey
from ringfence.domain.hr.employment import Zones, day_after, midnight, zones_of
from ringfence.domain.hr.precedence import BY_HAND, Precedence
from ringfence.domain.hr.record import RecordId
from ringfence.domain.hr.roster import IMPORTED, PersonEntries, RecordState, Roster, RosterPolicy, last_key
from ringfence.domain.hr.standing import Employment, Post, employment_of, post_of
from ringfence.domain.numbers import Did

NOTHING_ENTERED: Final = PersonEntries()


class Stated(NamedTuple):
    """A value, the rank of whoever states it, and that origin's name (empty: by hand)."""

    rank: int
    origin: str
    value: Any


class Absence(NamedTuple):
    """A long absence as moments; None: open on that side."""

    begins: datetime | None
    ends: datetime | None
    deputy: PersonKey | None

    def covers(self, at: datetime) -> bool:
        return (self.begins is None or self.begins <= at) and (self.ends is None or at < self.ends)


@dataclass(slots=True)
class Facts:
    """Of one person. `posts` are in the usual precedence, those of one source by their beginning; also those of which
    only the end counts. `current` are the accepted ones that details come from: those that run; where none does, all.
    `zones` are those of the imported sites."""

    key: PersonKey
    imported: Person | None
    imported_dids: Sequence[Did]
    posts: list[Post]
    current: list[Post]
    entries: PersonEntries
    employment: Employment
    zones: Zones
    precedence: Precedence

    @property
    def zone(self) -> str:
        """The time zone of the person's site."""
        return self.zones(self.value("site", self.current, None if self.imported is None else self.imported.site))

    @property
    def is_known(self) -> bool:
        """To the import, or by an accepted record. An entry by hand alone makes nobody an employee, nor does what is
        held."""
        return self.imported is not None or bool(self.current)

    def first(self, field: str, posts: Sequence[Post]) -> Stated | None:
        """The first statement of a field among these posts and nobody else's."""
        for post in posts if len(posts) < 2 else self.ordered(field, posts):
            value = getattr(post.record, field)
            if value is not None:
                return Stated(self.precedence.of(field)[post.source], post.source, value)
        return None

    def resolved(self, field: str, posts: Sequence[Post], imported: Any) -> Stated | None:
        """The first statement among these posts and the import's. An import that has none (None, or empty) states
        nothing."""
        said = self.first(field, posts)
        if imported is None or imported == ():
            return said
        rank = self.precedence.of(field)[IMPORTED]
        return said if said is not None and said.rank < rank else Stated(rank, IMPORTED, imported)

    def value(self, field: str, posts: Sequence[Post], imported: Any) -> Any:
        """`resolved` without who states it. In the usual order the import comes last, which saves the ranks."""
        if not self.precedence.is_usual(field):
            stated = self.resolved(field, posts, imported)
            return None if stated is None else stated.value
        for post in posts:
            value = getattr(post.record, field)
            if value is not None:
                return value
        return imported

    def dids(self, posts: Sequence[Post]) -> Stated:
        """The DIDs the person claims: of the first that states any, all of its posts together."""
        if self.entries.dids is not None:
            return Stated(BY_HAND, "", self.entries.dids.value)
        stated = self.resolved("dids", posts, self.imported_dids or None)
        if stated is None:
            return Stated(self.precedence.of("dids")[IMPORTED], IMPORTED, ())
        if len(posts) > 1 and stated.origin != IMPORTED:
            together = [did for post in posts if post.source == stated.origin for did in post.record.dids or ()]
            return stated._replace(value=tuple(dict.fromkeys(together)))
        return stated

    def absence(self, posts: Sequence[Post], now: datetime) -> Absence | None:
        """The one that counts, over, running or to come. One entered by hand counts instead of every source's until it
        is over."""
        if self.entries.away is not None:
            away = self.entries.away.value
            entered = self._absence(away.since, away.until, away.deputy)
            if entered.ends is None or now < entered.ends:
                return entered
        for post in self.ordered("away_from", posts):
            record = post.record
            if record.away_from is not None or record.away_until is not None:
                return self._absence(record.away_from, record.away_until, self.value("deputy", posts, None))
        return None

    def on_call(self, posts: Sequence[Post], now: datetime) -> bool:
        """An entry by hand counts until it is over."""
        until = self.entries.on_call_until
        if until is not None and now < until.value:
            return True
        return bool(self.value("on_call", posts, None))

    def ordered(self, field: str, posts: Sequence[Post]) -> Sequence[Post]:
        """These posts, first the one whose word counts first."""
        if len(posts) < 2 or self.precedence.is_usual(field):
            return posts
        ranks = self.precedence.of(field)
        return sorted(posts, key=lambda post: ranks[post.source])

    def _absence(self, since: date | None, until: date | None, deputy: PersonKey | None) -> Absence:
        begins = None if since is None else midnight(since, self.zone)
        return Absence(begins, day_after(until, self.zone), deputy)


class Everybody:
    """All people at one moment: of the import, of the records, and of the entries; under the key that counts now."""

    def __init__(
        self,
        base: Directory,
        roster: Roster,
        policy: RosterPolicy,
        now: datetime,
        asked: Iterable[PersonKey] | None = None,
    ) -> None:
        """`asked`: whose facts will be asked for, by any of their keys; None: everybody's."""
        self._now = now
        self._zones = zones_of(base, policy)
        self._aliases = {old: last_key(old, roster.aliases) for old in roster.aliases}
        self._precedence = Precedence(policy, {id_.source for id_ in roster.records})
        self._imported = self._people_of(base)
        self._dids = self._dids_of(base, None if asked is None else {self.key_of(key) for key in asked})
        self._entries = self._entries_of(roster)
        self._records = roster.records
        self._ids: dict[PersonKey, list[RecordId]] = {}
        aliases = self._aliases
        for id_, state in roster.records.items():
            key = (state.accepted or state.said).key
            self._ids.setdefault(aliases.get(key, key), []).append(id_)

    def __iter__(self) -> Iterator[Facts]:
        for key in {**self._imported, **self._ids, **self._entries}:
            yield self.facts(key)

    def key_of(self, key: PersonKey) -> PersonKey:
        """The key that this one has been replaced by; itself when it has not."""
        return self._aliases.get(key, key)

    def records(self, key: PersonKey) -> Sequence[RecordId]:
        """Every record of this person, also what is held."""
        return self._ids.get(key, ())

    def facts(self, key: PersonKey) -> Facts:
        """Of a key that counts now."""
        entries = self._entries.get(key, NOTHING_ENTERED)
        imported, ids = self._imported.get(key), self._ids.get(key)
        site = None if imported is None else imported.site
        posts = [] if ids is None else self._posts(ids, site)
        current = [post for post in posts if post.accepted]
        if len(current) > 1:
            current = [post for post in current if post.runs_at(self._now)] or current
        left_at = None if entries.left_at is None else entries.left_at.value
        return Facts(
            key=key,
            imported=imported,
            imported_dids=self._dids.get(key, ()),
            posts=posts,
            current=current,
            entries=entries,
            employment=employment_of(posts, left_at, self._now),
            zones=self._zones,
            precedence=self._precedence,
        )

    def _posts(self, ids: Sequence[RecordId], site: str | None) -> list[Post]:
        records = self._records
        if len(ids) > 1:
            ids = self._sorted(ids)
        posts = []
        for id_ in ids:
            state = records[id_]
            own = (state.said if state.accepted is None else state.accepted).site
            posts.append(post_of(id_.source, state, self._zones(self._named(ids, site) if own is None else own)))
        return posts

    def _named(self, ids: Sequence[RecordId], site: str | None) -> str | None:
        """For a record that names no site: the first that another record of the person names, else the import's."""
        accepted = (self._records[id_].accepted for id_ in ids)
        return next((record.site for record in accepted if record is not None and record.site is not None), site)

    def _sorted(self, ids: Sequence[RecordId]) -> Sequence[RecordId]:
        """By precedence, those of one source by their beginning."""
        ranks, records = self._precedence.of(""), self._records
        if len(ids) == 2 and ids[0].source != ids[1].source:
            return ids if ranks[ids[0].source] < ranks[ids[1].source] else (ids[1], ids[0])
        return sorted(ids, key=lambda id_: (ranks[id_.source], _begins(records[id_]), id_.id, id_.post))

    def _people_of(self, base: Directory) -> Mapping[PersonKey, Person]:
        if not self._aliases:
            return base.people
        people: dict[PersonKey, Person] = {}
        for key, person in base.people.items():
            now = self.key_of(key)
            if now == key or now not in base.people:
                people[now] = person
        return people

    def _dids_of(self, base: Directory, asked: Set[PersonKey] | None) -> dict[PersonKey, list[Did]]:
        dids: dict[PersonKey, list[Did]] = {}
        owners = asked
        if asked is not None and self._aliases:
            owners = asked | {old for old, now in self._aliases.items() if now in asked}
        for did, item in base.assignments.items():
            # First of all whether anybody asks: for one person's page this is all that is done 10,000 times.
            if (owners is None or item.owner in owners) and item.owner is not None:
                dids.setdefault(self.key_of(item.owner), []).append(did)
        return dids

    def _entries_of(self, roster: Roster) -> Mapping[PersonKey, PersonEntries]:
        # What is entered under the key that counts now beats what was entered under an old one.
        if not self._aliases:
            return roster.entries
        old = {self.key_of(key): entries for key, entries in roster.entries.items() if key in self._aliases}
        return old | {key: entries for key, entries in roster.entries.items() if key not in self._aliases}


def _begins(state: RecordState) -> date:
    record = state.accepted or state.said
    return record.starts or date.min
