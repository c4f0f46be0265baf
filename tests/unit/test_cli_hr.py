"""`ringfence hr`, `person` and `coverage` against a real server on a local socket, with the real desk behind it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

import pytest

from ringfence.app.hr.ports import SourceUnavailable
from ringfence.cli.times import local
from ringfence.domain.hr.record import HrNumber
from tests.fakes.node import DID, PRIVATE_NUMBERS, SOURCE, FakeNode
from tests.fakes.roster_node import NEW_NUMBER, RosterNode, ada, bob, complete, roster
from tests.fakes.thread import ServedNode, served_on_socket
from tests.unit.command_line import ringfence, told

WHY = ("--reason", "HR confirms")
ENTERED = "+447700900999"


@pytest.fixture
def served(tmp_path: Path) -> Iterator[ServedNode]:
    with served_on_socket(tmp_path / "control.sock", RosterNode) as node:
        node.wait_for(lambda fake: roster(fake).load_first())
        yield node


def hr_says_new_numbers(served: ServedNode) -> None:
    """Too many for two people: they will be held."""

    def say(node: FakeNode) -> None:
        records = (ada(numbers=(HrNumber("+447700900555"),)), bob(numbers=(HrNumber("+447700900556"),)))
        roster(node).source.batch = complete(*records)

    served.call(say)


def test_sync_shows_what_is_held_and_ends_with_4(served: ServedNode) -> None:
    hr_says_new_numbers(served)
    shown = ringfence(served, "hr", "sync", "--dry-run")
    assert shown.exit_code == 4, shown.output
    assert "would be held: 2 number change" in shown.stdout
    hr_says_new_numbers(served)
    done = ringfence(served, "hr", "sync", SOURCE)
    assert done.exit_code == 4, done.output
    for words in (
        "payroll (people-2030-01-15.csv): held, 2 rows",
        "number_change (2): their default numbers differ",
        "Ada Example (ada)",
        "default numbers +44*******123 (private) then +44*******124 (private) -> +44*******555 (private)",
        "ringfence hr approve 2",
    ):
        assert words in done.stdout, done.stdout
    again = ringfence(served, "hr", "sync")
    assert (again.exit_code, "plan 2 is open and waits for a person" in again.stdout) == (4, True), again.output
    ringfence(served, "hr", "reject", "2", *WHY, "--yes")
    assert ringfence(served, "hr", "sync").exit_code == 0, "nothing new came, and nothing is held"


def test_a_source_that_fails_ends_with_1(served: ServedNode) -> None:
    def break_it(node: FakeNode) -> None:
        roster(node).source.fault = SourceUnavailable("The folder cannot be read.", "Mount it.")

    served.call(break_it)
    failed = ringfence(served, "hr", "sync")
    assert (failed.exit_code, "The folder cannot be read." in failed.stdout) == (1, True), failed.output
    past = ringfence(served, "hr", "history", "--limit", "1").stdout.splitlines()
    assert past[0].endswith("  payroll: failed; 0 rows")
    assert past[1] == "    The folder cannot be read. Mount it."
    sources = ringfence(served, "hr", "sources")
    assert "FAILS: The folder cannot be read." in sources.stdout
    status = ringfence(served, "status", "--check")
    assert status.exit_code == 4
    assert "! HR source payroll fails: The folder cannot be read." in status.stdout
    assert ringfence(served, "hr", "sync", "other").exit_code == 1


def test_sync_tells_what_is_accepted(served: ServedNode) -> None:
    def say(node: FakeNode) -> None:
        roster(node).source.batch = complete(ada(name="Ada Newname"), bob(active=False))

    served.call(say)
    done = ringfence(served, "hr", "sync")
    assert done.exit_code == 0, done.output
    assert "leaving, or leaving earlier, by an explicit fact: 1" in done.stdout
    assert "accepted: 1 detail" in done.stdout
    past = ringfence(served, "hr", "history", "--source", SOURCE, "--limit", "1")
    assert "payroll (people-2030-01-15.csv): applied; 2 rows; accepted 1 detail; leavers 1\n" in past.stdout


def test_a_plan_is_looked_at_approved_in_part_and_the_rest_rejected(served: ServedNode) -> None:
    hr_says_new_numbers(served)
    ringfence(served, "hr", "sync")
    assert "number changes 2" in ringfence(served, "hr", "plans").stdout
    seen = told(ringfence(served, "hr", "plan", "2", "--json"))
    item = seen["items"][0]["id"]
    unasked = ringfence(served, "hr", "approve", "2", *WHY)
    assert (unasked.exit_code, "give --yes" in unasked.stderr) == (2, True)
    done = ringfence(served, "hr", "approve", "2", "--item", item, *WHY, "--yes")
    assert done.exit_code == 0, done.output
    assert ("Ada Example" in done.stderr, "Bob Example" in done.stderr) == (True, False), "only what is meant"
    assert "The rest waits in plan 3." in done.stdout
    closed = ringfence(served, "hr", "approve", "2", *WHY, "--yes")
    assert (closed.exit_code, "is closed: partly" in closed.stderr) == (1, True)
    assert ringfence(served, "hr", "reject", "3", "--category", "number_change", *WHY, "-y").exit_code == 0
    assert ringfence(served, "hr", "plans").stdout == "Nothing is held.\n"
    every = told(ringfence(served, "hr", "plans", "--all", "--json"))["plans"]
    assert [plan["status"] for plan in every] == ["rejected", "partly", "approved"]
    assert "by ada: HR confirms" in ringfence(served, "hr", "plan", "2").stdout


def test_what_a_plan_does_not_hold_cannot_be_chosen(served: ServedNode) -> None:
    hr_says_new_numbers(served)
    ringfence(served, "hr", "sync")
    for option, value in (("--item", "joiner:77:"), ("--category", "joiner")):
        wrong = ringfence(served, "hr", "approve", "2", option, value, *WHY, "--yes")
        assert (wrong.exit_code, f"does not hold {value}" in wrong.stderr) == (1, True), wrong.output


def test_an_item_is_known_without_its_last_colon(served: ServedNode) -> None:
    hr_says_new_numbers(served)
    ringfence(served, "hr", "sync")
    items = [item["id"] for item in told(ringfence(served, "hr", "plan", "2", "--json"))["items"]]
    assert items[0].endswith(":"), "the post, which is empty, is its end"
    done = ringfence(served, "hr", "approve", "2", "--item", items[0].removesuffix(":"), *WHY, "--yes")
    assert done.exit_code == 0, done.output
    left = told(ringfence(served, "hr", "plan", "3", "--json"))["items"]
    assert [item["id"] for item in left] == items[1:]


def test_a_source_that_nobody_knows_has_no_history(served: ServedNode) -> None:
    none = ringfence(served, "hr", "history", "--source", "pairoll")
    assert none.stdout == "Nothing has been read of 'pairoll'; see `ringfence hr sources`.\n"


def test_conflicts_are_listed_and_decided_by_hand(served: ServedNode) -> None:
    assert ringfence(served, "hr", "conflicts").stdout == "No DID is claimed twice.\n"

    def say(node: FakeNode) -> None:
        roster(node).source.batch = complete(ada(), bob(dids=(DID,)))

    served.call(say)
    ringfence(served, "hr", "sync")
    assert "ada, bob" in ringfence(served, "hr", "conflicts").stdout
    assert ringfence(served, "person", "owns", "ada", DID, *WHY).exit_code == 0
    assert ringfence(served, "hr", "conflicts").stdout == "No DID is claimed twice.\n"


def test_a_person_is_shown_with_the_origin_of_everything(served: ServedNode) -> None:
    for whom in ("ada", "0113 496 0123", "Ada Ex"):
        shown = ringfence(served, "person", "show", whom)
        assert shown.exit_code == 0, shown.output
        for words in ("Ada Example (ada): employed", f"DID {DID}", "payroll", "import", "counts", "+44*******123"):
            assert words in shown.stdout, (whom, shown.stdout)
    several = ringfence(served, "person", "show", "example")
    assert (several.exit_code, "name one by the key" in several.stderr) == (0, True)
    assert ringfence(served, "person", "show", "nobody").exit_code == 1


def test_numbers_ring_in_the_order_of_the_options(served: ServedNode) -> None:
    order = ("--private", "-", "--work", "0113 496 0777 30s", "--private", "07700 900998")
    done = ringfence(served, "person", "numbers", "ada", *order, *WHY, "--json", answer=f"{ENTERED}\n")
    assert done.exit_code == 0, done.output
    shown = [(n["number"], n["use"], n["ring_seconds"]) for n in told(done)["person"]["numbers"]]
    assert shown == [
        ("+44*******999", "private", 20),
        ("+44*******777", "work", 30),
        ("+44*******998", "private", 20),
    ]
    cleared = ringfence(served, "person", "numbers", "ada", "--clear", *WHY)
    assert (cleared.exit_code, "+44*******123" in cleared.stdout) == (0, True), cleared.output
    none = ringfence(served, "person", "numbers", "ada", "--none", *WHY)
    assert "No default number is known." in none.stdout
    past = ringfence(served, "person", "history", "ada")
    assert "numbers: none" in past.stdout


def test_facts_of_a_number_by_its_place_or_typed_in(served: ServedNode) -> None:
    entered = ("--consent", "given", "--hours", "07:00-22:00", "--purpose", "outages", "--confirmed-on", "2030-01-10")
    done = ringfence(served, "person", "facts", "ada", "1", *entered, *WHY)
    assert done.exit_code == 0, done.output
    for words in ("20 s, 07:00-22:00", "given 2030-01-15", "2030-01-10", "outages"):
        assert words in done.stdout, done.stdout
    typed = ("person", "facts", "ada", "-", "--consent", "withdrawn", *WHY)
    assert "withdrawn" in ringfence(served, *typed, answer="07700 900124\n").stdout
    assert "withdrawn" not in ringfence(served, "person", "facts", "ada", "2", "--clear", *WHY).stdout


def test_away_on_call_and_leaving(served: ServedNode) -> None:
    away = ("person", "away", "ada", "--from", "2030-01-15", "--until", "2030-01-31", "--deputy", "bob", *WHY)
    assert "Ada Example (ada): away" in ringfence(served, *away).stdout
    assert "Ada Example (ada): employed" in ringfence(served, "person", "away", "ada", "--back", *WHY).stdout
    duty = ringfence(served, "person", "on-call", "ada", "--until", "2030-01-16T08:00:00+00:00", *WHY)
    assert local("2030-01-16T08:00:00+00:00") in duty.stdout, duty.output
    assert ringfence(served, "person", "on-call", "ada", "--off", *WHY).exit_code == 0
    where = ("person", "today", "ada", "-", "--until", "2030-01-15T18:00:00+00:00", *WHY, "--json")
    assert told(ringfence(served, *where, answer="07700 900777\n"))["person"]["numbers"][0]["number"].endswith("777")
    assert told(ringfence(served, "person", "today", "ada", "--off", *WHY, "--json"))["person"]["today_until"] is None
    left = ringfence(served, "person", "leave", "ada", "--at", "2030-01-14", *WHY, "--json")
    assert told(left)["person"]["until"] == "2030-01-15T00:00:00Z"
    assert "employed" in ringfence(served, "person", "leave", "ada", "--take-back", *WHY).stdout
    assert "Ada Example (ada): left, was employed" in ringfence(served, "person", "leave", "ada", *WHY).stdout
    ringfence(served, "person", "owns", "bob", DID, *WHY)
    released = ringfence(served, "person", "release", DID, *WHY)
    assert released.stdout == "The quarantine is ended.\n"
    assert "was in no quarantine" in ringfence(served, "person", "release", DID, *WHY).stdout
    assert "give --yes" in ringfence(served, "person", "forget", "ada", *WHY).stderr.replace("Give", "give")
    assert ringfence(served, "person", "forget", "ada", *WHY, "--yes").exit_code == 0
    assert "No default number is known." in ringfence(served, "person", "show", "ada").stdout


def test_the_dates_of_the_employment_are_no_dates_of_the_absence(served: ServedNode) -> None:
    def say(node: FakeNode) -> None:
        roster(node).source.batch = complete(ada(starts=date(2020, 4, 1), ends=date(2030, 3, 31)), bob())

    served.call(say)
    ringfence(served, "hr", "sync")
    begins, ends = local("2020-03-31T23:00:00Z"), local("2030-03-31T23:00:00Z")
    dates = f"employed from {begins} until {ends}\n"
    assert f"Ada Example (ada): {dates}" in ringfence(served, "person", "show", "ada").stdout
    assert f"(ada): away, {dates}" in ringfence(served, "person", "away", "ada", "--from", "2030-01-15", *WHY).stdout
    left = ringfence(served, "person", "leave", "ada", "--at", "2030-01-14", *WHY).stdout
    assert f"(ada): left, was employed from {begins} until {local('2030-01-15T00:00:00Z')}\n" in left


def test_coverage_says_share_reasons_and_days_and_can_be_checked(served: ServedNode) -> None:
    shown = ringfence(served, "coverage", "--uncovered", "--history", "--check")
    assert shown.exit_code == 4, shown.output
    for words in (
        "0 of 2 DIDs are covered: 0.0 %, BELOW THE TARGET of 95 %",
        "." * 40,
        "nobody ever confirmed that the number reaches the owner",
        DID,
    ):
        assert words in shown.stdout, shown.stdout
    assert ringfence(served, "coverage").exit_code == 0
    assert told(ringfence(served, "coverage", "--json"))["below_target"] is True


def test_the_status_has_a_line_for_each_source(served: ServedNode) -> None:
    seen = ringfence(served, "status")
    assert "hr        payroll: well, read 0 s ago" in seen.stdout, seen.stdout
    hr_says_new_numbers(served)
    ringfence(served, "hr", "sync")
    seen = ringfence(served, "status")
    assert "hr        plans that wait for a person: 1" in seen.stdout, seen.stdout
    assert "! HR changes are held and wait for a person" in seen.stdout


WITHOUT_DAEMON = (
    ("hr", "sources"),
    ("hr", "sync"),
    ("hr", "plans"),
    ("hr", "plan", "1"),
    ("hr", "approve", "1", *WHY, "--yes"),
    ("hr", "reject", "1", *WHY, "--yes"),
    ("hr", "history"),
    ("hr", "conflicts"),
    ("person", "show", "ada"),
    ("person", "history", "ada"),
    ("person", "numbers", "ada", "--none", *WHY),
    ("person", "leave", "ada", *WHY),
    ("person", "forget", "ada", *WHY, "--yes"),
    ("person", "release", DID, *WHY),
    ("coverage",),
)


@pytest.mark.parametrize("arguments", WITHOUT_DAEMON, ids=" ".join)
def test_without_a_daemon_it_says_how_to_start_one(arguments: tuple[str, ...]) -> None:
    lost = ringfence(None, *arguments)
    assert lost.exit_code == 3, lost.output
    assert "Start it with `ringfence run`" in lost.stderr


USAGE: dict[str, tuple[tuple[str, ...], str]] = {
    "nothing to enter": (("person", "numbers", "ada", *WHY), "--private and --work, or --none, or --clear"),
    "both": (("person", "numbers", "ada", "--none", "--clear", *WHY), "Several things are said at once"),
    "rings too long": (("person", "numbers", "ada", "--work", "0113 496 0777 300s", *WHY), "Write 5s to 120s"),
    "no category": (("hr", "plan", "1", "--category", "joiners"), "There are joiner, return, term"),
    "no category to approve": (("hr", "approve", "1", "--category", "x", *WHY), "There are joiner, return, term"),
    "no day to leave": (("person", "leave", "ada", "--at", "31.1.2030", *WHY), "Or a day alone, as 2030-01-31"),
    "no facts": (("person", "facts", "ada", "1", *WHY), "Give --consent"),
    "clear and more": (("person", "facts", "ada", "1", "--clear", "--confirmed", *WHY), "--clear alone"),
    "two days": (
        ("person", "facts", "ada", "1", "--confirmed", "--confirmed-on", "2030-01-01", *WHY),
        "given together",
    ),
    "no day": (("person", "away", "ada", "--from", "soon", *WHY), "write it as 2030-01-31"),
    "back and away": (("person", "away", "ada", "--back", "--deputy", "bob", *WHY), "Give --back alone"),
    "no end": (("person", "on-call", "ada", *WHY), "Give --until or --off"),
    "bad end": (("person", "on-call", "ada", "--until", "late", *WHY), "is no time"),
    "no DID": (("person", "owns", "ada", *WHY), "Give all DIDs"),
    "no reason": (("person", "leave", "ada"), "--reason is missing"),
    "nothing typed": (("person", "numbers", "ada", "--private", "-", *WHY), "Standard input has no line"),
}


@pytest.mark.parametrize("name", USAGE)
def test_wrong_use_ends_with_2_and_asks_nobody(name: str) -> None:
    arguments, words = USAGE[name]
    wrong = ringfence(None, *arguments)
    assert (wrong.exit_code, wrong.stdout) == (2, ""), wrong.output
    assert words in wrong.stderr


def test_no_output_holds_a_private_number(served: ServedNode) -> None:
    hr_says_new_numbers(served)
    shown = [
        ringfence(served, *arguments, answer=f"{ENTERED}\n").output
        for arguments in (
            ("person", "numbers", "ada", "--private", "-", *WHY),
            ("person", "facts", "ada", "-", "--consent", "given", *WHY),
            ("person", "facts", "bob", "-", "--consent", "given", *WHY),
            ("person", "show", "ada"),
            ("person", "history", "ada"),
            ("hr", "sync", "--dry-run"),
            ("hr", "sync"),
            ("hr", "plan", "2"),
            ("hr", "approve", "2", *WHY, "--yes"),
            ("hr", "history"),
            ("status",),
        )
    ]
    for number in (*PRIVATE_NUMBERS, NEW_NUMBER, ENTERED, "+447700900555", "+447700900556"):
        digits = re.escape(number[3:])
        assert not [text for text in shown if re.search(digits, text.replace(" ", ""))], number
