"""What counts as this machine itself: secrets go there without TLS, so a wrong yes gives them away."""

from __future__ import annotations

import pytest

from ringfence.domain.loopback import is_loopback


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.10", "::1", "[::1]", "localhost", "LOCALHOST"])
def test_here(host: str) -> None:
    assert is_loopback(host)


@pytest.mark.parametrize("host", ["", "192.0.2.1", "0.0.0.0", "::", "localhost.example.org", "127.0.0.1.example.org"])
def test_elsewhere(host: str) -> None:
    assert not is_loopback(host)
