"""Argon2id, by argon2-cffi. Loaded when the first password comes: most nodes never see one."""

from __future__ import annotations

import asyncio
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from argon2 import PasswordHasher

# Little memory, for calls are routed on the same machine; the passwords are 118 random bits and need no more.
MEMORY_KIB: Final = 19 * 1024
PASSES: Final = 3
LANES: Final = 1


class Argon2Passwords:
    """Implements `access.ports.PasswordHasher`."""

    async def fits(self, hashed: str, password: str) -> bool:
        return await asyncio.to_thread(_fits, hashed, password)


def hashed(password: str) -> str:
    """Takes about a tenth of a second."""
    return _hasher().hash(password)


def _fits(hashed_: str, password: str) -> bool:
    from argon2.exceptions import InvalidHashError, VerificationError

    try:
        return _hasher().verify(hashed_, password)
    except (VerificationError, InvalidHashError):
        return False


def _hasher() -> PasswordHasher:
    from argon2 import PasswordHasher

    return PasswordHasher(time_cost=PASSES, memory_cost=MEMORY_KIB, parallelism=LANES)
