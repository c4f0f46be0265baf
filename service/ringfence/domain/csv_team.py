"""From one row of `teams.csv` to a team line, and back."""

from __future__ import annotations

from sys import intern
from typing import Final

from ringfence.domain.csv_fields import CsvRules, Notes, checked, public_number
from ringfence.domain.csv_text import Columns, Row
from ringfence.domain.directory import PersonKey, why_not_key, why_not_name
from ringfence.domain.numbers import spaced
from ringfence.domain.team import MAX_MEMBERS, MAX_WAIT_SECONDS, MAX_WAITING, Strategy, Team

# Column -> what holds when it is empty, the least and the most.
_COUNTS: Final = {
    "ring_seconds": (20, 5, 120),
    "wait_seconds": (0, 0, MAX_WAIT_SECONDS),
    "max_waiting": (10, 1, MAX_WAITING),
    "floor": (1, 1, MAX_MEMBERS),
}
TEAM_COLUMNS: Final = Columns(("name", "site"), ("strategy", "members", *_COUNTS, "backstop_number"))


def read_team(row: Row, rules: CsvRules, notes: Notes) -> Team | None:
    before = notes.errors
    name = checked(row, "name", why_not_name, notes)
    site = checked(row, "site", why_not_name, notes)
    strategy = row.get("strategy").lower() or Strategy.ALL
    if strategy not in set(Strategy):
        notes.error(row, "strategy", strategy[:80], f"is no strategy; write one of {', '.join(Strategy)}")
    members = _members(row, notes)
    counts = {column: _count(row, column, notes) for column in _COUNTS}
    backstop = public_number(row, "backstop_number", rules, notes)
    if members and counts["floor"] > len(members):
        message = f"is more than the {len(members)} that are listed, so the team would never be rung; write fewer"
        notes.error(row, "floor", str(counts["floor"]), message)
    if notes.errors > before:
        return None
    return Team(intern(name), intern(site), Strategy(strategy), members, **counts, backstop_number=backstop)


def render_team(team: Team) -> list[str]:
    """The columns of `TEAM_COLUMNS`."""
    return [
        team.name,
        team.site,
        team.strategy,
        " ".join(team.members),
        *(str(getattr(team, column)) for column in _COUNTS),
        spaced(team.backstop_number) if team.backstop_number else "",
    ]


def members_in(row: Row) -> list[str]:
    """The keys as they are written."""
    return row.get("members").split()


def _members(row: Row, notes: Notes) -> tuple[PersonKey, ...]:
    keys: list[PersonKey] = []
    for text in members_in(row):
        if (fault := why_not_key(text)) is not None:
            notes.error(row, "members", text[:80], f"{fault}; write keys of people.csv with spaces between them")
        elif text in keys:
            notes.error(row, "members", text, "comes twice; remove one")
        else:
            keys.append(PersonKey(intern(text)))
    if len(keys) > MAX_MEMBERS:
        message = f"holds {len(keys)} people, at most {MAX_MEMBERS} can be rung; make two teams of it"
        notes.error(row, "members", "", message)
    return tuple(keys)


def _count(row: Row, column: str, notes: Notes) -> int:
    written = row.get(column)
    usual, least, most = _COUNTS[column]
    if not written:
        return usual
    if not (written.isascii() and written.isdecimal() and len(written) <= 4 and least <= int(written) <= most):
        notes.error(row, column, written[:80], f"must be a whole number from {least} to {most} (empty is {usual})")
        return usual
    return int(written)
