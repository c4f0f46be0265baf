"""One order to a program of the lab over its Unix socket: a line of JSON, and `done` when it is in force."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path

from tests.lab.waiting import LabError

ORDER_SECONDS = 5.0


async def give_order(control: Path, name: str, order: dict[str, object]) -> None:
    """Raises LabError where it is not carried out; its cause says why."""
    try:
        async with asyncio.timeout(ORDER_SECONDS):
            reader, writer = await asyncio.open_unix_connection(control)
            writer.write(f"{json.dumps(order)}\n".encode())
            reply = await reader.readline()
            writer.close()
            await writer.wait_closed()
    except (OSError, TimeoutError) as error:
        raise LabError(f"{name} takes no orders: {error!r}") from error
    if reply != b"done\n":
        raise LabError(f"{name} refused {order}")
