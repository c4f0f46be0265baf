"""Whose process is at the other end of the local socket: the kernel says it, so nobody there passes for another."""

from __future__ import annotations

import os
import socket
import struct
from pathlib import Path
from typing import Final

from starlette.types import Scope

LOCAL: Final = "local socket"
"""Stands in `client` in the place of an address; the port's place holds the account's number."""
ROOT: Final = 0

_CREDENTIALS: Final = struct.Struct("3i")  # process, account, group
_ACCOUNTS: Final = Path("/etc/passwd")


def client_of(sock: socket.socket) -> tuple[str, int] | None:
    """What `client` of a request is that comes by this connection; None: it is none of a local socket."""
    if sock.family != socket.AF_UNIX:
        return None
    _, uid, _ = _CREDENTIALS.unpack(sock.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, _CREDENTIALS.size))
    return LOCAL, uid


def account_in(scope: Scope) -> str | None:
    """The account at the other end. None: it is root's or the daemon's own, which speak for whoever ran `sudo`, and
    could write anything into the record; or there is none to tell."""
    client = scope.get("client")
    if client is None or client[0] != LOCAL or client[1] in (ROOT, os.geteuid()):
        return None
    return _name_of(client[1])


def _name_of(uid: int) -> str:
    """From the file, and by no name service: that may be what is down, and would hold up everything."""
    try:
        lines = _ACCOUNTS.read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        lines = []
    found = (fields[0] for line in lines if len(fields := line.split(":")) > 2 and fields[2] == str(uid))
    return next(found, f"uid {uid}")
