"""Prints what the SCIM service does in a second: `python -m tests.integration.measure_scim 1000`. Never asserted.

Over HTTP on a loopback port, on a database file, every create durable; the roster behind it takes no time here.
"""

from __future__ import annotations

import asyncio
import gc
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import aiohttp

from ringfence.daemon import SWITCH_SECONDS
from tests.integration.scim_site import ENTERPRISE, SCIM_TOKEN, USER, scim_site

BULK = "urn:ietf:params:scim:api:messages:2.0:BulkRequest"


@contextmanager
def rate_of(what: str, count: int) -> Iterator[None]:
    began = time.perf_counter()
    yield
    seconds = time.perf_counter() - began
    print(f"{what:<44}{count:6} in {seconds:6.2f} s = {count / seconds:7.1f} a second")


def starter(n: int) -> dict[str, Any]:
    """A user as Entra ID sends one."""
    return {
        "schemas": [USER, ENTERPRISE],
        "externalId": f"E{n}",
        "userName": f"person{n}@example.org",
        "active": True,
        "displayName": f"Person {n}",
        "name": {"givenName": "Person", "familyName": str(n)},
        "emails": [{"primary": True, "type": "work", "value": f"person{n}@example.org"}],
        "phoneNumbers": [{"type": "mobile", "value": f"+4477009{n % 100_000:05}"}],
        ENTERPRISE: {"department": "Housing"},
    }


async def measure(url: str, count: int) -> None:
    """The identity provider's side: a process of its own, one connection, one request after the other."""
    headers = {"Authorization": f"Bearer {SCIM_TOKEN}", "Content-Type": "application/scim+json"}
    async with aiohttp.ClientSession(headers=headers, connector=aiohttp.TCPConnector(limit=1)) as session:

        async def ask(method: str, place: str, body: object = None, **query: str) -> Any:
            async with session.request(method, url + place, json=body, params=query) as answer:
                assert answer.status in (200, 201), await answer.text()
                return await answer.json(content_type=None)

        await ask("GET", "/ServiceProviderConfig")  # the first request loads the library
        with rate_of("creates, one after the other", count):
            for n in range(count):
                await ask("POST", "/Users", starter(n))
        made = [
            {"method": "POST", "path": "/Users", "bulkId": str(n), "data": starter(count + n)} for n in range(count)
        ]
        with rate_of("creates by bulk, 100 in each", count):
            for first in range(0, count, 100):
                done = await ask("POST", "/Bulk", {"schemas": [BULK], "Operations": made[first : first + 100]})
                assert {one["status"] for one in done["Operations"]} == {"201"}, done
        with rate_of("look-ups by userName", count):
            for n in range(count):
                await ask("GET", "/Users", filter=f'userName eq "person{n}@example.org"')
        with rate_of("filters over all of them", 2):
            for _ in range(2):
                await ask("GET", "/Users", filter='title eq "none"')
        with rate_of("pages of 100", 5):
            for _ in range(5):
                await ask("GET", "/Users", startIndex="1", count="100")


async def main(count: int) -> None:
    sys.setswitchinterval(SWITCH_SECONDS)  # this, and to freeze: as the daemon does
    with tempfile.TemporaryDirectory() as folder:
        async with scim_site(Path(folder) / "ringfence.db") as site:
            gc.freeze()
            command = (sys.executable, "-m", "tests.integration.measure_scim", str(count), site.url)
            client = await asyncio.create_subprocess_exec(*command)
            late = 0.0
            while client.returncode is None:
                began = time.perf_counter()
                await asyncio.sleep(0.005)
                late = max(late, time.perf_counter() - began - 0.005)
            print(f"the daemon's event loop was late by at most {late * 1000:.0f} ms")
            with rate_of("all of them as one batch", 1):
                batch = await site.door.keeper.everything()
            told = len(site.roster.batches)
            print(f"{len(batch.records)} records, {len(batch.rejected)} problems; the roster was told {told} times")


if __name__ == "__main__":
    arguments = sys.argv[1:] or ["1000"]
    asyncio.run(measure(arguments[1], int(arguments[0])) if arguments[1:] else main(int(arguments[0])))
