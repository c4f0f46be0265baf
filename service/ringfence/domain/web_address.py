"""Addresses of servers that the configuration names: what they must be for anything to be sent there."""

from __future__ import annotations

from yarl import URL

from ringfence.domain.loopback import is_loopback


def why_not_address(text: str, what: str) -> str | None:
    """Why a text cannot be one; None when it can. https, or http to this machine itself; no user, password or fragment:
    addresses are shown and logged. `what` would cross the network in clear by http, as `the token`."""
    try:
        url = URL(text)
        host = url.host
    except ValueError:
        return "is no address; write https://host/path"
    if url.scheme not in ("https", "http") or not host:
        return "is no address; write https://host/path"
    if url.user or url.password or url.fragment:
        return "holds a user, a password or a fragment; leave it out, addresses are shown and logged"
    if url.scheme == "http" and not is_loopback(host):
        return f"{what} would cross the network in clear; write https://"
    return None
