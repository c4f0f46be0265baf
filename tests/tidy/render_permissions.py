"""`docs/reference/permissions.md`, printed from the one table of roles and the one of operations.

Run `python -m tests.tidy.render_permissions` after a change of either; a tidy test keeps both equal.
"""

from __future__ import annotations

from collections.abc import Iterator

from ringfence.domain.access import GRANTS, Permission, Role
from ringfence.web.permissions import FOR_ALL_WHO_ARE_KNOWN, OPERATIONS
from tests.fakes.full_application import full_application
from tests.fakes.sample_requests import routes_of
from tests.tidy.tree import ROOT

PAGE = ROOT / "docs" / "reference" / "permissions.md"

INTRODUCTION = """# Permissions

*For admins who give out roles, and for auditors: who may do what.*

Printed by `python -m tests.tidy.render_permissions` from the tables the program decides by; a test keeps this page
equal, another asks every role for every operation. Do not edit it. How people get their roles is in
[Sign-in and roles](../howto/sign-in-and-roles.md).
"""

_OTHERS = """## Who has no role

| caller | may |
|---|---|
| whoever opens the local socket (the command line on the node) | everything |
| a break-glass account | as `admin` |
| an API key | what was named when it was made, no more than its maker may, never `own` |
| the token in `http_token` | everything but `own`, `reveal` and `export` |
| anybody else | nothing under `/v1` (401), and no page but the one to sign in |
"""


def page() -> str:
    """The whole page."""
    parts = [INTRODUCTION, "## What each role grants\n", *_roles(), "", _OTHERS, "## What each operation asks for\n"]
    return "\n".join([*parts, *_operations(), ""])


def _roles() -> Iterator[str]:
    yield f"| permission | to | {' | '.join(Role)} |"
    yield f"|---|---|{'---|' * len(Role)}"
    for permission in Permission:
        cells = ("yes" if permission in GRANTS[role] else "" for role in Role)
        yield f"| `{permission}` | {permission.words} | {' | '.join(cells)} |"


def _operations() -> Iterator[str]:
    yield "An operation that is not in this table is open to nobody. Pages are marked by their name, `page_...`.\n"
    yield "| operation | request | permission | roles |"
    yield "|---|---|---|---|"
    found = [
        (str(route.path), method, str(route.operation_id))
        for route in routes_of(full_application())
        for method in route.methods or ()
    ]
    for path, method, operation in sorted(found, key=lambda one: (one[2].startswith("page_"), one)):
        request = f"`{method} {path}`"
        if operation in FOR_ALL_WHO_ARE_KNOWN:
            yield f"| `{operation}` | {request} | | everybody who is signed in |"
        elif operation in OPERATIONS:
            permission = OPERATIONS[operation]
            roles = ", ".join(role for role in Role if permission in GRANTS[role])
            yield f"| `{operation}` | {request} | `{permission}` | {roles} |"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
