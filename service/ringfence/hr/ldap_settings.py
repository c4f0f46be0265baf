"""[[hr_source]] with `type = "ldap"`: Active Directory, or another LDAP directory."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Literal, Self
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, model_validator

from ringfence.domain.loopback import is_loopback
from ringfence.hr.ldap_names import DnParts, dn_parts, domain_of, is_at_or_below, why_not_dn, why_not_filter
from ringfence.hr.source_settings import SourceSettings

# What changes nothing of what an object is read as; a change of anything else asks for a full sweep.
_OF_NO_MEANING = frozenset(
    {"every_minutes", "late_after_hours", "full_sweep_hours", "overlap_minutes", "page_size", "ca_file"}
    | {"password_file", "connect_seconds", "answer_seconds", "read_minutes", "max_entries"}
)


def _dn(text: str) -> str:
    if (fault := why_not_dn(text)) is not None:
        raise ValueError(fault)
    return text


def _filter(text: str) -> str:
    if (fault := why_not_filter(text)) is not None:
        raise ValueError(fault)
    return text


Dn = Annotated[str, AfterValidator(_dn), Field(max_length=1_000)]
AttributeName = Annotated[str, Field(pattern=r"^[A-Za-z][A-Za-z0-9-]{0,100}$")]


class LdapSettings(SourceSettings):
    """[[hr_source]] type "ldap": a directory that is searched, at first whole, then what has changed."""

    type: Literal["ldap"]
    url: str = Field(description="ldaps://host[:636], or ldap://host[:389] with start_tls")
    start_tls: bool = Field(False, description="begin TLS on the plain port")
    ca_file: Path | None = Field(
        None, description="PEM file with the CA of the server's certificate; else the system's"
    )
    bind_dn: str = Field(min_length=1, description="account to sign in with, a name that may read and nothing else")
    password_file: Path = Field(description="file with its password; readable by the service alone")
    base: Dn = Field(min_length=3, description="where the people are")
    filter: Annotated[str, AfterValidator(_filter)] = Field(
        "(&(objectClass=person))", description="who of them; never leave disabled accounts out by it"
    )
    id_attribute: AttributeName = Field(
        "objectGUID", description="what never changes of an object; OpenLDAP: entryUUID"
    )
    changed_attribute: AttributeName = Field(
        "whenChanged", description="what tells a changed object: also uSNChanged; OpenLDAP: modifyTimestamp"
    )
    overlap_minutes: int = Field(60, ge=0, le=1_440, description="how far behind the last change is searched again")
    full_sweep_hours: float = Field(24, ge=0, le=168, description="age of the last full sweep that asks for another")
    leaver_bases: list[Dn] = Field([], description="who is found below one of these has left")
    employed_bases: list[Dn] = Field([], description="where this is given, who is found elsewhere has left")
    search_base_all: Dn | None = Field(
        None, description="where somebody who is no longer below `base` is looked for: found there, they have left"
    )
    include_deleted: bool = Field(False, description="ask Active Directory for deleted objects, too")
    disabled_when: dict[AttributeName, str] = Field(
        {}, description="attribute = value of a disabled account (`*`: any), besides userAccountControl"
    )
    page_size: int = Field(500, ge=10, le=1_000, description="objects in one answer")
    connect_seconds: int = Field(10, ge=1, le=60, description="for the connection")
    answer_seconds: int = Field(30, ge=1, le=300, description="for each answer")
    read_minutes: float = Field(15, ge=0.01, le=240, description="for one reading in all")
    max_entries: int = Field(200_000, ge=1, le=2_000_000, description="more objects than this are refused")

    @model_validator(mode="after")
    def _check_url(self) -> Self:
        parts = urlsplit(self.url)
        if parts.scheme not in ("ldap", "ldaps") or not parts.hostname or parts.path not in ("", "/"):
            raise ValueError("url: write ldaps://host or ldap://host, with a port if it is not the usual one")
        if parts.username or parts.query or parts.fragment:
            raise ValueError("url: nothing but host and port belongs into it; who signs in is said by bind_dn")
        _ = self.port
        if self.use_ssl and self.start_tls:
            raise ValueError("start_tls: ldaps has TLS from the beginning; leave it out, or write ldap://")
        if not self.use_ssl and not self.start_tls and not is_loopback(self.host):
            raise ValueError("url: the password would cross the network in clear; write ldaps://, or set start_tls")
        return self

    @model_validator(mode="after")
    def _check_bases(self) -> Self:
        wide = dn_parts(self.search_base_all) if self.search_base_all is not None else None
        if wide is not None and not is_at_or_below(dn_parts(self.base), wide):
            raise ValueError("search_base_all: `base` does not lie below it")
        if wide is not None and not all(is_at_or_below(dn_parts(base), wide) for base in self.leaver_bases):
            raise ValueError("search_base_all: one of `leaver_bases` does not lie below it")
        if self.include_deleted and not self.domain:
            raise ValueError("include_deleted: needs a `base` that ends in the domain's DC= parts")
        return self

    @property
    def host(self) -> str:
        return urlsplit(self.url).hostname or ""

    @property
    def port(self) -> int:
        return urlsplit(self.url).port or (636 if self.use_ssl else 389)

    @property
    def use_ssl(self) -> bool:
        return urlsplit(self.url).scheme == "ldaps"

    @property
    def domain(self) -> str:
        """Where deleted objects are searched."""
        return domain_of(dn_parts(self.base))

    @property
    def sweep_bases(self) -> tuple[str, ...]:
        """Everything that a full sweep searches; none lies below another, so that nobody is found twice."""
        found: list[tuple[str, DnParts]] = [(self.base, dn_parts(self.base))]
        for base in self.leaver_bases:
            parts = dn_parts(base)
            if not any(is_at_or_below(parts, other) for _, other in found):
                found = [(text, other) for text, other in found if not is_at_or_below(other, parts)]
                found.append((base, parts))
        return tuple(text for text, _ in found)

    @property
    def fingerprint(self) -> str:
        """Changes with everything that decides how an object is read: what was read before is then read again."""
        text = self.model_dump_json(exclude=set(_OF_NO_MEANING))
        return hashlib.sha256(text.encode()).hexdigest()[:16]
