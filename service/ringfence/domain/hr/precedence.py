"""Whose word counts first, field by field: by hand, then the sources in their order, then the imported directory."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

from ringfence.domain.hr.roster import IMPORTED, RosterPolicy

BY_HAND: Final = -1
"""The rank of what a person entered: before every source."""


class Precedence:
    """Ranks of the origins, the smallest first. A source that the configuration no longer names keeps a word, after
    those it names: what it said of somebody's leaving must not be lost with it."""

    def __init__(self, policy: RosterPolicy, sources: Iterable[str]) -> None:
        usual = [*policy.sources, *sorted(set(sources) - set(policy.sources))]
        self._usual = _ranks((), usual)
        self._by_field = {name: _ranks(order, usual) for name, order in policy.precedence.items()}

    def of(self, field: str) -> Mapping[str, int]:
        """The rank of every source and of the import for this field of `HrRecord`."""
        return self._by_field.get(field, self._usual)

    def is_usual(self, field: str) -> bool:
        return field not in self._by_field


def _ranks(first: Iterable[str], usual: Iterable[str]) -> dict[str, int]:
    # Whom a field's own order leaves out comes after those it names.
    order = dict.fromkeys((*first, *usual, IMPORTED))
    return {name: rank for rank, name in enumerate(order)}
