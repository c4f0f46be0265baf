"""Which notice goes to whom, when it is tried again, and what no notice may hold."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from pydantic import ValidationError

from ringfence.app.notify.ports import Untold
from ringfence.app.notify.words import notice_of
from ringfence.channels.webhook_settings import WebhookSettings
from ringfence.config import ConfigError, parse
from ringfence.domain.notice import Notice, NoticeKind, Severity
from ringfence.domain.notice_mask import MAX_TEXT_CHARACTERS, MAX_TITLE_CHARACTERS, without_numbers
from ringfence.domain.notice_routes import (
    LONGEST_ASKED_WAIT_SECONDS,
    LONGEST_WAIT_SECONDS,
    Route,
    escalation_faults,
    loudest,
    routes_for,
    wait_seconds,
)
from ringfence.domain.notice_summary import summary
from ringfence.domain.ring_hours import parse_ring_hours
from tests.fakes.clock import NOON


def notice(
    kind: NoticeKind = NoticeKind.MODE, severity: Severity = Severity.INFO, scope: str = "uc", text: str = "So."
) -> Notice:
    return Notice("k", kind, severity, NOON, "A title", text, scope)


def test_a_route_takes_what_it_names_and_everything_where_it_names_nothing() -> None:
    mode, loud = frozenset({NoticeKind.MODE}), frozenset({Severity.CRITICAL})
    routes = [
        Route("all"),
        Route("modes", kinds=mode),
        Route("loud", severities=loud),
        Route("uc", scopes=frozenset({"uc"})),
        Route("later", escalations_only=True),
    ]
    assert routes_for(notice(), routes) == ("all", "modes", "uc")
    assert routes_for(notice(NoticeKind.HR, Severity.CRITICAL, "pbx"), routes) == ("all", "loud")
    assert routes_for(notice(scope=""), routes) == ("all", "modes", "uc")
    assert routes_for(notice(NoticeKind.TEST), routes) == ()


def test_an_outage_is_one_message_where_nobody_asked_for_more() -> None:
    """Its mode change and its incident are one event."""
    named = frozenset({NoticeKind.MODE, NoticeKind.INCIDENT})
    routes = [Route("all"), Route("loud", severities=frozenset({Severity.CRITICAL})), Route("tickets", kinds=named)]
    assert routes_for(notice(NoticeKind.MODE, Severity.CRITICAL), routes) == ("all", "loud", "tickets")
    assert routes_for(notice(NoticeKind.INCIDENT, Severity.CRITICAL), routes) == ("tickets",)


def test_who_hears_only_what_is_loud_hears_the_end_of_an_outage_too() -> None:
    loud = [Route("loud", severities=frozenset({Severity.WARNING, Severity.CRITICAL}))]
    rows = [
        Untold(1, "k", NOON, "uc", before, after, "outage", "silent", "ringfence", "")
        for before, after in (("NORMAL", "FAILED_OVER"), ("FAILED_OVER", "HOLD_DOWN"), ("TRIAL", "NORMAL"))
    ]
    told = [notice_of(row) for row in rows]
    assert [one is not None and bool(routes_for(one, loud)) for one in told] == [True, False, True]


@given(st.integers(1, 10_000), st.floats(0, 1), st.none() | st.floats(0, 1e9))
def test_a_wait_is_never_shorter_than_a_second_nor_longer_than_bounded(
    tries: int, share: float, asked: float | None
) -> None:
    waited = wait_seconds(tries, share, asked)
    assert 1 <= waited <= (LONGEST_WAIT_SECONDS if asked is None else LONGEST_ASKED_WAIT_SECONDS)
    if asked is not None:
        assert waited >= min(asked, LONGEST_ASKED_WAIT_SECONDS)


def test_waits_double_until_five_minutes() -> None:
    assert [wait_seconds(tries, 0) for tries in (1, 2, 3, 9, 10, 99)] == [1, 2, 4, 256, 300, 300]
    assert wait_seconds(10, 1) == 150


@given(
    st.sampled_from(["22:00-07:00", "sat-sun 00:00-24:00", "01:30-02:30", "mon-fri 18:00-08:00"]),
    st.sampled_from(["Europe/London", "America/New_York", "Australia/Lord_Howe", "Asia/Kathmandu"]),
    st.integers(0, 2 * 365 * 24 * 60).map(
        lambda minutes: datetime(2029, 1, 1, tzinfo=UTC) + timedelta(minutes=minutes)
    ),
)
def test_quiet_hours_always_end_within_three_days_and_say_what_the_wall_clock_says(
    hours: str, zone: str, at: datetime
) -> None:
    route = Route("desk", quiet=parse_ring_hours(hours, zone))
    if hours == "22:00-07:00":
        local = at.astimezone(ZoneInfo(zone))
        assert route.quiet_at(at) == (local.hour >= 22 or local.hour < 7)
    quarters = (at + timedelta(minutes=15 * step) for step in range(3 * 96))
    assert not all(route.quiet_at(moment) for moment in quarters)


def test_an_escalation_leads_somewhere_else() -> None:
    assert escalation_faults({"desk": "boss", "boss": ""}) == []
    assert "itself" in escalation_faults({"desk": "desk"})[0]
    assert "no [[notify]]" in escalation_faults({"desk": "nobody"})[0]


def test_the_configuration_names_every_fault_of_the_routes() -> None:
    raw = {
        "platform": [{"name": "uc", "host_port": "192.0.2.10:5060"}],
        "trunk": [{"name": "carrier", "host_port": "192.0.2.20:5060", "platform": "uc", "sources": ["192.0.2.20"]}],
        "egress_trunk": [{"name": "out", "host_port": "192.0.2.30:5060"}],
        "notify": [
            {"name": "desk", "type": "webhook", "url": "https://example.org/", "scopes": ["ux"], "escalate_to": "boss"},
            {"name": "mail", "type": "email", "host": "mail.example.org", "sender": "r@example.org"},
        ],
        "staff_messages": {"enabled": True, "by": "desk"},
    }
    with pytest.raises(ConfigError) as caught:
        parse(raw)
    told = str(caught.value)
    for words in ("platform 'ux'", "escalates to 'boss'", "nobody in `to`", "staff_messages.by is 'desk'"):
        assert words in told
    with pytest.raises(ValidationError, match="all hours"):
        WebhookSettings(type="webhook", name="desk", url="https://example.org/", quiet_hours="00:00-24:00")


DIGITS = st.text("0123456789", min_size=10, max_size=13)


@given(DIGITS, st.sampled_from(["", " ", "-", "."]), st.sampled_from(["+44", "0", "0044", "+1"]), st.text(max_size=20))
def test_no_private_number_gets_through_however_it_is_spaced(digits: str, gap: str, begin: str, around: str) -> None:
    written = begin + gap.join([digits[:4], digits[4:7], digits[7:]])
    safe = without_numbers(notice(text=f"Somebody at {written} rang"), lambda number: False)
    shown = "".join(character for character in safe.text if character.isdigit())
    assert digits[:6] not in shown
    assert len(shown) <= 5  # the calling code and the last three
    without_numbers(notice(text=around + written + around), lambda number: False)


def test_dates_times_and_our_own_dids_stay() -> None:
    text = "Since 2030-01-15 12:00 UTC, 10.0.0.12:5060, version 1.2.3, DID +44 113 496 0012, 2,097 people, port 15060."
    safe = without_numbers(notice(text=text), lambda number: number == "+441134960012")
    assert safe.text == text


def test_an_identifier_is_no_number_and_a_number_with_letters_around_it_is_one() -> None:
    text = "Approve it with `ringfence dr approve 0123456789abcdef0123456789012345`."
    assert without_numbers(notice(text=text), lambda number: False).text == text
    for hidden in ("tel07700900123", "x447700900123", "07700900123a", "a07700900123b"):
        assert "900" not in without_numbers(notice(text=f"From {hidden} today"), lambda number: False).text


def test_a_title_is_one_line_and_nothing_is_longer_than_channels_take() -> None:
    wild = Notice(
        "k", NoticeKind.MODE, Severity.INFO, NOON, "a\r\nBcc: x\x00" + "b" * 500, "c\x1b[31m\nd" + "e" * 9_999
    )
    safe = without_numbers(wild, lambda number: False)
    assert safe.title.startswith("a Bcc: x") and safe.title.isprintable() and len(safe.title) == MAX_TITLE_CHARACTERS
    assert safe.text.startswith("c[31m\nd") and len(safe.text) == MAX_TEXT_CHARACTERS


def test_a_summary_is_as_loud_as_its_loudest_and_names_the_last() -> None:
    assert loudest([Severity.INFO, Severity.CRITICAL, Severity.WARNING]) is Severity.CRITICAL
    told = [
        Notice(f"k{n}", NoticeKind.MODE, Severity.INFO, NOON + timedelta(seconds=n), f"title {n}", f"text {n}", "uc")
        for n in range(30)
    ]
    one = summary(told, "summary:1", NOON)
    assert one.title == "30 more notices about uc, the last: title 29"
    assert "text 29" in one.text and "(and 10 before these)" in one.text and "title 9\n" not in one.text
