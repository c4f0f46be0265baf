"""A small workbook that unpacks to gigabytes is refused before anything of it is used."""

from __future__ import annotations

import io
import zipfile

import openpyxl
import pytest

from ringfence.app.hr.ports import FeedRefused
from ringfence.hr.excel_sheet import MAX_PROLOG_BYTES, open_excel

SHEET = "xl/worksheets/sheet1.xml"
DEFINITION = '<!DOCTYPE x [<!ENTITY a "aaaaaaaaaa"><!ENTITY b "&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;">]>'


def _workbook() -> bytes:
    book, file = openpyxl.Workbook(), io.BytesIO()
    sheet = book.active
    assert sheet is not None
    sheet.append(["id", "name"])
    sheet.append(["1", "Ada"])
    book.save(file)
    return file.getvalue()


def _changed(name: str, before: str, encoding: str = "utf-8") -> bytes:
    """The workbook with this text before the first element of one of its parts."""
    out = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(_workbook())) as old, zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as new:
        for part in old.namelist():
            text = old.read(part).decode()
            if part == name:
                body = text[text.find("?>") + 2 :] if text.startswith("<?xml") else text
                # A use of what is defined: without the check it would be read, and the definition with it.
                body = body.replace("<t>Ada", "<t>&b;")
                text = f'<?xml version="1.0" encoding="{encoding}"?>{before}{body}'
            new.writestr(part, text.encode(encoding))
    return out.getvalue()


def test_a_workbook_is_read() -> None:
    assert [row.cells for row in open_excel("staff.xlsx", _changed("", ""), "", frozenset()).rows] == [["1", "Ada"]]


@pytest.mark.parametrize("part", [SHEET, "xl/workbook.xml", "xl/styles.xml", "[Content_Types].xml"])
@pytest.mark.parametrize("encoding", ["utf-8", "utf-16"])
def test_a_part_that_defines_something_is_refused(part: str, encoding: str) -> None:
    with pytest.raises(FeedRefused, match="defines something of its own"):
        open_excel("staff.xlsx", _changed(part, DEFINITION, encoding), "", frozenset())


@pytest.mark.parametrize("padding", [" " * MAX_PROLOG_BYTES, f"<!--{'x' * MAX_PROLOG_BYTES}-->"])
def test_a_definition_cannot_hide_behind_much_of_nothing(padding: str) -> None:
    with pytest.raises(FeedRefused, match="does not begin"):
        open_excel("staff.xlsx", _changed(SHEET, padding + DEFINITION), "", frozenset())
