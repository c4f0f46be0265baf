"""Other programs of this machine, asked by a command that must not wait for them for long."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from typing import NamedTuple


class Output(NamedTuple):
    """How it ended, and its standard output."""

    status: int
    text: bytes


async def output_of(command: Sequence[str], deadline_seconds: float) -> Output:
    """Raises TimeoutError, after which the program is gone, and OSError where there is none: the first is one of the
    second."""
    child = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.DEVNULL,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    try:
        async with asyncio.timeout(deadline_seconds):
            text, _ = await child.communicate()
    finally:
        if child.returncode is None:
            child.kill()
            await child.wait()
    return Output(await child.wait(), text)
