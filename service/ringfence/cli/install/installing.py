"""All of an installation or none of it: new files, lines in the site's files, and Asterisk having read them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Final

from ringfence.cli.install.console import Console
from ringfence.cli.install.edits import Edit, EditFault, apply, take_out
from ringfence.cli.install.include_plan import reloads
from ringfence.cli.new_files import NewFile, WriteFault, unmake, write_all

# Loaded by the dialplan's include; without it nothing of ours is there.
PROOF: Final = ("dialplan show ringfence-inbound", "created by")


class InstallFault(Exception):
    """Nothing was changed. `lines` are for people."""

    def __init__(self, *lines: str) -> None:
        super().__init__(*lines)
        self.lines = lines


def install(files: Sequence[NewFile], edits: Sequence[Edit], etc: Path, console: Console) -> list[str]:
    """Writes everything, and lets Asterisk read it where it runs; what could not be reloaded is answered.

    Raises InstallFault; then every file is as it was, and Asterisk has read that, too.
    """
    try:
        made = write_all(files)
    except WriteFault as fault:
        raise InstallFault(str(fault)) from None
    try:
        apply(edits)
    except EditFault as fault:
        unmake(made)
        raise InstallFault(str(fault)) from None
    commands = reloads(edits, etc)
    if not edits or not console.answers:
        return commands
    left = console.tell_all(commands)
    line, sign = PROOF
    if sign in (console.ask(line) or ""):
        return left
    for edit in reversed(edits):
        take_out(edit)
    unmake(made)
    console.tell_all(commands)
    raise InstallFault(
        "Asterisk did not load Ringfence's dialplan; everything was taken out again, and nothing is changed.",
        "Its log says why: `asterisk -rx 'dialplan reload'` prints to it. Is pbx_config.so loaded?",
    )
