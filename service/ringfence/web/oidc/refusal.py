"""Why somebody was not let in. The sentences for people are the sign-in page's."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

from ringfence.app.ports import RingfenceError


class Refusal(StrEnum):
    """What the page says; the log has the detail."""

    PROVIDER_DOWN = "the provider does not answer"
    PROVIDER_ODD = "the provider's answer cannot be used"
    CLIENT_REFUSED = "the provider does not know us, or not our secret"
    NOT_BEGUN_HERE = "the sign-in was not begun in this browser, or too long ago"
    DENIED = "the provider did not let them in"
    TOKEN_REFUSED = "the ID token does not verify"  # noqa: S105  no secret
    NO_ROLE = "no role"
    HAS_LEFT = "they have left"
    ROLES_LEFT_OUT = "too many groups for the token"
    TOO_MANY = "too many tries"
    NO_SESSION = "no session could be stored"
    WRONG_PASSWORD = "wrong name or password"  # noqa: S105  no secret
    NO_ACCOUNTS = "the sealed accounts cannot be read"
    LOCKED = "locked after wrong passwords"


class OidcRefused(RingfenceError):
    """`detail` is for the log: it never holds a token, a code or a claim's value. `facts` fill the page's sentence."""

    def __init__(self, reason: Refusal, detail: str = "", facts: Mapping[str, str] = MappingProxyType({})) -> None:
        super().__init__(f"sign-in: {reason}{f' ({detail})' if detail else ''}.")
        self.reason = reason
        self.detail = detail
        self.facts = facts
        self.retry = reason is Refusal.PROVIDER_DOWN


class UnknownKey(Exception):
    """No key of the provider's set fits a token: it may have changed its keys."""
