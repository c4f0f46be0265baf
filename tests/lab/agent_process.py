"""The program around `AnsweringAgent`, run as a process of its own so that real signals reach it.

Commands come as JSON lines over a Unix socket; what happens to each call is appended to a file,
which can still be read when the process is frozen or dead.
"""

from __future__ import annotations

import argparse
import asyncio
import json
from pathlib import Path
from typing import IO, Any

from tests.lab.answering import AnsweringAgent
from tests.lab.behaviour import Behaviour
from tests.lab.keypad import MediaPort
from tests.lab.moods import Moods


async def serve(port: int, control: Path, events: IO[str]) -> None:
    def report(kind: str, fields: dict[str, Any]) -> None:
        events.write(json.dumps({"kind": kind, **fields}) + "\n")
        events.flush()

    media = MediaPort()
    await media.open()
    agent = AnsweringAgent(port, media, report)
    await agent.open_port()

    async def on_connection(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        line = await reader.readline()
        await _obey(agent, json.loads(line))
        writer.write(b"done\n")
        await writer.drain()
        writer.close()

    control.unlink(missing_ok=True)
    server = await asyncio.start_unix_server(on_connection, control)
    async with server:
        await server.serve_forever()


async def _obey(agent: AnsweringAgent, order: dict[str, Any]) -> None:
    match order["order"]:
        case "behave":
            agent.behave(Behaviour.from_json(order["behaviour"]), order["number"])
        case "moods":
            agent.moods.set(order["numbers"], Moods.from_json(order["moods"]))
        case "close-port":
            await agent.close_port()
        case "open-port":
            await agent.open_port()
        case "hang-up-all":
            agent.hang_up_all()
        case "hold-all":
            agent.hold_all()
        case unknown:
            raise ValueError(f"unknown order {unknown!r}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--port", type=int, required=True)
    parser.add_argument("--control", type=Path, required=True)
    parser.add_argument("--events", type=Path, required=True)
    arguments = parser.parse_args()
    with arguments.events.open("a") as events:
        asyncio.run(serve(arguments.port, arguments.control, events))


if __name__ == "__main__":
    main()
