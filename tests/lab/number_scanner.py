"""Looks for the tests' private numbers in everything that a run has produced, however they are written.

    python -m tests.lab.number_scanner DIR...

Exit status 1 where one is found. What may hold them is passed over: databases, and Asterisk's own places, which
`docs/howto/protect-private-numbers.md` names.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from functools import cache
from pathlib import Path
from typing import Final
from urllib.parse import unquote

# Ofcom keeps 07700 900000 to 900999 free for drama: all the private mobiles of the tests are among them.
COUNTRY: Final = "44"
DRAMA: Final = "7700900"
ENDING_DIGITS: Final = 3

MAX_FILE_BYTES: Final = 200 << 20

PASSED_OVER: Final = (
    "*.db",  # ours
    "*.db-wal",
    "*.db-shm",
    "*.sqlite3",  # AstDB
    "*.sqlite3-*",
    "spool.jsonl",
)

# Between two digits of a number, as people write it.
_GAP: Final = r"[ ()./\u00a0\u2010-\u2013-]{0,3}"


@cache
def pattern_of(national: str, endings: str = "") -> re.Pattern[str]:
    """Any way of writing a British number: +44, 0044, 44, 0, with spaces and signs, percent-encoded or not.

    `national` is without the leading zero; `endings` a pattern for what follows it.
    """
    digits = _GAP.join(national)
    return re.compile(rf"(?<!\d)(?:(?:\+|00)?{_GAP}4{_GAP}4{_GAP}(?:\(?0\)?)?{_GAP}|0{_GAP})?{digits}{endings}(?!\d)")


ANY_PRIVATE: Final = pattern_of(DRAMA, rf"(?:{_GAP}\d){{{ENDING_DIGITS}}}")


def found_in(text: str, numbers: Sequence[str] = ()) -> list[str]:
    """The private numbers in a text, as they are written there: those given (E.164, British), or any of the drama
    range."""
    patterns = [pattern_of(number.removeprefix(f"+{COUNTRY}")) for number in numbers] or [ANY_PRIVATE]
    # Decoded as well: a number in a URL or a JSON text may be spelt with escapes.
    spelt = {text, unquote(text), text.replace("\\u002b", "+")}
    return sorted({match.group() for pattern in patterns for form in spelt for match in pattern.finditer(form)})


def scan(places: Iterable[Path], numbers: Sequence[str] = ()) -> Iterator[str]:
    """`file:line: number` for each finding. A file that cannot be read as a whole is a finding, too."""
    for place in places:
        for file in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if found_in(str(file.relative_to(place)), numbers):
                yield f"{file}: a file's name"
            if not file.is_file() or any(file.match(passed) for passed in PASSED_OVER):
                continue
            if file.stat().st_size > MAX_FILE_BYTES:
                yield f"{file}: too large to be looked at"
                continue
            with file.open(encoding="utf-8", errors="replace") as lines:
                for number, line in enumerate(lines, start=1):
                    for written in found_in(line, numbers):
                        yield f"{file}:{number}: {written}"


def main(arguments: Sequence[str]) -> int:
    findings = 0
    for finding in scan(map(Path, arguments)):
        findings += 1
        print(finding)
    print(f"{findings} private numbers found", file=sys.stderr)
    return 1 if findings or not arguments else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
