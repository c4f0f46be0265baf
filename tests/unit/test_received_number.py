"""The reading of numbers without an Asterisk: ranges, their faults, and where in an INVITE the DID is."""

from __future__ import annotations

import pytest

from ringfence.domain.received_invite import MAX_HEADERS, Invite, parse_invite
from ringfence.domain.received_number import (
    SENTENCES,
    BareNumber,
    DidSource,
    NumberRules,
    Rule,
    range_tails,
    read_number,
    why_not_ranges,
)
from tests.fakes.captures import invite

EXTENSION = NumberRules(bare=BareNumber.EXTENSION, ranges=("+441134960xxx", "+441134971xxx"), extension_length=4)


def test_every_rule_has_a_sentence() -> None:
    assert set(SENTENCES) == set(Rule)


@pytest.mark.parametrize(
    ("received", "did"),
    [
        ("0123", "+441134960123"),
        ("1123", "+441134971123"),
        ("2123", "2123"),
        ("123", "123"),
        ("01134972123", "+441134972123"),
    ],
)
def test_the_last_digits_tell_the_range(received: str, did: str) -> None:
    assert read_number(received, EXTENSION).did == did


@pytest.mark.parametrize(
    ("ranges", "length", "words"),
    [
        (("+441134960xxx", "+441134971xxx"), 0, "cannot be told apart by the last 3 digits"),
        (("+441134960xxx", "+44113496x0xx"), 0, "is no range"),
        (("01134960xxx",), 0, "is no range"),
        (("+44113xxxxxxxxxxxx",), 0, "is no range"),
        (("+441134960xxx",), 2, "extension_length 2 does not fit"),
        (("+441134960xxx", "+4411347200xx"), 4, "cannot be told apart"),
    ],
)
def test_ranges_that_say_too_little_are_refused(ranges: tuple[str, ...], length: int, words: str) -> None:
    assert words in (why_not_ranges(ranges, length) or "")


def test_ranges_of_different_length_are_told_apart_by_it() -> None:
    ranges = ("+441134960xxx", "+4411349710xx")
    assert why_not_ranges(ranges, 0) is None
    assert range_tails(ranges, 0) == (("+441134960", "xxx"), ("+4411349710", "xx"))


def test_the_first_header_of_a_kind_counts_short_or_folded_as_it_may_be() -> None:
    text = (
        b"INVITE tel:+441;npdi SIP/2.0\r\nt: <sip:2@x>\r\nDiversion: <sip:3@a>\r\nDiversion: <sip:4@b>\r\n"
        b"P-Called-Party-ID:\r\n <tel:+445>\r\ni: abc\r\nf: <sip:9@x>;tag=1\r\n\r\nTo: <sip:6@x>"
    )
    found = parse_invite(text)
    assert found is not None
    texts = {source: found.text(source) for source in DidSource}
    assert texts == {
        DidSource.REQUEST_URI: "+441",
        DidSource.TO: "2",
        DidSource.P_CALLED_PARTY_ID: "+445",
        DidSource.DIVERSION: "3",
    }
    assert (found.call, found.is_first) == (("abc", ";tag=1"), True)


def test_an_invite_within_a_call_begins_none() -> None:
    found = parse_invite(invite("sip:1@x", to='"A;tag=1" <sip:1@x;tag=2>'))
    assert found is not None and found.is_first
    found = parse_invite(invite("sip:1@x", to="<sip:1@x>;tag=abc"))
    assert found is not None and not found.is_first


@pytest.mark.parametrize("text", [b"", b"INVITE", b"INVITE  SIP/2.0", b"BYE sip:1@x SIP/2.0\r\n\r\n", b"\xff" * 90])
def test_anything_else_is_no_invite(text: bytes) -> None:
    assert parse_invite(text) is None


def test_headers_beyond_all_reason_are_not_read() -> None:
    text = b"INVITE sip:1@x SIP/2.0\r\n" + b"X: y\r\n" * MAX_HEADERS + b"To: <sip:2@x>\r\n\r\n"
    assert parse_invite(text) == Invite("sip:1@x", {})
