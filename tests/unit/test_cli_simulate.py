"""`ringfence simulate` against a real server on a local socket: what a caller would experience, numbers masked."""

from __future__ import annotations

import pytest

from tests.fakes.node import DID, PRIVATE_NUMBERS, SCOPE
from tests.fakes.thread import ServedNode
from tests.unit.command_line import ringfence, told

WHY = ("--reason", "vendor confirms an outage")


def test_normal_call_is_the_platforms(served: ServedNode) -> None:
    shown = ringfence(served, "simulate", "0113 496 0123", "--from", "+447700900999")
    assert shown.exit_code == 0, shown.output
    for words in (
        f"{DID}, called by +44*******999, which comes by trunk carrier",
        "platform uc answers",
        "the platform takes the call",
    ):
        assert words in shown.stdout, shown.stdout


def test_dead_platform_is_told_step_by_step_with_numbers_masked(served: ServedNode) -> None:
    shown = ringfence(served, "simulate", DID, "--platform", "down")
    assert shown.exit_code == 0, shown.output
    for words in (
        "called by a withheld number, which comes",
        "decision normal: platform-failure",
        "platform uc fails",
        "nothing yet",
        "+44*******123 rings, and is not answered",
        "announcement unavailable",
        "the caller hears the announcement",
        "Not simulated",
    ):
        assert words in shown.stdout, shown.stdout
    assert not any(number in shown.stdout for number in PRIVATE_NUMBERS)
    found = told(ringfence(served, "simulate", DID, "--platform", "down", "--answers", "1", "--json"))
    assert (found["ending"]["answered_by"], found["ending"]["step"], found["ending"]["path"]) == ("person", 1, "inline")
    assert found["happenings"][1]["targets"] == ["+44*******123"]
    assert found["happenings"][1]["at_seconds"] == 8


def test_it_follows_the_mode_and_a_persons_word(served: ServedNode) -> None:
    ringfence(served, "dr", "on", "--scope", SCOPE, *WHY)
    found = told(ringfence(served, "simulate", DID, "--json"))
    assert (found["ending"]["path"], found["ending"]["reason"]) == ("divert", "scope-divert")
    ringfence(served, "dr", "off", "--did", DID, *WHY)
    found = told(ringfence(served, "simulate", DID, "--json"))
    assert (found["ending"]["answered_by"], found["ending"]["reason"]) == ("platform", "forced-pinned")


def test_nobodys_did_is_transparent(served: ServedNode) -> None:
    found = told(ringfence(served, "simulate", "+441134960777", "--json"))
    assert (found["ending"]["path"], found["ending"]["reason"]) == ("transparent", "no-record")


@pytest.mark.parametrize(
    ("options", "words"),
    [
        (("--trunk", "nowhere"), "there is no trunk 'nowhere'"),
        (("--at", "some day"), "is no time"),
        (("--platform", "sleepy"), "'undeliverable'"),
        (("--numbers", "sleepy"), "'voicemail'"),
    ],
)
def test_what_cannot_be_asked_is_said(served: ServedNode, options: tuple[str, str], words: str) -> None:
    wrong = ringfence(served, "simulate", DID, *options)
    assert wrong.exit_code in (1, 2)
    assert words in wrong.stderr
