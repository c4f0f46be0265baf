"""Secrets that are given out once: how they are made, and what is kept of them."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from dataclasses import dataclass, field
from typing import Final

SECRET_BYTES: Final = 32
ID_CHARACTERS: Final = 12
KEY_PREFIX: Final = "rf"

_MAX_TOKEN_CHARACTERS: Final = 256
# Without letters and digits that look alike on paper: read from an envelope, at night.
_LETTERS: Final = "abcdefghjkmnpqrstuvwxyz"
_ALPHABET: Final = f"{_LETTERS}23456789"
_GROUPS: Final = 6
_GROUP_CHARACTERS: Final = 4


@dataclass(frozen=True, slots=True)
class Made:
    """`token` is shown once and kept nowhere."""

    id: str
    token: str = field(repr=False)
    digest: str = field(repr=False)


def new_session_token() -> Made:
    token = secrets.token_urlsafe(SECRET_BYTES)
    return Made(_new_id(), token, digest_of(token))


def new_key() -> Made:
    """`rf_<id>_<secret>`: the beginning tells a scanner of leaked secrets what it has found."""
    id_ = _new_id()
    token = f"{KEY_PREFIX}_{id_}_{secrets.token_urlsafe(SECRET_BYTES)}"
    return Made(id_, token, digest_of(token))


def key_id(token: str) -> str | None:
    """The id in an API key; None: this is no API key."""
    prefix, _, rest = token.partition("_")
    id_, mark, _ = rest.partition("_")
    return id_ if prefix == KEY_PREFIX and mark and len(token) <= _MAX_TOKEN_CHARACTERS else None


def digest_of(token: str) -> str:
    """SHA-256 is enough: these tokens have 256 random bits, and nobody guesses one."""
    return hashlib.sha256(token.encode(errors="surrogateescape")).hexdigest()


def same(one: str, other: str) -> bool:
    """In a time that tells nothing of where they differ."""
    return hmac.compare_digest(one, other)


def _new_id() -> str:
    """Without digits: the audit record masks whatever could be a telephone number."""
    return "".join(secrets.choice(_LETTERS) for _ in range(ID_CHARACTERS))


def new_password() -> str:
    """For a sealed account: 118 random bits in groups that can be read aloud."""
    groups = ("".join(secrets.choice(_ALPHABET) for _ in range(_GROUP_CHARACTERS)) for _ in range(_GROUPS))
    return "-".join(groups)


def typed(password: str) -> str:
    """A sealed account's password as it was made, however its groups were typed."""
    return "".join(password.split()).replace("-", "").lower()
