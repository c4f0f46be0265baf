"""Our storage by the rules the SCIM library has for storages, on a real database file."""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Iterator
from itertools import count
from pathlib import Path
from typing import Any

import pytest
from scim2_models import ScimProvider
from scim2_server.storage import AsyncScimStorage
from scim2_server.testing import AsyncScimStorageContract

from ringfence.hr.scim.application import make_provider
from ringfence.hr.scim.keeper import ScimKeeper
from ringfence.hr.scim.records import RecordReader
from ringfence.hr.scim.storage import KeptStorage
from ringfence.store.database import Database
from ringfence.store.scim_store import SqlScimStore
from tests.fakes.clock import FakeClock
from tests.integration.scim_site import FakeRoster, scim_settings

LIBRARY_CASES = 44
"""As of scim2-server 0.8. More are welcome; fewer are to be looked at."""

_sources = count(1)


@pytest.fixture(scope="module")
def main_loop() -> Iterator[asyncio.AbstractEventLoop]:
    """The daemon's event loop: the library works in a thread of its own."""
    loop = asyncio.new_event_loop()
    thread = threading.Thread(target=loop.run_forever)
    thread.start()
    yield loop
    loop.call_soon_threadsafe(loop.stop)
    thread.join()
    loop.close()


@pytest.fixture(scope="module")
def database(main_loop: asyncio.AbstractEventLoop, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Database]:
    file: Path = tmp_path_factory.mktemp("scim") / "ringfence.db"
    opened = asyncio.run_coroutine_threadsafe(Database.open(file), main_loop).result(30)
    yield opened
    asyncio.run_coroutine_threadsafe(opened.close(), main_loop).result(30)


@pytest.fixture(scope="module")
def one_provider() -> ScimProvider:
    """Building its models takes longer than a test."""
    return make_provider()


class TestKeptStorage(AsyncScimStorageContract):
    @pytest.fixture
    def provider(self, one_provider: ScimProvider) -> ScimProvider:
        return one_provider

    @pytest.fixture
    def async_storage(
        self, provider: ScimProvider, database: Database, main_loop: asyncio.AbstractEventLoop
    ) -> AsyncScimStorage:
        def on_main(work: Any) -> Any:
            return asyncio.wrap_future(asyncio.run_coroutine_threadsafe(work, main_loop))

        # Sources see nothing of each other, so each test has an empty store in the one file.
        store = SqlScimStore(database, f"source_{next(_sources)}")
        keeper = ScimKeeper(store, FakeRoster().take, RecordReader(scim_settings(), "GB"))
        return KeptStorage(keeper, provider, on_main, FakeClock())


def test_the_librarys_cases_are_collected(request: pytest.FixtureRequest) -> None:
    """They are inherited: if the library renamed or emptied them, nothing else here would fail."""
    module = request.node.getparent(pytest.Module)
    again = pytest.Class.from_parent(module, name=TestKeptStorage.__name__)
    cases = {item.originalname for item in again.collect() if isinstance(item, pytest.Function)}
    assert cases >= {
        "test_create_with_a_taken_unique_value",
        "test_search_pages_the_results",
        "test_delete_removes_the_resource",
        "test_get_returns_the_stored_resource",
        "test_search_filters_as_the_filter_evaluator",
        "test_update_with_an_outdated_version",
    }
    assert len(cases) >= LIBRARY_CASES
