"""A figure of the page: from an agent's click to the first call that it moved."""

from __future__ import annotations

from tests.lab.browser import chromium
from tests.lab.faults.result import Bound, Row
from tests.lab.faults.small import CALLS_PER_SECOND, Figure, first_rerouted
from tests.lab.faults.stage import Stage
from tests.lab.page_visit import confirm, preview, release, signed_in

NAME = "page: click to rerouted call"
CLICK_MS = 300
ROUNDS = 3
SECONDS_A_ROUND = 6.0


async def _click(stage: Stage) -> Row:
    """The worst of some rounds, under traffic. The preview has been looked at before: people take their time for it."""
    carrier = stage.lab.carrier
    already = len(carrier.records())
    taken_ms: list[float] = []
    async with chromium() as browser, signed_in(browser, stage.node) as agent:
        await stage.lab.bring_calls(
            stage.dids,
            call_count=int(CALLS_PER_SECOND * ROUNDS * SECONDS_A_ROUND),
            calls_per_second=CALLS_PER_SECOND,
            hold_seconds=0.2,
        )
        await carrier.wait_records(already + 20, deadline_seconds=10)
        for _ in range(ROUNDS):
            await preview(agent.page, "scope:uc", "dr")
            clicked_at = await confirm(agent.page, "dr")
            taken_ms.append((await first_rerouted(stage, clicked_at) - clicked_at) * 1000)
            await release(agent.page)
            await stage.watch.wait("normal", clicked_at, deadline_seconds=5)
    await carrier.finish()
    what = (
        "from the click on the page, in Chromium, to the INVITE of the first call sent to a default number, worst of "
        f"{ROUNDS}"
    )
    return Row(NAME, what, (Bound("first rerouted call after", round(max(taken_ms)), CLICK_MS, "ms"),))


PAGE_FIGURES: dict[str, Figure] = {NAME: _click}
