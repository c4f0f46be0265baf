"""Reads the TOML file and the secrets; every fault is found and named at once."""

from __future__ import annotations

import os
import tomllib
from pathlib import Path
from typing import Any

from pydantic import BaseModel, ConfigDict, SecretStr, ValidationError

from ringfence.config.database_settings import PASSWORD_SECRET, on_server
from ringfence.config.faults import fault_lines
from ringfence.config.notify_settings import secret_name as notify_secret_name
from ringfence.config.settings import Settings
from ringfence.config.sign_in_settings import secret_name

DEFAULT_PATH = Path("/etc/ringfence/ringfence.toml")
ENVIRONMENT_PREFIX = "RINGFENCE_"
CREDENTIALS = "CREDENTIALS_DIRECTORY"  # what systemd hands a service by LoadCredential= lies there
SECRETS = ("ari_secret", "ami_secret", "http_token")
SEALED_ACCOUNTS = "break_glass"  # hashes of the passwords of the accounts for emergencies


class Secrets(BaseModel):
    """What is never in the TOML file: from RINGFENCE_ARI_SECRET or the file RINGFENCE_ARI_SECRET_FILE, and so on;
    else from the credential of that name (`ari_secret`) that systemd hands the service; else from the file of that name
    beside the configuration, as `ringfence init` writes it."""

    model_config = ConfigDict(frozen=True)

    ari_secret: SecretStr
    ami_secret: SecretStr
    http_token: SecretStr
    database_password: SecretStr = SecretStr("")
    """Empty where the database asks for none (`load_database_password`)."""
    notify: dict[str, SecretStr] = {}
    """Name of a [[notify]] -> its key, password or addresses; left out where it has none."""


class ConfigError(Exception):
    """Everything that is wrong, at once. `faults` are lines for people: place, what is wrong, the fix."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def load(path: Path) -> Settings:
    """Reads and checks the file. Raises ConfigError with every fault found."""
    try:
        content = path.read_bytes()
    except FileNotFoundError:
        raise ConfigError([f"{path}: there is no such file. Write one with `ringfence init`."]) from None
    except PermissionError:
        raise ConfigError([f"{path}: may not be read. Run as root or as the service's own account."]) from None
    return read(content, str(path))


def read(content: bytes, place: str) -> Settings:
    """Reads and checks a file's content. Raises ConfigError with every fault found."""
    try:
        text = content.decode()
        raw = tomllib.loads(text)
    except UnicodeDecodeError as error:
        raise ConfigError([f"{place}: byte {error.start} is not UTF-8. Save the file as UTF-8."]) from None
    except ValueError as error:  # TOMLDecodeError, and a number of thousands of digits
        raise ConfigError([f"{place}: not TOML: {error}."]) from None
    except RecursionError:
        raise ConfigError([f"{place}: not TOML: nested too deeply."]) from None
    return parse(raw, place, text)


def parse(raw: dict[str, Any], place: str = "configuration", text: str = "") -> Settings:
    """Checks parsed TOML. Raises ConfigError with every fault found."""
    try:
        return Settings.model_validate(raw)
    except ValidationError as error:
        raise ConfigError(fault_lines(error, raw, place, text)) from None


def load_secrets(path: Path) -> Secrets:
    """The secrets that belong to the configuration at `path`. Raises ConfigError naming each one that is missing."""
    found: dict[str, str] = {}
    faults: list[str] = []
    for name in SECRETS:
        try:
            value = _secret(path, name)
        except ConfigError as error:
            faults += error.faults
            continue
        if value:
            found[name] = value
        else:
            variable, source = _places(path, name)
            faults.append(f"{name}: not set. Give {variable}, or write it to {source} (readable by the service alone).")
    if faults:
        raise ConfigError(faults)
    return Secrets.model_validate(found)


def load_database_password(path: Path, database: str) -> str:
    """The role's password where this database is on a server; empty where there is none, for a server that knows us by
    our account or a certificate. Raises ConfigError when it cannot be used."""
    return _secret(path, PASSWORD_SECRET) if on_server(database) else ""


def load_client_secrets(path: Path, settings: Settings) -> dict[str, SecretStr]:
    """Name of a [[sign_in]] provider -> our secret there. One that has none is left out: there we are a public client.
    Raises ConfigError naming each one that cannot be used."""
    found: dict[str, SecretStr] = {}
    faults: list[str] = []
    for provider in settings.sign_in:
        try:
            value = _secret(path, secret_name(provider))
        except ConfigError as error:
            faults += error.faults
            continue
        if value:
            found[provider.name] = SecretStr(value)
    if faults:
        raise ConfigError(faults)
    return found


def load_notify_secrets(path: Path, settings: Settings) -> dict[str, SecretStr]:
    """What the channels of [[notify]] need, of those that have something. Never raises: a channel without what it needs
    stays closed and says so, and failover must not wait for it."""
    found: dict[str, SecretStr] = {}
    for route in settings.notify:
        variable, source = _places(path, notify_secret_name(route))
        try:
            value = os.environ.get(variable) or _content(source)
        except PermissionError:
            continue
        if value:
            found[route.name] = SecretStr(value)
    return found


def secret_places(path: Path, settings: Settings) -> dict[str, Path]:
    """Name -> file of every secret that belongs to the configuration at `path`, whether it is there or not. Those in
    variables are nowhere; files that the configuration names (certificates, keys of feeds) are not among them."""
    names = [*SECRETS, PASSWORD_SECRET, SEALED_ACCOUNTS]
    names += [secret_name(provider) for provider in settings.sign_in]
    names += [notify_secret_name(route) for route in settings.notify]
    return {name: _places(path, name)[1] for name in names}


def _secret(path: Path, name: str) -> str:
    """Empty when it is nowhere. Raises ConfigError."""
    variable, source = _places(path, name)
    try:
        value = os.environ.get(variable) or _content(source)
    except PermissionError:
        raise ConfigError([f"{name}: {source} may not be read. Run as root or as the service's own account."]) from None
    if any(ord(character) < 33 or ord(character) > 126 for character in value):
        raise ConfigError([f"{name}: holds a space, a control or a non-ASCII character. Choose another secret."])
    return value


def _places(path: Path, name: str) -> tuple[str, Path]:
    """The variable, and the file that is read where that is not set."""
    variable = ENVIRONMENT_PREFIX + name.upper()
    if chosen := os.environ.get(f"{variable}_FILE"):
        return variable, Path(chosen)
    credential = Path(os.environ.get(CREDENTIALS, ""), name)
    if credential.is_absolute() and os.access(credential, os.R_OK):
        return variable, credential
    return variable, path.parent / name


def _content(path: Path) -> str:
    """Empty when there is no such file. Raises PermissionError."""
    try:
        return path.read_text().strip()
    except PermissionError:
        raise
    except (OSError, UnicodeDecodeError):
        return ""
