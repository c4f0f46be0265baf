"""The notices' side as the daemon wires it: what it says before anything is told."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import cast

from pydantic import SecretStr

from ringfence.app.hr.desk import RosterDesk
from ringfence.app.snapshot import Snapshot
from ringfence.app.table_keeper import TableKeeper
from ringfence.bootstrap.notice_side import NoticeSide
from ringfence.config import Secrets, parse
from ringfence.store.database import Database
from tests.fakes.clock import FakeClock
from tests.unit.test_config import GOOD

ROUTES = """
[[notify]]
name = "desk"
type = "webhook"
url = "http://127.0.0.1:9/"

[[notify]]
name = "tickets"
type = "webhook"
url = "http://127.0.0.1:9/"
"""


def test_a_route_that_cannot_be_opened_says_so_before_there_is_anything_to_tell(tmp_path: Path) -> None:
    word, clock = SecretStr("lab-secret-0123456789abcdef"), FakeClock()
    secrets = Secrets(ari_secret=word, ami_secret=word, http_token=word, notify={"tickets": word})
    now = clock.now()
    side = NoticeSide(
        parse(tomllib.loads(GOOD + ROUTES)),
        secrets,
        Database.at(tmp_path / "ringfence.db"),
        clock,
        cast(TableKeeper, None),
        cast(RosterDesk, None),
        lambda: Snapshot("node", now, now),
        tuple,
    )
    failing = {worker.route.name: worker.failing for worker in side.workers}
    assert failing["tickets"] == ""
    assert "notify_desk_secret" in failing["desk"]
    assert side.words() == ("route desk takes no notices",)
