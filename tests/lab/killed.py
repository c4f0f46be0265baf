"""`ringfence init`, `handover` and `remove` killed at each single write of theirs: `python -m tests.lab.killed` (all of
them, about a minute); a test takes the moments that differ.

A child of ours runs the command, looks at its own writes by an audit hook, and sends itself SIGKILL before the n-th, or
right behind the opening of a file, when that is empty. Asterisk is a stand-in here: its files, those it read last, and
a console that answers from them. A real one, with real calls, has tests/scenarios/test_site_*.py.
"""

from __future__ import annotations

import os
import re
import shlex
import shutil
import signal
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from tests.lab.sites.running import files_in
from tests.lab.waiting import LabError
from tests.unit.command_line import run_ringfence

ENDPOINT, ITS_CONTEXT, OURS = "carrier", "from-carrier", "ringfence-in-carrier"
SITE = {
    "extensions.conf": "[from-carrier]\nexten => _+X.,1,Dial(PJSIP/uc/sip:${EXTEN}@127.0.0.1:9,30)",
    "pjsip.conf": f"[{ENDPOINT}]\ntype=endpoint\ncontext={ITS_CONTEXT}\n[{ENDPOINT}]\ntype=identify\n"
    f"endpoint={ENDPOINT}\nmatch=127.0.0.1\n",
    "manager.conf": "[general]\nenabled = no\n[desk]\nsecret=mnbvcxz\n",
    "ari.conf": "[general]\nenabled = no\n",
    "http.conf": "[general]\nenabled=no\n",
}
# What it answers is what it has read; a reload reads everything.
CONSOLE = """\
#!/bin/sh
case "$*" in
  *reload*) rm -rf "{loaded}" && cp -r "{etc}" "{loaded}" ;;
  *"core show version"*) echo "Asterisk 22.0.0" ;;
  *"core show application Dial"*) echo "[Arguments] timeout: progress" ;;
  *"pjsip show endpoint "*) sed -n 's/^context *= *\\([a-z-]*\\)/ context : \\1/p' "{loaded}/pjsip.conf" | tail -n 1 ;;
  *"dialplan show ringfence-inbound"*) grep -q '^#include ringfence/' "{loaded}/extensions.conf" && echo "created by" ;;
esac
exit 0
"""
SECRET_FILES = ("ari_ringfence.conf", "manager_ringfence.conf")
CHANGES = frozenset({"os.rename", "os.remove", "os.mkdir", "os.rmdir", "os.chmod", "os.chown", "subprocess.Popen"})
_INCLUDE = re.compile(r"^#include (\S+)", re.MULTILINE)
_CONTEXT = re.compile(r"^context *= *(\S+)", re.MULTILINE)


class Broken(AssertionError):
    """A moment at which Ringfence must not be killed."""


@dataclass(frozen=True, slots=True)
class Bench:
    """One such site in a folder, and the commands as its administrator gives them."""

    folder: Path

    @property
    def etc(self) -> Path:
        return self.folder / "asterisk"

    @property
    def config(self) -> Path:
        return self.folder / "etc" / "ringfence.toml"

    def lay(self) -> None:
        self.etc.mkdir(parents=True)
        for name, text in SITE.items():
            (self.etc / name).write_text(text)
        console = self.folder / "console"
        console.write_text(CONSOLE.format(etc=self.etc, loaded=self.folder / "loaded"))
        console.chmod(0o755)
        shutil.copytree(self.etc, self.folder / "loaded")

    def run(self, command: str, *arguments: str) -> tuple[int, str]:
        """Exit status and what it said."""
        given = ["--config", str(self.config), "--console", shlex.quote(str(self.folder / "console"))]
        if command == "init":
            given += ["--platform", "127.0.0.1:9", "--trunk-source", "127.0.0.1", "--egress", "127.0.0.1:9"]
            given += ["--trunk-endpoint", ENDPOINT, "--include", "--state-dir", str(self.folder / "state")]
            given += ["--asterisk-conf-dir", str(self.etc / "ringfence")]
        done = run_ringfence(command, *arguments, *given)
        return done.exit_code, done.output

    def must(self, command: str, *arguments: str) -> None:
        status, said = self.run(command, *arguments)
        if status:
            raise Broken(f"ringfence {command} ended with {status}\n{said}")

    def writes(self, command: Sequence[str]) -> int:
        """How many there are of a command's that is not killed."""
        reading, writing = os.pipe()
        if not _forked(lambda: os.write(writing, str(self._counted(command)).encode())):
            raise LabError(f"ringfence {' '.join(command)} was killed by somebody else")
        os.close(writing)
        with os.fdopen(reading) as told:
            return int(told.read())

    def killed(self, command: Sequence[str], at: int) -> bool:
        """Whether it was; else it ended before it came so far."""
        return not _forked(lambda: self._counted(command, at))

    def check_calls(self) -> None:
        """A call comes in now, by what Asterisk has read and by what it would read if it was started anew."""
        for place in (self.folder / "loaded", self.etc):
            context = _CONTEXT.findall((place / "pjsip.conf").read_text())[-1]
            dialplan = (place / "extensions.conf").read_text()
            if f"[{ITS_CONTEXT}]" not in dialplan or context not in (ITS_CONTEXT, OURS):
                raise Broken(f"{place}: calls lead to {context}, and the site's own lines are not all there")
            if context == OURS and f"[{OURS}]" not in self._read(place, "extensions.conf"):
                raise Broken(f"{place}: calls lead to {OURS}, which no file has")
            for name in SITE:
                self._read(place, name)

    def _read(self, place: Path, name: str) -> str:
        """A file with what it includes; Asterisk drops all of it for one that is not there."""
        text = (place / name).read_text()
        if not text and name.startswith("ringfence/"):
            raise Broken(f"{place / name} is included and empty")
        for included in _INCLUDE.findall(text):
            if not (place / included).is_file():
                raise Broken(f"{place / name} includes {included}, which is not there")
            text += self._read(place, included)
        return text

    def _counted(self, command: Sequence[str], kill_at: int | None = None) -> int:
        """In a child of its own: an audit hook stays for ever."""
        seen, within = 0, False

        def look(event: str, given: tuple[Any, ...]) -> None:
            nonlocal seen, within
            opens = event == "open" and isinstance(given[2], int) and given[2] & os.O_CREAT
            if within or not (opens or event in CHANGES) or not self._is_ours(event, given):
                return
            seen += 1
            if seen == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            if opens:
                # And once more when it is there and nothing is in it.
                seen += 1
                if seen == kill_at:
                    within = True
                    os.close(os.open(given[0], given[2], 0o600))
                    os.kill(os.getpid(), signal.SIGKILL)

        sys.addaudithook(look)
        self.run(*command)
        return seen

    def _is_ours(self, event: str, given: tuple[Any, ...]) -> bool:
        if event == "subprocess.Popen":
            return "reload" in str(given[1]) or "deltree" in str(given[1])
        return isinstance(given[0], str | Path) and str(given[0]).startswith(str(self.folder))


@dataclass(frozen=True, slots=True)
class Case:
    """A command, what was done before it, and what makes good what a kill of it left."""

    before: tuple[tuple[str, ...], ...]
    killed: tuple[str, ...]
    again: tuple[str, ...]
    taken_back: bool = False
    """Whether that leads back to how it was before, and not on to the end."""


INIT, HANDOVER, REMOVE, PURGE = ("init",), ("handover", "carrier"), ("remove",), ("remove", "--purge")
CASES = {
    "init": Case((), INIT, PURGE, taken_back=True),
    "handover": Case((INIT,), HANDOVER, HANDOVER),
    "handover --undo": Case((INIT, HANDOVER), (*HANDOVER, "--undo"), (*HANDOVER, "--undo")),
    "remove": Case((INIT, HANDOVER), REMOVE, REMOVE),
    "remove --purge": Case((INIT, HANDOVER), PURGE, PURGE),
}


class Trial:
    """One case, begun once and put back before every kill. Use as a context manager."""

    def __init__(self, name: str) -> None:
        self._case = CASES[name]
        self._place = TemporaryDirectory(prefix="ringfence-killed-")
        self._bench = Bench(Path(self._place.name) / "site")
        self._begun = Path(self._place.name) / "begun"
        self._wanted: dict[str, bytes] = {}
        self.moments = 0
        """How many there are to kill it at."""

    def __enter__(self) -> Trial:
        self._bench.lay()
        for command in self._case.before:
            self._bench.must(*command)
        if self._case.before:
            (self._bench.folder / "state").mkdir()
            (self._bench.folder / "state" / "history").write_text("of the calls since")
        shutil.copytree(self._bench.folder, self._begun)
        self.moments = self._bench.writes(self._case.killed)
        self._put_back()
        if not self._case.taken_back:
            self._bench.must(*self._case.killed)
        self._wanted = _held(self._bench)
        return self

    def __exit__(self, *_: object) -> None:
        self._place.cleanup()

    def kill_at(self, moment: int) -> None:
        """Raises Broken unless calls go on, and the command, given again, ends as if nothing had been."""
        self._put_back()
        if not self._bench.killed(self._case.killed, moment):
            raise LabError(f"there is no write number {moment}")
        self._bench.check_calls()
        self._bench.must(*self._case.again)
        self._bench.check_calls()
        held = _held(self._bench)
        different = [path for path in held.keys() | self._wanted.keys() if held.get(path) != self._wanted.get(path)]
        if different:
            raise Broken(f"not as after a run that went through: {', '.join(sorted(different))}")

    def _put_back(self) -> None:
        shutil.rmtree(self._bench.folder)
        shutil.copytree(self._begun, self._bench.folder)


def _held(bench: Bench) -> dict[str, bytes]:
    """Every file that is there with its mode; and what is in those that are not made anew with every secret."""
    return {
        name: b"%o " % mode + (b"" if name.startswith("etc/") or name.endswith(SECRET_FILES) else content)
        for name, (content, mode) in files_in(bench.folder).items()
    }


def _forked(work: Any) -> bool:
    """Whether a child that did this came to its end."""
    child = os.fork()
    if child == 0:
        status = 1
        try:
            work()
            status = 0
        finally:
            os._exit(status)
    status = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
    if status not in (0, -signal.SIGKILL):
        raise LabError(f"the child ended with {status}")
    return status == 0


def _all() -> Iterator[str]:
    for name in CASES:
        broken = []
        with Trial(name) as trial:
            for moment in range(1, trial.moments + 1):
                try:
                    trial.kill_at(moment)
                except Broken as error:
                    broken.append(f"  {name}, killed at write {moment}: {error}")
        print(f"ringfence {name}: killed at each of {trial.moments} writes, {len(broken)} not made good", flush=True)
        yield from broken


if __name__ == "__main__":
    found = list(_all())
    print("\n".join(found))
    sys.exit(bool(found))
