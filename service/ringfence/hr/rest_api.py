"""An HR system's own API as a source: a list of people in JSON, read page by page, whole or what has changed.

All or nothing: a page that fails after others came, or a total that does not agree, and nothing is taken in.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from hashlib import sha256

from ringfence.app.hr.ports import Feed, FeedRefused, Progress, SourceUnavailable
from ringfence.domain.hr.field_mapping import FieldMapping, MappedField, MappingError, read_row, says_left
from ringfence.domain.hr.record import Batch, HrRecord, RowProblem
from ringfence.hr.json_paths import PathFault, texts_at, why_not_path
from ringfence.hr.rest_link import RestLink
from ringfence.hr.rest_pages import Element, Pages
from ringfence.hr.rest_settings import PagingSettings, RestSettings
from ringfence.hr.several_values import SeveralValues, ValueColumns

__all__ = ["PagingSettings", "RestSettings", "RestSource"]


@dataclass(frozen=True, slots=True)
class RestCursor:
    """When the list was read last, and when whole. `fingerprint` is that of the settings it was read by."""

    fingerprint: str
    read_at: datetime
    swept_at: datetime

    def text(self) -> str:
        moments = {"read_at": self.read_at.isoformat(), "swept_at": self.swept_at.isoformat()}
        return json.dumps({"fingerprint": self.fingerprint, **moments})


def parse_cursor(text: str) -> RestCursor | None:
    """None for what cannot be used, the empty text of a first reading among it."""
    try:
        found = json.loads(text)
        moments = [datetime.fromisoformat(found[name]).astimezone(UTC) for name in ("read_at", "swept_at")]
        return RestCursor(str(found["fingerprint"]), *moments)
    except (ValueError, LookupError, TypeError, OverflowError, RecursionError):
        return None


class RestSource:
    """The port `HrSource`. `now` is the wall clock, aware. Raises MappingError for a mapping that cannot work."""

    def __init__(self, settings: RestSettings, default_country: str, now: Callable[[], datetime]) -> None:
        self._settings = settings
        self._now = now
        self._mapping = settings.mapping(default_country)
        _check_paths(self._mapping)
        self._fingerprint = sha256(f"{settings.fingerprint} {default_country}".encode()).hexdigest()[:16]

    @property
    def name(self) -> str:
        return self._settings.name

    async def read(self, cursor: str, progress: Progress) -> Feed | None:
        """Everything, or where the API can, what has changed since the cursor; None: nothing has."""
        began_at = self._now()
        before = self._usable(parse_cursor(cursor), began_at)
        since = None if before is None else before.read_at - timedelta(minutes=self._settings.overlap_minutes)
        try:
            async with asyncio.timeout(self._settings.read_minutes * 60):
                elements = await self._elements(since, progress)
        except TimeoutError:
            raise SourceUnavailable(
                f"{self.name}: the list took longer than {self._settings.read_minutes:g} minutes.",
                "Ask for larger pages, or raise `read_minutes`.",
            ) from None
        if not elements:
            if since is not None:
                return None
            raise FeedRefused(f"{self.name}: the list is empty.", "Look at `url`, `items` and what the token may read.")
        batch = await asyncio.to_thread(self._batch, elements, complete=since is None)
        reached = RestCursor(self._fingerprint, began_at, began_at if before is None else before.swept_at)
        what = "the whole list" if since is None else f"changes since {_written(since)}"
        return Feed(batch, what, reached.text())

    async def settle(self, feed: Feed | None, refused: FeedRefused | None) -> None:
        """Reading leaves nothing behind at the API."""

    def _usable(self, cursor: RestCursor | None, now: datetime) -> RestCursor | None:
        """The cursor, where asking for changes is possible and not too long after the last whole reading."""
        if cursor is None or not self._settings.changed_since or cursor.fingerprint != self._fingerprint:
            return None
        young = timedelta(0) <= now - cursor.swept_at < timedelta(hours=self._settings.full_sweep_hours)
        return cursor if young and cursor.read_at <= now else None

    async def _elements(self, since: datetime | None, progress: Progress) -> list[Element]:
        query = {self._settings.changed_since: _written(since)} if since is not None else {}
        pages = Pages(self._settings, query)
        async with RestLink(self._settings) as link:
            while pages.url is not None:
                answer = await link.get(pages.url)
                pages.take(answer.body, answer.next_link)
                progress(len(pages.elements), pages.total)
        return pages.finish()

    def _batch(self, elements: Sequence[Element], *, complete: bool) -> Batch:
        columns = ValueColumns(self._mapping)
        records: dict[tuple[str, str], HrRecord] = {}
        repeated: set[str] = set()
        rejected: list[RowProblem] = []
        gone: set[str] = set()
        for number, element in enumerate(elements, start=1):
            found = self._read(element, f"element {number}", columns)
            if isinstance(found, HrRecord):
                if (found.id, found.post) in records:
                    repeated.add(found.id)
                records[found.id, found.post] = found
            elif (left := self._left(element, columns)) is not None:
                gone.add(left)
                rejected += [replace(problem, id="") for problem in found]
            else:
                rejected += found
        if complete:
            columns.check_all_were_there("element")
        believed = tuple(record for record in records.values() if record.id not in repeated)
        return Batch(
            source=self.name,
            records=believed,
            complete=complete,
            gone=frozenset(gone - repeated - {id_ for id_, _ in records}),
            repeated=frozenset(repeated),
            rejected=tuple(rejected),
            rows=len(elements),
        )

    def _read(self, element: Element, where: str, columns: ValueColumns) -> HrRecord | tuple[RowProblem, ...]:
        try:
            row = columns.row(lambda path: texts_at(element, path))
        except SeveralValues as several:
            return (RowProblem(where, several.column, str(several), self._id_of(element)),)
        except PathFault as fault:
            return (RowProblem(where, fault.path, str(fault), self._id_of(element)),)
        return read_row(row, where, columns.mapping)

    def _left(self, element: Element, columns: ValueColumns) -> str | None:
        """Whom an element that cannot be read calls a leaver all the same."""
        try:
            row = columns.row(lambda path: texts_at(element, path))
        except (SeveralValues, PathFault):
            return None
        return says_left(row, columns.mapping, self._now())

    def _id_of(self, element: Element) -> str:
        """For a row that cannot be read otherwise: whom it is about, where that is certain."""
        columns = self._mapping.columns
        column = (columns.get(MappedField.ID) or columns[MappedField.KEY])[0]
        try:
            found = texts_at(element, column)
        except PathFault:
            return ""
        return found[0].strip() if len(found) == 1 else ""


def _check_paths(mapping: FieldMapping) -> None:
    for field, columns in mapping.columns.items():
        for column in columns:
            if (fault := why_not_path(column)) is not None:
                raise MappingError(field, fault)


def _written(moment: datetime) -> str:
    return f"{moment.astimezone(UTC):%Y-%m-%dT%H:%M:%SZ}"
