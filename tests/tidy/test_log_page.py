"""The page of the log lists every message that the daemon can write, as the code has it."""

from __future__ import annotations

import re

from ringfence.cli.support.log_lines import FIELDS
from tests.tidy.log_calls import LogCall, log_calls
from tests.tidy.tree import ROOT, text_of

PAGE = ROOT / "docs" / "reference" / "log.md"
ROW = re.compile(r"^\| (.+?) \| ([a-z ]+) \| `([\w.]+)` \| ((?:`\S+` ?)*)\| (.*?) ?\|$", re.MULTILINE)
ABOUT_PEOPLE = {"account", "address", "detail", "did", "dids", "folder", "left_out", "leavers", "session", "who", "…"}


def test_every_message_is_listed_as_the_code_has_it() -> None:
    listed = [
        LogCall(message, module, levels, " ".join(re.findall(r"`(\S+)`", fields)))
        for message, levels, module, fields, _ in ROW.findall(text_of(PAGE))
    ]
    assert len(listed) > 100
    assert sorted(listed) == log_calls(), "docs/reference/log.md and the code differ"


def test_a_bundle_for_support_has_each_field_or_leaves_it_out_on_purpose() -> None:
    said = {field for call in log_calls() for field in call.fields.split()}
    assert said - FIELDS == ABOUT_PEOPLE & said
    assert set() == FIELDS & ABOUT_PEOPLE
