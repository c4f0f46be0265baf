"""The shipped dialplan: small files, short comments, no dead context, and every shared variable named in one place."""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator

from tests.tidy.tree import ROOT

FOLDER = ROOT / "asterisk-conf"
FILE_LINES = 300
COMMENT_WIDTH = 120
GENERATED = {"extensions_ringfence_site.conf", "extensions_ringfence_status.conf"}
FILES = {path.name: path.read_text(encoding="utf-8") for path in sorted(FOLDER.glob("extensions_*.conf"))}
SHIPPED = {name: text for name, text in FILES.items() if name not in GENERATED}
MAIN = FILES["extensions_ringfence.conf"]

# Where calls come in from elsewhere: an endpoint's context, a dialplan of the site's own, the daemon.
DOORS = {
    "ringfence-closed",
    "ringfence-ask",
    "ringfence-outcome",
    "ringfence-failed",
    "ringfence-rescue",
    "ringfence-edition",
}


def code_of(text: str) -> str:
    return "\n".join(line for line in text.splitlines() if not line.lstrip().startswith(";"))


def test_no_file_is_over_its_budget() -> None:
    assert [name for name, text in SHIPPED.items() if len(text.splitlines()) > FILE_LINES] == [], "two ideas: two files"


def test_no_comment_is_too_wide() -> None:
    assert list(_wide_comments()) == []


def test_every_file_is_included_once() -> None:
    included = re.findall(r"^#include ringfence/(\S+)$", MAIN, re.MULTILINE)
    assert sorted([*included, "extensions_ringfence.conf"]) == sorted(FILES)


def test_no_context_is_dead_and_none_is_missing() -> None:
    contexts = set(re.findall(r"^\[(ringfence-[a-z0-9-]+)\]", "\n".join(SHIPPED.values()), re.MULTILINE))
    code = "\n".join(code_of(text) for text in FILES.values())
    named = set(re.findall(r"(?<!\[)(?<!GROUP\()\b(ringfence-[a-z0-9-]+)", code))
    dead = contexts - named - DOORS
    # `ringfence-choose-${RF_STRATEGY}`: a name that is put together leads to all that begin so.
    assert {name for name in dead if f"{name.rpartition('-')[0]}-${{" not in code} == set()


def test_a_variable_of_several_files_is_named_in_the_main_one() -> None:
    head = MAIN.partition("#include")[0]
    told = set(re.findall(r"RF_[A-Z_]+", head))
    site = set(re.findall(r"GLOBAL\((RF_\w+)\)", FILES["extensions_ringfence_site.conf"]))
    places = defaultdict(set)
    for name, text in SHIPPED.items():
        for variable in re.findall(r"RF_[A-Z_]*[A-Z](?![A-Z_{$])", code_of(text)):
            places[variable].add(name)
    shared = {variable for variable, names in places.items() if len(names) > 1}
    assert sorted(shared - told - site) == []
    assert sorted(told - set(places)) == [], "named in the head, and used nowhere"


def _wide_comments() -> Iterator[str]:
    for name, text in FILES.items():
        for number, line in enumerate(text.splitlines(), start=1):
            if line.lstrip().startswith(";") and len(line) > COMMENT_WIDTH:
                yield f"{name}:{number}: {len(line)} characters"
