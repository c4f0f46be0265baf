"""From the columns of a source to one record, by configuration: every source of `hr/` gives its rows here as text.

A cell that cannot be read for certain is a problem of its row and never a guess; all problems of a row come at once.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta, tzinfo
from difflib import get_close_matches
from sys import intern
from types import MappingProxyType
from typing import Final, TypeVar

from ringfence.domain.directory import MAX_DEFAULT_NUMBERS, PersonKey, why_not_key, why_not_name
from ringfence.domain.hr.dates import DateError, DateOrder, is_showable, read_day, read_moment
from ringfence.domain.hr.presets import PRESETS, MappedField
from ringfence.domain.hr.record import HrNumber, HrRecord, NumberUse, RowProblem
from ringfence.domain.hr.words import (
    BLANK_WORDS,
    STATUS_WORDS,
    YES_NO,
    shown,
    tidy,
    why_not_cell,
    why_not_detail,
    why_not_email,
    why_not_id,
)
from ringfence.domain.numbers import Did, NumberError, mask_text, parse_e164

__all__ = ["FieldMapping", "MappedField", "MappingError", "mapping_of", "read_row", "says_left"]

MAX_DIDS: Final = 20
SEPARATORS: Final = ";,|\n"  # of several DIDs in one cell; none of them is part of a number

_SEVERAL_COLUMNS: Final = frozenset({MappedField.DID, MappedField.WORK_NUMBER, MappedField.PRIVATE_NUMBER})

T = TypeVar("T")


class MappingError(ValueError):
    """A mapping that cannot work. `field` is the one it is about, the text what is wrong and the fix."""

    def __init__(self, field: str, message: str) -> None:
        super().__init__(f"{field}: {message}")
        self.field = field
        self.message = message


@dataclass(frozen=True, slots=True)
class FieldMapping:
    """Which columns feed which field, and how their text is read. `words` say in lower case whether somebody is
    employed; `separators` part several DIDs in one cell; `zone` is that of exact moments written without an offset."""

    columns: Mapping[MappedField, tuple[str, ...]]
    default_country: str = "GB"
    date_order: DateOrder = DateOrder.DMY
    words: Mapping[str, bool] = field(default_factory=lambda: STATUS_WORDS)
    separators: str = SEPARATORS
    zone: tzinfo | None = None

    @property
    def all_columns(self) -> tuple[str, ...]:
        """Every column once, in the order of the fields."""
        return tuple(dict.fromkeys(column for columns in self.columns.values() for column in columns))


def mapping_of(
    preset: str,
    fields: Mapping[str, str | list[str]],
    default_country: str,
    *,
    date_order: str = DateOrder.DMY,
    words: Mapping[str, bool] | None = None,
    zone: tzinfo | None = None,
) -> FieldMapping:
    """The preset (empty: none) with the fields laid over it; a field without a column is switched off. `words` come on
    top of the words everybody understands. Raises MappingError."""
    if preset and preset not in PRESETS:
        raise MappingError("preset", f"{preset!r} is not known; known are {', '.join(PRESETS)}")
    columns = dict(PRESETS[preset].columns) if preset else {}
    for name, written in fields.items():
        mapped = _field(name)
        chosen = tuple(column.strip() for column in ([written] if isinstance(written, str) else written))
        chosen = tuple(dict.fromkeys(column for column in chosen if column))
        if len(chosen) > 1 and mapped not in _SEVERAL_COLUMNS:
            raise MappingError(name, f"has {len(chosen)} columns; give one (several only for DIDs and numbers)")
        columns[mapped] = chosen
    columns = {mapped: columns[mapped] for mapped in MappedField if columns.get(mapped)}
    _check_columns(columns)
    own = {word.strip().lower(): employed for word, employed in (words or {}).items()}
    known = {**STATUS_WORDS, **(PRESETS[preset].words if preset else {}), **own}
    return FieldMapping(
        MappingProxyType(columns), default_country, DateOrder(date_order), MappingProxyType(known), zone=zone
    )


def read_row(row: Mapping[str, str], where: str, mapping: FieldMapping) -> HrRecord | tuple[RowProblem, ...]:
    """One record, or everything that is wrong with the row. `row` is column -> text; a column that is not in it counts
    as empty. `where` is the row's place, for people."""
    return _Reading(row, where, mapping).record()


def says_left(row: Mapping[str, str], mapping: FieldMapping, now: datetime) -> str | None:
    """The id of somebody of whom a row says for certain that they have left, whatever else in it cannot be read; None:
    it does not. A last day counts when it is over everywhere. `now` is in UTC."""
    return _Reading(row, "", mapping).left(now)


def _field(name: str) -> MappedField:
    try:
        return MappedField(name)
    except ValueError:
        near = get_close_matches(name, list(MappedField), n=1)
        hint = f"did you mean {near[0]}?" if near else f"known are {', '.join(MappedField)}"
        raise MappingError(name, f"is no field of a record; {hint}") from None


def _check_columns(columns: Mapping[MappedField, Sequence[str]]) -> None:
    if MappedField.KEY not in columns:
        raise MappingError("key", 'has no column; name the one with the person\'s key, as key = "Employee ID"')
    if MappedField.AWAY_UNTIL in columns and MappedField.AWAY_FROM not in columns:
        raise MappingError("away_until", "needs away_from: without its first day an absence cannot be told")
    for one, other in (
        (MappedField.FIRST_NAME, MappedField.LAST_NAME),
        (MappedField.LAST_NAME, MappedField.FIRST_NAME),
    ):
        if one in columns and other not in columns and MappedField.NAME not in columns:
            raise MappingError(one, f"needs {other}, or map `name` alone")


class _Reading:
    """One row being read."""

    __slots__ = ("_columns", "_mapping", "_problems", "_row", "_where")

    def __init__(self, row: Mapping[str, str], where: str, mapping: FieldMapping) -> None:
        self._row = row
        self._where = where
        self._mapping = mapping
        self._columns = mapping.columns
        self._problems: list[tuple[str, str]] = []

    def record(self) -> HrRecord | tuple[RowProblem, ...]:
        order = self._mapping.date_order
        key = self._required(MappedField.KEY, why_not_key)
        id_ = self._required(MappedField.ID, why_not_id) if MappedField.ID in self._columns else key
        dids = self._dids()
        starts = self._read(MappedField.STARTS, lambda text: read_day(text, order))
        ends = self._read(MappedField.ENDS, lambda text: read_day(text, order))
        away_from = self._read(MappedField.AWAY_FROM, lambda text: read_day(text, order))
        away_until = self._read(MappedField.AWAY_UNTIL, lambda text: read_day(text, order))
        self._check_order(MappedField.ENDS, starts, ends)
        self._check_order(MappedField.AWAY_UNTIL, away_from, away_until)
        if away_until is not None and away_from is None:
            self._problem(MappedField.AWAY_UNTIL, "has no first day; fill in the day the absence began")
        deputy = self._text(MappedField.DEPUTY, why_not_key)
        record = HrRecord(
            id=id_,
            key=PersonKey(intern(key)),
            post=self._text(MappedField.POST, why_not_detail) or "",
            name=self._name(),
            email=self._text(MappedField.EMAIL, why_not_email),
            site=self._shared(MappedField.SITE, why_not_name),
            department=self._shared(MappedField.DEPARTMENT, why_not_detail),
            manager=self._shared(MappedField.MANAGER, why_not_detail),
            dids=dids,
            numbers=self._numbers(dids or ()),
            active=self._word(MappedField.ACTIVE, self._mapping.words),
            starts=starts,
            ends=ends,
            ends_at=self._read(MappedField.ENDS_AT, self._moment),
            away_from=away_from,
            away_until=away_until,
            deputy=None if deputy is None else PersonKey(intern(deputy)),
            on_call=self._word(MappedField.ON_CALL, YES_NO),
        )
        if not self._problems:
            return record
        readable = "" if why_not_id(id_) else id_
        return tuple(RowProblem(self._where, column, message, readable) for column, message in self._problems)

    def left(self, now: datetime) -> str | None:
        key = self._required(MappedField.KEY, why_not_key)
        id_ = self._required(MappedField.ID, why_not_id) if MappedField.ID in self._columns else key
        if self._problems or self._cell(MappedField.POST):
            return None  # one post of several says nothing of the others
        order = self._mapping.date_order
        active = self._word(MappedField.ACTIVE, self._mapping.words)
        starts = self._read(MappedField.STARTS, lambda text: read_day(text, order))
        ends = self._read(MappedField.ENDS, lambda text: read_day(text, order))
        if self._cell(MappedField.STARTS) and ends is not None and (starts is None or ends < starts):
            ends = None  # it may be the end of an earlier employment
        ends_at = self._read(MappedField.ENDS_AT, self._moment)
        over = ends is not None and ends < now.date() - timedelta(days=1)
        if ends_at is not None:
            over = ends_at <= now
        return id_ if active is False or over else None

    def _cell(self, mapped: MappedField) -> str:
        columns = self._columns.get(mapped)
        return self._row.get(columns[0], "").strip() if columns else ""

    def _problem(self, mapped: MappedField, message: str) -> None:
        self._problems.append((self._columns[mapped][0], message))

    def _required(self, mapped: MappedField, why_not: Callable[[str], str | None]) -> str:
        text = self._cell(mapped)
        if not text:
            self._problem(mapped, "is empty; every row needs it")
        elif (fault := why_not(text)) is not None:
            self._problem(mapped, f"{shown(text)} {fault}, or map another column to `{mapped}`")
        return text

    def _text(self, mapped: MappedField, why_not: Callable[[str], str | None]) -> str | None:
        text = tidy(self._cell(mapped))
        if not text or text.lower() in BLANK_WORDS:
            return None
        if (fault := why_not_cell(text) or why_not(text)) is not None:
            self._problem(mapped, f"{shown(text)} {fault}")
        return text

    def _shared(self, mapped: MappedField, why_not: Callable[[str], str | None]) -> str | None:
        """A text that many records have in common."""
        text = self._text(mapped, why_not)
        return None if text is None else intern(text)

    def _name(self) -> str | None:
        whole = tidy(self._cell(MappedField.NAME))
        parts = (tidy(self._cell(MappedField.FIRST_NAME)), tidy(self._cell(MappedField.LAST_NAME)))
        text = whole or " ".join(part for part in parts if part)
        if not text:
            return None
        if (fault := why_not_cell(text) or why_not_name(text)) is not None:
            self._problem(MappedField.NAME if whole else MappedField.LAST_NAME, f"{shown(text)} {fault}")
        return text

    def _word(self, mapped: MappedField, words: Mapping[str, bool]) -> bool | None:
        text = tidy(self._cell(mapped))
        if not text or text.lower() in BLANK_WORDS:
            return None
        known = words.get(text.lower())
        if known is None:
            fix = "write yes or no" if mapped is MappedField.ON_CALL else "say in `status_words` what it means"
            self._problem(mapped, f"{shown(text)} is no word that is known here; {fix}")
        return known

    def _read(self, mapped: MappedField, read: Callable[[str], T | None]) -> T | None:
        text = self._cell(mapped)
        if not text or text.lower() in BLANK_WORDS:
            return None
        try:
            return read(text)
        except DateError as error:
            self._problem(mapped, f"{repr(text) if is_showable(text) else shown(text)} {error}")
            return None

    def _moment(self, text: str) -> datetime | None:
        return read_moment(text, self._mapping.date_order, self._mapping.zone)

    def _check_order(self, mapped: MappedField, first: date | None, last: date | None) -> None:
        if first is not None and last is not None and last < first:
            self._problem(mapped, f"{last} is before the first day, {first}; correct one of them")

    def _dids(self) -> tuple[Did, ...] | None:
        if MappedField.DID not in self._columns:
            return None
        found = [number for _, number in self._each(MappedField.DID, self._mapping.separators)]
        if len(found) > MAX_DIDS:
            self._problem(MappedField.DID, f"holds {len(found)} numbers, at most {MAX_DIDS} belong to one person")
        return tuple(Did(number) for number in dict.fromkeys(found))

    def _numbers(self, dids: Sequence[Did]) -> tuple[HrNumber, ...] | None:
        """Work before private, each in the order of the columns; a person's own DID would ring in a circle."""
        uses = {MappedField.WORK_NUMBER: NumberUse.WORK, MappedField.PRIVATE_NUMBER: NumberUse.PRIVATE}
        if not any(mapped in self._columns for mapped in uses):
            return None
        found: dict[str, HrNumber] = {}
        for mapped, use in uses.items():
            for _, number in self._each(mapped, ""):
                if number not in dids:
                    found.setdefault(number, HrNumber(number, use))
        return tuple(found.values())[:MAX_DEFAULT_NUMBERS]

    def _each(self, mapped: MappedField, separators: str) -> list[tuple[str, str]]:
        """Column and number, of every number in the columns of a field."""
        found: list[tuple[str, str]] = []
        for column in self._columns.get(mapped, ()):
            cell = self._row.get(column, "").strip()
            for text in re.split(f"[{re.escape(separators)}]", cell) if separators else (cell,):
                if text.strip().lower() in BLANK_WORDS:
                    continue
                try:
                    found.append((column, parse_e164(text, self._mapping.default_country)))
                except NumberError as error:
                    self._problems.append((column, f"{mask_text(text.strip())!r} {error}"))
        return found
