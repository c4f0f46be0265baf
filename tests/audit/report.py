"""The checks of `make audit`, and the page that it writes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from tests.audit import advisories, licences, locks, yanked
from tests.tidy.tree import ROOT

PAGE = ROOT / "docs" / "reference" / "dependency-audit.md"
OK, FOUND, SKIPPED, OLD = "ok", "FOUND", "SKIPPED", "OLD"
FRESH_DAYS = 30

HEAD = """# Dependency audit

*For whoever approves what is installed: every library in the package, its licence, and what is known against it.*

Written by `make audit ADVISORIES=FOLDER WRITE=1`; a test sees whether the locks have changed since. Why each library is
there: [dependencies](../explanation/dependencies.md).
"""

HOW = """## Run it yourself

```sh
git clone https://github.com/pypa/advisory-database
make audit ADVISORIES=advisory-database
```

Exit status 0: everything was looked at and nothing found; 1: something was found; 2: nothing was found, and something
was not looked at. What is not looked at says `SKIPPED`, and a copy whose newest record is older than 30 days `OLD`:
never `ok`.

- Advisories need the folder: the PyPA's database as above, or a download of OSV's for PyPI, unpacked.
- Versions that were taken back need a package index; the rest needs nothing.
- Where the internet can be reached, this asks about advisories of today:
  `pip-audit --requirement requirements/runtime.txt --no-deps --disable-pip`

## What this does not look at

- **What comes from Debian**: Python with its OpenSSL, SQLite and expat, Asterisk, espeak-ng. Debian's security team
  mends them: `apt-get upgrade`, then restart what uses them (`needrestart` names it).
- **What is compiled into a library**: psycopg brings libpq and OpenSSL of its own, cryptography OpenSSL, pyrage and
  pydantic-core their Rust. An advisory names the library; its mend comes with a new version of ours.
- **Whether somebody still looks after a library.** Quiet for years are ldap3 (its last release is of 2021; it is loaded
  only where a directory is a source, in a thread, with certificates checked) and panoramisk (behind
  [a fence](../explanation/dependencies.md#the-fence-around-panoramisk)). Both talk to servers of your own alone.
"""


@dataclass(frozen=True, slots=True)
class Check:
    """One line of the result."""

    what: str
    state: str
    words: str
    faults: tuple[str, ...] = ()


def looked_at(folder: Path | None, *, ask: bool = True) -> list[Check]:
    """Every check, also those that cannot be made here. `ask` False: no package index is asked."""
    return [_locks(), _licences(), _yanked(ask), _advisories(folder)]


def page(checks: Sequence[Check]) -> str:
    """The whole page."""
    return "\n".join([HEAD, *_results(checks), "", *_packages(), "", HOW])


def lock_line() -> str:
    """What the page says of the locks it was written for."""
    names = ", ".join(f"{lock.name} `{locks.digest(lock)}`" for lock in locks.LOCKS)
    return f"Locks (the first digits of their SHA-256): {names}."


def _check(what: str, faults: Sequence[str], words: str) -> Check:
    return Check(what, FOUND, f"{len(faults)} found", tuple(faults)) if faults else Check(what, OK, words)


def _locks() -> Check:
    counts = ", ".join(f"{len(locks.pins(lock))} in {lock.name}" for lock in locks.LOCKS)
    words = f"{counts}; each pinned with its hashes, installed as locked, and of those at run time each is needed"
    return _check("locks", list(locks.faults()), words)


def _licences() -> Check:
    words = f"{len(licences.of_runtime())} packages, every licence may lie in a package under Apache-2.0"
    return _check("licences", list(licences.faults()), words)


def _yanked(ask: bool) -> Check:
    if not ask:
        return Check("taken back", SKIPPED, "no package index was to be asked")
    try:
        return _check("taken back", yanked.faults(locks.DEV), "no locked version was")
    except yanked.CannotAsk as why:
        return Check("taken back", SKIPPED, str(why))


def _advisories(folder: Path | None) -> Check:
    if folder is None:
        return Check("advisories", SKIPPED, "no database was given: ADVISORIES=FOLDER")
    try:
        looked = advisories.look(folder, locks.pins(locks.DEV))
    except OSError as error:
        return Check("advisories", SKIPPED, f"the folder cannot be read ({error.strerror})")
    if not looked.records:
        return Check("advisories", SKIPPED, "there is no record in the folder")
    words = (
        f"{looked.records} records, the newest of {looked.newest}; {looked.about_ours} about locked packages, "
        "none about a locked version. What became known later is not among them"
    )
    check = _check("advisories", [*looked.found, *(f"unreadable: {one}" for one in looked.unreadable)], words)
    old = datetime.now(UTC).date() - date.fromisoformat(looked.newest) > timedelta(days=FRESH_DAYS)
    return replace(check, state=OLD) if old and check.state == OK else check


def _results(checks: Sequence[Check]) -> Iterator[str]:
    yield "## Result\n"
    yield f"{lock_line()}\n"
    yield "| looked at | result | |"
    yield "|---|---|---|"
    for check in checks:
        yield f"| {check.what} | {check.state} | {'; '.join((check.words, *check.faults))} |"


def _packages() -> Iterator[str]:
    yield "## What is in the package\n"
    yield "| library | version | licence |"
    yield "|---|---|---|"
    found = licences.of_runtime()
    for pin in sorted(locks.pins(locks.RUNTIME), key=lambda pin: pin.name):
        yield f"| {pin.name} | {pin.version} | {found.get(pin.name, 'for other systems only')} |"
    yield ""
    yield "| licence | why it may lie there |"
    yield "|---|---|"
    used = re.split(r" OR | AND ", " OR ".join(found.values()))
    yield from (f"| {licence} | {why} |" for licence, why in licences.ALLOWED.items() if licence in used)
