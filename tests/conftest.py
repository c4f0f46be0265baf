"""Shared fixtures. They live with the lab, because the lab is what they start."""

import gc
import os
from collections import Counter
from collections.abc import Iterator

import pytest
from hypothesis import HealthCheck, settings

from tests.lab import waiting

pytest_plugins = ["tests.lab.fixtures", "tests.lab.private_watch"]

# How long an example takes says how busy the machine is: other tests run beside it.
settings.register_profile("shared machine", settings(), deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared machine")
waiting.patience = 3.0

# Python's collector, when it looks at everything that the 6,000 tests were made of, takes a second, in which nothing
# else in the process runs: a telephone of the lab, say, that should answer. So it never looks at that (collecting takes
# two thirds of the time), and at what came later between two tests, where nobody waits.
gc.disable()
LOOKS = 10
"""At new objects, each for some 7,000 that stayed: then what is new is looked at, between two tests, and left alone."""
LOOKS_WITHIN_A_TEST = 100
FREEZES = 50
"""Nodes leave what they load alone, too, as it stays as long as they do: here, until the test ends. After so many times
all of it is looked at. They are counted: to count the objects takes 0.3 s, after each test."""
_freeze = gc.freeze
_freezes = [0]


@pytest.hookimpl(tryfirst=True)
def pytest_runtestloop() -> None:
    gc.collect()
    _freeze()
    gc.freeze = _counted_freeze
    young, middle, _ = gc.get_threshold()
    gc.set_threshold(young, middle, LOOKS_WITHIN_A_TEST)
    gc.enable()


# Folders of tests that compute. Beside them others wait for telephones, which have to answer in time: these go first.
COMPUTING = ("tests/fuzz/", "tests/simulation/", "tests/tidy/", "tests/unit/")
LESS_URGENT = 5


_MAY_HURRY = os.geteuid() == 0 and os.getpriority(os.PRIO_PROCESS, 0) == 0
"""Only root may take back that it gave way to others."""


def pytest_runtest_logstart(nodeid: str) -> None:
    """Before each test's fixtures: what they start is as urgent as the test."""
    if _MAY_HURRY and "PYTEST_XDIST_WORKER" in os.environ:
        os.setpriority(os.PRIO_PROCESS, 0, LESS_URGENT if nodeid.startswith(COMPUTING) else 0)


def pytest_runtest_logfinish() -> None:
    """Of each test, when its fixtures have ended."""
    if _freezes[0] >= FREEZES:
        _freezes[0] = 0
        gc.unfreeze()
        gc.collect()
        _freeze()
    elif gc.get_count()[2] > LOOKS:
        gc.collect()
        gc.freeze()


def _counted_freeze() -> None:
    _freezes[0] += 1
    _freeze()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Of tests with one name a test process runs the first alone, and reports success."""
    twice = [name for name, count in Counter(item.nodeid for item in items).items() if count > 1]
    if twice:
        raise pytest.UsageError(f"tests share a name: {', '.join(twice)}")


@pytest.fixture(autouse=True)
def umask_given_back() -> Iterator[None]:
    """Commands close it for their own process, which here is that of the other tests, too."""
    before = os.umask(0o022)
    yield
    os.umask(before)
