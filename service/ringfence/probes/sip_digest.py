"""How an account proves itself to a registrar: HTTP digest as SIP uses it (RFC 3261 section 22.4, RFC 8760). Pure."""

from __future__ import annotations

import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

_SCHEME: Final = re.compile(r"\s*digest\s+", re.IGNORECASE)
_FIELD: Final = re.compile(r'\s*([A-Za-z-]{1,32})\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,"]+))\s*(?:,|$)')
# RFC 8760 section 2.4: the first that we know, and the strongest where there are several.
_HASHES: Final = {"SHA-256": "sha256", "MD5": "md5"}


@dataclass(frozen=True, slots=True)
class Challenge:
    """What a registrar wants proven. `algorithm`: MD5 or SHA-256."""

    realm: str
    nonce: str
    algorithm: str = "MD5"
    with_qop: bool = False
    opaque: str = ""


def best_of(values: Iterable[str]) -> Challenge | None:
    """The strongest challenge that we can answer; None: there is none."""
    found = [challenge for value in values if (challenge := _read(value)) is not None]
    return min(found, key=lambda challenge: list(_HASHES).index(challenge.algorithm), default=None)


def credentials(challenge: Challenge, user: str, password: str, method: str, uri: str, cnonce: str) -> str:
    """The value of `Authorization`."""
    first = _hash(challenge, f"{user}:{challenge.realm}:{password}")
    second = _hash(challenge, f"{method}:{uri}")
    parts = [
        f'username="{_quoted(user)}"',
        f'realm="{_quoted(challenge.realm)}"',
        f'nonce="{_quoted(challenge.nonce)}"',
        f'uri="{uri}"',
        f"algorithm={challenge.algorithm}",
    ]
    if challenge.with_qop:
        proof = _hash(challenge, f"{first}:{challenge.nonce}:00000001:{cnonce}:auth:{second}")
        parts += ["qop=auth", "nc=00000001", f'cnonce="{cnonce}"']
    else:
        proof = _hash(challenge, f"{first}:{challenge.nonce}:{second}")
    if challenge.opaque:
        parts.append(f'opaque="{_quoted(challenge.opaque)}"')
    return f'Digest {", ".join(parts)}, response="{proof}"'


def _read(value: str) -> Challenge | None:
    scheme = _SCHEME.match(value)
    # Realm and nonce go back in a line of ours: a lone carriage return in them would end it for some servers.
    if scheme is None or not value.replace("\t", " ").isprintable():
        return None
    fields: dict[str, str] = {}
    at = scheme.end()
    while at < len(value):
        field = _FIELD.match(value, at)
        if field is None:
            return None
        quoted = field[2]
        plain = field[3] if quoted is None else re.sub(r"\\(.)", r"\1", quoted)
        fields.setdefault(field[1].lower(), plain)
        at = field.end()
    algorithm = fields.get("algorithm", "MD5").upper()
    qops = {word.strip().lower() for word in fields.get("qop", "").split(",")}
    if algorithm not in _HASHES or "realm" not in fields or "nonce" not in fields:
        return None
    if "qop" in fields and "auth" not in qops:
        return None
    return Challenge(fields["realm"], fields["nonce"], algorithm, "qop" in fields, fields.get("opaque", ""))


def _hash(challenge: Challenge, text: str) -> str:
    return hashlib.new(_HASHES[challenge.algorithm], text.encode(), usedforsecurity=False).hexdigest()


def _quoted(text: str) -> str:
    return text.replace("\\", "\\\\").replace('"', '\\"')
