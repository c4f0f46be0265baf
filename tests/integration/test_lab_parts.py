"""The parts of the lab that must not fail silently: ports, processes, waits, the kept root."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.async_api import Browser

from tests.lab import desk_programs, provision
from tests.lab.browser import visitor
from tests.lab.far_end import CHECKOUT
from tests.lab.installation import Installation
from tests.lab.ports import Ports
from tests.lab.process import SupervisedProcess
from tests.lab.records import CallRecord
from tests.lab.sipp_trace import CarrierLog, SippTrace
from tests.lab.waiting import LabError, WaitTimeoutError, wait_until


def test_two_labs_never_share_a_port(tmp_path: Path) -> None:
    first, second = Ports(tmp_path), Ports(tmp_path)
    mine = {first.take() for _ in range(50)}
    theirs = {second.take() for _ in range(50)}
    assert not mine & theirs
    first.close()
    second.close()
    again = Ports(tmp_path)
    assert again.take() in mine
    again.close()


async def test_a_failed_wait_says_what_and_why(tmp_path: Path) -> None:
    with pytest.raises(WaitTimeoutError, match=r"waited 0\.15 s for a miracle\nnone today"):
        await wait_until(lambda: False, what="a miracle", deadline_seconds=0.05, diagnose=lambda: "none today")


async def test_a_process_that_dies_early_is_reported_with_its_log(tmp_path: Path) -> None:
    process = SupervisedProcess("brief", ["sh", "-c", "echo out of order; exit 3"], tmp_path / "log")
    process.start()
    with pytest.raises(LabError, match=r"(?s)ended with status 3 before.*out of order"):
        await process.wait_ready(lambda: False, what="ready", deadline_seconds=5)


async def test_a_frozen_process_can_be_stopped(tmp_path: Path) -> None:
    process = SupervisedProcess("sleeper", ["sleep", "60"], tmp_path / "log")
    process.start()
    await process.freeze()
    assert process.running
    await process.stop()
    assert not process.running


async def test_children_die_with_a_killed_test_run(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    program = (
        "import pathlib, sys, signal\n"
        "from tests.lab.process import SupervisedProcess\n"
        "child = SupervisedProcess('child', ['sleep', '60'], pathlib.Path(sys.argv[1] + '.log'))\n"
        "child.start()\n"
        "pathlib.Path(sys.argv[1]).write_text(str(child.pid))\n"
        "signal.pause()\n"
    )
    with subprocess.Popen([sys.executable, "-c", program, str(pid_file)], cwd=CHECKOUT) as parent:
        await wait_until(lambda: pid_file.exists() and pid_file.read_text(), what="the child", deadline_seconds=5)
        os.kill(parent.pid, signal.SIGKILL)
        parent.wait(5)
    status = Path(f"/proc/{pid_file.read_text()}/stat")
    await wait_until(lambda: not status.exists() or " Z " in status.read_text(), what="its end", deadline_seconds=5)


def test_a_changed_recipe_gets_a_root_of_its_own(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    built: list[Path] = []

    def build(root: Path, *_: object) -> None:
        built.append(root)
        root.mkdir()

    monkeypatch.setenv("RINGFENCE_LAB_CACHE", str(tmp_path))
    monkeypatch.setattr(provision, "_build", build)
    monkeypatch.setattr("os.geteuid", lambda: 0)
    assert provision.ensure_root() == provision.ensure_root()
    provision.ensure_root(("--variant=other",))
    assert len(built) == len(set(built)) == 2


async def test_a_useless_asterisk_on_the_path_is_passed_over(
    installation: Installation,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    if installation.asterisk.root is None:
        pytest.skip("the lab uses the system's own Asterisk here, and needs no root of its own")
    useless = tmp_path / "asterisk"
    useless.write_text("#!/bin/sh\necho too old; exit 1\n")
    useless.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert (await provision.provision()).asterisk == installation.asterisk
    assert "the asterisk on PATH cannot be used" in capsys.readouterr().err


def test_without_root_the_way_out_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.geteuid", lambda: 1000)
    with pytest.raises(LabError, match="run it as root"):
        provision.ensure_root()


def test_a_browser_that_cannot_be_installed_is_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.delenv("RINGFENCE_LAB_BROWSER", raising=False)
    with pytest.raises(LabError, match="apt-get install chromium"):
        desk_programs.ensure_browser()


def test_a_fetched_promtool_is_not_fetched_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "")
    monkeypatch.setenv("RINGFENCE_LAB_CACHE", str(tmp_path))
    with pytest.raises(LabError, match="no promtool on PATH"):
        desk_programs.ensure_promtool()
    (tmp_path / "promtool").write_text("#!/bin/sh\n")
    assert desk_programs.ensure_promtool() == tmp_path / "promtool"


async def test_a_browser_tells_what_its_console_complained_of(browser: Browser) -> None:
    async with visitor(browser, "http://127.0.0.1:1") as somebody:
        await somebody.page.set_content(
            "<h1>here</h1><script>console.error('broken'); throw new Error('thrown')</script>"
        )
        assert await somebody.page.inner_text("h1") == "here"
        assert somebody.complaints == ["error: broken", "thrown: thrown"]


def test_a_trace_is_read_while_it_is_written(tmp_path: Path) -> None:
    invite = b"INVITE sip:+441@127.0.0.1 SIP/2.0\r\nFrom: <sip:+442@x>;tag=1\r\nCall-ID: a\r\nCSeq: 1 INVITE\r\n\r\n"
    ringing = b"SIP/2.0 180 Ringing\r\nFrom: <sip:+442@x>;tag=1\r\nCall-ID: a\r\nCSeq: 1 INVITE\r\n\r\n"
    path = tmp_path / "trace"
    trace, log = SippTrace(path), CarrierLog()
    assert trace.read() == []

    def entry(time: str, direction: str, message: bytes) -> bytes:
        head = f"{'-' * 47} {time}\nUDP message {direction} [{len(message)}] bytes:\n\n"
        return head.encode() + message + b"\n"

    whole = entry("1970-01-01T00:00:01.000250Z", "sent", invite)
    whole += entry("1970-01-01 00:00:01.050500", "received", ringing)
    for cut in (len(whole) // 2, len(whole) - 10, len(whole)):
        path.write_bytes(whole[:cut])
        for message in trace.read():
            log.note(message)
    assert log.records() == [CallRecord("a", "+441", "+442", 1.00025, ringing_at=1.0505)]
