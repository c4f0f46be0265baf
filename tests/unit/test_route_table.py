"""Records as docs/reference/astdb.md has them, whole tables and their differences."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from ringfence.domain.directory import (
    MAX_DEFAULT_NUMBERS,
    DefaultNumber,
    DidAssignment,
    Directory,
    LineKind,
    NotRung,
    Person,
    PersonKey,
    Site,
)
from ringfence.domain.numbers import Did
from ringfence.domain.outage import Decision, Mode
from ringfence.domain.override import OverrideKind
from ringfence.domain.record_text import MAX_RECORD_BYTES, RecordError
from ringfence.domain.records import (
    Forced,
    ModeRecord,
    NodeRecord,
    RouteRecord,
    TableRecord,
    decode_mode,
    decode_node,
    decode_route,
    decode_table,
    encode_egress,
    encode_mode,
    encode_node,
    encode_route,
    encode_table,
)
from ringfence.domain.ring_hours import RingHours
from ringfence.domain.route_plan import Step, StepKind
from ringfence.domain.route_table import (
    TableError,
    all_families,
    bucket_of,
    compile_table,
    did_path,
    diff_family,
    update_table,
)
from ringfence.domain.routing import TrunkFallback
from ringfence.domain.team_records import decode_member, decode_opening, decode_team, is_member
from tests.unit.directories import (
    DID,
    MOBILE,
    RECEPTION,
    TEAMS,
    directories_in_force,
    one_did,
    routing_policy,
)

EXAMPLE = "1|uc|-|voice|0|p:+447700900123:20,s:+441134960000:30,a:unavailable:0|s:+441134960000:30,a:unavailable:0"

numbers = st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True)
names = st.from_regex(r"[A-Za-z0-9][A-Za-z0-9_-]{0,31}", fullmatch=True)
last_steps = st.builds(Step, st.just(StepKind.ANNOUNCEMENT), names, st.just(0))


ring_hours = st.builds(
    RingHours,
    begins=st.integers(0, 719),
    ends=st.integers(720, 1440),
    zone=st.sampled_from(["UTC", "Europe/London", "Etc/GMT+11"]),
    days=st.frozensets(st.integers(1, 7), min_size=1),
)


def steps(*kinds: StepKind) -> st.SearchStrategy[tuple[Step, ...]]:
    dialled = st.builds(Step, st.sampled_from(kinds), numbers, st.integers(5, 120), st.none() | ring_hours)
    return st.tuples(st.lists(dialled, max_size=7).map(tuple), last_steps).map(lambda pair: (*pair[0], pair[1]))


route_records = st.builds(
    RouteRecord,
    scope=names,
    kind=st.sampled_from(LineKind),
    critical=st.booleans(),
    plan=steps(StepKind.PERSON, StepKind.SITE),
    undeliverable=steps(StepKind.SITE),
    forced=st.sampled_from(Forced),
)


def mode_records() -> Iterator[ModeRecord]:
    for decision in Decision:
        for mode in Mode:
            for override in (None, *OverrideKind):
                yield ModeRecord(decision, 5 if decision is Decision.TRIAL else 0, mode, override, 1_780_000_000)


READERS: dict[str, Callable[[str], object]] = {
    "did": decode_route,
    "team": decode_team,
    "member": decode_member,
    "site": decode_opening,
}


def test_the_documented_example() -> None:
    assert compile_table(one_did(), routing_policy()) == {did_path(DID): EXAMPLE}


@given(route_records)
def test_a_record_survives_the_round_trip(record: RouteRecord) -> None:
    text = encode_route(record)
    assert len(text.encode()) <= MAX_RECORD_BYTES
    assert decode_route(text) == record


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", "schema version"),
        ("2" + EXAMPLE[1:], "schema version"),
        ("1|uc|-|voice|0|a:x:0", "5 fields"),
        (EXAMPLE + "|", "7 fields"),
        (EXAMPLE.replace("|uc|", "||"), "scope"),
        (EXAMPLE.replace("|-|", "|maybe|"), "forced mode"),
        (EXAMPLE.replace("voice", "Voice"), "line kind"),
        (EXAMPLE.replace("|0|", "|2|"), "critical"),
        (EXAMPLE.replace("p:", "q:"), "step type"),
        (EXAMPLE.replace("+4477", "4477"), "E.164"),
        (EXAMPLE.replace(":20", ":4"), "ring_seconds"),
        (EXAMPLE.replace(":20", ":121"), "ring_seconds"),
        (EXAMPLE.replace(":20", ":²0"), "whole number"),
        (EXAMPLE.replace("a:unavailable:0", "a:../etc/passwd:0"), "announcement"),
        (EXAMPLE.replace(",a:unavailable:0", ""), "end in an announcement"),
        (EXAMPLE.replace("|s:+44", "|p:+44"), "private number"),
        (EXAMPLE.replace("p:", "p:+447700900124:5," * 8 + "p:"), "at most 8"),
        (EXAMPLE.replace("20,", "20,,"), "type:target:ring_seconds"),
        (EXAMPLE.replace(":20", ":20:"), "begins~ends~days~zone"),
        (EXAMPLE.replace(":20", ":20:0800~2000~8~UTC"), "begins~ends~days~zone"),
        (EXAMPLE.replace(":20", ":20:0800~0800~1~UTC"), "no span"),
        (EXAMPLE.replace(":20", ":20:2500~0800~1~UTC"), "no span"),
        (EXAMPLE.replace("unavailable:0", "unavailable:0:0800~2000~1~UTC"), "only a number step has hours"),
        ("1|" + "x" * 1000, "900 bytes"),
        ("\ud800", "schema version"),
    ],
)
def test_an_unreadable_record_is_named(text: str, words: str) -> None:
    with pytest.raises(RecordError, match=words):
        decode_route(text)


@given(st.text() | st.text(alphabet="1|:,-apsuc+0123456789").map(lambda text: "1|uc|-|voice|0|" + text))
def test_decoding_is_total(text: str) -> None:
    for decode in (decode_route, decode_mode, decode_table, decode_node):
        try:
            decode(text)
        except RecordError as error:
            assert str(error)


@pytest.mark.parametrize("record", list(mode_records()))
def test_mode_round_trip(record: ModeRecord) -> None:
    assert decode_mode(encode_mode(record)) == record


def test_the_small_records() -> None:
    mode = ModeRecord(Decision.DIVERT, 0, Mode.FAILED_OVER, None, 1_780_000_000)
    assert encode_mode(mode) == "1|divert|0|FAILED_OVER|-|1780000000"
    assert [encode_egress(True), encode_egress(False)] == ["1|up", "1|down"]
    table = TableRecord(7, 1_780_000_000, 240)
    assert encode_table(table) == "1|7|1780000000|240"
    assert decode_table("1|7|1780000000|240") == table
    node = NodeRecord("n1", "box|one, Leeds\n", 1_780_000_000)
    assert decode_node(encode_node(node)) == NodeRecord("n1", "boxone Leeds", 1_780_000_000)
    with pytest.raises(RecordError, match="one_in"):
        decode_mode("1|trial|0|TRIAL|-|1")


def test_the_longest_record_fits() -> None:
    hours = RingHours(1, 1439, "x" * 40)
    numbers = tuple(DefaultNumber(f"+44113{n}" + "0" * 9, 10, hours) for n in range(5))
    long_name = "/".join(("x" * 32,) * 3)
    directory = Directory.of(
        [Person(PersonKey("p"), "P", "S", numbers)],
        [DidAssignment(DID, PersonKey("p"), "S", "s" * 32, LineKind.SAFEGUARDING)],
        [Site("S", "+441134960000", long_name)],
    )
    record = compile_table(directory, routing_policy())[did_path(DID)]
    longest = RouteRecord(
        "s" * 32,
        LineKind.SAFEGUARDING,
        True,
        (Step(StepKind.PERSON, "+" + "1" * 15, 120, hours),) * MAX_DEFAULT_NUMBERS
        + (Step(StepKind.SITE, "+" + "1" * 15, 120), Step(StepKind.ANNOUNCEMENT, long_name, 0)),
        (Step(StepKind.SITE, "+" + "1" * 15, 120), Step(StepKind.ANNOUNCEMENT, long_name, 0)),
        Forced.DIVERT,
    )
    assert len(record) < len(encode_route(longest)) <= MAX_RECORD_BYTES


@pytest.mark.parametrize(
    ("did", "bucket"),
    [("+441134960000", 0), ("+441134960123", 123), ("+441134960500", 0), ("+441134960999", 499)],
)
def test_buckets_as_the_dialplan_computes_them(did: str, bucket: int) -> None:
    assert bucket_of(did) == bucket == int("1" + did[-3:]) % 500


def many(count: int, step: int = 1) -> Directory:
    dids = (DidAssignment(Did(f"+44113{n * step:07d}"), None, "S", "uc") for n in range(count))
    return Directory.of([], dids, [Site("S")])


def test_a_bucket_that_could_not_be_read_back_is_refused() -> None:
    with pytest.raises(TableError, match="did/0 would hold 501"):
        compile_table(many(501, step=500), routing_policy())
    full = compile_table(many(500, step=500), routing_policy())
    assert (full.did_count, len(full.bucket(0)), len(full.bucket(1))) == (500, 500, 0)


def test_fallbacks_and_forced_modes_are_part_of_the_table() -> None:
    table = compile_table(
        one_did(), routing_policy(), {DID: Forced.DIVERT}, [TrunkFallback("carrier", "uc", RECEPTION)]
    )
    assert decode_route(table[did_path(DID)]).forced is Forced.DIVERT
    fallback = decode_route(table["fallback/carrier"])
    assert fallback.plan == fallback.undeliverable
    assert (len(table), table.did_count) == (2, 1)
    assert set(table) == {path for family in all_families() for path in table.family(family)}
    assert "+4477" not in repr(table)


@given(directories_in_force(), directories_in_force())
def test_an_update_equals_a_compilation(before: Directory, after: Directory) -> None:
    policy = routing_policy()
    fallbacks = [TrunkFallback("carrier", "uc", "+441134960001")]
    old = compile_table(before, policy, {}, fallbacks)
    new = compile_table(after, policy, {}, fallbacks)
    updated, change = update_table(old, before, after, policy, {}, fallbacks)
    assert updated == new
    assert old.patched(change) == new
    assert dict(change.puts) == dict(diff_family(old, new).puts)
    assert set(change.deletes) == set(diff_family(old, new).deletes)
    assert not diff_family(new, updated)


@given(directories_in_force(), st.data())
def test_an_update_with_one_change_equals_a_compilation(before: Directory, data: st.DataObject) -> None:
    """Two directories at random differ in everything; here one person or one DID does, so that whoever depends on it
    has to be found."""
    assume(before.people and before.assignments)
    people, assignments = dict(before.people), dict(before.assignments)
    what = data.draw(st.sampled_from(["a number", "a team", "a hold"]))
    key = data.draw(st.sampled_from(sorted(people)))
    if what == "a number":
        people[key] = replace(people[key], default_numbers=(DefaultNumber(MOBILE),), deputy=None)
    elif what == "a team":
        people[key] = replace(people[key], team=data.draw(st.sampled_from(["", *TEAMS])))
    else:
        did = data.draw(st.sampled_from(sorted(assignments)))
        assignments[did] = replace(assignments[did], hold=NotRung.QUARANTINE)
    after = Directory.of(people.values(), assignments.values(), before.sites.values(), before.teams.values())
    policy = routing_policy()
    updated, _ = update_table(compile_table(before, policy), before, after, policy)
    assert updated == compile_table(after, policy)


@pytest.mark.parametrize("number", [MOBILE, RECEPTION])
def test_a_number_that_becomes_an_own_did_leaves_the_plans_that_used_it(number: str) -> None:
    """Neither the person nor the site changed, only what their number now is; and back again."""
    before, policy = one_did(), routing_policy()
    new_did = DidAssignment(Did(number), None, "Leeds", "uc", LineKind.FAX)
    after = Directory.of(before.people.values(), [*before.assignments.values(), new_did], before.sites.values())
    tables = {False: compile_table(before, policy), True: compile_table(after, policy)}
    assert number in tables[False][did_path(DID)]
    assert number not in tables[True][did_path(DID)]
    assert update_table(tables[False], before, after, policy)[0] == tables[True]
    assert update_table(tables[True], after, before, policy)[0] == tables[False]


@given(directories_in_force())
def test_every_record_can_be_read(directory: Directory) -> None:
    table = compile_table(directory, routing_policy())
    assert table.did_count == len(directory.assignments)
    for path, value in table.items():
        assert len(value.encode()) <= MAX_RECORD_BYTES
        READERS[path.partition("/")[0] if not is_member(path) else "member"](value)


def test_a_family_read_back_is_compared() -> None:
    wanted = compile_table(one_did(), routing_policy()).bucket(123)
    stray = {"did/123/+441134960623": "1|old"}
    change = diff_family(stray, wanted)
    assert (dict(change.puts), change.deletes) == (dict(wanted), tuple(stray))
    assert not diff_family(wanted, wanted)
    assert diff_family({}, wanted).puts == wanted
