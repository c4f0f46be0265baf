"""What a batch does at once, what the guard lets through, and what it holds."""

from __future__ import annotations

from dataclasses import replace

import pytest

from ringfence.domain.directory import PersonKey
from ringfence.domain.hr.guard import Category, check_batch
from ringfence.domain.hr.record import Batch, HrRecord, RowProblem
from tests.unit.guarded import DAY, NOW, POLICY, Source, day, did, mobile, people, record

WIDE = {
    Category.TERM: {"ends": None},
    Category.DID_MOVE: {"dids": (did(9),)},
    Category.NUMBER_CHANGE: {"numbers": (mobile(9),)},
    Category.DETAIL: {"on_call": True},
}


def changed(records: list[HrRecord], count: int, **fields: object) -> list[HrRecord]:
    """The same feed, the first few records with other fields."""
    return [replace(r, **fields) if n < count else r for n, r in enumerate(records)]  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "said",
    [
        {"ends": day(-1)},
        {"ends": day(30)},
        {"ends_at": NOW},
        {"active": False},
        {"starts": day(3)},
        {"ends": day(-1), "department": "Planning", "dids": ()},
    ],
    ids=str,
)
def test_the_safe_direction_is_accepted_at_once_however_many(said: dict[str, object]) -> None:
    before = people(100)
    source = Source(*before)
    heard = source.feed(changed(before, 60, **said))
    assert heard.held == {}
    assert [source.accepted(r.id) for r in before[:60]] == changed(before, 60, **said)[:60]
    assert all(source.state(r.id).accepted is source.state(r.id).said for r in before)


def test_more_leavers_than_the_limit_are_loud_and_stop_all_the_same() -> None:
    before = people(100)
    source = Source(*before)
    heard = source.feed(changed(before, 6, active=False))
    assert heard.leavers == 6
    assert heard.loud == ("hr ends the employment of 6 people at once, more than 5",)
    assert len(source.employed()) == 94
    assert source.feed(changed(before, 6, active=False)).leavers == 0


def test_an_earlier_end_is_a_leaver_and_a_new_contractor_is_none() -> None:
    source = Source(record("1", ends=day(30)), *people(30))
    assert source.push(record("1", ends=day(10)), record("2", ends=day(10))).leavers == 1


def test_a_person_with_another_post_is_no_leaver() -> None:
    source = Source(record("1", post="a"), record("1", post="b"))
    assert source.push(record("1", post="a", active=False)).leavers == 0
    assert source.push(record("1", post="b", active=False)).leavers == 1


def test_safe_facts_are_taken_out_of_a_record_that_is_held() -> None:
    before = people(30, starts=day(10))
    source = Source(*before)
    heard = source.feed(changed(before, 9, ends=day(20), starts=day(5), dids=(did(1),)))
    assert heard.held == {Category.TERM: 9, Category.DID_MOVE: 9}
    assert source.accepted("000") == replace(before[0], ends=day(20))


def test_a_later_start_is_safe_also_for_somebody_who_has_begun() -> None:
    source = Source(record("1", starts=day(-1)))
    source.push(record("1", starts=day(9)))
    assert source.employed() == set()


def test_whoever_was_heard_to_be_inactive_while_the_clock_ran_ahead_has_left_now() -> None:
    source = Source(*people(2))
    source.now += DAY
    source.push(record("000", active=False))
    source.now -= DAY
    source.push(record("000", active=False, department="Planning"))
    assert (source.employed(), source.state("000").inactive_since) == ({"001"}, source.now)


def test_inactive_counts_from_when_it_was_first_said_until_a_return_is_accepted() -> None:
    source = Source(*people(2, active=True))
    source.push(record("000", active=False))
    source.now += DAY
    source.push(record("000", active=False, department="Planning"))
    assert source.state("000").inactive_since == NOW
    source.recent = {Category.RETURN: 1}
    source.push(record("000", active=True))
    assert (source.held, source.state("000").inactive_since) == ({Category.RETURN: 1}, NOW)
    source.approve()
    assert (source.employed(), source.state("000").inactive_since) == ({"000", "001"}, None)


@pytest.mark.parametrize("category", WIDE)
def test_a_category_beyond_the_limit_is_held_as_a_whole_and_the_rest_goes_on(category: Category) -> None:
    before = people(100, ends=day(9))
    source = Source(*before)
    now = changed(before, 6, **WIDE[category])
    now[50] = replace(now[50], email="new@example.org")
    if category is Category.DETAIL:
        now[50] = replace(before[50], dids=(did(1),))
    heard = source.feed(now)
    assert heard.held == {category: 6}
    assert sum(heard.accepted.values()) == 1
    assert [source.accepted(r.id) for r in before[:6]] == before[:6]
    assert source.accepted("050") == now[50]


@pytest.mark.parametrize("category", WIDE)
def test_a_category_within_the_limit_is_let_through(category: Category) -> None:
    before = people(100, ends=day(9))
    source = Source(*before)
    assert source.feed(changed(before, 5, **WIDE[category])).accepted == {category: 5}
    assert source.items() == ()


@pytest.mark.parametrize(("known", "limit"), [(1, 1), (39, 1), (40, 2), (399, 19), (400, 20), (900, 20)])
def test_the_limit_is_five_percent_twenty_at_most_and_one_at_least(known: int, limit: int) -> None:
    for count in (limit, limit + 1):
        before = people(known)
        source = Source(*before)
        heard = source.push(*[record(f"new{n}") for n in range(count)])
        assert heard.held == ({} if count == limit else {Category.JOINER: count})


def test_what_was_accepted_lately_counts() -> None:
    source = Source(*people(100))
    source.recent = {Category.DID_MOVE: 5}
    assert source.push(record("001", dids=(did(1),))).held == {Category.DID_MOVE: 1}


def test_what_is_held_is_not_let_in_because_the_window_has_passed() -> None:
    source = Source(*people(100))
    source.recent = {Category.DID_MOVE: 5}
    source.push(record("001", dids=(did(1),)))
    source.recent = {}
    heard = source.push(record("002", dids=(did(2),)), record("003", department="Planning"))
    assert heard.accepted == {Category.DID_MOVE: 1, Category.DETAIL: 1}
    assert source.push(record("001", dids=(did(3),))).held == {Category.DID_MOVE: 1}
    assert source.accepted("001") == record("001")
    source.approve()
    assert source.accepted("001").dids == (did(3),)


def test_pushed_one_by_one_the_sixth_is_held_and_holds_the_next() -> None:
    source = Source(*people(100))
    for n in range(8):
        heard = source.push(record(f"{n:03d}", dids=(did(n),)))
        for category, count in heard.accepted.items():
            source.recent[category] = source.recent.get(category, 0) + count
    assert source.recent == {Category.DID_MOVE: 5}
    assert source.held == {Category.DID_MOVE: 3}


def test_posts_count_once_a_person() -> None:
    posts = [record(f"{n:03d}", post=post) for n in range(20) for post in "abc"]
    source = Source(*posts)
    heard = source.feed([replace(r, department="Planning") if r.id == "000" else r for r in posts])
    assert heard.accepted == {Category.DETAIL: 1}


def test_what_is_said_again_as_it_is_accepted_is_no_longer_held() -> None:
    before = people(30)
    source = Source(*before)
    assert source.feed(changed(before, 9, dids=(did(1),))).held == {Category.DID_MOVE: 9}
    assert source.feed(before).held == {}


def test_dids_in_another_order_are_no_move() -> None:
    before = people(30, dids=(did(1), did(2)))
    source = Source(*before)
    heard = source.feed(changed(before, 30, dids=(did(2), did(1))))
    assert (heard.held, heard.accepted, source.accepted("000").dids) == ({}, {}, (did(2), did(1)))


def test_a_first_load_holds_everything_but_the_safe_direction() -> None:
    source = Source(loaded=False)
    now = [*people(3), record("left", ends=day(-9)), record("off", active=False), record("soon", ends=day(9))]
    heard = source.feed(now)
    assert (heard.held, heard.accepted, heard.leavers) == ({Category.JOINER: 4}, {}, 2)
    assert source.accepted("left") is source.state("left").said
    assert source.state("off").inactive_since == NOW
    assert source.state("soon").accepted is None
    source.approve()
    assert source.employed() == {"000", "001", "002", "soon"}


def test_an_end_said_of_a_held_joiner_ends_them() -> None:
    source = Source(loaded=False)
    source.push(record("1"))
    assert source.push(record("1", active=False)).leavers == 1
    assert (source.held, source.accepted("1").active) == ({}, False)


def test_absence_is_held_whatever_its_size() -> None:
    before = people(100)
    source = Source(*before)
    assert source.feed(before[1:]).held == {Category.ABSENCE: 1}
    assert source.employed() == {r.id for r in before}
    assert source.feed(before[50:]).loud == ("50 people are missing from the feed of hr, more than 2: held",)
    assert source.feed(before).held == {}
    assert source.state("000").absent_since is None


def test_nobody_is_absent_from_a_push_or_when_they_have_left() -> None:
    source = Source(*people(3), record("left", ends=day(-1)))
    assert source.push(record("000")).held == {}
    assert source.feed(people(3)).held == {}


def test_rows_that_cannot_be_believed_leave_the_record_as_it_was() -> None:
    before = people(60)
    source = Source(*before)
    two = [record("000", ends=day(-1)), record("000", department="Planning")]
    heard = source.feed([*two, *before[3:]], repeated=["000", "001"], unreadable=["002"])
    assert not heard.change
    assert heard.loud == ("hr names 2 people more than once: their records stay as they were",)


def test_deleted_at_the_source_is_an_explicit_end_of_all_posts() -> None:
    source = Source(record("1", post="a"), record("1", post="b"), *people(9))
    heard = source.push(gone=["1", "never heard of"])
    assert (heard.leavers, heard.held) == (1, {})
    assert source.employed() == {r.id for r in people(9)}
    assert source.state("1", "b").inactive_since == NOW
    assert source.feed(people(9)).held == {}
    held = Source(loaded=False)
    held.push(record("1"))
    held.push(gone=["1"])
    assert (held.held, held.accepted("1").active) == ({}, False)


def test_a_post_given_up_is_a_move_of_its_dids() -> None:
    posts = [record("1", post="a", dids=(did(1),)), record("1", post="b", dids=(did(2),)), *people(9)]
    source = Source(*posts)
    heard = source.feed([posts[0], *posts[2:]])
    assert (heard.accepted, heard.leavers, heard.held) == ({Category.DID_MOVE: 1}, 0, {})
    assert source.accepted("1", "b").ends_at == NOW
    assert source.feed([posts[0], *posts[2:]]).held == {}
    source.recent = {Category.RETURN: 9}
    assert source.feed(posts).held == {Category.RETURN: 1}


@pytest.mark.parametrize("other", [{"ends": day(-1)}, {"ends": day(9)}, {"starts": day(9)}], ids=str)
def test_a_post_missing_with_no_other_that_lasts_as_long_is_an_absence(other: dict[str, object]) -> None:
    posts = [record("1", post="a"), record("1", post="b", **other), *people(9)]
    source = Source(*posts)
    assert source.feed(posts[1:]).held == {Category.ABSENCE: 1}


def test_a_post_under_another_name_is_given_up_once_the_new_one_is_accepted() -> None:
    posts = [record("1", post="a"), *people(9)]
    source = Source(*posts)
    source.recent = {Category.JOINER: 1}
    renamed = [record("1", post="b"), *people(9)]
    assert source.feed(renamed).held == {Category.JOINER: 1, Category.ABSENCE: 1}
    source.approve([item for item in source.items() if item.category is Category.JOINER])
    assert source.held == {Category.DID_MOVE: 1}
    assert source.approve() and source.feed(renamed).held == {}
    assert "1" in source.employed()


def test_the_same_identifier_with_another_key_holds_all_but_safe_facts() -> None:
    source = Source(*people(100))
    heard = source.push(record("001", key="k1", dids=(did(1),), ends=day(5)))
    assert heard.held == {Category.KEY_CHANGE: 1}
    assert source.accepted("001") == record("001", ends=day(5))


@pytest.mark.parametrize(
    "same",
    [{"email": "Ada@Example.org"}, {"dids": (did(2), did(1))}, {"numbers": (mobile(1),)}],
    ids=str,
)
def test_in_a_file_a_joiner_like_somebody_absent_is_a_changed_key(same: dict[str, object]) -> None:
    old = record("4711", email="ada@example.org", dids=(did(1),), numbers=(mobile(1),))
    source = Source(old, *people(30))
    assert source.feed([record("8822", **same), *people(30)]).held == {Category.KEY_CHANGE: 1}
    assert source.feed([record("8822", **same), record("4711"), *people(30)]).held == {}
    unlike = Source(old, *people(30))
    assert unlike.feed([record("8822", dids=(did(7),)), *people(30)]).held == {Category.ABSENCE: 1}


def test_a_source_with_identifiers_of_its_own_has_no_such_pairs() -> None:
    source = Source(record("guid-1", key="4711", dids=(did(1),)), *people(30))
    heard = source.feed([record("guid-2", key="8822", dids=(did(1),)), *people(30)])
    assert (heard.held, heard.accepted) == ({Category.ABSENCE: 1}, {Category.JOINER: 1})


def test_a_feed_without_a_joiner_who_was_held_forgets_them_unless_an_end_was_said() -> None:
    source = Source(loaded=False)
    source.feed([*people(3), record("soon", ends=day(9))])
    assert source.feed(people(2)).held == {Category.JOINER: 2, Category.ABSENCE: 1}
    assert {id_.id for id_ in source.roster.records} == {"000", "001", "soon"}


def test_an_end_that_passes_makes_a_held_extension_a_return() -> None:
    before = people(9, ends=day(2))
    source = Source(*before)
    assert source.feed(people(9)).held == {Category.TERM: 9}
    source.now += 5 * DAY
    assert source.push().held == {Category.RETURN: 9}


def unreadable(rows: int) -> tuple[RowProblem, ...]:
    return tuple(RowProblem(f"line {n}", "key", "is empty") for n in range(2, 2 + rows))


@pytest.mark.parametrize(
    ("batch", "refused"),
    [
        (Batch("hr", (), complete=True), "the feed of hr holds nobody, and 9 people are known from it"),
        (Batch("hr", (), complete=False), None),
        (Batch("hr", (record("1"),), True, rows=2, rejected=unreadable(1)), None),
        (Batch("hr", (record("1"),), True, rows=2, rejected=unreadable(1) * 9), None),  # nine problems of one row
        (
            Batch("hr", (record("1"),), True, rows=3, rejected=unreadable(2)),
            "2 of 3 rows of hr cannot be read; at most 1 may be wrong",
        ),
        (
            Batch("hr", (record("1"),), True, rows=999, rejected=unreadable(21)),
            "21 of 999 rows of hr cannot be read; at most 20 may be wrong",
        ),
    ],
)
def test_a_batch_that_cannot_be_trusted_is_refused(batch: Batch, refused: str | None) -> None:
    assert check_batch(batch, 9, POLICY) == refused


def test_a_shifted_column_is_held() -> None:
    before = people(60, email="a@example.org", manager="m1", numbers=(mobile(1),))
    source = Source(*before)
    shifted = [replace(r, name=r.site, site=r.department, department=r.manager, numbers=()) for r in before]
    assert source.feed(shifted).held == {Category.NUMBER_CHANGE: 60, Category.DETAIL: 60}
    keys = Source(*before)
    assert keys.feed([replace(r, key=PersonKey(f"x{r.key}")) for r in before]).held == {Category.KEY_CHANGE: 60}


@pytest.mark.parametrize("category", [Category.DID_MOVE, Category.NUMBER_CHANGE, Category.DETAIL])
def test_joiners_and_returns_wait_while_a_column_may_have_slipped(category: Category) -> None:
    """Their numbers can be compared with nothing, and might be the next row's."""
    before = people(100)
    source = Source(*before, record("back", ends=day(-40)))
    slipped = changed(before, 6, **WIDE[category])
    heard = source.feed([*slipped, record("back"), record("new")])
    assert heard.held == {category: 6, Category.JOINER: 1, Category.RETURN: 1}
    again = [*before, record("back"), record("new")]
    assert source.feed(again).held == {Category.JOINER: 1, Category.RETURN: 1}
    source.approve()
    assert source.employed() == {r.id for r in again}


def test_a_return_brings_the_numbers_of_today_or_waits_with_them() -> None:
    """What a leaver's last feed said of numbers was never looked at."""
    source = Source(record("1"), *people(30))
    source.feed([record("1", ends=day(-1), numbers=(mobile(66),)), *people(30)])
    source.recent = {Category.RETURN: 9}
    back = record("1", numbers=(mobile(1),))
    assert source.feed([back, *people(30)]).held == {Category.RETURN: 1}
    source.approve()
    assert source.accepted("1") == back


def test_nothing_is_asked_of_somebody_missing_whose_absence_was_rejected() -> None:
    source = Source(record("1"), *people(30))
    source.recent = {Category.NUMBER_CHANGE: 9}
    source.feed([record("1", numbers=(mobile(66),)), *people(30)])
    source.feed(people(30))
    source.reject()
    source.recent = {}
    assert source.feed(people(30)).accepted == {}
    assert source.accepted("1") == record("1")


def test_unreadable_rows_refuse_a_whole_feed_and_no_push() -> None:
    problems = tuple(RowProblem(f"line {n}", "numbers", "cannot be read") for n in range(3))
    assert check_batch(Batch("hr", (record("1"),), True, rejected=problems, rows=4), 1, POLICY) is not None
    assert check_batch(Batch("hr", (record("1"),), False, rejected=problems, rows=4), 1, POLICY) is None
