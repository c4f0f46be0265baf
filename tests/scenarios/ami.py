"""A few AMI actions, in the plainest way: writing AstDB by the console costs a process a key."""

from __future__ import annotations

import asyncio

from tests.lab.asterisk import AsteriskInstance

ANSWER_DEADLINE_SECONDS = 5.0


class Ami:
    """One connection, one action at a time."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self._turn = asyncio.Lock()

    @classmethod
    async def login(cls, instance: AsteriskInstance, name: str, secret: str) -> Ami:
        ami = cls(*await asyncio.open_connection("127.0.0.1", instance.ports.ami))
        answer = await ami.act("Login", Username=name, Secret=secret, Events="off")
        assert "Success" in answer, answer
        return ami

    async def act(self, action: str, **fields: object) -> str:
        """The first message of the answer."""
        lines = [f"Action: {action}", *(f"{name}: {value}" for name, value in fields.items())]
        async with self._turn:
            self._writer.write("\r\n".join([*lines, "", ""]).encode())
            answer = await asyncio.wait_for(self._reader.readuntil(b"\r\n\r\n"), ANSWER_DEADLINE_SECONDS)
        return answer.decode(errors="replace")

    def close(self) -> None:
        self._writer.close()
