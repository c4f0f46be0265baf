"""Whether somebody is employed, and when that changes: from every post that every source states, and from what was
entered by hand.

A source says that somebody is employed while any of the posts of one identifier is; an identifier whose posts are all
over ends it, whatever another one with the same key says. Somebody is employed while every source that has a word on it
says so.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from itertools import groupby
from typing import Final, NamedTuple

from ringfence.domain.hr.employment import begins_at, ends_at
from ringfence.domain.hr.record import HrRecord
from ringfence.domain.hr.roster import RecordState


class Post(NamedTuple):
    """One record as it counts, with its moments. `accepted` False: only its end does."""

    source: str
    record: HrRecord
    accepted: bool
    begins: datetime | None
    ends: datetime | None

    def runs_at(self, at: datetime) -> bool:
        return (self.begins is None or self.begins <= at) and (self.ends is None or at < self.ends)


class Employment(NamedTuple):
    """As it is at one moment. Neither `employed` nor `left`: it has not begun. `begins` and `ends` are the first and
    the last moment of what is, was or is to be, where they are known. `changes_at` is the earliest later moment at
    which something of it may change."""

    employed: bool
    left: bool
    begins: datetime | None = None
    ends: datetime | None = None
    changes_at: datetime | None = None

    @property
    def never_began(self) -> bool:
        """Called off before it began."""
        return self.left and self.begins is not None and self.ends is not None and self.ends <= self.begins


UNDISPUTED: Final = Employment(employed=True, left=False)
"""Of somebody who is only in the imported directory: nobody said otherwise."""


def post_of(source: str, state: RecordState, zone: str) -> Post:
    """What counts of a record: what is accepted; while nothing is, the end that it states."""
    record = state.accepted
    begins = None
    if record is None:
        record = state.said
    elif record.starts is not None:
        begins = begins_at(record, zone)
    since = state.inactive_since
    if since is None and record.active is False:
        since = state.said_at
    return Post(source, record, state.accepted is not None, begins, ends_at(record, since, zone))


def employment_of(posts: Sequence[Post], left_at: datetime | None, now: datetime) -> Employment:
    """`posts` of one person, those of one source side by side. `left_at` was entered by hand."""
    if len(posts) == 1 and left_at is None:
        return _word_of_one(posts[0], now)
    if len(posts) == 2 and posts[0].source != posts[1].source:
        words = [_word_of_one(post, now) for post in posts]
    else:
        words = [_word_of_source(list(group), now) for _, group in groupby(posts, key=lambda post: post.source)]
    if left_at is not None:
        over = left_at <= now
        words.append(Employment(not over, over, None, left_at, None if over else left_at))
    if not words:
        return UNDISPUTED
    left = [word.ends for word in words if word.left]
    begins = latest(word.begins for word in words)
    changes_at = earliest(word.changes_at for word in words)
    if left:
        return Employment(False, True, begins, earliest(left), changes_at)
    employed = all(word.employed for word in words)
    return Employment(employed, False, begins, earliest(word.ends for word in words), changes_at)


def earliest(moments: Iterable[datetime | None]) -> datetime | None:
    """Of those that are known."""
    return min((moment for moment in moments if moment is not None), default=None)


def latest(moments: Iterable[datetime | None]) -> datetime | None:
    """Of those that are known."""
    return max((moment for moment in moments if moment is not None), default=None)


def _word_of_source(posts: Sequence[Post], now: datetime) -> Employment:
    """What one source says by all its identifiers. Two with one key may be two people, so that the end of either
    counts; what is not accepted employs nobody here either."""
    by_id: dict[str, list[Post]] = {}
    for post in posts:
        by_id.setdefault(post.record.id, []).append(post)
    if len(by_id) == 1:
        return _word_of(posts, now)
    words = {id_: _word_of(own, now) for id_, own in by_id.items()}
    changes_at = earliest(word.changes_at for word in words.values())
    accepted = [word for id_, word in words.items() if any(post.accepted for post in by_id[id_])]
    counting = accepted or list(words.values())
    left = [word for word in words.values() if word.left]
    if left:
        begins = [word.begins for word in counting]
        return Employment(
            False, True, None if None in begins else earliest(begins), earliest(w.ends for w in left), changes_at
        )
    counting = [word for word in counting if word.employed] or counting
    begins = [word.begins for word in counting]
    ends = earliest(word.ends for word in words.values())
    employed = any(word.employed for word in counting)
    return Employment(employed, False, None if None in begins else earliest(begins), ends, changes_at)


def _word_of(posts: Sequence[Post], now: datetime) -> Employment:
    """What one source says by one identifier. A post that is not accepted counts only where no other is: what is held
    must neither employ nor keep anybody."""
    if len(posts) == 1:
        return _word_of_one(posts[0], now)
    counting = [post for post in posts if post.accepted] or posts
    changes_at = earliest(
        moment for post in counting for moment in (post.begins, post.ends) if moment is not None and now < moment
    )
    running = [post for post in counting if post.runs_at(now)]
    if running:
        return Employment(True, False, _first(running), _last(running), changes_at)
    over = [post for post in counting if post.ends is not None and post.ends <= now]
    if over:
        return Employment(False, True, _first(over), latest(post.ends for post in over), changes_at)
    return Employment(False, False, _first(counting), _last(counting), changes_at)


def _word_of_one(post: Post, now: datetime) -> Employment:
    """The same, for nearly everybody."""
    begins, ends = post.begins, post.ends
    if ends is not None and ends <= now:
        return Employment(False, True, begins, ends, begins if begins is not None and now < begins else None)
    if begins is not None and now < begins:
        return Employment(False, False, begins, ends, begins if ends is None else min(begins, ends))
    return Employment(True, False, begins, ends, ends)


def _first(posts: Sequence[Post]) -> datetime | None:
    begins = [post.begins for post in posts]
    return None if None in begins else earliest(begins)


def _last(posts: Sequence[Post]) -> datetime | None:
    ends = [post.ends for post in posts]
    return None if None in ends else latest(ends)
