"""Numbers, days and what hides them: from people, feeds, carriers and captures."""

from __future__ import annotations

import os
import re
import tempfile
from datetime import UTC
from pathlib import Path
from typing import Final
from zoneinfo import ZoneInfo

from ringfence.cli.capture_file import InviteFile, Unreadable
from ringfence.domain.audit import masked
from ringfence.domain.hr.dates import DateError, DateOrder, is_showable, read_day, read_moment
from ringfence.domain.notice_mask import masked_but_ours
from ringfence.domain.numbers import (
    NumberError,
    is_e164,
    mask,
    mask_text,
    parse_did,
    parse_e164,
    parse_number,
    spaced,
)
from ringfence.domain.received_invite import MAX_EXTENSION_CHARACTERS, did_text
from ringfence.domain.received_number import BareNumber, DidSource, NumberRules, read_number, why_not_ranges
from ringfence.domain.redaction import Redaction
from tests.fakes.captures import (
    CARRIER,
    asterisk_log,
    ethernet,
    fragments,
    invite,
    pcap,
    pcapng,
    sipp_trace,
    sngrep_text,
    tcp,
    udp,
)
from tests.fuzz.target import Target, Try, hides, holds, shape

RULES: Final = (
    NumberRules(),
    NumberRules(bare=BareNumber.NATIONAL, international_prefix="", national_prefix=""),
    NumberRules(bare=BareNumber.EXTENSION, ranges=("+441134960xxx", "+44113496100x"), extension_length=4),
)
CALL: Final = invite("sip:+441134960123@ours.example", headers=("P-Called-Party-ID: <tel:+441134960123>",))


def targets() -> tuple[Target, ...]:
    return (
        Target("number", "a number as people and spreadsheets write it", "domain.numbers", _number, grows=False),
        Target("number-received", "a number as a carrier sends it", "domain.received_number", _received),
        Target("sip-header", "where in a header the DID is", "domain.received_invite", _header),
        Target(
            "capture",
            "captures and logs for check-the-numbers",
            "cli.capture_file domain.capture_packets domain.received_invite",
            _capture,
            made=_captures,
            max_bytes=16384,
        ),
        Target("day", "days and moments as HR systems write them", "domain.hr.dates", _day),
        Target("mask-notice", "numbers taken out of notices", "domain.notice_mask domain.numbers", _mask_notice),
        Target("mask-audit", "numbers taken out of the record", "domain.audit", _mask_audit),
        Target("mask-bundle", "what may leave the house in a support bundle", "domain.redaction", _redaction),
    )


def _captures() -> tuple[bytes, ...]:
    return (
        pcap([ethernet(udp(CALL))]),
        pcapng([ethernet(udp(CALL), vlans=1)]),
        pcap([tcp(CALL, 1)], framing=101),
        pcap(map(ethernet, fragments(udp(CALL), 64))),
        asterisk_log([(CARRIER, CALL)]),
        sngrep_text([(CARRIER, CALL)]),
        sipp_trace([(CARRIER, CALL)]),
    )


def _number() -> Try:
    def attempt(data: bytes) -> str:
        text = data.decode("utf-8", "replace")
        told, found = [], []
        for read in (parse_number, parse_e164, parse_did):
            try:
                one = read(text, "GB")
            except NumberError as error:
                digits = "".join(c for c in text if c.isdigit())
                holds(len(digits) < 6 or digits[-6:] not in str(error), "the error repeats the number", error)
                told.append(shape(error))
                continue
            found.append(one if isinstance(one, str) else one.e164)
        holds(len(set(found)) <= 1 and len(found) in (0, 3), "read in two ways", (found, told))
        if not found:
            holds(";" in told[0] or "write" in told[0] or "is no" in told[0], "an error without a fix", told[0])
            hides(mask_text(text), *([text] if text.isdigit() and len(text) > 8 else []))
            return told[0]
        holds(is_e164(found[0]), "a number that is none", found)
        holds(parse_e164(spaced(found[0]), "GB") == found[0], "read otherwise after writing", found)
        hides(mask(found[0]), found[0])
        return "a number"

    return attempt


def _received() -> Try:
    def attempt(data: bytes) -> str:
        text, told = data.decode("latin-1"), []
        for rules in RULES:
            read = read_number(text, rules)
            holds(read.refused or re.fullmatch(r"\+?[0-9]{1,19}", read.did), "what is looked up is no number", read.did)
            holds(all(fired.sentence for fired in read.fired), "a rule without words")
            told.append(read.fired[-1].rule)
        why_not_ranges([text, "+441134960xxx"], 4)
        return " ".join(told)

    return attempt


def _header() -> Try:
    def attempt(data: bytes) -> str:
        value = data.decode("utf-8", "replace")
        found = [did_text(source, value) for source in DidSource]
        holds(len(found[0]) <= MAX_EXTENSION_CHARACTERS or next(iter(DidSource)) != DidSource.REQUEST_URI, "too long")
        holds("\0" in value or not any("\0" in one for one in found), "a zero byte ends no text", value)
        return " ".join("some" if one else "none" for one in found)

    return attempt


def _capture() -> Try:
    handle, name = tempfile.mkstemp(prefix="ringfence-fuzz-")
    os.close(handle)
    path = Path(name)

    def attempt(data: bytes) -> str:
        path.write_bytes(data)
        file = InviteFile(path)
        try:
            count = 0
            for _, one in file.invites():
                count += 1
                _ = one.is_first, one.call
                for source in DidSource:
                    one.text(source)
        except Unreadable as error:
            return shape(error)
        finally:
            path.unlink()
        return f"{min(count, 3)} calls, {shape(file.damaged)[:30]}"

    return attempt


def _day() -> Try:
    london = ZoneInfo("Europe/London")

    def attempt(data: bytes) -> str:
        text, told = data.decode("utf-8", "replace"), []
        for order in DateOrder:
            for zone in (None, london):
                try:
                    day = read_day(text, order) if zone is None else read_moment(text, order, zone)
                except DateError as error:
                    holds(
                        not re.search(r"[0-9]{6,}", text) or text[:20] not in str(error), "the error repeats it", error
                    )
                    told.append(shape(error))
                    continue
                told.append(type(day).__name__)
                if zone is not None and day is not None:
                    holds(day.tzinfo is UTC, "a moment that is not in UTC", day)  # type: ignore[union-attr]
        is_showable(text)
        return " | ".join(sorted(set(told)))

    return attempt


def _mask_notice() -> Try:
    def attempt(data: bytes) -> str:
        text = data.decode("utf-8", "replace")
        shown = masked_but_ours(text, lambda number: False)
        left = re.search(r"(?<![0-9a-zA-Z])(?:\+|00|0)[0-9]{9,14}(?![0-9a-zA-Z])", shown)
        holds(left is None, "a number is shown", text[:200])
        return "masked" if shown != text else "as it was"

    return attempt


def _mask_audit() -> Try:
    def attempt(data: bytes) -> str:
        text = data.decode("utf-8", "replace")
        shown = masked(text)
        if "did" not in text:
            for hit in re.finditer(r"(?<![0-9.:-])0[0-9]{9,10}(?![0-9.:-])", text):
                holds(hit[0] not in shown, "a number is shown", text[:200])
        return "masked" if shown != text else "as it was"

    return attempt


def _redaction() -> Try:
    redaction = Redaction(b"a key of this run", ["secret-word"])

    def attempt(data: bytes) -> str:
        text = data.decode("utf-8", "replace")
        shown = redaction.text(text)
        faults = redaction.faults_in(shown)
        holds(not faults or text.count("%") > 5, "something is left", (text[:100], shown[:100], faults))
        return "redacted" if shown != text else "as it was"

    return attempt
