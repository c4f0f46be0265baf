"""What holds of the guard whatever is said, in whatever order and pieces. `Source` compares its index after each step
with a fresh one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from ringfence.domain.directory import PersonKey
from ringfence.domain.hr.employment import ends_at, is_over
from ringfence.domain.hr.guard import Category
from ringfence.domain.hr.record import DETAIL_FIELDS, HrRecord, RecordId
from ringfence.domain.hr.roster import RecordState, SourceState
from tests.unit.guarded import NOW, Source, day, did, mobile

EXAMPLES = 20  # of each; a change of the rules deserves 500 once
DAYS = (-3, -1, 0, 1, 5)
MOMENTS = tuple(NOW + timedelta(days=days) for days in range(-4, 9))


def zones(site: str | None) -> str:
    return "America/New_York" if site == "Boston" else "Europe/London"


@st.composite
def records(draw: st.DrawFn) -> HrRecord:
    """One of a few people with one of a few of everything, so that facts meet."""
    id_ = draw(st.sampled_from("abcdefg"))
    days = st.none() | st.sampled_from([day(offset) for offset in DAYS])
    return HrRecord(
        id_,
        PersonKey(draw(st.sampled_from([id_, id_, id_, id_, "h", "a"]))),
        draw(st.sampled_from(["", "", "", "p"])),
        site=draw(st.sampled_from(["Leeds", "Leeds", "Boston"])),
        department=draw(st.sampled_from([None, "Housing"])),
        email=draw(st.sampled_from([None, None, "x@example.org"])),
        dids=draw(st.sampled_from([None, (), (did(1),), (did(1), did(2)), (did(2), did(1))])),
        numbers=draw(st.sampled_from([None, (), (mobile(1),)])),
        active=draw(st.sampled_from([None, None, True, False])),
        starts=draw(days),
        ends=draw(days),
        ends_at=draw(st.sampled_from([None, None, None, NOW, NOW + timedelta(hours=30)])),
    )


batches = st.lists(records(), max_size=9, unique_by=lambda r: (r.id, r.post))
steps = st.lists(
    st.tuples(
        st.sampled_from(["push", "feed", "feed", "gone", "approve", "reject", "some", "wait"]),
        batches,
    ),
    max_size=6,
)
histories = st.builds(lambda rows, taken, loaded: (rows, taken, loaded), batches, steps, st.booleans())
History = tuple[Sequence[HrRecord], Sequence[tuple[str, Sequence[HrRecord]]], bool]


def lived(history: History) -> Source:
    """A source with some past: said, held, decided."""
    first, taken, loaded = history
    source = Source(*[r for r in first if not is_over(r, NOW, zones(r.site), NOW)], zones=zones)
    source.roster.sources["hr"] = SourceState("hr", loaded=loaded)
    for what, said in taken:
        match what:
            case "push":
                source.push(*said)
            case "feed" if said:
                source.feed(said)
            case "gone":
                source.push(gone={r.id for r in said[:1]})
            case "approve":
                source.approve()
            case "reject":
                source.reject()
            case "some":
                source.approve(source.items()[::2])
            case "wait":
                source.now += timedelta(hours=20)
    return source


def again(source: Source) -> Source:
    """The same source once more."""
    twin = Source(zones=zones)
    twin.roster, twin.now = source.roster.copy(), source.now
    twin.index = twin.fresh_index()
    return twin


def going_on(source: Source) -> dict[RecordId, RecordState]:
    """The records of those who have not left: of one that is over it depends on the order whether it is still known."""
    return {
        id_: state
        for id_, state in source.roster.records.items()
        if not is_over(state.said, state.inactive_since, zones(state.said.site), source.now)
    }


def employed(source: Source) -> dict[datetime, set[str]]:
    return {moment: source.employed(moment) for moment in MOMENTS if moment >= source.now}


@settings(deadline=None, max_examples=EXAMPLES)
@given(histories, batches, st.booleans(), st.randoms(use_true_random=False))
def test_the_order_of_records_does_not_matter(history: History, said: list[HrRecord], complete: bool, luck) -> None:  # type: ignore[no-untyped-def]
    one = lived(history)
    other = again(one)
    mixed = list(said)
    luck.shuffle(mixed)
    first, second = (s.feed(r) if complete else s.push(*r) for s, r in ((one, said), (other, mixed)))
    assert first == second
    assert one.roster == other.roster


@settings(deadline=None, max_examples=EXAMPLES)
@given(histories, batches, st.integers(0, 9), st.integers(0, 9))
def test_a_push_in_pieces_ends_the_same_once_all_is_approved(
    history: History, said: list[HrRecord], cut: int, cut_again: int
) -> None:
    one = lived(history)
    other = again(one)
    one.push(*said)
    for piece in (said[:cut], said[cut : cut + cut_again], said[cut + cut_again :]):
        other.push(*piece)
    for source in (one, other):
        while source.items():
            source.approve()
    assert going_on(one) == going_on(other)


@settings(deadline=None, max_examples=EXAMPLES)
@given(histories, batches, st.booleans())
def test_an_explicit_end_is_always_accepted(history: History, said: list[HrRecord], complete: bool) -> None:
    source = lived(history)
    if complete:
        source.feed(said)
    else:
        source.push(*said)
    for spoken in said:
        if spoken.id not in source.index.posts:  # of long ago, and another record of the same key employs
            assert any(state.key == spoken.key for state in source.roster.records.values())
            continue
        state = source.state(spoken.id, spoken.post)
        if state.accepted is None:
            continue
        zone = zones(state.accepted.site)
        end = ends_at(spoken, state.inactive_since, zone)
        if end is not None:
            known = ends_at(state.accepted, state.inactive_since, zone)
            assert known is not None and (known <= end or known <= source.now)


@settings(deadline=None, max_examples=EXAMPLES)
@given(histories, batches, st.booleans())
def test_in_a_first_load_only_safe_facts_are_accepted(history: History, said: list[HrRecord], complete: bool) -> None:
    source = lived(history)
    source.roster.sources["hr"] = SourceState("hr", loaded=False)
    ringing, before = employed(source), dict(source.roster.records)
    assert not (source.feed(said) if complete else source.push(*said)).accepted
    for moment, people in employed(source).items():
        assert people <= ringing[moment]
    for id_, state in source.roster.records.items():
        old = before[id_].accepted if id_ in before else None
        if state.accepted != old and not _is_over(state, source.now):
            assert state.accepted is not None and old is not None
            assert [getattr(state.accepted, name) for name in ("key", "numbers", *DETAIL_FIELDS)] == [
                getattr(old, name) for name in ("key", "numbers", *DETAIL_FIELDS)
            ]
            assert state.accepted.dids == old.dids or set(state.accepted.dids or ()) == set(old.dids or ())


@settings(deadline=None, max_examples=EXAMPLES)
@given(histories, batches, st.booleans())
def test_saying_the_same_twice_changes_nothing(history: History, said: list[HrRecord], complete: bool) -> None:
    source = lived(history)
    source.zones = lambda _site: "Europe/London"  # a site that is let through may move midnight
    source.index = source.fresh_index()
    hear = (lambda: source.feed(said)) if complete else (lambda: source.push(*said))
    hear()
    records_before = dict(source.roster.records)
    heard = hear()
    assert not heard.change and heard.accepted == {} and heard.leavers == 0
    source.now += timedelta(seconds=1)
    hear()
    assert source.roster.records == records_before


@settings(deadline=None, max_examples=EXAMPLES)
@given(histories, st.integers(0, 9), st.sampled_from([None, "Planning"]))
def test_a_feed_cut_anywhere_ends_nobody(history: History, cut: int, department: str | None) -> None:
    source = lived(history)
    known = [state.accepted for state in source.roster.records.values() if state.accepted is not None]
    ringing = employed(source)
    heard = source.feed([replace(r, department=department) for r in known[:cut]])
    assert heard.leavers == 0
    assert employed(source) == ringing or heard.accepted.keys() & {Category.TERM, Category.RETURN, Category.JOINER}
    for moment, people in ringing.items():
        assert people <= source.employed(moment)


@settings(deadline=None, max_examples=EXAMPLES)
@given(histories)
def test_when_all_is_approved_nothing_is_held_and_what_is_said_is_accepted(history: History) -> None:
    source = lived(history)
    while source.items():
        source.approve()
    for state in source.roster.records.values():
        if state.rejected is None and state.absent_since is None and not _is_over(state, source.now):
            assert state.accepted is state.said


def _is_over(state: RecordState, now: datetime) -> bool:
    record = state.accepted or state.said
    return is_over(record, state.inactive_since, zones(record.site), now)
