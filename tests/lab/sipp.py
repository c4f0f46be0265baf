"""SIPp as a carrier that brings many calls, and as a mobile network that takes them.

Load is bounded in count and in time. Records can be read while it runs, so that a demonstration
can tell what happens as it happens.
"""

from __future__ import annotations

import itertools
import os
import signal
from collections.abc import Mapping, Sequence
from pathlib import Path

from tests.lab.installation import Home
from tests.lab.ports import HOST, Ports
from tests.lab.process import SupervisedProcess
from tests.lab.records import CallRecord, ReceivedCall
from tests.lab.sipp_trace import CarrierLog, NetworkLog, SippTrace
from tests.lab.waiting import LabError, tail_of, wait_until

SCENARIOS = Path(__file__).parent / "scenarios"
START_DEADLINE_SECONDS = 10.0
NETWORK_LIFETIME_SECONDS = 3600
SETTLE_SECONDS = 15.0
# SIPp says 1 when calls failed, 97 when it ran into its own time limit, 99 when there were no
# calls: results to be read from the records. Anything else means that SIPp itself could not run.
RESULT_STATUSES = (0, 1, 97, 99)
REFUSALS = (
    *(300, 301, 302, 305, 380, 400, 401, 402, 403, 404, 405, 406, 407, 408, 410, 413, 414, 415, 416),
    *(420, 421, 422, 423, 480, 481, 482, 483, 484, 485, 486, 487, 488, 489, 491, 493, 494),
    *(500, 501, 502, 503, 504, 505, 513, 580, 600, 603, 604, 606, 607, 608),
)


class _Sipp:
    """One SIPp after another on one port, each run with its own trace."""

    def __init__(self, home: Home, ports: Ports, name: str) -> None:
        self.name = name
        self.host = HOST
        self.target_host = HOST
        self.port = ports.take()
        self._media_port = ports.take()
        self._home = home
        self._scratch = home.make_scratch(name)
        self._run_count = 0
        self.process: SupervisedProcess | None = None

    async def _run(self, scenario: str, values: Mapping[str, str], arguments: Sequence[str]) -> SippTrace:
        """Start it; returns when it has bound its port."""
        if self.process is not None and self.process.running:
            raise LabError(f"{self.name} is still running")
        self._run_count += 1
        stem = f"run{self._run_count}"
        text = (SCENARIOS / scenario).read_text(encoding="utf-8")
        for placeholder, value in values.items():
            text = text.replace(placeholder, value)
        (self._scratch.outside / f"{stem}.xml").write_text(text, encoding="utf-8")
        inside = f"{self._scratch.inside}/{stem}"
        command = self._home.command(
            "sipp",
            *arguments,
            *("-sf", f"{inside}.xml", "-i", HOST, "-p", str(self.port), "-mp", str(self._media_port)),
            *("-nostdin", "-aa", "-skip_rlimit", "-trace_msg", "-message_file", f"{inside}.trace"),
            *("-trace_err", "-error_file", f"{inside}.errors"),
        )
        self.process = SupervisedProcess(
            self.name,
            command,
            self._scratch.outside / f"{stem}.log",
            # The trace's times have no zone in older releases.
            environment={**os.environ, "TZ": "UTC", "TERM": "dumb"},
        )
        trace_path = self._scratch.outside / f"{stem}.trace"
        self.process.start()
        await self.process.wait_ready(
            lambda: _listens(self.port) or trace_path.exists(),
            what=f"listening on {self.port}",
            deadline_seconds=START_DEADLINE_SECONDS,
        )
        return SippTrace(trace_path)

    def _running(self) -> SupervisedProcess:
        if self.process is None:
            raise LabError(f"{self.name} was never started")
        return self.process

    def diagnosis(self) -> str:
        errors = tail_of(self._scratch.outside / f"run{self._run_count}.errors", 10)
        return f"{self._running().log_tail(10)}\n{errors}"

    async def kill(self) -> None:
        await self._running().kill()

    async def freeze(self) -> None:
        await self._running().freeze()

    async def thaw(self) -> None:
        self._running().thaw()

    async def close(self) -> None:
        if self.process is not None:
            await self.process.kill()
        self._scratch.remove()


class CarrierLoad(_Sipp):
    """A carrier. Every call of its life has a caller's number of its own."""

    def __init__(
        self,
        home: Home,
        ports: Ports,
        *,
        name: str = "carrier",
        first_caller: int = 441_632_000_000,
    ) -> None:
        super().__init__(home, ports, name)
        self._callers = itertools.count(first_caller)
        self._traces: list[SippTrace] = []
        self._log = CarrierLog()
        self._deadline_seconds = 0.0

    async def start(
        self,
        target_port: int,
        dids: Sequence[str],
        *,
        call_count: int,
        calls_per_second: float,
        hold_seconds: float = 1.0,
        patience_seconds: float = 60.0,
        at_once: int | None = None,
    ) -> None:
        """Bring `call_count` calls to the DIDs in turn; returns as soon as calls are placed.

        A caller waits `patience_seconds` without any sign before he cancels. With `at_once` there are never more calls
        at the same time, and the next one waits for another's end.
        """
        rows = [f"{did};+{next(self._callers)};" for did in itertools.islice(itertools.cycle(dids), call_count)]
        numbers = f"run{self._run_count + 1}.csv"
        (self._scratch.outside / numbers).write_text("\n".join(["SEQUENTIAL", *rows, ""]), encoding="utf-8")
        self._deadline_seconds = call_count / calls_per_second + hold_seconds + patience_seconds + SETTLE_SECONDS
        trace = await self._run(
            "carrier.xml",
            {
                "PATIENCE_MS": str(round(patience_seconds * 1000)),
                "HOLD_MS": str(max(1, round(hold_seconds * 1000))),
                "REFUSALS": "\n".join(
                    f'  <recv response="{status}" optional="true" next="refused"/>' for status in REFUSALS
                ),
            },
            [
                f"{self.target_host}:{target_port}",
                *("-inf", f"{self._scratch.inside}/{numbers}", "-m", str(call_count)),
                # Calls in milliseconds each, so that fractions of a call per second are possible.
                *("-r", "1", "-rp", str(max(1, round(1000 / calls_per_second)))),
                *("-l", str(at_once or call_count), "-timeout", f"{self._deadline_seconds:.0f}s"),
            ],
        )
        self._traces.append(trace)

    async def finish(self) -> list[CallRecord]:
        """Place no more calls, let those in progress end, and give all records."""
        if self._running().running:
            self._running().send_signal(signal.SIGUSR1)
        return await self.wait_finished()

    async def wait_finished(self) -> list[CallRecord]:
        status = await self._running().wait_exit(self._deadline_seconds + SETTLE_SECONDS)
        if status not in RESULT_STATUSES:
            raise LabError(f"{self.name}: SIPp ended with status {status}\n{self.diagnosis()}")
        return self.records()

    async def wait_records(self, count: int, deadline_seconds: float) -> list[CallRecord]:
        """Until so many calls have been placed, ended or not."""
        await wait_until(
            lambda: len(self.records()) >= count,
            what=f"{count} calls placed by {self.name}",
            deadline_seconds=deadline_seconds,
            diagnose=self.diagnosis,
            interval_seconds=0.1,
        )
        return self.records()

    def records(self) -> list[CallRecord]:
        """Every call so far, in order of placing, as far as it has got."""
        for trace in self._traces:
            for message in trace.read():
                self._log.note(message)
        return self._log.records()


class SippNetwork(_Sipp):
    """A mobile network under load. To change its ways under traffic, use `far_end.MobileNetwork`."""

    def __init__(self, home: Home, ports: Ports, *, name: str = "sipp-network") -> None:
        super().__init__(home, ports, name)
        self._traces: list[SippTrace] = []
        self._log = NetworkLog()

    async def start(self, *, ring_delay_ms: int = 50, answer_delay_ms: int = 100) -> None:
        """Every number answers."""
        values = {"RING_MS": str(ring_delay_ms), "ANSWER_MS": str(answer_delay_ms)}
        await self._take_calls("mobile-network.xml", values)

    async def answer(self, status: int) -> None:
        """Refuse every call. Replaces the running process: calls in progress are dropped."""
        if self.process is not None:
            await self.process.kill()
        await self._take_calls("refusing-network.xml", {"STATUS": str(status)})

    async def _take_calls(self, scenario: str, values: Mapping[str, str]) -> None:
        limits = ["-timeout", f"{NETWORK_LIFETIME_SECONDS}s"]
        self._traces.append(await self._run(scenario, values, limits))

    def calls(self) -> list[ReceivedCall]:
        for trace in self._traces:
            for message in trace.read():
                self._log.note(message)
        return self._log.calls()


def _listens(port: int) -> bool:
    """Asked of the kernel's table: binding the port ourselves would get in SIPp's way."""
    wanted = f":{port:04X} "
    return any(wanted in line for line in Path("/proc/net/udp").read_text().splitlines())
