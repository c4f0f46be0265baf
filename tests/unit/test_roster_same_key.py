"""A key that another record of the same source has, or had: held, whatever the guard says."""

from __future__ import annotations

from ringfence.domain.directory import PersonKey
from ringfence.domain.hr.guard import Category
from ringfence.domain.hr.roster import RosterChange
from ringfence.domain.hr.standing import Employment, employment_of, post_of
from tests.unit.guarded import DAY, Source, day, did, mobile, people, record

HELD = {Category.SAME_KEY: 1}


def employment(source: Source, key: str) -> Employment:
    states = [state for state in source.roster.records.values() if state.key == key]
    return employment_of([post_of("hr", state, "Europe/London") for state in states], None, source.now)


def test_a_joiner_with_the_key_of_another_record_is_held_and_either_end_ends_the_person() -> None:
    source = Source(record("guid-1", key="E1", name="Ada"), *people(30))
    assert source.push(record("guid-2", key="E1", name="Bob")).held == HELD
    (item,) = source.items()
    assert item.lines[:2] == (
        "key E1: Ada, record guid-1, has it too",
        "if this is somebody else: `ringfence person forget E1` first, or give them another key",
    )
    assert employment(source, "E1").employed
    source.approve()
    assert (source.items(), employment(source, "E1").employed) == ((), True)
    assert source.push(record("guid-1", key="E1", name="Ada", active=False)).held == HELD
    assert employment(source, "E1").left


def test_the_one_who_goes_on_by_another_record_is_approved_without_the_ended_one() -> None:
    source = Source(record("guid-1", key="E1"), record("guid-2", key="E1"), *people(30))
    ended = record("guid-1", key="E1", active=False)
    source.push(ended)
    source.approve()
    assert employment(source, "E1").employed
    assert {id_.id for id_ in source.roster.records} == {"guid-2", *(r.id for r in people(30))}
    assert not source.push(ended).change, "an account of long ago ends nothing"
    source.push(record("guid-2", key="E1", active=False))
    assert employment(source, "E1").left


def test_whoever_goes_on_by_another_record_has_left_when_that_is_rejected() -> None:
    source = Source(record("guid-1", key="E1", ends=day(3)), record("guid-2", key="E1"), *people(30))
    source.now += 5 * DAY
    assert source.push().held == HELD
    source.reject()
    assert (source.items(), employment(source, "E1").left) == ((), True)
    assert source.push(record("guid-2", key="E1", department="Planning")).held == {}


def test_two_joiners_with_one_key_are_both_held() -> None:
    source = Source(*people(100))
    assert source.push(record("a", key="E1"), record("b", key="E1")).held == {Category.SAME_KEY: 2}
    assert source.push(record("b", key="E2")).accepted == {Category.JOINER: 2}, "each has a key of their own"


def test_an_old_key_given_to_somebody_new_is_held_and_theirs_once_approved() -> None:
    source = Source(record("jjones"), *people(30))
    source.apply(RosterChange(aliases={PersonKey("jsmith"): PersonKey("jjones")}))
    assert source.push(record("jsmith", name="John")).held == HELD
    assert source.items()[0].lines[0] == "key jsmith was the key of the one whose key is jjones now"
    source.approve()
    assert (source.roster.aliases, source.accepted("jsmith").name) == ({}, "John")


def test_a_source_that_has_not_heard_of_the_new_key_yet_leaves_the_old_one_old() -> None:
    source = Source(*people(30))
    source.apply(RosterChange(aliases={PersonKey("jsmith"): PersonKey("jjones")}))
    assert source.push(record("guid", key="jsmith")).held == HELD
    source.approve()
    assert source.roster.aliases == {"jsmith": "jjones"}


def test_a_return_with_another_name_and_other_numbers_is_held_and_with_the_same_name_is_a_return() -> None:
    left = record("jsmith", name="Jane", email="jane@example.org", numbers=(mobile(1),), ends=day(-9))
    for name, held in (("Jane", {}), ("John", HELD)):
        source = Source(left, *people(30))
        back = record("jsmith", name=name, email="j2@example.org", numbers=(mobile(2),), dids=(did(1),))
        assert source.push(back).held == held
        source.approve()
        assert source.accepted("jsmith") == back


def test_another_post_of_the_ended_one_with_a_key_of_its_own_stays() -> None:
    source = Source(record("guid-1", key="E1"), record("guid-2", key="E1"), *people(30))
    source.push(record("guid-1", key="E1", active=False), record("guid-1", key="E2", post="night porter"))
    assert source.held == HELD
    source.approve()
    assert source.accepted("guid-1", "night porter").key == "E2"
    assert {(id_.id, id_.post) for id_ in source.roster.records if id_.id == "guid-1"} == {("guid-1", "night porter")}
