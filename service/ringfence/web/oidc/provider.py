"""One provider: what it says of itself, where people are sent, and what their code is worth when they come back.

Its metadata and keys are fetched when first needed and kept; an unknown key has them fetched again, rarely. A provider
that has just failed is not asked again at once: it is told as failed.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final
from urllib.parse import quote_plus

from yarl import URL

from ringfence.app.ports import Clock
from ringfence.domain.moment import Moment
from ringfence.web.oidc.binding import Begun
from ringfence.web.oidc.claims import SignedIn, is_left_out, signed_in
from ringfence.web.oidc.link import ProviderLink
from ringfence.web.oidc.refusal import OidcRefused, Refusal, UnknownKey
from ringfence.web.oidc.settings import SignInSettings

log = logging.getLogger(__name__)

FRESH_SECONDS: Final = 3600.0
"""Older metadata and keys are fetched again."""
KEPT_SECONDS: Final = 86_400.0
"""So long they are used when they cannot be fetched again."""
AFTER_FAILURE_SECONDS: Final = 5.0
UNKNOWN_KEY_SECONDS: Final = 60.0
MAX_CODE_CHARACTERS: Final = 4096


@dataclass(frozen=True, slots=True)
class Metadata:
    """What of the provider's own description is used."""

    authorization_endpoint: str
    token_endpoint: str
    jwks_uri: str
    end_session_endpoint: str
    says_iss: bool
    basic: bool


@dataclass(slots=True)
class _Known:
    metadata: Metadata
    keys: Mapping[str, Any] = field(repr=False)
    at: Moment


class Provider:
    """One `[[sign_in]]`. Methods that ask it may raise OidcRefused."""

    def __init__(self, settings: SignInSettings, client_secret: str | None, our_address: str, clock: Clock) -> None:
        """`our_address`: under which browsers reach us, without a path. `client_secret` None: a public client."""
        self.settings = settings
        self.redirect_uri = f"{our_address.rstrip('/')}/oidc/{settings.name}/callback"
        self._after_sign_out = f"{our_address.rstrip('/')}/sign-in"
        self._secret = client_secret
        self._clock = clock
        self._link = ProviderLink(settings.issuer, settings.ca_file, settings.answer_seconds)
        self._known: _Known | None = None
        self._failed: tuple[Moment, OidcRefused] | None = None
        self._asked_for_key: Moment | None = None
        self._fetching = asyncio.Lock()

    async def look(self) -> None:
        """Whether it describes itself as it should, and shows keys; nothing of it is kept."""
        await self._fetched()

    async def begin_address(self, begun: Begun) -> str:
        """Where the browser is sent."""
        known = await self._knowledge()
        query = {
            "response_type": "code",
            "client_id": self.settings.client_id,
            "redirect_uri": self.redirect_uri,
            "scope": " ".join(self.settings.scopes),
            "state": begun.state,
            "nonce": begun.nonce,
            "code_challenge": begun.challenge,
            "code_challenge_method": "S256",
        }
        return str(URL(known.metadata.authorization_endpoint).update_query(query))

    async def came_back(self, begun: Begun, query: Mapping[str, str]) -> SignedIn:
        """Whom the provider vouches for. `query` is the callback's, its `state` taken already. They have at least one
        role: whoever has none is refused. Raises OidcRefused."""
        known = await self._knowledge()
        # RFC 9207: an answer of another provider, sent here, is not taken for this one's.
        if query.get("iss", "" if known.metadata.says_iss else self.settings.issuer) != self.settings.issuer:
            raise OidcRefused(Refusal.TOKEN_REFUSED, "the answer's iss is another's, or is missing")
        if "error" in query:
            raise _denied(query["error"])
        code = query.get("code", "")
        if not code or len(code) > MAX_CODE_CHARACTERS:
            raise OidcRefused(Refusal.PROVIDER_ODD, "no code")
        claims = await self._claims(known, begun, await self._exchanged(known.metadata, begun, code))
        found = signed_in(claims, self.settings)
        if not found.roles:
            left_out = is_left_out(claims, self.settings.roles_claim)
            reason = Refusal.ROLES_LEFT_OUT if left_out else Refusal.NO_ROLE
            raise OidcRefused(reason, facts={"name": found.name, "claim": self.settings.roles_claim})
        return found

    def sign_out_address(self) -> str | None:
        """Where the provider's own session is ended; None: it has no such place, or was not asked yet. Asks nobody."""
        if self._known is None or not (address := self._known.metadata.end_session_endpoint):
            return None
        query = {"client_id": self.settings.client_id, "post_logout_redirect_uri": self._after_sign_out}
        return str(URL(address).update_query(query))

    async def _exchanged(self, metadata: Metadata, begun: Begun, code: str) -> Mapping[str, Any]:
        form = {
            "grant_type": "authorization_code",
            "code": code,
            "redirect_uri": self.redirect_uri,
            "code_verifier": begun.verifier,
        }
        headers = {}
        if self._secret is not None and metadata.basic:
            pair = f"{quote_plus(self.settings.client_id)}:{quote_plus(self._secret)}"
            headers["Authorization"] = f"Basic {base64.b64encode(pair.encode()).decode()}"
        else:
            form["client_id"] = self.settings.client_id
            if self._secret is not None:
                form["client_secret"] = self._secret
        status, body = await self._link.post(metadata.token_endpoint, form, headers)
        if status == 200 and isinstance(body.get("id_token"), str):
            return body
        if status >= 500:
            raise OidcRefused(Refusal.PROVIDER_DOWN, f"token: HTTP {status}")
        error = _word(body.get("error"))
        if error in ("invalid_client", "unauthorized_client"):
            raise OidcRefused(Refusal.CLIENT_REFUSED, f"token: {error}")
        raise OidcRefused(Refusal.TOKEN_REFUSED, f"token: HTTP {status} {error}" if error else "no ID token")

    async def _claims(self, known: _Known, begun: Begun, answer: Mapping[str, Any]) -> dict[str, Any]:
        try:
            return await asyncio.to_thread(self._verified, known, begun, answer)
        except UnknownKey:
            known = await self._knowledge(unknown_key=True)
        try:
            return await asyncio.to_thread(self._verified, known, begun, answer)
        except UnknownKey:
            raise OidcRefused(Refusal.TOKEN_REFUSED, "signed with a key that the provider does not show") from None

    def _verified(self, known: _Known, begun: Begun, answer: Mapping[str, Any]) -> dict[str, Any]:
        from ringfence.web.oidc.tokens import Expected, verified  # ten megabytes, see there

        access_token = answer.get("access_token")
        expected = Expected(
            self.settings.issuer,
            self.settings.client_id,
            begun.nonce,
            access_token if isinstance(access_token, str) else "",
            self._clock.now().wall,
        )
        return verified(answer["id_token"], known.keys, expected)

    async def _knowledge(self, *, unknown_key: bool = False) -> _Known:
        """From memory while it is fresh. Everybody who waits gets the one answer."""
        async with self._fetching:
            now = self._clock.now()
            known = self._known
            if known is not None and not self._may_ask_again(known, now, unknown_key):
                return known
            if self._failed is not None and now.since(self._failed[0]) < AFTER_FAILURE_SECONDS:
                return self._kept(now, self._failed[1])
            try:
                self._known = _Known(*await self._fetched(), now)
            except OidcRefused as error:
                if self._failed is None:
                    log.warning("a sign-in provider fails", extra=self._about(error))
                self._failed = (self._clock.now(), error)
                return self._kept(now, error)
            if self._failed is not None:
                self._failed = None
                log.info("a sign-in provider answers again", extra={"provider": self.settings.name})
            return self._known

    def _may_ask_again(self, known: _Known, now: Moment, unknown_key: bool) -> bool:
        if unknown_key and (self._asked_for_key is None or now.since(self._asked_for_key) >= UNKNOWN_KEY_SECONDS):
            self._asked_for_key = now
            return True
        return now.since(known.at) >= FRESH_SECONDS

    def _kept(self, now: Moment, error: OidcRefused) -> _Known:
        if self._known is not None and now.since(self._known.at) < KEPT_SECONDS:
            return self._known
        raise OidcRefused(error.reason, error.detail)

    async def _fetched(self) -> tuple[Metadata, Mapping[str, Any]]:
        issuer = self.settings.issuer
        described = await self._link.get(f"{issuer.rstrip('/')}/.well-known/openid-configuration")
        if described.get("issuer") != issuer:
            raise OidcRefused(Refusal.PROVIDER_ODD, "it calls itself otherwise than `issuer` does")
        methods = described.get("token_endpoint_auth_methods_supported", ["client_secret_basic"])
        ends = described.get("end_session_endpoint")
        metadata = Metadata(
            self._link.allowed(described.get("authorization_endpoint")),
            self._link.allowed(described.get("token_endpoint")),
            self._link.allowed(described.get("jwks_uri")),
            self._link.allowed(ends) if ends else "",
            described.get("authorization_response_iss_parameter_supported") is True,
            isinstance(methods, list) and "client_secret_basic" in methods,
        )
        return metadata, await self._link.get(metadata.jwks_uri)

    def _about(self, error: OidcRefused) -> dict[str, str]:
        return {"provider": self.settings.name, "reason": f"{error.reason}: {error.detail}"}


def _denied(error: str) -> OidcRefused:
    word = _word(error)
    if word in ("server_error", "temporarily_unavailable"):
        return OidcRefused(Refusal.PROVIDER_DOWN, word)
    return OidcRefused(Refusal.DENIED, word)


def _word(value: object) -> str:
    """An error code of OAuth, as far as it can be shown in a log: whoever writes it is a stranger."""
    text = value if isinstance(value, str) else ""
    return text if text.replace("_", "").isalnum() and text.isascii() and len(text) <= 40 else ""
