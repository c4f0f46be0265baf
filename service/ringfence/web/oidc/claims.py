"""What an ID token's claims mean here: roles, a name, a person's key. Pure."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from ringfence.domain.access import Role
from ringfence.domain.audit import MACHINE
from ringfence.web.oidc.settings import SignInSettings

MAX_NAME_CHARACTERS: Final = 64
MAX_KEY_CHARACTERS: Final = 200
MAX_DEPTH: Final = 8
# What people call a login, the best first; `sub` is always there.
_LOGINS: Final = ("preferred_username", "email", "sub")


@dataclass(frozen=True, slots=True)
class SignedIn:
    """Whom a provider vouches for. `subject` is theirs for ever and nobody else's, with the provider's name before it.
    `key` is what `person_claim` says, empty where it says nothing.
    `roles` may be empty: then they may not come in."""

    name: str
    subject: str
    key: str
    roles: frozenset[Role]


def signed_in(claims: Mapping[str, Any], settings: SignInSettings) -> SignedIn:
    """`claims` are those of a verified ID token."""
    name = name_of(claims, settings.name_claim)
    return SignedIn(
        # Nobody's login makes what they do look like the machine's.
        f"{name} ({settings.name})" if name.casefold() == MACHINE else name,
        f"{settings.name}:{claims['sub']}",
        _line(claim_at(claims, settings.person_claim), MAX_KEY_CHARACTERS),
        roles_of(claims, settings.roles_claim, settings.role_map),
    )


def claim_at(claims: Mapping[str, Any], path: str) -> Any:
    """The value at a path with dots, None where there is none. A claim's own name may hold dots, too (some are
    addresses): the longest name that is there is taken first."""
    return _at(claims, path, MAX_DEPTH)


def roles_of(claims: Mapping[str, Any], path: str, role_map: Mapping[str, Role]) -> frozenset[Role]:
    """Letter by letter: `Telephony-Admin` is not `telephony-admin`. One text is one value, and is not taken apart."""
    value = claim_at(claims, path)
    values = value if isinstance(value, list) else [value]
    return frozenset(role_map[item] for item in values if isinstance(item, str) and item in role_map)


def name_of(claims: Mapping[str, Any], path: str) -> str:
    """`Ada Example (ada)`: two people may have one name, and people choose theirs; the login tells them apart."""
    login = next((text for claim in _LOGINS if (text := _line(claims.get(claim), MAX_NAME_CHARACTERS))), "")
    name = _line(claim_at(claims, path), MAX_NAME_CHARACTERS)
    return f"{name} ({login})" if name and name != login else login


def is_left_out(claims: Mapping[str, Any], path: str) -> bool:
    """Whether the provider says that the claim was too long for the token (Entra ID's overage)."""
    names = claims.get("_claim_names")
    return isinstance(names, dict) and path in names


def _at(here: Any, path: str, depth: int) -> Any:
    if not isinstance(here, Mapping) or depth == 0:
        return None
    if path in here:
        return here[path]
    end = len(path)
    while (end := path.rfind(".", 0, end)) > 0:
        if path[:end] in here and (found := _at(here[path[:end]], path[end + 1 :], depth - 1)) is not None:
            return found
    return None


def _line(value: Any, limit: int) -> str:
    """Text as one printable line; a number as its digits; empty for anything else."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    printable = "".join(character if character.isprintable() else " " for character in str(value))
    return " ".join(printable.split())[:limit]
