"""The guard: what a batch says is taken in, what is safe or small enough is accepted, the rest is held.

`acceptance` knows what is safe and what is held of one record; here is counted. What is held stays in the roster as
the difference between said and accepted, so that nothing else has to be kept of it.
"""

from __future__ import annotations

from collections.abc import Mapping, Set
from dataclasses import dataclass, field, replace
from datetime import datetime

from ringfence.domain.hr.acceptance import heard, known_end, missed
from ringfence.domain.hr.category import GUARDED, UNTRUSTED, Category
from ringfence.domain.hr.employment import Zones
from ringfence.domain.hr.index import Draft, SourceIndex
from ringfence.domain.hr.keys import Posts
from ringfence.domain.hr.record import Batch, HrRecord
from ringfence.domain.hr.roster import RecordState, Roster, RosterChange, RosterPolicy
from ringfence.domain.hr.same_key import SameKey

__all__ = ["Category", "Heard", "SourceIndex", "check_batch", "hear"]


@dataclass(frozen=True, slots=True)
class Heard:
    """What a batch does. `accepted`: people, by category, whom the guard let through now; `held`: people held of this
    source afterwards. `leavers`: people whose employment the batch itself ended, or ended earlier than was known.
    `loud`: sentences for an alarm. `draft`: the index as it is once the change is stored and applied."""

    change: RosterChange
    accepted: Mapping[Category, int]
    held: Mapping[Category, int]
    leavers: int
    loud: tuple[str, ...]
    draft: Draft = field(repr=False, compare=False)


def check_batch(batch: Batch, known: int, policy: RosterPolicy) -> str | None:
    """Why a batch must be refused as a whole; None when it need not. `known`: people known of this source. Nothing of a
    refused batch may be heard."""
    if batch.complete and not batch.records:
        missing = f", and {known} people are known from it" if known else ""
        return f"the feed of {batch.source} holds nobody{missing}"
    if not batch.complete:
        return None  # a push names one person: what it cannot say is told, and nothing else is in doubt
    unreadable = len({problem.where for problem in batch.rejected})  # a row may have several problems
    limit = _limit(policy, batch.rows)
    if unreadable > limit:
        return f"{unreadable} of {batch.rows} rows of {batch.source} cannot be read; at most {limit} may be wrong"
    return None


def hear(
    roster: Roster,
    index: SourceIndex,
    batch: Batch,
    policy: RosterPolicy,
    zones: Zones,
    now: datetime,
    recent: Mapping[Category, int],
) -> Heard:
    """Takes a batch in. `index` is that of the batch's source and up to date; what becomes of it is in the change,
    which is to be stored, applied and given to the index. `recent`: people, by category, let through within the
    policy's window.

    An identifier that is repeated, or that names a row that could not be read, stays as it was: nobody knows which row
    is true. `gone` beats a row of the same identifier.
    """
    assert index.source == batch.source
    index.advance(zones, now)
    draft = Draft(index, zones, now)
    said, doubted = _by_person(batch)
    said.update((name, ()) for name in (batch.gone & index.posts.keys()) - said.keys() - doubted)
    past = {name for name, records in said.items() if _is_past(draft, name, records, batch)}
    leavers = sum([_take_in(draft, name, records, batch) for name, records in said.items() if name not in past])
    leavers += sum(
        [_take_in(draft, name, said[name], batch) for name in sorted(past) if not _is_employed(draft, said[name])]
    )
    if batch.complete:
        for name in index.posts.keys() - said.keys() - doubted:
            draft.put(name, _still_there(index.posts[name], zones, now))
    draft.pair()
    state = roster.sources.get(batch.source)
    loaded = state is not None and state.loaded
    accepted = _let_through(draft, policy, recent) if loaded else {}
    held = {category: draft.count(category) for category in Category if draft.count(category)}
    loud = _loud(batch, draft, policy, loaded, leavers)
    return Heard(RosterChange(records=draft.change()), accepted, held, leavers, loud, draft)


def _by_person(batch: Batch) -> tuple[dict[str, tuple[HrRecord, ...]], Set[str]]:
    """The records to believe, by identifier, and the identifiers to leave alone."""
    doubted = set(batch.repeated)
    doubted.update(problem.id for problem in batch.rejected if problem.id)
    said: dict[str, tuple[HrRecord, ...]] = {}
    for record in batch.records:
        others = said.get(record.id, ())
        if any(other.post == record.post for other in others):
            doubted.add(record.id)
        said[record.id] = (*others, record)
    for name in doubted & said.keys():
        del said[name]
    return said, doubted


def _take_in(draft: Draft, name: str, records: tuple[HrRecord, ...], batch: Batch) -> bool:
    """Puts what is said of one identifier into the draft; whether that ends the person's employment."""
    before = draft.index.posts.get(name, ())
    gone = name in batch.gone
    if len(before) == len(records) == 1 and not gone:
        state = before[0]
        if state.accepted is state.said and state.absent_since is None and state.said == records[0]:
            return False
    posts = {state.said.post: state for state in before}
    words = {record.post: record for record in records}
    if gone:
        words = {post: replace(state.said, active=False) for post, state in posts.items()} | {
            post: replace(record, active=False) for post, record in words.items()
        }
    facts = {post: heard(posts.get(post), word, draft.zones, draft.now) for post, word in words.items()}
    after: dict[str, RecordState | None] = {**posts, **facts}
    if batch.complete:
        after.update((post, missed(posts[post], draft.zones, draft.now)) for post in posts.keys() - facts.keys())
    states = tuple(state for _, state in sorted(after.items()) if state is not None)
    if states != before:
        draft.put(name, states)
    return _ends(before, tuple({**posts, **facts}.values()), draft.zones, draft.now)


def _is_past(draft: Draft, name: str, records: tuple[HrRecord, ...], batch: Batch) -> bool:
    """Whether this employment was over before anything was heard of it."""
    if name in draft.index.posts:
        return False
    return name in batch.gone or all(heard(None, record, draft.zones, draft.now).accepted for record in records)


def _is_employed(draft: Draft, records: tuple[HrRecord, ...]) -> bool:
    """Whether somebody with such a key is employed by another record. Then one of long ago ends nothing."""
    same_key = SameKey(draft, draft.zones, draft.now)
    return all(
        any(
            state.accepted is not None and state.accepted.key == record.key
            for other in set(draft.bearers_of(record.key)) - same_key.left(record.key)
            for state in draft.posts_of(other)
        )
        for record in records
    )


def _ends(before: Posts, after: Posts, zones: Zones, now: datetime) -> bool:
    """Whether somebody's employment now ends earlier than was known. Somebody new only when it is over: a joiner with a
    last day is no leaver."""
    end = _last_end(after, zones)
    if end is None:
        return False
    if not before:
        return end <= now
    was = _last_end(before, zones)
    return was is None or end < was


def _last_end(posts: Posts, zones: Zones) -> datetime | None:
    """None: at least one post has no end."""
    ends = [known_end(state, zones) for state in posts]
    known = [end for end in ends if end is not None]
    return max(known, default=None) if len(known) == len(ends) else None


def _still_there(posts: Posts, zones: Zones, now: datetime) -> list[RecordState]:
    """What a complete batch leaves of somebody it does not name."""
    kept = (missed(state, zones, now) for state in posts)
    return [state for state in kept if state is not None]


def _let_through(draft: Draft, policy: RosterPolicy, recent: Mapping[Category, int]) -> dict[Category, int]:
    """Accepts what is new in each category that is small enough, counted with what is held of it already."""
    accepted: dict[Category, int] = {}

    def is_small(category: Category) -> bool:
        return draft.count(category) + recent.get(category, 0) <= _limit(policy, draft.present)

    slipped = any(draft.count(category) and not is_small(category) for category in UNTRUSTED)
    for category in GUARDED:
        if slipped and category in (Category.JOINER, Category.RETURN):
            continue
        if draft.count(category) and is_small(category) and (people := draft.let_through(category)):
            accepted[category] = people
    return accepted


def _limit(policy: RosterPolicy, count: int) -> int:
    return max(1, min(policy.guard_rows, int(policy.guard_percent * count / 100)))


def _loud(batch: Batch, draft: Draft, policy: RosterPolicy, loaded: bool, leavers: int) -> tuple[str, ...]:
    # Before the first load is approved next to nobody is accepted, and leavers stop ringing all the same.
    limit = _limit(policy, draft.present if loaded else draft.known)
    absent, repeated = draft.count(Category.ABSENCE), len(batch.repeated)
    sentences = []
    if leavers > limit:
        sentences.append(f"{batch.source} ends the employment of {leavers} people at once, more than {limit}")
    if batch.complete and absent > limit:
        sentences.append(f"{absent} people are missing from the feed of {batch.source}, more than {limit}: held")
    if repeated:
        sentences.append(f"{batch.source} names {repeated} people more than once: their records stay as they were")
    return tuple(sentences)
