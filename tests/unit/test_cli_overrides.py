"""`ringfence dr` for sites, lists and ranges, its preview, undo and second person, against a node on a local socket."""

from __future__ import annotations

import json

import pytest

from ringfence.app.second_person import SecondPersonPolicy
from ringfence.cli import dr_targets
from ringfence.domain.override import Level
from tests.fakes.node import DID, OTHER_DID, SCOPE, FakeNode
from tests.fakes.thread import ServedNode
from tests.unit.command_line import ringfence, told

WHY = ("--reason", "drill")


@pytest.mark.parametrize(
    ("target", "shown"),
    [
        (("--site", "Leeds"), "site Leeds: dr"),
        (("--did", DID, "--did", "0113 496 0124"), f"2 DIDs from {DID} to {OTHER_DID}: dr"),
        (("--from", "0113 496 0100", "--to", "0113 496 0199"), f"2 DIDs from {DID} to {OTHER_DID}: dr"),
    ],
)
def test_one_order_for_many_dids_is_taken_back_by_its_id(
    served: ServedNode, target: tuple[str, ...], shown: str
) -> None:
    done = ringfence(served, "dr", "on", *target, *WHY)
    assert (done.exit_code, done.stdout.strip()) == (0, shown), done.output
    (word,) = told(ringfence(served, "status", "--json"))["overrides"]
    assert f"ringfence dr auto --id {word['id']}" in done.stderr
    assert word["id"] in ringfence(served, "status").stdout
    explained = ringfence(served, "explain", OTHER_DID).stdout
    assert f"{OTHER_DID}: calls go to default numbers" in explained and "that counts" in explained
    released = ringfence(served, "dr", "auto", "--id", word["id"], *WHY)
    assert (released.exit_code, "released" in released.stdout) == (0, True), released.output
    assert told(ringfence(served, "status", "--json"))["overrides"] == []


def test_whoever_gives_a_platform_back_sees_what_still_counts_more(served: ServedNode) -> None:
    assert "still stand" not in ringfence(served, "dr", "on", "--scope", SCOPE, *WHY).stdout
    ringfence(served, "dr", "on", "--site", "Leeds", *WHY)
    released = ringfence(served, "dr", "auto", "--scope", SCOPE, *WHY)
    assert "These still stand and count more: site Leeds: dr." in released.stdout, released.output


def test_a_preview_is_a_table_and_changes_nothing(served: ServedNode) -> None:
    seen = ringfence(served, "dr", "preview", "on", "--scope", SCOPE)
    assert seen.exit_code == 0, seen.output
    for words in ("would go to default numbers", "2 DIDs would go to default numbers", "1 end at the reception"):
        assert words in seen.stdout, seen.stdout
    assert told(ringfence(served, "dr", "preview", "auto", "--scope", SCOPE, "--json"))["to_dr"] == 0
    assert told(ringfence(served, "status", "--json"))["overrides"] == []
    assert ringfence(served, "dr", "preview", "dr", "--all").exit_code == 2


def test_undo_brings_back_what_stood_before(served: ServedNode) -> None:
    told(ringfence(served, "dr", "off", "--site", "Leeds", *WHY, "--json"))
    second = told(ringfence(served, "dr", "on", "--site", "Leeds", *WHY, "--json"))
    undone = ringfence(served, "dr", "undo", second["override"]["id"], *WHY)
    assert (undone.exit_code, undone.stdout) == (0, "site Leeds: normal, as before\n"), undone.output
    assert ringfence(served, "dr", "undo", second["override"]["id"], *WHY).exit_code == 1


def test_a_second_person_approves_and_whoever_asked_does_not(served: ServedNode) -> None:
    def strict(node: FakeNode) -> None:
        node.second_person.policy = SecondPersonPolicy(frozenset({Level.EVERYTHING}))

    served.call(strict)
    asked = ringfence(served, "dr", "on", "--all", *WHY)
    assert (asked.exit_code, "Nothing has changed yet" in asked.stderr) == (4, True), asked.output
    (waiting,) = told(ringfence(served, "dr", "pending", "--json"))["pending"]
    assert waiting["id"] in ringfence(served, "dr", "pending").stdout
    refused = ringfence(served, "dr", "approve", waiting["id"])
    assert (refused.exit_code, "another person" in refused.stderr) == (1, True), refused.output
    approved = ringfence(served, "dr", "approve", waiting["id"], who="bob")
    assert (approved.exit_code, approved.stdout) == (0, "everything: dr, asked for by ada\n"), approved.output
    assert "ada, approved by bob" in ringfence(served, "status").stdout
    asked = ringfence(served, "dr", "off", "--all", *WHY, "--json")
    rejected = ringfence(served, "dr", "reject", json.loads(asked.stdout)["pending"]["id"], *WHY)
    assert (rejected.exit_code, "rejected" in rejected.stdout) == (0, True), rejected.output
    assert ringfence(served, "dr", "pending").stdout == "No order waits for a second person.\n"


def test_the_shell_is_offered_names_and_nothing_without_a_daemon(
    served: ServedNode, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RINGFENCE_SOCKET", served.place.removeprefix("unix:"))
    offered = [complete(typed) for complete, typed in ((dr_targets._sites, "le"), (dr_targets._scopes, ""))]
    assert offered == [["Leeds"], [SCOPE]]
    assert dr_targets._teams("") == []
    monkeypatch.setenv("RINGFENCE_SOCKET", "/nonexistent/control.sock")
    assert dr_targets._sites("") == []


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("on", "--site", "Leeds", "--team", "Sales"), "--site and --team are given together"),
        (("on", "--from", DID), "Give both --from and --to"),
        (("auto", "--id", "x", "--all"), "--id is given together"),
    ],
)
def test_a_wrong_call_ends_with_what_to_write(served: ServedNode, arguments: tuple[str, ...], words: str) -> None:
    wrong = ringfence(served, "dr", *arguments, *WHY)
    assert (wrong.exit_code, words in wrong.stderr) == (2, True), wrong.output
