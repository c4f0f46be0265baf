"""`ringfence incident`, against a daemon on a socket."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from zipfile import ZipFile

import pytest
from typer.testing import CliRunner, Result

from ringfence.domain.incident import Gap, GapReason
from tests.fakes.clock import NOON
from tests.fakes.node import DID, FakeNode
from tests.fakes.program import program
from tests.fakes.thread import ServedNode, served_on_socket
from tests.unit.test_web_incidents import CALLER, fill


def _with_a_gap(node: FakeNode) -> None:
    fill(node)
    at = NOON - timedelta(minutes=50)
    node.incidents.gaps.kept[1] = Gap(1, at, at, GapReason.STOPPED, covered=False, calls=0, detail="no such file")


@pytest.fixture
def served(tmp_path: Path) -> Iterator[ServedNode]:
    with served_on_socket(tmp_path / "control.sock") as node:
        node.call(_with_a_gap)
        yield node


def ringfence(served: ServedNode | None, *arguments: str) -> Result:
    socket = "/nonexistent/control.sock" if served is None else served.place.removeprefix("unix:")
    environment = {"COLUMNS": "200", "SUDO_USER": "ada"}
    return CliRunner().invoke(program(), ["--socket", socket, "incident", *arguments], env=environment)


def test_list_show_and_note(served: ServedNode) -> None:
    listed = ringfence(served, "list")
    assert (listed.exit_code, "STILL OPEN" in listed.stdout, "legacy" in listed.stdout) == (0, True, True)
    assert "legacy" not in ringfence(served, "list", "--open").stdout
    assert "--before 3" in ringfence(served, "list", "--limit", "1").stderr
    assert ringfence(served, "list", "--scope", "none").stdout == "There is none.\n"
    noted = ringfence(served, "note", "1", "they know, 07700 900123")
    assert (noted.exit_code, "900123" in noted.stdout) == (0, False), noted.output
    shown = ringfence(served, "show", "1")
    for words in ("Incident 1 of uc: every kind", "calls: 3", "they know", "2 open", "NOT COVERED", "announcement"):
        assert words in shown.stdout, (words, shown.output)
    assert json.loads(ringfence(served, "show", "1", "--json").stdout)["incident"]["id"] == 1
    assert ringfence(served, "show", "9").exit_code == 1


def test_the_call_back_list(served: ServedNode) -> None:
    seen = ringfence(served, "missed", "1", "--check")
    assert seen.exit_code == 4
    for words in ("+44*******001", "withheld", DID, "2 open", "! "):
        assert words in seen.stdout, (words, seen.output)
    assert CALLER[3:] not in seen.output
    calling = ringfence(served, "called-back", "1", "a.1", "--state", "calling")
    assert (calling.exit_code, "being called (ada" in calling.stdout) == (0, True), calling.output
    for call in ("a.1", "a.3"):
        assert ringfence(served, "called-back", "1", call).exit_code == 0
    done = ringfence(served, "missed", "1", "--check")
    assert (done.exit_code, "2 done" in done.stdout) == (0, True)
    assert "+44" not in ringfence(served, "missed", "1", "--waiting").stdout
    assert ringfence(served, "called-back", "1", "none").exit_code == 1
    wrong = ringfence(served, "called-back", "1", "a.1", "--state", "maybe")
    assert (wrong.exit_code, "not_needed" in wrong.stderr) == (2, True)


def test_the_evidence_is_written_once_and_for_its_owner_alone(served: ServedNode, tmp_path: Path) -> None:
    pack = tmp_path / "incident.zip"
    done = ringfence(served, "evidence", "1", "-o", str(pack), "--without-people")
    assert done.exit_code == 0, done.output
    assert pack.stat().st_mode & 0o077 == 0
    with ZipFile(pack) as zipped:
        assert "person-1" in zipped.read("calls.csv").decode()
    again = ringfence(served, "evidence", "1", "-o", str(pack))
    assert (again.exit_code, "is there already" in again.stderr) == (2, True)
    nowhere = ringfence(served, "evidence", "1", "-o", str(tmp_path / "none" / "x.zip"))
    assert nowhere.exit_code == 2
    unknown = ringfence(served, "evidence", "9", "-o", str(tmp_path / "y.zip"))
    assert (unknown.exit_code, (tmp_path / "y.zip").exists()) == (1, False)


@pytest.mark.parametrize(
    "arguments",
    [("list",), ("show", "1"), ("note", "1", "x"), ("missed", "1"), ("called-back", "1", "a"), ("evidence", "1")],
    ids=" ".join,
)
def test_without_a_daemon_it_says_how_to_start_one(arguments: tuple[str, ...], tmp_path: Path) -> None:
    output = ("-o", str(tmp_path / "x.zip")) if arguments[0] == "evidence" else ()
    lost = ringfence(None, *arguments, *output)
    assert (lost.exit_code, "Start it with `ringfence run`" in lost.stderr) == (3, True), lost.output
