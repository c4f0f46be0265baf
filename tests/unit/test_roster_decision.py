"""What people read of what is held, and what their decision makes of it."""

from __future__ import annotations

from dataclasses import replace
from types import MappingProxyType

import pytest

from ringfence.domain.directory import PersonKey
from ringfence.domain.hr.guard import Category
from ringfence.domain.hr.items import HeldItem, fingerprint, summary
from ringfence.domain.hr.record import HrNumber, HrRecord, NumberUse
from ringfence.domain.hr.roster import NumberFacts, Origin, PersonEntries, RosterChange, SourceState, Stated, Tenure
from tests.unit.guarded import DAY, NOW, Source, day, did, mobile, people, record

OLD, NEW = PersonKey("4711"), PersonKey("8822")


def holding(before: HrRecord, *now: HrRecord, loaded: bool = True) -> Source:
    """Nothing passes the guard: everything was let through lately."""
    source = Source(before, loaded=loaded)
    source.recent = dict.fromkeys(Category, 99)
    source.push(*now)
    return source


def lines(source: Source) -> dict[str, tuple[str, ...]]:
    return {item.id: item.lines for item in source.items()}


def stated(value: object, days_ago: int = 1) -> Stated:  # type: ignore[type-arg]
    return Stated(value, Origin.HELPDESK, "ada", "asked by phone", NOW - days_ago * DAY)


def test_items_are_diffs_in_words_sorted_and_numbers_masked() -> None:
    before = record("1", dids=(did(1),), numbers=(mobile(123),), ends=day(9))
    now = record("1", dids=(did(1), did(2)), numbers=(), department="Planning", deputy=PersonKey("2"))
    source = holding(before, now, record("2", numbers=(mobile(124),), on_call=True))
    assert lines(source) == {
        "joiner:2:": (
            "name Person 2",
            "site Leeds",
            "department Housing",
            "default numbers +44*******124 (private)",
            "on call yes",
        ),
        "term:1:": ("last day 2026-12-01 -> not stated",),
        "did_move:1:": ("DIDs +441134960001 -> +441134960001 then +441134960002",),
        "number_change:1:": ("default numbers +44*******123 (private) -> none",),
        "detail:1:": ("department Housing -> Planning", "deputy not stated -> 2"),
    }
    assert summary(source.items()) == "joiners 1, terms 1, DID moves 1, number changes 1, details 1"
    assert summary(()) == "nothing"


def test_where_the_mask_hides_the_difference_the_line_and_the_fingerprint_say_so() -> None:
    before = record("1", numbers=(HrNumber("+447700900123"),))
    one = holding(before, record("1", numbers=(HrNumber("+447700901123"),)))
    other = holding(before, record("1", numbers=(HrNumber("+447700902123"),)))
    words = "default numbers +44*******123 (private) -> +44*******123 (private) (the hidden digits differ)"
    assert lines(one) == lines(other) == {"number_change:1:": (words,)}
    assert fingerprint(one.items()) != fingerprint(other.items())
    assert not any("77009" in repr(item) for item in one.items())


def test_a_fingerprint_is_of_the_items_in_any_order_and_of_no_others() -> None:
    source = holding(record("1"), record("1", dids=(did(1),), department="Planning"), record("2"))
    items = source.items()
    assert fingerprint(items) == fingerprint(reversed(items)) != fingerprint(items[1:])
    assert len(fingerprint(items)) == 12 and int(fingerprint(items), 16)
    moves = [item for item in items if item.category is Category.DID_MOVE]
    before = fingerprint(moves)
    source.push(record("1", dids=(did(1),), department="Waste", ends=day(3)))
    assert fingerprint(item for item in source.items() if item.category is Category.DID_MOVE) == before


def test_a_number_in_a_column_that_is_no_number_is_masked() -> None:
    source = holding(record("1"), record("1", name="07700 900123", manager="+447700900123", department="Bin 12"))
    (item,) = source.items()
    assert item.lines == (
        "name Person 1 -> ***** ***123",
        "department Housing -> Bin 12",
        "manager not stated -> +*********123",
    )


def test_an_item_is_the_same_in_a_url() -> None:
    source = holding(record("1"), record("a/b c:ü", post="x~y"))
    assert [item.id for item in source.items()] == ["joiner:a~2fb~20c~3a~c3~bc:x~7ey"]


def test_a_part_is_approved_and_the_rest_stays_held() -> None:
    now = record("1", dids=(did(1),), numbers=(mobile(1),), department="Planning", active=True, ends=None)
    source = holding(record("1", ends=day(9)), now)
    source.approve([item for item in source.items() if item.category is Category.DID_MOVE])
    assert source.accepted("1") == record("1", ends=day(9), dids=(did(1),))
    source.approve([item for item in source.items() if item.category is not Category.DETAIL])
    assert source.held == {Category.DETAIL: 1}
    source.approve()
    assert source.accepted("1") is source.state("1").said


def test_what_the_source_settled_since_is_passed_over() -> None:
    source = holding(record("1"), record("1", dids=(did(1),)))
    shown = source.items()
    source.push(record("1"))
    assert not source.approve(shown)
    assert not source.reject(shown)


@pytest.mark.parametrize(
    ("before", "now"),
    [
        ({}, {"dids": (did(1),)}),
        ({}, {"numbers": (mobile(1),)}),
        ({}, {"department": "Planning"}),
        ({"ends": day(9)}, {"ends": day(19)}),
        ({"ends": day(-9)}, {}),
        ({}, {"key": "k2"}),
    ],
    ids=str,
)
def test_what_was_rejected_is_asked_again_when_something_else_is_said(
    before: dict[str, object], now: dict[str, object]
) -> None:
    source = holding(record("1", **before), record("1", **now))
    assert len(source.items()) == 1
    source.reject()
    assert source.items() == ()
    assert not source.push(record("1", **now)).change
    source.push(record("1", **before))
    assert source.state("1").rejected is None
    assert len(source.push(record("1", **now)).held) == 1


def test_a_rejected_item_of_one_kind_is_still_rejected_when_another_comes() -> None:
    source = holding(record("1"), record("1", dids=(did(1),)))
    source.reject()
    assert source.push(record("1", dids=(did(1),), department="Planning")).held == {Category.DETAIL: 1}
    source.approve()
    assert (source.items(), source.accepted("1").dids, source.accepted("1").department) == ((), None, "Planning")
    assert source.push(record("1", dids=(did(2),), department="Planning")).held == {Category.DID_MOVE: 1}


def test_a_value_accepted_elsewhere_is_not_taken_for_a_rejected_one() -> None:
    source = holding(record("1", numbers=(mobile(1),)), record("1", numbers=(mobile(1),), dids=(did(1),)))
    source.reject()
    source.push(record("1", numbers=(mobile(2),), dids=(did(1),)))
    source.approve()
    assert source.push(record("1", numbers=(mobile(1),), dids=(did(1),))).held == {Category.NUMBER_CHANGE: 1}


def test_a_rejected_joiner_may_still_be_ended() -> None:
    source = holding(record("1"), record("2"))
    source.reject()
    assert source.push(record("2")).held == {}
    source.push(record("2", active=False))
    assert source.accepted("2").active is False
    assert source.push(record("2")).held == {Category.RETURN: 1}


@pytest.mark.parametrize("before", [[], [record("1", ends=day(-9))]], ids=["joiner", "return"])
def test_a_rejected_joiner_or_return_is_not_asked_again_for_a_detail(before: list[HrRecord]) -> None:
    source = Source(*before, *people(30))
    source.recent = dict.fromkeys(Category, 99)
    source.push(record("1"))
    source.reject()
    source.recent = {}
    again = record("1", department="Planning", email="new@example.org", numbers=(mobile(1),))
    heard = source.push(again)
    assert (heard.accepted, heard.held) == ({}, {})
    assert "1" not in source.employed()
    source.recent = dict.fromkeys(Category, 99)
    assert sum(source.push(replace(again, ends=day(30))).held.values()) == 1


def test_a_rejected_joiner_of_whom_something_else_was_said_is_asked_again() -> None:
    source = holding(record("1"), record("2"))
    source.reject()
    assert source.push(record("2", key="k2")).held == {Category.JOINER: 1}
    assert source.push(record("2")).held == {Category.JOINER: 1}


def test_an_absence_approved_has_left_now_and_being_back_is_a_return() -> None:
    source = Source(record("1"), *people(9))
    source.feed(people(9))
    source.now += DAY
    source.approve()
    assert (source.accepted("1").ends_at, "1" in source.employed(), source.items()) == (NOW + DAY, False, ())
    assert source.feed(people(9)).held == {}
    source.recent = {Category.RETURN: 9}
    assert source.feed([record("1"), *people(9)]).held == {Category.RETURN: 1}
    source.approve()
    assert source.accepted("1") is source.state("1").said


def test_an_absence_rejected_is_not_asked_again_until_the_record_was_back() -> None:
    source = Source(record("1"), *people(9))
    source.feed(people(9))
    assert lines(source) == {
        "absence:1:": ("the person is missing from the feed since 2026-11-22 09:00 UTC", "department Housing")
    }
    source.reject()
    assert source.feed(people(9)).held == {}
    source.feed([record("1"), *people(9)])
    assert source.feed(people(9)).held == {Category.ABSENCE: 1}
    assert "1" in source.employed()


def entered(source: Source) -> None:
    """By hand for the old key, and for the new one; a tenure each, and somebody who became the old one before."""
    old = PersonEntries(
        numbers=stated((mobile(5),)),
        dids=stated((did(5),), days_ago=9),
        facts=MappingProxyType({"+447700900005": stated(NumberFacts(purpose="standby"))}),
    )
    tenures = {did(n): (Tenure(did(n), key, NOW - 90 * DAY),) for n, key in ((1, OLD), (2, PersonKey("9")))}
    source.apply(
        RosterChange(
            entries={OLD: old, NEW: PersonEntries(dids=stated((did(6),)))},
            tenures=tenures,
            aliases={PersonKey("1"): OLD},
        )
    )


def moved(source: Source) -> None:
    """Everything of the old key goes on under the new one."""
    roster = source.roster
    assert OLD not in roster.entries
    entries = roster.entries[NEW]
    assert entries.numbers == stated((mobile(5),))
    assert entries.dids == stated((did(6),)), "what was entered later"
    assert list(entries.facts) == ["+447700900005"]
    assert [roster.tenures[did(n)][0].person for n in (1, 2)] == [NEW, "9"]
    assert roster.aliases == {OLD: NEW, PersonKey("1"): NEW}


def test_a_changed_key_approved_carries_on_under_the_new_one() -> None:
    source = Source(record("guid", key=OLD), record("guid", key=OLD, post="b"), *people(9))
    entered(source)
    source.push(record("guid", key=NEW, dids=(did(1),)), record("guid", key=NEW, post="b"))
    assert lines(source)["key_change:guid:"] == ("key 4711 -> 8822", "DIDs not stated -> +441134960001")
    source.approve(source.items()[:1])
    assert (source.accepted("guid").key, source.accepted("guid", "b").key, source.items()) == (NEW, NEW, ())
    moved(source)


def test_a_changed_key_between_two_identifiers_approved_is_one_person() -> None:
    source = Source(record("4711", dids=(did(1),)), *people(9))
    entered(source)
    source.feed([record("8822", dids=(did(1),), name="Ada New"), *people(9)])
    (item,) = source.items()
    assert (item.id, item.person, item.name) == ("key_change:8822:", OLD, "Ada New")
    assert item.lines == ("key 4711 -> 8822", "name Person 4711 -> Ada New")
    source.approve()
    assert {id_.id for id_ in source.roster.records} == {"8822", *(r.id for r in people(9))}
    assert source.items() == ()
    moved(source)


def test_two_people_may_swap_their_keys() -> None:
    source = Source(record("a", key=OLD), record("b", key=NEW), *people(9))
    entered(source)
    source.push(record("a", key=NEW), record("b", key=OLD))
    source.approve()
    roster = source.roster
    assert (roster.entries[NEW].numbers, roster.entries[OLD].numbers) == (stated((mobile(5),)), None)
    assert roster.aliases == {PersonKey("1"): NEW}


def test_a_key_that_changes_back_leaves_no_circle() -> None:
    source = Source(record("guid", key=OLD), *people(9))
    for key in (NEW, OLD):
        source.push(record("guid", key=key))
        source.approve()
    assert source.roster.aliases == {NEW: OLD}


def test_a_changed_key_rejected_leaves_the_person_as_accepted_but_for_safe_facts() -> None:
    source = Source(record("guid", key=OLD), *people(9))
    source.push(record("guid", key=NEW, dids=(did(1),)))
    source.reject()
    assert source.push(record("guid", key=NEW, dids=(did(2),), ends=day(3))).held == {}
    assert source.accepted("guid") == record("guid", key=OLD, ends=day(3))


def test_a_changed_key_between_two_identifiers_rejected_is_two_people() -> None:
    source = Source(record("4711", dids=(did(1),)), *people(9))
    feed = [record("8822", dids=(did(1),)), *people(9)]
    source.feed(feed)
    source.reject()
    assert source.held == {Category.JOINER: 1, Category.ABSENCE: 1}
    feed[0] = replace(feed[0], department="Planning")
    heard = source.feed(feed)
    assert (heard.accepted, heard.held) == ({}, {Category.JOINER: 1, Category.ABSENCE: 1})
    source.approve([item for item in source.items() if item.category is Category.JOINER])
    assert (source.held, source.state("8822").rejected) == ({Category.ABSENCE: 1}, None)


def test_a_post_given_up_may_be_kept() -> None:
    posts = [record("1", post="a", dids=(did(1),)), record("1", post="b", dids=(did(2),)), *people(9)]
    source = Source(*posts)
    source.recent = {Category.DID_MOVE: 1}
    source.feed([posts[0], *posts[2:]])
    words = ("this post is missing from the feed since 2026-11-22 09:00 UTC", "DIDs +441134960002")
    assert lines(source) == {"did_move:1:b": words}
    source.reject()
    assert (source.items(), source.accepted("1", "b").ends_at) == ((), None)


def test_work_numbers_are_masked_as_well() -> None:
    number = HrNumber("+447700900123", NumberUse.WORK, 30)
    source = holding(record("1"), record("1", numbers=(number,)))
    assert lines(source) == {"number_change:1:": ("default numbers not stated -> +44*******123 (work) 30s",)}


def test_a_first_load_is_approved_in_part() -> None:
    source = Source(loaded=False)
    source.push(*people(3))
    chosen: list[HeldItem] = [item for item in source.items() if item.record.id != "001"]
    source.approve(chosen)
    assert (source.employed(), source.held) == ({"000", "002"}, {Category.JOINER: 1})
    source.reject()
    assert source.held == {}
    assert source.push(record("001", starts=day(9))).held == {Category.JOINER: 1}


@pytest.mark.parametrize("loaded", [True, False])
def test_what_was_left_out_of_an_approval_is_not_let_in_by_the_next_feed(loaded: bool) -> None:
    before = people(100) if loaded else []
    source = Source(*before, loaded=loaded)
    now = [*people(100), *(record(f"new{n}") for n in range(9))]
    source.feed(now)
    source.approve(source.items()[:-2])
    source.apply(RosterChange(sources={"hr": SourceState("hr", loaded=True)}))
    assert source.held == {Category.JOINER: 2}
    heard = source.feed(now)
    assert (heard.accepted, heard.held) == ({}, {Category.JOINER: 2})
    assert source.feed(now[:-1]).held == {Category.JOINER: 1}
