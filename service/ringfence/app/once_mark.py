"""The mark of a request that carries an idempotency key. Whatever is stored of an order bears it, in the same
transaction or the same line of the spool: an order and the word that it was carried out are there both, or neither."""

from __future__ import annotations

from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final


@dataclass(frozen=True, slots=True)
class OnceMark:
    """Digests: `key` of the caller and the key, `request` of all that was asked with it."""

    key: str
    request: str


ONCE_MARK: Final[ContextVar[OnceMark | None]] = ContextVar("ONCE_MARK", default=None)
"""Of the request in hand, if it carries a key."""
