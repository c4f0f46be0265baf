"""What `ringfence check-config` found, as words, as a table and as JSON. Reads files; asks nobody else."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.table import Table

from ringfence.bootstrap.clock import SystemClock
from ringfence.config import ConfigError, Secrets, Settings, load, load_client_secrets, load_secrets
from ringfence.config.advice import warnings
from ringfence.config.detection import TargetDetection, detections
from ringfence.config.reading import SECRETS
from ringfence.config.snippets import generated_snippets
from ringfence.web.tls import CertificateFault, ServerCertificate

# Asterisk's own alphabet for a secret; only for the check of everything else when no secret can be read.
_PLACEHOLDER = "not-a-secret"
SHADOW: Final = (
    "shadow = true: everything is decided and shown, and nothing is done to calls; in an outage none is diverted. "
    "`ringfence shadow report` says what would have been; take the line out to go live."
)


@dataclass(frozen=True, slots=True)
class Examination:
    """Everything that can be said of one configuration without asking anybody."""

    path: Path
    errors: tuple[str, ...]
    warnings: tuple[str, ...] = ()
    targets: tuple[TargetDetection, ...] = ()
    notes: tuple[str, ...] = ()
    """What was meant so, and must not be forgotten."""


def examine(path: Path) -> Examination:
    """All errors at once: of the file, of the secrets, and of what Asterisk's files would not take."""
    errors: list[str] = []
    settings: Settings | None = None
    secrets: Secrets | None = None
    try:
        settings = load(path)
    except ConfigError as error:
        errors += error.faults
    try:
        secrets = load_secrets(path)
    except ConfigError as error:
        errors += error.faults
    if settings is None:
        return Examination(path, tuple(errors))
    try:
        generated_snippets(settings, secrets or _no_secrets())
    except ConfigError as error:
        errors += error.faults
    expiring = []
    try:
        load_client_secrets(path, settings)
        expiring = [words for words in [certificate_warning(settings)] if words]
    except ConfigError as error:
        errors += error.faults
    except CertificateFault as fault:
        errors.append(str(fault))
    advice = (*warnings(settings), *expiring)
    return Examination(path, tuple(errors), advice, detections(settings), (SHADOW,) if settings.shadow else ())


def certificate_warning(settings: Settings) -> str:
    """What is to be said of the HTTP door's certificate; empty: nothing. Raises CertificateFault."""
    http = settings.http
    if http.certificate is None or http.private_key is None:
        return ""
    certificate = ServerCertificate(http.certificate, http.private_key, SystemClock())
    certificate.load()
    return certificate.warning


def as_json(found: Examination) -> dict[str, object]:
    """The same for programs; the names are part of the CLI's reference."""
    return {
        "config": str(found.path),
        "errors": list(found.errors),
        "warnings": list(found.warnings),
        "notes": list(found.notes),
        "targets": [_target_json(target) for target in found.targets],
    }


def show(found: Examination, console: Console) -> None:
    """Errors first, then warnings and notes, then how fast each target is detected."""
    for error in found.errors:
        console.print(f"[red]error[/]    {_plain(error)}", soft_wrap=True)
    for warning in found.warnings:
        console.print(f"[yellow]warning[/]  {_plain(warning)}", soft_wrap=True)
    for note in found.notes:
        console.print(f"[cyan]note[/]     {_plain(note)}", soft_wrap=True)
    if found.targets:
        console.print(_table(found.targets))
        console.print("How each worst case comes about (explained in docs/reference/settings.md):")
        for target in found.targets:
            console.print(f"  {target.target}: {_plain(target.formula)}", soft_wrap=True)
            if target.refusing:
                console.print(f"  {target.target}, answering but refusing: {_plain(target.refusing)}", soft_wrap=True)
    count = len(found.errors)
    if count:
        console.print(f"{found.path}: {count} error{'s' if count > 1 else ''}.", soft_wrap=True)
    else:
        console.print(f"{found.path}: can be used.", soft_wrap=True)


def _table(targets: tuple[TargetDetection, ...]) -> Table:
    table = Table("target", "address", "profile", "asked how", "worst case")
    for target in targets:
        worst = target.worst_case_seconds
        table.add_row(
            str(target.target),
            target.host_port,
            target.profile,
            "\n".join(f"{probe.kind}: {_plain(probe.cadence)}" for probe in target.probes) or "not at all",
            f"{worst:.2f} s" if worst is not None else "cannot be said",
        )
    return table


def _target_json(target: TargetDetection) -> dict[str, object]:
    return {
        "target": str(target.target),
        "host_port": target.host_port,
        "profile": target.profile,
        "probes": [
            {
                "kind": str(probe.kind),
                "cadence": probe.cadence,
                "worst_case_seconds": probe.worst_case_seconds,
                "formula": probe.formula,
            }
            for probe in target.probes
        ],
        "worst_case_seconds": target.worst_case_seconds,
        "formula": target.formula,
        "refusing": target.refusing,
    }


def _plain(text: str) -> str:
    """`platform[1]` is no markup."""
    return text.replace("[", "\\[")


def _no_secrets() -> Secrets:
    return Secrets.model_validate(dict.fromkeys(SECRETS, _PLACEHOLDER))
