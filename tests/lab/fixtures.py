"""Pytest fixtures over the lab: an installation per session, everything else per test.

A private Asterisk boots in a third of a second, so a test that wants its own configuration takes
a fresh one from `make_asterisk` rather than reconfiguring one that others share.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
import pytest_asyncio
from playwright.async_api import Browser

from tests.lab.asterisk import AsteriskInstance
from tests.lab.browser import chromium
from tests.lab.far_end import MobileNetwork, Platform
from tests.lab.installation import Installation
from tests.lab.lab import Lab
from tests.lab.ports import Ports
from tests.lab.provision import provision

AsteriskFactory = Callable[[str], AsteriskInstance]


@pytest.fixture(scope="session")
def installation() -> Installation:
    """Found or built once per session; the first build ever takes half a minute."""
    return asyncio.run(provision())


@pytest.fixture
def ports() -> Iterator[Ports]:
    pool = Ports()
    yield pool
    pool.close()


@pytest_asyncio.fixture
async def make_asterisk(installation: Installation, ports: Ports) -> AsyncIterator[AsteriskFactory]:
    """Makes instances that are not started yet: write into `.etc`, then `await start()`."""
    instances: list[AsteriskInstance] = []

    def make(name: str = "asterisk") -> AsteriskInstance:
        instance = AsteriskInstance(installation.asterisk, ports, name=name)
        instances.append(instance)
        return instance

    yield make
    for instance in instances:
        await instance.close()


@pytest_asyncio.fixture
async def asterisk(make_asterisk: AsteriskFactory) -> AsteriskInstance:
    """A started Asterisk with an empty dialplan."""
    instance = make_asterisk("asterisk")
    await instance.start()
    return instance


@pytest_asyncio.fixture
async def platform(ports: Ports) -> AsyncIterator[Platform]:
    """A healthy primary platform."""
    far_end = Platform(ports)
    await far_end.start()
    yield far_end
    await far_end.close()


@pytest_asyncio.fixture
async def mobile_network(ports: Ports) -> AsyncIterator[MobileNetwork]:
    """A mobile network in which every number answers."""
    far_end = MobileNetwork(ports)
    await far_end.start()
    yield far_end
    await far_end.close()


@pytest_asyncio.fixture
async def lab(installation: Installation) -> AsyncIterator[Lab]:
    """Everything at once; its Asterisk is not started, for it has no configuration yet."""
    async with Lab(installation) as whole:
        yield whole


@pytest_asyncio.fixture(scope="session", loop_scope="session")
async def browser() -> AsyncIterator[Browser]:
    """One Chromium for all tests; each visitor gets a context of their own from `browser.visitor`."""
    async with chromium() as started:
        yield started
