"""Stored users as HR records."""

from __future__ import annotations

from collections.abc import Collection, Iterable
from typing import Final

from ringfence.app.hr.scim_ports import ScimResource
from ringfence.domain.hr.field_mapping import read_row
from ringfence.domain.hr.record import Batch, HrRecord, RowProblem
from ringfence.hr.scim.flat import flat_row
from ringfence.hr.scim.settings import ScimSettings

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
        self._mapping = settings.model_copy(update={"fields": fields}).mapping(default_country)

    def batch(self, users: Iterable[ScimResource], on_call: Collection[str] = ()) -> Batch:
        """A delta with everything these users say, and one problem for each that cannot be read. `on_call`: the ids of
        those who are."""
        records: list[HrRecord] = []
        rejected: list[RowProblem] = []
        gone: set[str] = set()
        for user in users:
            on = "yes" if user.id in on_call else "no"
            row = {**flat_row(user.body), "id": user.id, _ON_CALL_COLUMN: on}
            where = f"user {user.id}"
            read = read_row(row, where, self._mapping)
            if isinstance(read, HrRecord):
                records.append(read)
                continue
            columns = ", ".join(dict.fromkeys(problem.field for problem in read))
            message = "; ".join(f"{problem.field} {problem.message}" for problem in read)
            if user.body.get("active") is False:
                # Whatever else cannot be read: this person has left, and nothing of theirs may go on ringing. Without
                # an id in the problem, because whomever a problem names stays as they were.
                gone.add(user.id)
                rejected.append(RowProblem(where, columns, message))
            else:
                rejected.append(RowProblem(where, columns, message, user.id))
        rows = len(records) + len(rejected)
        return Batch(self._source, tuple(records), False, frozenset(gone), rejected=tuple(rejected), rows=rows)

    def deletion(self, id_: str) -> Batch:
        """A delta that says this user is deleted."""
        return Batch(self._source, (), False, frozenset({id_}), rows=1)
