"""An HR export of everybody, taken in by a node that has their directory already: the first one and the next."""

from __future__ import annotations

from dataclasses import replace

from tests.lab.faults.large_table import watching_records
from tests.lab.faults.result import Bound, Row
from tests.lab.faults.stage import Stage
from tests.lab.hr_site import Employee, HrSite
from tests.lab.size.large_stage import Spent, Stopwatch, memory_mb
from tests.lab.size.organisation import LargeOrganisation
from tests.lab.waiting import LabError, wait_until

MEMORY_MB = 600
CHANGED = 10
RECORDS_DEADLINE_SECONDS = 120.0


async def hr_file(stage: Stage, organisation: LargeOrganisation) -> Row:
    """Alone: no calls and no other work. The daemon goes on from what came before it."""
    site, pid = HrSite(stage.node, organisation), stage.node.process.pid
    everybody = [Employee(number) for number in range(organisation.people)]
    try:
        watch = Stopwatch(pid)
        plan = (await site.feed(everybody))["plan"]
        taken = watch.spent()
        approved = None if plan is None else await _approved(site, plan, pid)
        changed = await _changed(stage, organisation, site, everybody)
    except TimeoutError:
        raise LabError("the daemon did not answer for a minute") from None
    resident, peak = memory_mb(pid)
    held = "nothing held" if approved is None else f"what was held approved and routed by after {approved}"
    what = (
        f"a first export of {organisation.people} people: read, compared and stored after {taken}, {held}; the next "
        f"one, with ten new numbers, until Asterisk holds the last of their records: {changed}; resident then: "
        f"{resident} MB"
    )
    return Row("HR file", what, (Bound("at most", peak, MEMORY_MB, "MB"),))


async def _approved(site: HrSite, plan: int, pid: int) -> Spent:
    watch = Stopwatch(pid)
    await site.approve(plan)
    return watch.spent()


async def _changed(stage: Stage, organisation: LargeOrganisation, site: HrSite, everybody: list[Employee]) -> Spent:
    dids = [organisation.did(number) for number in range(CHANGED)]
    numbers = {number: organisation.mobile(number).replace("+447700", "+447701") for number in range(CHANGED)}
    some = [replace(one, more={"private_number": numbers[one.number]}) for one in everybody[:CHANGED]]
    async with watching_records(stage, dids) as records:
        watch = Stopwatch(stage.node.process.pid)
        run = await site.feed([*some, *everybody[CHANGED:]])
        if run["plan"] is not None:
            await site.approve(run["plan"])
        await wait_until(
            lambda: all(len(record.changes) > 1 for record in records),
            what="the records that HR changed",
            deadline_seconds=RECORDS_DEADLINE_SECONDS,
        )
        return watch.spent(max(record.changes[-1].at for record in records))
