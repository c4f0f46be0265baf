"""What may stand in the audit record for ever."""

from __future__ import annotations

import pytest

from ringfence.domain.audit import AuditFact, AuditKind, masked, settled
from tests.unit.moments import START

NOW = START.wall
MOBILE_FORMS = ("+447700900123", "00447700900123", "07700 900123", "447700900123", "07700-900-123", "(07700) 900.123")


@pytest.mark.parametrize("written", MOBILE_FORMS)
def test_numbers_are_masked_wherever_they_are_written(written: str) -> None:
    fact = AuditFact(
        at=NOW,
        kind=AuditKind.PERSON,
        action=f"entered {written}",
        about=f"ada {written}",
        who=f"grace {written}",
        why=f"rang from {written}, twice",
        by=f"key {written}",
        detail={"numbers": f"first {written}", written: "x"},
    )
    kept = settled(fact)
    shown = repr((kept.action, kept.about, kept.who, kept.why, kept.by, dict(kept.detail)))
    digits = "".join(character for character in shown if character.isdigit())
    assert "900123" not in digits
    assert "7700" not in digits
    assert kept.why.endswith("123, twice") or kept.why.endswith("123), twice")


@pytest.mark.parametrize(
    "text",
    [
        "did:+441134960123",
        "dids:+441134960123,+441134960124",
        "dids:3:+441134960100-+441134960199:0123456789ab",
        "until 2026-11-22T08:14:26.123456+00:00",
        "on 2026-11-22",
        "from 192.168.100.200",
        "12 of 3000 people",
        "plan 4711",
        "call 1795336179.17",
        "call box-1795336179.170",
    ],
)
def test_what_is_no_telephone_number_stays(text: str) -> None:
    assert masked(text) == text


def test_a_day_does_not_hide_a_number_behind_it() -> None:
    assert "900123" not in masked("2026-11-2207700900123")
    assert "900123" not in masked("1795336179.07700900123")
    assert "900123" not in masked("did:+441134960123 moved to 07700900123")


def test_text_is_one_printable_line_and_ends() -> None:
    kept = settled(AuditFact(NOW, AuditKind.HR, "x" * 999, "a\nb\x00\ud800", "w" * 999, "y" * 9999))
    assert kept.about == "a?b??"
    assert (len(kept.action), len(kept.who), len(kept.why)) == (200, 200, 500)


def test_a_persons_key_is_left_for_its_pseudonym() -> None:
    assert settled(AuditFact(NOW, AuditKind.PERSON, "x", "person:00447700900", "a")).about == "person:00447700900"
