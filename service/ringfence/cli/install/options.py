"""The options of the commands that install and remove, with the words their help says."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer

from ringfence.cli.install.console import VARIABLE

ConfigPath = Annotated[Path, typer.Option("--config", help="the configuration file", envvar="RINGFENCE_CONFIG")]
ConsoleText = Annotated[
    str, typer.Option("--console", help="the command that starts Asterisk's console", envvar=VARIABLE)
]
Platform = Annotated[str, typer.Option(help="primary platform, host:port of its SIP")]
Sources = Annotated[
    list[str] | None, typer.Option(help="address or network the carrier's calls come from; may be repeated")
]
Egress = Annotated[str, typer.Option(help="trunk diverted calls go out by, host:port")]
Sbc = Annotated[str, typer.Option(help="an SBC in front, host:port: calls come from it and go out by it")]
Fallback = Annotated[str, typer.Option(help="E.164; where a DID that is not in the directory goes in DR mode")]
Control = Annotated[list[str] | None, typer.Option(help="NAME=HOST:PORT, something known good; may be repeated")]
ConfDir = Annotated[
    Path, typer.Option(help="where Asterisk's snippets go; called `ringfence`, below Asterisk's own folder")
]
TrunkEndpoint = Annotated[
    str,
    typer.Option(help="the carrier's own PJSIP endpoint; default the one that takes those addresses, else one is made"),
]
DidSource = Annotated[
    str, typer.Option(help="where the trunk has the DID: request-uri, to, p-called-party-id or diversion")
]
EgressEndpoint = Annotated[str, typer.Option(help="your own PJSIP endpoint of the egress trunk, if it registers")]
NormalContext = Annotated[
    str, typer.Option(help="with --way goto: your context; default the one the trunk's endpoint has now")
]
Include = Annotated[
    bool | None,
    typer.Option("--include/--no-include", help="add the lines to Asterisk's files and reload; default: ask, or no"),
]


class Way(StrEnum):
    """Who dials the platform, and who is asked first."""

    DIAL = "dial"
    GOTO = "goto"
    GOSUB = "gosub"


WayOption = Annotated[
    Way,
    typer.Option(help="dial: our Dial to the platform; goto: your own context; gosub: you ask, and dial by yourself"),
]
