"""What a word would do before it is said: which DIDs it moves, where their calls would end, whose word stands instead.

Pure, and quick enough to be asked with 100,000 DIDs: the ends are read from the compiled records, for compiling the
plans anew would take seconds.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Final, NamedTuple

from ringfence.domain.directory import DidAssignment, Directory, LineKind
from ringfence.domain.line_kinds import SOURCES
from ringfence.domain.numbers import Did
from ringfence.domain.outage import Decision, ScopeState, effective
from ringfence.domain.override import (
    NarrowWords,
    Override,
    OverrideKind,
    OverrideTarget,
    covered,
    standing_override,
    team_of,
)

MAX_NAMED_DIDS: Final = 100

NEVER_DIVERTED: Final = frozenset(kind for kind, sources in SOURCES.items() if not sources)
"""Kinds whose calls hear the announcement alone in DR mode."""


class End(StrEnum):
    """With whom a DID's plan begins: the best that a caller can hope for in DR mode. A team's members are persons; a
    voicemail is no better than an announcement, for nobody hears the caller now."""

    PERSON = "person"
    RECEPTION = "reception"
    ANNOUNCEMENT = "announcement"


class Reached(NamedTuple):
    """A DID whose callers would reach no person's number."""

    did: Did
    critical: bool
    kind: LineKind
    end: End


@dataclass(frozen=True, slots=True)
class Effect:
    """`covers` DIDs are about what the word is about. `to_dr` of them leave the platform, `back` return to it, `stand`
    follow a narrower word and stay as they are. `without` of `to_dr` reach no person's number, `named` are the first of
    these, critical ones before others. `never` counts the DIDs of kinds that are never diverted."""

    covers: int = 0
    to_dr: int = 0
    back: int = 0
    stand: tuple[tuple[Override, int], ...] = ()
    ends: Mapping[End, int] = field(default_factory=dict)
    named: tuple[Reached, ...] = ()
    never: Mapping[LineKind, int] = field(default_factory=dict)

    @property
    def without(self) -> int:
        return sum(count for end, count in self.ends.items() if end is not End.PERSON)


class Said:
    """People's words and what they make of each DID. `modes`: the state of each platform."""

    def __init__(self, words: Iterable[Override], modes: Mapping[str, ScopeState], directory: Directory) -> None:
        self._words = list(words)
        self._narrow = NarrowWords.of(self._words)
        self._directory = directory
        self._wide = {scope: standing_override(self._words, scope) for scope in modes}
        self._decisions = {scope: effective(state, self._wide[scope]) for scope, state in modes.items()}

    def standing(self, item: DidAssignment) -> Override | None:
        """The word that counts for a DID, its platform's included."""
        return self._own(item) or self._wide.get(item.scope)

    def diverts(self, item: DidAssignment) -> bool:
        """Whether calls go to default numbers. A trial's few calls to the platform do not count against it."""
        word = self._own(item)
        if word is not None:
            return word.kind is OverrideKind.DR and item.scope in self._decisions
        decision = self._decisions.get(item.scope)
        return decision is Decision.DIVERT or (decision is Decision.TRIAL and item.critical)

    def _own(self, item: DidAssignment) -> Override | None:
        team = team_of(item, self._directory) if self._narrow.by_team else ""
        return self._narrow.standing(item, team)


def effect_of(
    target: OverrideTarget, new: Override | None, before: Said, after: Said, directory: Directory, end_of: EndOf
) -> Effect:
    """What changes for the DIDs that `target` is about when `before` becomes `after`. `new`: the word; None: a release.
    Some 3 us a DID."""
    covers = to_dr = back = 0
    stand: dict[int, tuple[Override, int]] = {}  # by identity: a list of a thousand DIDs is slow to hash
    ends: Counter[End] = Counter()
    never: Counter[LineKind] = Counter()
    critical: list[Reached] = []
    others: list[Reached] = []
    for item in covered(target, directory):
        covers += 1
        standing = after.standing(item)
        if standing is not None and standing is not new and standing.target.level >= target.level:
            stand[id(standing)] = (standing, stand.get(id(standing), (standing, 0))[1] + 1)
            continue
        was, will = before.diverts(item), after.diverts(item)
        if was == will:
            continue
        if not will:
            back += 1
            continue
        to_dr += 1
        end = end_of(item.did)
        ends[end] += 1
        if item.kind in NEVER_DIVERTED and item.divert_number is None:
            never[item.kind] += 1
        if end is not End.PERSON:
            listed = critical if item.critical else others
            if len(listed) < MAX_NAMED_DIDS:
                listed.append(Reached(item.did, item.critical, item.kind, end))
    named = (*sorted(critical), *sorted(others))[:MAX_NAMED_DIDS]
    most = sorted(stand.values(), key=lambda item: -item[1])
    return Effect(covers, to_dr, back, tuple(most), dict(ends), named, dict(never))


_TO_PERSONS: Final = ("p:", "t:")

EndOf = Callable[[Did], End]


def end_in(record: str | None) -> End:
    """Where the plan of a record leads at best; a DID without a record is none of ours, and hears an announcement."""
    fields = (record or "").split("|", 6)
    if len(fields) < 7:
        return End.ANNOUNCEMENT
    plan = fields[5]
    if plan.startswith(_TO_PERSONS) or any(f",{begins}" in plan for begins in _TO_PERSONS):
        return End.PERSON
    return End.RECEPTION if plan.startswith("s:") or ",s:" in plan else End.ANNOUNCEMENT
