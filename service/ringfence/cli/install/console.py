"""Asterisk's console, asked one line at a time; where there is none, every answer is "cannot tell"."""

from __future__ import annotations

import shlex
import shutil
import subprocess
import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

DEADLINE_SECONDS: Final = 10.0
# What `module reload` says while another one is at work: it has done nothing then (Asterisk's main/cli.c).
_LATER: Final = "reload request is already in progress"
VARIABLE: Final = "RINGFENCE_ASTERISK"


@dataclass(frozen=True, slots=True)
class Console:
    """`command` starts the console, without `-rx`; empty where there is none on this machine."""

    command: tuple[str, ...] = ()

    def ask(self, line: str) -> str | None:
        """What it prints; None when it did not let us in or did not answer within 10 s. What it will not do while it
        does something else is asked for again, for as long; each time starts a program, which is pause enough."""
        until = time.monotonic() + DEADLINE_SECONDS
        while (answer := self._ask(line)) is not None and _LATER in answer:
            if time.monotonic() > until:
                return None
        return answer

    def _ask(self, line: str) -> str | None:
        if not self.command:
            return None
        try:
            done = subprocess.run(  # noqa: S603 (the administrator names the program)
                [*self.command, "-rx", line],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.DEVNULL,
                timeout=DEADLINE_SECONDS,
                check=False,
            )
        except (OSError, subprocess.TimeoutExpired):
            return None
        return done.stdout.decode(errors="replace") if done.returncode == 0 else None

    def tell_all(self, lines: Sequence[str]) -> list[str]:
        """Each in order; those that Asterisk did not take."""
        return [line for line in lines if self.ask(line) is None]

    @property
    def answers(self) -> bool:
        """Whether an Asterisk runs behind it and lets us in."""
        return self.ask("core show version") is not None


def console_of(text: str) -> Console:
    """From an option such as `asterisk -C /srv/asterisk.conf`; a program that is not there is no console."""
    words = tuple(shlex.split(text))
    return Console(words) if words and shutil.which(words[0]) else Console()
