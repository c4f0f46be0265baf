"""One TOML file, secrets by environment or file."""

from ringfence.config.reading import (
    DEFAULT_PATH,
    ConfigError,
    Secrets,
    load,
    load_client_secrets,
    load_database_password,
    load_notify_secrets,
    load_secrets,
    parse,
)
from ringfence.config.settings import Settings

__all__ = [
    "DEFAULT_PATH",
    "ConfigError",
    "Secrets",
    "Settings",
    "load",
    "load_client_secrets",
    "load_database_password",
    "load_notify_secrets",
    "load_secrets",
    "parse",
]
