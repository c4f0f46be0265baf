"""Which version of the program this is."""

from __future__ import annotations

from functools import cache
from importlib.metadata import PackageNotFoundError, version


@cache
def program_version() -> str:
    """As it is installed; `unknown` in a checkout that nobody installed."""
    try:
        return version("ringfence")
    except PackageNotFoundError:
        return "unknown"
