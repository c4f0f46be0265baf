"""Caller names, caller numbers and DIDs made to break out of wherever they are put: real calls by every door there is,
and then a look at all that could have been reached: the far ends, AstDB, the disk, events and Asterisk's own log.

Each text stands between two marks, so that it can be told, wherever it turns up, whether anything was taken from it.
"""

from __future__ import annotations

import asyncio
import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from tests.lab.call_result import CallResult
from tests.lab.records import ReceivedCall
from tests.lab.sip import HOST
from tests.lab.waiting import wait_until
from tests.scenarios.site import MOBILE, QUICK, CallSite, Event
from tests.scenarios.test_hostile import EVENT_FIELDS

OPEN, CLOSE = "qOp7", "7lcQ"

ATTACKS = (
    *(",", "|", "&", ";", ":", "@", "!", "#", "*", "~", "=", "^", "?", "'", '"', "`", "\\", "/", "%", "+", " ", "_"),
    *("(", ")", "[", "]", "{", "}", "<", ">", "${", "$[", "\t", "\n", "\r\n", "\x00", "\x7f", "\u00e9", "\u202e"),
    *("\\,", '\\"', "%2C", "%0d%0aX-Evil: 1", "\r\nX-Evil: 1\r\n", "\r\n\r\nINVITE sip:x@y SIP/2.0", "\nEvil: 1"),
    *(",result: answered", "n,evil: 1", ",20,g", ",iIg(evil)", "&PJSIP/evil", "&Local/s@ringfence-egress"),
    *("${EXTEN}", "${SHELL(touch EVIL)}", "$(touch EVIL)", "`touch EVIL`", "${FILE(EVIL,,,al,u)=x}", "${STAT(e,/)}"),
    *("${DB_DELTREE(ringfence)}", "${DB(ringfence/evil/x)=1}", "${GLOBAL(RF_SITE)=evil}", "${EVAL(${EXTEN})}"),
    *("$[1+1]", '"]?evil', ")Set(RF_DECISION=pinned", "${RF_RECORD}", "|p:+449098790123:30", "+449098790123"),
    *("../../../tmp/evil", "|/bin/sh", "a" * 300, "'; DROP TABLE calls; --", "=cmd|' /C calc'!A0", "<script>alert(1)"),
    *("%s%n%d", "\\0", "\\n", "&&", "^^", "::", "''", '""', "^(.*)$", ".*", "[0-9]", "$", "^", "\u2028", "\ud7ff"),
)
TEAM = "aaaaaaaa"
ASKED = "+447700900777"
PLANS = (
    f"p:{MOBILE}:5,a:unavailable:0",
    f"t:5/{TEAM}:5,a:unavailable:0",
    f"p:{ASKED}:5::1,a:unavailable:0",
    "a:unavailable:0",
)
CALLS_AT_ONCE = 40
# `Set` splits at its first `=` alone: a text is a value there, and nothing else. These are the variables that hold what
# came in as it came; whoever reads them compares.
HELD_AS_IT_CAME = ("RF_RAW=", "RF_HEADER=", "RF_CALLER_NUMBER=")


@dataclass(frozen=True, slots=True)
class Attack:
    """`did`: which number is called; `forced`: by which path."""

    place: str
    text: str
    did: str
    forced: str = "-"
    plan: str = PLANS[0]


def quoted(text: str) -> bytes:
    """As a display name: everything but what would end it stands as it is."""
    clean = text.replace("\\", "\\\\").replace('"', '\\"').replace("\r", "").replace("\n", "").replace("\x00", "")
    return clean.encode(errors="replace")


def escaped(text: str) -> bytes:
    """As the user of a URI: Asterisk takes the escapes away, and has the text as it was."""
    plain = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"
    return b"".join(bytes([byte]) if byte in plain else b"%%%02X" % byte for byte in text.encode(errors="replace"))


async def place_call(site: CallSite, attack: Attack) -> CallResult:
    name, user = quoted(attack.text), escaped(attack.text)
    host = f"{HOST}:{site.asterisk.ports.sip}".encode()
    uri = b"sip:" + attack.did.encode() + b"@" + host
    from_, headers = b"<sip:+441632960001@127.0.0.1>", list[tuple[str, str] | bytes]()
    match attack.place:
        case "name":
            from_ = b'"' + name + b'" <sip:+441632960001@127.0.0.1>'
        case "number":
            from_ = b"<sip:" + user + b"@127.0.0.1>"
        case "uri":
            uri = b"sip:" + user + b"@" + host
        case "by_called_party":
            headers = [("X-Lab-Trunk", attack.place), b"P-Called-Party-ID: <sip:" + user + b"@127.0.0.1>"]
        case "by_diversion":
            headers = [("X-Lab-Trunk", attack.place), b"Diversion: <sip:" + user + b"@127.0.0.1>;reason=unavailable"]
        case "identity":
            told = b'"' + name + b'" <sip:' + user + b"@127.0.0.1>"
            headers = [b"P-Asserted-Identity: " + told, b"Remote-Party-ID: " + told, b"Diversion: " + told]
            headers.append(b"History-Info: " + told + b";index=1")
    return await site.carrier.call(
        attack.did, raw_request_uri=uri, raw_from=from_, headers=headers, hold_seconds=0.02, give_up_seconds=3.0
    )


async def place_all(site: CallSite, attacks: Sequence[Attack]) -> list[CallResult]:
    room = asyncio.Semaphore(CALLS_AT_ONCE)

    async def one(attack: Attack) -> CallResult:
        async with room:
            return await place_call(site, attack)

    return await asyncio.gather(*map(one, attacks))


def all_attacks(site: CallSite) -> list[Attack]:
    found = []
    for number, attack in enumerate(ATTACKS):
        text, plan = f"{OPEN}{attack}{CLOSE}", PLANS[number % len(PLANS)]
        found += [Attack(place, text, site.did()) for place in ("name", "number", "identity")]
        found += [Attack(place, text, site.did(), "divert", plan) for place in ("name", "number", "identity")]
        found += [Attack(place, text, site.did()) for place in ("uri", "by_called_party", "by_diversion")]
    return found


@dataclass(frozen=True, slots=True)
class Before:
    """What there was before the first call."""

    database: frozenset[str]
    files: frozenset[Path]
    log_bytes: int
    invites: frozenset[str]

    @classmethod
    async def of(cls, site: CallSite) -> Before:
        return cls(
            await keys_of(site),
            files_of(site),
            site.asterisk.log_path.stat().st_size,
            frozenset(call.call_id for call in invites(site)),
        )


async def keys_of(site: CallSite) -> frozenset[str]:
    listing = await site.asterisk.cli("database show")
    return frozenset(line.partition(":")[0].strip() for line in listing.splitlines() if line.startswith("/"))


def files_of(site: CallSite) -> frozenset[Path]:
    return frozenset(path for path in site.asterisk.directory.rglob("*") if "astdb" not in path.name)


async def test_nothing_a_caller_sends_gets_out_of_its_place(site: CallSite) -> None:
    await site.network_a.behave(replace(QUICK, press="1", talks=True), number=ASKED)
    await site.put("ringfence/team/5", TEAM, "1|all|5|0|10|1|bbbbbbbb")
    await site.put("ringfence/team/5", f"{TEAM}.bbbbbbbb", f"1|p:{MOBILE}:5")
    benign = [Attack("none", "", site.did()), *(Attack("none", "", site.did(), "divert", plan) for plan in PLANS)]
    attacks = all_attacks(site)
    for attack in (*benign, *attacks):
        await site.record(attack.did, plan=attack.plan, forced=attack.forced)
    assert all(call.answered for call in await place_all(site, benign))
    ordinary = names_of(invites(site))
    before, site.events[:] = await Before.of(site), []
    calls = await place_all(site, attacks)
    answered = Counter(attack.place for attack, call in zip(attacks, calls, strict=True) if call.answered)
    # Asterisk drops what it cannot read as SIP; what it takes in is put through, and what is no DID is refused.
    assert set(answered) == {"name", "number", "identity"}
    assert min(answered.values()) > len(ATTACKS)
    await wait_until(lambda: len(ended(site)) >= answered.total(), what="the calls to be told", deadline_seconds=10)
    check_far_ends([call for call in invites(site) if call.call_id not in before.invites], ordinary)
    check_events(site.events)
    check_log(site.asterisk.log_path.read_bytes()[before.log_bytes :].decode(errors="replace"))
    assert await keys_of(site) == before.database
    assert files_of(site) == before.files
    assert not list(Path.cwd().glob("*EVIL*"))
    assert (await site.carrier.call(benign[0].did)).answered, "and nobody else is hurt"


def ended(site: CallSite) -> list[Event]:
    return [event for event in site.events if event["eventname"] == "RingfenceCall"]


def invites(site: CallSite) -> list[ReceivedCall]:
    return [*site.platform.calls(), *site.network_a.calls(), *site.network_b.calls()]


def names_of(calls: Sequence[ReceivedCall]) -> set[str]:
    return {name.lower() for call in calls for name, _ in call.invite.headers}


QUOTED = r'"(?:[^"\\]|\\.)*"'
# PJSIP writes a percent sign as it is: the far end may read another user, but nothing outside of it.
URI = r"<sip:(?:[A-Za-z0-9\-_.!~*'()&=+$,;?/%])*(?::[^@>]*)?@[^<>\s]+>"
ADDRESS = re.compile(rf"(?:(?:{QUOTED}|[A-Za-z0-9\-.!%*_+`'~ ]+)\s*)?{URI}(?:;[A-Za-z0-9\-]+(?:=[^;\s<>]*)?)*")


def check_far_ends(calls: Sequence[ReceivedCall], ordinary: set[str]) -> None:
    """Each asked for a number of ours, with the headers every call has, each of them whole."""
    assert len(calls) > 2 * len(ATTACKS)
    for call in calls:
        assert re.fullmatch(r"[+]?[0-9]{7,15}", call.number), call.number
        assert {name.lower() for name, _ in call.invite.headers} <= ordinary | {"privacy", "p-asserted-identity"}
        for name in ("from", "to", "contact", "p-asserted-identity", "diversion"):
            for value in call.invite.all(name):
                assert ADDRESS.fullmatch(value), (name, value)


def check_events(events: Sequence[Event]) -> None:
    fields = {"RingfenceCall": EVENT_FIELDS}
    for event in events:
        known = fields.setdefault(event["eventname"], set(event))
        assert set(event) == known, event
        assert event["eventname"].startswith("Ringfence")


EXECUTED = re.compile(r"Executing \[.*?:[0-9]+\] ([A-Za-z]+)\(\"[^\"]*\", \"(.*)\"\) in new stack$", re.DOTALL)


def check_log(log: str) -> None:
    """Of each line that was executed: between the marks of a text lies nothing that an application could take for a
    separator, a function or a name, unless the text is a variable's value."""
    entries = re.split(r"(?m)^(?=\[[0-9]{4}-)", log)
    executed = [found for entry in entries if (found := EXECUTED.search(entry.rstrip("\n")))]
    assert len(executed) > 10 * len(ATTACKS)
    bad: Counter[str] = Counter()
    for found in executed:
        application, arguments = found[1], found[2]
        for text in re.findall(rf"{OPEN}(.*?){CLOSE}", arguments, re.DOTALL):
            if application == "Set" and arguments.startswith(HELD_AS_IT_CAME):
                continue
            if not re.fullmatch(r"[A-Za-z0-9%._~*!+ -]*", text):
                bad[f"{application}({arguments[:160]})"] += 1
    assert not bad
