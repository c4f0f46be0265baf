"""How many writes are on their way to Asterisk at once: counted, without Asterisk."""

from __future__ import annotations

from collections.abc import Sequence
from typing import cast

import pytest

from ringfence.app.ports import AsteriskRefused, Put
from ringfence.asterisk.ami import AmiSession, Reply, Sent
from ringfence.asterisk.ami_link import AmiLink
from ringfence.asterisk.astdb import WINDOW, AmiAstDb


class Session:
    """Counts what was sent and not yet answered. Refuses the put with this number."""

    def __init__(self, refused: int | None = None) -> None:
        self.actions: list[str] = []
        self.under_way: list[int] = []
        self.answered = 0
        self.refused = refused

    def send_all(self, name: str, many: Sequence[dict[str, str]]) -> list[Sent]:
        sent = [cast(Sent, len(self.actions) + number) for number in range(len(many))]
        self.actions += [f"{name} {fields['Key']}" for fields in many]
        self.under_way.append(len(self.actions) - self.answered)
        return sent

    async def answers(self, sent: Sequence[Sent], _deadline_seconds: float) -> list[Reply]:
        self.answered += len(sent)
        return [Reply(cast(int, one) != self.refused, "in words") for one in sent]


class Link:
    """As much of a link as a write needs."""

    def __init__(self, session: Session) -> None:
        self._session = session

    def session(self) -> AmiSession:
        return cast(AmiSession, self._session)


PUTS = [Put(f"did/1/{number}", "1") for number in range(5 * WINDOW + 7)]


async def test_asterisk_has_the_next_window_while_it_works_and_no_more() -> None:
    session = Session()
    await AmiAstDb(cast(AmiLink, Link(session))).write(PUTS, ["did/1/gone"])
    assert session.actions == [*(f"DBPut {put.key}" for put in PUTS), "DBDel did/1/gone"]
    assert session.answered == len(session.actions)
    assert session.under_way == [WINDOW, *[2 * WINDOW] * 4, WINDOW + 7, 1], "a delete waits for every put"


async def test_a_refusal_in_any_window_is_told_and_nothing_is_deleted() -> None:
    for refused in (0, WINDOW, len(PUTS) - 1):
        session = Session(refused)
        with pytest.raises(AsteriskRefused, match="in words"):
            await AmiAstDb(cast(AmiLink, Link(session))).write(PUTS, ["did/1/gone"])
        assert not any(action.startswith("DBDel") for action in session.actions)
