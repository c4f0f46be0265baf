"""Finds people by what a person at the helpdesk has in hand: a key, a DID, or a part of a name."""

from __future__ import annotations

from collections.abc import Iterator

from ringfence.domain.directory import Directory, PersonKey
from ringfence.domain.hr.roster import Roster

MIN_NAME_CHARACTERS = 2


def found_keys(text: str, in_force: Directory, roster: Roster, limit: int) -> list[PersonKey]:
    """The best matches first, each once: the very key, the DID's owner, then names in the order of the keys."""
    found: dict[PersonKey, None] = {}
    for key in _matches(text.strip(), in_force, roster):
        found[key] = None
        if len(found) >= limit:
            break
    return list(found)


def _matches(text: str, in_force: Directory, roster: Roster) -> Iterator[PersonKey]:
    exact = PersonKey(text)
    exact = roster.aliases.get(exact, exact)
    if exact in in_force.people or any(state.key == exact for state in roster.records.values()):
        yield exact
    assignment = in_force.assignment(text.replace(" ", ""))
    if assignment is not None and assignment.owner is not None:
        yield assignment.owner
    part = text.casefold()
    if len(part) < MIN_NAME_CHARACTERS:
        return
    names = {state.key: (state.accepted or state.said).name or "" for state in roster.records.values()}
    names |= {key: person.name for key, person in in_force.people.items()}
    yield from sorted(key for key, name in names.items() if part in name.casefold() or part in key.casefold())
