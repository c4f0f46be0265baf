"""Team lines in plans and in the table: who is rung, in which order, and what stands beside them."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.domain.directory import DefaultNumber, DidAssignment, Directory, LineKind, Person, PersonKey, Site
from ringfence.domain.numbers import Did, NumberKind
from ringfence.domain.press_one import PressOne
from ringfence.domain.record_text import MAX_RECORD_BYTES, RecordError
from ringfence.domain.records import Forced, RouteRecord, encode_route
from ringfence.domain.ring_hours import RingHours
from ringfence.domain.route_plan import Omission, RoutePlan, Step, StepKind
from ringfence.domain.route_table import compile_table, did_path, diff_family, update_table
from ringfence.domain.routing import plan_for
from ringfence.domain.routing_policy import RoutingPolicy
from ringfence.domain.routing_team import TeamLines
from ringfence.domain.team import MAX_MEMBERS, Strategy, Team, record_id
from ringfence.domain.team_records import (
    OpeningRecord,
    TeamRecord,
    decode_member,
    decode_opening,
    decode_team,
    encode_member,
    encode_opening,
    encode_team,
    member_path,
    site_path,
    team_path,
    team_target,
)
from tests.unit.directories import DID, MOBILE, RECEPTION, SATURDAY, SECOND_MOBILE, WEEK, asking_policy, routing_policy

THIRD_MOBILE = "+447700900125"
BACKSTOP = "+441134960001"
NIGHTS = "+441134960002"
DIVERTED = "+441134960003"
TEAM = f"t:{team_target('Sales')}"
SITE, LAST = f"s:{RECEPTION}:30", "a:unavailable:0"
BOX = "600@ringfence"


def person(key: str, *numbers: str, team: str = "Sales") -> Person:
    return Person(PersonKey(key), key.title(), "Leeds", tuple(map(DefaultNumber, numbers)), team=team)


def sales(
    line: Team | None = None,
    people: tuple[Person, ...] = (person("bo", SECOND_MOBILE), person("ada", MOBILE)),
    site: Site | None = None,
    **did: object,
) -> Directory:
    """A line of the team Sales, of which Ada and Bo are."""
    item = replace(DidAssignment(DID, None, "Leeds", "uc", team="Sales"), **did)  # type: ignore[arg-type]
    return Directory.of(people, [item], [site or Site("Leeds", RECEPTION)], [line or Team("Sales", "Leeds")])


def planned(directory: Directory, policy: RoutingPolicy | None = None) -> RoutePlan:
    return plan_for(directory.assignments[DID], directory, policy or routing_policy())


def words(steps: tuple[Step, ...]) -> list[str]:
    return [f"{step.kind}:{step.target}:{step.ring_seconds}" for step in steps]


def plans(directory: Directory, policy: RoutingPolicy | None = None) -> tuple[list[str], list[str]]:
    compiled = planned(directory, policy)
    return words(tuple(item.step for item in compiled.plan)), words(tuple(item.step for item in compiled.undeliverable))


def test_a_team_has_what_the_site_leaves_of_the_ring_budget() -> None:
    assert plans(sales()) == ([f"{TEAM}:60", SITE, LAST], [SITE, LAST])
    assert not planned(sales()).left_out, "a team's line needs no owner"


def test_the_owner_is_rung_before_the_team_which_keeps_one_attempt() -> None:
    owner = person("cy", "+447700900126", "+447700900127", "+447700900128", team="")
    directory = sales(Team("Sales", "Leeds", ring_seconds=25), (owner, person("ada", MOBILE)), owner=owner.key)
    assert plans(directory)[0] == ["p:+447700900126:20", f"{TEAM}:40", SITE, LAST]
    assert [item.omission for item in planned(directory).left_out] == [Omission.RING_BUDGET_SPENT] * 2


def test_the_teams_backstop_takes_over_instead_of_the_site() -> None:
    directory = sales(Team("Sales", "Leeds", backstop_number=BACKSTOP))
    assert plans(directory)[0] == [f"{TEAM}:60", f"s:{BACKSTOP}:30", LAST]
    assert plans(directory)[1] == [f"s:{BACKSTOP}:30", LAST]


def test_below_its_floor_a_team_is_passed_over() -> None:
    directory = sales(Team("Sales", "Leeds", floor=3, backstop_number=BACKSTOP))
    assert plans(directory)[0] == [f"s:{BACKSTOP}:30", LAST]
    (told,) = planned(directory).left_out
    assert (told.target, told.omission) == ("Sales", Omission.TEAM_BELOW_FLOOR)
    enough = sales(Team("Sales", "Leeds", floor=2))
    assert plans(enough)[0][0] == f"{TEAM}:60"


def test_opening_hours_are_asked_before_anybody_is_rung_and_voicemail_comes_last() -> None:
    site = Site("Leeds", RECEPTION, opening=(WEEK,), voicemail=BOX)
    opening = f"o:{record_id('Leeds')}:0"
    assert plans(sales(site=site)) == (
        [opening, f"{TEAM}:60", SITE, f"v:{BOX}:0", LAST],
        [opening, SITE, f"v:{BOX}:0", LAST],
    )
    assert plans(sales(site=site, team="")) == ([SITE, f"v:{BOX}:0", LAST],) * 2, "a person's line has no opening hours"


@pytest.mark.parametrize("kind", [LineKind.LIFT, LineKind.TELECARE, LineKind.DOOR])
def test_whoever_is_in_a_lift_reaches_a_place_at_any_hour_and_no_voicemail(kind: LineKind) -> None:
    site = Site("Leeds", RECEPTION, opening=(WEEK,), voicemail=BOX)
    assert plans(sales(site=site, kind=kind))[0] == [SITE, LAST]
    backstop = Team("Sales", "Leeds", backstop_number=BACKSTOP)
    assert plans(sales(backstop, site=site, kind=kind))[0] == [f"s:{BACKSTOP}:30", LAST]


def test_a_switchboards_team_is_its_place_and_comes_before_the_owner() -> None:
    owner = person("cy", THIRD_MOBILE, team="")
    people = (owner, person("ada", MOBILE))
    directory = sales(people=people, kind=LineKind.SWITCHBOARD, owner=owner.key)
    assert plans(directory)[0] == [f"{TEAM}:40", SITE, f"p:{THIRD_MOBILE}:20", LAST]


def test_a_machine_never_reaches_a_team() -> None:
    assert plans(sales(kind=LineKind.FAX, site=Site("Leeds", RECEPTION, voicemail=BOX)))[0] == [LAST]


@pytest.mark.parametrize("kind", LineKind)
def test_a_number_of_its_own_comes_first_whatever_the_line_kind(kind: LineKind) -> None:
    site = Site("Leeds", RECEPTION, opening=(WEEK,))
    for team in ("", "Sales"):
        plan, undeliverable = plans(sales(kind=kind, divert_number=DIVERTED, team=team, site=site))
        assert plan[0] == undeliverable[0] == f"s:{DIVERTED}:30"


def test_two_places_share_a_short_budget() -> None:
    policy = replace(routing_policy(40), site_ring_seconds=30)
    assert plans(sales(divert_number=DIVERTED), policy)[0] == [f"s:{DIVERTED}:20", f"s:{RECEPTION}:20", LAST]
    told = planned(sales(divert_number=DIVERTED), policy).left_out
    assert [item.omission for item in told] == [Omission.RING_BUDGET_SPENT]


def test_members_are_those_hr_has_in_the_team_by_key_or_those_listed_in_their_order() -> None:
    people = (person("bo", SECOND_MOBILE), person("ada", MOBILE), person("cy", THIRD_MOBILE, team="Ward"))
    everybody = TeamLines(sales(people=people), routing_policy()).line("Sales")
    assert [member.person.key for member in everybody.members] == ["ada", "bo"]
    listed = Team("Sales", "Leeds", members=(PersonKey("cy"), PersonKey("bo")))
    assert [m.person.key for m in TeamLines(sales(listed, people), routing_policy()).line("Sales").members] == [
        "cy",
        "bo",
    ]


def test_a_member_who_cannot_be_rung_has_no_slot_and_no_deputy_rings_instead() -> None:
    refused, away = person("ada", "+448451234567"), replace(person("cy"), deputy=PersonKey("dee"))
    people = (refused, person("bo", str(DID), SECOND_MOBILE), away, person("dee", THIRD_MOBILE, team=""))
    directory = sales(people=people)
    table = compile_table(directory, routing_policy())
    slot = record_id("bo")
    assert decode_team(table[team_path("Sales")]) == TeamRecord(Strategy.ALL, 20, 0, 10, 1, (slot,))
    assert decode_member(table[member_path("Sales", slot)]) == (Step(StepKind.PERSON, SECOND_MOBILE, 20),)
    assert THIRD_MOBILE not in "".join(table.values())


def test_a_number_that_two_members_share_is_rung_once() -> None:
    line = TeamLines(sales(people=(person("ada", MOBILE), person("bo", MOBILE))), routing_policy()).line("Sales")
    assert [len(member.steps) for member in line.members] == [1, 0]
    assert line.reachable == 1


def test_of_a_very_large_team_the_first_sixty_are_rung() -> None:
    people = tuple(person(f"p{n:03}", f"+4477009{n:05}") for n in range(70))
    line = TeamLines(sales(people=people), routing_policy()).line("Sales")
    assert (len(line.members), line.left_off) == (MAX_MEMBERS, 10)
    assert len(decode_team(compile_table(sales(people=people), routing_policy())[team_path("Sales")]).slots) == 60


def test_a_closed_site_has_a_plan_of_its_own() -> None:
    site = Site(
        "Leeds", RECEPTION, "unavailable", None, (WEEK, SATURDAY), (date(2026, 12, 25),), NIGHTS, "night/closed", BOX
    )
    record = decode_opening(compile_table(sales(site=site), routing_policy())[site_path("Leeds")])
    assert (record.spans, record.holidays) == ((WEEK, SATURDAY), (date(2026, 12, 25),))
    assert words(record.plan) == [f"s:{NIGHTS}:30", f"v:{BOX}:0", "a:night/closed:0"]
    quiet = replace(site, out_of_hours_number=str(DID), out_of_hours_announcement="", voicemail="")
    record = decode_opening(compile_table(sales(site=quiet), routing_policy())[site_path("Leeds")])
    assert words(record.plan) == [LAST]
    assert site_path("Leeds") not in compile_table(sales(), routing_policy())


def test_who_answers_a_private_number_has_to_press_1_and_who_answers_a_place_has_not() -> None:
    directory = sales(people=(person("ada", MOBILE),), owner=PersonKey("ada"))
    table = compile_table(directory, asking_policy())
    assert f"p:{MOBILE}:20::1" in table[did_path(DID)]
    assert table[did_path(DID)].count(f"{SITE},") == 2
    assert table[member_path("Sales", record_id("ada"))] == f"1|p:{MOBILE}:20::1"


@pytest.mark.parametrize(
    ("e164", "kinds", "own_word", "asks"),
    [
        ("+447911123456", {NumberKind.MOBILE}, None, True),
        ("+442079460123", {NumberKind.MOBILE}, None, False),
        ("+442079460123", {NumberKind.MOBILE}, True, True),
        ("+447911123456", {NumberKind.MOBILE}, False, False),
        ("+447911123456", set(), None, False),
        ("+44999", {NumberKind.MOBILE}, None, True),
    ],
)
def test_a_numbers_own_word_beats_that_about_its_kind(
    e164: str, kinds: set[NumberKind], own_word: bool | None, asks: bool
) -> None:
    assert PressOne(frozenset(kinds)).asks(DefaultNumber(e164, press_one=own_word)) is asks


def test_a_leaver_changes_the_teams_rows_alone_and_the_member_goes_last() -> None:
    filler = [DidAssignment(Did(f"+44113497{n:04d}"), None, "Leeds", "uc") for n in range(200)]
    before = sales()
    before = replace(before, assignments={**before.assignments, **{item.did: item for item in filler}})
    after = replace(before, people={key: who for key, who in before.people.items() if key != "bo"})
    table = compile_table(before, routing_policy())
    updated, change = update_table(table, before, after, routing_policy())
    assert (list(change.puts), list(change.deletes)) == (
        [team_path("Sales")],
        [member_path("Sales", record_id("bo"))],
    )
    assert updated == compile_table(after, routing_policy())
    back = update_table(updated, after, before, routing_policy())[1]
    assert list(back.puts) == [member_path("Sales", record_id("bo")), team_path("Sales")], "members before heads"


@pytest.mark.parametrize("number", [BACKSTOP, DIVERTED, NIGHTS, MOBILE])
def test_an_update_finds_the_lines_that_a_new_did_of_ours_changes(number: str) -> None:
    """Nothing of them changed but what one of their numbers is."""
    site = Site("Leeds", RECEPTION, opening=(WEEK,), out_of_hours_number=NIGHTS)
    team = Team("Sales", "Leeds", floor=2, backstop_number=BACKSTOP)
    before = sales(team, site=site, divert_number=DIVERTED)
    new = DidAssignment(Did(number), None, "Leeds", "uc")
    after = replace(before, assignments={**before.assignments, new.did: new})
    for first, second in ((before, after), (after, before)):
        table = compile_table(first, routing_policy())
        assert update_table(table, first, second, routing_policy())[0] == compile_table(second, routing_policy())


def test_an_update_finds_the_lines_of_a_team_that_falls_below_its_floor() -> None:
    before = sales(Team("Sales", "Leeds", floor=2))
    for gone in (
        replace(before, people={key: who for key, who in before.people.items() if key != "bo"}),
        replace(before, people={**before.people, PersonKey("bo"): person("bo", SECOND_MOBILE, team="Ward")}),
        replace(before, people={**before.people, PersonKey("bo"): person("bo")}),
    ):
        updated, change = update_table(compile_table(before, routing_policy()), before, gone, routing_policy())
        assert did_path(DID) in change.puts
        assert updated == compile_table(gone, routing_policy())


def test_a_piece_is_written_members_first_and_a_whole_team_goes_head_first() -> None:
    table = compile_table(sales(), routing_policy())
    family = team_path("Sales").rpartition("/")[0]
    wanted, head = table.family(family), team_path("Sales")
    change = diff_family({head: "1|all|20|0|10|1|"}, dict(sorted(wanted.items())))
    assert list(change.puts)[-1] == head
    assert len(change.puts) == 3
    assert diff_family(dict(sorted(wanted.items(), reverse=True)), {}).deletes[0] == head


def test_the_longest_records_fit() -> None:
    hours = RingHours(1, 1439, "x" * 40)
    name, box, number = "/".join(("x" * 32,) * 3), "1" * 15 + "@" + "x" * 32, "+" + "1" * 15
    last = (Step(StepKind.VOICEMAIL, box, 0), Step(StepKind.ANNOUNCEMENT, name, 0))
    places = (Step(StepKind.SITE, number, 120),)
    private = (Step(StepKind.PERSON, number, 120, hours, press_one=True),) * 5
    longest = RouteRecord(
        "s" * 32, LineKind.SAFEGUARDING, True, (*private, *places, *last), (*places, *last), Forced.DIVERT
    )
    # With a team, an opening or a number of its own two and more of the person's numbers have to go.
    assert 780 < len(encode_route(longest)) <= MAX_RECORD_BYTES
    closed = OpeningRecord((hours,) * 4, (date(2026, 12, 25),) * 40, (*places, *last))
    assert 740 < len(encode_opening(closed)) <= MAX_RECORD_BYTES
    everybody = TeamRecord(Strategy.ROTATION, 120, 120, 50, 60, ("0123abcd",) * MAX_MEMBERS)
    assert 500 < len(encode_team(everybody)) <= MAX_RECORD_BYTES
    assert 400 < len(encode_member(private)) <= MAX_RECORD_BYTES


def test_a_plan_with_everything_in_it_keeps_two_numbers_of_the_owner() -> None:
    numbers = tuple(f"+4477009001{n}" for n in range(10, 15))
    owner = replace(person("cy", team=""), default_numbers=tuple(DefaultNumber(number, 5) for number in numbers))
    site = Site("Leeds", RECEPTION, opening=(WEEK,), voicemail=BOX)
    directory = sales(people=(owner, person("ada", MOBILE)), site=site, owner=owner.key, divert_number=DIVERTED)
    policy = replace(routing_policy(150), site_ring_seconds=10)
    kinds = "".join(item.step.kind for item in planned(directory, policy).plan)
    assert kinds == "soppt" + "sva"
    assert [item.omission for item in planned(directory, policy).left_out] == [Omission.TOO_MANY_STEPS] * 3


steps = st.builds(
    Step,
    st.just(StepKind.PERSON),
    st.from_regex(r"\+[1-9][0-9]{6,14}", fullmatch=True),
    st.integers(5, 120),
    st.none() | st.sampled_from([WEEK, SATURDAY]),
    st.booleans(),
)
team_records = st.builds(
    TeamRecord,
    st.sampled_from(Strategy),
    st.integers(5, 120),
    st.integers(0, 120),
    st.integers(1, 50),
    st.integers(1, 60),
    st.lists(st.from_regex(r"[0-9a-f]{8}", fullmatch=True), max_size=MAX_MEMBERS).map(tuple),
)
openings = st.builds(
    OpeningRecord,
    st.lists(st.sampled_from([WEEK, SATURDAY]), min_size=1, max_size=4).map(tuple),
    st.lists(st.dates(date(2000, 1, 1), date(2099, 12, 31)), max_size=40).map(tuple),
    st.just((Step(StepKind.VOICEMAIL, BOX, 0), Step(StepKind.ANNOUNCEMENT, "closed", 0))),
)


@given(team_records, st.lists(steps, min_size=1, max_size=5).map(tuple), openings)
def test_the_records_survive_the_round_trip(team: TeamRecord, member: tuple[Step, ...], opening: OpeningRecord) -> None:
    assert decode_team(encode_team(team)) == team
    assert decode_member(encode_member(member)) == member
    assert decode_opening(encode_opening(opening)) == opening


@given(st.text() | st.text(alphabet="1|:,;-apstov+0123456789abc").map(lambda text: "1|all|20|0|10|1|" + text))
def test_reading_a_record_is_total(text: str) -> None:
    for decode in (decode_team, decode_member, decode_opening):
        try:
            decode(text)
        except RecordError as error:
            assert str(error)


def test_a_record_longer_than_ami_takes_is_no_record() -> None:
    step = "p:+441134960000:20"
    fits = "1|" + ",".join([step] * (MAX_RECORD_BYTES // (len(step) + 1)))
    assert encode_member(decode_member(fits)) == fits
    with pytest.raises(RecordError, match=f"longer than {MAX_RECORD_BYTES} bytes"):
        decode_member(f"{fits},{step}")


def test_a_holiday_before_the_year_1000_is_none() -> None:
    with pytest.raises(RecordError, match="a holiday is not YYYYMMDD"):
        decode_opening("1|0900~1700~5~n|00310101|s:+4960000:5,a:d:0")
