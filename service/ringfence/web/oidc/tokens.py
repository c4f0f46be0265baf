"""Verifies an ID token. Imported when the first one comes: the library takes ten megabytes that few nodes need."""

from __future__ import annotations

import base64
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final

from joserfc import jwt
from joserfc.errors import InvalidKeyIdError, JoseError
from joserfc.jwk import ECKey, KeySet, OctKey, OKPKey, RSAKey
from joserfc.jwt import JWTClaimsRegistry

from ringfence.web.oidc.refusal import OidcRefused, Refusal, UnknownKey

ALGORITHMS: Final = ("RS256", "ES256", "PS256")
"""Never `none`, and never a shared secret (HS256): anybody who has the secret could sign for anybody."""

LEEWAY_SECONDS: Final = 60
MAX_TOKEN_CHARACTERS: Final = 64 << 10
MAX_KEYS: Final = 100
_MIN_RSA_BITS: Final = 2048


@dataclass(frozen=True, slots=True)
class Expected:
    """What a token has to say. `access_token` came with it, empty where none did."""

    issuer: str
    client_id: str
    nonce: str = field(repr=False)
    access_token: str = field(repr=False)
    now: datetime


def verified(token: str, keys: Mapping[str, Any], expected: Expected) -> dict[str, Any]:
    """The claims. Raises UnknownKey and OidcRefused. `keys` is the provider's JWKS."""
    if len(token) > MAX_TOKEN_CHARACTERS:
        raise OidcRefused(Refusal.TOKEN_REFUSED, "too long")
    try:
        decoded = jwt.decode(token, KeySet(_usable(keys)), algorithms=ALGORITHMS)
        registry = JWTClaimsRegistry(
            now=int(expected.now.timestamp()),
            leeway=LEEWAY_SECONDS,
            iss={"essential": True, "value": expected.issuer},
            aud={"essential": True, "value": expected.client_id},
            exp={"essential": True},
            iat={"essential": True},
            sub={"essential": True},
            nonce={"essential": True, "value": expected.nonce},
        )
        registry.validate(decoded.claims)
    except InvalidKeyIdError as error:
        raise UnknownKey from error
    except JoseError as error:
        # Which claim, or what kind of fault: never a value.
        raise OidcRefused(Refusal.TOKEN_REFUSED, str(getattr(error, "claim", "") or error.error)) from error
    except (ValueError, TypeError, KeyError) as error:
        raise OidcRefused(Refusal.TOKEN_REFUSED, type(error).__name__) from error
    _check_party(decoded.claims, expected)
    _check_access_token(decoded.claims, expected)
    return dict(decoded.claims)


def _usable(keys: Mapping[str, Any]) -> list[OctKey | RSAKey | ECKey | OKPKey]:
    """Public keys for signing. One that cannot be read is left out: a provider may show kinds we do not know."""
    given = keys.get("keys")
    found: list[OctKey | RSAKey | ECKey | OKPKey] = []
    for item in given[:MAX_KEYS] if isinstance(given, list) else ():
        if not isinstance(item, dict) or item.get("use", "sig") != "sig":
            continue
        try:
            if item.get("kty") == "RSA" and len(_bytes(item["n"])) * 8 >= _MIN_RSA_BITS:
                found.append(RSAKey.import_key({name: item[name] for name in item if name in _RSA_PARTS}))
            elif item.get("kty") == "EC" and item.get("crv") == "P-256":
                found.append(ECKey.import_key({name: item[name] for name in item if name in _EC_PARTS}))
        except (JoseError, ValueError, TypeError, KeyError):
            continue
    return found


_RSA_PARTS: Final = frozenset({"kty", "kid", "alg", "use", "n", "e"})
_EC_PARTS: Final = frozenset({"kty", "kid", "alg", "use", "crv", "x", "y"})


def _check_party(claims: Mapping[str, Any], expected: Expected) -> None:
    """A token for several audiences has to say that it was issued to us."""
    audiences = claims["aud"]
    several = isinstance(audiences, list) and len(audiences) > 1
    if (several or "azp" in claims) and claims.get("azp") != expected.client_id:
        raise OidcRefused(Refusal.TOKEN_REFUSED, "azp")
    if not claims["sub"] or not isinstance(claims["nonce"], str):
        raise OidcRefused(Refusal.TOKEN_REFUSED, "sub or nonce")


def _check_access_token(claims: Mapping[str, Any], expected: Expected) -> None:
    """`at_hash` binds the access token to this ID token: another one came from somewhere else. All our algorithms
    end in 256, and so does the digest."""
    if "at_hash" not in claims:
        return
    digest = hashlib.sha256(expected.access_token.encode()).digest()
    wanted = base64.urlsafe_b64encode(digest[: len(digest) // 2]).rstrip(b"=").decode()
    if not expected.access_token or not hmac.compare_digest(wanted.encode(), str(claims["at_hash"]).encode()):
        raise OidcRefused(Refusal.TOKEN_REFUSED, "at_hash")


def _bytes(text: str) -> bytes:
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
