"""How gently the table is written and read back, by a clock that counts how long somebody slept."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from ringfence.app.paced import AT_ONCE, BATCH, LONGEST_PAUSE_SECONDS, RECORDS_PER_SECOND, PacedAstDb
from ringfence.app.ports import AsteriskRefused, Put
from ringfence.domain.moment import Moment
from tests.fakes.astdb import FakeAstDb
from tests.unit.moments import at


class Clock:
    """Whoever sleeps has slept."""

    def __init__(self) -> None:
        self.moment = at(0)
        self.slept: list[float] = []

    def now(self) -> Moment:
        return self.moment

    async def sleep(self, seconds: float) -> None:
        self.slept.append(seconds)
        self.moment = self.moment.plus(seconds)


class AstDb(FakeAstDb):
    """Takes so long for each write and each read, by this clock."""

    def __init__(self, clock: Clock, seconds: float = 0.0) -> None:
        super().__init__()
        self.clock, self.seconds = clock, seconds
        self.batches: list[tuple[int, int]] = []

    async def write(self, puts: Sequence[Put], deletes: Sequence[str]) -> None:
        self.batches.append((len(puts), len(deletes)))
        self.clock.moment = self.clock.moment.plus(self.seconds)
        await super().write(puts, deletes)

    async def read_tree(self, key: str) -> dict[str, str]:
        self.clock.moment = self.clock.moment.plus(self.seconds)
        return await super().read_tree(key)


def puts(count: int) -> list[Put]:
    return [Put(f"did/1/{number}", "1") for number in range(count)]


async def test_many_records_are_written_in_order_at_our_pace_and_few_at_once() -> None:
    clock = Clock()
    astdb = AstDb(clock)
    paced = PacedAstDb(astdb, clock)
    await paced.write(puts(AT_ONCE), [])
    assert not clock.slept
    many = puts(20_000)
    await paced.write(many, ["did/1/7", "did/1/8"])
    assert astdb.puts[AT_ONCE:] == many
    assert sum(clock.slept) == pytest.approx(20_002 / RECORDS_PER_SECOND)
    assert max(map(sum, astdb.batches)) == BATCH, "a call waits for the whole of one"
    assert astdb.batches[-1] == (0, 2), "what is deleted comes last"
    assert "did/1/7" not in astdb.rows
    # What was not used while nothing was to be done is no excuse for more than a few at once.
    clock.moment = clock.moment.plus(3_600)
    clock.slept.clear()
    await paced.write(puts(AT_ONCE + 9_000), [])
    assert sum(clock.slept) == pytest.approx(9_000 / RECORDS_PER_SECOND)


async def test_whoever_is_slower_already_is_not_slowed_down() -> None:
    clock = Clock()
    paced = PacedAstDb(AstDb(clock, seconds=BATCH / RECORDS_PER_SECOND * 1.01), clock)
    await paced.write(puts(20_000), [])
    assert not clock.slept


async def test_after_a_read_asterisk_is_left_alone_as_long_as_it_took() -> None:
    clock = Clock()
    astdb = AstDb(clock, seconds=0.012)
    astdb.rows = {"did/12/a": "1"}
    paced = PacedAstDb(astdb, clock)
    assert await paced.read_tree("did/1_") == {"did/12/a": "1"}
    assert clock.slept == [pytest.approx(0.012)]
    astdb.seconds = 2.0
    await paced.read_tree("did/1_")
    assert clock.slept[1] == LONGEST_PAUSE_SECONDS, "one that is frozen or overloaded is not made slower yet"


async def test_a_refusal_is_told_and_nothing_more_is_written() -> None:
    class Refusing(FakeAstDb):
        async def put(self, key: str, value: str) -> None:
            if key == f"did/1/{BATCH + 7}":
                raise AsteriskRefused("no")
            await super().put(key, value)

    astdb = Refusing({"did/1/gone": "1"})
    with pytest.raises(AsteriskRefused, match="no"):
        await PacedAstDb(astdb, Clock()).write(puts(3 * BATCH), ["did/1/gone"])
    assert len(astdb.puts) == BATCH + 7
    assert "did/1/gone" in astdb.rows
