"""Whose request it is: on the local socket the kernel says it, elsewhere the address as a whole network counts."""

from __future__ import annotations

import asyncio
import json
import os
import socket
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from starlette.datastructures import Headers

from ringfence.domain.access import Caller, SignedInBy
from ringfence.domain.networks import counted_as
from ringfence.web.app import create_app
from ringfence.web.callers import whose
from ringfence.web.peer import LOCAL, account_in, client_of
from ringfence.web.security import LocalSocket
from ringfence.web.server import Door, listen_unix
from tests.fakes.node import SCOPE, FakeNode

NOBODY = 65534


def named(stated: str, uid: int) -> str:
    headers = Headers({"X-Ringfence-Who": stated} if stated else {})
    found = LocalSocket().caller(headers, account_in({"type": "http", "client": (LOCAL, uid)}))
    assert isinstance(found, Caller) and found.by is SignedInBy.SOCKET
    return found.name


@pytest.mark.parametrize(
    ("stated", "uid", "name"),
    [
        ("ada", 0, "ada"),  # behind sudo
        ("", 0, "local socket"),
        ("nobody", NOBODY, "nobody"),
        ("", NOBODY, "nobody"),
        ("ada", NOBODY, "ada (account nobody)"),
        ("root", NOBODY, "root (account nobody)"),
        ("ringfence", NOBODY, "ringfence (account nobody)"),
        ("ada", 4_000_000, "ada (account uid 4000000)"),
    ],
)
def test_nobody_on_the_socket_passes_for_somebody_else(stated: str, uid: int, name: str) -> None:
    assert named(stated, uid) == name


def test_the_kernel_tells_who_connected() -> None:
    ours, other = socket.socketpair()
    with ours, other, socket.socket() as tcp:
        assert client_of(ours) == (LOCAL, os.getuid())
        assert client_of(tcp) is None


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can connect as somebody else")
async def test_another_account_is_named_in_what_it_orders() -> None:
    node, body = FakeNode(), json.dumps({"mode": "dr", "scope": SCOPE, "reason": "drill"})
    async with node.running():
        with TemporaryDirectory(prefix="ringfence-peer-") as folder:
            Path(folder).chmod(0o755)
            listener = listen_unix(Path(folder) / "control.sock")
            task = asyncio.create_task(Door(create_app(node.services, LocalSocket()), listener).run())
            reader, writer = await asyncio.open_unix_connection(sock=connected_as(NOBODY, Path(listener.place[5:])))
            writer.write(
                f"PUT /v1/override HTTP/1.1\r\nHost: localhost\r\nX-Ringfence-Who: ada\r\nConnection: close\r\n"
                f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n{body}".encode()
            )
            said = await reader.read()
            writer.close()
            task.cancel()
            await asyncio.wait([task])
    assert b'"who":"ada (account nobody)"' in said


def connected_as(uid: int, path: Path) -> socket.socket:
    path.chmod(0o666)
    sock = socket.socket(socket.AF_UNIX)
    os.seteuid(uid)
    try:
        sock.connect(str(path))
    finally:
        os.seteuid(0)
    return sock


@pytest.mark.parametrize(
    ("address", "counted"),
    [
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8:1:2:3:4:5:6", "2001:db8:1:2::/64"),
        ("", ""),
        ("local socket", "local socket"),
    ],
)
def test_of_ipv6_the_network_counts(address: str, counted: str) -> None:
    assert counted_as(address) == counted
    assert whose(None, {"type": "http", "client": (address, 1)}) == f"address {counted}"
