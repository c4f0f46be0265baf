"""[[hr_source]] with `type = "json"`: an HR system's own API, or any list of people in JSON over HTTPS."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Annotated, Literal, Self

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from ringfence.domain.web_address import why_not_address
from ringfence.hr.json_paths import why_not_path
from ringfence.hr.source_settings import SourceSettings

# What changes nothing of what an element is read as; a change of anything else asks for everything again.
_OF_NO_MEANING = frozenset(
    {"every_minutes", "late_after_hours", "full_sweep_hours", "overlap_minutes", "ca_file", "token_file"}
    | {"password_file", "connect_seconds", "answer_seconds", "read_minutes", "max_megabytes", "max_elements"}
)


def _path(text: str) -> str:
    if (fault := why_not_path(text)) is not None:
        raise ValueError(fault)
    return text


JsonPath = Annotated[str, AfterValidator(_path)]
ParameterName = Annotated[str, Field(pattern=r"^[A-Za-z0-9_.$\[\]-]{0,100}$")]
HeaderName = Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{1,100}$")]


class PagingSettings(BaseModel):
    """[hr_source.paging]: how one page leads to the next."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    style: Literal["none", "page", "offset", "next_link", "link_header", "cursor"] = Field(
        "none", description="none: all in one answer; next_link: its address is in the body; link_header: RFC 8288"
    )
    page_parameter: ParameterName = Field("page", description="page: the parameter with the page's number")
    first_page: int = Field(1, ge=0, le=1, description="page: the number of the first")
    offset_parameter: ParameterName = Field("offset", description="offset: the parameter with how many to leave out")
    size_parameter: ParameterName = Field(
        "limit", description="the parameter with the page's size; empty: none is sent"
    )
    page_size: int = Field(100, ge=1, le=10_000, description="elements asked for at once")
    next: JsonPath = Field("", description="next_link, cursor: where the next address, or the next cursor, stands")
    cursor_parameter: ParameterName = Field("cursor", description="cursor: the parameter it is sent back in")
    max_pages: int = Field(1_000, ge=1, le=100_000, description="more pages than this are refused")

    @model_validator(mode="after")
    def _check(self) -> Self:
        if self.style in ("next_link", "cursor") and not self.next:
            raise ValueError(f"next: style {self.style!r} needs the path where the next one stands")
        return self


class RestSettings(SourceSettings):
    """[[hr_source]] type "json": a list of people in JSON, read page by page."""

    type: Literal["json"]
    url: str = Field(description="https:// address of the list; http only to this machine itself")
    ca_file: Path | None = Field(
        None, description="PEM file with the CA of the server's certificate; else the system's"
    )
    token_file: Path | None = Field(None, description="file with the token; readable by the service alone")
    header: HeaderName = Field("Authorization", description="the header that the token is sent in")
    token_prefix: Annotated[str, Field(pattern=r"^[A-Za-z0-9-]{0,30}$")] = Field(
        "Bearer", description="the word before the token; empty: none, as for X-API-Key"
    )
    user: str = Field("", description="user name, with password_file")
    password_file: Path | None = Field(None, description="file with the password; readable by the service alone")
    headers: dict[HeaderName, str] = Field({}, description="further headers that are no secrets")
    items: JsonPath = Field("", description="where the list is, as data.employees; empty: the body is the list")
    total: JsonPath = Field(
        "", description="where the number of all elements stands; it is checked. Name it if you can"
    )
    paging: PagingSettings = Field(PagingSettings(), description="how one page leads to the next")
    changed_since: ParameterName = Field("", description="parameter for what has changed since a moment; empty: none")
    overlap_minutes: int = Field(
        60, ge=0, le=1_440, description="how far behind the last reading changes are asked for"
    )
    full_sweep_hours: float = Field(24, ge=0, le=168, description="age of the last whole reading that asks for another")
    connect_seconds: float = Field(10, ge=0.1, le=60, description="for the connection")
    answer_seconds: float = Field(60, ge=0.1, le=600, description="for each page in all")
    read_minutes: float = Field(15, ge=0.01, le=240, description="for one reading in all")
    max_megabytes: float = Field(32, gt=0, le=512, description="a larger page is refused")
    max_elements: int = Field(200_000, ge=1, le=2_000_000, description="more elements than this are refused")

    @model_validator(mode="after")
    def _check_url(self) -> Self:
        if (fault := why_not_address(self.url, "people's data and the token")) is not None:
            raise ValueError(f"url: {fault}")
        return self

    @model_validator(mode="after")
    def _check_sign_in(self) -> Self:
        if self.token_file is not None and (self.user or self.password_file is not None):
            raise ValueError("token_file: give either a token or a user with a password")
        if bool(self.user) != (self.password_file is not None):
            raise ValueError("user and password_file belong together: give both or none")
        if ":" in self.user or not self.user.isprintable():
            raise ValueError("user: may hold neither a colon nor a control character")
        for name, value in self.headers.items():
            if not value.isprintable() or not value.isascii():
                raise ValueError(f"headers: the value of {name} holds characters that no header has")
            if name.lower() in (self.header.lower(), "authorization", "host", "content-length"):
                raise ValueError(f"headers: {name} is set otherwise; secrets belong into token_file or password_file")
        return self

    @property
    def fingerprint(self) -> str:
        """Changes with everything that decides how an element is read."""
        text = self.model_dump_json(exclude=set(_OF_NO_MEANING))
        return hashlib.sha256(text.encode()).hexdigest()[:16]
