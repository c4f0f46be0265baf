"""Stored users as HR records."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from ringfence.app.scim_ports import ScimResource
from ringfence.domain.field_mapping import MappingError, mapping_of, read_row
from ringfence.domain.hr_record import Batch, HrRecord, RowProblem
from ringfence.hr.scim.flat import flat_row
from ringfence.hr.scim.settings import ScimSettings

__all__ = ["MappingError", "RecordReader"]

_ON_CALL_COLUMN: Final = "member of on_call_group"


class RecordReader:
    """Reads users by the source's mapping. A user that cannot be read is a problem of the batch and no error for the
    identity provider: it would repeat it for ever, and in the end stop altogether."""

    def __init__(self, settings: ScimSettings, default_country: str) -> None:
        """`default_country` (ISO 3166) is that of numbers written without a plus. Raises MappingError."""
        fields = {**settings.fields, "id": "id"}
        if settings.on_call_group:
            fields["on_call"] = _ON_CALL_COLUMN
        self._source = settings.name
        self._mapping = mapping_of(settings.preset, fields, default_country)

    def batch(self, users: Iterable[ScimResource], on_call: Collection[str] = ()) -> Batch:
        """A delta with everything these users say. `on_call`: the ids of those who are."""
        records: list[HrRecord] = []
        rejected: list[RowProblem] = []
        gone: set[str] = set()
        count = 0
        for count, user in enumerate(users, start=1):  # noqa: B007
            row = {
                **flat_row(user.body),
                "id": user.id,
                _ON_CALL_COLUMN: "yes" if user.id in on_call else "no",
            }
            read = read_row(row, f"user {user.id}", self._mapping)
            if isinstance(read, HrRecord):
                records.append(read)
                continue
            rejected.extend(read)
            if user.body.get("active") is False:
                # Whatever else cannot be read: this person has left, and nothing of theirs may go on ringing.
                gone.add(user.id)
        return Batch(self._source, tuple(records), False, frozenset(gone), rejected=tuple(rejected), rows=count)

    def deletion(self, id_: str) -> Batch:
        """A delta that says this user is deleted."""
        return Batch(self._source, (), False, frozenset({id_}), rows=1)
