"""`ringfence capacity`: from rows in a journal to channels and money, printed and as JSON, without a daemon."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner, Result

from ringfence.domain.calls import AnsweredBy, CallRecord
from ringfence.domain.erlang import channels_for
from ringfence.store.journal_store import SqlJournalStore
from tests.fakes.calls import a_call
from tests.fakes.program import program
from tests.fakes.smallest import smallest_in
from tests.integration.stores import opened

TWO_MINUTES_MS = 120_000
EGRESS = '\n[[egress_trunk]]\nname = "spare"\nhost_port = "192.0.2.31:5060"\nchannels = 4\n'


@pytest.fixture
async def config(tmp_path: Path) -> Path:
    """A journal with an hour of 120 calls, one each 30 s, yesterday: 4 erlangs; and a quiet one the day before."""
    path = tmp_path / "ringfence.toml"
    path.write_text(smallest_in(tmp_path / "state", last="channels = 10\n" + EGRESS))
    (tmp_path / "state").mkdir()
    hour = datetime.now(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(days=1)
    calls = [_call(number, hour + timedelta(seconds=30 * number, minutes=2)) for number in range(116)]
    calls += [_call(500 + number, hour - timedelta(days=1, minutes=number)) for number in range(3)]
    calls.append(_call(900, hour, scope="", answered_by=AnsweredBy.NOBODY))
    calls.append(_call(901, hour - timedelta(days=40)))
    async with opened(tmp_path / "state" / "ringfence.db") as database:
        await SqlJournalStore(database).append(calls)
    return path


def _call(number: int, ended: datetime, **said: Any) -> CallRecord:
    usual = {"call_id": f"node-{number}", "ended_at": ended, "duration_ms": TWO_MINUTES_MS, "ringing_after_ms": 0}
    return a_call(**usual | said)


def ringfence(config: Path, *arguments: str) -> Result:
    environment = {"RINGFENCE_SOCKET": None, "RINGFENCE_CONFIG": None, "COLUMNS": "200"}
    return CliRunner(env=environment).invoke(program(), ["--config", str(config), "capacity", *arguments])


def test_the_busiest_hour_is_laid_against_the_trunks(config: Path) -> None:
    done = ringfence(config, "--per-minute", "0.02", "--per-call", "0.1", "--json")
    assert done.exit_code == 0, done.output
    found = json.loads(done.stdout)
    whole = found["everything"]
    assert (whole["calls"], whole["mean_seconds"]) == (119, 120), "neither the refused one nor the old one"
    erlangs = 116 * 120 / 3600
    assert whole["busy_hour"]["erlangs"] == pytest.approx(erlangs, abs=0.01)
    assert whole["channels_needed"] == channels_for(erlangs) == 10
    assert whole["busy_hour"]["cost"] == pytest.approx(116 * (2 * 0.02 + 0.1))
    first, second = whole["trunks"]
    assert (first["channels"], first["reserved_for_critical"], first["enough_alone"]) == (8, 2, False)
    assert 0 < second["offered_erlangs"] < 0.2, "what the first has no room for"
    assert found["channels"] == 10
    assert [one["platform"] for one in found["platforms"]] == ["uc"]


def test_it_is_said_in_words_and_as_a_status(config: Path) -> None:
    done = ringfence(config, "--per-minute", "0.02", "--check")
    assert done.exit_code == 0, done.output
    for words in ("119 calls", "3.87 erlangs", "10 channels would do", "ENOUGH.", "too few: 10 needed", "232 minutes"):
        assert words in done.stdout, done.stdout
    config.write_text(config.read_text().replace("channels = 10", "channels = 3"))
    tight = ringfence(config, "--check")
    assert tight.exit_code == 4 and "NOT ENOUGH" in tight.stdout, tight.output


def test_without_calls_or_without_a_journal_it_says_so(config: Path, tmp_path: Path) -> None:
    assert "There was no call" in ringfence(config, "--since", "1m").stdout
    assert ringfence(config, "--since", "soon").exit_code == 2
    (tmp_path / "state" / "ringfence.db").rename(tmp_path / "elsewhere.db")
    gone = ringfence(config)
    assert gone.exit_code == 1 and "There is no database" in gone.stderr, gone.output
