"""The `ringfence` program beside a lab's daemon, as an admin runs it."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

from tests.lab.node import RingfenceNode
from tests.lab.waiting import LabError


async def ringfence(node: RingfenceNode, *line: str | Path) -> dict[str, Any]:
    """What it answers. Raises LabError with its words when it refuses."""
    program = Path(sys.executable).parent / "ringfence"
    command = [str(program), "--config", str(node.config_path), *map(str, line), "--json"]
    done = await asyncio.to_thread(subprocess.run, command, capture_output=True, text=True)
    if done.returncode != 0:
        raise LabError(f"ringfence {line[0]}: {done.stderr}")
    found: dict[str, Any] = json.loads(done.stdout)
    return found
