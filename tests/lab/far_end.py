"""The far ends of the lab, with their faults by name: the primary platform and mobile networks.

Each is a process of its own. A fault returns when it is in force: a frozen process has stopped,
a new behaviour holds from the next datagram on.
"""

from __future__ import annotations

import asyncio
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from tests.lab.behaviour import Behaviour, Manner
from tests.lab.installation import Home
from tests.lab.moods import Moods
from tests.lab.ports import Ports
from tests.lab.process import SupervisedProcess
from tests.lab.records import ReceivedCall
from tests.lab.sip import encode, parse, user_of
from tests.lab.tail import LineTail
from tests.lab.waiting import LabError, wait_until

CHECKOUT = Path(__file__).parents[2]
ORDER_DEADLINE_SECONDS = 5.0
START_DEADLINE_SECONDS = 10.0
HEALTHY = Behaviour()


class FarEnd:
    """A process that takes calls on one port, `start`ed healthy."""

    def __init__(self, name: str, ports: Ports, healthy: Behaviour = HEALTHY) -> None:
        self.name = name
        self.port = ports.take()
        self.reached_at = ""
        """Host and port of whatever lies in front of it; empty: its own."""
        self._healthy = healthy
        self._scratch = Home().make_scratch(name)
        self._directory = self._scratch.outside
        self._control = self._directory / "control"
        self._events = LineTail(self._directory / "events")
        self._calls: dict[str, ReceivedCall] = {}
        self.process = SupervisedProcess(
            name,
            [
                *(sys.executable, "-m", "tests.lab.agent_process"),
                *("--port", str(self.port)),
                *("--control", str(self._control)),
                *("--events", str(self._directory / "events")),
            ],
            self._directory / "log",
            working_directory=CHECKOUT,
        )

    @property
    def address(self) -> str:
        return self.reached_at or f"127.0.0.1:{self.port}"

    async def start(self) -> None:
        """Also after `kill()`: a new process on the same port, healthy; `calls()` keeps the earlier ones."""
        self._control.unlink(missing_ok=True)
        self.process.start()
        await self.process.wait_ready(self._obeys, what="its control socket", deadline_seconds=START_DEADLINE_SECONDS)

    async def _obeys(self) -> bool:
        # The socket's file is there a moment before anybody listens on it.
        try:
            await self.healthy()
        except LabError as error:
            if isinstance(error.__cause__, (FileNotFoundError, ConnectionRefusedError)):
                return False
            raise
        return True

    async def kill(self) -> None:
        await self.process.kill()

    async def freeze(self) -> None:
        await self.process.freeze()

    async def thaw(self) -> None:
        self.process.thaw()

    async def close_port(self) -> None:
        await self._order("close-port")

    async def open_port(self) -> None:
        await self._order("open-port")

    async def healthy(self) -> None:
        """Undo every behaviour, for all numbers."""
        await self.behave(self._healthy)

    async def answer(self, status: int, *, number: str | None = None) -> None:
        """Refuse INVITEs with this status; OPTIONS stays as it is. 200 means healthy again."""
        manner = Manner.ANSWER if status == 200 else Manner.REFUSE
        await self.behave(replace(self._healthy, manner=manner, status=status, ring_delay_ms=0), number=number)

    async def trying_only(self, *, number: str | None = None) -> None:
        await self.behave(replace(self._healthy, manner=Manner.TRYING_ONLY), number=number)

    async def ring_for_ever(self, *, number: str | None = None) -> None:
        await self.behave(replace(self._healthy, manner=Manner.RING_FOR_EVER), number=number)

    async def silent(self, *, number: str | None = None) -> None:
        """INVITEs vanish, OPTIONS is answered."""
        await self.behave(replace(self._healthy, manner=Manner.SILENT), number=number)

    async def slow_ring(self, seconds: float, *, number: str | None = None) -> None:
        delay_ms = round(seconds * 1000)
        await self.behave(replace(self._healthy, ring_delay_ms=delay_ms), number=number)

    async def lose_options(self, share: float, seed: int = 1) -> None:
        await self.behave(replace(self._healthy, options_loss_share=share, options_loss_seed=seed))

    async def options_status(self, status: int) -> None:
        await self.behave(replace(self._healthy, options_status=status))

    async def behave(self, behaviour: Behaviour, *, number: str | None = None) -> None:
        """Any behaviour; for one number, or for all (which forgets the single ones)."""
        await self._order("behave", behaviour=behaviour.to_json(), number=number)

    async def moody(self, numbers: list[str], moods: Moods) -> None:
        """From now on these numbers do what the lot says, until every behaviour is undone."""
        await self._order("moods", numbers=numbers, moods=moods.to_json())

    async def hang_up_all(self) -> None:
        await self._order("hang-up-all")

    async def hold_all(self) -> None:
        await self._order("hold-all")

    def calls(self) -> list[ReceivedCall]:
        """Every call so far, in order of arrival; also of a frozen or dead process."""
        for line in self._events.read():
            self._note(json.loads(line))
        return list(self._calls.values())

    async def wait_calls(self, count: int, deadline_seconds: float = 10.0) -> list[ReceivedCall]:
        await wait_until(
            lambda: len(self.calls()) >= count,
            what=f"{count} calls at {self.name}",
            deadline_seconds=deadline_seconds,
            diagnose=lambda: f"{len(self._calls)} came\n{self.process.log_tail()}",
        )
        return self.calls()

    async def wait_ended(self, count: int, deadline_seconds: float = 10.0) -> list[ReceivedCall]:
        """A caller may know of the end before the far end does."""
        await wait_until(
            lambda: sum(call.ended_by is not None for call in self.calls()) >= count,
            what=f"{count} calls at {self.name} to end",
            deadline_seconds=deadline_seconds,
            diagnose=lambda: f"{len(self._calls)} came\n{self.process.log_tail()}",
        )
        return self.calls()

    async def close(self) -> None:
        await self.process.kill()
        self._scratch.remove()

    def _note(self, event: dict[str, Any]) -> None:
        call_id, at = event["call_id"], event["at"]
        if event["kind"] == "invite":
            invite = parse(event["raw"].encode("latin-1"))
            assert invite is not None
            caller = user_of(invite.header("from"))
            self._calls[call_id] = ReceivedCall(call_id, invite.request_user, caller, at, invite)
            return
        call = self._calls[call_id]
        if event["kind"] == "final":
            answered_at = at if event["status"] == 200 else None
            call = replace(call, final_status=event["status"], answered_at=answered_at, final_at=at)
        elif event["kind"] == "pressed":
            call = replace(call, pressed=event["keys"], pressed_at=at)
        else:
            call = replace(call, ended_by=event["by"], ended_at=at)
        self._calls[call_id] = call

    async def _order(self, order: str, **fields: object) -> None:
        try:
            async with asyncio.timeout(ORDER_DEADLINE_SECONDS):
                reader, writer = await asyncio.open_unix_connection(self._control)
                writer.write(encode(json.dumps({"order": order, **fields}) + "\n"))
                reply = await reader.readline()
                writer.close()
                await writer.wait_closed()
        except (OSError, TimeoutError) as error:
            raise LabError(
                f"{self.name} does not take orders (killed or frozen?): {error!r}\n{self.process.log_tail()}"
            ) from error
        if reply != b"done\n":
            raise LabError(f"{self.name} refused {order}\n{self.process.log_tail()}")


class Platform(FarEnd):
    """The primary platform."""

    def __init__(self, ports: Ports, name: str = "platform", healthy: Behaviour = HEALTHY) -> None:
        super().__init__(name, ports, healthy)


class MobileNetwork(FarEnd):
    """What lies behind an egress trunk: every mobile answers, unless told otherwise."""

    def __init__(self, ports: Ports, name: str = "mobile-network", healthy: Behaviour = HEALTHY) -> None:
        super().__init__(name, ports, healthy)
