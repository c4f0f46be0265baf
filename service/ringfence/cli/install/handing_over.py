"""Leading an inbound trunk's own endpoint into Ringfence, by lines behind it that change a few of its settings."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from ringfence.asterisk.conf_files import Section, lines, sections
from ringfence.asterisk.connections import GUARDED
from ringfence.cli.install.console import Console
from ringfence.cli.install.edits import Edit, EditFault, apply, planned, take_out, take_out_marked
from ringfence.cli.install.include_plan import place_for
from ringfence.cli.install.survey import context_of

RELOAD: Final = "module reload res_pjsip.so"
# How keys are sent, and whether the trunk is believed who calls, is between the site and its carrier: neither tells
# anybody a private number.
_LEFT_ALONE: Final = ("dtmf_mode=", "trust_id_inbound=")


def handover_edit(etc: Path, endpoint: str, context: str) -> Edit:
    """Raises EditFault where these lines would not reach the endpoint; OSError."""
    place = place_for(etc, "pjsip.conf")
    found = [s for s in sections(etc, "pjsip.conf") if s.name == endpoint and s.last("type") == "endpoint"]
    if not found:
        # Asterisk would drop the whole file for lines that add to nothing.
        raise EditFault(
            f"No file that {etc / 'pjsip.conf'} includes has [{endpoint}] with type=endpoint in so many words: set "
            f"context={context} where that endpoint is made. Nothing was changed."
        )
    if not _read_behind(etc, place, found[0]):
        raise EditFault(
            f"{place} is read before [{endpoint}] in {found[0].path}: lines in it cannot change that endpoint. Set "
            f"context={context} there. Nothing was changed."
        )
    settings = [f"context={context}", *(line for line in GUARDED if not line.startswith(_LEFT_ALONE))]
    return planned(place, [_opening(endpoint), *settings])


def hand_over(edit: Edit, console: Console, endpoint: str, context: str) -> None:
    """Adds the lines unless a run that was killed has, reloads, and looks whether Asterisk took them; else all is as it
    was. Raises EditFault."""
    if not take_out(edit, dry_run=True):
        apply([edit])
    console.ask(RELOAD)
    found = context_of(console, endpoint)
    if found == context:
        return
    take_out(edit)
    console.ask(RELOAD)
    raise EditFault(
        f"Asterisk did not take the lines (endpoint {endpoint} has context {found!r}): they were taken out again. "
        f"Is {edit.path} read behind the endpoint?"
    )


def lead_back(edit: Edit, endpoint: str) -> None:
    """Takes the lines out, also where somebody wrote into them. Raises OSError."""
    if not take_out(edit) and edit.path.exists():
        take_out_marked(edit.path, _opening(endpoint))


def _opening(endpoint: str) -> str:
    return f"[{endpoint}](+type=endpoint)"


def _read_behind(etc: Path, place: Path, section: Section) -> bool:
    """Whether the end of `place` is read after the section begins. A file that is not there yet has its include's
    place."""
    end = begin = -1
    for number, line in enumerate(lines(etc, "pjsip.conf")):
        if line.path == place or (line.text.lstrip().startswith("#") and line.text.rstrip('>" ').endswith(place.name)):
            end = number
        if (line.path, line.number) == (section.path, section.line):
            begin = number
    return end >= begin
