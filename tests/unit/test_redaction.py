"""Nothing that could be a number, a secret or a person is left in a text; what a supporter needs is."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ringfence.domain.redaction import Redaction

REDACTION = Redaction(b"k" * 32, ["open sesame", "hunter2"])


@pytest.mark.parametrize(
    "written",
    [
        "+447700900123",
        "00447700900123",
        "07700900123",
        "+44 7700 900 123",
        "07700-900123",
        "(0)7700 900123",
        "+44 (0) 7700.900.123",
        "sip:+447700900123@192.0.2.1",
        "%2B447700900123",
        "x447700900123y",
        "01.13.49.60.123",
        "192.0.2.1.5.5.5",
        "900 1234",
        "ada@example.org",
    ],
)
def test_it_is_taken_out_however_it_is_written(written: str) -> None:
    shown = REDACTION.text(f"before {written} after")
    assert shown.startswith("before ") and shown.endswith(" after")
    assert "900" not in shown and "123" not in shown and "ada" not in shown
    assert REDACTION.faults_in(written) != []
    assert REDACTION.faults_in(shown) == []


@pytest.mark.parametrize(
    "harmless",
    [
        "2030-01-15T12:00:00.123456+00:00",
        "2030-01-15 12:00:00 and 2030-01-16",
        "198.51.100.20:5060, 10.0.0.0/24",
        "Asterisk 22.4.1",
        "schema 0012, 123456 rows",
        "200 OK after 1800 ms",
    ],
)
def test_what_a_supporter_needs_stays(harmless: str) -> None:
    assert REDACTION.text(harmless) == harmless


def test_one_number_has_one_mark_and_another_bundle_another() -> None:
    marks = {REDACTION.text(one) for one in ("+447700900123", "07700 900123", "00447700900123")}
    assert len(marks) == 1
    assert REDACTION.text("+447700900124") not in marks
    assert Redaction(b"other").text("+447700900123") not in marks


def test_a_secret_is_found_wherever_it_is() -> None:
    assert REDACTION.text("password=hunter2;") == "password=[secret];"
    assert REDACTION.faults_in("https://x/?t=open%20sesame") == ["a secret"]


def test_a_measure_stays_and_a_number_in_disguise_does_not() -> None:
    assert REDACTION.number(12.3456) == 12.35
    assert REDACTION.number(123_456) == 123_456
    assert str(REDACTION.number(447_700_900_123)).startswith("[number ")


@given(st.text(alphabet="0123456789+-. ()/:T%2B@a,\n", max_size=60))
def test_whatever_comes_nothing_is_left_to_find(text: str) -> None:
    assert [fault for fault in REDACTION.faults_in(REDACTION.text(text)) if fault != "a secret"] == []
