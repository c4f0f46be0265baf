"""`make demo`: a real Asterisk loses its primary platform in mid-traffic, and no caller is lost.

Everything is real and on the loopback: Asterisk, SIPp as the carrier, the daemon as a process of its own; the primary
platform and the mobile network are the lab's user agent, which can change its ways under traffic.
Exit status 1 when a call was lost.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import random
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.lab.lab import Lab
from tests.lab.mode_watch import ModeWatch
from tests.lab.node import RingfenceNode
from tests.lab.people import SITES, Organisation
from tests.lab.provision import provision
from tests.lab.tally import Tally, between, tally, usual_delay_seconds
from tests.lab.waiting import LabError, wait_until

REPORT = Path("build/demo-report.json")
CALLS_PER_SECOND = 5.0
LONGEST_SECONDS = 150
BUSY_LINES = 60
# Narrow enough for a terminal of 80 columns.
HEADINGS = (
    "offered",
    "plat-\nform",
    "default\nnumber",
    "fall-\nback",
    "announ-\ncement",
    "busy or\nunansw.",
    "lost",
    "worst\nadded ms",
    "verdict\nms",
)
PLATFORM = {"hold_down_seconds": "4", "refusing_window_seconds": "8", "trial_calls": "4"}


@dataclass(frozen=True)
class Phase:
    """One act: what is done, what to watch for, and how long it is looked at."""

    name: str
    words: str
    act: Callable[[], Awaitable[None]]
    seconds: float
    verdict: str = ""
    until_mode: str = ""


class Demo:
    """The play: a stage, acts, and the account at the end."""

    def __init__(self, lab: Lab, node: RingfenceNode, watch: ModeWatch, console: Console) -> None:
        self.lab, self.node, self.watch, self.console = lab, node, watch, console
        self.organisation = Organisation()
        self.marks: list[tuple[Phase, float, float, int | None]] = []

    def acts(self) -> list[Phase]:
        platform = self.lab.platform
        return [
            Phase("normal", "Calls go through Asterisk to the platform.", _nothing, 14),
            Phase(
                "platform frozen",
                "The platform falls silent. Callers who wait on it are freed; new ones go to their owner's mobile.",
                platform.freeze,
                12,
                verdict="divert",
            ),
            Phase(
                "platform back",
                "It answers again: hold-down, then one call in two on trial, then normal.",
                platform.thaw,
                5,
                until_mode="NORMAL",
            ),
            Phase(
                "480 to everybody",
                "It answers every probe and refuses every call: its users are logged out. Calls are the evidence.",
                lambda: platform.answer(480),
                9,
                verdict="divert",
            ),
            Phase(
                "platform healthy again",
                "Only calls can clear it: the trial does.",
                platform.healthy,
                5,
                until_mode="NORMAL",
            ),
            Phase("daemon killed", "Ringfence itself is killed (SIGKILL). Asterisk routes on.", self._kill_daemon, 5),
            Phase(
                "platform killed too",
                "With no daemon there is no verdict: each call waits no_progress (8 s), then goes to its plan.",
                platform.kill,
                10,
            ),
        ]

    async def play(self) -> list[Tally]:
        """All acts under one stream of calls; then the account."""
        dids = self.organisation.all_dids()
        busy = random.Random(1).sample(dids, BUSY_LINES)
        await self.lab.bring_calls(
            busy,
            call_count=int(LONGEST_SECONDS * CALLS_PER_SECOND),
            calls_per_second=CALLS_PER_SECOND,
            patience_seconds=15,
        )
        acts = self.acts()
        columns = (TextColumn("{task.description}"), BarColumn(), TimeElapsedColumn())
        with Progress(*columns, console=self.console, transient=True) as progress:
            bar = progress.add_task("calls", total=len(acts))
            for number, phase in enumerate(acts, start=1):
                progress.update(bar, description=f"{number}/{len(acts)} {phase.name}")
                self.console.print(f"\n[bold]{number}. {phase.name}[/bold]: {phase.words}")
                await self._perform(phase)
                progress.advance(bar)
        await self.lab.carrier.finish()
        return self._account()

    async def _perform(self, phase: Phase) -> None:
        start = time.time()
        await phase.act()
        verdict_ms = None
        if phase.verdict:
            change = await self.watch.wait(phase.verdict, start, deadline_seconds=20)
            verdict_ms = round((change.at - start) * 1000)
            self.console.print(f"   Asterisk was told after {verdict_ms} ms: {change.mode}")
        if phase.until_mode:
            await self._narrate_until(phase.until_mode)
        await self._look(start + phase.seconds)
        self.marks.append((phase, start, time.time(), verdict_ms))

    async def _narrate_until(self, mode: str) -> None:
        seen = len(self.watch.changes)

        def there() -> bool:
            nonlocal seen
            for change in self.watch.changes[seen:]:
                self.console.print(f"   mode {change.mode}: decision {change.decision}")
            seen = len(self.watch.changes)
            return self.watch.mode == mode

        await wait_until(there, what=f"mode {mode}", deadline_seconds=45, diagnose=self.node.process.log_tail)

    async def _look(self, until: float) -> None:
        """Lets the calls go on for the act's time; this is the play's length and not a wait for something."""
        await asyncio.sleep(max(0.0, until - time.time()))

    async def _kill_daemon(self) -> None:
        await self.node.process.kill()

    def _account(self) -> list[Tally]:
        accounts = self.lab.accounts()
        fallbacks = frozenset(self.organisation.fallback(site) for site in SITES)
        _, start, end, _ = self.marks[0]
        usual = usual_delay_seconds(between(accounts, start, end))
        # Every call belongs to one act: those that were still waiting when an act ended are counted in the next, and
        # those that waited when all was over in the last.
        starts = [start for _, start, _, _ in self.marks]
        ends = [*starts[1:], float("inf")]
        return [
            tally(phase.name, between(accounts, start, end), fallbacks, usual, verdict_ms)
            for (phase, _, _, verdict_ms), start, end in zip(self.marks, [0.0, *starts[1:]], ends, strict=True)
        ]


async def _nothing() -> None:
    pass


def show(console: Console, tallies: list[Tally]) -> None:
    """The table people look at."""
    table = Table(title="What became of every call", title_justify="left", box=None, padding=(0, 1, 0, 0))
    table.add_column("phase", width=10)
    for heading in HEADINGS:
        width = max(len(line) for line in heading.splitlines())
        table.add_column(heading, justify="right", width=width)
    for t in tallies:
        lost = f"[bold red]{t.lost}[/]" if t.lost else "[green]0[/]"
        table.add_row(
            t.phase,
            *(str(n) for n in (t.offered, t.platform, t.default_number, t.fallback, t.announcement)),
            str(t.busy_or_unanswered),
            lost,
            "-" if t.worst_added_ms is None else str(t.worst_added_ms),
            "-" if t.verdict_ms is None else str(t.verdict_ms),
        )
    console.print(table)


async def demonstrate(keep: bool) -> int:
    """Sets up, plays, reports; returns the exit status."""
    console = Console()
    began = time.monotonic()
    console.print("Setting up: Asterisk, a carrier, a platform, two mobile networks, 200 people, 240 DIDs ...")
    async with Lab(await provision()) as lab:
        node = RingfenceNode(lab, PLATFORM)
        node.configure()
        try:
            await lab.asterisk.start()
            await node.start(ready=False)
            demo = Demo(lab, node, ModeWatch(lab.asterisk), console)
            lost = await perform(demo, began, REPORT)
            if keep:
                await keep_running(demo)
            return 1 if lost else 0
        finally:
            await node.close()


async def perform(demo: Demo, began: float, report: Path) -> int:
    """Brings a daemon that has been started its directory, plays and reports; returns how many calls were lost."""
    node, console = demo.node, demo.console
    await wait_until(node.alive, what="the daemon's local socket", deadline_seconds=20)
    await node.import_directory(demo.organisation)
    await node.wait_ready()
    console.print(f"Ready after {time.monotonic() - began:.1f} s. {CALLS_PER_SECOND:g} calls/s from now on.")
    async with demo.watch:
        tallies = await demo.play()
    show(console, tallies)
    report.parent.mkdir(exist_ok=True)
    report.write_text(json.dumps({"phases": [asdict(t) for t in tallies]}, indent=2) + "\n")
    lost = sum(t.lost for t in tallies)
    offered = sum(t.offered for t in tallies)
    if not offered:
        raise LabError(f"the carrier offered no call\n{demo.lab.carrier.diagnosis()}")
    if any(t.busy_or_unanswered for t in tallies):
        console.print("Busy or unanswered: it was ringing at the platform when that died, with no daemon to free it.")
    console.print(f"{offered} calls offered, [bold]{lost} lost[/bold]. The same as JSON: {report}")
    return lost


async def keep_running(demo: Demo) -> None:
    """Everything healthy again, calls at 1 a second, until Ctrl-C."""
    lab, node, console = demo.lab, demo.node, demo.console
    await lab.platform.start()
    await node.start()
    await lab.bring_calls(demo.organisation.all_dids(), call_count=3600, calls_per_second=1.0)
    program = f"{Path(sys.executable).parent / 'ringfence'} --config {node.config_path}"
    console.print("\n[bold]It goes on[/bold] with a call a second, for an hour at most. In another terminal:\n")
    for command, meaning in (
        (f"{program} status --watch", "what is decided, and why"),
        (f"kill -STOP {lab.platform.process.pid}", "freeze the platform (kill -CONT thaws it)"),
        (f"{program} calls", "where the calls went"),
        (f"{program} explain {demo.organisation.did(3)}", "why this number goes where it goes"),
        (f"{program} simulate {demo.organisation.did(3)} --platform down", "what a caller would experience"),
        (f"{program} dr on --scope uc --reason drill --for 5m", "force DR mode"),
        (
            f"{program} access break-glass renew break-glass-1",
            f"a password to sign in with at http://localhost:{node.http_port}/",
        ),
    ):
        console.print(f"  {command}\n      [dim]{meaning}[/dim]", soft_wrap=True, highlight=False)
    console.print("\nCtrl-C ends everything.")
    try:
        await asyncio.Event().wait()
    except asyncio.CancelledError:
        console.print("Ended.")


def main() -> int:
    """Entry point."""
    parser = argparse.ArgumentParser(prog="make demo", description=__doc__)
    parser.add_argument("--keep", action="store_true", help="leave it running afterwards (make demo KEEP=1)")
    arguments = parser.parse_args()
    try:
        return asyncio.run(demonstrate(arguments.keep))
    except KeyboardInterrupt:
        return 130


if __name__ == "__main__":
    sys.exit(main())
