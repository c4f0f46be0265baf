"""`ringfence init`: looks at the machine, proposes, and puts Ringfence beside its Asterisk. All of it, or nothing.

Exit statuses: 0 done; 1 refused, nothing was changed; 2 wrong use of the command line.
"""

from __future__ import annotations

import secrets as randomness
import sys
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Final

import typer

from ringfence.cli import sealed_accounts, snippet_files
from ringfence.cli.first_configuration import Answers, render
from ringfence.cli.install import manifest, options, words
from ringfence.cli.install.console import Console, console_of
from ringfence.cli.install.edits import Edit, EditFault
from ringfence.cli.install.include_plan import include_edits
from ringfence.cli.install.installing import InstallFault, install
from ringfence.cli.install.options import Way
from ringfence.cli.install.survey import SiteKind, Survey, look
from ringfence.cli.invocation import fail, say_all
from ringfence.cli.new_files import NewFile, existing
from ringfence.config import DEFAULT_PATH, ConfigError, Secrets, parse
from ringfence.config.reading import SECRETS
from ringfence.config.snippets import ALL_SNIPPETS, generated_snippets, shipped_snippets

SECRET_BYTES: Final = 32

_QUESTIONS: Final = {
    "--platform": "Primary platform, host:port of its SIP",
    "--trunk-source": "Addresses the carrier's calls come from, comma between",
    "--egress": "Trunk diverted calls go out by, host:port",
}


def add_to(app: typer.Typer) -> None:
    """Adds the command."""
    app.command("init")(init)


def init(
    platform: options.Platform = "",
    trunk_source: options.Sources = None,
    egress: options.Egress = "",
    sbc: options.Sbc = "",
    platform_name: Annotated[str, typer.Option(help="its name, the scope that fails over as one")] = "platform",
    trunk_name: Annotated[str, typer.Option(help="name of the inbound trunk")] = "carrier",
    egress_name: Annotated[str, typer.Option(help="name of the egress trunk")] = "egress",
    trunk_endpoint: options.TrunkEndpoint = "",
    did_source: options.DidSource = "request-uri",
    egress_endpoint: options.EgressEndpoint = "",
    way: options.WayOption = Way.DIAL,
    normal_context: options.NormalContext = "",
    profile: Annotated[str, typer.Option(help="how the platform is reached: lan or wan")] = "lan",
    fallback_number: options.Fallback = "",
    control: options.Control = None,
    node: Annotated[str, typer.Option(help="this node's name")] = "ringfence",
    country: Annotated[str, typer.Option(help="your country, two letters")] = "GB",
    ari_port: Annotated[int, typer.Option(help="port of Asterisk's HTTP server; default as its file says")] = 0,
    ami_port: Annotated[int, typer.Option(help="port of the manager interface; default as its file says")] = 0,
    state_dir: Annotated[Path, typer.Option(help="database, spool and node identity")] = Path("/var/lib/ringfence"),
    asterisk_conf_dir: options.ConfDir = Path("/etc/asterisk/ringfence"),
    site: Annotated[SiteKind | None, typer.Option(help="who writes Asterisk's files; default: seen by itself")] = None,
    include: options.Include = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="show every file and line, and write nothing")] = False,
    console: options.ConsoleText = "asterisk",
    config: options.ConfigPath = DEFAULT_PATH,
) -> None:
    """Put Ringfence beside an Asterisk: look at it, write configuration, secrets and snippets. Nothing is overwritten.

    With --include lines go to the ends of Asterisk's files, all or none; a file that a program writes is left alone.

    Example: ringfence init --platform 192.0.2.10:5060 --trunk-source 198.51.100.1 --egress 203.0.113.20:5060 --dry-run
    """
    # Before the questions: nobody should answer them in vain.
    _refuse_existing(config, asterisk_conf_dir)
    asterisk = console_of(console)
    seen = _looked(asterisk_conf_dir.parent, asterisk, site)
    say_all(seen.words())
    sources = list(trunk_source or ()) or ([sbc.rpartition(":")[0]] if sbc else [])
    given = {"--platform": platform, "--trunk-source": ",".join(sources), "--egress": egress or sbc}
    told = _ask_for_missing(given, {"--trunk-source": seen.only_sources})
    asked = tuple(source.strip() for source in told["--trunk-source"].split(","))
    endpoint, context = _way_in(seen, asked, trunk_endpoint, way, normal_context)
    answers = Answers(
        platform=told["--platform"],
        trunk_sources=asked,
        egress=told["--egress"],
        platform_name=platform_name,
        trunk_name=trunk_name,
        egress_name=egress_name,
        profile=profile,
        node=node,
        country=country,
        fallback_number=fallback_number or None,
        controls=_controls(control or []),
        ari_port=ari_port or seen.http.port,
        ami_port=ami_port or seen.manager.port,
        state_dir=state_dir,
        asterisk_conf_dir=asterisk_conf_dir,
        trunk_endpoint=endpoint,
        did_source=did_source,
        egress_endpoint=egress_endpoint,
        normal_context=context,
        sounds_dir=seen.place("astdatadir", "sounds"),
        cdr_csv=seen.place("astlogdir", "cdr-csv/Master.csv"),
    )
    say_all(words.found(seen, endpoint, context))
    _carry_out(_Order(answers, seen, asterisk, way, config), include, dry_run=dry_run)


@dataclass(frozen=True, slots=True)
class _Order:
    """What is to be done, and where."""

    answers: Answers
    seen: Survey
    asterisk: Console
    way: Way
    config: Path


def _carry_out(order: _Order, include: bool | None, *, dry_run: bool) -> None:
    config, etc = order.config, order.seen.etc
    edits = _edits(order, include, dry_run=dry_run)
    accounts = sealed_accounts.first_accounts(config)
    remembered = manifest.Manifest(etc, order.answers.asterisk_conf_dir, tuple(edits))
    files = [
        *_first_files(order.answers, config),
        accounts.file,
        NewFile(manifest.place_beside(config), manifest.text_of(remembered)),
    ]
    if dry_run:
        say_all(words.would_write(files, edits))
        return
    try:
        left = install(files, edits, etc, order.asterisk)
    except InstallFault as fault:
        fail(fault.lines)
    say_all(words.written(files, edits))
    if edits and left:
        say_all(["Asterisk has not read it yet:", *(f"  asterisk -rx '{command}'" for command in left)])
    elif edits:
        say_all(["Asterisk has read it."])
    else:
        say_all(words.includes_by_hand(order.answers.asterisk_conf_dir))
    trunk = order.answers.trunk_name
    say_all(words.next_steps(config, trunk, order.way, own_endpoint=bool(order.answers.trunk_endpoint)))
    _tell_passwords(accounts.passwords, config)


def _looked(etc: Path, asterisk: Console, site: SiteKind | None) -> Survey:
    try:
        return look(etc, asterisk, site)
    except OSError as error:
        fail([f"{error.filename}: {error.strerror}. Run it with sudo. Nothing was written."])


def _way_in(seen: Survey, sources: Sequence[str], endpoint: str, way: Way, normal_context: str) -> tuple[str, str]:
    """The trunk's own endpoint, and the context its calls go on in; empty where there is none."""
    found = seen.endpoint(endpoint) if endpoint else seen.endpoint_for(sources)
    name = endpoint or (found.name if found else "")
    if way is not Way.GOTO:
        return name, ""
    context = normal_context or (found.context if found else "")
    if not context:
        fail(["--normal-context: which of your contexts the trunk's calls go on in cannot be seen. Say it."], status=2)
    return name, context


def _edits(order: _Order, include: bool | None, *, dry_run: bool) -> list[Edit]:
    if include is None:
        # Where nothing of Asterisk's is, there is nothing to add a line to.
        there = (order.seen.etc / "extensions.conf").exists()
        include = dry_run or (
            there and sys.stdin.isatty() and typer.confirm("Add the lines to Asterisk's files, and reload it?")
        )
    if not include:
        return []
    try:
        return include_edits(order.seen)
    except EditFault as fault:
        fail([str(fault)])
    except OSError as error:
        fail([f"{error.filename}: {error.strerror}. Nothing was written."])


def _ask_for_missing(given: dict[str, str], proposed: Mapping[str, str]) -> dict[str, str]:
    """Questions only when a person is there to answer; else one error that lists every missing option. What is proposed
    was seen, and takes the person's Enter."""
    missing = [option for option, value in given.items() if not value]
    if missing and not sys.stdin.isatty():
        lines = [f"  {option}: {_QUESTIONS[option]}" for option in missing]
        fail(["These options are missing:", *lines, "Nothing was written."], status=2)
    return {
        option: value or typer.prompt(_QUESTIONS[option], default=proposed.get(option) or None).strip()
        for option, value in given.items()
    }


def _controls(given: list[str]) -> tuple[tuple[str, str], ...]:
    pairs = [entry.partition("=") for entry in given]
    if bad := [entry for entry, (name, mark, address) in zip(given, pairs, strict=True) if not (name and address)]:
        fail([f"--control {bad[0]}: write NAME=HOST:PORT."], status=2)
    return tuple((name, address) for name, _, address in pairs)


def _secret_paths(config: Path) -> list[Path]:
    return [config.parent / name for name in SECRETS]


def _refuse_existing(config: Path, conf_dir: Path) -> None:
    own = [config, *_secret_paths(config), sealed_accounts.place_beside(config), manifest.place_beside(config)]
    if found := existing([*own, *(conf_dir / name for name in ALL_SNIPPETS)]):
        fail(
            [
                "These files are there already; nothing was written:",
                *(f"  {path}" for path in found),
                "Move them away, or keep them and renew Asterisk's part with `ringfence snippets`.",
                "What an interrupted installation left is taken back by `ringfence remove --purge`.",
            ]
        )


def _first_files(answers: Answers, config: Path) -> list[NewFile]:
    """Everything `init` writes, checked as a whole before the first byte of it lies on the disk."""
    text = render(answers)
    fresh = {path: randomness.token_urlsafe(SECRET_BYTES) for path in _secret_paths(config)}
    try:
        checked = parse(tomllib.loads(text), "the new configuration", text)
        secrets = Secrets.model_validate({path.name: secret for path, secret in fresh.items()})
        texts = generated_snippets(checked, secrets) | shipped_snippets()
    except ConfigError as error:
        fail([*error.faults, "Nothing was written."])
    return [
        NewFile(config, text),
        *(NewFile(path, secret + "\n", secret=True) for path, secret in fresh.items()),
        *snippet_files.files_of(answers.asterisk_conf_dir, texts),
    ]


def _tell_passwords(passwords: Mapping[str, str], config: Path) -> None:
    option = "" if config == DEFAULT_PATH else f" --config {config}"
    typer.echo("\nTwo break-glass accounts open the page when your sign-in is what is down.")
    if sys.stdout.isatty():
        lines = sealed_accounts.envelope_lines(passwords)
    else:
        # Whoever runs this from a script would find them in a log for ever.
        lines = [
            "This is no terminal, so nobody has seen their passwords. For each, where you can see it:",
            *(f"  ringfence{option} access break-glass renew {name}" for name in passwords),
        ]
    say_all(lines)
