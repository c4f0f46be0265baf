"""The doctor's look at Asterisk's own call records."""

from __future__ import annotations

from pathlib import Path

import pytest

from ringfence.cli.doctor.finding import State
from ringfence.cli.doctor.ground import Ground
from ringfence.cli.doctor.record_checks import call_records
from ringfence.config import load
from tests.unit.command_line import run_ringfence
from tests.unit.test_call_records import NOON, row


def ground(home: Path) -> tuple[Ground, Path]:
    """As `init` leaves it, with the records in the test's own folder."""
    config, records = home / "ringfence.toml", home / "Master.csv"
    files = ("--config", str(config), "--state-dir", str(home), "--asterisk-conf-dir", str(home / "conf"))
    far_ends = ("--platform", "192.0.2.10:5060", "--trunk-source", "192.0.2.20", "--egress", "192.0.2.20:5060")
    done = run_ringfence("init", *files, *far_ends)
    assert done.exit_code == 0, done.output
    text = config.read_text()
    assert "[asterisk]" not in text
    config.write_text(f'{text}\n[asterisk]\ncdr_csv = "{records}"\n')
    found = Ground(config)
    found.settings_read = load(config)
    return found, records


@pytest.mark.parametrize(
    ("text", "state", "said"),
    [
        (row(1, NOON) + row(2, NOON, ours=""), State.OK, "tell what became of calls"),
        ("", State.OK, "no call of ours"),
        (row(1, NOON, ours=""), State.WARN, "do not tell"),
        (None, State.WARN, "No such file"),
    ],
)
async def test_what_it_says(text: str | None, state: State, said: str, tmp_path: Path) -> None:
    asked, records = ground(tmp_path)
    if text is not None:
        records.write_text(text)
    (finding,) = await call_records(asked)
    assert (finding.state, said in finding.words) == (state, True), finding
    assert bool(finding.fix) is (state is State.WARN)
