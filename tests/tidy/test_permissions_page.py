"""The page of permissions is what the program decides by."""

from __future__ import annotations

from ringfence.domain.access import GRANTS, Permission, Role
from tests.tidy import render_permissions
from tests.tidy.tree import text_of


def test_the_page_is_the_table() -> None:
    assert text_of(render_permissions.PAGE) == render_permissions.page(), (
        "run `python -m tests.tidy.render_permissions`"
    )


def test_every_role_grants_something_and_every_permission_is_granted() -> None:
    assert set(GRANTS) == set(Role) and all(GRANTS.values())
    assert frozenset[Permission]().union(*GRANTS.values()) == set(Permission)
