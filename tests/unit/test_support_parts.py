"""What each part of a support bundle takes of what it is given: known fields, and nothing else."""

from __future__ import annotations

import json

from ringfence.cli.support import fields, log_lines
from ringfence.cli.support.asterisk_facts import QUESTIONS
from ringfence.cli.support.part import LEFT_OUT, json_part
from ringfence.config import Settings
from ringfence.domain.redaction import Redaction
from tests.fakes.node import SCOPE
from tests.fakes.thread import ServedNode
from tests.unit.command_line import ringfence, told

REDACTION = Redaction(b"k")
WHY = "Ada Lovelace is ill, ring 07700 900123"

ENDPOINTS = """
 Endpoint:  <Endpoint/CID.....................................>  <State.....>  <Channels.>
==========================================================================================

 Endpoint:  ada/+447700900123                                    In use        1 of inf
     InAuth:  ada/+447700900123
        Aor:  ada                                                1
      Contact:  ada/sip:+447700900123@192.0.2.7:5060             a1b2c3d4e5 Avail         1.234
  Transport:  udp                       udp      0      0  0.0.0.0:5060
    Channel: PJSIP/ada-00000001/Dial                             Up            00:00:12
        Exten: 07700900124                CLCID: "Ada" <+447700900123>
"""


def test_of_the_status_is_left_what_is_and_not_who_said_why(served: ServedNode) -> None:
    done = ringfence(served, "dr", "on", "--scope", SCOPE, "--reason", WHY, "--for", "2h", "--yes", who="ada")
    assert done.exit_code == 0, done.output
    status = told(ringfence(served, "status", "--json"))
    assert "Ada Lovelace is ill" in json.dumps(status), "else nothing is left out below"
    part = json_part("status.json", "", fields.status_without_people(status), REDACTION, fields.STATUS)
    shown = json.loads(part.text)
    assert shown["scopes"][0]["override"]["mode"] == "dr" and shown["scopes"][0]["decision"] == "divert"
    assert set(shown["overrides"][0]) == {"mode", "set_at", "until", "alone"}
    assert "Ada" not in part.text and '"ada"' not in part.text and "900123" not in part.text


def test_a_field_nobody_has_thought_about_stays_at_home() -> None:
    given = {"known": "a", "new": "b", "empty": "", "deep": [{"new": "c", "known": ["d", 7, True, None]}]}
    part = json_part("x.json", "", given, REDACTION, {"known"})
    assert json.loads(part.text) == {
        "known": "a",
        "new": LEFT_OUT,
        "empty": "",
        "deep": [{"new": LEFT_OUT, "known": ["d", 7, True, None]}],
    }


def test_every_field_that_may_be_told_of_the_configuration_exists() -> None:
    known = json.dumps(Settings.model_json_schema())
    assert [name for name in fields.CONFIGURATION if f'"{name}"' not in known] == []


def test_of_endpoints_are_left_names_places_and_states() -> None:
    taken = next(one.taken for one in QUESTIONS if one.line == "pjsip show endpoints")
    assert list(taken(ENDPOINTS)) == [
        "Endpoint ada: In use",
        "  Aor ada",
        "  Contact ada/192.0.2.7:5060 Avail",
        "  Transport udp",
    ]


def test_of_globals_are_left_ours() -> None:
    taken = next(one.taken for one in QUESTIONS if one.line == "dialplan show globals")
    assert list(taken("   RF_SITE=0a1b\n   TRUNK_PASSWORD=secret\n\n    -- 2 variables\n")) == ["RF_SITE=0a1b"]


def test_of_the_log_are_left_our_own_lines() -> None:
    lines = [
        '<30>1 a: {"event": "mode changed", "logger": "ringfence.app.failover", "who": "Ada", "new": "", "rows": 3}',
        '{"event": "GET /x", "logger": "uvicorn.access", "reason": "Ada"}',
        "{broken",
        "Ada called",
    ]
    first, second, last = (json.loads(line) for line in log_lines.told(lines, REDACTION).splitlines())
    assert first == {
        "event": "mode changed",
        "logger": "ringfence.app.failover",
        "who": LEFT_OUT,
        "new": LEFT_OUT,
        "rows": 3,
    }
    assert (second["event"], second["reason"], set(last.values())) == (LEFT_OUT, LEFT_OUT, {2})
