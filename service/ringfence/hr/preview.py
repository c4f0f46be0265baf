"""How a file would be read, for whoever sets a source up: needs no daemon, no configuration, and changes nothing.

Where a source refuses a file, a preview goes on without the columns that are missing, and says what to configure.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Final, Literal

from ringfence.app.hr.ports import FeedRefused, Progress
from ringfence.domain.hr.field_mapping import FieldMapping, MappedField, mapping_of
from ringfence.domain.hr.presets import PRESETS
from ringfence.domain.hr.record import Batch, RowProblem
from ringfence.hr.sheet import Sheet, shown_name, shown_names
from ringfence.hr.sheet_files import SheetRules, find_columns, open_sheet, read_batch

ENOUGH: Final = 0.3  # of a preset's columns, for it to be a guess worth making


@dataclass(frozen=True, slots=True)
class Wish:
    """What a person says of the file. Without a preset one is guessed, unless the fields name the key."""

    preset: str = ""
    fields: Mapping[str, str | list[str]] = field(default_factory=dict)
    default_country: str = "GB"
    date_order: str = "dmy"
    sheet: str = ""
    trailer: str = ""
    words: Mapping[str, bool] = field(default_factory=dict)
    last_line: Literal["ended", "complete"] = "ended"


@dataclass(frozen=True, slots=True)
class Preview:
    """`missing` are columns of the mapping that the file does not have, `unused` those of the file that feed
    nothing. `batch` is what was read of the rest."""

    file: str
    form: str
    preset: str
    guessed: bool
    mapping: FieldMapping
    missing: tuple[RowProblem, ...]
    unused: tuple[str, ...]
    batch: Batch

    @property
    def switched_off(self) -> tuple[MappedField, ...]:
        """The fields whose columns are missing: what the configuration has to say of them."""
        columns = {problem.field for problem in self.missing}
        return tuple(mapped for mapped, names in self.mapping.columns.items() if columns.intersection(names))


def preview(file: str, data: bytes, wish: Wish, progress: Progress) -> Preview:
    """Raises FeedRefused, and MappingError for a wish that cannot be."""
    preset, guessed = wish.preset, False
    if not preset and "key" not in wish.fields:
        preset, guessed = guess_preset(_open(file, data, wish, None)), True
    mapping = mapping_of(preset, wish.fields, wish.default_country, date_order=wish.date_order, words=wish.words)
    sheet = _open(file, data, wish, mapping)
    missing = _missing(sheet, mapping)
    there = without(mapping, {problem.field for problem in missing})
    if MappedField.KEY not in there.columns:
        key = mapping.columns[MappedField.KEY][0]
        raise FeedRefused(
            f"{file} has no column {key!r} for the key. It has: {shown_names(sheet.header)}.",
            "Name the column with `--map key=COLUMN`, or another preset.",
            missing,
        )
    batch = read_batch("preview", file, data, SheetRules(there, wish.sheet, wish.trailer, wish.last_line), progress)
    used = {sheet.header[index] for index in find_columns(sheet, there).values()}
    unused = tuple(shown_name(name) for name in sheet.header if name and name not in used)
    return Preview(file, sheet.form, preset, guessed, mapping, missing, unused, batch)


def guess_preset(sheet: Sheet) -> str:
    """The preset of which the file has the largest part. Raises FeedRefused where none comes near."""
    header = {name.lower() for name in sheet.header}

    def part(name: str) -> float:
        columns = [column.lower() for columns in PRESETS[name].columns.values() for column in columns]
        return len(header.intersection(columns)) / len(columns)

    best = max(PRESETS, key=part)
    if part(best) < ENOUGH:
        raise FeedRefused(
            f"{sheet.file} looks like none of the presets. It has: {shown_names(sheet.header)}.",
            "Say which column is which: `--map key=COLUMN --map name=COLUMN ...`.",
        )
    return best


def without(mapping: FieldMapping, columns: set[str]) -> FieldMapping:
    """The mapping with the fields switched off that need one of these columns."""
    kept = {mapped: names for mapped, names in mapping.columns.items() if not columns.intersection(names)}
    return replace(mapping, columns=MappingProxyType(kept))


def _open(file: str, data: bytes, wish: Wish, mapping: FieldMapping | None) -> Sheet:
    """Without a mapping every preset's columns help to find the delimiter."""
    if mapping is None:
        names = [name for preset in PRESETS.values() for columns in preset.columns.values() for name in columns]
        mapping = FieldMapping({MappedField.KEY: tuple(dict.fromkeys(names))})
    return open_sheet(file, data, SheetRules(mapping, wish.sheet))


def _missing(sheet: Sheet, mapping: FieldMapping) -> tuple[RowProblem, ...]:
    try:
        find_columns(sheet, mapping)
    except FeedRefused as refused:
        return refused.problems
    return ()
