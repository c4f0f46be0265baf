"""`ringfence notify` against a real server on a local socket."""

from __future__ import annotations

import json

import pytest
from typer.testing import Result

from ringfence.app.notify.ports import ChannelUnavailable
from ringfence.cli.invocation import console
from ringfence.cli.notice_commands import show_routes
from ringfence.domain.notice import Notice, NoticeKind, Severity
from tests.fakes.node import FakeNode
from tests.fakes.thread import ServedNode
from tests.unit.command_line import ringfence


def notify(served: ServedNode, *arguments: str) -> Result:
    return ringfence(served, "notify", *arguments)


async def tell(node: FakeNode) -> None:
    at = node.clock.now().wall
    await node.notices.notifier.tell(
        Notice("event:1", NoticeKind.ALARM, Severity.CRITICAL, at, "the disk is full", "Make room.")
    )


async def break_the_route(node: FakeNode) -> None:
    node.channel.fault = ChannelUnavailable("503 Service Unavailable.")
    node.notices.workers[0].failing = "503 Service Unavailable."


def test_what_people_are_told_is_listed_and_acknowledged(served: ServedNode) -> None:
    assert "There is none." in notify(served, "list").stdout
    served.wait_for(tell)
    listed = notify(served, "list", "--state", "waiting", "--unacknowledged").stdout
    assert "the disk is full" in listed and "desk: waiting" in listed
    assert "ada" in notify(served, "ack", "1").stdout
    assert json.loads(notify(served, "list", "--unacknowledged", "--json").stdout)["notices"] == []
    unknown = notify(served, "ack", "2")
    assert (unknown.exit_code, "no notice 2" in unknown.stderr) == (1, True)
    assert "`ringfence notify list`" in unknown.stderr


def test_a_route_is_tried_and_one_that_fails_ends_with_4(served: ServedNode) -> None:
    good = notify(served, "test", "desk")
    assert (good.exit_code, good.stdout.strip()) == (0, "desk took the test: 200 OK")
    assert notify(served, "routes").exit_code == 0
    served.wait_for(break_the_route)
    bad = notify(served, "test", "desk")
    assert (bad.exit_code, bad.stdout.strip()) == (4, "desk DID NOT TAKE the test: 503 Service Unavailable.")
    assert notify(served, "routes").exit_code == 4
    assert notify(served, "test", "pigeon").exit_code == 1


def test_without_a_route_the_setting_is_named_as_it_is_written(capsys: pytest.CaptureFixture[str]) -> None:
    show_routes(console(), {"routes": []})
    assert "See [[notify]] in the configuration." in capsys.readouterr().out
