"""Who holds which DID, since when, and which DIDs nobody's default numbers ring for.

A tenure (an ownership epoch) is opened when somebody becomes the owner and closed when that ends. It begins `now`, at
the moment the ownership is seen, and not at the owner's start: the DID may have been somebody else's in between, and
who has just been the owner is told from this. It ends at the owner's own end when the owner has left, else `now`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from ringfence.domain.directory import NotRung, PersonKey
from ringfence.domain.hr.person_facts import Facts
from ringfence.domain.hr.roster import Roster, RosterPolicy, Tenure
from ringfence.domain.hr.standing import Employment, earliest, latest
from ringfence.domain.numbers import Did


class Claim(NamedTuple):
    """Of somebody who is employed. The smaller rank counts first."""

    rank: int
    person: PersonKey


class Former(NamedTuple):
    """Somebody who has left and is still said to have the DID."""

    person: PersonKey
    ended_at: datetime


@dataclass(slots=True)
class Claims:
    """Everybody's, by DID: in `running` the first that was seen, in `rivals` all where there are several. `to_come`:
    the earliest start of somebody who will claim it."""

    now: datetime
    policy: RosterPolicy
    running: dict[Did, Claim] = field(default_factory=dict)
    rivals: dict[Did, list[Claim]] = field(default_factory=dict)
    former: dict[Did, list[Former]] = field(default_factory=dict)
    to_come: dict[Did, datetime] = field(default_factory=dict)

    def add(self, facts: Facts) -> None:
        if facts.employment.employed:
            rank, _, dids = facts.dids(facts.current)
            for did in dids:
                claim = Claim(rank, facts.key)
                first = self.running.setdefault(did, claim)
                if first is not claim:
                    self.rivals.setdefault(did, [first]).append(claim)
            return
        for did, begins in self._to_come(facts):
            self.to_come[did] = min(begins, self.to_come.get(did, begins))
        for did, ended_at in self._former(facts):
            self.former.setdefault(did, []).append(Former(facts.key, ended_at))

    def of(self, did: Did) -> Sequence[Claim]:
        claim = self.running.get(did)
        return () if claim is None else self.rivals.get(did) or (claim,)

    def _to_come(self, facts: Facts) -> Iterator[tuple[Did, datetime]]:
        left_at = facts.entries.left_at
        if left_at is not None and left_at.value <= self.now:
            return
        posts = [post for post in facts.posts if post.accepted and (post.ends is None or self.now < post.ends)]
        begins = facts.employment.begins
        if begins is None or begins <= self.now:
            # Somebody who has left, with a post that is still to begin.
            begins = earliest(post.begins for post in posts if post.begins is not None and self.now < post.begins)
        if begins is None:
            return
        for did in facts.dids(posts).value:
            yield did, begins

    def _former(self, facts: Facts) -> Iterator[tuple[Did, datetime]]:
        ends = facts.employment.ends
        if not facts.employment.left or ends is None or ends + self.policy.quarantine <= self.now:
            return
        if facts.employment.never_began:
            return
        posts = [post for post in facts.posts if post.accepted and (post.begins is None or post.begins <= self.now)]
        stated = facts.dids(posts)
        for did in stated.value:
            # Of two posts with a DID each, one may have ended long before the other.
            own = [post.ends for post in posts if post.source == stated.origin and did in (post.record.dids or ())]
            last = None if None in own else latest(own)
            yield did, ends if last is None else min(ends, last)


class Holding(NamedTuple):
    """What becomes of one DID. `tenures` are those to be kept; `claimants` more than one: their claims are equal."""

    owner: PersonKey | None
    hold: NotRung | None
    hold_until: datetime | None
    tenures: tuple[Tenure, ...]
    claimants: tuple[PersonKey, ...]


@dataclass(slots=True)
class Ownership:
    """Decides DID by DID. `out` has the employment of everybody known who is not employed, `known` everybody."""

    claims: Claims
    roster: Roster
    known: Mapping[PersonKey, object]
    out: Mapping[PersonKey, Employment]
    key_of: Callable[[PersonKey], PersonKey]

    def settle(self, did: Did, imported_owner: PersonKey | None) -> Holding:
        stored = self.roster.tenures.get(did, ())
        claims = self.claims.of(did)
        if len(claims) == 1 and len(stored) == 1 and did not in self.claims.former:
            # Nearly every DID, nearly always: nothing has changed.
            (claim,), (tenure,) = claims, stored
            if tenure.person == claim.person and tenure.until is None:
                return Holding(claim.person, None, None, stored, ())
        tenures = self._under_todays_keys(stored)
        claimants = _best(claims)
        owner = claimants[0] if len(claimants) == 1 else self._holder(claimants, tenures, imported_owner)
        kept = self._kept(did, tenures, owner)
        hold, until = self._hold(did, owner, claimants, kept)
        return Holding(owner, hold, until, kept, claimants if len(claimants) > 1 else ())

    def without_owner(self, did: Did) -> tuple[Tenure, ...]:
        """The tenures to be kept of a DID that is not ours now."""
        return self._kept(did, self._under_todays_keys(self.roster.tenures[did]), None)

    def _under_todays_keys(self, stored: tuple[Tenure, ...]) -> tuple[Tenure, ...]:
        return tuple(
            tenure
            if (key := self.key_of(tenure.person)) == tenure.person
            else Tenure(tenure.did, key, tenure.since, tenure.until)
            for tenure in stored
        )

    def _holder(
        self, claimants: tuple[PersonKey, ...], tenures: tuple[Tenure, ...], imported_owner: PersonKey | None
    ) -> PersonKey | None:
        """Of people with equal claims, the one who has it; before the first tenure of all, who has it by the import."""
        having = [tenure.person for tenure in tenures if tenure.until is None]
        if not self.roster.tenures and imported_owner is not None:
            having = [imported_owner]
        return next((person for person in having if person in claimants), None)

    def _kept(self, did: Did, tenures: tuple[Tenure, ...], owner: PersonKey | None) -> tuple[Tenure, ...]:
        now, quarantine = self.claims.now, self.claims.policy.quarantine
        kept: list[Tenure] = []
        lasting = None
        for tenure in tenures:
            if tenure.until is None:
                if tenure.person == owner and lasting is None:
                    lasting = tenure
                    continue
                until = self._end_of(tenure.person, now)
                tenure = Tenure(did, tenure.person, min(tenure.since, until), until)
            assert tenure.until is not None
            if tenure.until + quarantine > now:
                kept.append(tenure)
        if owner is not None:
            kept.append(lasting or Tenure(did, owner, now))
        return tuple(kept)

    def _hold(
        self, did: Did, owner: PersonKey | None, claimants: tuple[PersonKey, ...], tenures: tuple[Tenure, ...]
    ) -> tuple[NotRung | None, datetime | None]:
        if owner is None and claimants:
            return NotRung.CLAIMED_TWICE, None
        until = latest(self._quarantines(did, owner, tenures))
        if until is not None:
            return NotRung.QUARANTINE, until
        if owner is None and (begins := self.claims.to_come.get(did)) is not None:
            return NotRung.NOT_STARTED, begins
        return None, None

    def _quarantines(self, did: Did, owner: PersonKey | None, tenures: tuple[Tenure, ...]) -> Iterator[datetime]:
        """The end of every quarantine that lasts."""
        now, quarantine = self.claims.now, self.claims.policy.quarantine
        released = self.roster.releases.get(did)
        for person, ended_at in self._ended(did, tenures):
            if person == owner or (person in self.known and person not in self.out):
                continue
            if released is not None and ended_at <= released:
                continue
            if now < ended_at + quarantine:
                yield ended_at + quarantine

    def _ended(self, did: Did, tenures: tuple[Tenure, ...]) -> Iterator[Former]:
        for tenure in tenures:
            if tenure.until is not None:
                yield Former(tenure.person, self._end_of(tenure.person, tenure.until))
        for former in self.claims.former.get(did, ()):
            # What the import, or a source of less precedence, still says of somebody whose DID had gone to another
            # long before is no tenure of theirs.
            if not any(_is_of_another(tenure, former) for tenure in tenures):
                yield former

    def _end_of(self, person: PersonKey, otherwise: datetime) -> datetime:
        """The person's own end when that came first."""
        employment = self.out.get(person)
        if employment is None or not employment.left or employment.ends is None:
            return otherwise
        return min(otherwise, employment.ends)


def _best(claims: Sequence[Claim]) -> tuple[PersonKey, ...]:
    """Everybody with the claim that counts first, by key."""
    if len(claims) < 2:
        return tuple(claim.person for claim in claims)
    first = min(claim.rank for claim in claims)
    return tuple(sorted({claim.person for claim in claims if claim.rank == first}))


def _is_of_another(tenure: Tenure, former: Former) -> bool:
    """Whether somebody else held the DID when that one left."""
    return (
        tenure.person != former.person
        and tenure.since <= former.ended_at
        and (tenure.until is None or former.ended_at < tenure.until)
    )
