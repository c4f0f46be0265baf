"""What `init` shows and says: the exact lines before they are written, and what comes next."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from ringfence.cli.install.edits import Edit
from ringfence.cli.install.survey import SiteKind, Survey
from ringfence.cli.new_files import NewFile
from ringfence.config import DEFAULT_PATH
from ringfence.config.snippets import INCLUDES


def would_write(files: Sequence[NewFile], edits: Sequence[Edit]) -> Iterator[str]:
    """A dry run's answer: every file, every line."""
    yield "Would write:"
    for file in files:
        yield f"  {file.path}{' (secret)' if file.secret else ''}"
    for edit in edits:
        yield f"Would add to the end of {edit.path}{'' if edit.existed else ' (a new file)'}:"
        yield from (f"    {line}" for line in edit.lines)
    yield "Nothing was written (--dry-run)."


def written(files: Sequence[NewFile], edits: Sequence[Edit]) -> Iterator[str]:
    yield "Written:"
    for file in files:
        yield f"  {file.path}{' (secret)' if file.secret else ''}"
    for edit in edits:
        yield f"Added to the end of {edit.path}:"
        yield from (f"    {line}" for line in edit.lines)


def includes_by_hand(conf_dir: Path) -> Iterator[str]:
    yield "\nAdd to Asterisk's files (or run this with --include):"
    for include in INCLUDES:
        section = f", under {include.section} (only if Asterisk's HTTP server is not set up)" if include.section else ""
        yield f"  {conf_dir.parent / include.asterisk_file}{section}:"
        yield f"    {include.line}"
    yield "  then: asterisk -rx 'core reload'"


def next_steps(config: Path, trunk: str, way: str, *, own_endpoint: bool) -> Iterator[str]:
    """At most what the how-to's five steps say."""
    option = "" if config == DEFAULT_PATH else f" --config {config}"
    last = f"ringfence{option} handover {trunk}, which leads the trunk's calls into Ringfence"
    if way == "gosub":
        last = "two Gosub lines around your own Dial: docs/howto/keep-your-own-dial.md"
    elif not own_endpoint:
        last = f"a first call: the trunk's endpoint was made here, and leads into ringfence-in-{trunk}"
    yield "\nNext:"
    yield f"  1. ringfence{option} voice build, for what callers are told (it needs espeak-ng)"
    yield f"  2. ringfence{option} import, then start the service (or ringfence{option} run)"
    yield f"  3. ringfence doctor{option}"
    yield f"  4. {last}"
    yield f"Taking it out again: ringfence remove{option}"
    yield f"The HTTP API's token is in {config.parent / 'http_token'}."


def found(survey: Survey, endpoint: str, normal_context: str) -> Iterator[str]:
    """What is made of what was seen."""
    if endpoint:
        yield f"The trunk keeps its endpoint {endpoint}."
    if normal_context:
        yield f"In NORMAL its calls go on in your own context {normal_context}."
    if survey.kind is SiteKind.FREEPBX and endpoint and not normal_context:
        yield "With --way goto its calls keep this site's recordings, time conditions and hang-up handlers in NORMAL."
    if survey.version and survey.second_timeout is False:
        yield "WARNING: without Dial's second timeout a frozen platform holds every caller for 32 s; use Asterisk 20."
    if survey.manager.enabled and survey.manager.bind not in ("127.0.0.1", "::1"):
        yield "WARNING: AMI listens for other machines, too: set bindaddr = 127.0.0.1 in manager.conf if none needs it."
