"""The commands against a real server on a local socket, with a fake node behind it."""

from __future__ import annotations

import json
import os
import stat
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from typer.testing import CliRunner

from ringfence.app.snapshot import LinkView
from ringfence.cli.main import SETUP_COMMANDS
from ringfence.cli.status_picture import at_most
from ringfence.cli.times import ago, check_duration, until_text
from tests.fakes.node import DID, PRIVATE_NUMBERS, SCOPE, FakeNode
from tests.fakes.program import program
from tests.fakes.thread import ServedNode
from tests.unit.command_line import ringfence, told

WHY = ("--reason", "vendor confirms an outage")


def test_status_says_everything_in_words(served: ServedNode) -> None:
    shown = ringfence(served, "status")
    assert shown.exit_code == 0, shown.output
    for words in (
        "ALL WELL",
        SCOPE,
        "every probe is answered",
        "+ sip options: 200",
        "silence is noticed within 1.8 s",
        "no promise without traffic",
        "trunk mobile",
        "table     equal, generation 7, 2 records, verified 5 s ago",
        "asterisk  up, connected",
        "database  up, open",
    ):
        assert words in shown.stdout, shown.stdout
    assert "\x1b" not in shown.stdout, "colour without a terminal"
    assert told(ringfence(served, "status", "--json"))["scopes"][0]["mode"] == "NORMAL"


def test_status_check_is_for_monitoring(served: ServedNode) -> None:
    assert ringfence(served, "status", "--check").exit_code == 0

    def cut(node: FakeNode) -> None:
        node.asterisk = LinkView(False, "AMI: connection refused")

    served.call(cut)
    seen = ringfence(served, "status", "--check")
    assert seen.exit_code == 4
    assert "ATTENTION" in seen.stdout
    assert "! Asterisk: AMI: connection refused" in seen.stdout
    assert "asterisk  DOWN" in seen.stdout


def test_dr_on_shows_before_and_after_and_warns_without_an_end(served: ServedNode) -> None:
    done = ringfence(served, "dr", "on", "--scope", SCOPE, *WHY)
    assert done.exit_code == 0, done.output
    before, _, after = done.stdout.partition("after:")
    assert "calls go to the platform" in before
    assert "calls go to default numbers" in after
    assert "dr by ada until released: vendor confirms an outage" in after
    assert f"ringfence dr auto --scope {SCOPE}" in done.stderr
    with_end = ringfence(served, "dr", "on", "--all", "--for", "2h", *WHY, "--json")
    assert told(with_end)["override"]["until"] == "2030-01-15T14:00:00Z"
    assert with_end.stderr == ""


def test_dr_auto_releases_and_says_when_nothing_was_set(served: ServedNode) -> None:
    ringfence(served, "dr", "off", "--scope", SCOPE, *WHY)
    released = told(ringfence(served, "dr", "auto", "--scope", SCOPE, *WHY, "--json"))
    assert (released["released"], released["before"][0]["decision"], released["after"][0]["decision"]) == (
        True,
        "pinned",
        "normal",
    )
    again = ringfence(served, "dr", "auto", "--scope", SCOPE, *WHY)
    assert (again.exit_code, "nothing has changed" in again.stderr) == (0, True)


def test_one_did_in_a_local_format(served: ServedNode) -> None:
    done = ringfence(served, "dr", "on", "--did", "0113 496 0123", "--for", "1h", *WHY)
    assert (done.exit_code, done.stdout) == (0, f"{DID}: dr\n")
    explained = ringfence(served, "explain", "0113 496 0123")
    assert explained.exit_code == 0, explained.output
    for words in (
        f"{DID}: calls go to default numbers",
        "dr by ada: vendor confirms an outage",
        "as Asterisk holds it; equal to the table",
        "1. person +44*******123, rings 20 s (the owner's default number)",
        "announcement unavailable (the announcement every plan ends in",
    ):
        assert words in explained.stdout, explained.stdout
    assert not any(number in explained.stdout for number in PRIVATE_NUMBERS)


def test_explain_says_when_asterisk_holds_something_else(served: ServedNode) -> None:
    def forget(node: FakeNode) -> None:
        node.astdb.rows.clear()

    served.call(forget)
    explained = ringfence(served, "explain", DID)
    assert explained.exit_code == 4
    assert "Asterisk holds no record: transparent; NOT EQUAL TO THE TABLE" in explained.stdout


def test_freeze_history_and_calls(served: ServedNode) -> None:
    assert ringfence(served, "dr", "freeze", "--all", "--for", "1d", *WHY).exit_code == 0
    past = ringfence(served, "history", "--limit", "5")
    assert "freeze" in past.stdout
    assert "ada" in past.stdout
    assert told(ringfence(served, "history", "--json"))["history"][0]["why"] == WHY[1]
    assert ringfence(served, "calls").stdout == "No calls yet.\n"
    assert told(ringfence(served, "calls", "--did", DID, "--json")) == {"calls": [], "next": None}


USAGE: dict[str, tuple[tuple[str, ...], str]] = {
    "no target": (("dr", "on", *WHY), "--scope NAME, --site NAME, --team NAME"),
    "two targets": (("dr", "on", "--all", "--scope", SCOPE, *WHY), "--scope and --all are given together"),
    "no reason": (("dr", "on", "--all"), "--reason is missing"),
    "two ends": (("dr", "on", "--all", *WHY, "--for", "2h", "--until", "18:00"), "given together"),
    "bad duration": (("dr", "on", "--all", *WHY, "--for", "soon"), "write it as 90s, 15m, 2h or 1d"),
    "bad end": (("dr", "on", "--all", *WHY, "--until", "tonight"), "18:00, 2030-01-31 18:00"),
    "bad time of day": (("dr", "on", "--all", *WHY, "--until", "25:00"), "no time of day"),
    "no file": (("import",), "Give one or more of --people"),
    "missing file": (("import", "--people", "/no/such/file"), "does not exist"),
    "too many rows": (("calls", "--limit", "5000"), "less than or equal to 1000"),
}


@pytest.mark.parametrize("name", USAGE)
def test_wrong_use_ends_with_2_and_asks_nobody(name: str) -> None:
    arguments, words = USAGE[name]
    wrong = ringfence(None, *arguments)
    assert wrong.exit_code == 2, wrong.output
    assert words in " ".join(wrong.stderr.replace("│", " ").split()), wrong.stderr
    assert wrong.stdout == ""


REFUSED: dict[str, tuple[tuple[str, ...], str]] = {
    "unknown scope": (("dr", "on", "--scope", "teams", *WHY), "Known: uc."),
    "empty reason": (("dr", "on", "--all", "--reason", " "), "reason: is empty."),
    "control characters": (("dr", "on", "--all", "--reason", "\x1b[31m"), "one line of plain text"),
    "past": (("dr", "on", "--all", *WHY, "--until", "2020-01-01T00:00:00+00:00"), "is not between now and 31 days"),
    "too long": (("dr", "on", "--all", *WHY, "--for", "40d"), "31 days"),
    "not ours": (("dr", "on", "--did", "0113 496 0777", *WHY), "not in the directory"),
    "no number": (("explain", "reception"), "holds characters that no number has"),
    "unknown DID": (("explain", "+441134960777"), "is not a DID of ours"),
    "no failback": (("failback", "--scope", SCOPE, *WHY), "there is no failback to order"),
}


@pytest.mark.parametrize("name", REFUSED)
def test_a_refusal_ends_with_1_and_changes_nothing(name: str, served: ServedNode) -> None:
    arguments, words = REFUSED[name]
    refused = ringfence(served, *arguments)
    assert (refused.exit_code, refused.stdout) == (1, ""), refused.output
    assert words in refused.stderr
    as_object = told(ringfence(served, *arguments, "--json"), 1)
    assert words in f"{as_object['error']} {as_object['fix']}"
    assert served.node.failover.overrides == {}


@pytest.mark.parametrize(
    "arguments",
    [("status",), ("dr", "on", "--all", *WHY), ("explain", DID), ("calls",), ("history",), ("export", "/tmp/nowhere")],
)
def test_without_a_daemon_it_says_what_was_tried_and_what_to_run(arguments: tuple[str, ...]) -> None:
    lost = ringfence(None, *arguments)
    assert lost.exit_code == 3, lost.output
    assert "No daemon answers on /nonexistent/control.sock: there is no such socket." in lost.stderr
    assert "ringfence run" in lost.stderr
    assert told(ringfence(None, *arguments, "--json"), 3)["error"].startswith("No daemon answers")


def test_a_socket_that_nobody_serves(tmp_path: Path) -> None:
    import socket

    path = tmp_path / "control.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    lost = CliRunner(env={"RINGFENCE_CONFIG": None}).invoke(program(), ["--socket", str(path), "status"])
    assert lost.exit_code == 3
    assert "the socket is there and nobody listens" in lost.stderr


def test_the_socket_is_read_from_the_configuration(tmp_path: Path, served: ServedNode) -> None:
    config = tmp_path / "ringfence.toml"
    config.write_text(f'socket = "{served.place.removeprefix("unix:")}"\nnonsense = 1\n')
    environment = {"RINGFENCE_SOCKET": None, "RINGFENCE_CONFIG": None}
    seen = CliRunner(env=environment).invoke(program(), ["--config", str(config), "status"])
    assert seen.exit_code == 0, seen.output
    missing = CliRunner(env=environment).invoke(program(), ["--config", str(tmp_path / "none"), "status"])
    assert missing.exit_code == 2


def test_import_shows_asks_and_applies(served: ServedNode, tmp_path: Path) -> None:
    people = tmp_path / "staff.csv"
    people.write_text("key,name,site,default_number_1\nada,Ada,Leeds,+44 7700 900555\nbob,Bob Example,Leeds,\n")
    shown = ringfence(served, "import", "--people", str(people), "--dry-run")
    assert (shown.exit_code, "1 changed" in shown.stdout, "900555" in shown.stdout) == (0, True, False), shown.output
    unasked = ringfence(served, "import", "--people", str(people))
    assert (unasked.exit_code, "give --yes" in unasked.stderr) == (2, True)
    assert served.node.directory_store.stored.version == 1
    done = ringfence(served, "import", "--people", str(people), "--yes", "--json")
    assert (done.exit_code, told(done)["applied"]) == (0, True), done.output
    again = ringfence(served, "import", "--people", str(people), "--yes")
    assert (again.exit_code, again.stdout.splitlines()[-1]) == (0, "Nothing to change.")
    people.write_bytes("key,name,site,default_number_1\nada,Zo\u00eb,Leeds,999\n".encode("latin-1"))
    refused = ringfence(served, "import", "--people", str(people), "--yes")
    assert (refused.exit_code, "CSV UTF-8" in refused.stderr) == (1, True)


def test_export_is_for_its_owner_alone_and_overwrites_nothing(served: ServedNode, tmp_path: Path) -> None:
    target = tmp_path / "out"
    done = ringfence(served, "export", str(target))
    assert done.exit_code == 0, done.output
    assert sorted(path.name for path in target.iterdir()) == ["dids.csv", "people.csv", "sites.csv", "teams.csv"]
    assert {stat.S_IMODE(path.stat().st_mode) for path in target.iterdir()} == {0o600}
    assert PRIVATE_NUMBERS[0] in (target / "people.csv").read_text().replace(" ", "")
    assert ringfence(served, "export", str(target)).exit_code == 2
    assert ringfence(served, "export", str(target), "--force").exit_code == 0
    same = [f"--{part}={target / part}.csv" for part in ("people", "dids", "sites", "teams")]
    assert ringfence(served, "import", *same).stdout.endswith("Nothing to change.\n")


def test_teams_are_imported_and_shown_with_who_can_be_reached(served: ServedNode, tmp_path: Path) -> None:
    assert "There is no team line" in ringfence(served, "teams").stdout
    teams = tmp_path / "teams.csv"
    teams.write_text("name,site,members,floor\nSales,Leeds,ada bob,2\n")
    done = ringfence(served, "import", "--teams", str(teams), "--yes")
    assert (done.exit_code, "+ team Sales: site Leeds" in done.stderr) == (0, True), done.output
    shown = ringfence(served, "teams", "--members", "--check")
    assert (shown.exit_code, "BELOW FLOOR" in shown.stdout, "Ada Example" in shown.stdout) == (4, True, True)
    assert told(ringfence(served, "teams", "--json"))["teams"][0]["floor"] == 2
    assert not any(number in shown.output for number in PRIVATE_NUMBERS)


def test_watch_prints_each_change_as_it_happens(served: ServedNode) -> None:
    environment = {**os.environ, "RINGFENCE_SOCKET": served.place.removeprefix("unix:")}
    program = [sys.executable, "-c", "from ringfence.cli import main; main()", "status", "--watch", "--json"]
    with subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        assert json.loads(watching.stdout.readline())["scopes"][0]["decision"] == "normal"
        ringfence(served, "dr", "on", "--scope", SCOPE, *WHY)
        decisions = {json.loads(watching.stdout.readline())["scopes"][0]["decision"]}
        watching.terminate()
    assert decisions == {"divert"}


def test_watch_into_a_pipe_does_not_wait_for_its_end(served: ServedNode) -> None:
    environment = {**os.environ, "RINGFENCE_SOCKET": served.place.removeprefix("unix:")}
    program = [sys.executable, "-c", "from ringfence.cli import main; main()", "status", "--watch"]
    with subprocess.Popen(program, env=environment, stdout=subprocess.PIPE, text=True) as watching:
        assert watching.stdout is not None
        first = watching.stdout.readline()
        watching.terminate()
    assert first.startswith("ALL WELL")


def test_a_promise_is_rounded_up() -> None:
    assert [at_most(seconds) for seconds in (1.8, 2.25, 14.45, 1.1)] == ["1.8 s", "2.3 s", "14.5 s", "1.1 s"]


def test_asking_loads_nothing_that_only_the_daemon_needs() -> None:
    heavy = {"aiohttp", "fastapi", "sqlalchemy", "phonenumbers", "pydantic", "prometheus_client", "rich"}
    heavy |= {"alembic", "apprise", "asyncssh", "cryptography", "jinja2", "ldap3", "psycopg", "pyrage", "uvicorn"}
    program = f"import sys; from ringfence.cli.main import build; build(); print(sorted({heavy!r} & set(sys.modules)))"
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


def test_the_setup_commands_are_those_that_are_named() -> None:
    import typer

    from ringfence.cli import setup_commands

    app = typer.Typer()
    setup_commands.add_to(app)
    assert tuple(command.name for command in app.registered_commands) == SETUP_COMMANDS


def test_times_as_people_write_them() -> None:
    now = datetime(2030, 1, 15, 12, 0, tzinfo=UTC)
    assert until_text("18:00", now) == "2030-01-15T18:00:00+00:00"
    assert until_text("9:30", now) == "2030-01-16T09:30:00+00:00"
    assert datetime.fromisoformat(until_text("2030-01-31 18:00", now)).tzinfo is not None
    assert until_text("2030-01-31T18:00:00+02:00", now) == "2030-01-31T18:00:00+02:00"
    assert check_duration("90s") == "90s"
    for seconds, words in ((5, "5 s ago"), (200, "3 min ago"), (7300, "2 h ago"), (200_000, "2 d ago")):
        assert ago((now - timedelta(seconds=seconds)).isoformat(), now.isoformat()) == words
