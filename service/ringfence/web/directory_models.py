"""CSV files in and out as JSON."""

from __future__ import annotations

from typing import Annotated, Final

from pydantic import BaseModel, ConfigDict, Field, StrictBool

from ringfence.web.order_models import Why

MAX_FILE_CHARACTERS: Final = 48 * 1024 * 1024


class CsvIn(BaseModel):
    """One file, as text or, so that its encoding can be judged, as the base64 of its bytes."""

    model_config = ConfigDict(extra="forbid")

    name: str = Field("", max_length=200, description="the name people know the file by")
    text: str | None = Field(None, max_length=MAX_FILE_CHARACTERS)
    base64: str | None = Field(None, max_length=MAX_FILE_CHARACTERS, json_schema_extra={"contentEncoding": "base64"})


class ImportOrder(BaseModel):
    """A file that is not given leaves its part of the directory as it is."""

    model_config = ConfigDict(extra="forbid")

    people: CsvIn | None = None
    dids: CsvIn | None = None
    sites: CsvIn | None = None
    teams: CsvIn | None = None
    dry_run: StrictBool = Field(description="true: show what would change, and change nothing")
    reason: Why = "import"
    expected_version: Annotated[int, Field(strict=True, ge=0)] | None = Field(
        None, description="`version` of the dry run that was looked at; refused with 409 when it is no longer that"
    )
    accept_cautions: StrictBool = Field(False, description="apply although the dry run had `cautions`")


class ImportDone(BaseModel):
    """What changed, or would. Private numbers are masked."""

    applied: bool
    summary: str
    lines: list[str] = Field(description="one a change: + added, ~ changed, - removed; at most 1000")
    lines_left_off: int
    warnings: list[str]
    cautions: list[str] = Field(description="sentences about the whole, such as very many removals")
    version: int = Field(description="of the directory: before a dry run, after an import")


class ExportOut(BaseModel):
    """The four files as texts, private numbers in clear."""

    people: str
    dids: str
    sites: str
    teams: str
