"""The commands that set Ringfence up: `init`, `snippets`, `check-config`, `settings`, `doctor`.

Only options, questions and exit statuses are here; what they do lies in the modules beside this one.
Exit statuses: 0 done or sound; 1 refused, or the configuration is wrong; 2 wrong use of the command line; 4 the doctor
found something failing.
"""

from __future__ import annotations

import asyncio
import json
import secrets as randomness
import sys
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Final, NoReturn

import typer
from rich.console import Console

from ringfence.cli import config_report, sealed_accounts, snippet_files
from ringfence.cli.doctor.registry import examine_links
from ringfence.cli.doctor.report import exit_status, findings_json, show_findings
from ringfence.cli.first_configuration import Answers, render
from ringfence.cli.new_files import NewFile, WriteFault, existing, replace_all, write_all
from ringfence.config import DEFAULT_PATH, ConfigError, Secrets, load, load_secrets, parse
from ringfence.config.reading import SECRETS
from ringfence.config.reference import reference_page
from ringfence.config.snippets import ALL_SNIPPETS, INCLUDES, generated_snippets, shipped_snippets

SECRET_BYTES: Final = 32

ConfigPath = Annotated[Path, typer.Option("--config", help="the configuration file", envvar="RINGFENCE_CONFIG")]
AsJson = Annotated[bool, typer.Option("--json", help="print JSON instead of words")]

_QUESTIONS: Final = {
    "--platform": "Primary platform, host:port of its SIP",
    "--trunk-source": "Addresses the carrier's calls come from, comma between",
    "--egress": "Trunk diverted calls go out by, host:port",
}


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this module."""
    app.command("init")(init)
    app.command("snippets")(snippets)
    app.command("check-config")(check_config)
    app.command("settings")(settings)
    app.command("doctor")(doctor)


def init(
    platform: Annotated[str, typer.Option(help="primary platform, host:port of its SIP")] = "",
    trunk_source: Annotated[
        list[str] | None, typer.Option(help="address or network the carrier's calls come from; may be repeated")
    ] = None,
    egress: Annotated[str, typer.Option(help="trunk diverted calls go out by, host:port")] = "",
    platform_name: Annotated[str, typer.Option(help="its name, the scope that fails over as one")] = "platform",
    trunk_name: Annotated[str, typer.Option(help="name of the inbound trunk")] = "carrier",
    egress_name: Annotated[str, typer.Option(help="name of the egress trunk")] = "egress",
    profile: Annotated[str, typer.Option(help="how the platform is reached: lan or wan")] = "lan",
    fallback_number: Annotated[
        str, typer.Option(help="E.164; where a DID that is not in the directory goes in DR mode")
    ] = "",
    control: Annotated[
        list[str] | None, typer.Option(help="NAME=HOST:PORT, something known good; may be repeated")
    ] = None,
    node: Annotated[str, typer.Option(help="this node's name")] = "ringfence",
    country: Annotated[str, typer.Option(help="your country, two letters")] = "GB",
    ari_port: Annotated[int, typer.Option(help="port of Asterisk's HTTP server")] = 8088,
    ami_port: Annotated[int, typer.Option(help="port of Asterisk's manager interface")] = 5038,
    state_dir: Annotated[Path, typer.Option(help="database, spool and node identity")] = Path("/var/lib/ringfence"),
    asterisk_conf_dir: Annotated[
        Path, typer.Option(help="where Asterisk's snippets go; called `ringfence`, below Asterisk's own folder")
    ] = Path("/etc/asterisk/ringfence"),
    config: ConfigPath = DEFAULT_PATH,
) -> None:
    """Write a first configuration, fresh secrets and Asterisk's snippets. Never overwrites anything."""
    # Before the questions: nobody should answer them in vain.
    sealed = sealed_accounts.place_beside(config)
    _refuse_existing([config, *_secret_paths(config), sealed, *(asterisk_conf_dir / name for name in ALL_SNIPPETS)])
    given = {"--platform": platform, "--trunk-source": ",".join(trunk_source or ()), "--egress": egress}
    told = _ask_for_missing(given)
    answers = Answers(
        platform=told["--platform"],
        trunk_sources=tuple(source.strip() for source in told["--trunk-source"].split(",")),
        egress=told["--egress"],
        platform_name=platform_name,
        trunk_name=trunk_name,
        egress_name=egress_name,
        profile=profile,
        node=node,
        country=country,
        fallback_number=fallback_number or None,
        controls=_controls(control or []),
        ari_port=ari_port,
        ami_port=ami_port,
        state_dir=state_dir,
        asterisk_conf_dir=asterisk_conf_dir,
    )
    accounts = sealed_accounts.first_accounts(config)
    files = [*_first_files(answers, config), accounts.file]
    try:
        write_all(files)
    except WriteFault as fault:
        _fail([str(fault)])
    _tell_next_steps(files, asterisk_conf_dir, config)
    _tell_passwords(accounts.passwords, config)


def snippets(
    config: ConfigPath = DEFAULT_PATH,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="only show what would change")] = False,
    shipped: Annotated[
        bool, typer.Option("--shipped", help="also renew the files that are the same on every site, after an upgrade")
    ] = False,
) -> None:
    """Renew Asterisk's generated snippets after a change of the configuration, and show the difference."""
    try:
        current = load(config)
        texts = generated_snippets(current, load_secrets(config))
    except ConfigError as error:
        _fail(error.faults)
    if shipped:
        texts |= shipped_snippets()
    try:
        changed = snippet_files.changes(current.asterisk_conf_dir, texts)
        for change in changed:
            typer.echo(change.diff)
        if changed and not dry_run:
            new = {change.path.name: change.new for change in changed}
            replace_all(snippet_files.files_of(current.asterisk_conf_dir, new))
    except (OSError, WriteFault) as error:
        _fail([str(error)])
    if not changed:
        typer.echo("Nothing to change.")
        return
    typer.echo("Nothing was written (--dry-run)." if dry_run else "Written. Now make Asterisk read it:")
    for command in () if dry_run else snippet_files.reloads_for(changed):
        typer.echo(f"  asterisk -rx '{command}'")


def check_config(config: ConfigPath = DEFAULT_PATH, as_json: AsJson = False) -> None:
    """Name every fault of the configuration at once, and how fast each target is detected at worst."""
    found = config_report.examine(config)
    if as_json:
        typer.echo(json.dumps(config_report.as_json(found), indent=2))
    else:
        config_report.show(found, Console(emoji=False))
    if found.errors:
        raise typer.Exit(1)


def settings() -> None:
    """Print the reference of all settings (docs/reference/settings.md)."""
    typer.echo(reference_page(), nl=False)


def doctor(config: ConfigPath = DEFAULT_PATH, as_json: AsJson = False) -> None:
    """Walk every link between Ringfence and Asterisk, and say for each failure what to do."""
    findings = asyncio.run(examine_links(config))
    if as_json:
        typer.echo(json.dumps(findings_json(findings), indent=2))
    else:
        show_findings(findings, Console(emoji=False))
    if status := exit_status(findings):
        raise typer.Exit(status)


def _ask_for_missing(given: dict[str, str]) -> dict[str, str]:
    """Questions only when a person is there to answer; else one error that lists every missing option."""
    missing = [option for option, value in given.items() if not value]
    if missing and not sys.stdin.isatty():
        lines = [f"  {option}: {_QUESTIONS[option]}" for option in missing]
        _fail(["These options are missing:", *lines, "Nothing was written."], status=2)
    return {option: value or typer.prompt(_QUESTIONS[option]).strip() for option, value in given.items()}


def _controls(given: list[str]) -> tuple[tuple[str, str], ...]:
    pairs = [entry.partition("=") for entry in given]
    if bad := [entry for entry, (name, mark, address) in zip(given, pairs, strict=True) if not (name and address)]:
        _fail([f"--control {bad[0]}: write NAME=HOST:PORT."], status=2)
    return tuple((name, address) for name, _, address in pairs)


def _secret_paths(config: Path) -> list[Path]:
    return [config.parent / name for name in SECRETS]


def _refuse_existing(paths: Sequence[Path]) -> None:
    if found := existing(paths):
        _fail(
            [
                "These files are there already; nothing was written:",
                *(f"  {path}" for path in found),
                "Move them away, or keep them and renew Asterisk's part with `ringfence snippets`.",
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
        _fail([*error.faults, "Nothing was written."])
    return [
        NewFile(config, text),
        *(NewFile(path, secret + "\n", secret=True) for path, secret in fresh.items()),
        *snippet_files.files_of(answers.asterisk_conf_dir, texts),
    ]


def _tell_next_steps(files: Sequence[NewFile], conf_dir: Path, config: Path) -> None:
    option = "" if config == DEFAULT_PATH else f" --config {config}"
    typer.echo("Written:")
    for file in files:
        typer.echo(f"  {file.path}{' (secret)' if file.secret else ''}")
    typer.echo("\nAdd to Asterisk's files:")
    for include in INCLUDES:
        section = f", under {include.section} (only if Asterisk's HTTP server is not set up)" if include.section else ""
        typer.echo(f"  {conf_dir.parent / include.asterisk_file}{section}:\n    {include.line}")
    typer.echo(
        "\nThen:\n"
        f"  1. ringfence check-config{option}\n"
        "  2. asterisk -rx 'core reload'\n"
        f"  3. ringfence{option} voice build, for what callers are told (it needs espeak-ng)\n"
        f"  4. ringfence doctor{option}\n"
        "  5. ringfence import, then ringfence run\n"
        f"The HTTP API's token is in {config.parent / 'http_token'}."
    )


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
    for line in lines:
        typer.echo(line)


def _fail(lines: Sequence[str], status: int = 1) -> NoReturn:
    for line in lines:
        typer.echo(line, err=True)
    raise typer.Exit(status)
