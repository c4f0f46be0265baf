from __future__ import annotations

import sys

import pytest

from ringfence.cli.programs import output_of


async def test_what_a_program_says_and_how_it_ends() -> None:
    answer = await output_of([sys.executable, "-c", "print('yes'); raise SystemExit(3)"], 30)
    assert answer == (3, b"yes\n")


async def test_it_has_nothing_to_read() -> None:
    assert await output_of(["cat"], 30) == (0, b"")


async def test_one_that_does_not_end_is_ended() -> None:
    with pytest.raises(TimeoutError):
        await output_of(["sleep", "3600"], 0.05)


async def test_one_that_is_not_there() -> None:
    with pytest.raises(FileNotFoundError):
        await output_of(["/nonexistent/program"], 30)
