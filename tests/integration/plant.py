"""What a misconfiguration is planted into, and what a plant says of itself."""

from __future__ import annotations

import re
import socket
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from tests.integration.test_doctor import DoctorSite


@dataclass(slots=True)
class Ground:
    """A site that runs, and what a plant may need besides its files."""

    site: DoctorSite
    home: Path
    held: list[socket.socket]
    """Sockets that stay open while the doctor looks."""

    def toml(self, old: str, new: str) -> None:
        self.edit(self.site.config, old, new)

    def etc(self, name: str, old: str, new: str) -> None:
        self.edit(self.site.asterisk.etc / name, old, new)

    def append(self, name: str, text: str) -> None:
        with (self.site.asterisk.etc / name).open("a") as file:
            file.write(text)

    async def cli(self, *commands: str) -> None:
        for command in commands:
            await self.site.asterisk.cli(command)

    @staticmethod
    def edit(path: Path, old: str, new: str) -> None:
        text = path.read_text()
        assert re.search(old, text), f"{old!r} is not in {path.name}"
        path.write_text(re.sub(old, new, text, count=1))


@dataclass(frozen=True, slots=True)
class Plant:
    """`names`: each of these stands in what the check says, the fix included."""

    what: str
    check: str
    names: tuple[str, ...]
    act: Callable[[Ground], Awaitable[None] | None]
