"""What a caller would experience, over the records and modes that are wanted in Asterisk at this moment, and what the
data plane has written there by itself: the turns of rotations, the identities it has learnt, and which trunks are down.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Final

from ringfence.app.operator import NotNow, OrderRefused
from ringfence.app.ports import AstDb, AsteriskError, Clock
from ringfence.app.table_keeper import TableKeeper
from ringfence.domain.record_text import RecordError
from ringfence.domain.records import decode_route
from ringfence.domain.simulation import simulate
from ringfence.domain.simulation_values import Assumptions, Question, Simulation, SiteRules
from ringfence.domain.team import record_id
from ringfence.domain.team_records import team_target

_LIVE: Final = ("turn/", "identity/", "egress/")


class Simulator:
    """`mode` gives the wanted value of a key of the modes; None: there is none."""

    def __init__(
        self,
        keeper: TableKeeper,
        astdb: AstDb,
        mode: Callable[[str], str | None],
        rules: Callable[[], SiteRules],
        clock: Clock,
    ) -> None:
        self._keeper = keeper
        self._astdb = astdb
        self._mode = mode
        self._rules = rules
        self._clock = clock

    async def ask(
        self, did: str, trunk: str | None, at: datetime | None, assumed: Assumptions, caller: str = ""
    ) -> tuple[Question, Simulation, bool]:
        """One call to this DID (E.164), and whether Asterisk could be asked for what it keeps itself. `trunk` None: the
        first one whose calls go to the DID's platform. `at` (aware) None: now. Raises OrderRefused for a trunk that is
        not configured, NotNow before there is a table."""
        table = self._keeper.table
        if table is None:
            raise NotNow("did", "no directory has been read yet, so there is nothing to simulate", "Try again shortly.")
        rules = self._rules()
        if trunk is not None and trunk not in rules.trunks:
            raise OrderRefused(
                "trunk", f"there is no trunk {trunk[:64]!r}", f"Known: {', '.join(sorted(rules.trunks))}."
            )
        moment = at or self._clock.now().wall
        question = Question(did, trunk or self._usual_trunk(did, rules), moment, assumed, caller)
        live: dict[str, str | None] = {}
        missing: list[str] = []

        def value(key: str) -> str | None:
            if key.startswith(_LIVE):
                if key not in live:
                    missing.append(key)
                return live.get(key)
            return self._mode(key) if key.startswith("mode/") else table.get(key)

        # Which keys it takes is known when it has been tried: two or three rounds.
        while True:
            found = simulate(question, value, rules)
            if not missing:
                return question, found, True
            try:
                live |= {key: await self._astdb.get(key) for key in set(missing)}
            except AsteriskError:
                return question, found, False
            missing.clear()

    def names(self) -> Mapping[str, str]:
        """What people call the teams and sites of AstDB's keys."""
        directory = self._keeper.directory
        if directory is None:
            return {}
        return {team_target(name): name for name in directory.teams} | {
            record_id(name): name for name in directory.sites
        }

    def _usual_trunk(self, did: str, rules: SiteRules) -> str:
        scope = None
        try:
            scope = decode_route(self._keeper.wanted_record(did) or "").scope
        except RecordError:
            pass  # nobody's DID: any trunk
        fitting = [name for name, trunk in rules.trunks.items() if trunk.platform == scope]
        return next(iter(fitting or rules.trunks), "")
