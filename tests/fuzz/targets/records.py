"""What is read back from AstDB, where anything may have been written, and texts of the same grammar."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from typing import Any, Final

from ringfence.app.node_claim import read_claim
from ringfence.domain.identities import decode_identity
from ringfence.domain.record_text import MAX_RECORD_BYTES, RecordError
from ringfence.domain.records import (
    decode_mode,
    decode_node,
    decode_route,
    decode_table,
    encode_mode,
    encode_node,
    encode_route,
    encode_table,
    shadowed,
)
from ringfence.domain.ring_hours import RingHoursError, parse_ring_hours
from ringfence.domain.route_plan import PRIVATE
from ringfence.domain.shadow import read_would
from ringfence.domain.target_words import target_words
from ringfence.domain.team_records import (
    decode_member,
    decode_opening,
    decode_team,
    encode_member,
    encode_opening,
    encode_team,
)
from tests.fuzz.target import Target, Try, hides, holds, shape

MOBILE: Final = "+447700900123"


def targets() -> tuple[Target, ...]:
    return (
        Target(
            "record-route",
            "a DID's record, or a trunk's fallback",
            "domain.records domain.record_text domain.step_text",
            lambda: _both_ways(decode_route, encode_route, lambda record: hides_private(record.undeliverable)),
        ),
        Target("record-mode", "a platform's mode, also in shadow", "domain.records domain.record_text", _mode),
        Target(
            "record-table",
            "how the table stands",
            "domain.records domain.record_text",
            lambda: _both_ways(decode_table, encode_table),
        ),
        Target("record-node", "who publishes here", "domain.records domain.record_text app.node_claim", _node),
        Target(
            "record-team",
            "a team line",
            "domain.record_text domain.step_text domain.team_records",
            lambda: _both_ways(decode_team, encode_team),
        ),
        Target(
            "record-member",
            "a member's numbers",
            "domain.record_text domain.step_text domain.team_records",
            lambda: _both_ways(decode_member, encode_member),
        ),
        Target(
            "record-opening",
            "a site's opening hours and holidays",
            "domain.record_text domain.step_text domain.team_records",
            lambda: _both_ways(decode_opening, encode_opening),
        ),
        Target("record-identity", "what a trunk's carrier refused", "domain.identities", _identity),
        Target("shadow-row", "what shadow mode would have done, in the journal", "domain.shadow", _would),
        Target("opening-hours", "ring hours as people write them", "domain.ring_hours", _hours),
        Target("target-key", "what a row of history is about", "domain.target_words", _target_words),
    )


def hides_private(steps: Any) -> None:
    """A plan that people and events may see holds no private number."""
    holds(not any(step.kind in PRIVATE for step in steps), "a private number in the undeliverable plan")


def _both_ways(
    decode: Callable[[str], Any], encode: Callable[[Any], str], check: Callable[[Any], None] = lambda record: None
) -> Try:
    def attempt(data: bytes) -> str:
        text = data.decode("utf-8", "surrogateescape")
        try:
            record = decode(text)
        except RecordError as error:
            hides(error, MOBILE)
            return shape(error)
        check(record)
        written = encode(record)
        holds(len(written.encode(errors="replace")) <= MAX_RECORD_BYTES, "longer than a record may be", written)
        holds(decode(written) == record, "read otherwise after writing", text)
        return f"{type(record).__name__} of {len(written) // 64}"

    return attempt


def _mode() -> Try:
    both = _both_ways(decode_mode, encode_mode)

    def attempt(data: bytes) -> str:
        said = both(data)
        if said.startswith("ModeRecord"):
            record = decode_mode(data.decode("utf-8", "surrogateescape"))
            still = decode_mode(shadowed(encode_mode(record)))
            holds(still.shadow and still.decision == "pinned", "a shadow that moves calls", still)
            return f"{record.decision} {record.mode} {record.override}"
        return said

    return attempt


def _node() -> Try:
    both = _both_ways(decode_node, lambda record: encode_node(record))

    def attempt(data: bytes) -> str:
        text = data.decode("utf-8", "surrogateescape")
        claim = read_claim(text)
        if claim is None:
            return "binds nobody"
        # A name is for people, and loses what would break the record.
        plain = claim.node_name == encode_node(claim).split("|")[2]
        return both(data) if plain else "a name that is cleaned"

    return attempt


def _identity() -> Try:
    def attempt(data: bytes) -> str:
        try:
            found = decode_identity("out", data.decode("utf-8", "surrogateescape"), timedelta(days=1))
        except RecordError as error:
            return shape(error)
        holds(found.until > found.learnt_at and found.sentence, "an identity without an end", found)
        return found.rung

    return attempt


def _would() -> Try:
    def attempt(data: bytes) -> str:
        text = data.decode("utf-8", "surrogateescape")
        found = read_would(text)
        if found is None:
            return "none"
        holds(read_would(found.text) == found, "read otherwise after writing", text)
        return f"{found.answered_by} {found.diverted}"

    return attempt


def _hours() -> Try:
    def attempt(data: bytes) -> str:
        text = data.decode("utf-8", "replace")
        try:
            hours = parse_ring_hours(text, "Europe/London")
        except RingHoursError as error:
            holds(";" in str(error) or ":" in str(error), "an error that says no fix", error)
            return shape(error)
        holds(parse_ring_hours(hours.words, "Europe/London") == hours, "read otherwise after writing", text)
        holds(hours.words.isascii(), "digits that the dialplan has not", hours.words)
        return f"{len(hours.days)} days, {hours.begins < hours.ends}"

    return attempt


def _target_words() -> Try:
    def attempt(data: bytes) -> str:
        return target_words(data.decode("utf-8", "replace"), lambda did: "[did]").partition(" ")[0][:20]

    return attempt
