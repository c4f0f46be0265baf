"""What people bring about: two at once on one platform, a wrong file, a feed that lost half of the staff or all of it.

The scope is in DR, so that a call shows whose number the directory has for a DID.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any
from urllib.parse import quote

from tests.lab.faults.measuring import Act, Fault, Kind, Load, Measured
from tests.lab.faults.node_faults import in_dr
from tests.lab.faults.result import Bound
from tests.lab.faults.stage import SMALL, Stage, opened
from tests.lab.hr_site import COLUMNS, SOURCES, Employee, HrSite, prepare
from tests.lab.installation import Installation
from tests.lab.node import RingfenceNode

LOAD = Load(count=220)
STORED_SECONDS = 20.0
ORDERS = 40
"""Of each of the two."""
MODES = ("dr", "normal", "freeze", "")
"""In turn; none: a release."""


def change_faults() -> list[Fault]:
    """In the order of the table, all on one stage."""
    return [
        Fault(
            "two agents at once",
            f"two people give {ORDERS} orders each about the same platform as fast as they are answered: DR, normal, "
            "freeze and release in turn, every other one on the condition that nobody was faster",
            Kind.TRANSPARENT,
            _race,
            load=LOAD,
            judge=_as_ordered,
        ),
        _held(
            "wrong import",
            "a file with one wrong line, a file in another order, and one that gives all of the staff each "
            "other's numbers, by hand and by the feed",
            _import_wrongly,
        ),
        _held("mass leavers", "the feed has lost every second person", _feed(lambda n: n % 2 == 0)),
        _held("empty feed", "the feed has its headings and nobody", _feed(lambda n: False)),
    ]


def _held(name: str, what: str, bring: Act) -> Fault:
    async def act(stage: Stage) -> None:
        before = await _directory(stage)
        await bring(stage)
        stage.must("directory changed", int(await _directory(stage) != before), 0)

    return Fault(name, what, Kind.DIVERTED, act, in_dr, witness=_nobody_moved, load=LOAD)


@asynccontextmanager
async def change_stage(installation: Installation) -> AsyncIterator[Stage]:
    """With a feed that has brought everybody, and a person who said yes to it."""
    async with opened(installation, more=SOURCES, prepare=prepare) as stage:
        site = HrSite(stage.node, SMALL)
        run = await site.feed(Employee(n) for n in range(SMALL.people))
        if run["plan"] is not None:
            await site.approve(run["plan"])
        await stage.node.wait_table(SMALL.dids)
        yield stage


async def _directory(stage: Stage) -> Any:
    return await stage.node.must("GET", "/v1/export")


async def _nobody_moved(stage: Stage) -> None:
    """Each call rang at the mobile of the DID's own person."""
    numbers = {SMALL.did(n): SMALL.mobile(n) for n in range(SMALL.people)}
    calls = stage.accounts(stage.began_at)
    stage.must("at another's", sum(a.leg is None or a.leg.number != numbers[a.offered.did] for a in calls), 0)


async def _import_wrongly(stage: Stage) -> None:
    good = SMALL.people_csv().splitlines()
    for lines in ([*good[:50], "p49,Twice,nowhere,0113 496 x", *good[51:]], ["place,name,key", *good[1:]]):
        status, _ = await _imported(stage, lines)
        stage.must("wrong file taken", int(status != 422), 0)
    # Whole files that fit together, with half of the staff and their DIDs: what is not right shows in how much goes.
    half = SMALL.people // 2
    dids = SMALL.dids_csv().splitlines()
    status, said = await _imported(stage, good[: half + 1], [line for line in dids if not _owned_from(line, half)])
    stage.notes.append(f"half of the staff, by hand, was answered with {status}: {said.get('error', '')}")
    stage.must("half of the staff taken", int(status != 409), 0)
    run = await _fed(stage, (Employee(n, {"private_number": SMALL.mobile(n ^ 1)}) for n in range(SMALL.people)))
    stage.must("changed numbers let through", SMALL.people - run["held"].get("number_change", 0), 0)


async def _imported(stage: Stage, people: Iterable[str], dids: Iterable[str] = ()) -> tuple[int, Any]:
    given = {"people": people, "dids": dids} if dids else {"people": people}
    files = {name: {"name": f"{name}.csv", "text": "\n".join(lines) + "\n"} for name, lines in given.items()}
    return await stage.node.ask("POST", "/v1/import", {**files, "dry_run": False})


def _owned_from(line: str, number: int) -> bool:
    owner = line.split(",")[1]
    return owner.startswith("p") and owner[1:].isdecimal() and int(owner[1:]) >= number


def _feed(kept: Any) -> Act:
    async def act(stage: Stage) -> None:
        run = await _fed(stage, (Employee(n) for n in range(SMALL.people) if kept(n)))
        stage.notes.append(
            f"the run was {run['outcome']}: {run['detail']}" if run["detail"] else f"it was {run['outcome']}"
        )
        stage.must("let through", sum(run["accepted"].values()), 0)

    return act


async def _fed(stage: Stage, employees: Iterable[Employee]) -> dict[str, Any]:
    """As `HrSite.feed`, whatever becomes of it."""
    rows = [employee.row(SMALL) for employee in employees]
    lines = [",".join(COLUMNS), *(",".join(row.get(column, "") for column in COLUMNS) for row in rows)]
    folder = stage.node.directory / "feeds"
    number = len(list(folder.glob("*.csv"))) + 1
    aside = folder / "next.part"
    aside.write_text("\n".join(lines) + "\n")
    aside.rename(folder / f"people-{number:04}.csv")
    done = await stage.node.must("POST", "/v1/hr/sync", {"source": "payroll", "dry_run": False})
    run: dict[str, Any] = done["runs"][0]["run"]
    return run


async def _race(stage: Stage) -> None:
    since = datetime.now(UTC)
    taken = await asyncio.gather(*(_agent(stage.node, name) for name in ("ada", "bo")))
    accepted = {why for words in taken for why in words}
    await stage.wait_stored(STORED_SECONDS)  # what took longer than its deadline is stored behind it
    rows = await _audited(stage, since)
    reasons = [row["why"] for row in rows]
    stage.notes.append(f"{len(accepted)} orders were accepted, {2 * ORDERS - len(accepted)} refused as too late")
    stage.must("accepted and not audited", len(accepted - set(reasons)), 0)
    stage.must("audited and not accepted", len(set(reasons) - accepted), 0)
    stage.must("audited twice", len(reasons) - len(set(reasons)), 0)
    wrong = sum([why for why in reasons if why in words] != words for words in taken)
    stage.must("audited in another order", wrong, 0)
    stage.must("none refused", int(len(accepted) == 2 * ORDERS), 0)
    words = (await stage.node.must("GET", "/v1/status"))["overrides"]
    stands = [word["reason"] for word in words if word["scope"] == "uc"]
    last = [row["why"] for row in rows[-1:] if row["action"] != "override released"]
    stage.must("the last one does not stand", int(stands != last), 0)


async def _agent(node: RingfenceNode, name: str) -> list[str]:
    """The reasons of the orders that were accepted, oldest first."""
    accepted = []
    for number in range(ORDERS):
        why, mode = f"{name} {number}", MODES[number % len(MODES)]
        words = (await node.must("GET", "/v1/status"))["overrides"]
        seen = next((word["id"] for word in words if word["scope"] == "uc"), "none")
        expected = {"expected": seen} if number % 2 else {}
        if mode:
            status, _ = await node.ask("PUT", "/v1/override", {"mode": mode, "scope": "uc", "reason": why, **expected})
        else:
            asked = f"scope=uc&reason={quote(why)}" + (f"&expected={seen}" if expected else "")
            status, answer = await node.ask("DELETE", f"/v1/override?{asked}")
            if status == 200 and not answer["released"]:
                continue  # there was none any more, and nothing was done
        if status == 200:
            accepted.append(why)
    return accepted


async def _audited(stage: Stage, since: datetime) -> list[dict[str, Any]]:
    """Oldest first."""
    asked = f"/v1/audit?kind=override&limit=1000&since={quote(since.isoformat())}"
    rows: list[dict[str, Any]] = (await stage.node.must("GET", asked))["rows"]
    return rows[::-1]


def _as_ordered(stage: Stage, measured: Measured) -> list[Bound]:
    """Calls go where the last word sends them; what must hold is that none is lost, and what the audit says."""
    return []
