"""Collects every text of the pages, and brings the translations up to date:

    python -m tests.tidy.page_texts

writes into each PO file what is new, empty, and takes out what is gone. Translate, and run the tests.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from io import BytesIO

from babel.messages.catalog import Catalog
from babel.messages.extract import extract, extract_python
from babel.messages.pofile import read_po, write_po
from jinja2.ext import babel_extract

from ringfence.web.pages.domain_words import domain_texts
from ringfence.web.pages.texts import LANGUAGES, SOURCE_LANGUAGE, TRANSLATIONS
from tests.tidy.tree import SERVICE, name_of

PAGES = SERVICE / "web" / "pages"
KEYWORDS = {"_": None, "N_": None, "gettext": None, "ngettext": (1, 2)}


def source_texts() -> Iterator[tuple[str, str | tuple[str, ...]]]:
    """Where, and the text; with its plural where it has one."""
    for path in sorted(PAGES.rglob("*.py")):
        for _, message, _, _ in extract(extract_python, BytesIO(path.read_bytes()), KEYWORDS):
            yield name_of(path), message
    for path in sorted(PAGES.rglob("*.html")):
        options = {"extensions": "jinja2.ext.i18n", "trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}
        for _, message, _, _ in extract(babel_extract, BytesIO(path.read_bytes()), KEYWORDS, options=options):
            yield name_of(path), message
    for text in domain_texts():
        yield "domain", text


def catalogue(language: str) -> Catalog:
    with (TRANSLATIONS / language / "messages.po").open("rb") as source:
        return read_po(source, locale=language)


def translated_languages() -> Iterable[str]:
    return [code for code in LANGUAGES if code != SOURCE_LANGUAGE]


def update(language: str) -> int:
    """Returns how many texts have no translation yet."""
    path = TRANSLATIONS / language / "messages.po"
    before = catalogue(language) if path.exists() else Catalog(locale=language)
    after = Catalog(
        locale=language,
        project="Ringfence",
        copyright_holder="",
        header_comment=f"# {LANGUAGES[language]}",
        fuzzy=False,
    )
    missing = 0
    for _, text in source_texts():
        known = before.get(text if isinstance(text, str) else text[0])
        string = known.string if known is not None else ""
        if text not in after:
            after.add(text, string)
            missing += not (all(string) if isinstance(string, tuple) else string)
    buffer = BytesIO()
    write_po(buffer, after, width=120, no_location=True, sort_output=True, omit_header=False)
    lines = [
        line
        for line in buffer.getvalue().decode().splitlines(keepends=True)
        # Moments and names of tools would differ at every run.
        if not line.startswith(
            (
                '"POT-Creation-Date',
                '"PO-Revision-Date',
                '"Generated-By',
                '"Last-Translator',
                '"Report-',
                '"Language-Team',
                '"Project-Id',
            )
        )
    ]
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("".join(lines), encoding="utf-8")
    return missing


if __name__ == "__main__":
    for code in translated_languages():
        print(f"{code}: {update(code)} texts without a translation")
