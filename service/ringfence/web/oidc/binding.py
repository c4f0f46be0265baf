"""Binds one sign-in to the browser that began it. Pure but for the random bytes.

The browser gets a random value in a cookie. `state` says what was begun and is signed with this process's key together
with that value, so only that browser can bring it back; `nonce` and the PKCE verifier are derived from both and are
never stored. Each `state` is taken once. A restarted daemon has another key: whoever was away signing in begins again.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import secrets
from dataclasses import dataclass, field
from typing import Final

COOKIE: Final = "__Host-ringfence-sign-in"
LIFETIME_SECONDS: Final = 600
MAX_STATE_CHARACTERS: Final = 2048
MAX_TAKEN: Final = 10_000
_SECRET_BYTES: Final = 32


class NotBegunHere(ValueError):
    """The state is none of ours, is another browser's, is too old, or was taken before."""


@dataclass(frozen=True, slots=True)
class Begun:
    """One sign-in on its way. `browser` is the cookie's value."""

    browser: str = field(repr=False)
    state: str = field(repr=False)
    nonce: str = field(repr=False)
    verifier: str = field(repr=False)
    next_page: str = "/"

    @property
    def challenge(self) -> str:
        """For PKCE, S256."""
        return _text(hashlib.sha256(self.verifier.encode()).digest())


class Binding:
    """One for a daemon. `now` is always in seconds of one monotonic clock."""

    def __init__(self) -> None:
        self._key = secrets.token_bytes(_SECRET_BYTES)
        self._taken: dict[bytes, float] = {}

    def begin(self, provider: str, next_page: str, now: float) -> Begun:
        browser = _text(secrets.token_bytes(_SECRET_BYTES))
        content = json.dumps([provider, next_page, round(now, 3), _text(secrets.token_bytes(9))]).encode()
        return self._begun(browser, content, next_page)

    def take(self, provider: str, browser: str, state: str, now: float) -> Begun:
        """What was begun, once. Raises NotBegunHere."""
        content, begun = self._opened(browser, state)
        try:
            named, next_page, at, _ = json.loads(content)
        except ValueError as error:
            raise NotBegunHere("not ours") from error
        if named != provider:
            raise NotBegunHere("begun with another provider")
        if not 0 <= now - at <= LIFETIME_SECONDS:
            raise NotBegunHere("too old")
        self._take(hashlib.sha256(content).digest(), now)
        return self._begun_again(begun, next_page)

    def _opened(self, browser: str, state: str) -> tuple[bytes, Begun]:
        if not browser or len(state) > MAX_STATE_CHARACTERS or not (browser + state).isascii():
            raise NotBegunHere("no cookie, or no state")
        try:
            content = base64.urlsafe_b64decode(state.partition(".")[0] + "==")
        except ValueError as error:
            raise NotBegunHere("not ours") from error
        begun = self._begun(browser, content, "/")
        if not hmac.compare_digest(begun.state, state):
            raise NotBegunHere("another browser's, or not ours")
        return content, begun

    def _take(self, digest: bytes, now: float) -> None:
        self._taken = {known: until for known, until in self._taken.items() if until > now}
        if digest in self._taken:
            raise NotBegunHere("taken before")
        if len(self._taken) >= MAX_TAKEN:
            raise NotBegunHere("too many at once")
        self._taken[digest] = now + LIFETIME_SECONDS

    def _begun(self, browser: str, content: bytes, next_page: str) -> Begun:
        state = f"{_text(content)}.{self._derived('state', browser, content)}"
        nonce = self._derived("nonce", browser, content)
        return Begun(browser, state, nonce, self._derived("verifier", browser, content), next_page)

    @staticmethod
    def _begun_again(begun: Begun, next_page: str) -> Begun:
        return Begun(begun.browser, begun.state, begun.nonce, begun.verifier, next_page)

    def _derived(self, purpose: str, browser: str, content: bytes) -> str:
        message = b"\0".join((purpose.encode(), browser.encode(), content))
        return _text(hmac.digest(self._key, message, "sha256"))


def _text(content: bytes) -> str:
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()
