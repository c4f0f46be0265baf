"""From the objects of a directory to records: a row for the mapping, the manager's key for their name, who has left."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Final

from ringfence.domain.directory import PersonKey
from ringfence.domain.hr.field_mapping import FieldMapping, MappedField, read_row, says_left
from ringfence.domain.hr.record import HrRecord, RowProblem
from ringfence.hr.ldap_finding import Finding
from ringfence.hr.ldap_names import DnParts, dn_parts, is_at_or_below
from ringfence.hr.ldap_settings import LdapSettings
from ringfence.hr.ldap_values import ACCOUNT_ACTIVE, Entry, ValueFault, is_disabled
from ringfence.hr.several_values import SeveralValues, ValueColumns

LookUp = Callable[[str], Entry | None]
"""Reads one object by its name, where it lies among the people; None otherwise."""

_PEOPLE: Final = (MappedField.MANAGER, MappedField.DEPUTY)
MAX_LOOK_UPS: Final = 5_000


@dataclass(frozen=True, slots=True)
class Rows:
    """What became of the objects."""

    records: tuple[HrRecord, ...]
    rejected: tuple[RowProblem, ...]
    gone: frozenset[str]
    """Who cannot be read otherwise and has certainly left. Their problems carry no identifier."""


class LdapRows:
    """One reading's objects. `look_up` is asked for a manager who is not among them."""

    def __init__(self, settings: LdapSettings, mapping: FieldMapping, look_up: LookUp) -> None:
        self._settings = settings
        self._columns = ValueColumns(mapping)
        self._look_up = look_up
        self._person_columns = {field: mapping.columns[field][0] for field in _PEOPLE if field in mapping.columns}
        self._leavers = [dn_parts(base) for base in settings.leaver_bases]
        self._employed = [dn_parts(base) for base in settings.employed_bases]
        self._keys: dict[DnParts, PersonKey | None] = {}
        self._look_ups = 0

    def read(self, found: Finding, now: datetime, *, complete: bool) -> Rows:
        """`now` is in UTC. Not `complete`: managers may lie outside what was found, and are looked up. Raises
        FeedRefused."""
        read: list[tuple[Entry, HrRecord]] = []
        rejected, gone = list(found.problems), set[str]()
        for id_, entry in found.entries.items():
            if id_ in found.repeated:
                continue
            record, parts = self._record(id_, entry), dn_parts(entry.dn)
            has_left = id_ in found.away or self._has_left(parts)
            if isinstance(record, HrRecord):
                self._keys[parts] = record.key
                read.append((entry, replace(record, active=False) if has_left else record))
            elif has_left or self._says_left(entry, now):
                gone.add(id_)
                rejected += [replace(problem, id="") for problem in record]
            else:
                rejected += record
        if complete:
            self._columns.check_all_were_there("object")
        records = tuple(self._with_people(entry, record, not complete) for entry, record in read)
        return Rows(records, tuple(rejected), frozenset(gone))

    def _record(self, id_: str, entry: Entry) -> HrRecord | tuple[RowProblem, ...]:
        try:
            row = self._columns.row(lambda column: self._values(entry, column))
        except SeveralValues as several:
            return (RowProblem(entry.dn, several.column, str(several), id_),)
        except ValueFault as fault:
            return (RowProblem(entry.dn, fault.attribute, str(fault), id_),)
        found = read_row(row, entry.dn, self._columns.mapping)
        if isinstance(found, HrRecord):
            return replace(found, id=id_)
        return tuple(replace(problem, id=id_) for problem in found)

    def _says_left(self, entry: Entry, now: datetime) -> bool:
        try:
            row = self._columns.row(lambda column: self._values(entry, column))
        except (SeveralValues, ValueFault):
            return False
        return says_left(row, self._columns.mapping, now) is not None

    def _values(self, entry: Entry, column: str) -> list[str]:
        if column == ACCOUNT_ACTIVE:
            disabled = is_disabled(entry, self._settings.disabled_when)
            return [] if disabled is None else ["false" if disabled else "true"]
        texts = entry.texts(column)
        if column in self._person_columns.values():
            return [text for text in texts if not _is_name(text)]
        return texts

    def _has_left(self, parts: DnParts) -> bool:
        if any(is_at_or_below(parts, base) for base in self._leavers):
            return True
        return bool(self._employed) and not any(is_at_or_below(parts, base) for base in self._employed)

    def _with_people(self, entry: Entry, record: HrRecord, look_up_others: bool) -> HrRecord:
        """A directory names a manager by where they are; a record, by their key. Who is not known is left out."""
        keys: dict[str, PersonKey] = {}
        for field, column in self._person_columns.items():
            names = [text for text in entry.texts(column) if _is_name(text)]
            key = self._key_of(names[0], look_up_others) if names else None
            if key is not None:
                keys[str(field)] = key
        return replace(record, **keys) if keys else record  # type: ignore[arg-type]

    def _key_of(self, dn: str, look_up_others: bool) -> PersonKey | None:
        parts = dn_parts(dn)
        if parts not in self._keys and look_up_others and self._look_ups < MAX_LOOK_UPS:
            self._look_ups += 1
            entry = self._look_up(dn)
            record = self._record("", entry) if entry is not None else ()
            self._keys[parts] = record.key if isinstance(record, HrRecord) else None
        return self._keys.get(parts)


def _is_name(text: str) -> bool:
    parts = dn_parts(text)
    return len(parts) > 1 and all("=" in part for part in parts)
