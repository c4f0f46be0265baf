"""What an order is about and when it ends, as it is written on the command line."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Annotated, Any, Final

import typer

from ringfence.cli.client import Daemon, NoDaemon, Refused
from ringfence.cli.invocation import DEFAULT_SOCKET, usage, who
from ringfence.cli.times import check_duration, until_text

COMPLETION_SECONDS: Final = 2.0
_ONE_OF: Final = "--scope NAME, --site NAME, --team NAME, --did NUMBER (again for more), --from with --to, and --all"


def _known(kind: str, incomplete: str) -> list[str]:
    """For the shell's completion; without a daemon there is nothing to offer."""
    socket = Path(os.environ.get("RINGFENCE_SOCKET") or DEFAULT_SOCKET)
    try:
        found = Daemon(socket, who()).call("GET", "/v1/override/targets", seconds=COMPLETION_SECONDS)
    except (NoDaemon, Refused):
        return []
    return [one["name"] for one in found[kind] if one["name"].casefold().startswith(incomplete.casefold())]


def _scopes(incomplete: str) -> list[str]:
    return _known("scopes", incomplete)


def _sites(incomplete: str) -> list[str]:
    return _known("sites", incomplete)


def _teams(incomplete: str) -> list[str]:
    return _known("teams", incomplete)


ScopeOption = Annotated[str | None, typer.Option(help="the platform's name", autocompletion=_scopes)]
SiteOption = Annotated[str | None, typer.Option(help="a site: all its DIDs", autocompletion=_sites)]
TeamOption = Annotated[
    str | None, typer.Option(help="a team (HR's department): the DIDs of its people", autocompletion=_teams)
]
DidsOption = Annotated[
    list[str] | None,
    typer.Option("--did", help="a DID, in E.164 or as dialled in your country; again for more, at most 1000"),
]
FromOption = Annotated[str | None, typer.Option("--from", help="the first DID of a range")]
ToOption = Annotated[str | None, typer.Option("--to", help="its last DID: all of ours between them")]
AllOption = Annotated[bool, typer.Option("--all", help="everything")]
ForOption = Annotated[str | None, typer.Option("--for", help="how long: 90s, 15m, 2h, 1d; at most 31 days")]
UntilOption = Annotated[str | None, typer.Option(help="the end: 18:00, or a date and time")]


@dataclass(frozen=True, slots=True)
class Target:
    """Exactly one of them."""

    scope: str | None = None
    site: str | None = None
    team: str | None = None
    dids: list[str] = field(default_factory=list)
    first: str | None = None
    last: str | None = None
    everything: bool = False

    @property
    def body(self) -> dict[str, Any]:
        """As the API takes it."""
        found: dict[str, Any] = {"scope": self.scope, "site": self.site, "team": self.team}
        found |= {"from": self.first, "to": self.last}
        found |= {"did": self.dids[0]} if len(self.dids) == 1 else {"dids": self.dids or None}
        return {name: value for name, value in found.items() if value is not None} | (
            {"everything": True} if self.everything else {}
        )

    @property
    def words(self) -> str:
        named = self.scope or self.site or self.team or ", ".join(self.dids)
        return named or (f"{self.first} to {self.last}" if self.first else "everything")

    @property
    def is_wide(self) -> bool:
        """Of a platform or everything: what the status shows a mode of."""
        return self.scope is not None or self.everything

    def fits(self, scope: dict[str, Any]) -> bool:
        return self.is_wide and self.scope in (None, scope["scope"])

    def release(self, override: dict[str, Any]) -> str:
        """The command that takes this override back."""
        if self.is_wide:
            return f"ringfence dr auto {f'--scope {self.scope}' if self.scope else '--all'} --reason ..."
        return f"ringfence dr auto --id {override['id']} --reason ..."


def read_target(
    scope: str | None = None,
    site: str | None = None,
    team: str | None = None,
    dids: list[str] | None = None,
    first: str | None = None,
    last: str | None = None,
    everything: bool = False,
) -> Target:
    """Ends the program unless exactly one is given."""
    there = {
        "--scope": scope is not None,
        "--site": site is not None,
        "--team": team is not None,
        "--did": bool(dids),
        "--from": first is not None or last is not None,
        "--all": everything,
    }
    given = [name for name, is_there in there.items() if is_there]
    if len(given) != 1:
        wrong = f"{' and '.join(given)} are given together." if given else "It is not said what this is about."
        usage(wrong, f"Give one of {_ONE_OF}; `ringfence status` lists the scopes.")
    if (first is None) != (last is None):
        usage("Half a range is given.", "Give both --from and --to.")
    return Target(scope, site, team, list(dids or []), first, last, everything)


def read_end(for_: str | None, until: str | None) -> dict[str, str]:
    """The end as the API takes it; ends the program when it cannot be understood."""
    if for_ is not None and until is not None:
        usage("--for and --until are given together.", "Give one of them.")
    try:
        if for_ is not None:
            return {"for": check_duration(for_)}
        return {} if until is None else {"until": until_text(until, datetime.now().astimezone())}
    except ValueError as error:
        usage(f"{'--for' if for_ is not None else '--until'}: {error}.")
