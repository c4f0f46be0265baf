"""Taking everything out: what there is of ours, whether it may go now, and doing it in an order no call notices."""

from __future__ import annotations

import re
import shutil
import socket
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from ringfence.cli.install.console import Console
from ringfence.cli.install.edits import Edit, abandoned, marked_files, replace_value, take_out, take_out_marked
from ringfence.cli.install.include_plan import all_reloads
from ringfence.cli.install.leading_in import PREFIX, Leads, lines_that_ask, ways_in
from ringfence.cli.install.manifest import Manifest
from ringfence.config.snippets import ALL_SNIPPETS

DELETE: Final = "database deltree ringfence"
_GLOBAL: Final = re.compile(r"^\s*(RF_[A-Z0-9_a-z]*)=", re.MULTILINE)


@dataclass(frozen=True, slots=True)
class Found:
    """What there is of ours on this machine."""

    edits: tuple[Edit, ...]
    marked: tuple[Path, ...]
    """Files with marked lines that nobody remembers, or that somebody wrote into."""
    snippets: tuple[Path, ...]
    conf_dir: Path
    keys: int
    """Records in AstDB; 0 also where nobody could be asked."""
    leads: tuple[Leads, ...] = ()
    asking: tuple[str, ...] = ()
    """Lines of the site's own dialplan that would lead nowhere, as `file:line`."""
    abandoned: tuple[Path, ...] = ()
    remembered: bool = False
    """Whether an installation is remembered: without anything else of it, a removal died before Asterisk read it."""
    purged: tuple[Path, ...] = ()

    @property
    def nothing(self) -> bool:
        return not (
            self.edits or self.marked or self.snippets or self.keys or self.abandoned or self.remembered or self.purged
        )

    def words(self) -> Iterator[str]:
        for edit in self.edits:
            yield f"{edit.path}: {len(edit.lines)} lines at its end{'' if edit.existed else ', then the file'}"
        yield from (f"{path}: the lines between the marks `ringfence`" for path in self.marked)
        yield from (f"{lead.path}: context={lead.back_to} in [{lead.endpoint}]" for lead in self.leads if lead.path)
        if self.snippets:
            yield f"{self.conf_dir}: {len(self.snippets)} files"
        if self.keys:
            yield f"AstDB: {self.keys} keys below ringfence"
        yield from (f"{path}: half a file, left by a run that was killed" for path in self.abandoned)
        yield from (f"{path}" for path in self.purged)
        yield "what Asterisk still knows of it"


def find(
    remembered: Manifest | None,
    conf_dir: Path,
    console: Console,
    own_endpoints: Mapping[str, str],
    told: Mapping[str, str],
) -> Found:
    """Looks, and changes nothing. `own_endpoints`: trunk -> its endpoint where that is the site's own; `told`: trunk ->
    the context it had. Raises OSError."""
    etc = conf_dir.parent
    edits = [] if remembered is None else [*remembered.edits, *(one.edit for one in remembered.handed_over)]
    there = tuple(edit for edit in reversed(edits) if take_out(edit, dry_run=True))
    return Found(
        edits=there,
        marked=tuple(marked_files(etc, besides=there)),
        # The file that includes the others is the first of them: Asterisk must not be told to include what is gone.
        snippets=tuple(path for name in ALL_SNIPPETS if (path := conf_dir / name).exists()),
        conf_dir=conf_dir,
        keys=_keys(console),
        leads=tuple(ways_in(remembered, etc, conf_dir, console, own_endpoints, told)),
        asking=tuple(lines_that_ask(etc, conf_dir)),
        abandoned=tuple(abandoned(etc)),
        remembered=remembered is not None,
    )


def reasons_against(found: Found, socket_path: Path) -> list[str]:
    """Why it may not be done now; empty: it may."""
    reasons = [
        f"Endpoint {lead.endpoint} of trunk {lead.trunk!r} leads into {PREFIX}in-{lead.trunk}: its calls would lead "
        f"nowhere. Say where it led: --context {lead.trunk}=CONTEXT, or give it its context and reload."
        for lead in found.leads
        if not lead.back_to
    ]
    if found.asking:
        reasons.append(
            f"Your own dialplan leads to Ringfence, at {', '.join(found.asking)}: without it they hang up. Take them "
            "out and reload, or guard them (docs/howto/keep-your-own-dial.md)."
        )
    if _listens(socket_path):
        reasons.append("The daemon runs, and would publish its table anew: stop it first (systemctl stop ringfence).")
    return reasons


def take_all_out(found: Found, console: Console) -> list[str]:
    """Endpoints first, then contexts, then what AstDB holds. What Asterisk did not take is answered, as commands.
    Raises OSError."""
    for lead in found.leads:
        if lead.path is not None:
            replace_value(lead.path, "context", f"{PREFIX}in-{lead.trunk}", lead.back_to)
    for edit in found.edits:
        take_out(edit)
    for path in found.marked:
        take_out_marked(path)
    for path in (*found.snippets, *found.abandoned):
        path.unlink(missing_ok=True)
    if found.conf_dir.is_dir() and not any(found.conf_dir.iterdir()):
        found.conf_dir.rmdir()
    commands = [*all_reloads(), DELETE]
    names = _GLOBAL.findall(console.ask("dialplan show globals") or "")
    # Asterisk forgets a global variable's name only when it restarts; what it held is gone.
    console.tell_all([f'dialplan set global {name} ""' for name in names])
    return console.tell_all(commands)


def purge(paths: Sequence[Path]) -> None:
    """Raises OSError."""
    for path in paths:
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        else:
            path.unlink(missing_ok=True)


def _keys(console: Console) -> int:
    shown = console.ask("database show ringfence") or ""
    return sum(line.startswith("/ringfence/") for line in shown.splitlines())


def _listens(path: Path) -> bool:
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door:
        door.settimeout(1.0)
        try:
            door.connect(str(path))
        except OSError:
            return False
    return True
