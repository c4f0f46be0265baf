"""Pages of the tables' rows."""

from __future__ import annotations

from typing import Any

from sqlalchemy import ColumnElement, Select

from ringfence.app.paging import Before


def from_here(query: Select[Any], at: ColumnElement[Any], before: Before | None) -> Select[Any]:
    """`query` is ordered by `at`, newest first, and has a limit."""
    return query if before is None else query.where(at <= before.at).offset(before.skip)
