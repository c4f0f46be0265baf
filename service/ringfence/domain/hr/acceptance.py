"""One record: what of it is accepted as soon as it is said, what is held, and what a decision makes of it.

`guard` and `decision` go through this for every record they touch, so that a fact means the same however
it comes in. Two rules that the words `said` and `accepted` do not show:

- `said` and `accepted` are one and the same object when they are equal, because most of 100,000 records are.
- `rejected` is `accepted` with the refused groups of fields as they were said; it follows both, so that a refusal ends
  when the source says something else; of a joiner or a return, something else of the employment or the key. Where
  nothing is accepted it is the refused record, or, with another person's key, the mark that this joiner is not that
  person (`refuse_key`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from datetime import datetime
from typing import Any

from ringfence.domain.directory import PersonKey
from ringfence.domain.hr.category import GROUPS, Category, fields_of, group
from ringfence.domain.hr.employment import Zones, begins_at, employed_at, ends_at, is_over
from ringfence.domain.hr.record import HrRecord
from ringfence.domain.hr.roster import RecordState


def heard(before: RecordState | None, said: HrRecord, zones: Zones, now: datetime) -> RecordState:
    """The record after it was said, with the safe direction accepted; `before` itself where nothing changes.

    Safe is what ends the employment or ends it earlier, and a start that is still to come. A record whose employment
    is over has nothing to hold: all of it is accepted but a changed key.
    """
    if before is None:
        since = now if said.active is False else None
        accepted = said if is_over(said, since, zones(said.site), now) else None
        return RecordState(said, accepted, now, inactive_since=since)
    if before.said == said:
        said = before.said
    since = before.inactive_since or (now if said.active is False else None)
    if since is not None and since > now:
        since = now  # first heard while the clock ran ahead: whoever has left must not ring until then
    accepted = _safe(before, said, since, zones, now)
    said_at = before.said_at if said is before.said else now
    after = _settled(replace(before, said=said, said_at=said_at, inactive_since=since), accepted, before.accepted)
    if after.absent_since is not None or after.absence_rejected:
        after = replace(after, absent_since=None, absence_rejected=False)
    return before if after == before else after


def missed(state: RecordState, zones: Zones, now: datetime) -> RecordState | None:
    """The record after a complete batch came without it. None: it leaves nothing behind, because nothing of it was ever
    accepted, refused or acted on. A stated end is acted on even while the joiner is held."""
    if state.absent_since is not None:
        return state
    if state.accepted is None and state.rejected is None and said_end(state, zones) is None:
        return None
    return replace(state, absent_since=now)


def said_end(state: RecordState, zones: Zones) -> datetime | None:
    """When the record ends as it was said; None: no end."""
    return ends_at(state.said, state.inactive_since, zones(state.said.site))


def known_end(state: RecordState, zones: Zones) -> datetime | None:
    """When the record ends as it is accepted, or as said while nothing is; None: no end."""
    record = state.accepted or state.said
    return ends_at(record, state.inactive_since, zones(record.site))


def asked(state: RecordState, posts: Sequence[RecordState], zones: Zones, now: datetime) -> Iterator[Category]:
    """What is held of one record. `posts` are all posts of its identifier, itself included.

    A post that a complete feed came without was given up if the same person is present and employed in another that
    lasts no less long: that is no leaver, and counts as a move of its DIDs (`DID_MOVE`). Any other is an absence.
    """
    accepted, said = state.accepted, state.said
    if accepted is None:
        if not is_over(said, state.inactive_since, zones(said.site), now):
            if _is_missing(state):
                yield Category.ABSENCE
            elif not is_refused_joiner(state) and state.absent_since is None:
                yield Category.JOINER
        return
    if accepted is said and state.absent_since is None:
        return
    over = is_over(accepted, state.inactive_since, zones(accepted.site), now)
    if _is_missing(state):
        if not over:
            yield Category.DID_MOVE if _employed_otherwise(state, posts, zones, now) else Category.ABSENCE
        return
    if state.absent_since is not None:
        return  # what it said last may be the very mistake for which it is missing
    said_over = is_over(said, state.inactive_since, zones(said.site), now)
    if accepted.key != said.key:
        # Also of somebody who has left: whoever comes back must be the right person.
        if not _is_refused(state, Category.KEY_CHANGE):
            yield Category.KEY_CHANGE
        return
    if accepted == said or (over and said_over):
        return
    if over:
        if not _is_refused(state, Category.RETURN):
            yield Category.RETURN
        return
    for category in GROUPS[1:]:
        if group(said, category) == group(accepted, category) or _is_refused(state, category):
            continue
        if category is not Category.TERM or not said_over:
            yield category


def take(state: RecordState, category: Category, now: datetime) -> RecordState:
    """The record after an item was accepted. A missing post or person has ended at `now`. A changed key between two
    identifiers is not known here: both are taken as joiners (`decision`)."""
    accepted = state.accepted
    if category is Category.ABSENCE or (category is Category.DID_MOVE and _is_missing(state)):
        ended = replace(accepted or state.said, ends_at=now)
    elif accepted is None or category in (Category.JOINER, Category.KEY_CHANGE):
        ended = state.said
    else:
        ended = replace(accepted, **fields_of(state.said, category))
    return _settled(state, ended, accepted)


def refuse(state: RecordState, category: Category) -> RecordState:
    """The record after an item was rejected: not asked again until something else is said of it, an absence not until
    the record has been back."""
    if category is Category.ABSENCE or (category is Category.DID_MOVE and _is_missing(state)):
        return replace(state, absence_rejected=True)
    if state.accepted is None:
        return replace(state, rejected=state.said)
    return replace(state, rejected=replace(state.rejected or state.accepted, **fields_of(state.said, category)))


def refuse_key(state: RecordState, other: PersonKey) -> RecordState:
    """The joiner, marked: a person said that this is not the one whose key is `other`."""
    return replace(state, rejected=_mark(state.said, other))


def refused_key(state: RecordState) -> PersonKey | None:
    """Whom a joiner is not, as a person said; None: nobody said anything."""
    rejected = state.rejected
    if state.accepted is not None or rejected is None or rejected.key == state.said.key:
        return None
    return rejected.key


def is_refused_joiner(state: RecordState) -> bool:
    """Whether a person refused this joiner, whatever else has been said of them since."""
    return state.accepted is None and state.rejected is not None and _is_same_employment(state.rejected, state.said)


def turns_at(posts: Sequence[RecordState], zones: Zones, now: datetime) -> datetime | None:
    """The next moment at which time alone may change what `asked` answers of these posts; None: never."""
    moments = []
    for state in posts:
        moments.append(said_end(state, zones))
        if state.accepted is not None:
            moments += (known_end(state, zones), begins_at(state.accepted, zones(state.accepted.site)))
    return min((moment for moment in moments if moment is not None and moment > now), default=None)


def _safe(
    before: RecordState, said: HrRecord, inactive_since: datetime | None, zones: Zones, now: datetime
) -> HrRecord | None:
    """What is accepted once this is said and nobody has let anything through."""
    accepted = before.accepted
    over = is_over(said, inactive_since, zones(said.site), now)
    if accepted is None:
        return said if over else None
    if accepted is said or (over and said.key == accepted.key):
        return said
    changes = _narrower(before, accepted, said, inactive_since, zones(accepted.site), now)
    if said.key == accepted.key and _same_dids(said, accepted):
        changes["dids"] = said.dids
    return replace(accepted, **changes) if changes else accepted


def _narrower(
    before: RecordState,
    accepted: HrRecord,
    said: HrRecord,
    inactive_since: datetime | None,
    zone: str,
    now: datetime,
) -> dict[str, Any]:
    """The fields of the employment that end it earlier, or let it begin later, than is accepted. Judged in the zone of
    the accepted site: the site that is said may be held."""
    old_end = ends_at(accepted, before.inactive_since, zone)
    new_end = ends_at(said, inactive_since, zone)
    if new_end is not None and new_end <= now:
        return fields_of(said, Category.TERM)
    if old_end is not None and old_end <= now:
        return {}  # a return
    changes: dict[str, Any] = {}
    if old_end is None or (new_end is not None and new_end <= old_end):
        changes.update(active=said.active, ends=said.ends, ends_at=said.ends_at)
    begins, begun = begins_at(said, zone), begins_at(accepted, zone)
    if begins is not None and begins > now and (begun is None or begins > begun):
        changes["starts"] = said.starts
    return changes


def _settled(state: RecordState, accepted: HrRecord | None, was: HrRecord | None) -> RecordState:
    """The record with this accepted, and what follows from it. `was`: what was accepted when the refusals were made or
    last followed."""
    said = state.said
    if accepted is not said and accepted == said:
        accepted = said
    inactive = said.active is False or (accepted is not None and accepted.active is False)
    return replace(
        state,
        accepted=accepted,
        inactive_since=state.inactive_since if inactive else None,
        rejected=_still_refused(state, accepted, was),
    )


def _still_refused(state: RecordState, accepted: HrRecord | None, was: HrRecord | None) -> HrRecord | None:
    rejected, said = state.rejected, state.said
    if rejected is None:
        return None
    if was is None or accepted is None:
        marked = rejected.key != said.key and rejected == _mark(said, rejected.key)
        lasts = accepted is None and (marked or _is_same_employment(rejected, said))
        return rejected if lasts else None
    changes: dict[str, Any] = {}
    for category in GROUPS:
        refused = group(rejected, category)
        if refused != group(was, category) and refused == group(said, category) != group(accepted, category):
            changes.update(fields_of(said, category))
    return replace(accepted, **changes) if changes else None


def _mark(said: HrRecord, other: PersonKey) -> HrRecord:
    return HrRecord(said.id, other, said.post)


def _is_refused(state: RecordState, category: Category) -> bool:
    # Only asked where said and accepted differ in this group: `rejected` has the accepted values in every other.
    # A return is the same one as long as the employment is: a new e-mail address does not ask for it again.
    group_of = Category.TERM if category is Category.RETURN else category
    return state.rejected is not None and group(state.rejected, group_of) == group(state.said, group_of)


def _is_same_employment(one: HrRecord, other: HrRecord) -> bool:
    return one.key == other.key and group(one, Category.TERM) == group(other, Category.TERM)


def _is_missing(state: RecordState) -> bool:
    return state.absent_since is not None and not state.absence_rejected


def _employed_otherwise(state: RecordState, posts: Sequence[RecordState], zones: Zones, now: datetime) -> bool:
    # By what is accepted: a post that is itself held keeps nobody employed. And for no shorter time than this post,
    # or an absence would end somebody after all, only later.
    end = known_end(state, zones)
    return any(
        post is not state
        and post.accepted is not None
        and post.absent_since is None
        and employed_at(post.accepted, post.inactive_since, zones(post.accepted.site), now)
        and ((other := known_end(post, zones)) is None or (end is not None and end <= other))
        for post in posts
    )


def _same_dids(one: HrRecord, other: HrRecord) -> bool:
    """The same DIDs in another order: nothing that anybody would notice."""
    if one.dids is None or other.dids is None:
        return False
    return one.dids != other.dids and set(one.dids) == set(other.dids)
