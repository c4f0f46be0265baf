"""What can be said of a database besides its rows."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class About:
    """`engine` with its version; `owner` is the daemon that holds one on a server, where one does."""

    engine: str
    size_bytes: int
    owner: str | None = None
