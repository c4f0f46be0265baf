"""A person's word: what it is about, which of several counts, and what it makes of one DID.

Forced beats automatic. A DID's word beats its team's, a team's beats its site's, a site's its platform's, a platform's
that about everything; of two on the same level the newer one counts. A platform's word is published as its mode; the
narrower ones are carried by the DIDs' own records (`NarrowWords`).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import IntEnum, StrEnum
from hashlib import blake2b
from typing import Final

from ringfence.domain.directory import DidAssignment, Directory
from ringfence.domain.numbers import Did

MAX_LISTED_DIDS: Final = 1_000
"""In one override: it is one decision, one row and one line of history."""


class OverrideKind(StrEnum):
    """A person's word."""

    DR = "dr"
    NORMAL = "normal"
    FREEZE = "freeze"


class Level(IntEnum):
    """How narrow a target is: the higher one counts."""

    EVERYTHING = 0
    PLATFORM = 1
    SITE = 2
    TEAM = 3
    DID = 4

    @property
    def words(self) -> str:
        return _LEVEL_WORDS[self]


_LEVEL_WORDS: Final = {
    Level.EVERYTHING: "everything",
    Level.PLATFORM: "its platform",
    Level.SITE: "its site",
    Level.TEAM: "its team",
    Level.DID: "the DID itself",
}

PRECEDENCE_WORDS: Final = (
    "A person's word beats the automatic; a DID's beats its team's, a team's its site's, a site's its platform's, a "
    "platform's that about everything; of two on the same level the newer one counts."
)


@dataclass(frozen=True, slots=True)
class OverrideTarget:
    """What an override is about: everything (nothing given), or exactly one of a platform, a site, a team, a DID, and
    a list of DIDs (sorted, 2 to 1,000)."""

    scope: str | None = None
    did: str | None = None
    site: str | None = None
    team: str | None = None
    dids: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        given = (self.scope, self.did, self.site, self.team, self.dids or None)
        assert sum(part is not None for part in given) <= 1
        assert not self.dids or 1 < len(self.dids) <= MAX_LISTED_DIDS
        assert list(self.dids) == sorted(set(self.dids))

    @classmethod
    def of_dids(cls, dids: Iterable[str]) -> OverrideTarget:
        """Of one DID or several."""
        listed = tuple(sorted(set(dids)))
        return cls(did=listed[0]) if len(listed) == 1 else cls(dids=listed)

    @property
    def level(self) -> Level:
        if self.did is not None or self.dids:
            return Level.DID
        if self.team is not None:
            return Level.TEAM
        if self.site is not None:
            return Level.SITE
        return Level.EVERYTHING if self.scope is None else Level.PLATFORM

    @property
    def is_wide(self) -> bool:
        """Of a platform or everything: carried out by modes, and the only ones that may be frozen."""
        return self.level <= Level.PLATFORM

    @property
    def listed(self) -> tuple[str, ...]:
        """The DIDs it names; none for whatever is wider."""
        return self.dids if self.did is None else (self.did,)

    def concerns(self, scope: str) -> bool:
        """Whether it is about a platform as a whole."""
        return self.is_wide and self.scope in (None, scope)

    def __str__(self) -> str:
        """Its key in the database; at most 100 characters."""
        if self.dids:
            digest = blake2b(" ".join(self.dids).encode(), digest_size=6).hexdigest()
            return f"dids:{len(self.dids)}:{self.dids[0]}-{self.dids[-1]}:{digest}"
        for name in ("did", "team", "site", "scope"):
            if (value := getattr(self, name)) is not None:
                return f"{name}:{value}"
        return "everything"

    @property
    def words(self) -> str:
        """For people."""
        if self.dids:
            return f"{len(self.dids)} DIDs from {self.dids[0]} to {self.dids[-1]}"
        for name, what in (("did", "DID"), ("team", "team"), ("site", "site"), ("scope", "platform")):
            if (value := getattr(self, name)) is not None:
                return f"{what} {value}"
        return "everything"


@dataclass(frozen=True, slots=True)
class Override:
    """Who said what, why, and until when (None: until released).

    `id` names this word and no other; words of earlier versions have none. `replaced` is the word that stood for the
    same target before, its own `replaced` left out. `approved_by`: the second person, where one was asked for. `alone`:
    a second person was asked for and did not come.
    """

    target: OverrideTarget
    kind: OverrideKind
    who: str
    why: str
    set_at: datetime
    until: datetime | None = None
    id: str = ""
    replaced: Override | None = field(default=None, repr=False)
    approved_by: str = ""
    alone: bool = False

    def expired(self, now: datetime) -> bool:
        return self.until is not None and now >= self.until

    def after(self, before: Override | None) -> Override:
        """This word, knowing which one it replaces."""
        return replace(self, replaced=None if before is None else replace(before, replaced=None))

    @property
    def words(self) -> str:
        """For people: who set what, when."""
        at = self.set_at.astimezone(UTC)
        return f"{self.target.words} was set to {self.kind} by {self.who} at {at:%Y-%m-%d %H:%M:%S} UTC"


def standing_override(overrides: Iterable[Override], scope: str) -> Override | None:
    """The override that holds for a platform: its own beats everything's, the newest at the same level."""
    return max((word for word in overrides if word.target.concerns(scope)), key=_strength, default=None)


def _strength(word: Override) -> tuple[Level, datetime, str]:
    # Two of the same moment and level: any fixed order will do, so that every node and restart decides alike.
    return word.target.level, word.set_at, str(word.target)


@dataclass(frozen=True, slots=True)
class NarrowWords:
    """The words about sites, teams and DIDs, ready to be asked for many DIDs."""

    by_did: Mapping[str, Override] = field(default_factory=dict)
    by_team: Mapping[str, Override] = field(default_factory=dict)
    by_site: Mapping[str, Override] = field(default_factory=dict)

    @classmethod
    def of(cls, overrides: Iterable[Override]) -> NarrowWords:
        by_did: dict[str, Override] = {}
        by_team: dict[str, Override] = {}
        by_site: dict[str, Override] = {}
        for word in sorted(overrides, key=_strength):
            target = word.target
            if target.team is not None:
                by_team[target.team] = word
            elif target.site is not None:
                by_site[target.site] = word
            by_did.update(dict.fromkeys(target.listed, word))
        return cls(by_did, by_team, by_site)

    def __bool__(self) -> bool:
        return bool(self.by_did or self.by_team or self.by_site)

    def standing(self, item: DidAssignment, team: str) -> Override | None:
        """The word that counts for a DID, its platform's left out."""
        return self.by_did.get(item.did) or self.by_team.get(team) or self.by_site.get(item.site)

    def winners(self, directory: Directory) -> Iterator[tuple[Did, Override]]:
        """Every DID of the directory about which there is a word, with the one that counts."""
        if self.by_team or self.by_site:
            for did, item in directory.assignments.items():
                if (word := self.standing(item, team_of(item, directory))) is not None:
                    yield did, word
            return
        for listed, word in self.by_did.items():
            if (did := Did(listed)) in directory.assignments:
                yield did, word


def team_of(item: DidAssignment, directory: Directory) -> str:
    """A DID that is a team's line belongs to that team, another to its owner's; empty when there is none."""
    if item.team:
        return item.team
    owner = None if item.owner is None else directory.people.get(item.owner)
    return "" if owner is None else owner.team


def covered(target: OverrideTarget, directory: Directory) -> Iterator[DidAssignment]:
    """The DIDs of the directory that a target is about."""
    assignments = directory.assignments
    if target.listed:
        for did in target.listed:
            if (item := assignments.get(Did(did))) is not None:
                yield item
        return
    for item in assignments.values():
        if (
            target.level is Level.EVERYTHING
            or (target.scope is not None and item.scope == target.scope)
            or (target.site is not None and item.site == target.site)
            or (target.team is not None and team_of(item, directory) == target.team)
        ):
            yield item


def words_about(overrides: Iterable[Override], item: DidAssignment, directory: Directory) -> list[Override]:
    """Every word that is about this DID, whether its platform's or its own: first the one that counts, then those it
    beats."""
    team = team_of(item, directory)
    about = [
        word
        for word in overrides
        if word.target.concerns(item.scope)
        or item.did in word.target.listed
        or (word.target.team is not None and word.target.team == team)
        or (word.target.site is not None and word.target.site == item.site)
    ]
    return sorted(about, key=_strength, reverse=True)
