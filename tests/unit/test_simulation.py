"""A simulated call: every rule of the dialplan, over records as they are published."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime

import pytest

from ringfence.domain.assumed import FarEnd, PlatformDoes
from ringfence.domain.calls import AnsweredBy
from ringfence.domain.route_table import did_path
from ringfence.domain.simulation import simulate
from ringfence.domain.simulation_values import (
    Assumptions,
    EgressRules,
    Happening,
    PlatformRules,
    Question,
    Shows,
    Simulation,
    SiteRules,
    TrunkRules,
    What,
    Why,
)
from ringfence.domain.simulation_words import sentence

DID = "+441134960001"
MOBILE, SECOND, THIRD = "+447700900123", "+447700900124", "+447700900125"
FALLBACK = "+441135960999"
NOON = datetime(2026, 11, 18, 12, 0, tzinfo=UTC)  # a Wednesday, in winter
NIGHT = NOON.replace(hour=3)
PLAN = f"p:{MOBILE}:20,s:{FALLBACK}:30,a:unavailable:0"
SAFE = f"s:{FALLBACK}:30,a:unavailable:0"
DIVERT = {"mode/uc": "1|divert|0|FAILED_OVER|-|1700000000"}
TEAM, SITE = "3/000000c3", "0000abcd"
OWN = TrunkRules("uc", normal_context="from-pstn")
RULES = SiteRules(
    ring_budget_seconds=90,
    platforms={"uc": PlatformRules(120, 8)},
    trunks={"carrier": TrunkRules("uc"), "polite": TrunkRules("uc", early=True), "own": OWN},
    allowed_codes=("44",),
    denied_starts=("+449",),
    announcements=("unavailable", "closed"),
)


def record(
    plan: str = PLAN, safe: str = SAFE, forced: str = "-", kind: str = "voice", critical: int = 0
) -> dict[str, str]:
    return {did_path(DID): f"1|uc|{forced}|{kind}|{critical}|{plan}|{safe}"}


def call(table: dict[str, str], at: datetime = NOON, trunk: str = "carrier", **assumed: object) -> Simulation:
    assumptions = Assumptions(**assumed)  # type: ignore[arg-type]
    return simulate(Question(DID, trunk, at, assumptions), table.get, RULES)


def ended(simulation: Simulation) -> tuple[str, str, str, int]:
    end = simulation.ending
    return end.answered_by, end.path, end.reason, end.step


def steps(simulation: Simulation) -> list[tuple[What, int, str]]:
    return [(h.what, h.step, h.result) for h in simulation.happenings]


def test_normal_call_is_the_platforms() -> None:
    simulation = call(record())
    assert ended(simulation) == ("platform", "platform", "scope-normal", 0)
    assert steps(simulation) == [(What.PLATFORM, 0, "answered")]


def test_in_normal_a_call_by_a_trunk_of_the_sites_own_is_its_own_affair() -> None:
    normal = call(record(), trunk="own")
    assert ended(normal) == ("dialplan", "site", "scope-normal", 0)
    assert steps(normal) == [(What.HANDED_OVER, 0, "answered")]
    assert "from-pstn" in sentence(normal.happenings[0], {})
    failing = call(record(), trunk="own", platform=PlatformDoes.FAILURE)
    assert (failing.ending.answered_by, failing.ending.result) == ("nobody", "unknown")
    assert "ringfence-failed" in sentence(failing.happenings[0], {})
    diverted = call({**record(), **DIVERT}, trunk="own", answered_step=1)
    assert ended(diverted) == ("person", "divert", "scope-divert", 1)


def test_unknown_did_is_transparent() -> None:
    assert ended(call({})) == ("platform", "transparent", "no-record", 0)
    assert ended(call({did_path(DID): "2|uc|-"})) == ("platform", "transparent", "no-record", 0)
    elsewhere = {did_path(DID): f"1|gone|-|voice|0|{PLAN}|{SAFE}"}
    assert call(elsewhere, platform=PlatformDoes.UNDELIVERABLE).ending.result == "undeliverable"


@pytest.mark.parametrize("status", [PlatformDoes.BUSY, PlatformDoes.DECLINED, PlatformDoes.UNANSWERED])
def test_what_is_the_persons_doing_is_passed_back(status: PlatformDoes) -> None:
    end = call(record(), platform=status).ending
    assert (end.answered_by, end.result, end.path, end.step) == (AnsweredBy.NOBODY, status.value, "platform", 0)
    assert end.at_seconds == (120 if status is PlatformDoes.UNANSWERED else 0)


def test_platform_that_says_nothing_costs_its_no_progress_time() -> None:
    simulation = call(record(), platform=PlatformDoes.SILENT, answered_step=1)
    assert ended(simulation) == ("person", "inline", "platform-failure", 1)
    assert simulation.happenings[0].seconds == 8
    assert simulation.happenings[1].at_seconds == 8


def test_undeliverable_rings_no_private_number() -> None:
    simulation = call(record(), platform=PlatformDoes.UNDELIVERABLE)
    assert simulation.numbers_rung() == [FALLBACK]
    assert ended(simulation) == ("announcement", "undeliverable", "platform-undeliverable", 2)


def test_divert_takes_the_steps_in_order_until_one_answers() -> None:
    table = record() | DIVERT
    assert ended(call(table, answered_step=1)) == ("person", "divert", "scope-divert", 1)
    assert ended(call(table, answered_step=2)) == ("site", "divert", "scope-divert", 2)
    nobody = call(table)
    assert ended(nobody) == ("announcement", "divert", "scope-divert", 3)
    assert [(h.at_seconds, h.seconds) for h in nobody.happenings] == [(0, 20), (20, 30), (50, 0)]


def test_word_for_the_did_beats_its_scope() -> None:
    assert ended(call(record(forced="pinned") | DIVERT)) == ("platform", "platform", "forced-pinned", 0)
    assert ended(call(record(forced="divert"), answered_step=1)) == ("person", "divert", "forced-divert", 1)
    pinned = call(record(forced="pinned"), platform=PlatformDoes.FAILURE)
    assert (pinned.ending.answered_by, pinned.ending.result) == ("nobody", "failure")


def test_trial_draws_and_never_for_a_critical_did() -> None:
    trial = {"mode/uc": "1|trial|5|TRIAL|-|1700000000"}
    assert ended(call(record() | trial)) == ("platform", "trial", "scope-trial", 0)
    assert ended(call(record() | trial, to_platform=False, answered_step=1)) == ("person", "trial", "scope-trial", 1)
    assert ended(call(record(critical=1) | trial, answered_step=1)) == ("person", "trial", "scope-trial", 1)
    assert ended(call(record() | trial, platform=PlatformDoes.FAILURE, answered_step=1))[1:3] == (
        "inline",
        "platform-failure",
    )


def test_unknown_did_has_its_trunks_fallback_when_its_platform_is_diverted() -> None:
    table = DIVERT | {"fallback/carrier": f"1|uc|-|voice|0|{SAFE}|{SAFE}"}
    assert ended(call(table, answered_step=1)) == ("site", "divert", "scope-divert", 1)
    assert ended(call(DIVERT)) == ("announcement", "divert", "scope-divert", 1)


def test_hours_are_those_of_the_moment() -> None:
    plan = f"p:{MOBILE}:20:0700~2200~1234567~Europe/London,s:{FALLBACK}:30,a:unavailable:0"
    table = record(plan) | DIVERT
    assert call(table).numbers_rung() == [MOBILE, FALLBACK]
    night = call(table, NIGHT)
    assert night.numbers_rung() == [FALLBACK]
    assert night.happenings[0].why is Why.CLOSED_HOURS
    # 22:30 in summer time is 21:30 UTC.
    assert call(table, datetime(2026, 7, 1, 21, 30, tzinfo=UTC)).numbers_rung() == [FALLBACK]
    unknown = record(plan.replace("Europe/London", "No/Where")) | DIVERT
    assert call(unknown, NIGHT).numbers_rung() == [FALLBACK]


def test_hours_are_asked_when_the_step_is_reached() -> None:
    plan = f"s:{FALLBACK}:60,p:{MOBILE}:20:0000~1200~1234567~UTC,a:unavailable:0"
    before_noon = NOON.replace(hour=11, minute=59, second=30)
    assert call(record(plan) | DIVERT, before_noon).numbers_rung() == [FALLBACK]


def test_ring_budget_cuts_and_ends_in_the_announcement() -> None:
    plan = f"p:{MOBILE}:60,p:{SECOND}:60,s:{FALLBACK}:30,a:closed:0"
    simulation = call(record(plan) | DIVERT)
    assert simulation.numbers_rung() == [MOBILE, SECOND]
    assert [h.seconds for h in simulation.happenings] == [60, 30, 0, 0]
    assert simulation.happenings[2].why is Why.BUDGET_SPENT
    assert simulation.happenings[-1].targets == ("closed",)
    assert simulation.ending.step == 3


@pytest.mark.parametrize("number", ["+33123456789", "+449001234567", DID])
def test_egress_refuses_what_it_may_not_dial(number: str) -> None:
    simulation = call(record(f"p:{number}:20,{SAFE}") | DIVERT)
    assert simulation.numbers_rung() == [FALLBACK]
    assert simulation.happenings[0].why is Why.REFUSED


def test_voicemail_of_a_private_number_takes_no_call_where_a_key_is_asked_for() -> None:
    asked = record(f"p:{MOBILE}:20::1,{SAFE}") | DIVERT
    assert ended(call(asked, by_number={MOBILE: FarEnd.VOICEMAIL}, answered_step=2))[0] == "site"
    assert ended(call(record() | DIVERT, by_number={MOBILE: FarEnd.VOICEMAIL}))[0] == "person"
    lift = record(f"p:{MOBILE}:20::1,{SAFE}", kind="lift") | DIVERT
    assert ended(call(lift, by_number={MOBILE: FarEnd.VOICEMAIL}))[0] == "person", "a machine is asked for no key"


def test_announcement_is_heard_without_an_answer_by_a_machine_and_on_a_polite_trunk() -> None:
    assert call(record() | DIVERT).ending.result == "answered"
    assert call(record() | DIVERT, trunk="polite").ending.result == "unanswered"
    assert call(record(kind="fax") | DIVERT).ending.result == "unanswered"


def test_announcement_that_the_site_does_not_have_is_its_default() -> None:
    assert call(record("a:gone:0") | DIVERT).happenings[-1].targets == ("unavailable",)


def test_voicemail_ends_the_plan_but_for_a_machine() -> None:
    plan = f"p:{MOBILE}:20,v:600@ringfence:0,a:unavailable:0"
    assert ended(call(record(plan) | DIVERT)) == ("voicemail", "divert", "scope-divert", 2)
    assert ended(call(record(plan, kind="door") | DIVERT))[0] == "announcement"


OPENING = f"1|0900~1700~12345~Europe/London|20261225|s:{FALLBACK}:15,a:closed:0"


def test_closed_site_has_another_plan_counted_anew() -> None:
    table = record(f"o:{SITE}:0,p:{MOBILE}:20,a:unavailable:0") | DIVERT | {f"site/{SITE}": OPENING}
    assert ended(call(table, answered_step=2)) == ("person", "divert", "scope-divert", 2)
    night = call(table, NIGHT)
    assert ended(night) == ("announcement", "divert", "out-of-hours", 2)
    assert night.numbers_rung() == [FALLBACK]
    assert ended(call(table, datetime(2026, 12, 25, 12, tzinfo=UTC)))[2] == "holiday"


def test_opening_that_cannot_be_read_leaves_nobody_outside() -> None:
    table = record(f"o:{SITE}:0,p:{MOBILE}:20,a:unavailable:0") | DIVERT
    assert call(table, NIGHT).numbers_rung() == [MOBILE]
    assert call(table | {f"site/{SITE}": "1|x|y"}, NIGHT).numbers_rung() == [MOBILE]


def team(strategy: str, *, ring: int = 5, wait: int = 0, floor: int = 1, hours: str = "") -> dict[str, str]:
    slots = ("0000000a", "0000000b", "0000000c")
    members = zip(slots, (MOBILE, SECOND, THIRD), strict=True)
    table = {f"team/{TEAM}.{slot}": f"1|p:{number}:20{hours}" for slot, number in members}
    table[f"team/{TEAM}"] = f"1|{strategy}|{ring}|{wait}|10|{floor}|{','.join(slots)}"
    return table | record(f"t:{TEAM}:60,{SAFE}") | DIVERT


def test_team_in_order_asks_each_once() -> None:
    simulation = call(team("order"), by_number={SECOND: FarEnd.BUSY, FALLBACK: FarEnd.ANSWERS})
    assert simulation.numbers_rung() == [MOBILE, SECOND, THIRD, FALLBACK]
    assert [h.seconds for h in simulation.happenings] == [5, 0, 5, 0]
    assert ended(simulation) == ("site", "divert", "scope-divert", 2)
    assert ended(call(team("order"), by_number={THIRD: FarEnd.ANSWERS}))[0] == "team"


def test_team_at_once_rings_everybody_for_one_attempt() -> None:
    simulation = call(team("all"))
    assert [h.targets for h in simulation.happenings[:1]] == [(MOBILE, SECOND, THIRD)]
    assert simulation.happenings[0].seconds == 5
    assert ended(call(team("all"), by_number={SECOND: FarEnd.ANSWERS})) == ("team", "divert", "scope-divert", 1)


def test_rotation_begins_with_whoever_was_rung_longest_ago() -> None:
    turn = {"turn/000000c3": "1|0000000b-0000000c-0000000a-"}
    assert call(team("rotation") | turn).numbers_rung()[:3] == [SECOND, MOBILE, THIRD]
    after_a_refusal = turn | {"turn/000000c3.next": "1|0000000c-0000000a-0000000b-"}
    assert call(team("rotation") | after_a_refusal).numbers_rung()[:3] == [SECOND, THIRD, MOBILE]
    assert call(team("rotation") | {"turn/000000c3": "1|0000000a-"}).numbers_rung()[0] == SECOND, "the new come first"
    assert call(team("rotation") | {"turn/000000c3": "1|x"}).numbers_rung()[0] == MOBILE


def test_team_below_its_floor_is_passed_over() -> None:
    assert call(team("order", floor=4)).happenings[0].why is Why.BELOW_FLOOR
    closed = team("all", hours=":0700~2200~1234567~UTC")
    assert call(closed, NIGHT).happenings[0].why is Why.BELOW_FLOOR
    assert call(record(f"t:{TEAM}:60,{SAFE}") | DIVERT).happenings[0].why is Why.NO_SUCH_TEAM


def test_caller_waits_for_members_to_be_asked_again_until_the_time_is_up() -> None:
    busy = dict.fromkeys((MOBILE, SECOND, THIRD), FarEnd.BUSY)
    simulation = call(team("order", wait=8), by_number=busy)
    whats = [h.what for h in simulation.happenings if h.step == 1]
    assert whats == [What.RINGS] * 3 + [What.WAITS] + [What.RINGS] * 3 + [What.WAITS]
    assert sum(h.seconds for h in simulation.happenings if h.step == 1) == 8
    short = call(team("order", wait=1), by_number=busy)
    assert [h.seconds for h in short.happenings if h.what is What.WAITS] == [3], "the place in the line is said whole"
    declining = dict.fromkeys((MOBILE, SECOND, THIRD), FarEnd.DECLINED)
    assert What.WAITS not in [h.what for h in call(team("order", wait=8), by_number=declining).happenings]


def test_team_has_no_more_than_its_step_and_the_budget() -> None:
    table = team("order", ring=50)
    simulation = call(table)
    assert [h.seconds for h in simulation.happenings[:2]] == [50, 10]
    assert simulation.happenings[2].targets == (FALLBACK,)
    short = simulate(Question(DID, "carrier", NOON), table.get, replace(RULES, ring_budget_seconds=40))
    assert [h.seconds for h in short.happenings[:1]] == [40]


CALLER = "+441632960999"


def shown(
    table: dict[str, str], caller: str = CALLER, rungs: tuple[str, ...] = ("caller", "did", "trunk"), **how: object
) -> Shows | None:
    rules = replace(RULES, egress=(EgressRules("a", rungs, 3600), EgressRules("b", ("did",), 3600)))
    question = Question(DID, "carrier", NOON, Assumptions(**how), caller)  # type: ignore[arg-type]
    return simulate(question, (record() | DIVERT | table).get, rules).happenings[0].shows


def test_phone_shows_the_first_rung_that_is_not_known_to_be_refused() -> None:
    now = int(NOON.timestamp())
    assert shown({}) is Shows.CALLER
    assert shown({"identity/a": f"1|trunk|{now - 60}|403"}) is Shows.TRUNK
    assert shown({"identity/a": f"1|did|{now - 3600}|403"}) is Shows.CALLER, "forgotten by then"
    assert shown({"identity/a": f"1|did|{now + 60}|403"}) is Shows.CALLER, "a clock that was set back"
    assert shown({"egress/a": "1|down"}) is Shows.DID
    assert shown({"egress/a": "1|down", "egress/b": "1|down"}) is Shows.CALLER
    assert shown({}, refused_rungs=frozenset({"caller"})) is Shows.DID


def test_withheld_number_stays_withheld_and_no_number_is_ours() -> None:
    assert shown({}, "") is Shows.NOBODY
    assert shown({}, "", ("did",)) is Shows.NOBODY
    assert shown({}, "", refused_rungs=frozenset({"caller"})) is Shows.TRUNK
    assert shown({}, "reception") is Shows.DID


def test_call_that_came_back_goes_to_its_announcement() -> None:
    simulation = call(record() | DIVERT, came_back=True)
    assert simulation.numbers_rung() == []
    assert ended(simulation) == ("announcement", "divert", "looped", 0)
    assert ended(call(record(), came_back=True))[0] == "platform", "asked only before a plan"


def test_whoever_presses_2_declines_where_a_key_is_asked_for() -> None:
    two = {MOBILE: FarEnd.REFUSES}
    asked = call(record(f"p:{MOBILE}:20::1,{SAFE}") | DIVERT, by_number=two)
    assert (asked.happenings[0].result, asked.happenings[0].asked) == ("declined", True)
    assert ended(call(record() | DIVERT, by_number=two))[0] == "person"


def test_box_that_is_not_there_is_passed_over() -> None:
    simulation = call(record("v:600@ringfence:0,a:unavailable:0") | DIVERT, boxes=False)
    assert simulation.happenings[0].why is Why.NO_BOX
    assert ended(simulation) == ("announcement", "divert", "scope-divert", 2)


@pytest.mark.parametrize(
    ("targets", "result", "words"),
    [
        ((MOBILE,), "unanswered", "+44*******123 rings, and is not answered"),
        ((MOBILE,), "undeliverable", "+44*******123 cannot be reached"),
        ((MOBILE, SECOND), "unanswered", "+44*******123, +44*******124 ring together, and nobody answers"),
        ((MOBILE, SECOND), "declined", "+44*******123, +44*******124 ring together, and all decline"),
    ],
)
def test_nobody_is_said_to_ring_who_is_switched_off(targets: tuple[str, ...], result: str, words: str) -> None:
    assert sentence(Happening(0, What.RINGS, 1, targets, result=result, private=True), {}) == words
