"""What the sources that read files have in common, wherever the files lie."""

from __future__ import annotations

from typing import Literal, Self

from pydantic import Field, model_validator

from ringfence.hr.sheet_files import ROWS_MARK, SheetRules
from ringfence.hr.source_settings import SourceSettings


class FileSettings(SourceSettings):
    """[[hr_source]] of type folder or sftp."""

    pattern: str = Field("*.csv", pattern=r"^[^/\x00]{1,200}$", description="which files are feeds, as `people-*.csv`")
    ready: Literal["renamed", "done"] = Field(
        "renamed",
        description="how a file is known to be whole: it was written under another name, or FILE.done follows it",
    )
    stable_seconds: float = Field(
        2, ge=0, le=60, description="with ready = renamed: how long a file must not have grown before it is read"
    )
    sheet: str = Field("", description="Excel: the sheet's name; empty is the first")
    trailer: str = Field(
        "", description="the file's last line where it states the rows, with {rows} for the number, as `TRAILER,{rows}`"
    )
    checksum: Literal["none", "sha256", "md5"] = Field(
        "none", description="checksum that comes beside the file, as FILE.sha256 or FILE.md5"
    )
    last_line: Literal["ended", "complete"] = Field(
        "ended",
        description="complete: believe a last line without a line end, although it may be cut off; needless with a "
        "trailer or a checksum",
    )
    archive_days: int = Field(30, ge=1, le=3_650, description="for how long read and refused files are kept")

    @model_validator(mode="after")
    def _trailer_works(self) -> Self:
        if self.trailer and self.trailer.count(ROWS_MARK) != 1:
            raise ValueError(f"trailer must hold {ROWS_MARK} once, where the number of rows stands")
        return self

    def rules(self, default_country: str) -> SheetRules:
        """How the content of a file is read."""
        return SheetRules(
            self.mapping(default_country), self.sheet, self.trailer, self.last_line, proven=self.checksum != "none"
        )
