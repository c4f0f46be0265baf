"""One program under the lab's control: started, awaited, frozen, killed, and never left behind.

Signals go to the pid we started and to nothing else. `subprocess.Popen` rather than asyncio's
own, because a session-wide fixture outlives the event loop of the test that first used it.
"""

from __future__ import annotations

import atexit
import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from tests.lab.waiting import LabError, WaitTimeoutError, tail_of, wait_until

EXIT_DEADLINE_SECONDS = 5.0


class SupervisedProcess:
    """A child whose death is ours to decide, and which dies with us whatever happens.

    Start it from the main thread: the kernel's parent-death signal follows the thread.
    """

    def __init__(
        self,
        name: str,
        command: Sequence[str],
        log_path: Path,
        *,
        environment: Mapping[str, str] | None = None,
        working_directory: Path | None = None,
    ) -> None:
        self.name = name
        self.command = tuple(command)
        self.log_path = log_path
        self._environment = dict(environment) if environment is not None else None
        self._working_directory = working_directory
        self._child: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        if self._child is None:
            raise LabError(f"{self.name} was never started")
        return self._child.pid

    @property
    def running(self) -> bool:
        """Frozen counts as running: the process is there."""
        return self._child is not None and self._child.poll() is None

    @property
    def exit_status(self) -> int | None:
        return self._child.poll() if self._child is not None else None

    def start(self) -> None:
        if self.running:
            raise LabError(f"{self.name} is already running as {self.pid}")
        self.log_path.parent.mkdir(parents=True, exist_ok=True)
        with open(self.log_path, "ab") as log:
            self._child = subprocess.Popen(
                [*_die_with_parent(), *self.command],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=subprocess.STDOUT,
                env=self._environment,
                cwd=self._working_directory,
                # A Ctrl-C in the terminal is for us; our children are ended in our order.
                start_new_session=True,
            )
        atexit.register(self.kill_now)

    async def wait_ready(self, condition: Callable[[], object], *, what: str, deadline_seconds: float) -> None:
        """Wait for the condition, but no longer than the process lives."""

        def living() -> object:
            if not self.running:
                raise LabError(f"{self.name} ended with status {self.exit_status} before {what}\n{self.log_tail()}")
            return condition()

        await wait_until(
            living,
            what=f"{self.name}: {what}",
            deadline_seconds=deadline_seconds,
            diagnose=self.log_tail,
        )

    async def wait_exit(self, deadline_seconds: float = EXIT_DEADLINE_SECONDS) -> int:
        await wait_until(
            lambda: not self.running,
            what=f"{self.name} to end",
            deadline_seconds=deadline_seconds,
            diagnose=self.log_tail,
        )
        atexit.unregister(self.kill_now)
        return self.exit_status or 0

    async def freeze(self) -> None:
        """Stop it in its tracks; returns when the kernel says it is stopped."""
        self.send_signal(signal.SIGSTOP)
        await wait_until(
            lambda: _process_state(self.pid) == "T",
            what=f"{self.name} to be frozen",
            deadline_seconds=EXIT_DEADLINE_SECONDS,
            interval_seconds=0.001,
        )

    def thaw(self) -> None:
        self.send_signal(signal.SIGCONT)

    async def kill(self) -> None:
        """SIGKILL, which a frozen process obeys too."""
        if self.running:
            self.send_signal(signal.SIGKILL)
        await self.wait_exit()

    async def stop(self, grace_seconds: float = EXIT_DEADLINE_SECONDS) -> None:
        """SIGTERM, then SIGKILL. A frozen process cannot obey SIGTERM, so it is thawed."""
        if self.running:
            self.send_signal(signal.SIGTERM)
            # It may be gone by now.
            with suppress(LabError):
                self.send_signal(signal.SIGCONT)
        try:
            await self.wait_exit(grace_seconds)
        except WaitTimeoutError:
            await self.kill()

    def kill_now(self) -> None:
        """The synchronous last resort, run when the interpreter ends."""
        atexit.unregister(self.kill_now)
        if self._child is not None and self._child.poll() is None:
            self._child.kill()
            self._child.wait(EXIT_DEADLINE_SECONDS)

    def log_tail(self, line_count: int = 30) -> str:
        return tail_of(self.log_path, line_count)

    def send_signal(self, number: signal.Signals) -> None:
        if self._child is None or self._child.poll() is not None:
            raise LabError(f"{self.name} is not running\n{self.log_tail()}")
        os.kill(self._child.pid, number)


def _die_with_parent() -> tuple[str, ...]:
    """A SIGKILL of the tests must not leave an Asterisk behind; `exec` keeps the pid the same."""
    setpriv = shutil.which("setpriv")
    return (setpriv, "--pdeathsig", "KILL") if setpriv else ()


def _process_state(pid: int) -> str:
    try:
        stat = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return ""
    return stat.rpartition(")")[2].split()[0]
