"""What HR's systems send: JSON, LDAP's values, checksums, and how far each has been read."""

from __future__ import annotations

import hashlib
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Final

from yarl import URL

from ringfence.app.hr.ports import FeedRefused
from ringfence.hr.feed_files import check_sum, expired
from ringfence.hr.json_paths import PathFault, texts_at, why_not_path
from ringfence.hr.ldap_cursor import ServerState, changes_since, highest
from ringfence.hr.ldap_cursor import parse_cursor as parse_ldap_cursor
from ringfence.hr.ldap_finding import Finding
from ringfence.hr.ldap_names import dn_parts, domain_of, why_not_attribute, why_not_dn, why_not_filter
from ringfence.hr.ldap_results import sign_in_error
from ringfence.hr.ldap_rows import LdapRows
from ringfence.hr.ldap_settings import LdapSettings
from ringfence.hr.ldap_values import Entry
from ringfence.hr.rest_api import RestSource
from ringfence.hr.rest_api import parse_cursor as parse_rest_cursor
from ringfence.hr.rest_link import RestLink
from ringfence.hr.rest_pages import Pages
from ringfence.hr.rest_settings import RestSettings
from tests.fuzz.target import Target, Try, hides, holds, shape
from tests.fuzz.targets.sheets import checked_batch

NOW: Final = datetime(2030, 1, 1, tzinfo=UTC)
MOBILE: Final = "+447700900123"


def targets() -> tuple[Target, ...]:
    return (
        Target(
            "hr-json",
            "pages of an HR system's API",
            "hr.rest_api hr.rest_pages hr.json_paths hr.several_values hr.rest_link",
            _json_feed,
            max_bytes=16384,
        ),
        Target("json-path", "a path into JSON, as a mapping names one", "hr.json_paths", _json_path),
        Target(
            "ldap",
            "a directory's objects",
            "hr.ldap_rows hr.ldap_values hr.ldap_names hr.several_values domain.hr.field_mapping",
            _ldap,
        ),
        Target(
            "ldap-names", "names, filters and messages of a directory", "hr.ldap_names hr.ldap_results", _ldap_names
        ),
        Target("cursor", "how far a source has been read, as stored", "hr.ldap_cursor hr.rest_api", _cursor),
        Target("checksum", "a feed's checksum beside it, and names in its folder", "hr.feed_files", _checksum),
    )


def _json_feed() -> Try:
    settings = RestSettings.model_validate(
        {
            "name": "hr",
            "type": "json",
            "preset": "plain",
            "url": "https://hr.example.org/people",
            "items": "items",
            "paging": {"style": "next_link", "next": "next"},
            "fields": {
                "key": "id",
                "name": "name",
                "site": "site",
                "did": "work.did",
                "private_number": "phones[type=mobile].number",
                "email": [],
                "department": [],
                "work_number": [],
                "active": "active",
                "starts": [],
                "ends": "ends",
            },
        }
    )
    source, link = RestSource(settings, "GB", lambda: NOW), RestLink(settings)

    def attempt(data: bytes) -> str:
        pages = Pages(settings, {})
        try:
            pages.take(link._parsed(data), None)
            holds(pages.url is None or isinstance(pages.url, URL), "an address that is none")
            batch = source._batch(pages.elements, complete=False)
        except FeedRefused as error:
            hides(error, MOBILE)
            return shape(error)
        return checked_batch(batch)

    return attempt


def _json_path() -> Try:
    tree = json.loads(
        '{"phones":[{"type":"mobile","number":"1"},{"type":[],"number":null}],"a":[{"b":[["x"]]}],"a.b":{"c":1}}'
    )

    def attempt(data: bytes) -> str:
        path = data.decode("utf-8", "replace")
        if (fault := why_not_path(path)) is not None:
            return shape(fault)
        try:
            return f"{len(texts_at(tree, path))} texts"
        except PathFault as error:
            return shape(error)

    return attempt


def _ldap_settings() -> LdapSettings:
    return LdapSettings.model_validate(
        {
            "name": "ad",
            "type": "ldap",
            "preset": "active_directory",
            "url": "ldaps://dc1.example.com",
            "bind_dn": "ringfence@example.com",
            "password_file": Path("/etc/ringfence/ad_password"),
            "base": "OU=Staff,DC=example,DC=com",
            "leaver_bases": ["OU=Left,DC=example,DC=com"],
        }
    )


def _ldap() -> Try:
    settings = _ldap_settings()
    mapping = settings.mapping("GB")

    def attempt(data: bytes) -> str:
        entries = {str(number): entry for number, entry in enumerate(_entries(data))}
        finding = Finding(entries=entries)
        try:
            rows = LdapRows(settings, mapping, entries.get).read(finding, NOW, complete=False)
        except FeedRefused as error:
            return shape(error)
        for problem in rows.rejected:
            hides(problem.message, MOBILE)
        told = sorted({shape(one.message)[:40] for one in rows.rejected})
        return f"{min(len(rows.records), 2)} {len(rows.gone)} {told[:2]}"

    return attempt


def _entries(data: bytes) -> list[Entry]:
    """Of lines as LDIF has them, bytes as they are: what the library hands over."""
    found = []
    for block in data.split(b"\n\n")[:20]:
        values: dict[str, tuple[bytes, ...]] = {}
        dn = ""
        for line in block.splitlines():
            name, _, value = line.partition(b": ")
            if name.lower() == b"dn":
                dn = value.decode("utf-8", "replace")
            elif name:
                key = name.decode("latin-1").lower().rstrip(":")
                values[key] = (*values.get(key, ()), value)
        found.append(Entry(dn, values))
    return found


def _ldap_names() -> Try:
    settings = _ldap_settings()

    def attempt(data: bytes) -> str:
        text = data.decode("utf-8", "replace")
        parts = dn_parts(text)
        domain_of(parts)
        told = [why_not_dn(text), why_not_filter(text), why_not_attribute(text)]
        sign_in_error(settings, {"result": 49, "message": text})
        return f"{min(len(parts), 3)} {[one is None for one in told]}"

    return attempt


def _cursor() -> Try:
    from datetime import timedelta

    def attempt(data: bytes) -> str:
        text = data.decode("utf-8", "replace")
        ldap, rest = parse_ldap_cursor(text), parse_rest_cursor(text)
        told = []
        if ldap is not None:
            holds(parse_ldap_cursor(ldap.text()) == ldap, "read otherwise after writing", text)
            for attribute in ("uSNChanged", "whenChanged"):
                since = changes_since(
                    ldap, "f", ServerState("s", ldap.changed), attribute, timedelta(hours=1), timedelta(days=1), NOW
                )
                told.append(since is None)
                highest(attribute, [ldap.changed, "1"])
        if rest is not None:
            holds(parse_rest_cursor(rest.text()) == rest, "read otherwise after writing", text)
        return f"{told} {rest is not None}"

    return attempt


def _checksum() -> Try:
    def attempt(data: bytes) -> str:
        told = [str(len(expired([data.decode("utf-8", "surrogateescape")], NOW, 30)))]
        for kind in ("sha256", "md5"):
            try:
                check_sum("people.csv", b"feed", kind, data)
                holds(hashlib.new(kind, b"feed").hexdigest().encode() in data.lower(), "a wrong checksum agrees", data)
                told.append("agrees")
            except FeedRefused as error:
                told.append(shape(error)[:30])
        return " ".join(told)

    return attempt
