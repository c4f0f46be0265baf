"""Who may do what: roles, the permissions they grant, and the caller every operation sees.

A permission is what an operation asks for; a role is what an organisation gives to people. Sign-in proves who somebody
is and from which roles; nothing here knows how.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from types import MappingProxyType
from typing import Final


class Role(StrEnum):
    """What an organisation gives to people. Nobody without one may do anything."""

    STAFF = "staff"
    VIEWER = "viewer"
    HELPDESK = "helpdesk"
    ADMIN = "admin"
    AUDITOR = "auditor"


class Permission(StrEnum):
    """What an operation asks for."""

    OWN = "own"
    SEE = "see"
    ORDER = "order"
    PEOPLE = "people"
    PLANS = "plans"
    INCIDENTS = "incidents"
    REVEAL = "reveal"
    EXPORT = "export"
    AUDIT = "audit"
    MANAGE = "manage"

    @property
    def words(self) -> str:
        """For people."""
        return _WORDS[self]


_WORDS: Final = {
    Permission.OWN: "see and set one's own default numbers and absence",
    Permission.SEE: "see state, calls, plans, people and incidents, with every number masked",
    Permission.ORDER: "set and release overrides, order a failback",
    Permission.PEOPLE: "enter default numbers, absence and leaving for others",
    Permission.PLANS: "decide what is held of HR's feeds",
    Permission.INCIDENTS: "write notes, keep the call-back list",
    Permission.REVEAL: "see one number in clear, for a reason that is kept",
    Permission.EXPORT: "take out data with private or callers' numbers",
    Permission.AUDIT: "read and verify the audit record",
    Permission.MANAGE: "import the directory, erase people, keep keys, sessions and notifications",
}

_SEE: Final = frozenset({Permission.SEE})
_HELPDESK: Final = _SEE | {
    Permission.ORDER,
    Permission.PEOPLE,
    Permission.PLANS,
    Permission.INCIDENTS,
    Permission.REVEAL,
}

GRANTS: Final[Mapping[Role, frozenset[Permission]]] = MappingProxyType(
    {
        Role.STAFF: frozenset({Permission.OWN}),
        Role.VIEWER: _SEE,
        Role.HELPDESK: _HELPDESK,
        Role.ADMIN: _HELPDESK | {Permission.MANAGE, Permission.EXPORT},
        # An auditor sees everything and moves nothing.
        Role.AUDITOR: _SEE | {Permission.AUDIT, Permission.EXPORT},
    }
)
"""The table that `docs/reference/permissions.md` prints."""

EVERYTHING: Final = frozenset(Permission)


def granted(roles: Iterable[Role]) -> frozenset[Permission]:
    """What somebody with these roles may do."""
    return frozenset().union(*(GRANTS[role] for role in roles))


class SignedInBy(StrEnum):
    """How a caller proved who they are."""

    SOCKET = "local socket"
    TOKEN = "token"  # noqa: S105  the name of a way in
    KEY = "api key"
    OIDC = "sign-in"
    BREAK_GLASS = "break-glass"


@dataclass(frozen=True, slots=True)
class Caller:
    """Whoever asks. `name` is whom the history shows. `person` is the key under which the directory knows them, None
    where it does not: only then is there something of their own. `session` is the id of the session row, empty where
    there is none. `made_by`: of an API key, whoever made it."""

    name: str
    permissions: frozenset[Permission]
    by: SignedInBy
    roles: frozenset[Role] = frozenset()
    person: str | None = None
    session: str = ""
    made_by: str = ""

    def may(self, permission: Permission) -> bool:
        return permission in self.permissions
