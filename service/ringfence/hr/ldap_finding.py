"""Which objects of a directory one reading is about: all of them, or those that have changed. Blocking."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from ringfence.app.hr.ports import FeedRefused, Progress
from ringfence.domain.hr.record import RowProblem
from ringfence.hr.ldap_names import dn_parts, escaped, is_at_or_below
from ringfence.hr.ldap_results import no_such_base
from ringfence.hr.ldap_settings import LdapSettings
from ringfence.hr.ldap_values import MADE_BY_THE_DIRECTORY, Entry, ValueFault, is_disabled, raw_id

if TYPE_CHECKING:
    from ringfence.hr.ldap_link import LdapLink

LOOKED_UP_AT_ONCE: Final = 50
NO_ATTRIBUTES: Final = ("1.1",)
EVERYTHING: Final = "(objectClass=*)"
"""LDAP's own way to ask for whatever is there."""


@dataclass(slots=True)
class Finding:
    """What was found, by identifier. `away`: no longer where the people are. `repeated`: identifiers that two objects
    have; `problems`: objects without one. `seen` counts the objects."""

    entries: dict[str, Entry] = field(default_factory=dict)
    away: set[str] = field(default_factory=set)
    repeated: set[str] = field(default_factory=set)
    gone: set[str] = field(default_factory=set)
    problems: list[RowProblem] = field(default_factory=list)
    seen: int = 0


class LdapFinder:
    """One reading's searches. `find` may be called once."""

    def __init__(self, link: LdapLink, settings: LdapSettings, attributes: Sequence[str], progress: Progress) -> None:
        self._link = link
        self._settings = settings
        self._attributes = attributes
        self._progress = progress
        self._sweep_bases = [dn_parts(base) for base in settings.sweep_bases]
        self._leaver_bases = [dn_parts(base) for base in settings.leaver_bases]
        self._found = Finding()

    def check_bases(self) -> None:
        """Every place the settings name has to be there: one that was renamed would make everybody in it a leaver."""
        settings = self._settings
        named = [*settings.sweep_bases, *settings.leaver_bases, *settings.employed_bases]
        for base in dict.fromkeys([*named, *([settings.search_base_all] if settings.search_base_all else [])]):
            if self._link.read(base, EVERYTHING, NO_ATTRIBUTES) is None:
                raise no_such_base(settings, base)

    def find(self, since: str | None, known: frozenset[str]) -> Finding:
        """Everything (`since` None), or what has changed. `known`: whoever of them is elsewhere now is `away`."""
        if since is None:
            for base in self._settings.sweep_bases:
                self._take(self._link.search(base, self._settings.filter, self._attributes))
            if self._settings.search_base_all:
                self._look_for(known - self._found.entries.keys())
        else:
            changed = f"({self._settings.changed_attribute}>={since})"
            wide = self._settings.search_base_all
            for base in [wide] if wide else self._settings.sweep_bases:
                filter_ = f"(&{self._settings.filter}{changed})"
                self._take(self._link.search(base, filter_, self._attributes), known)
        if self._settings.include_deleted:
            self._find_deleted(since)
        return self._found

    def is_swept(self, dn: str) -> bool:
        """Whether this name lies where the people are searched."""
        parts = dn_parts(dn)
        return any(is_at_or_below(parts, base) for base in self._sweep_bases)

    def _look_for(self, missing: Iterable[str]) -> None:
        """By identifier, in the whole directory. Somebody who is where they were matches the filter no longer, which
        alone says nothing about leaving: they stay absent."""
        assert self._settings.search_base_all is not None
        attribute = self._settings.id_attribute
        wanted = sorted(missing)
        for first in range(0, len(wanted), LOOKED_UP_AT_ONCE):
            ids = wanted[first : first + LOOKED_UP_AT_ONCE]
            terms = "".join(f"({attribute}={escaped(raw_id(attribute, id_))})" for id_ in ids)
            pages = self._link.search(self._settings.search_base_all, f"(|{terms})", self._attributes)
            self._take(([entry for entry in page if self._tells_leaving(entry)] for page in pages), frozenset(ids))

    def _tells_leaving(self, entry: Entry) -> bool:
        parts = dn_parts(entry.dn)
        if not self.is_swept(entry.dn) or any(is_at_or_below(parts, base) for base in self._leaver_bases):
            return True
        try:
            return is_disabled(entry, self._settings.disabled_when) is True
        except ValueFault:
            return False

    def _find_deleted(self, since: str | None) -> None:
        changed = f"({self._settings.changed_attribute}>={since})" if since is not None else ""
        attribute = self._settings.id_attribute
        filter_ = f"(&(isDeleted=TRUE){changed})"
        for page in self._link.search(self._settings.domain, filter_, (attribute,), deleted=True):
            for entry in page:
                id_ = self._id_of(entry)
                # Somebody can be restored, and is found among the living then.
                if id_ and id_ not in self._found.entries:
                    self._found.gone.add(id_)

    def _take(self, pages: Iterator[list[Entry]], known_elsewhere: frozenset[str] = frozenset()) -> None:
        found = self._found
        for page in pages:
            for entry in page:
                id_ = self._id_of(entry)
                away = not self.is_swept(entry.dn)
                if away and id_ not in known_elsewhere:
                    continue
                found.seen += 1
                if id_:
                    self._put(id_, entry, away=away)
            if found.seen > self._settings.max_entries:
                raise FeedRefused(
                    f"{self._settings.url} sent more than {self._settings.max_entries} objects.",
                    "Narrow `base` or `filter`, or raise `max_entries`.",
                )
            self._progress(found.seen, None)

    def _put(self, id_: str, entry: Entry, *, away: bool) -> None:
        found = self._found
        other = found.entries.get(id_)
        two_objects = other is not None and dn_parts(other.dn) != dn_parts(entry.dn)
        # An identifier of the directory's own has moved while we read: where it was found last is where it is.
        if two_objects and self._settings.id_attribute.lower() not in MADE_BY_THE_DIRECTORY:
            found.repeated.add(id_)
        found.entries[id_] = entry
        found.away.discard(id_)
        if away:
            found.away.add(id_)

    def _id_of(self, entry: Entry) -> str:
        attribute = self._settings.id_attribute
        try:
            texts = entry.texts(attribute)
        except ValueFault as fault:
            self._found.problems.append(RowProblem(entry.dn, attribute, str(fault)))
            return ""
        if len(texts) == 1:
            return texts[0]
        message = f"has {len(texts)} values" if texts else "is not there, or may not be read"
        self._found.problems.append(RowProblem(entry.dn, attribute, f"{message}; every object needs one"))
        return ""
