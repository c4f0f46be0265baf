"""Sources in which one column may hold several values: attributes of a directory, lists in JSON.

DIDs are joined, numbers are spread over columns of their own, since a mapping reads one number from each. What decides
about somebody has to have one value: two keys are no key.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Final

from ringfence.app.hr.ports import FeedRefused
from ringfence.domain.directory import MAX_DEFAULT_NUMBERS
from ringfence.domain.hr.field_mapping import FieldMapping, MappedField

Values = Callable[[str], Sequence[str]]
"""A column's values, in an order that is always the same."""

_NUMBERS: Final = frozenset({MappedField.WORK_NUMBER, MappedField.PRIVATE_NUMBER})
_FIRST_WILL_DO: Final = frozenset(
    {MappedField.NAME, MappedField.FIRST_NAME, MappedField.LAST_NAME, MappedField.EMAIL, MappedField.DEPARTMENT}
    | {MappedField.MANAGER, MappedField.DEPUTY}
)
_NEEDED: Final = (MappedField.KEY, MappedField.DID, MappedField.ACTIVE)


class SeveralValues(ValueError):
    """A column with several values where one belongs. `column` is its name."""

    def __init__(self, column: str, count: int) -> None:
        super().__init__(f"has {count} values; map what has one")
        self.column = column


class ValueColumns:
    """A mapping for such a source: `mapping` is what `read_row` needs for the rows that `row` makes."""

    def __init__(self, mapping: FieldMapping) -> None:
        self._columns = mapping.columns
        self._filled: set[str] = set()
        spread = {
            field: tuple(name for column in columns for name in _names(column)) if field in _NUMBERS else columns
            for field, columns in mapping.columns.items()
        }
        self.mapping = replace(mapping, columns=MappingProxyType(spread))

    def row(self, values: Values) -> dict[str, str]:
        """Column -> text. Raises SeveralValues, and what `values` raises."""
        row: dict[str, str] = {}
        for field, columns in self._columns.items():
            for column in columns:
                found = [text for text in values(column) if text.strip()]
                if found:
                    self._filled.add(column)
                if field in _NUMBERS:
                    row.update(zip(_names(column), found, strict=False))
                elif field is MappedField.DID:
                    row[column] = ";".join(found)
                elif len(found) > 1 and field not in _FIRST_WILL_DO:
                    raise SeveralValues(column, len(found))
                elif found:
                    row[column] = found[0]
        return row

    def check_all_were_there(self, what: str) -> None:
        """After a complete reading. What everybody lacks has been renamed, or may not be read any more: no leaver
        would be noticed. Raises FeedRefused."""
        for field in _NEEDED:
            columns = self._columns.get(field, ())
            if columns and not self._filled.intersection(columns):
                raise FeedRefused(
                    f"No {what} has anything in {' or '.join(columns)}, which is mapped to `{field}`.",
                    f"Correct `fields`, or the right to read it; {field} = [] does without.",
                )


def _names(column: str) -> tuple[str, ...]:
    return (column, *(f"{column} ({place})" for place in range(2, MAX_DEFAULT_NUMBERS + 1)))
