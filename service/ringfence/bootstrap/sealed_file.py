"""The file `break_glass` beside the configuration: one line an account, its name and the hash of its password. Outside
the database, for the night on which that is what is down."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from ringfence.app.access.ports import SealedAccountsFault

NAME: Final = "break_glass"
ACCOUNTS: Final = ("break-glass-1", "break-glass-2")
MAX_BYTES: Final = 16 << 10

_FIX: Final = "Make new ones with `ringfence access break-glass renew NAME`."


def place_beside(config: Path) -> Path:
    """Where the file of the configuration at `config` lies."""
    return config.parent / NAME


class SealedFile:
    """Implements `access.ports.SealedAccounts`."""

    def __init__(self, path: Path) -> None:
        self._path = path

    async def read(self) -> Mapping[str, str]:
        return await asyncio.to_thread(read, self._path)


class NoSealedAccounts:
    """Implements `access.ports.SealedAccounts` where they are switched off."""

    async def read(self) -> Mapping[str, str]:
        return {}


def read(path: Path) -> dict[str, str]:
    """Account -> hash. Raises SealedAccountsFault."""
    try:
        with path.open("rb") as stream:
            text = stream.read(MAX_BYTES).decode()
    except FileNotFoundError:
        raise SealedAccountsFault(f"{path}: there is no such file.", _FIX) from None
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is not text"
        raise SealedAccountsFault(f"{path}: cannot be read ({why}).", _FIX) from None
    pairs = (line.partition(":") for line in text.splitlines() if line.strip())
    return {name.strip(): hash_.strip() for name, _, hash_ in pairs}


def rendered(hashes: Mapping[str, str]) -> str:
    """The file's content."""
    return "".join(f"{name}:{hash_}\n" for name, hash_ in sorted(hashes.items()))
