"""Where somebody goes after signing in: a page of ours, or the start. Pure."""

from __future__ import annotations

from typing import Final

START: Final = "/"
MAX_CHARACTERS: Final = 512
# They would lead in a circle, or are for programs.
_NOT_AFTER_SIGN_IN: Final = ("/sign-in", "/sign-out", "/oidc", "/v1", "/scim", "/static")


def next_page(asked: str) -> str:
    """`asked` if it is a path of this service, with its query; else the start. Nobody is sent to another host by it,
    whichever way a browser reads it."""
    if not asked.startswith("/") or len(asked) > MAX_CHARACTERS:
        return START
    # Browsers take a backslash for a slash, and drop tabs and line ends: two slashes would begin a host.
    if "\\" in asked or "#" in asked or any(not "!" <= character <= "~" for character in asked):
        return START
    path = asked.partition("?")[0]
    if "//" in path or any(path == place or path.startswith(f"{place}/") for place in _NOT_AFTER_SIGN_IN):
        return START
    return asked
