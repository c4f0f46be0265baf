"""What of the site's own would lead nowhere without Ringfence: endpoints, and lines of its dialplan."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ringfence.asterisk.conf_files import is_generated, lines, sections
from ringfence.cli.install.console import Console
from ringfence.cli.install.edits import is_marked, replace_value
from ringfence.cli.install.manifest import Manifest
from ringfence.cli.install.survey import context_of

PREFIX: Final = "ringfence-"
_IN: Final = f"{PREFIX}in-"
_CALLED: Final = re.compile(r"\bringfence-(decide|ask|outcome|failed|full|in-|outbound-)")
# A line that looks first whether it is there outlives us.
_GUARD: Final = "DIALPLAN_EXISTS(ringfence-"


@dataclass(frozen=True, slots=True)
class Leads:
    """An inbound trunk's endpoint of the site's own, and the context it must lead to when we are gone."""

    trunk: str
    endpoint: str
    back_to: str
    """Empty: nobody knows."""
    path: Path | None = None
    """The file with the line, where a person wrote it; None where our own lines do it."""


def ways_in(
    remembered: Manifest | None,
    etc: Path,
    conf_dir: Path,
    console: Console,
    own_endpoints: Mapping[str, str],
    told: Mapping[str, str],
) -> Iterator[Leads]:
    """As the files say, with no Asterisk and no configuration; and where Asterisk knows it from elsewhere. Raises
    OSError."""
    seen = set()
    for section in sections(etc, "pjsip.conf"):
        into = section.last("context") or ""
        if not into.startswith(_IN) or section.path.parent == conf_dir:
            continue
        seen.add(section.name)
        if is_marked(section.path, section.line):
            continue  # goes with our lines
        trunk = into.removeprefix(_IN)
        # A program's own file is for that program to change; where a template has the line, for its author.
        by_program = is_generated(section.path) or section.options.startswith("(!")
        if by_program or not replace_value(section.path, "context", into, into, dry_run=True):
            yield Leads(trunk, section.name, "")
        else:
            yield Leads(trunk, section.name, told.get(trunk, ""), section.path)
    ours = {one.trunk: one for one in (remembered.handed_over if remembered else ())}
    for trunk, endpoint in own_endpoints.items():
        if endpoint not in seen and (context_of(console, endpoint) or "").startswith(PREFIX):
            yield Leads(trunk, endpoint, ours[trunk].context_before if trunk in ours else "")


def lines_that_ask(etc: Path, conf_dir: Path) -> Iterator[str]:
    """`file:line` of what would hang up a call once we are gone. Raises OSError."""
    for line in lines(etc, "extensions.conf"):
        if line.path.parent != conf_dir and _CALLED.search(line.text) and _GUARD not in line.text:
            yield f"{line.path}:{line.number}"
