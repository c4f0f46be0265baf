"""The row of texts that are made to break out of wherever they are put, by real calls in DR.

Then a look at all that shows what was in them: AstDB, dialplan, disk, the daemon's log, its answers, pages and files.
"""

from __future__ import annotations

import asyncio
import json
import re
from collections.abc import Sequence
from urllib.parse import quote

from prometheus_client.parser import text_string_to_metric_families

from tests.lab.faults.attack_stage import divert_count, forget_use, kept_keys
from tests.lab.faults.measuring import Fault, Kind, Load
from tests.lab.faults.stage import CALLED_DIDS, Stage
from tests.lab.sip import HOST, encode
from tests.scenarios.test_attack_input import ATTACKS, CLOSE, OPEN, escaped, quoted

PER_SECOND = 20.0
PAGES = ("/", "/calls", "/incidents", "/audit", "/notices", "/people", "/sources")
ANSWERS = ("/v1/status", "/v1/calls?limit=1000", "/v1/history", "/v1/audit?limit=1000", "/v1/incidents")
ORDERS = ("=cmd|' /C calc'!A0", "@SUM(1)", "<script>alert(2)</script>", "a\u202eb", '"},{"event":"forged')
"""What a person may give as a reason; it goes into the audit record, its files and its pages."""


def injection_fault() -> Fault:
    return Fault(
        "injection",
        f"in DR {len(ATTACKS)} texts as caller's name, caller's number, number called and identity headers, by real "
        f"calls, and {len(ORDERS)} as a person's reason; then all that shows them is looked at",
        Kind.DIVERTED,
        _inject,
        prepare=_prepare,
        witness=_look,
        load=Load(count=440),
    )


async def _prepare(stage: Stage) -> None:
    await forget_use(stage)
    await stage.order("dr")
    await stage.watch.wait("divert", stage.began_at, deadline_seconds=5)
    await stage.lab.caller.call(stage.dids[0])  # with the first call since its start Asterisk knows the site's globals
    stage.rows_before = dict.fromkeys(await kept_keys(stage), "") | {"globals": await _globals(stage)}


async def _inject(stage: Stage) -> None:
    """Every caller once; the numbers called are owned, but for those that are the attack."""
    dids = stage.organisation.owned_dids()[CALLED_DIDS:]
    calls = []
    for number, attack in enumerate(ATTACKS):
        text = f"{OPEN}{attack}{CLOSE}"
        for place in ("name", "number", "uri", "identity"):
            calls.append(asyncio.create_task(_call(stage, place, text, dids[number % len(dids)]), name="injection"))
            await asyncio.sleep(1 / PER_SECOND)
    answered = sum(await asyncio.gather(*calls))
    stage.notes.append(f"{len(calls)} calls, {answered} of them put through")
    stage.must("none put through", int(answered < len(ATTACKS)), 0)
    did = dids[-1]
    for reason in ORDERS:
        await stage.node.ask("PUT", "/v1/override", {"mode": "dr", "did": did, "reason": reason})
        await stage.node.ask("DELETE", f"/v1/override?did={quote(did)}&reason={quote(reason)}")


async def _call(stage: Stage, place: str, text: str, did: str) -> bool:
    name, user = quoted(text), escaped(text)
    told = b'"' + name + b'" <sip:' + user + b"@127.0.0.1>"
    at = encode(f"{HOST}:{stage.lab.asterisk.ports.sip}")
    callers = {"name": b'"' + name + b'" <sip:+441632960001@127.0.0.1>', "number": b"<sip:" + user + b"@127.0.0.1>"}
    identity = [header + b": " + told for header in (b"P-Asserted-Identity", b"Remote-Party-ID", b"Diversion")]
    result = await stage.lab.caller.call(
        did,
        raw_request_uri=b"sip:" + (user if place == "uri" else encode(did)) + b"@" + at,
        raw_from=callers.get(place, b"<sip:+441632960001@127.0.0.1>"),
        headers=identity if place == "identity" else (),
        hold_seconds=0.02,
        give_up_seconds=3.0,
    )
    return result.answered


async def _look(stage: Stage) -> None:
    node, asterisk = stage.node, stage.lab.asterisk
    stage.must("failovers", divert_count(stage) - 1, 0)
    stage.must("rows left in AstDB", len((await kept_keys(stage)) - set(stage.rows_before)), 0)
    listing = await asterisk.cli("database show")
    stage.must("of a text in AstDB", listing.count(OPEN), 0)
    stage.must("globals changed", int(await _globals(stage) != stage.rows_before["globals"]), 0)
    stage.must("files made", len([*asterisk.directory.rglob("*EVIL*"), *node.directory.rglob("*EVIL*")]), 0)
    pages = {path: await node.text(path) for path in (*PAGES, f"/did/{quote(stage.dids[0])}")}
    stage.must("pages not shown", sum("<body" not in text for text in pages.values()), 0)
    stage.must("broken out of a page", sum(len(_loose_in_html(text)) for text in pages.values()), 0)
    answers = [await node.text(path) for path in ANSWERS]
    stage.must("answers that are no JSON", sum(not _is_json(text) for text in answers), 0)
    stage.must("lines of metrics with a text", _texts_in_metrics(await node.text("/metrics")), 0)
    log = (node.directory / "daemon.log").read_text(encoding="utf-8", errors="replace")
    stage.must("lines of the log that are no JSON", sum(not _is_json(line) for line in log.splitlines()), 0)
    csv = await node.text("/v1/audit/export?format=csv&reason=looked+at")
    stage.must("formulas in the audit's CSV", len(_formulas(csv)), 0)
    stage.must("reasons missing in it", int("calc" not in csv), 0)
    seen = [sum(text.count(OPEN) for text in texts) for texts in (pages.values(), answers)]
    stage.notes.append(f"{seen[0]} texts on pages, {seen[1]} in answers, {log.count(OPEN)} in the log, each as a text")
    stage.must("texts never seen", int(not all(seen)), 0)


async def _globals(stage: Stage) -> str:
    return await stage.lab.asterisk.cli("dialplan show globals")


def _loose_in_html(text: str) -> Sequence[str]:
    """A text of a caller that did not stay within its cell, or a reason that became a tag."""
    cells = re.findall(re.escape(OPEN) + r"([^<]*)<(/?)", text)
    return [
        *(cell for cell, closing in cells if not closing or set(cell) & set("<>\"'")),
        *re.findall("<script>al", text),
    ]


def _is_json(text: str) -> bool:
    try:
        json.loads(text)
    except ValueError:
        return False
    return True


def _texts_in_metrics(text: str) -> int:
    """Raises ValueError where the whole cannot be read any more."""
    families = list(text_string_to_metric_families(text))
    assert families
    return text.count(OPEN)


def _formulas(csv: str) -> list[str]:
    """Cells that a spreadsheet would work out."""
    return re.findall(r'(?:^|,)"([=@+-][^"]*)', csv, re.MULTILINE)
